//! IDX, the format of MNIST and its successors: a big-endian header (two zero bytes,
//! the type of the elements, the number of dimensions, one u32 per dimension), then
//! the elements, the last dimension running fastest.
//! Source: <http://yann.lecun.com/exdb/mnist/>, "the IDX file format".
//!
//! Only unsigned bytes are read, because images are bytes everywhere in bakeoff; labels also as the
//! first of several 32-bit integers, as QMNIST has them.
//! Gzip is recognised by its content: people rename files. A reader never believes a
//! header: it allocates as data arrives, and a gzip stream is never unpacked further
//! than its header claims.

mod error;

use std::io::{self, BufRead, Read, Write};

use flate2::bufread::MultiGzDecoder;

pub use error::IdxError;

/// The most that a header may claim: 16 GiB, far beyond any image dataset that
/// fits in memory, and far below what would bring a machine down.
pub const MAX_BYTES: u64 = 16 << 30;

/// The type code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

/// The type code of 32-bit integers.
const INT: u8 = 0x0c;

/// Which elements are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elements {
    Bytes,
    /// Bytes, or 32-bit integers of which the first in each row is a byte.
    Labels,
}

/// Enough to recognise what a file is that is no IDX file.
const HEAD_BYTES: usize = 512;

/// An array of bytes with its dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Sizes, outermost first; none is zero except, perhaps, the first.
    pub dims: Vec<usize>,
    /// The elements, as many as the product of `dims`.
    pub data: Vec<u8>,
}

/// Reads an IDX file of unsigned bytes, gzip or not, from memory.
///
/// # Errors
/// When the bytes are not a valid IDX file; see [`IdxError`].
pub fn parse(bytes: &[u8]) -> Result<Array, IdxError> {
    read(bytes, bytes.len() as u64)
}

/// Writes an IDX file of unsigned bytes, not compressed.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] when `data` is not the product of `dims` long or a
/// number does not fit the format; else what `out` returns.
pub fn write(out: &mut dyn Write, dims: &[usize], data: &[u8]) -> io::Result<()> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    let rank = u8::try_from(dims.len())
        .ok()
        .filter(|&rank| rank > 0)
        .ok_or_else(|| invalid(format!("{} dimensions: IDX has 1 to 255", dims.len())))?;
    if elements(dims) != Some(data.len() as u64) {
        let sizes = times(dims);
        return Err(invalid(format!("{} bytes are not {sizes}", data.len())));
    }
    out.write_all(&[0, 0, UNSIGNED_BYTE, rank])?;
    for &size in dims {
        let size = u32::try_from(size)
            .map_err(|_| invalid(format!("a dimension of {size} does not fit 32 bits")))?;
        out.write_all(&size.to_be_bytes())?;
    }
    out.write_all(data)
}

/// `60000×28×28`.
pub(crate) fn times(dims: &[usize]) -> String {
    let sizes: Vec<String> = dims.iter().map(usize::to_string).collect();
    sizes.join("×")
}

/// The product of `dims`, unless it overflows. A zero anywhere makes it zero.
fn elements(dims: &[usize]) -> Option<u64> {
    if dims.contains(&0) {
        return Some(0);
    }
    dims.iter()
        .try_fold(1_u64, |product, &size| product.checked_mul(size as u64))
}

/// Reads from `input`, which holds `stored_bytes` as they are stored.
pub(crate) fn read(input: impl BufRead, stored_bytes: u64) -> Result<Array, IdxError> {
    read_as(input, stored_bytes, Elements::Bytes)
}

/// Reads labels: bytes, or the first column of 32-bit integers.
pub(crate) fn read_labels(input: impl BufRead, stored_bytes: u64) -> Result<Array, IdxError> {
    read_as(input, stored_bytes, Elements::Labels)
}

fn read_as(
    mut input: impl BufRead,
    stored_bytes: u64,
    elements: Elements,
) -> Result<Array, IdxError> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    input
        .by_ref()
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|problem| IdxError::Read { found: 0, problem })?;
    if head.is_empty() {
        return Err(IdxError::Empty);
    }
    let gzip = head.starts_with(&[0x1f, 0x8b]);
    let whole = head.as_slice().chain(input);
    if gzip {
        // What is unpacked is rarely more than sixteen times what was packed; beyond
        // that the buffer grows as data arrives.
        let likely_bytes = stored_bytes.saturating_mul(16);
        Unpacked::new(MultiGzDecoder::new(whole), true).array(likely_bytes, elements)
    } else {
        Unpacked::new(whole, false).array(stored_bytes, elements)
    }
}

/// The uncompressed bytes, counted.
struct Unpacked<R> {
    input: R,
    gzip: bool,
    found: u64,
}

impl<R: Read> Unpacked<R> {
    fn new(input: R, gzip: bool) -> Self {
        Self {
            input,
            gzip,
            found: 0,
        }
    }

    /// Header and data, and nothing after them.
    fn array(mut self, likely_bytes: u64, read: Elements) -> Result<Array, IdxError> {
        let magic = self.up_to(4, 4)?;
        let (rank, width) = match *magic.as_slice() {
            [0, 0, UNSIGNED_BYTE, rank] => (usize::from(rank), 1),
            [0, 0, INT, rank] if read == Elements::Labels => (usize::from(rank), 4),
            [0, 0, code, _] => {
                return Err(IdxError::ElementType {
                    code,
                    name: type_name(code),
                });
            }
            [0, 0] | [0, 0, _] | [0] => {
                return Err(IdxError::TruncatedHeader {
                    expected: 4,
                    found: self.found,
                });
            }
            [] => return Err(IdxError::Empty),
            _ => return Err(self.foreign(magic)),
        };
        if rank == 0 {
            return Err(IdxError::NoDimensions);
        }
        let header_bytes = 4 + 4 * rank as u64;
        let sizes = self.up_to(4 * rank as u64, 4 * rank as u64)?;
        if self.found < header_bytes {
            return Err(IdxError::TruncatedHeader {
                expected: header_bytes,
                found: self.found,
            });
        }
        let dims: Vec<usize> = sizes
            .as_chunks::<4>()
            .0
            .iter()
            // usize has at least 32 bits on every machine with an allocator this needs.
            .map(|&size| u32::from_be_bytes(size) as usize)
            .collect();
        if let Some(dimension) = dims.iter().skip(1).position(|&size| size == 0) {
            return Err(IdxError::EmptyDimension {
                offset: 4 + 4 * (dimension as u64 + 1),
                dimension: dimension + 1,
            });
        }
        let data_bytes = elements(&dims)
            .and_then(|elements| elements.checked_mul(width))
            .filter(|&bytes| bytes <= MAX_BYTES)
            .ok_or_else(|| IdxError::TooLarge {
                dims: times(&dims),
                max_bytes: MAX_BYTES,
            })?;
        let data = self.up_to(data_bytes, likely_bytes.min(data_bytes))?;
        let expected = header_bytes + data_bytes;
        if self.found < expected {
            return Err(IdxError::Truncated {
                expected,
                found: self.found,
            });
        }
        // This also makes the gzip decoder check its checksum.
        if !self.up_to(1, 1)?.is_empty() {
            return Err(IdxError::Trailing { expected });
        }
        match width {
            1 => Ok(Array { dims, data }),
            _ => first_column(&dims, &data),
        }
    }

    /// The next `bytes`, or as many as there are; memory for `likely` is allocated at once.
    fn up_to(&mut self, bytes: u64, likely: u64) -> Result<Vec<u8>, IdxError> {
        let mut data = Vec::with_capacity(usize::try_from(likely).unwrap_or(0));
        let result = self.input.by_ref().take(bytes).read_to_end(&mut data);
        self.found += data.len() as u64;
        result.map(|_| data).map_err(|problem| {
            let found = self.found;
            match problem.kind() {
                io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::UnexpectedEof
                    if self.gzip =>
                {
                    IdxError::Gzip { found, problem }
                }
                _ => IdxError::Read { found, problem },
            }
        })
    }

    /// What a file is that begins with `magic` and is no IDX file.
    fn foreign(&mut self, magic: Vec<u8>) -> IdxError {
        let mut head = magic;
        match self.up_to(HEAD_BYTES as u64, HEAD_BYTES as u64) {
            Ok(more) => head.extend(more),
            Err(problem) => return problem,
        }
        let text = String::from_utf8_lossy(&head).to_lowercase();
        let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        if text.starts_with("version https://git-lfs") {
            return IdxError::LfsPointer;
        }
        if ["<!doctype", "<html", "<head", "<?xml", "<!--"]
            .iter()
            .any(|tag| text.starts_with(tag))
        {
            return IdxError::WebPage;
        }
        const PACKED: [(&[u8], &str); 6] = [
            (b"PK\x03\x04", "a zip archive"),
            (b"\xfd7zXZ\0", "xz-compressed"),
            (b"BZh", "bzip2-compressed"),
            (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
            (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
            (b"\x1f\x8b", "gzip within gzip"),
        ];
        if let Some(&(_, kind)) = PACKED.iter().find(|(mark, _)| head.starts_with(mark)) {
            return IdxError::Packed { kind };
        }
        head.truncate(4);
        IdxError::Magic { found: head }
    }
}

/// The first of the integers of each row, as bytes.
fn first_column(dims: &[usize], data: &[u8]) -> Result<Array, IdxError> {
    let rows = dims.first().copied().unwrap_or_default();
    let integers = data.as_chunks::<4>().0;
    let step = dims.iter().skip(1).product::<usize>().max(1);
    let labels = integers
        .iter()
        .step_by(step)
        .enumerate()
        .map(|(row, &bytes)| {
            let value = i32::from_be_bytes(bytes);
            u8::try_from(value).map_err(|_| IdxError::Label { row, value })
        });
    Ok(Array {
        dims: vec![rows],
        data: labels.collect::<Result<_, _>>()?,
    })
}

/// What the type codes of the format stand for.
fn type_name(code: u8) -> &'static str {
    match code {
        0x09 => "signed bytes",
        0x0b => "16-bit integers",
        0x0c => "32-bit integers",
        0x0d => "32-bit floats",
        0x0e => "64-bit floats",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests;
