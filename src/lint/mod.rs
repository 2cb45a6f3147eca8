//! What `rules check` says of rules that load.
