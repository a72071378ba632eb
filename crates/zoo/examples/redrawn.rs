//! How much of a model's accuracy is left when people draw and photograph the digits.
//!
//! Every tenth test digit of MNIST is drawn again in each of the kinds that
//! `bakeoff_tests::redrawn` knows, and answered by a saved model: prepared as the program
//! prepares images, and, for contrast, only resized, as many demos do. Prints the table
//! of `docs/own-pictures.md`.
//!
//! ```sh
//! bakeoff run --models cnn
//! cargo run --release -p bakeoff-zoo --example redrawn -- models mnist/cnn
//! ```

#![allow(clippy::print_stdout, reason = "an example is a program")]

use std::{error::Error, path::Path};

use bakeoff_core::{FittedModel, ImageShape, Images, Preparation, Samples};
use bakeoff_picture::{Prepared, prepare};
use bakeoff_tests::redrawn;
use rayon::prelude::*;

/// Of the seed, nothing was tuned on.
const SEED: u64 = 20_261_120;

/// Every so many-th test digit: 1,000 of 10,000, from the easier half and the harder.
const EVERY: usize = 10;

/// Sheets of each kind without a digit.
const BLANKS: u64 = 200;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args().skip(1);
    let models = arguments.next().unwrap_or_else(|| "models".into());
    let name = arguments.next().unwrap_or_else(|| "mnist/cnn".into());
    let folder = Path::new(&models).join(&name);
    let loaded = bakeoff_store::load(&folder, bakeoff_zoo::family)?;
    let shape = loaded.manifest.input_shape;
    let dataset = bakeoff_data::open("mnist")?;
    let every: Vec<usize> = (0..dataset.test().len()).step_by(EVERY).collect();
    let test = dataset.test().select(&every);
    let labels = test.labels();
    let score = |images: &Images| accuracy(loaded.model.as_ref(), images, labels);

    println!(
        "| kind | what it is | prepared | only resized | resized, inverted if light | not answered | blank sheets answered |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|");
    println!(
        "| | the {} test digits as they are | {:.1} % | | | | |",
        labels.len(),
        score(test.images())?
    );
    for kind in redrawn::kinds() {
        let files = test
            .images()
            .iter()
            .enumerate()
            .map(|(index, digit)| (SEED + index as u64, digit))
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|(seed, digit)| redrawn::redraw(digit, test.images().shape(), kind, seed))
            .collect::<Result<Vec<Vec<u8>>, _>>()?;
        let prepared: Vec<Option<Prepared>> = files
            .par_iter()
            .map(|file| prepare(file, shape, Preparation::Ink).ok())
            .collect();
        // An image without an answer is a wrong one.
        let (answered, theirs): (Vec<&[u8]>, Vec<u16>) = prepared
            .iter()
            .zip(labels)
            .filter_map(|(one, &label)| Some((one.as_ref()?.images.pixels(), label)))
            .unzip();
        let unanswered = labels.len() - theirs.len();
        let images = Images::new(shape, answered.concat())?;
        let right = right(loaded.model.as_ref(), &images, &theirs)?;
        let resized: Vec<Vec<u8>> = files.par_iter().map(|file| resized(file, shape)).collect();
        let inverted: Vec<u8> = resized
            .iter()
            .flat_map(|picture| inverted_if_light(picture, shape))
            .collect();
        let blank = blank_sheets_answered(kind, test.images().shape())?;
        println!(
            "| {}{} | {} | {:.1} % | {:.1} % | {:.1} % | {unanswered} | {blank} of {BLANKS} |",
            kind.name,
            if kind.hard { " (hard)" } else { "" },
            kind.summary,
            100.0 * right as f64 / labels.len() as f64,
            score(&Images::new(shape, resized.concat())?)?,
            score(&Images::new(shape, inverted)?)?,
        );
    }
    println!();
    println!("| kind | numbers read | digits read |");
    println!("|---|---:|---:|");
    for kind in redrawn::kinds() {
        if NUMBERS_OF.contains(&kind.name) {
            let [numbers, digits] = numbers_read(kind, &test, loaded.model.as_ref())?;
            println!("| {} | {numbers:.1} % | {digits:.1} % |", kind.name);
        }
    }
    Ok(())
}

/// The kinds in which numbers are drawn too.
const NUMBERS_OF: [&str; 6] = [
    "medium",
    "transparent-dark",
    "pencil",
    "shadow",
    "ruled",
    "phone",
];

/// Digits of a number.
const DIGITS: usize = 4;

/// How many numbers of this kind are read without a mistake, and how many of their digits stand
/// at their place, in percent.
fn numbers_read(
    kind: &redrawn::Kind,
    test: &Samples,
    model: &dyn FittedModel,
) -> Result<[f64; 2], Box<dyn Error + Send + Sync>> {
    let shape = test.images().shape();
    let all: Vec<usize> = (0..test.len()).collect();
    let read = all
        .par_chunks_exact(DIGITS)
        .map(|some| {
            let digits: Vec<&[u8]> = some
                .iter()
                .filter_map(|&at| test.images().get(at))
                .collect();
            let file = redrawn::redraw_number(&digits, shape, kind, SEED + some[0] as u64)?;
            let Ok(found) = bakeoff_picture::numbers(&file, shape) else {
                return Ok(0);
            };
            let [row] = found.rows.as_slice() else {
                return Ok(0);
            };
            if row.len() != DIGITS {
                return Ok(0);
            }
            let pixels = row.iter().flatten().flat_map(|digit| digit.images.pixels());
            let images = Images::new(shape, pixels.copied().collect::<Vec<u8>>())?;
            let labels: Vec<u16> = some.iter().map(|&at| test.labels()[at]).collect();
            right(model, &images, &labels)
        })
        .collect::<Result<Vec<usize>, Box<dyn Error + Send + Sync>>>()?;
    let percent = |count: usize, all: usize| 100.0 * count as f64 / all as f64;
    let whole = read.iter().filter(|&&right| right == DIGITS).count();
    Ok([
        percent(whole, read.len()),
        percent(read.iter().sum(), DIGITS * read.len()),
    ])
}

/// On how many sheets of this kind without a digit one is found.
fn blank_sheets_answered(
    kind: &redrawn::Kind,
    shape: ImageShape,
) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let nothing = vec![0; shape.pixels()];
    let answered = (0..BLANKS)
        .into_par_iter()
        .map(|index| {
            let file = redrawn::redraw(&nothing, shape, kind, SEED + index)?;
            Ok(usize::from(prepare(&file, shape, Preparation::Ink).is_ok()))
        })
        .collect::<Result<Vec<usize>, Box<dyn Error + Send + Sync>>>()?;
    Ok(answered.iter().sum())
}

/// How many of the images are answered right.
fn right(
    model: &dyn FittedModel,
    images: &Images,
    labels: &[u16],
) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let answers = model.predict_proba(images)?.predicted();
    Ok(answers.iter().zip(labels).filter(|(a, b)| a == b).count())
}

/// In percent.
fn accuracy(
    model: &dyn FittedModel,
    images: &Images,
    labels: &[u16],
) -> Result<f64, Box<dyn Error + Send + Sync>> {
    Ok(100.0 * right(model, images, labels)? as f64 / labels.len() as f64)
}

/// The whole image, upright and over white, made as small as the model's.
fn resized(file: &[u8], shape: ImageShape) -> Vec<u8> {
    let rgb = ImageShape::new(3, shape.height, shape.width);
    let Ok(prepared) = prepare(file, rgb, Preparation::Ink) else {
        return vec![0; shape.pixels()];
    };
    let (red, others) = prepared.images.pixels().split_at(shape.pixels());
    let (green, blue) = others.split_at(shape.pixels());
    let mean = |((&r, &g), &b): ((&u8, &u8), &u8)| {
        ((u16::from(r) + u16::from(g) + u16::from(b)) / 3) as u8
    };
    red.iter().zip(green).zip(blue).map(mean).collect()
}

/// Dark on light turned into light on dark, as the first row tells.
fn inverted_if_light(picture: &[u8], shape: ImageShape) -> Vec<u8> {
    let mut border: Vec<u8> = picture[..shape.width].to_vec();
    border.sort_unstable();
    if border[border.len() / 2] < 128 {
        return picture.to_vec();
    }
    picture.iter().map(|&value| 255 - value).collect()
}
