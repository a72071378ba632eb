//! The server as its clients see it, without sockets.

mod corrections;
mod description;
mod faults;
mod support;
