//! What a program's own file has loaded beside it: the interpreter that the kernel starts for it, the
//! libraries that it needs, and where those are looked for first (`RPATH`, `RUNPATH`).
//!
//! Where the system's loader looks by itself is the system's affair. What is found by a run path is looked at in turn,
//! as it can name others.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::argv;
use super::walk::Roots;
use crate::sys::read_capped::open_file;

/// As much of a file decides how it is loaded, as in the kernel, in bytes.
const HEAD: usize = 256;
/// The most that is read of a table, in bytes.
const TABLE: u64 = 64 << 10;
/// The longest name or list of directories, in bytes.
const TEXT: u64 = 16 << 10;
/// As many places are looked at for one program.
const PLACES: usize = 16 << 10;

const UNREADABLE: &str = "what it loads can't be read from its file";
const TOO_MUCH: &str = "it loads more than is looked at";

/// Why it is not certain that the program `file`, without links, loads nothing that the sandboxed side could have
/// written or exchanged; in words for people. `None` where it is.
pub(super) fn objection(file: &Path, roots: &Roots) -> Option<String> {
    LibrarySearch::new(file, roots).go().err()
}

/// Where what the program `file`, without links, loads is, and where that is looked for; less files that are in such a
/// directory themselves.
///
/// # Errors
/// Nobody can tell, in words for people.
pub fn places_loaded(file: &Path) -> Result<Vec<PathBuf>, String> {
    let roots = Roots::of(&[]);
    let mut search = LibrarySearch::new(file, &roots);
    search.go()?;
    let mut named = search.named;
    named.retain(|place| !place.symlink_metadata().is_ok_and(|it| it.is_file()));
    Ok(named.into_iter().collect())
}

/// All that is loaded with one program.
struct LibrarySearch<'a> {
    roots: &'a Roots,
    /// Still to be read.
    files: Vec<PathBuf>,
    directories: BTreeSet<PathBuf>,
    names: BTreeSet<OsString>,
    /// Places at which something was looked for.
    seen: BTreeSet<PathBuf>,
    /// What is loaded, and where it is looked for.
    named: BTreeSet<PathBuf>,
}

impl<'a> LibrarySearch<'a> {
    fn new(file: &Path, roots: &'a Roots) -> Self {
        Self {
            roots,
            files: vec![file.to_owned()],
            directories: BTreeSet::new(),
            names: BTreeSet::new(),
            seen: BTreeSet::new(),
            named: BTreeSet::new(),
        }
    }

    fn go(&mut self) -> Result<(), String> {
        while !self.files.is_empty() {
            while let Some(file) = self.files.pop() {
                self.read(&file)?;
            }
            self.look_everywhere()?;
        }
        Ok(())
    }

    fn read(&mut self, file: &Path) -> Result<(), String> {
        let loads = Loads::of(file).map_err(|_| UNREADABLE.to_owned())?;
        let origin = file.parent().unwrap_or(Path::new("/"));
        for interpreter in &loads.interpreters {
            self.is_beyond_reach(Path::new(interpreter))?;
        }
        for directory in &loads.directories {
            let directory = from_origin(directory, origin)?;
            self.is_beyond_reach(&directory)?;
            self.directories.insert(directory);
        }
        for name in loads.libraries {
            if name.as_bytes().contains(&b'/') {
                let place = from_origin(&name, origin)?;
                self.is_beyond_reach(&place)?;
                self.look_at(place)?;
            } else {
                self.names.insert(name);
            }
        }
        Ok(())
    }

    fn look_everywhere(&mut self) -> Result<(), String> {
        if self.directories.len().saturating_mul(self.names.len()) > PLACES {
            return Err(TOO_MUCH.to_owned());
        }
        let each = |directory: &PathBuf| {
            let places = self.names.iter().map(|name| directory.join(name));
            places.collect::<Vec<_>>()
        };
        let places: Vec<PathBuf> = self.directories.iter().flat_map(each).collect();
        places.into_iter().try_for_each(|place| self.look_at(place))
    }

    fn look_at(&mut self, place: PathBuf) -> Result<(), String> {
        if !self.seen.contains(&place) && place.symlink_metadata().is_ok() {
            self.is_beyond_reach(&place)?;
            self.files.push(place.clone());
        }
        if self.seen.len() > PLACES {
            return Err(TOO_MUCH.to_owned());
        }
        self.seen.insert(place);
        Ok(())
    }

    fn is_beyond_reach(&mut self, path: &Path) -> Result<(), String> {
        self.named.insert(path.to_owned());
        let shown = || argv::word(path.as_os_str());
        if path.is_relative() {
            return Err(format!("it loads code by the relative path {}", shown()));
        }
        self.roots.entry_towards(path).map_or(Ok(()), |entry| {
            let what = match argv::word(entry.as_os_str()) {
                _ if entry == path => "which the sandbox can write".to_owned(),
                entry => format!("and the sandbox can write {entry}"),
            };
            Err(format!("it loads code from {}, {what}", shown()))
        })
    }
}

/// A path in which `$ORIGIN` stands for a directory; of others the loader alone knows what they are.
fn from_origin(path: &OsStr, origin: &Path) -> Result<PathBuf, String> {
    let mut whole = Vec::new();
    let mut rest = path.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
        let (before, token) = rest.split_at(at);
        let behind = [&b"$ORIGIN"[..], b"${ORIGIN}"]
            .iter()
            .find_map(|name| token.strip_prefix(*name));
        let behind = behind.filter(|it| matches!(it.first(), None | Some(b'/')));
        let (true, Some(behind)) = (before.is_empty(), behind) else {
            let path = argv::word(path);
            return Err(format!(
                "it loads code from {path}, and where that is nobody knows"
            ));
        };
        whole.extend(origin.as_os_str().as_bytes());
        rest = behind;
    }
    whole.extend(rest);
    Ok(PathBuf::from(OsString::from_vec(whole)))
}

/// What one file has loaded.
#[derive(Debug, Default, PartialEq, Eq)]
struct Loads {
    interpreters: Vec<OsString>,
    libraries: Vec<OsString>,
    directories: Vec<OsString>,
}

impl Loads {
    /// That of `file`: nothing, if neither the kernel nor a loader would take it for a program.
    fn of(file: &Path) -> io::Result<Self> {
        let file = open_file(file)?;
        let mut head = Vec::with_capacity(HEAD);
        io::Read::read_to_end(&mut io::Read::take(&file, HEAD as u64), &mut head)?;
        // What a short file lacks are zeros to the kernel.
        head.resize(HEAD, 0);
        // An executable or a library, in either order of bytes.
        let is_loaded = matches!(head.get(16..18), Some([2 | 3, 0] | [0, 2 | 3]));
        if !head.starts_with(b"\x7fELF") || !is_loaded {
            return Ok(Self::default());
        }
        let width = FieldWidth::of(&head).ok_or(io::ErrorKind::InvalidData)?;
        Image { file, width }.loads(&head)
    }
}

/// How wide the fields are. Their bytes are in this machine's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldWidth {
    Narrow,
    Wide,
}

impl FieldWidth {
    fn of(head: &[u8]) -> Option<Self> {
        let order = if cfg!(target_endian = "little") { 1 } else { 2 };
        match head.get(4..6)? {
            [1, data] if *data == order => Some(Self::Narrow),
            [2, data] if *data == order => Some(Self::Wide),
            _ => None,
        }
    }

    /// The value for fields of this width.
    fn either<T>(self, narrow: T, wide: T) -> T {
        match self {
            Self::Narrow => narrow,
            Self::Wide => wide,
        }
    }

    /// The address, offset or size at `at`.
    fn number(self, bytes: &[u8], at: usize) -> Option<u64> {
        match self {
            Self::Narrow => {
                Some(u32::from_ne_bytes(bytes.get(at..)?.first_chunk().copied()?).into())
            }
            Self::Wide => Some(u64::from_ne_bytes(bytes.get(at..)?.first_chunk().copied()?)),
        }
    }
}

const INTERPRETER: u32 = 3;
const DYNAMIC: u32 = 2;
const LOADED: u32 = 1;

/// Entries of the dynamic section.
const STRINGS: u64 = 5;
/// Libraries that are needed, audit, and filter or replace names.
const LIBRARIES: [u64; 5] = [1, 0x6fff_fefb, 0x6fff_fefc, 0x7fff_fffd, 0x7fff_ffff];
/// Of these, lists with colons between the names.
const LISTS: [u64; 2] = [0x6fff_fefb, 0x6fff_fefc];
/// `RPATH` and `RUNPATH`.
const DIRECTORIES: [u64; 2] = [15, 29];

/// A part of a file, and where it is in memory.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

/// A file of this form.
struct Image {
    file: File,
    width: FieldWidth,
}

impl Image {
    fn loads(&self, head: &[u8]) -> io::Result<Loads> {
        let segments = self.segments(head)?;
        let mut loads = Loads::default();
        for segment in segments.iter().filter(|it| it.kind == INTERPRETER) {
            let name = self.read(segment.offset, segment.size.min(TEXT))?;
            loads.interpreters.push(text(name));
        }
        for dynamic in segments.iter().filter(|it| it.kind == DYNAMIC) {
            self.dynamic(dynamic, &segments, &mut loads)?;
        }
        Ok(loads)
    }

    fn segments(&self, head: &[u8]) -> io::Result<Vec<Segment>> {
        let width = self.width;
        let half = |at: usize| {
            head.get(at..)
                .and_then(|rest| rest.first_chunk())
                .copied()
                .map(u16::from_ne_bytes)
        };
        let (offset, size, count) = width.either((28, 42, 44), (32, 54, 56));
        let found = (width.number(head, offset), half(size), half(count));
        let (Some(offset), Some(size), Some(count)) = found else {
            return malformed();
        };
        let entry: u16 = width.either(32, 56);
        let table = u64::from(entry) * u64::from(count);
        if size != entry || count == 0 || table > TABLE {
            return malformed();
        }
        let table = self.read(offset, table)?;
        let segment = |entry: &[u8]| {
            let (offset, address, size) = width.either((4, 8, 16), (8, 16, 32));
            Some(Segment {
                kind: u32::from_ne_bytes(entry.first_chunk().copied()?),
                offset: width.number(entry, offset)?,
                address: width.number(entry, address)?,
                size: width.number(entry, size)?,
            })
        };
        let segments = table.chunks_exact(entry.into()).map(segment);
        segments.collect::<Option<_>>().map_or_else(malformed, Ok)
    }

    fn dynamic(
        &self,
        dynamic: &Segment,
        segments: &[Segment],
        loads: &mut Loads,
    ) -> io::Result<()> {
        if dynamic.size > TABLE {
            return malformed();
        }
        let width = self.width.either(4, 8);
        let section = self.read(placed(dynamic.address, segments)?.start, dynamic.size)?;
        let entries = section.chunks_exact(2 * width);
        let entries = entries.map_while(|entry| {
            let (tag, value) = (
                self.width.number(entry, 0)?,
                self.width.number(entry, width)?,
            );
            (tag != 0).then_some((tag, value))
        });
        let entries: Vec<(u64, u64)> = entries.collect();
        // The last one counts.
        let strings = entries.iter().rev().find(|(tag, _)| *tag == STRINGS);
        for (tag, value) in &entries {
            let is_library = LIBRARIES.contains(tag);
            if !is_library && !DIRECTORIES.contains(tag) {
                continue;
            }
            let Some((_, strings)) = strings else {
                return malformed();
            };
            let place = placed(strings.saturating_add(*value), segments)?;
            let length = place.end.saturating_sub(place.start).min(TEXT);
            let name = text(self.read(place.start, length)?);
            if name.len() as u64 == TEXT {
                return malformed();
            }
            let is_list = !is_library || LISTS.contains(tag);
            let into = if is_library {
                &mut loads.libraries
            } else {
                &mut loads.directories
            };
            // An empty list is none; an empty name in one is that of the working directory.
            if is_list && !name.is_empty() {
                let each = name.as_bytes().split(|&byte| byte == b':');
                into.extend(each.map(|name| OsStr::from_bytes(name).to_owned()));
            } else if !is_list {
                into.push(name);
            }
        }
        Ok(())
    }

    fn read(&self, offset: u64, size: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

/// Where in the file that is which will be at `address`, up to the end of its part.
fn placed(address: u64, segments: &[Segment]) -> io::Result<Range<u64>> {
    let mut loaded = segments.iter().filter(|it| it.kind == LOADED);
    let found = loaded.find_map(|it| {
        let within = address
            .checked_sub(it.address)
            .filter(|within| *within < it.size)?;
        Some(it.offset.checked_add(within)?..it.offset.checked_add(it.size)?)
    });
    found.map_or_else(malformed, Ok)
}

fn text(mut bytes: Vec<u8>) -> OsString {
    let end = bytes.iter().position(|&byte| byte == 0);
    bytes.truncate(end.unwrap_or(bytes.len()));
    OsString::from_vec(bytes)
}

fn malformed<T>() -> io::Result<T> {
    Err(io::ErrorKind::InvalidData.into())
}
