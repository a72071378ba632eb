//! Images as LIBSVM has them: in each line a label and `index:value` for every pixel that is
//! not 0. Source: C.-C. Chang, C.-J. Lin, <https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/>.
//!
//! The size of the images is not stated in such a file. They are square, grey or in three planes
//! of colour; as pixels of 0 are left out, the last ones may be missing.

use bakeoff_core::{ImageShape, Images};

use crate::{
    class_names,
    context::Context,
    error::DataError,
    format::Format,
    listing::Listing,
    notes::some,
    parts::{Labels, Part, Raw, numbered},
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
    let shape = shape_of(pixels.unwrap_or_default());
    context.note(format!(
        "the images are taken as {shape}: the highest index is {}",
        pixels.unwrap_or_default()
    ));
    let (scale, offset) = range(&parts, context);
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
    for ((role, rows), values) in parts.into_iter().zip(numbers) {
        let part = rows.into_part(values, shape, scale, offset)?;
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

/// What makes the values bytes: `(value + offset) × scale`, by one rule for all parts.
fn range(parts: &[(Role, Rows)], context: &mut Context<'_>) -> (f32, f32) {
    let values = || parts.iter().flat_map(|(_, rows)| &rows.values);
    let least = values().map(|(_, value)| *value).fold(0.0, f32::min);
    let most = values().map(|(_, value)| *value).fold(0.0, f32::max);
    let fractions = values().any(|(_, value)| value.fract() != 0.0);
    match context.options.pixel_max {
        Some(stated) => {
            context.note(format!(
                "pixels from 0 to {stated} were multiplied to 0 to 255, as stated"
            ));
            (255.0 / stated as f32, 0.0)
        }
        None if (-1.0..0.0).contains(&least) && most <= 1.0 => {
            context.note("pixels are numbers from −1 to 1 and were brought to 0 to 255");
            (127.5, 1.0)
        }
        None if fractions && most <= 1.0 => {
            context.note("pixels are fractions from 0 to 1 and were multiplied by 255");
            (255.0, 0.0)
        }
        None => {
            context.brightest(f64::from(most));
            (1.0, 0.0)
        }
    }
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
    fn into_part(
        self,
        labels: Vec<u16>,
        shape: ImageShape,
        scale: f32,
        offset: f32,
    ) -> Result<Part, DataError> {
        let byte = |value: f32| ((value + offset) * scale).round();
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
