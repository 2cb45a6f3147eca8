//! Why a command is not known to do nothing that the sandboxed side says.

use std::fmt;

/// Why a command may do what the sandboxed side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It may start or load a file of that side's.
    Leads,
    /// This program does what this file says, wherever it is started.
    Obeys(String, String),
    /// This program runs what it is handed.
    Runs(String),
    /// Of this program it isn't known that what it is handed is data to it.
    Unknown(String),
    /// This program may take the name of a file for an option.
    Options(String),
}

/// What the command does, behind what it stands in. The names of programs are not escaped.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leads => write!(f, "may start what the command could have written"),
            Self::Obeys(program, file) => {
                write!(f, "starts {program}, which does what {file} says")
            }
            Self::Runs(program) => {
                write!(f, "has {program} run what the command could have written")
            }
            Self::Unknown(program) => write!(
                f,
                "hands files to {program}, which isn't known to take them for mere data"
            ),
            Self::Options(program) => write!(
                f,
                "hands names of files to {program}, which may take one for an option (`--` before \
                 them would end those)"
            ),
        }
    }
}
