//! What a lint is, and the one way to define it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::rules::RuleSet;
use crate::rules::model::{Profile, Span};

use super::finding::{Finding, Level, Related};

/// One lint.
#[derive(Debug)]
pub struct Lint {
    /// The stable code, such as `W101`.
    pub code: &'static str,
    /// The name: what it finds, so that it reads after "allow".
    pub name: &'static str,
    /// How bad its findings are unless the caller says otherwise; `None`: it is off.
    pub level: Option<Level>,
    /// Its page in the manual, as Markdown: each line of the doc comment with its leading space.
    pub(super) page: &'static str,
    /// Looks at all rules and reports.
    pub(super) check: fn(&RuleSet, &mut Report),
}

impl Lint {
    /// Its level in a word.
    pub fn level_name(&self) -> &'static str {
        self.level.map_or("off", Level::name)
    }

    /// The page in the manual, as Markdown.
    pub fn page(&self) -> String {
        page_text(self.code, self.name, self.level_name(), self.page)
    }
}

/// A heading, then a doc comment's lines without their leading space.
pub(super) fn page_text(code: &str, name: &str, level: &str, doc: &str) -> String {
    let mut page = format!("# {code} {name} ({level})\n\n");
    for line in doc.lines() {
        page.push_str(line.strip_prefix(' ').unwrap_or(line));
        page.push('\n');
    }
    page
}

/// Defines `LINT`. The doc comment is both the documentation of the item and the page.
macro_rules! lint {
    ($(#[doc = $line:literal])+ $code:literal, $name:literal, $level:expr, $check:path) => {
        $(#[doc = $line])+
        pub(super) const LINT: $crate::lint::Lint = $crate::lint::Lint {
            code: $code,
            name: $name,
            level: $level,
            page: concat!($($line, "\n",)+),
            check: $check,
        };
    };
}
pub(super) use lint;

/// Which sandboxes of their own rules may ask for.
pub trait Sandboxes: std::fmt::Debug {
    /// Why this one can't be had, if so.
    fn lacking(&self, asked: &Profile) -> Option<String>;
    /// What they are called.
    fn names(&self) -> Vec<&str>;
}

/// Where one lint puts its findings.
#[derive(Debug)]
pub struct Report<'a> {
    pub(super) sandboxes: &'a dyn Sandboxes,
    code: &'static str,
    level: Level,
    workspaces: Vec<PathBuf>,
    findings: Vec<Finding>,
    pairs: BTreeSet<(Span, Span)>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        code: &'static str,
        level: Level,
        workspaces: &[PathBuf],
        sandboxes: &'a dyn Sandboxes,
    ) -> Self {
        Self {
            sandboxes,
            code,
            level,
            workspaces: workspaces.to_owned(),
            findings: Vec::new(),
            pairs: BTreeSet::new(),
        }
    }

    /// Where sessions are started.
    pub(super) fn workspaces(&self) -> &[PathBuf] {
        &self.workspaces
    }

    /// Adds a finding at `span`.
    pub(super) fn add(&mut self, span: Span, message: String, help: Option<String>) {
        self.push(span, message, help, None);
    }

    /// Adds a finding at `span` that has to do with another place; one for each pair of places,
    /// as alternative programs make several rules of one call.
    pub(super) fn add_related(
        &mut self,
        span: Span,
        message: String,
        help: Option<String>,
        related: Related,
    ) {
        if self.pairs.insert((span, related.span)) {
            self.push(span, message, help, Some(related));
        }
    }

    fn push(
        &mut self,
        span: Span,
        message: String,
        help: Option<String>,
        related: Option<Related>,
    ) {
        self.findings.push(Finding {
            code: self.code.to_owned(),
            level: self.level,
            file: span.file,
            span: Some(span),
            message,
            help,
            related,
        });
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
