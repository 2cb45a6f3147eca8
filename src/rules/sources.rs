//! The text of the files, read within bounds.

use std::path::Path;
use std::time::Duration;

use crate::sys::encoding::{self, NotText};
use crate::sys::read_capped::{ReadError, read_capped};

use super::codes;
use super::layer::{Layer, Origin};
use super::model::{RuleSet, RulesFile, Severity, Span};
use super::places::{RulePosition, expand};
use super::wire::SourceText;
use crate::request::argv;

/// Files.
const MAX_FILES: usize = 4096;
/// The longest file, in bytes.
pub const LONGEST_FILE: usize = 4 << 20;
/// Bytes of all files together.
const MAX_ALL: usize = 16 << 20;
/// How long a pipe may take to come to its end.
const PIPE_PATIENCE: Duration = Duration::from_secs(1);

/// Every file that `paths` mean, as an entry in the rule set with what is wrong with it, and the
/// texts of those that could be read.
pub(super) fn read_all(origins: &[Origin]) -> (RuleSet, Vec<SourceText>) {
    let mut reading = SourceReading::default();
    for (origin, place) in origins.iter().flat_map(places) {
        reading.layer = origin.layer;
        if reading.rules.files.len() == MAX_FILES {
            let message = format!("not read, nor what follows: there are over {MAX_FILES} files");
            let (RulePosition::File(path)
            | RulePosition::Skipped(path)
            | RulePosition::Unreadable(path, _)) = place;
            reading.fail(&path, Severity::Error, codes::TOO_LARGE, &message);
            break;
        }
        reading.read(place, origin.content.as_deref());
    }
    (reading.rules, reading.sources)
}

/// The files that an origin means.
fn places(origin: &Origin) -> impl Iterator<Item = (&Origin, RulePosition)> {
    let places = match &origin.content {
        Some(_) => vec![RulePosition::File(origin.path.clone())],
        None => expand(&origin.path),
    };
    places.into_iter().map(move |place| (origin, place))
}

#[derive(Default)]
struct SourceReading {
    layer: Layer,
    rules: RuleSet,
    sources: Vec<SourceText>,
    bytes: usize,
}

impl SourceReading {
    fn read(&mut self, place: RulePosition, content: Option<&[u8]>) {
        match place {
            RulePosition::File(path) => match self.text_of(&path, content) {
                Ok(text) => {
                    let (file, name) = self.enter(&path, text.clone());
                    self.sources.push(SourceText { file, name, text });
                }
                Err((code, message)) => self.fail(&path, Severity::Error, code, &message),
            },
            RulePosition::Skipped(path) => {
                let message = "not a file, so left out";
                self.fail(&path, Severity::Warning, codes::NOT_A_FILE, message);
            }
            RulePosition::Unreadable(path, error) => {
                let message = format!("can't be read: {error}");
                self.fail(&path, Severity::Error, codes::UNREADABLE, &message);
            }
        }
    }

    fn text_of(
        &mut self,
        path: &Path,
        content: Option<&[u8]>,
    ) -> Result<String, (&'static str, String)> {
        let bytes = match content {
            Some(bytes) if bytes.len() > LONGEST_FILE => Err(ReadError::TooLarge(LONGEST_FILE)),
            Some(bytes) => Ok(bytes.to_vec()),
            None => read_capped(path, LONGEST_FILE, PIPE_PATIENCE),
        };
        let bytes = bytes.map_err(|error| {
            let code = match error {
                ReadError::TooLarge(_) => codes::TOO_LARGE,
                _ => codes::UNREADABLE,
            };
            (code, format!("can't be read: {error}"))
        })?;
        self.bytes += bytes.len();
        if self.bytes > MAX_ALL {
            let message = format!("not read: all rules together are larger than {MAX_ALL} bytes");
            return Err((codes::TOO_LARGE, message));
        }
        encoding::text(bytes).map_err(|error| {
            let code = match error {
                // Text, but not Starlark.
                NotText::Mark => codes::SYNTAX,
                NotText::Utf16 | NotText::Byte(_) => codes::NOT_UTF8,
            };
            (code, error.to_string())
        })
    }

    fn fail(&mut self, path: &Path, severity: Severity, code: &str, message: &str) {
        let (file, _) = self.enter(path, String::new());
        let mut found = codes::about_file(file, code, message);
        found.severity = severity;
        // A mark stands at the beginning.
        found.span = (code == codes::SYNTAX).then(|| Span::start_of(file));
        self.rules.diagnostics.push(found);
    }

    /// Makes the entry, and says under which index and name.
    fn enter(&mut self, path: &Path, text: String) -> (u32, String) {
        let file = u32::try_from(self.rules.files.len()).unwrap_or(u32::MAX);
        let name = argv::visible(&path.display().to_string());
        let entry = RulesFile {
            name: name.clone(),
            layer: self.layer,
            text,
        };
        self.rules.files.push(entry);
        (file, name)
    }
}
