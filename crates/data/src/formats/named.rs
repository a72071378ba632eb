//! What is recognised and not read: it is named, with the way to convert it.

use crate::{endings::is_picture, error::DataError, listing::Listing};

/// A kind of file, how it is recognised, and what to do.
struct Known {
    endings: &'static [&'static str],
    /// How such a file begins; empty where only its name tells.
    start: &'static [u8],
    what: &'static str,
    remedy: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        endings: &[".tfrecord", ".tfrecords"],
        start: b"",
        what: "a TFRecord file",
        remedy: "convert it with TensorFlow: read it with tf.data.TFRecordDataset and save arrays with numpy.savez(x_train=…, y_train=…, x_test=…, y_test=…)",
    },
    Known {
        endings: &[".db", ".sqlite", ".sqlite3"],
        start: b"SQLite format 3\0",
        what: "an SQLite database",
        remedy: "write its images to files in a folder for each class, or to an npz with numpy.savez",
    },
    Known {
        endings: &[".arff"],
        start: b"",
        what: "an ARFF table",
        remedy: "save it as CSV with a header, as scipy.io.arff.loadarff and pandas.DataFrame.to_csv do",
    },
    Known {
        endings: &[".h5", ".hdf5"],
        start: b"\x89HDF\r\n\x1a\n",
        what: "an HDF5 file",
        remedy: "read it with h5py and save its arrays with numpy.savez(x_train=…, y_train=…, x_test=…, y_test=…)",
    },
    Known {
        endings: &[".arrow", ".feather"],
        start: b"ARROW1",
        what: "an Arrow file",
        remedy: "save it as parquet, as datasets.Dataset.to_parquet does",
    },
    Known {
        endings: &[".7z"],
        start: b"7z\xbc\xaf\x27\x1c",
        what: "a 7-Zip archive",
        remedy: "unpack it, or pack it as zip or tar.gz",
    },
    Known {
        endings: &[".rar"],
        start: b"Rar!",
        what: "a RAR archive",
        remedy: "unpack it, or pack it as zip or tar.gz",
    },
    Known {
        endings: &[".xz", ".bz2", ".zst"],
        start: b"",
        what: "a file packed with xz, bzip2 or zstd",
        remedy: "unpack it, or pack it with gzip",
    },
    Known {
        endings: &[".mat"],
        start: b"",
        what: "a MATLAB file",
        remedy: "read it with scipy.io.loadmat and save its arrays with numpy.savez(x_train=…, y_train=…, x_test=…, y_test=…)",
    },
];

/// The error that names a file which is not read, if there is one.
pub(crate) fn named_only(listing: &Listing) -> Option<DataError> {
    let say = |file: &str, what: &str, remedy: &str| {
        let problem = format!("this is {what}, which is not read: {remedy}");
        Some(DataError::invalid(&listing.path_of(file), problem))
    };
    for file in listing.files() {
        let name = file.to_lowercase();
        let head = || listing.head(file).unwrap_or_default();
        let known = KNOWN.iter().find(|known| {
            known.endings.iter().any(|ending| name.ends_with(ending))
                || (!known.start.is_empty() && head().starts_with(known.start))
        });
        if let Some(known) = known {
            return say(file, known.what, known.remedy);
        }
        if name.ends_with(".cls") {
            return say(
                file,
                "a sample of a webdataset",
                "write its images to files in a folder for each class",
            );
        }
    }
    let unlabelled =
        |here: &Listing| here.files().any(is_picture) && here.folders().next().is_none();
    let mut places: Vec<String> = Vec::new();
    for folder in listing.folders().take(20) {
        if listing
            .inside(folder)
            .is_ok_and(|inside| unlabelled(&inside))
        {
            places.push(folder.into());
        }
    }
    if unlabelled(listing) || !places.is_empty() {
        let within = match places.is_empty() {
            true => String::new(),
            false => format!(" in {}", crate::notes::some(&places)),
        };
        let problem = format!(
            "there are images{within}, and nothing says which class each is of: sort them into a folder for each class, or write a table labels.csv with the columns file and label. Classes are not read from the names of files (such as cat.1.png): a name and a label may disagree"
        );
        return Some(DataError::invalid(listing.path(), problem));
    }
    None
}
