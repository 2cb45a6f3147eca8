//! The whole path of one request, on one screen.
