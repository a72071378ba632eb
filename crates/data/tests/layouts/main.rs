//! Every kind of layout that docs/data.md says is read, made here or by the script in
//! `fixtures`, with what must come out: parts, classes, sizes and pixels.

// A test's helpers may panic as the test itself.
#![allow(clippy::unwrap_used)]

mod archives;
mod arrays;
mod files;
mod folders;
mod scales;
mod support;
mod tables;
