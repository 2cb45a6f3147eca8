//! What options have for a value where they aren't there.

use serde::{Deserialize, Serialize};

/// A value that an option has where it isn't there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DefaultValue {
    /// With this other option; `None`: with none of those of the other defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The value; `None`: a configuration says it, or the surroundings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Whether it need not be written down.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
