//! The text form of an argument list: for people, unambiguous and reversible.
