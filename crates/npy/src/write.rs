//! Writing an array.

/// The beginning of a file: all before the elements. `descr` is their type in NumPy's notation, such as `<f4`,
/// and `dims` how many there are along each dimension, at most 64, as NumPy has it. Version 1.0.
pub fn header(descr: &str, dims: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = dims.iter().map(usize::to_string).collect();
    let shape = match sizes.as_slice() {
        // A tuple of one element has a comma in Python.
        [only] => format!("({only},)"),
        sizes => format!("({})", sizes.join(", ")),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Mark, version and length take ten bytes; all of it is a multiple of 64 long.
    text.extend(std::iter::repeat_n(' ', 63 - (10 + text.len()) % 64));
    text.push('\n');
    // 64 sizes of 20 digits are far from the limit.
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// A file of an array: `data` are its elements as they are stored, the last dimension running fastest.
pub fn file(descr: &str, dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut bytes = header(descr, dims);
    bytes.extend(data);
    bytes
}

/// A type of elements that arrays are written of.
pub trait Element: Copy {
    /// NumPy's notation of it.
    const DESCR: &'static str;

    /// Adds its bytes.
    fn put(self, bytes: &mut Vec<u8>);
}

macro_rules! elements {
    ($($kind:ty = $descr:literal),*) => {$(
        impl Element for $kind {
            const DESCR: &'static str = $descr;

            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
        }
    )*};
}

elements!(u8 = "|u1", u16 = "<u2", i64 = "<i8", f32 = "<f4");

impl Element for bool {
    const DESCR: &'static str = "|b1";

    fn put(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }
}

/// A file of an array of these values, the last dimension running fastest.
pub fn write<T: Element>(dims: &[usize], values: &[T]) -> Vec<u8> {
    let mut bytes = header(T::DESCR, dims);
    bytes.reserve(size_of_val(values));
    for &value in values {
        value.put(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Elements, parse};

    #[test]
    fn headers_are_those_of_numpy() {
        // numpy.save of numpy.zeros((2, 3), "f4") and of numpy.zeros(3, "i8") begin so.
        for (bytes, text) in [
            (
                write(&[2, 3], &[0.0_f32; 6]),
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
            ),
            (
                write(&[3], &[0_i64; 3]),
                "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }",
            ),
        ] {
            assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
            assert!(bytes[10..].starts_with(text.as_bytes()));
            assert_eq!(bytes[127], b'\n');
            assert_eq!(bytes.len(), 128 + 24);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let read = |bytes: Vec<u8>| parse(bytes).unwrap();
        assert_eq!(
            read(write(&[2], &[0.5_f32, 1.0])).elements,
            Elements::Floats(vec![0.5, 1.0])
        );
        assert_eq!(
            read(write(&[2], &[7_u16, 300])).elements,
            Elements::Integers(vec![7, 300])
        );
        assert_eq!(
            read(write(&[1, 1], &[-1_i64])).elements,
            Elements::Integers(vec![-1])
        );
        let truths = read(write(&[2], &[true, false]));
        assert!(truths.truths && truths.elements == Elements::Bytes(vec![1, 0]));
        assert_eq!(read(write::<u8>(&[0, 3], &[])).dims, [0, 3]);
    }
}
