//! What we do: continue inside, run outside, or refuse.
