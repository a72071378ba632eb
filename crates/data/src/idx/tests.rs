use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use proptest::{collection::vec, prelude::*};

use super::*;

/// The bytes of an IDX file.
fn idx(dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, dims, data).unwrap();
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The message of the error that `bytes` give, plain; gzip must say the same.
fn message(bytes: &[u8]) -> String {
    let plain = parse(bytes).unwrap_err().to_string();
    assert_eq!(parse(&gzip(bytes)).unwrap_err().to_string(), plain);
    plain
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn the_published_header_is_understood() {
    // The first bytes of MNIST's own test labels, cut to three labels.
    let bytes = [0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1];
    let array = parse(&bytes).unwrap();
    assert_eq!((array.dims, array.data), (vec![3], vec![7, 2, 1]));
    assert_eq!(idx(&[3], &[7, 2, 1]), bytes);
}

#[test]
fn a_foreign_file_is_told_for_what_it_is() {
    assert_says(
        &message(b"hello, world"),
        &["byte 0", "68 65 6c 6c", "no IDX file"],
    );
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    assert_says(
        &message(lfs),
        &["byte 0", "Git LFS pointer", "git lfs pull"],
    );
    for page in [
        "<!DOCTYPE html><html>",
        "\n  <html><head>",
        "\u{feff}<!doctype html>",
        "<?xml version=\"1.0\"?><Error>NoSuchKey</Error>",
    ] {
        assert_says(
            &message(page.as_bytes()),
            &["web page", "fetch the file again"],
        );
    }
    assert_says(
        &message(b"PK\x03\x04\x14\0\0\0"),
        &["zip archive", "unpack"],
    );
    assert_says(&message(b"\xfd7zXZ\0\0\x04"), &["xz", "unpack"]);
    let twice = gzip(&gzip(&idx(&[1], &[1])));
    assert_says(
        &parse(&twice).unwrap_err().to_string(),
        &["byte 0", "gzip within gzip"],
    );
}

#[test]
fn an_empty_file_is_refused() {
    assert_says(&message(b""), &["empty", "0 bytes"]);
}

#[test]
fn elements_that_are_not_bytes_are_refused_by_name() {
    assert_says(
        &message(&[0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0]),
        &["byte 2", "0x0d", "32-bit floats", "0x08"],
    );
    assert_says(&message(&[0, 0, 0x77, 1]), &["byte 2", "0x77", "unknown"]);
}

#[test]
fn dimensions_must_make_sense() {
    assert_says(&message(&[0, 0, 8, 0]), &["byte 3", "no dimensions"]);
    let no_rows = [
        &[0, 0, 8, 3][..],
        &[0, 0, 0, 1],
        &[0, 0, 0, 2],
        &[0, 0, 0, 0],
    ]
    .concat();
    assert_says(&message(&no_rows), &["byte 12", "dimension 2", "size 0"]);
}

#[test]
fn every_cut_is_refused_with_the_bytes_that_are_there() {
    let whole = idx(&[2, 2, 3], &[9; 12]);
    assert_eq!(whole.len(), 28);
    for cut in 1..whole.len() {
        let message = message(&whole[..cut]);
        let found = format!("found {cut}");
        let expected = match cut {
            0..4 => "expected 4 bytes",
            4..16 => "expected 16 bytes",
            _ => "claims 28 bytes in all",
        };
        assert_says(&message, &[&format!("byte {cut}"), expected, &found]);
    }
}

#[test]
fn trailing_bytes_are_refused_with_their_place() {
    let mut bytes = idx(&[2], &[1, 2]);
    bytes.push(0);
    assert_says(&message(&bytes), &["byte 10", "goes on"]);
}

#[test]
fn a_header_that_claims_the_moon_is_refused_before_anything_is_allocated() {
    let mut bytes = vec![0, 0, 8, 3];
    bytes.extend([0xff; 12]);
    assert_says(
        &message(&bytes),
        &["byte 4", "4294967295×4294967295×4294967295", "damaged"],
    );
    let many = [&[0, 0, 8, 255][..], &[0xff; 4 * 255]].concat();
    assert_says(&message(&many), &["byte 4", "damaged"]);
}

#[test]
fn a_header_within_the_limit_is_not_believed_either() {
    // Claims 16 GiB and holds one byte: an allocation of that would abort the test.
    let mut bytes = vec![0, 0, 8, 2, 0, 0, 0x40, 0, 0, 0x10, 0, 0];
    bytes.push(1);
    assert_says(
        &message(&bytes),
        &["byte 13", "claims 17179869196 bytes in all", "found 13"],
    );
}

#[test]
fn a_gzip_bomb_is_unpacked_no_further_than_its_header_claims() {
    /// An endless stream of zeros that fails when it is asked for more than a little.
    struct Bomb(usize);
    impl Read for Bomb {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 += out.len();
            assert!(self.0 <= 64, "{} bytes were unpacked", self.0);
            out.fill(0);
            Ok(out.len())
        }
    }
    let header = idx(&[100], &[5; 100]);
    let unpacked = Unpacked::new(header.as_slice().chain(Bomb(0)), true);
    assert!(matches!(
        unpacked.array(1, Elements::Bytes),
        Err(IdxError::Trailing { expected: 108 })
    ));

    let mut bomb = idx(&[100], &[5; 100]);
    bomb.extend(vec![0; 64 << 20]);
    let packed = gzip(&bomb);
    assert!(packed.len() < 100_000);
    assert_says(
        &parse(&packed).unwrap_err().to_string(),
        &["byte 108", "goes on"],
    );
}

#[test]
fn damaged_gzip_is_told_apart_from_damaged_data() {
    let data: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let packed = gzip(&idx(&[10_000], &data));
    let says = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
    assert_says(
        &says(&packed[..packed.len() / 2]),
        &["gzip", "damaged after", "fetch it again"],
    );
    // The checksum in the trailer.
    let mut flipped = packed.clone();
    let crc = flipped.len() - 8;
    flipped[crc] ^= 1;
    assert_says(&says(&flipped), &["gzip", "damaged after 10008 bytes"]);
    // Cut within the trailer: all data is there, but nothing vouches for it.
    assert_says(&says(&packed[..packed.len() - 3]), &["gzip", "damaged"]);
    // Rubbish after the last member.
    let trailed = [packed.as_slice(), b"rubbish"].concat();
    assert!(parse(&trailed).is_err());
}

#[test]
fn gzip_of_several_members_is_one_stream() {
    let bytes = idx(&[4], &[1, 2, 3, 4]);
    let packed = [gzip(&bytes[..6]), gzip(&bytes[6..])].concat();
    assert_eq!(parse(&packed).unwrap().data, [1, 2, 3, 4]);
}

#[test]
fn a_reader_that_fails_says_where() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }
    let header = idx(&[100], &[5; 100]);
    for gzip in [false, true] {
        let error = Unpacked::new(header[..50].chain(Broken), gzip).array(100, Elements::Bytes);
        assert_says(
            &error.unwrap_err().to_string(),
            &["byte 50", "the disk is on fire"],
        );
    }
}

#[test]
fn writing_refuses_what_the_format_cannot_hold() {
    let refused = |dims: &[usize], data: &[u8]| {
        let error = write(&mut io::sink(), dims, data).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        error.to_string()
    };
    assert_says(&refused(&[2, 3], &[0; 5]), &["5 bytes", "2×3"]);
    assert_says(&refused(&[], &[]), &["0 dimensions"]);
    assert_says(&refused(&[1; 256], &[0]), &["256 dimensions"]);
    assert_says(&refused(&[0, 1 << 32], &[]), &["4294967296", "32 bits"]);
}

/// One to four dimensions, only the first of which may be zero, and as many bytes.
fn arrays() -> impl Strategy<Value = Array> {
    (0..20_usize, vec(1..6_usize, 0..4)).prop_flat_map(|(first, mut rest)| {
        rest.insert(0, first);
        let bytes: usize = rest.iter().product();
        vec(any::<u8>(), bytes).prop_map(move |data| Array {
            dims: rest.clone(),
            data,
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(array in arrays()) {
        let bytes = idx(&array.dims, &array.data);
        prop_assert_eq!(&parse(&bytes).unwrap(), &array);
        prop_assert_eq!(&parse(&gzip(&bytes)).unwrap(), &array);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = parse(&[&[0, 0, 8], bytes.as_slice()].concat());
        let _ = parse(&[&[0x1f, 0x8b, 8, 0], bytes.as_slice()].concat());
    }

    #[test]
    fn damaged_files_never_panic(array in arrays(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut packed = gzip(&idx(&array.dims, &array.data));
        let at = at.index(packed.len());
        packed[at] ^= 1_u8 << bit;
        // Bits of the gzip header that mean nothing to the content may be flipped.
        if let Ok(found) = parse(&packed) {
            prop_assert_eq!(found, array);
        }
    }
}
