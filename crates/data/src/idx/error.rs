//! What can be wrong with an IDX file.

use std::io;

/// Why bytes are not a valid IDX file of unsigned bytes.
///
/// Offsets count uncompressed bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdxError {
    /// An integer that is no label.
    #[error("row {row}: the label is {value}, and labels are whole numbers from 0 to 255")]
    Label {
        /// The row, from 0.
        row: usize,
        /// What is there.
        value: i32,
    },
    /// No bytes at all.
    #[error("the file is empty (0 bytes): fetch it again")]
    Empty,
    /// A pointer that Git LFS leaves in place of the data.
    #[error(
        "byte 0: this is a Git LFS pointer, not the data: run `git lfs pull` where it was cloned"
    )]
    LfsPointer,
    /// A page that a download saved in place of the data.
    #[error(
        "byte 0: this is a web page (HTML), not the data: the download failed; fetch the file again"
    )]
    WebPage,
    /// Another way of compressing or packing.
    #[error("byte 0: this is {kind}: unpack it first, or pack the IDX file with gzip")]
    Packed {
        /// What it is.
        kind: &'static str,
    },
    /// The first two bytes are not zero.
    #[error(
        "byte 0: found {} where an IDX file begins with 00 00 08 and its number of dimensions: this is no IDX file",
        hex(.found)
    )]
    Magic {
        /// The first bytes, four at the most.
        found: Vec<u8>,
    },
    /// Elements that are not unsigned bytes.
    #[error(
        "byte 2: the elements are of type {code:#04x} ({name}), but images and labels must be unsigned bytes (0x08): convert the file"
    )]
    ElementType {
        /// The code found.
        code: u8,
        /// What it stands for.
        name: &'static str,
    },
    /// No dimensions at all.
    #[error("byte 3: the header claims no dimensions, so there are no samples")]
    NoDimensions,
    /// An image without pixels.
    #[error("byte {offset}: dimension {dimension} has size 0, so the images have no pixels")]
    EmptyDimension {
        /// Where its size stands.
        offset: u64,
        /// Which one, from 0.
        dimension: usize,
    },
    /// The header claims more than is read.
    #[error(
        "byte 4: the header claims {dims} elements, more than the {max_bytes} bytes that are read at the most: the file is damaged"
    )]
    TooLarge {
        /// The sizes that were claimed.
        dims: String,
        /// The most that is read.
        max_bytes: u64,
    },
    /// The file ends within its header.
    #[error(
        "byte {found}: the file ends within its header: expected {expected} bytes, found {found}: fetch it again"
    )]
    TruncatedHeader {
        /// Bytes that the header needs.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The file ends before its data does.
    #[error(
        "byte {found}: the file is cut short: the header claims {expected} bytes in all, found {found}: fetch it again"
    )]
    Truncated {
        /// Bytes that header and data need.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The file goes on after its data.
    #[error(
        "byte {expected}: the data should end here, by its header, but the file goes on: it is damaged, or not what its header says"
    )]
    Trailing {
        /// Bytes that header and data need.
        expected: u64,
    },
    /// A gzip stream that is damaged or cut short.
    #[error("the gzip data is damaged after {found} bytes unpacked ({problem}): fetch it again")]
    Gzip {
        /// Bytes that were unpacked before.
        found: u64,
        /// What the decompressor says.
        problem: io::Error,
    },
    /// Reading failed.
    #[error("byte {found}: reading failed: {problem}")]
    Read {
        /// Bytes that were read before.
        found: u64,
        /// What the operating system says.
        problem: io::Error,
    },
}

/// `68 65 6c 6c`.
fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
