//! The server as its clients see it: most of it without sockets, connections with them.

mod corrections;
mod description;
mod faults;
mod listen;
mod numbers;
mod safety;
mod support;
