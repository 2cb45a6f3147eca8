//! Questions: while one is put, nothing passes between the two terminals.

use nix::sys::signal::Signal;

use super::device::Device;
use super::dialogue::{Choices, Dialogue, DialogueStep};
use super::link::{QuestionMessage, TerminalAnswer};
use super::relay::Relay;
use super::turns::LAST_WORDS;
use crate::sys::messages;

/// The last line of a question that can be answered for the session.
const PROMPT: &str = "Answer yes, session (yes, as long as this runs) or no: ";

impl Relay {
    pub(super) fn take_question(&mut self, asked: QuestionMessage) {
        match asked {
            QuestionMessage::Put { text, for_session } => {
                self.put(text, Choices::to_run(for_session, PROMPT));
            }
            // It may have been answered this moment.
            QuestionMessage::Withdrawn if self.dialogue.is_none() && self.put_off.is_none() => {}
            QuestionMessage::Withdrawn => {
                if self.dialogue.is_some() {
                    self.to_device.extend(b"\r\nwithdrawn\r\n");
                }
                self.conclude(TerminalAnswer::Withdrawn);
            }
        }
    }

    fn put(&mut self, text: String, choices: Choices) {
        // An answer is to the question that was shown last.
        let is_ours = |device: &Device| device.is_ours();
        if self
            .device
            .as_ref()
            .is_some_and(|it| is_ours(it) && !it.take_turn())
        {
            self.put_off = Some((text, choices));
            return;
        }
        // What the command said before comes before.
        self.drain(Some(LAST_WORDS), || false);
        let Some(device) = &mut self.device else {
            return self.reply(TerminalAnswer::Gone);
        };
        if !is_ours(device) {
            device.end_turn();
            return self.reply(TerminalAnswer::Background);
        }
        if device.make_raw().is_err() {
            device.end_turn();
            return self.reply(TerminalAnswer::Gone);
        }
        let (size, mut out) = (device.size().ok(), Vec::new());
        self.dialogue = Some(Dialogue::begin(text, choices, size, &mut out));
        self.to_device.extend(&out);
        self.flush_to_device();
    }

    /// After the terminal was somebody else's.
    pub(super) fn ask_again(&mut self) {
        let Some(device) = &mut self.device else {
            return;
        };
        if self.dialogue.is_some() && !device.take_turn() {
            self.put_off = self.dialogue.take().map(Dialogue::into_question);
        }
        let Some(dialogue) = &mut self.dialogue else {
            return;
        };
        if device.make_raw().is_err() {
            return self.lose();
        }
        let mut out = Vec::new();
        dialogue.again(device.size().ok(), &mut out);
        self.to_device.extend(&out);
        self.flush_to_device();
    }

    /// Takes what was typed.
    pub(super) fn answer_with(&mut self, bytes: &[u8]) {
        let size = self.device.as_ref().and_then(|device| device.size().ok());
        let Some(dialogue) = &mut self.dialogue else {
            return;
        };
        let mut out = Vec::new();
        let step = dialogue.take(bytes, size, &mut out);
        self.to_device.extend(&out);
        self.flush_to_device();
        match step {
            DialogueStep::More => {}
            DialogueStep::Stop => self.suspend(Signal::SIGTSTP),
            DialogueStep::Answered(answer) => self.conclude(answer),
        }
    }

    pub(super) fn wait_in_dialogue(&mut self) {
        if let Some((text, choices)) = self.put_off.take() {
            self.put(text, choices);
        }
        if let Some(dialogue) = &mut self.dialogue {
            let mut out = Vec::new();
            dialogue.waited(&mut out);
            self.to_device.extend(&out);
        }
    }

    /// Ends the question, if there is one.
    pub(super) fn conclude(&mut self, answer: TerminalAnswer) {
        let waited = self.put_off.take().is_some();
        if self.dialogue.take().is_none() {
            if waited {
                self.reply(answer);
            }
            return;
        }
        self.flush_to_device();
        let is_commands = self.is_commands();
        if let Some(device) = &mut self.device {
            if !is_commands {
                device.restore();
            }
            device.end_turn();
        }
        self.reply(answer);
    }

    /// Gives up the question, if there is one: the run is to end.
    pub fn give_up(&mut self) {
        if self.dialogue.is_some() {
            self.to_device.extend(b"\r\n");
        }
        self.conclude(TerminalAnswer::Withdrawn);
    }

    fn reply(&mut self, answer: TerminalAnswer) {
        if let Some(questions) = &self.questions {
            // Who is gone wants no answer.
            let _ = messages::send(questions, &answer, None);
        }
    }
}
