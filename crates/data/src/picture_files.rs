//! Images of a dataset as files: decoded, at the stated size and with the stated channels.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use bakeoff_core::{Colour, ImageShape, Images};
use bakeoff_picture::{MAX_FILE_BYTES, Planes, RawPicture};
use rayon::prelude::*;

use crate::{
    context::Context,
    endings::{ending, is_other_picture, is_picture},
    error::DataError,
    files::FileReader,
    hidden::is_hidden,
    listing::Listing,
    notes::some,
};

/// An image to decode.
pub(crate) enum Picture {
    /// A file, from the dataset's folder.
    File(String),
    /// Bytes of a file, and where they are.
    #[cfg(feature = "parquet")]
    Bytes(Vec<u8>, PathBuf),
}

impl Picture {
    pub(crate) fn path(&self, listing: &Listing) -> PathBuf {
        match self {
            Self::File(file) => listing.path_of(file),
            #[cfg(feature = "parquet")]
            Self::Bytes(_, path) => path.clone(),
        }
    }

    fn bytes(&self, listing: &Listing) -> Result<Cow<'_, [u8]>, DataError> {
        match self {
            Self::File(file) => Ok(listing.read(file, MAX_FILE_BYTES as u64)?.into()),
            #[cfg(feature = "parquet")]
            Self::Bytes(bytes, _) => Ok(bytes.into()),
        }
    }
}

/// The images in a folder and its subfolders, in the order of their paths, and the number of
/// other files in it; hidden files and folders are left alone. Links to folders are not followed.
///
/// # Errors
/// When a folder cannot be read.
pub fn image_files(folder: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let (mut images, mut others) = (Vec::new(), 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            if is_hidden(&name) {
                continue;
            } else if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if is_picture(&name) && path.is_file() {
                images.push(path);
            } else {
                others += 1;
            }
        }
    }
    images.sort();
    Ok((images, others))
}

/// The files that were left out.
#[derive(Default)]
pub(crate) struct LeftOut {
    /// Files that are no images, by their endings.
    others: BTreeMap<String, usize>,
    /// Images that lie in no folder of a class.
    stray: Vec<String>,
}

impl LeftOut {
    pub(crate) fn add(&mut self, file: &str) {
        let ending = ending(file).map_or_else(|| "no ending".into(), |ending| format!(".{ending}"));
        *self.others.entry(ending).or_default() += 1;
    }

    /// An image that lies in no folder of a class.
    pub(crate) fn add_stray(&mut self, file: String) {
        self.stray.push(file);
    }

    pub(crate) fn say(&self, context: &mut Context<'_>) {
        let (mut images, mut others) = (Vec::new(), Vec::new());
        for (ending, count) in &self.others {
            let is_image = is_other_picture(ending.trim_start_matches('.'));
            let list = if is_image { &mut images } else { &mut others };
            list.push(format!("{count} with {ending}"));
        }
        if !self.stray.is_empty() {
            context.note(format!(
                "images that lie in no folder of a class are left out: {}",
                some(&self.stray)
            ));
        }
        if !images.is_empty() {
            context.note(format!(
                "images of a kind that is not read are left out ({}): save them as PNG or JPEG",
                images.join(", ")
            ));
        }
        if !others.is_empty() {
            context.note(format!(
                "files that are no images are left out ({})",
                others.join(", ")
            ));
        }
    }
}

/// This many bad files are named.
const SHOWN: usize = 10;

/// Decodes the images of all parts of a dataset; there is at least one in each. Where files are
/// listed, each image is one black pixel.
///
/// They are grey if all of them are, and RGB (over white) if any has a colour, unless something
/// else is stated.
///
/// # Errors
/// Names the images that cannot be read or are damaged, and the first of another size than the
/// first one where no size is stated.
pub(crate) fn read_parts(
    listing: &Listing,
    parts: Vec<Vec<Picture>>,
    context: &mut Context<'_>,
) -> Result<Vec<Images>, DataError> {
    if context.lists {
        return list(listing, parts, context);
    }
    let options = context.options;
    let all: Vec<&Picture> = parts.iter().flatten().collect();
    // In parallel, but what is returned does not depend on which was read first.
    let read: Vec<Result<(Planes, bool), DataError>> = all
        .par_iter()
        .map(|picture| {
            let (planes, has_more_frames) = read(listing, picture)?;
            let planes = planes.coloured(options.colour);
            let planes = match options.size {
                Some(size) => planes.fitted(size, options.fit),
                None => planes,
            };
            Ok((planes, has_more_frames))
        })
        .collect();
    let bad = read.iter().filter(|planes| planes.is_err()).count();
    if bad > 1 {
        let problems = read.into_iter().filter_map(Result::err).take(SHOWN);
        let problems: Vec<String> = problems.map(|problem| problem.to_string()).collect();
        return Err(DataError::SeveralFiles {
            path: listing.path().into(),
            bad,
            images: all.len(),
            problems,
        });
    }
    let read: Vec<(Planes, bool)> = read.into_iter().collect::<Result<_, _>>()?;
    let (planes, has_more): (Vec<Planes>, Vec<bool>) = read.into_iter().unzip();
    if let Some(first) = has_more.iter().position(|more| *more) {
        context.note(format!(
            "of images with several frames or pages, the first is read: {} of {}, such as {}",
            has_more.iter().filter(|more| **more).count(),
            all.len(),
            all[first].path(listing).display()
        ));
    }
    let Some(first) = planes.first() else {
        return Err(DataError::no_pictures(listing.path()));
    };
    let (height, width) = (first.height, first.width);
    let others = planes
        .iter()
        .filter(|p| (p.height, p.width) != (height, width));
    let others = others.count();
    if let Some(at) = planes
        .iter()
        .position(|p| (p.height, p.width) != (height, width))
    {
        let other = &planes[at];
        return Err(DataError::Sizes {
            path: all[at].path(listing),
            size: [other.width, other.height],
            first: all[0].path(listing),
            first_size: [width, height],
            others,
            images: planes.len(),
        });
    }
    let grey = options.colour != Colour::Rgb && planes.iter().all(|p| p.channels() == 1);
    let shape = ImageShape::new(if grey { 1 } else { 3 }, height, width);
    let mut planes = planes.into_iter();
    let mut images = Vec::with_capacity(parts.len());
    for part in &parts {
        let mut pixels = Vec::with_capacity(part.len() * shape.pixels());
        for image in planes.by_ref().take(part.len()) {
            match grey {
                true => pixels.extend(image.values),
                false => pixels.extend(image.coloured(Colour::Rgb).values),
            }
        }
        // Whole images of that shape by construction.
        let part = Images::new(shape, pixels);
        images.push(part.map_err(|_| DataError::no_pictures(listing.path()))?);
    }
    Ok(images)
}

/// Keeps where the images of all parts are, and gives a black pixel for each.
fn list(
    listing: &Listing,
    parts: Vec<Vec<Picture>>,
    context: &mut Context<'_>,
) -> Result<Vec<Images>, DataError> {
    let counts: Vec<usize> = parts.iter().map(Vec::len).collect();
    #[cfg(feature = "parquet")]
    let held = parts.into_iter().flatten().filter_map(|it| match it {
        Picture::File(_) => None,
        Picture::Bytes(bytes, path) => Some((path.display().to_string(), bytes)),
    });
    #[cfg(not(feature = "parquet"))]
    let held = [];
    context.listed = Some(FileReader {
        listing: listing.clone(),
        held: held.into_iter().collect(),
    });
    let black = |count| Images::new(ImageShape::new(1, 1, 1), vec![0; count]);
    let images = counts.into_iter().map(black);
    images
        .map(|images| images.map_err(|_| DataError::no_pictures(listing.path())))
        .collect()
}

/// An image, and whether its file has more frames.
fn read(listing: &Listing, picture: &Picture) -> Result<(Planes, bool), DataError> {
    let bytes = picture.bytes(listing)?;
    let decoded = RawPicture::decode(&bytes).map_err(|problem| DataError::Picture {
        path: picture.path(listing),
        problem,
    })?;
    let has_more_frames = decoded.has_more_frames;
    let planes = Planes {
        height: decoded.height,
        width: decoded.width,
        values: decoded.into_planes(false),
    };
    Ok((planes, has_more_frames))
}
