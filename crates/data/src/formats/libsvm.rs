//! Images as LIBSVM has them: in each line a label and `index:value` for every pixel that is
//! not 0. Source: C.-C. Chang, C.-J. Lin, <https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/>.
//!
//! The size of the images is not stated in such a file. They are square, grey or in three planes
//! of colour; as pixels of 0 are left out, the last ones may be missing. Where wider rows would
//! make neighbours more alike, the size has to be stated.

use bakeoff_core::{ImageShape, Images};

use crate::{
    class_names,
    context::Context,
    error::DataError,
    format::Format,
    listing::Listing,
    notes::some,
    parts::{Labels, Part, Raw, numbered},
    pixel_range::{Numbers, Range},
    words::Role,
};

pub(super) const FORMAT: Format = Format {
    name: "libsvm",
    expects: "files of LIBSVM (a label and index:value in each line), such as mnist and mnist.t",
    recognises,
    open,
};

/// More pixels than any image that is classified whole.
const MAX_INDEX: usize = 1 << 22;

fn recognises(listing: &Listing) -> bool {
    listing.files().any(|file| is_candidate(listing, file))
}

fn is_candidate(listing: &Listing, file: &str) -> bool {
    looks_like(&listing.head(file).unwrap_or_default())
}

/// Whether text begins with a line of a label and `index:value` pairs.
fn looks_like(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let Some(line) = text.lines().next() else {
        return false;
    };
    let mut words = line.split_whitespace();
    let label = words.next().is_some_and(|word| word.parse::<f64>().is_ok());
    label && words.clone().count() > 3 && words.take(10).all(|word| pair(word).is_some())
}

/// The index, from 1, and the value.
fn pair(word: &str) -> Option<(usize, f32)> {
    let (index, value) = word.split_once(':')?;
    let index = index
        .parse()
        .ok()
        .filter(|at| (1..=MAX_INDEX).contains(at))?;
    let value = value.parse().ok().filter(|value: &f32| value.is_finite())?;
    Some((index, value))
}

/// The part by its name; LIBSVM's own test parts end in `.t`.
fn role(file: &str) -> Option<Role> {
    let name = file.strip_suffix(".gz").unwrap_or(file);
    match name.ends_with(".t") {
        true => Some(Role::Test),
        false => Role::of(name),
    }
}

fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    let files: Vec<&str> = listing
        .files()
        .filter(|file| is_candidate(listing, file))
        .collect();
    let mut parts: Vec<(Role, Rows)> = Vec::new();
    for role_ in Role::ALL {
        let mut of_role = files
            .iter()
            .filter(|file| role(file).unwrap_or(Role::Train) == role_);
        match (of_role.next(), of_role.next()) {
            (Some(file), None) => parts.push((role_, read(listing, file)?)),
            (Some(_), Some(_)) => {
                let problem = format!(
                    "{} could each be the {} part: keep one dataset in one folder, or name the file itself",
                    some(&files),
                    role_.name()
                );
                return Err(DataError::invalid(listing.path(), problem));
            }
            (None, _) => {}
        }
    }
    let pixels = parts.iter().map(|(_, rows)| rows.width).max();
    let pixels = pixels.unwrap_or_default();
    let shape = match context.options.size {
        Some(size) => stated_shape(pixels, size),
        None => fitting_shape(pixels, &parts),
    };
    let shape = shape.map_err(|problem| DataError::invalid(listing.path(), problem))?;
    context.note(format!(
        "the images are taken as {shape}: the highest index is {pixels}"
    ));
    let ranges =
        ranges(&parts, context).map_err(|problem| DataError::invalid(listing.path(), problem))?;
    let names = class_names::find(listing)?;
    let mut labels: Vec<Vec<String>> = parts
        .iter_mut()
        .map(|(_, rows)| std::mem::take(&mut rows.labels))
        .collect();
    let from_one = shifted(&mut labels, names.as_ref().map(|(_, names)| names.len()));
    let borrowed: Vec<&[String]> = labels.iter().map(Vec::as_slice).collect();
    let (found, numbers) = numbered(&borrowed)
        .ok_or_else(|| DataError::invalid(listing.path(), "more than 65536 different labels"))?;
    let highest = numbers.iter().flatten().max().copied().unwrap_or_default();
    let counted = || (1..=highest + 1).map(|label| label.to_string()).collect();
    let words = found.or_else(|| from_one.then(counted));
    if from_one {
        context.note("the labels begin with 1, so that there is no class 0");
    }
    let mut raw = Raw {
        names: names.or_else(|| Some((listing.path().into(), words?))),
        ..Raw::default()
    };
    for (((role, rows), values), range) in parts.into_iter().zip(numbers).zip(ranges) {
        let part = rows.into_part(values, shape, range)?;
        match role {
            Role::Train => raw.train = Some(part),
            Role::Validation => raw.validation = Some(part),
            Role::Test => raw.test = Some(part),
        }
    }
    Ok(raw)
}

/// Whole numbers from 1, of which none is 0, made to begin with 0; at most so many, where the
/// classes are named.
fn shifted(labels: &mut [Vec<String>], classes: Option<usize>) -> bool {
    let number = |label: &String| label.parse::<u16>().ok().filter(|number| *number > 0);
    let numbers: Option<Vec<u16>> = labels.iter().flatten().map(number).collect();
    let highest = numbers.and_then(|numbers| numbers.into_iter().max());
    let fits = highest.is_some_and(|highest| classes.is_none_or(|n| usize::from(highest) <= n));
    if fits {
        for label in labels.iter_mut().flatten() {
            if let Some(number) = number(label) {
                *label = (number - 1).to_string();
            }
        }
    }
    fits
}

/// Square, grey or of three planes; pixels at the end may be missing.
fn shape_of(pixels: usize) -> ImageShape {
    let side = |pixels: usize| {
        let root = pixels.isqrt();
        root + usize::from(root * root < pixels)
    };
    let third = side(pixels.div_ceil(3));
    match pixels.isqrt().pow(2) != pixels && 3 * third * third == pixels {
        true => ImageShape::new(3, third, third),
        false => ImageShape::new(1, side(pixels), side(pixels)),
    }
}

/// The size that is stated is that of the images, if all pixels have a place in it. Smaller ones
/// are resampled, where the highest index says their size.
fn stated_shape(pixels: usize, [height, width]: [usize; 2]) -> Result<ImageShape, String> {
    let own = shape_of(pixels);
    let fits = |channels: usize| pixels <= channels * height * width;
    match own.pixels() == pixels {
        true => Ok(own),
        false if fits(1) => Ok(ImageShape::new(1, height, width)),
        false if fits(3) => Ok(ImageShape::new(3, height, width)),
        false => Err(format!(
            "an image of {height}×{width} has no pixel {pixels}, which is the highest index here: state the size that the images have in these files, as in --size {}",
            own.height
        )),
    }
}

/// The size that the highest index says, unless the rows of wider images fit better.
fn fitting_shape(pixels: usize, parts: &[(Role, Rows)]) -> Result<ImageShape, String> {
    /// Smaller images have too few rows.
    const LEAST_SIDE: usize = 8;
    let shape = shape_of(pixels);
    let side = shape.width;
    if shape.pixels() == pixels || side < LEAST_SIDE {
        return Ok(shape);
    }
    let apart = |width: usize| -> f64 {
        let of_part = |(_, rows): &(Role, Rows)| rows.apart(pixels, width, side + LEAST_SIDE);
        parts.iter().map(of_part).sum()
    };
    let own = apart(side);
    let better = (side + 1..=side + LEAST_SIDE)
        .map(|width| (width, apart(width)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .filter(|(_, other)| 20.0 * other < 19.0 * own);
    match better {
        None => Ok(shape),
        Some((width, _)) => Err(format!(
            "the size of the images is not clear: the highest index, {pixels}, fits {side}×{side}, but rows of {width} pixels are more alike. Such files leave out pixels of 0, at the end too: state the size that the images have, as in --size {width} (in an experiment, size = [{width}, {width}])"
        )),
    }
}

/// What makes the values of each part bytes: `(value - black) × 255 / (white - black)`.
fn ranges(parts: &[(Role, Rows)], context: &mut Context<'_>) -> Result<Vec<Range>, String> {
    let numbers: Vec<Numbers> = parts
        .iter()
        .map(|(_, rows)| {
            let values = || rows.values.iter().map(|(_, value)| *value);
            Numbers {
                least: values().fold(0.0, f32::min).into(),
                most: values().fold(0.0, f32::max).into(),
                fractions: values().any(|value| value.fract() != 0.0),
            }
        })
        .collect();
    let signed = numbers.iter().any(|part| (-1.0..0.0).contains(&part.least))
        && numbers
            .iter()
            .all(|part| part.least >= -1.0 && part.most <= 1.0);
    let free = context.options.pixel_max.is_none() && context.learned.is_none();
    if signed && free {
        context.note("pixels are numbers from −1 to 1 and were brought to 0 to 255");
        context.range = Some([-1.0, 1.0]);
        return Ok(vec![[-1.0, 1.0]; parts.len()]);
    }
    context.ranges(&numbers)
}

/// The lines of a file.
struct Rows {
    path: std::path::PathBuf,
    labels: Vec<String>,
    /// Where the values of each line end.
    ends: Vec<usize>,
    /// Positions from 0, and values.
    values: Vec<(u32, f32)>,
    /// The highest index.
    width: usize,
}

impl Rows {
    /// How much pixels differ from those `width` after them, in images of so many pixels.
    fn apart(&self, pixels: usize, width: usize, longest: usize) -> f64 {
        const IMAGES: usize = 500;
        let mut start = 0;
        let mut sum = 0.0;
        let mut image = vec![0.0_f32; pixels];
        for &end in self.ends.iter().take(IMAGES) {
            image.fill(0.0);
            for &(at, value) in &self.values[start..end] {
                image[at as usize] = value;
            }
            start = end;
            // As many pairs for each width.
            let pairs = image.iter().zip(image.iter().skip(width));
            let pairs = pairs.take(pixels.saturating_sub(longest));
            sum += pairs.map(|(a, b)| f64::from((a - b).abs())).sum::<f64>();
        }
        sum
    }

    fn into_part(
        self,
        labels: Vec<u16>,
        shape: ImageShape,
        range: Range,
    ) -> Result<Part, DataError> {
        let [black, white] = range.map(|value| value as f32);
        let byte = |value: f32| ((value - black) * (255.0 / (white - black))).round();
        let mut pixels = vec![byte(0.0) as u8; shape.pixels() * labels.len()];
        let mut start = 0;
        for (row, &end) in self.ends.iter().enumerate() {
            for &(at, value) in &self.values[start..end] {
                let byte = byte(value);
                if !(0.0..=255.0).contains(&byte) {
                    let problem = format!(
                        "pixel {} is {value}: state what stands for white with --pixel-max",
                        at + 1
                    );
                    return Err(DataError::line(&self.path, row as u64 + 1, problem));
                }
                pixels[row * shape.pixels() + at as usize] = byte as u8;
            }
            start = end;
        }
        let none = |_| DataError::no_pictures(&self.path);
        Ok(Part {
            images: Images::new(shape, pixels).map_err(none)?,
            labels: Labels {
                path: self.path.clone(),
                values: labels,
                unit: "line",
                first: 1,
            },
            groups: None,
            files: None,
            path: self.path,
        })
    }
}

fn read(listing: &Listing, file: &str) -> Result<Rows, DataError> {
    let path = listing.path_of(file);
    let text = listing.unpacked(file)?;
    let mut rows = Rows {
        path: path.clone(),
        labels: Vec::new(),
        ends: Vec::new(),
        values: Vec::new(),
        width: 0,
    };
    let lines = text
        .strip_suffix(b"\n")
        .unwrap_or(&text)
        .split(|byte| *byte == b'\n');
    for (index, line) in lines.enumerate() {
        let line = String::from_utf8_lossy(line);
        let wrong = |problem: String| DataError::line(&path, index as u64 + 1, problem);
        let mut words = line.split_whitespace();
        let Some(label) = words.next() else {
            let problem = "the line is empty: each has a label and index:value for its pixels";
            return Err(wrong(problem.into()));
        };
        rows.labels.push(whole(label));
        let mut last = 0;
        // A comment may follow.
        for word in words.take_while(|word| !word.starts_with('#')) {
            let Some((at, value)) = pair(word) else {
                let problem = format!(
                    "{:?} is not index:value, with an index from 1 to {MAX_INDEX}",
                    word.chars().take(40).collect::<String>()
                );
                return Err(wrong(problem));
            };
            if at <= last {
                let problem = format!("index {at} follows index {last}: they must increase");
                return Err(wrong(problem));
            }
            last = at;
            rows.values.push((at as u32 - 1, value));
        }
        rows.width = rows.width.max(last);
        rows.ends.push(rows.values.len());
    }
    match rows.labels.is_empty() || rows.width == 0 {
        true => Err(DataError::no_pictures(&path)),
        false => Ok(rows),
    }
}

/// A label that is a whole number in its shortest form; any other as it is.
fn whole(label: &str) -> String {
    match label.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 1e9 => format!("{number:.0}"),
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test without its data must fail loudly"
    )]

    use super::*;

    /// The first images of MNIST, without the pixels from `end` on.
    fn mnist(end: usize) -> tempfile::TempDir {
        let mnist = crate::open("mnist").unwrap();
        let samples = mnist.train();
        let lines = samples.images().iter().zip(samples.labels()).take(200);
        let lines = lines.map(|(image, label)| {
            let pairs = image.iter().take(end).enumerate();
            let pairs = pairs.filter(|(_, value)| **value > 0);
            let pairs = pairs.map(|(at, value)| format!(" {}:{value}", at + 1));
            format!("{label}{}\n", pairs.collect::<String>())
        });
        let dir = tempfile::TempDir::new().unwrap();
        std::fs::write(dir.path().join("digits"), lines.collect::<String>()).unwrap();
        dir
    }

    #[test]
    fn a_size_that_does_not_fit_is_refused_with_the_one_that_does() {
        let open = |end: usize, size: Option<[usize; 2]>| {
            let options = bakeoff_core::OpenOptions {
                size,
                test_fraction: Some(0.2),
                ..bakeoff_core::OpenOptions::default()
            };
            let dir = mnist(end);
            let opened = crate::open_with(dir.path().to_str().unwrap(), &options);
            opened.map(|opened| opened.dataset.train().images().shape())
        };
        // Two rows without ink below.
        let problem = open(725, None).unwrap_err().to_string();
        assert!(problem.contains("--size 28"), "{problem}");
        let shape = ImageShape::new(1, 28, 28);
        assert_eq!(open(725, Some([28, 28])).unwrap(), shape);
        assert_eq!(open(784, None).unwrap(), shape);
        let problem = open(725, Some([14, 14])).unwrap_err().to_string();
        assert!(problem.contains("has no pixel"), "{problem}");
    }
}
