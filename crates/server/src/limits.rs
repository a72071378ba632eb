//! What a client may take of the server.

use std::{thread, time::Duration};

/// The limits of the server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of one request's body.
    pub body_bytes: usize,
    /// The most bytes of all bodies in memory, without small ones; others wait.
    pub all_bodies_bytes: usize,
    /// How long a body may take to arrive.
    pub upload_time: Duration,
    /// How long a request's head may take to arrive, and a connection may idle.
    pub head_time: Duration,
    /// How long a client may read nothing of an answer.
    pub write_time: Duration,
    /// Connections at once; others wait to be accepted.
    pub connections: usize,
    /// Images that wait for a thread; more are refused.
    pub queue: usize,
    /// Threads that prepare images and ask models.
    pub threads: usize,
    /// How long requests in progress may take to end when the server is to end.
    pub shutdown_time: Duration,
}

/// Decoding the largest image takes some hundred megabytes: more threads than this
/// would let a few requests fill the memory.
const MOST_THREADS: usize = 4;

impl Default for Limits {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            body_bytes: 16 << 20,
            all_bodies_bytes: 64 << 20,
            upload_time: Duration::from_secs(30),
            head_time: Duration::from_secs(15),
            write_time: Duration::from_secs(30),
            connections: 256,
            queue: 256,
            threads: processors.min(MOST_THREADS),
            shutdown_time: Duration::from_secs(5),
        }
    }
}
