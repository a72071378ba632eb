//! A packed dataset: one file that holds all of it as models see it, named by its fingerprint.
//!
//! ```text
//! <fingerprint>.safetensors.gz
//!   train_images  u8 N×C×H×W    train_labels  u16 N    train_files  u8, a list in JSON, if known
//!   validation_images, validation_labels, …   where the dataset has such a part
//!   test_images, test_labels, …
//!   metadata: bakeoff_dataset, an object in JSON: version, name, fingerprint, class_names,
//!     pixel_range (the numbers that were black and white, or null)
//! ```
//!
//! Images are as they were after size, colour and split, so that a pack needs no options. Equal
//! datasets of one name give equal bytes. Where compression does not make the file clearly
//! smaller, it is stored without, within the same kind of file: it has one name and one reader.
//!
//! Rejected: npz, which our readers know, because class names and the validation part would have
//! to be guessed from the names of arrays.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
};

use bakeoff_core::{Dataset, ImageShape, Images, Samples, SamplesError};
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde_json::{Value, json};

use crate::{
    archive::MAX_UNPACKED,
    context::Context,
    error::DataError,
    format::Format,
    listing::Listing,
    parts::{Labels, Part, Raw},
};

pub(super) const FORMAT: Format = Format {
    name: "pack",
    expects: "a packed dataset in one file (.safetensors.gz), as `bakeoff data pack` writes it",
    recognises: |listing| packs(listing).next().is_some(),
    open,
};

const KEY: &str = "bakeoff_dataset";
const VERSION: u64 = 1;
/// How the header of every pack begins.
const START: &[u8] = b"{\"__metadata__\":{\"bakeoff_dataset\":";
/// The most bytes of a header, as safetensors itself has it.
const MAX_HEADER: u64 = 100_000_000;
/// The parts, in the order of the file.
const PARTS: [&str; 3] = ["train", "validation", "test"];
/// Compression is judged by so many bytes of the images.
const TRIED: usize = 1 << 20;

/// Name, type, shape and bytes.
type Tensor<'a> = (String, Dtype, Vec<usize>, Cow<'a, [u8]>);

/// The name of the file of a packed dataset.
pub fn pack_name(fingerprint: &str) -> String {
    format!("{fingerprint}.safetensors.gz")
}

/// Writes a dataset as a pack.
///
/// # Errors
/// Of `out`.
pub fn write_pack(dataset: &Dataset, out: &mut dyn Write) -> io::Result<()> {
    let parts = [
        Some(dataset.train()),
        dataset.validation(),
        Some(dataset.test()),
    ];
    let parts: Vec<(&str, &Samples)> = PARTS
        .into_iter()
        .zip(parts)
        .filter_map(|(name, part)| Some((name, part?)))
        .collect();
    let mut tensors: Vec<Tensor<'_>> = Vec::new();
    // Those of two bytes first, so that each lies at a multiple of its size.
    for (name, part) in &parts {
        let bytes = part.labels().iter().flat_map(|label| label.to_le_bytes());
        let shape = vec![part.len()];
        tensors.push((format!("{name}_labels"), Dtype::U16, shape, bytes.collect()));
    }
    for (name, part) in &parts {
        let shape = part.images().shape();
        let shape = vec![part.len(), shape.channels, shape.height, shape.width];
        let pixels = Cow::Borrowed(part.images().pixels());
        tensors.push((format!("{name}_images"), Dtype::U8, shape, pixels));
        if let Some(files) = part.files() {
            let json = serde_json::to_vec(files)?;
            let shape = vec![json.len()];
            tensors.push((format!("{name}_files"), Dtype::U8, shape, json.into()));
        }
    }
    let mut end = 0;
    let infos = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let start = end;
        end += bytes.len();
        let info = TensorInfo {
            dtype: *dtype,
            shape: shape.clone(),
            data_offsets: (start, end),
        };
        (name.clone(), info)
    });
    let about = json!({
        "version": VERSION,
        "name": dataset.name(),
        "fingerprint": dataset.fingerprint(),
        "class_names": dataset.train().class_names(),
        "pixel_range": dataset.pixel_range(),
    });
    // One entry alone: several have no fixed order.
    let about = HashMap::from([(KEY.to_owned(), about.to_string())]);
    let metadata = Metadata::new(Some(about), infos.collect()).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&metadata)?;
    header.resize(header.len().next_multiple_of(8), b' ');

    let mut encoder = GzEncoder::new(out, level(dataset)?);
    encoder.write_all(&(header.len() as u64).to_le_bytes())?;
    encoder.write_all(&header)?;
    for (_, _, _, bytes) in &tensors {
        encoder.write_all(bytes)?;
    }
    encoder.finish()?.flush()
}

/// Level 4 where it saves a tenth; it is within a few per cent of the best size at a tenth of its
/// time.
fn level(dataset: &Dataset) -> io::Result<Compression> {
    let pixels = dataset.train().images().pixels();
    let tried = &pixels[..pixels.len().min(TRIED)];
    let level = Compression::new(4);
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(tried)?;
    let pays = encoder.finish()?.len() < tried.len() / 10 * 9;
    Ok(if pays { level } else { Compression::none() })
}

/// Reads a packed dataset.
///
/// # Errors
/// When the file cannot be read, is no pack, or does not have the fingerprint that it states.
pub fn open_pack(path: &Path) -> Result<Dataset, DataError> {
    let file = std::fs::File::open(path).map_err(DataError::unreadable(path))?;
    read(path, Box::new(BufReader::with_capacity(1 << 16, file)))
}

/// The files of a folder that are packs.
fn packs(listing: &Listing) -> impl Iterator<Item = &str> {
    listing.files().filter(|file| {
        let named = file.ends_with(".safetensors.gz") || file.ends_with(".safetensors");
        let is_pack = |head: Vec<u8>| head.get(8..).is_some_and(|head| head.starts_with(START));
        (named || listing.only().is_some()) && listing.head(file).is_ok_and(is_pack)
    })
}

fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    let found: Vec<&str> = packs(listing).collect();
    let [file] = found.as_slice() else {
        let problem = format!(
            "there are {} packed datasets here: name the file of the one that is meant",
            found.len()
        );
        return Err(DataError::invalid(listing.path(), problem));
    };
    let path = listing.path_of(file);
    let (reader, _) = listing.reader(file)?;
    let dataset = read(&path, reader)?;
    context.range = dataset.pixel_range();
    let (name, names) = (
        dataset.name().to_owned(),
        dataset.train().class_names().to_vec(),
    );
    let (train, validation, test) = dataset.into_parts();
    let part = |samples: Samples| Part {
        path: path.clone(),
        images: samples.images().clone(),
        labels: Labels {
            path: path.clone(),
            values: samples.labels().to_vec(),
            unit: "image",
            first: 0,
        },
        files: samples.files().map(<[String]>::to_vec),
        groups: None,
    };
    Ok(Raw {
        train: Some(part(train)),
        validation: validation.map(part),
        test: Some(part(test)),
        names: Some((path.clone(), names)),
        name: Some(name),
        ..Raw::default()
    })
}

/// Reads a pack in the order of its bytes, so that nothing of it is in memory twice. Counts are
/// not believed: memory is taken for what comes.
fn read(path: &Path, stored: Box<dyn BufRead + Send>) -> Result<Dataset, DataError> {
    let broken = |problem: String| {
        DataError::invalid(
            path,
            format!(
                "the packed dataset cannot be used: {problem}. Pack it again, or copy it again"
            ),
        )
    };
    let mut stored = stored;
    let is_gzip = stored
        .fill_buf()
        .map_err(DataError::unreadable(path))?
        .starts_with(&[0x1f, 0x8b]);
    let mut bytes: Box<dyn Read> = match is_gzip {
        true => Box::new(MultiGzDecoder::new(stored).take(MAX_UNPACKED)),
        false => Box::new(stored.take(MAX_UNPACKED)),
    };
    let mut next = |length: u64| -> Result<Vec<u8>, DataError> {
        let mut found = Vec::new();
        let read = (&mut bytes).take(length).read_to_end(&mut found);
        read.map_err(|error| broken(format!("it ends or is damaged within ({error})")))?;
        match found.len() as u64 == length {
            true => Ok(found),
            false => Err(broken("it ends too early".into())),
        }
    };
    let length = next(8)?.try_into().map_or(0, u64::from_le_bytes);
    if length > MAX_HEADER {
        return Err(broken("it has no header".into()));
    }
    let metadata: Metadata =
        serde_json::from_slice(&next(length)?).map_err(|error| broken(error.to_string()))?;
    let about = metadata.metadata().as_ref().and_then(|all| all.get(KEY));
    let about: Value = about
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| broken("it does not say what it is".into()))?;
    if about["version"] != VERSION {
        return Err(DataError::invalid(
            path,
            format!(
                "a packed dataset of version {}, and this bakeoff reads {VERSION}: pack it again with \
                 this one",
                about["version"]
            ),
        ));
    }
    let text = |key: &str| about[key].as_str().unwrap_or_default().to_owned();
    let class_names: Vec<String> =
        serde_json::from_value(about["class_names"].clone()).unwrap_or_default();

    let mut tensors: Vec<(String, TensorInfo)> = metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| (name, info.clone()))
        .collect();
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let mut found: HashMap<String, (Vec<usize>, Vec<u8>)> = HashMap::new();
    let mut at = 0;
    for (name, info) in tensors {
        let (start, end) = info.data_offsets;
        let size = match info.dtype {
            Dtype::U8 => 1_usize,
            Dtype::U16 => 2,
            other => return Err(broken(format!("`{name}` is of the type {other:?}"))),
        };
        let expected = info
            .shape
            .iter()
            .try_fold(size, |all, side| all.checked_mul(*side));
        if start != at || expected != end.checked_sub(start) {
            return Err(broken(format!("`{name}` has another size than its shape")));
        }
        at = end;
        found.insert(name, (info.shape, next((end - start) as u64)?));
    }
    let mut parts = PARTS
        .map(|part| samples(&mut found, part, &class_names))
        .into_iter();
    let mut part = || parts.next().unwrap_or(Ok(None));
    let wrong = |problem: SamplesError| broken(problem.to_string());
    let [train, validation, test] = [part(), part(), part()].map(|part| part.map_err(&broken));
    let lacks = || broken("it lacks the training or the test part".into());
    let (train, test) = (train?.ok_or_else(lacks)?, test?.ok_or_else(lacks)?);
    let mut dataset = Dataset::new(text("name"), train, test).map_err(wrong)?;
    if let Some(validation) = validation? {
        dataset = dataset.with_validation(validation).map_err(wrong)?;
    }
    if dataset.fingerprint() != text("fingerprint") {
        return Err(broken("its fingerprint is not that of its images".into()));
    }
    let pixel_range = serde_json::from_value(about["pixel_range"].clone()).unwrap_or_default();
    Ok(dataset.with_pixel_range(pixel_range))
}

/// A part of a pack, taken out of its tensors.
fn samples(
    found: &mut HashMap<String, (Vec<usize>, Vec<u8>)>,
    part: &str,
    class_names: &[String],
) -> Result<Option<Samples>, String> {
    let mut take = |what: &str| found.remove(&format!("{part}_{what}"));
    let (Some((shape, pixels)), Some((_, labels))) = (take("images"), take("labels")) else {
        return Ok(None);
    };
    let &[_, channels, height, width] = shape.as_slice() else {
        return Err(format!("the images of the {part} part have no shape"));
    };
    let (labels, _) = labels.as_chunks::<2>();
    let labels: Vec<u16> = labels
        .iter()
        .map(|label| u16::from_le_bytes(*label))
        .collect();
    let images = Images::new(ImageShape::new(channels, height, width), pixels)
        .map_err(|problem| problem.to_string())?;
    let samples =
        Samples::new(images, labels, class_names).map_err(|problem| problem.to_string())?;
    Ok(Some(match take("files") {
        None => samples,
        Some((_, json)) => {
            let files = serde_json::from_slice(&json);
            samples.with_files(files.map_err(|error| format!("names of files: {error}"))?)
        }
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail loudly")]

    use bakeoff_core::OpenOptions;

    use super::*;

    fn part(count: usize, seed: u8) -> Samples {
        let shape = ImageShape::new(3, 2, 3);
        let pixels: Vec<u8> = (0..count * 18)
            .map(|at| (at as u8).wrapping_mul(seed))
            .collect();
        let labels: Vec<u16> = (0..count).map(|at| (at % 3) as u16).collect();
        let names = ["a", "b \"c\"", "ü"].map(String::from);
        Samples::new(Images::new(shape, pixels).unwrap(), labels, names).unwrap()
    }

    fn dataset() -> Dataset {
        let files = (0..7).map(|at| format!("b/{at}.png")).collect();
        let train = part(7, 31).with_files(files);
        let dataset = Dataset::new("some data", train, part(4, 77)).unwrap();
        dataset.with_validation(part(2, 13)).unwrap()
    }

    fn packed(dataset: &Dataset) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_pack(dataset, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_pack_is_the_dataset_again_by_its_path_too() {
        let folder = tempfile::tempdir().unwrap();
        for dataset in [
            dataset(),
            Dataset::new("x", part(3, 5), part(1, 1)).unwrap(),
        ] {
            let bytes = packed(&dataset);
            assert_eq!(bytes, packed(&dataset.clone()));
            let path = folder.path().join(pack_name(dataset.fingerprint()));
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(open_pack(&path).unwrap(), dataset);
            let opened = crate::open(path.to_str().unwrap()).unwrap();
            assert_eq!(opened, dataset);
        }
        let error = crate::open(folder.path().to_str().unwrap()).unwrap_err();
        assert!(error.to_string().contains("2 packed datasets"), "{error}");
    }

    #[test]
    fn a_renamed_and_unpacked_one_is_recognised_and_takes_options() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("renamed");
        let mut bytes = Vec::new();
        let stored = packed(&dataset());
        MultiGzDecoder::new(&stored[..])
            .read_to_end(&mut bytes)
            .unwrap();
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(crate::open(path.to_str().unwrap()).unwrap(), dataset());
        let options = OpenOptions {
            size: Some([4, 4]),
            ..OpenOptions::default()
        };
        let opened = crate::open_with(path.to_str().unwrap(), &options).unwrap();
        let shape = opened.dataset.test().images().shape();
        assert_eq!(shape, ImageShape::new(3, 4, 4));
        assert_eq!(opened.dataset.name(), "some data");
    }

    #[test]
    fn every_damaged_byte_and_every_end_is_noticed() {
        let path = Path::new("pack");
        let whole = packed(&dataset());
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(&whole[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        let from = |bytes: &[u8]| read(path, Box::new(io::Cursor::new(bytes.to_vec())));
        assert_eq!(from(&unpacked).unwrap(), dataset());
        for end in 0..unpacked.len() {
            assert!(from(&unpacked[..end]).is_err(), "{end}");
        }
        for end in 0..whole.len() - 8 {
            assert!(from(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..unpacked.len() {
            let mut bytes = unpacked.clone();
            bytes[at] ^= 0x41;
            // Names of the dataset and of files are no part of what a model learns from.
            if let Ok(found) = from(&bytes) {
                assert_eq!(found.fingerprint(), dataset().fingerprint(), "{at}");
            }
        }
    }

    #[test]
    fn noise_is_stored_and_what_is_even_is_compressed() {
        let shape = ImageShape::new(1, 64, 64);
        let of = |value: &dyn Fn(u32) -> u8| {
            let pixels: Vec<u8> = (0..64 * 64 * 8).map(value).collect();
            let images = Images::new(shape, pixels).unwrap();
            let samples = Samples::new(images, vec![0; 8], ["a", "b"].map(String::from)).unwrap();
            packed(&Dataset::new("x", samples.clone(), samples).unwrap()).len()
        };
        let raw = 2 * 64 * 64 * 8;
        let noise = of(&|at| {
            let mixed = at.wrapping_mul(2_654_435_761);
            let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
            (mixed ^ (mixed >> 13)) as u8
        });
        assert!(of(&|_| 7) < raw / 10);
        assert!((raw..raw + 2000).contains(&noise), "{noise}");
    }
}
