//! No code. The manifest gives what Burn depends on one set of features; it says why.
