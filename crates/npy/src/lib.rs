//! NumPy's arrays, `.npy`: a header in Python's notation, then the elements.
//! Source: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//!
//! Bytes, integers, floats of 32 and 64 bits, texts and truth values are read, in either byte order and either
//! order of dimensions, of versions 1 to 3. What holds Python objects is refused: to read them would be to run
//! them. Counts are compared with the bytes that are there before memory is taken.
//!
//! It knows none of our other crates, so that all of them may use it: datasets, predictions of other programs,
//! and programs as models read arrays, and exports write them.
//!
//! Rejected: the crate `npyz`, whose header is evaluated by a parser of its own for structured
//! types, which no image data have; here an array is a shape and a type.

mod write;

use std::borrow::Cow;

pub use write::{Element, file, header, write};

/// The longest header that is read: the dimensions and the type of an array need a few dozen bytes.
const MAX_HEADER: usize = 1 << 16;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// Its elements are of a type that is not read; another one helps.
    #[error("{0}, which are not read")]
    Type(String),
    /// It is no array, or damaged.
    #[error("{0}")]
    Damaged(String),
}

impl From<&str> for NpyError {
    fn from(problem: &str) -> Self {
        Self::Damaged(problem.to_owned())
    }
}

impl From<String> for NpyError {
    fn from(problem: String) -> Self {
        Self::Damaged(problem)
    }
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// Of `uint8` and `bool`.
    Bytes(Vec<u8>),
    /// Of all other integers; those above 2⁶³ are wrapped.
    Integers(Vec<i64>),
    /// Of `float32` and `float64`.
    Floats(Vec<f64>),
    /// Without the zeros at their ends.
    Texts(Vec<String>),
}

/// An array, the last dimension running fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// How many elements there are along each dimension.
    pub dims: Vec<usize>,
    /// As many as the product of `dims`.
    pub elements: Elements,
    /// They are true (1) or false (0).
    pub truths: bool,
}

/// The type of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unsigned,
    Signed,
    Float,
    /// Text of four bytes for each character.
    Unicode,
    /// Text of one byte for each character.
    Ascii,
}

/// How elements are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    kind: Kind,
    size: usize,
    big: bool,
    truths: bool,
}

impl Type {
    /// From NumPy's notation, such as `|u1` or `<f4`.
    ///
    /// # Errors
    /// [`NpyError::Type`] for one that is not read.
    pub fn of(text: &str) -> Result<Self, NpyError> {
        let wrong = || NpyError::Type(format!("it has elements of the type {text:?}"));
        let (order, rest) = match text.as_bytes().first() {
            Some(b'<' | b'>' | b'|' | b'=') => {
                (text.as_bytes()[0], text.get(1..).unwrap_or_default())
            }
            _ => (b'<', text),
        };
        let mut letters = rest.chars();
        let kind = letters.next().ok_or_else(wrong)?;
        let size: usize = letters.as_str().parse().map_err(|_| wrong())?;
        let truths = kind == 'b';
        let kind = match (kind, size) {
            ('u', 1 | 2 | 4 | 8) | ('b', 1) => Kind::Unsigned,
            ('i', 1 | 2 | 4 | 8) => Kind::Signed,
            ('f', 4 | 8) => Kind::Float,
            ('U', 1..=1024) => Kind::Unicode,
            ('S' | 'a', 1..=1024) => Kind::Ascii,
            _ => return Err(wrong()),
        };
        Ok(Self {
            kind,
            size: if kind == Kind::Unicode {
                4 * size
            } else {
                size
            },
            big: order == b'>',
            truths,
        })
    }
}

/// Reads a file. The bytes of one that is given away are not copied.
///
/// # Errors
/// When it is no such file, damaged, or of elements that are not read.
pub fn parse<'a>(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Array, NpyError> {
    let mut bytes = bytes.into();
    let (start, dims, kind, fortran) = read_header(&bytes)?;
    let data = match &mut bytes {
        Cow::Owned(bytes) => {
            bytes.drain(..start);
            std::mem::take(bytes).into()
        }
        Cow::Borrowed(bytes) => bytes[start..].into(),
    };
    array(data, dims, kind, fortran)
}

/// Where the elements begin, how many there are along each dimension, of which type, and whether
/// the first dimension runs fastest.
fn read_header(bytes: &[u8]) -> Result<(usize, Vec<usize>, Type, bool), NpyError> {
    let cut = || NpyError::from("the npy header is cut short");
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or("this is no npy file: it does not begin with NumPy's mark")?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            let length = usize::try_from(u32::from_le_bytes(*length));
            (length.map_err(|_| cut())?, rest)
        }
        other => return Err(format!("npy files of version {other} are not known").into()),
    };
    if length > MAX_HEADER {
        return Err(format!("its header claims {length} bytes: it is damaged").into());
    }
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = String::from_utf8_lossy(header);
    let descr = value(&header, "descr").ok_or("the npy header lacks `descr`")?;
    let descr = descr
        .strip_prefix(['\'', '"'])
        .and_then(|text| text.split(['\'', '"']).next())
        .ok_or_else(|| NpyError::Type("it has elements of several fields".into()))?;
    if descr.contains('O') {
        return Err(NpyError::Type("it holds Python objects".into()));
    }
    let fortran = value(&header, "fortran_order").is_some_and(|text| text.starts_with("True"));
    let shape = value(&header, "shape").ok_or("the npy header lacks `shape`")?;
    let shape = shape
        .strip_prefix('(')
        .and_then(|text| text.split(')').next())
        .ok_or("the npy header's shape cannot be read")?;
    let dims: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.trim_end_matches('L').parse())
        .collect::<Result<_, _>>()
        .map_err(|_| "the npy header's shape cannot be read")?;
    Ok((bytes.len() - data.len(), dims, Type::of(descr)?, fortran))
}

/// Dimensions in words: `3×28×28`.
fn times(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    dims.join("×")
}

/// What follows a key of the header.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let at = header.find(&format!("'{key}'"))?;
    let rest = header.get(at + key.len() + 2..)?.trim_start();
    Some(rest.strip_prefix(':')?.trim_start())
}

/// An array from the bytes of its elements.
///
/// # Errors
/// When there are fewer bytes than the dimensions claim.
pub fn array(
    mut data: Cow<'_, [u8]>,
    dims: Vec<usize>,
    kind: Type,
    fortran: bool,
) -> Result<Array, NpyError> {
    let count = dims
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size));
    let bytes = count.and_then(|count| count.checked_mul(kind.size));
    let Some(bytes) = bytes.filter(|&bytes| bytes <= data.len()) else {
        return Err(format!(
            "the header claims {} elements of {} bytes, and {} bytes are there",
            times(&dims),
            kind.size,
            data.len()
        )
        .into());
    };
    match &mut data {
        Cow::Owned(data) => data.truncate(bytes),
        Cow::Borrowed(data) => *data = &data[..bytes],
    }
    let chunks = || data.chunks_exact(kind.size);
    let whole = |chunk: &[u8], signed: bool| -> i64 {
        let mut wide = [0; 8];
        for (place, &byte) in wide.iter_mut().zip(chunk.iter()) {
            *place = byte;
        }
        let value = if kind.big {
            let mut turned = [0; 8];
            for (place, &byte) in turned.iter_mut().zip(chunk.iter().rev()) {
                *place = byte;
            }
            i64::from_le_bytes(turned)
        } else {
            i64::from_le_bytes(wide)
        };
        let unused = 64 - 8 * kind.size.min(8) as u32;
        if signed {
            value << unused >> unused
        } else {
            value
        }
    };
    let text = |chunk: &[u8]| -> String {
        let letters: String = match kind.kind {
            Kind::Unicode => chunk
                .chunks_exact(4)
                .filter_map(|c| c.first_chunk::<4>())
                .map(|&c| {
                    if kind.big {
                        u32::from_be_bytes(c)
                    } else {
                        u32::from_le_bytes(c)
                    }
                })
                .map(|code| char::from_u32(code).unwrap_or('\u{fffd}'))
                .collect(),
            _ => String::from_utf8_lossy(chunk).into_owned(),
        };
        letters.trim_end_matches('\0').to_owned()
    };
    let elements = match (kind.kind, kind.size) {
        (Kind::Unsigned, 1) => Elements::Bytes(data.into_owned()),
        (Kind::Unsigned, _) => Elements::Integers(chunks().map(|c| whole(c, false)).collect()),
        (Kind::Signed, _) => Elements::Integers(chunks().map(|c| whole(c, true)).collect()),
        (Kind::Float, 4) => Elements::Floats(
            chunks()
                // The bits of a float are in the low half.
                .map(|c| f64::from(f32::from_bits(whole(c, false) as u32)))
                .collect(),
        ),
        (Kind::Float, _) => Elements::Floats(
            chunks()
                .map(|c| f64::from_bits(whole(c, false) as u64))
                .collect(),
        ),
        (Kind::Unicode | Kind::Ascii, _) => Elements::Texts(chunks().map(text).collect()),
    };
    let array = Array {
        dims,
        elements,
        truths: kind.truths,
    };
    Ok(if fortran { array.turned() } else { array })
}

impl Array {
    /// From the first dimension running fastest to the last.
    fn turned(self) -> Self {
        let dims = self.dims.clone();
        let count: usize = dims.iter().product();
        let mut order = Vec::with_capacity(count);
        let mut place = vec![0_usize; dims.len()];
        let mut strides = vec![1_usize; dims.len()];
        for at in 1..dims.len() {
            strides[at] = strides[at - 1] * dims[at - 1];
        }
        for _ in 0..count {
            order.push(
                place
                    .iter()
                    .zip(&strides)
                    .map(|(a, b)| a * b)
                    .sum::<usize>(),
            );
            for at in (0..dims.len()).rev() {
                place[at] += 1;
                if place[at] < dims[at] {
                    break;
                }
                place[at] = 0;
            }
        }
        fn pick<T: Clone>(values: &[T], order: &[usize]) -> Vec<T> {
            order.iter().map(|&at| values[at].clone()).collect()
        }
        let elements = match &self.elements {
            Elements::Bytes(values) => Elements::Bytes(pick(values, &order)),
            Elements::Integers(values) => Elements::Integers(pick(values, &order)),
            Elements::Floats(values) => Elements::Floats(pick(values, &order)),
            Elements::Texts(values) => Elements::Texts(pick(values, &order)),
        };
        Self {
            dims,
            elements,
            truths: self.truths,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(descr: &str, dims: &[usize], fortran: bool, data: &[u8]) -> Vec<u8> {
        let mut bytes = crate::file(descr, dims, data);
        if fortran {
            let text = b"'fortran_order': False";
            let at = bytes.windows(text.len()).position(|it| it == text).unwrap();
            // As long as the other word, with the blank that Python's notation allows.
            bytes[at..at + text.len()].copy_from_slice(b"'fortran_order': True ");
        }
        bytes
    }

    #[test]
    fn types_and_orders_are_read() {
        let read = |descr: &str, dims: &[usize], fortran, data: &[u8]| {
            parse(file(descr, dims, fortran, data)).unwrap().elements
        };
        assert_eq!(
            read("|u1", &[2], false, &[1, 255]),
            Elements::Bytes(vec![1, 255])
        );
        assert_eq!(
            read("<i2", &[2], false, &[1, 0, 255, 255]),
            Elements::Integers(vec![1, -1])
        );
        assert_eq!(
            read(">i4", &[1], false, &[0, 0, 1, 0]),
            Elements::Integers(vec![256])
        );
        assert_eq!(
            read("<f4", &[1], false, &0.5_f32.to_le_bytes()),
            Elements::Floats(vec![0.5])
        );
        assert_eq!(
            read(">f8", &[1], false, &0.25_f64.to_be_bytes()),
            Elements::Floats(vec![0.25])
        );
        assert_eq!(
            read("|u1", &[2, 3], true, &[1, 4, 2, 5, 3, 6]),
            Elements::Bytes(vec![1, 2, 3, 4, 5, 6])
        );
        let text = "a\0\0\0b\0\0\0";
        assert_eq!(
            read("<U2", &[1], false, text.as_bytes()),
            Elements::Texts(vec!["ab".into()])
        );
    }

    #[test]
    fn what_is_not_read_is_said() {
        for (bytes, word) in [
            (file("|O", &[1], false, &[0; 8]), "Python objects"),
            (file("|u1", &[usize::MAX, 3], false, &[0; 8]), "claims"),
            (file("|u1", &[9], false, &[0; 8]), "8 bytes are there"),
            (file("<c16", &[1], false, &[0; 16]), "not read"),
            (b"PK".to_vec(), "no npy file"),
            (b"\x93NUMPY\x09\x00".to_vec(), "version 9"),
            (b"\x93NUMPY\x01\x00\xff".to_vec(), "cut short"),
            (
                b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
                "claims 4294967295",
            ),
        ] {
            let problem = parse(&bytes).unwrap_err().to_string();
            assert!(problem.contains(word), "{problem}");
        }
    }

    proptest! {
        #[test]
        fn damaged_bytes_do_not_panic(at in 0_usize..140, byte: u8, cut in 0_usize..140) {
            let mut bytes = file("<f4", &[2, 2], true, &[7; 16]);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = parse(&bytes);
            let _ = parse(&bytes[..cut.min(bytes.len())]);
        }
    }
}
