//! System calls that need unsafe code, or that nix lacks. The only folder where unsafe may appear.
