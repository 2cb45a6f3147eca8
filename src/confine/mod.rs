//! The sandbox: namespaces, Landlock, system call filter; each layer reported.
