//! Fuzz targets: every reader of bytes from outside.
//!
//! [`TARGETS`] is the one table. `make fuzz` runs each under libFuzzer, which mutates inputs and
//! keeps those that reach new code; the test `corpus` runs them on the committed seeds and on every
//! case that was ever found, with `cargo test`. Both hold them to the same: whatever the bytes, the
//! reader answers or refuses with a message; it does not panic, and takes no more memory than the
//! table states.
//!
//! Readers are called as the program calls them. Where a checksum would stop every mutation at the
//! door (records, manifests, tar headers), the target writes the right one first: who makes a file on
//! purpose does so, too.
//!
//! Rejected: `cargo fuzz` (it wants a nightly compiler; what it passes to the compiler works on a
//! stable one), AFL++ (a program to install), a binary for each target (each is a link of the whole
//! program).

mod files;
mod memory;
mod model;
mod onnx;
mod panics;
mod readers;
mod run;
mod server;

use std::fmt;

pub use files::{join, split};
pub use onnx::TOY;

/// A reader, and what it may take.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its folder below `corpus`.
    pub name: &'static str,
    /// The most memory in MiB that it may take at once for an input of no bytes.
    pub mebibytes: usize,
    /// The bytes of memory for each byte of input on top of that.
    pub per_byte: usize,
    /// Reads an input; an error is what the reader says of an input that it refuses.
    read: fn(&[u8]) -> Result<(), String>,
}

/// What small inputs may take, whatever they say of themselves, where no reader states more.
const PLAIN: (usize, usize) = (64, 64);

/// An image may be decoded to 256 MiB (`picture/src/decode.rs`), and is held three times at most.
const PICTURE: (usize, usize) = (64 + 3 * 256, 64);

/// Whatever is packed may unpack to 256 MiB (`data/src/archive.rs`), and images may be in it.
const PACKED: (usize, usize) = (64 + 4 * 256, 64);

/// A network may hold 512 MB of values that its file states (`onnx/src/given/bounds.rs`), and another
/// operator as many.
const NETWORK: (usize, usize) = (64 + 2 * 512, 256);

/// Every reader.
pub static TARGETS: &[Target] = &[
    of("idx", PLAIN, readers::idx),
    of("picture", PICTURE, readers::picture),
    of("csv", PLAIN, readers::csv),
    of("libsvm", PLAIN, readers::libsvm),
    of("npz", PACKED, readers::npz),
    of("pickle", PLAIN, readers::pickle),
    #[cfg(feature = "parquet")]
    of("parquet", PACKED, readers::parquet),
    of("zip", PACKED, readers::zip),
    of("tar", PACKED, readers::tar),
    of("gz", PACKED, readers::gz),
    of("folder", PICTURE, readers::folder),
    of("answers", PLAIN, readers::answers),
    of("experiment", PLAIN, readers::experiment),
    of("model", PLAIN, model::model),
    of("onnx", NETWORK, onnx::onnx),
    of("run", PLAIN, run::run),
    of("report", PLAIN, run::report),
    of("request", PICTURE, server::request),
    of("corrections", PLAIN, server::corrections),
];

const fn of(
    name: &'static str,
    (mebibytes, per_byte): (usize, usize),
    read: fn(&[u8]) -> Result<(), String>,
) -> Target {
    Target {
        name,
        mebibytes,
        per_byte,
        read,
    }
}

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// What a reader said of an input that did it no harm.
#[derive(Debug)]
pub struct Outcome {
    /// The message of a reader that refused it.
    pub read: Result<(), String>,
    /// The most memory that it took at once, in bytes.
    pub peak: usize,
}

/// What a reader must not do.
#[derive(Debug)]
pub enum Failure {
    /// It panicked.
    Panic(String),
    /// It took more memory than it may.
    Memory {
        /// What it took at once, in bytes.
        peak: usize,
        /// What it may take.
        most: usize,
    },
    /// It refused without saying why.
    Silent,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(message) => write!(f, "it panicked: {message}"),
            Self::Memory { peak, most } => {
                write!(f, "it took {peak} bytes of memory, and {most} are allowed")
            }
            Self::Silent => write!(f, "it refused the input without a word"),
        }
    }
}

impl Target {
    /// Reads an input.
    ///
    /// # Errors
    /// When the reader does what it must not.
    pub fn check(&self, input: &[u8]) -> Result<Outcome, Failure> {
        let start = memory::start();
        let read = panics::caught(|| (self.read)(input));
        let peak = memory::peak_since(start);
        let read = read.map_err(Failure::Panic)?;
        let most = (self.mebibytes << 20) + self.per_byte * input.len();
        if peak > most {
            return Err(Failure::Memory { peak, most });
        }
        match read {
            Err(message) if message.trim().is_empty() => Err(Failure::Silent),
            read => Ok(Outcome { read, peak }),
        }
    }
}
