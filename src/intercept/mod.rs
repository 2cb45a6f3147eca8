//! Who brings the request: the kernel listener.
