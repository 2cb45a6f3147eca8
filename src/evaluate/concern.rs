//! Whether any rule could speak of a program: most execs are of programs that none does, and then
//! nobody needs to know whether their names are to be believed.

use super::index::IndexedRules;
use super::names::Names;
use crate::request::Request;

impl IndexedRules {
    /// Whether a rule has one of the request's program's names. If not, its trust changes nothing.
    pub fn concern(&self, request: &Request) -> bool {
        Names::of(request, None)
            .iter()
            .any(|name| self.has_rules_on(name.name))
    }
}
