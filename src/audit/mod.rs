//! One record per exec.
