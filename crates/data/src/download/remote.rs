//! What is known of a dataset to download, and of its files.

/// A dataset that can be downloaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Download {
    /// The name to get and to open it by.
    pub name: &'static str,
    /// Its name in prose.
    pub title: &'static str,
    /// What it holds, in a line.
    pub summary: &'static str,
    /// Who made it.
    pub source: &'static str,
    /// The licence it is given under, as far as one is stated.
    pub licence: &'static str,
    /// The address below which its files are.
    pub(super) base: &'static str,
    pub(super) files: &'static [Remote],
    /// The names of its classes, where its files have none.
    pub(super) classes: &'static [&'static str],
}

/// A file to download.
#[derive(Debug)]
pub(super) struct Remote {
    /// Its name below the address.
    pub(super) name: &'static str,
    /// Its size, where it is known.
    pub(super) bytes: Option<u64>,
    pub(super) checksum: Checksum,
    pub(super) keep: Keep,
}

/// The checksum that a file must have, hexadecimal.
#[derive(Debug)]
pub(super) enum Checksum {
    Sha256(&'static str),
    /// Where no better one is published: it finds damage, not forgery.
    Md5(&'static str),
}

/// What is kept of a file.
#[derive(Debug)]
pub(super) enum Keep {
    Whole,
    /// These files of a zip or `.tar.gz` archive, below the folder in it.
    Members(&'static str, &'static [&'static str]),
    /// What a `.bz2` file holds, by this name.
    Bzip2(&'static str),
}

/// How far a download is.
#[derive(Clone, Copy, Debug)]
pub struct DownloadProgress<'a> {
    /// The file.
    pub file: &'a str,
    /// Bytes that are there.
    pub done: u64,
    /// Bytes in all, where that is known.
    pub all: Option<u64>,
}
