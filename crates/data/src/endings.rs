//! What the ending of a file's name says of it.

/// Endings of the images that are read, in lower case.
const IMAGES: [&str; 15] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "gif", "tif", "tiff", "pgm", "ppm",
    "pbm", "pnm",
];

/// Endings of images that are not read.
const OTHER_IMAGES: [&str; 12] = [
    "heic", "heif", "avif", "jxl", "jp2", "svg", "dcm", "raw", "cr2", "nef", "dng", "psd",
];

/// A file's ending, in lower case.
pub(crate) fn ending(file: &str) -> Option<String> {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.')
        .map(|(_, ending)| ending.to_lowercase())
}

/// Whether a file is an image that is read, by its name; what it holds is looked at later.
pub(crate) fn is_picture(file: &str) -> bool {
    ending(file).is_some_and(|ending| IMAGES.contains(&ending.as_str()))
}

/// Whether an ending is that of an image of a kind that is not read.
pub(crate) fn is_other_picture(ending: &str) -> bool {
    OTHER_IMAGES.contains(&ending)
}
