//! Who says yes, when a verdict is to prompt.
