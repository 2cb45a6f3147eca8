//! Rules whose text is ours: those that ship in the binary, and those in tests.

use super::interpret::interpret;
use super::language::Language;
use super::layer::Layer;
use super::lexical::Whereabouts;
use super::model::{RuleSet, RulesFile};
use super::wire::{KnownNames, SourceText};

/// Evaluates `text` as a file called `name`, in this process and without the limits that
/// [`super::load`] puts on files of others.
pub fn from_own_text(name: &str, text: &str) -> RuleSet {
    let source = SourceText {
        file: 0,
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let said = interpret(
        &Language::new(false),
        &source,
        &KnownNames::default(),
        Whereabouts::default(),
    );
    let mut rules = RuleSet::default();
    rules.files.push(RulesFile {
        name: source.name,
        layer: Layer::default(),
        text: source.text,
    });
    rules.add(said);
    rules
}
