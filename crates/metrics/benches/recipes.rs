//! How often two groups of fits of one recipe are called different, and how often a true difference
//! is found: the figures of METHODOLOGY.md.
//!
//! `cargo bench -p bakeoff-metrics --bench recipes` prints the table and writes the figures to
//! `docs/figures`. Recipes are simulated, so that the truth is known: an image has a difficulty in
//! log-odds, normal with a deviation of 4; a fit adds one number to all of them. The two recipes
//! have the accuracy and the spread between fits of the CNN of `quick` (95.4 % ± 0.29 points) and
//! of the ANN of `default` (98.1 % ± 0.08 points) on 10,000 images.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints")]

use std::{fmt::Write as _, fs, path::Path};

use bakeoff_core::derive_seed;
use bakeoff_metrics::RecipeScore;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const IMAGES: usize = 10_000;
const DRAWS: u64 = 4_000;
const SEEDS: [usize; 4] = [2, 3, 5, 10];
/// True differences in points that are looked for.
const POINTS: [f64; 3] = [0.2, 0.5, 1.0];
const ALPHA: f64 = 0.05;

/// A recipe: its name, the mean of the images' log-odds, and the deviation of what a fit adds.
const RECIPES: [(&str, f64, f64); 2] = [("CNN", 7.3, 0.13), ("ANN", 9.03, 0.075)];

/// Shares of draws in which something was found.
#[derive(Clone, Copy, Default)]
struct Found {
    /// One recipe against itself.
    recipes: f64,
    /// The same by the test images alone.
    fits: f64,
    /// With a true difference of each of [`POINTS`].
    power: [f64; 3],
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Which images so many fits are right about.
fn fits(random: &mut ChaCha8Rng, images: &[f64], seeds: usize, effect: f64) -> Vec<Vec<f64>> {
    (0..seeds)
        .map(|_| {
            let own = effect * normal(random);
            let right = |easy: &f64| 1.0 / (1.0 + (-(easy + own)).exp());
            let draw = |easy| f64::from(u8::from(random.random::<f64>() < right(easy)));
            images.iter().map(draw).collect()
        })
        .collect()
}

fn slices(fits: &[Vec<f64>]) -> Vec<&[f64]> {
    fits.iter().map(Vec::as_slice).collect()
}

/// The mean over the fits, as one fit: what a test sees that knows nothing of seeds.
fn mean(fits: &[Vec<f64>]) -> Vec<f64> {
    let count = fits.len() as f64;
    (0..IMAGES)
        .map(|i| fits.iter().map(|fit| fit[i]).sum::<f64>() / count)
        .collect()
}

fn draw(recipe: usize, seeds: usize, draw: u64) -> Option<Found> {
    let (_, middle, effect) = RECIPES[recipe];
    let purpose = format!("recipes {recipe} {seeds}");
    let mut random = ChaCha8Rng::seed_from_u64(derive_seed(20_261_130, &purpose));
    random.set_stream(draw);
    let images: Vec<f64> = (0..IMAGES)
        .map(|_| middle + 4.0 * normal(&mut random))
        .collect();
    let first = fits(&mut random, &images, seeds, effect);
    let second = fits(&mut random, &images, seeds, effect);
    let found =
        |score: &RecipeScore| f64::from(u8::from(score.p_value().is_some_and(|p| p <= ALPHA)));
    let recipes = RecipeScore::difference_of_values(&slices(&first), &slices(&second)).ok()?;
    let (a, b) = (mean(&first), mean(&second));
    let alone = RecipeScore::difference_of_values(&[&a], &[&b]).ok()?;
    let power = POINTS.map(|points| {
        let mut shifted = recipes;
        shifted.estimate += points / 100.0;
        found(&shifted)
    });
    Some(Found {
        recipes: found(&recipes),
        fits: found(&alone),
        power,
    })
}

fn simulate(recipe: usize, seeds: usize) -> Found {
    let draws: Vec<Found> = (0..DRAWS)
        .into_par_iter()
        .filter_map(|index| draw(recipe, seeds, index))
        .collect();
    let share =
        |of: &dyn Fn(&Found) -> f64| 100.0 * draws.iter().map(of).sum::<f64>() / DRAWS as f64;
    Found {
        recipes: share(&|found| found.recipes),
        fits: share(&|found| found.fits),
        power: [0, 1, 2].map(|place| share(&|found| found.power[place])),
    }
}

/// A chart of percentages by the number of seeds, which are at equal distances.
fn chart(title: &str, lines: &[(&str, Vec<f64>)], top: f64) -> String {
    const COLOURS: [&str; 4] = ["#1f6fb2", "#d1602c", "#2e8b57", "#7a4fa3"];
    let x = |place: usize| 70.0 + 110.0 * place as f64;
    let y = |value: f64| 250.0 - 200.0 * value.min(top) / top;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 300\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>{title}</title>\n\
         <rect width=\"720\" height=\"300\" fill=\"#fff\"/>\n\
         <text x=\"70\" y=\"26\" font-size=\"15\">{title}</text>\n"
    );
    for step in 0..=4 {
        let value = top * f64::from(step) / 4.0;
        let _ = writeln!(
            svg,
            "<path d=\"M70 {0:.1}H510\" stroke=\"#ddd\"/><text x=\"62\" y=\"{1:.1}\" \
             text-anchor=\"end\">{value} %</text>",
            y(value),
            y(value) + 4.0
        );
    }
    for (place, seeds) in SEEDS.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"270\" text-anchor=\"middle\">{seeds}</text>",
            x(place)
        );
    }
    svg += "<text x=\"290\" y=\"290\" text-anchor=\"middle\">seeds of each recipe</text>\n";
    for (place, (name, values)) in lines.iter().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let points: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(at, value)| format!("{:.0},{:.1}", x(at), y(*value)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <path d=\"M530 {1:.0}h24\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"560\" y=\"{2:.0}\">{name}</text>",
            points.join(" "),
            70.0 + 24.0 * place as f64,
            74.0 + 24.0 * place as f64
        );
    }
    svg + "</svg>\n"
}

fn main() -> std::io::Result<()> {
    let found = 0..RECIPES.len();
    let found: Vec<Vec<Found>> = found
        .map(|recipe| SEEDS.iter().map(|seeds| simulate(recipe, *seeds)).collect())
        .collect();
    println!(
        "| recipe | seeds of each | called different | by the test images alone | power for 0.2, 0.5, 1 point |"
    );
    println!("|---|---:|---:|---:|---:|");
    for ((name, _, _), of_recipe) in RECIPES.iter().zip(&found) {
        for (seeds, found) in SEEDS.iter().zip(of_recipe) {
            let [small, middle, large] = found.power;
            println!(
                "| {name} | {seeds} | {:.1} % | {:.1} % | {small:.0}, {middle:.0}, {large:.0} % |",
                found.recipes, found.fits
            );
        }
    }
    let column = |recipe: usize, of: &dyn Fn(&Found) -> f64| found[recipe].iter().map(of).collect();
    let errors = chart(
        "One recipe against itself: called different at 5 %",
        &[
            ("CNN, images alone", column(0, &|f| f.fits)),
            ("CNN, with seeds", column(0, &|f| f.recipes)),
            ("ANN, images alone", column(1, &|f| f.fits)),
            ("ANN, with seeds", column(1, &|f| f.recipes)),
        ],
        60.0,
    );
    let power = chart(
        "CNN: a true difference is found",
        &[
            ("1 point", column(0, &|f| f.power[2])),
            ("0.5 points", column(0, &|f| f.power[1])),
            ("0.2 points", column(0, &|f| f.power[0])),
        ],
        100.0,
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/figures");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("recipes-false-positives.svg"), errors)?;
    fs::write(folder.join("recipes-power.svg"), power)
}
