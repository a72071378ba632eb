use proptest::prelude::*;

use super::*;

/// `{'data': numpy.array([[1, 2], [3, 4]], 'uint8'), 'labels': [7, 300]}` as Python 3 writes it
/// in protocol 2, which has bytes as text in Latin-1.
pub(crate) const PROTOCOL_2: &[u8] = b"\x80\x02}q\x00(X\x04\x00\x00\x00dataq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85q\x04c_codecs\nencode\nq\x05X\x01\x00\x00\x00bq\x06X\x06\x00\x00\x00latin1q\x07\x86q\x08Rq\x09\x87q\x0aRq\x0b(K\x01K\x02K\x02\x86q\x0ccnumpy\ndtype\nq\x0dX\x02\x00\x00\x00u1q\x0e\x89\x88\x87q\x0fRq\x10(K\x03X\x01\x00\x00\x00|q\x11NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x12b\x89h\x05X\x04\x00\x00\x00\x01\x02\x03\x04q\x13h\x07\x86q\x14Rq\x15tq\x16bX\x06\x00\x00\x00labelsq\x17]q\x18(K\x07M,\x01eu.";

#[test]
fn an_array_and_a_list_are_read() {
    let pickle = parse(PROTOCOL_2).unwrap();
    let data = pickle.get(pickle.root(), "data").unwrap();
    let array = pickle.array(data).unwrap().unwrap();
    assert_eq!(array.dims, [2, 2]);
    assert_eq!(array.elements, Elements::Bytes(vec![1, 2, 3, 4]));
    let labels = pickle.get(pickle.root(), "labels").unwrap();
    let labels = pickle.array(labels).unwrap().unwrap();
    assert_eq!(labels.elements, Elements::Integers(vec![7, 300]));
}

#[test]
fn protocol_0_is_read() {
    let pickle = parse(b"(dp0\nS'label_names'\np1\n(lp2\nS'cat'\np3\naS'dog'\np4\nas.").unwrap();
    let names = pickle.get(pickle.root(), "label_names").unwrap();
    let names: Vec<_> = pickle
        .items(names)
        .iter()
        .filter_map(|&id| pickle.text(id))
        .collect();
    assert_eq!(names, ["cat", "dog"]);
}

#[test]
fn a_call_is_not_made() {
    // os.system('touch /tmp/x')
    let pickle = parse(b"cos\nsystem\n(S'touch /tmp/x'\ntR.").unwrap();
    assert!(pickle.array(pickle.root()).is_none());
    assert!(pickle.text(pickle.root()).is_none());
}

#[test]
fn counts_are_compared_with_what_is_there() {
    for bytes in [
        &b"B\xff\xff\xff\xff"[..],
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
        b"R",
        b"e.",
        b"",
    ] {
        assert!(parse(bytes).is_err());
    }
}

proptest! {
    #[test]
    fn damaged_bytes_do_not_panic(at in 0..PROTOCOL_2.len(), byte: u8, cut in 0..PROTOCOL_2.len()) {
        let mut bytes = PROTOCOL_2.to_vec();
        bytes[at] = byte;
        for bytes in [&bytes[..], &bytes[..cut]] {
            if let Ok(pickle) = parse(bytes) {
                for (_, id) in pickle.entries(pickle.root()) {
                    let _ = pickle.array(id);
                }
            }
        }
    }

    #[test]
    fn any_bytes_do_not_panic(bytes: Vec<u8>) {
        let _ = parse(&bytes);
    }
}
