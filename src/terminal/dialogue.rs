//! One question on a terminal. An answer is a whole word and Enter, typed after the question was shown.
//!
//! # Who may answer
//!
//! A question on the terminal is put by the keeper, which carries nothing across until it is answered. First
//! the terminal ends whatever the command began, and is asked where its cursor is, at places made at random.
//! It answers in order, so what comes before that answer was typed before, or answers the command, and is
//! thrown away. Then the question is shown, on rows that are new at the end of the screen: nothing can have
//! been painted there. Where it is longer than the screen, it comes again in short on one of its own, so that
//! nothing in the command's words seems to be its head. Where no such answer comes within a second, or the screen is too small for a secret
//! place, what comes later may still be the terminal's: an answer then needs a word beside it which is made
//! at random and stands only in the question. An answer is a whole word and Enter. Any byte that no line is
//! made of, such as those that terminals answer in, throws the line away and begins all of it anew.

use std::fmt;
use std::time::Instant;

use super::fitting::in_short;
use super::line::{Typed, TypedLine};
use super::link::TerminalAnswer;
use super::settling::{self, Settling};
use crate::sys::pty::Size;

/// A word that answers.
#[derive(Debug, Clone, Copy)]
struct Choice {
    /// As it is typed; the case does not matter.
    word: &'static str,
    /// What it means.
    answer: TerminalAnswer,
}

/// The words that answer a question, and its last line, which names them.
#[derive(Debug, Clone, Copy)]
pub struct Choices {
    prompt: &'static str,
    choices: &'static [Choice],
}

const YES: Choice = Choice {
    word: "yes",
    answer: TerminalAnswer::Yes,
};
const SESSION: Choice = Choice {
    word: "session",
    answer: TerminalAnswer::Session,
};
const NO: Choice = Choice {
    word: "no",
    answer: TerminalAnswer::No,
};

impl Choices {
    /// Nothing but yes and no.
    pub const YES_OR_NO: Self = Self {
        prompt: "Answer yes or no: ",
        choices: &[YES, NO],
    };

    /// Those to whether a program may run. Where a yes may be for the session, `prompt` names that, `yes`
    /// and `no`.
    pub fn to_run(for_session: bool, prompt: &'static str) -> Self {
        if for_session {
            Self {
                prompt,
                choices: &[YES, SESSION, NO],
            }
        } else {
            Self::YES_OR_NO
        }
    }
}

/// `yes, session or no`.
impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.choices.len().saturating_sub(1);
        for (nth, choice) in self.choices.iter().enumerate() {
            let before = match nth {
                0 => "",
                _ if nth == last => " or ",
                _ => ", ",
            };
            write!(f, "{before}{}", choice.word)?;
        }
        Ok(())
    }
}

/// What a question says, and what answers it, until it can be put.
pub(super) type PutOff = (String, Choices);

/// A question that is being put.
#[derive(Debug)]
pub(super) struct Dialogue {
    text: String,
    choices: Choices,
    size: Option<Size>,
    state: DialogueState,
    /// How often something came that nobody types.
    disturbed: u32,
}

#[derive(Debug)]
enum DialogueState {
    /// Nothing is shown yet, or not again.
    Settling(Settling),
    /// It is shown.
    Asking(TypedLine, Proof),
}

/// What shows that an answer was typed by somebody who had read the question.
#[derive(Debug)]
enum Proof {
    /// That it came: the terminal has said all that it had to say before.
    Order,
    /// This word behind it. What is late was said by somebody who did not know it.
    Word(String),
}

/// What came of some input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DialogueStep {
    /// There is no answer yet.
    More,
    /// Whoever is asked wants to do something else first.
    Stop,
    /// There is one.
    Answered(TerminalAnswer),
}

impl Dialogue {
    /// Begins; what the terminal is to be shown is written to `out`.
    pub(super) fn begin(
        text: String,
        choices: Choices,
        size: Option<Size>,
        out: &mut Vec<u8>,
    ) -> Self {
        Self {
            text,
            choices,
            size,
            state: DialogueState::Settling(Settling::begin(size, 0, out)),
            disturbed: 0,
        }
    }

    /// The question, which isn't put any more.
    pub(super) fn into_question(self) -> PutOff {
        (self.text, self.choices)
    }

    /// Begins anew, after the terminal was somebody else's.
    pub(super) fn again(&mut self, size: Option<Size>, out: &mut Vec<u8>) {
        self.size = size;
        self.state = DialogueState::Settling(Settling::begin(size, self.disturbed, out));
    }

    /// Takes what came from the terminal.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        size: Option<Size>,
        out: &mut Vec<u8>,
    ) -> DialogueStep {
        for &byte in bytes {
            let line = match &mut self.state {
                DialogueState::Settling(settling) => {
                    if settling.take(byte) {
                        // The rest was typed before there was a question.
                        self.show(Proof::Order, out);
                        return DialogueStep::More;
                    }
                    continue;
                }
                DialogueState::Asking(line, _) => line,
            };
            match line.take(byte, out) {
                Typed::Part => {}
                Typed::Declined => return answered(TerminalAnswer::No, out),
                Typed::Stop => return DialogueStep::Stop,
                Typed::Entered(word) => {
                    if let Some(answer) = self.answer(&word) {
                        return answered(answer, out);
                    }
                    self.prompt_again(&word, out);
                }
                Typed::Foreign => {
                    // What belongs to it is still to come.
                    self.disturbed = self.disturbed.saturating_add(1);
                    self.again(size, out);
                }
            }
        }
        DialogueStep::More
    }

    /// Until when to wait for something to take; then [`Dialogue::waited`].
    pub(super) fn until(&self) -> Option<Instant> {
        match &self.state {
            DialogueState::Settling(settling) => Some(settling.until()),
            DialogueState::Asking(..) => None,
        }
    }

    /// Nothing came until then.
    pub(super) fn waited(&mut self, out: &mut Vec<u8>) {
        let DialogueState::Settling(settling) = &self.state else {
            return;
        };
        if settling.until() <= Instant::now() {
            let proof = if settling.may_answer_late() {
                Proof::Word(settling::word())
            } else {
                Proof::Order
            };
            self.show(proof, out);
        }
    }

    fn show(&mut self, proof: Proof, out: &mut Vec<u8>) {
        out.extend(b"\r\n");
        out.extend(self.text.replace('\n', "\r\n").bytes());
        if let Some(short) = in_short(&self.text, self.size) {
            out.extend(b"\r\n");
            out.extend(short.replace('\n', "\r\n").bytes());
        }
        self.ask(proof, out);
    }

    /// After what is no answer, which is said. The word may have been guessed at.
    fn prompt_again(&mut self, entered: &str, out: &mut Vec<u8>) {
        let mut words = entered.split_ascii_whitespace();
        let is_choice = words.next().is_some_and(|word| self.chosen(word).is_some());
        let (proof, wrong) = match &self.state {
            DialogueState::Asking(_, Proof::Word(_)) => {
                let wrong = match words.next() {
                    None => "The word behind it is missing.",
                    Some(_) => "What is behind it is not the word that was shown.",
                };
                (Proof::Word(settling::word()), Some(wrong))
            }
            DialogueState::Asking(_, Proof::Order) | DialogueState::Settling(_) => {
                (Proof::Order, None)
            }
        };
        let wrong = wrong.filter(|_| is_choice).map(str::to_owned);
        let line =
            wrong.unwrap_or_else(|| format!("Not an answer. Type a whole word: {}.", self.choices));
        out.extend(b"\r\n");
        out.extend(line.bytes());
        self.ask(proof, out);
    }

    fn ask(&mut self, proof: Proof, out: &mut Vec<u8>) {
        if let Proof::Word(word) = &proof {
            let example = self
                .choices
                .choices
                .first()
                .map_or("", |choice| choice.word);
            let line = format!(
                "\r\nThis terminal did not respond in time. Unless you answer no, add this word, \
                 as in \"{example} {word}\": {word}"
            );
            out.extend(line.bytes());
        }
        out.extend(b"\r\n");
        out.extend(self.choices.prompt.bytes());
        self.state = DialogueState::Asking(TypedLine::default(), proof);
    }

    /// The choice that this word is.
    fn chosen(&self, word: &str) -> Option<&Choice> {
        let is_it = |choice: &&Choice| choice.word.eq_ignore_ascii_case(word);
        self.choices.choices.iter().find(is_it)
    }

    fn answer(&self, entered: &str) -> Option<TerminalAnswer> {
        let DialogueState::Asking(_, proof) = &self.state else {
            return None;
        };
        let mut words = entered.split_ascii_whitespace();
        let word = words.next()?;
        let answer = self.chosen(word)?.answer;
        let proven = match (proof, words.next()) {
            (Proof::Order, None) => true,
            (Proof::Word(expected), Some(word)) => word.eq_ignore_ascii_case(expected),
            (Proof::Word(_), None) => answer == TerminalAnswer::No,
            (Proof::Order, Some(_)) => false,
        };
        (proven && words.next().is_none()).then_some(answer)
    }
}

fn answered(answer: TerminalAnswer, out: &mut Vec<u8>) -> DialogueStep {
    out.extend(b"\r\n");
    DialogueStep::Answered(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal that is late is shown behind an answer, where a word was to be added.
    fn told(typed: &str) -> (DialogueStep, String) {
        let mut dialogue = Dialogue {
            text: String::new(),
            choices: Choices::YES_OR_NO,
            size: None,
            state: DialogueState::Asking(TypedLine::default(), Proof::Word("xyzzy".to_owned())),
            disturbed: 0,
        };
        let mut out = Vec::new();
        let step = dialogue.take(typed.as_bytes(), None, &mut out);
        (step, String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_is_missing_behind_an_answer_is_said() {
        for (typed, said) in [
            ("yes\r", "The word behind it is missing."),
            ("YES plugh\r", "What is behind it is not the word"),
            ("yes xyzzy x\r", "What is behind it is not the word"),
            ("y xyzzy\r", "Not an answer."),
            ("\r", "Not an answer."),
        ] {
            let (step, told) = told(typed);
            assert_eq!(step, DialogueStep::More, "{typed}");
            assert!(told.contains(said), "{typed}: {told}");
            assert!(told.contains("add this word"), "{typed}: {told}");
        }
        assert_eq!(
            told("yes xyzzy\r").0,
            DialogueStep::Answered(TerminalAnswer::Yes)
        );
        assert_eq!(told("no\r").0, DialogueStep::Answered(TerminalAnswer::No));
    }
}
