//! Which parts of the images the models look at: permutation importance by blocks.

use bakeoff_core::{Images, record::Importance};
use bakeoff_measures::{ACCURACY, format};

use super::super::{figure::Figures, part::Part, table::Table, words::bold};
use crate::{
    analysis::{Entry, Group},
    charts::{Heat, heats, theme},
};

type Model<'g, 'a> = (&'g Entry<'a>, &'a Importance);

/// What one dataset says.
pub(super) fn part(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let models: Vec<Model<'_, '_>> = group
        .entries
        .iter()
        .filter_map(|entry| Some((entry, entry.example()?.1.measured.importance.as_ref()?)))
        .collect();
    let (entry, first) = models.first()?;
    let images = entry.example()?.1.test.images();
    let most = models
        .iter()
        .flat_map(|(_, importance)| importance.losses())
        .fold(0.0, f64::max);
    let mut panels = vec![Heat {
        title: "mean image",
        note: "of the test part".into(),
        rows: mean_image(images),
        colour: theme::INK,
    }];
    panels.extend(models.iter().map(|(entry, importance)| {
        Heat {
            title: entry.model,
            note: format!("most: {}", points(highest(importance))),
            rows: importance
                .losses()
                .chunks(importance.grid[1].max(1))
                .map(|row| row.iter().map(|&loss| strength(loss, most)).collect())
                .collect(),
            colour: theme::WRONG,
        }
    }));
    let [height, width] = first.block;
    let count = format::count(first.images);
    let caption = format!(
        "Each block of {height} × {width} pixels in the colour of the accuracy that a model loses when that \
         block of every image is taken from another image: the darker, the more the model depends on it. \
         One scale for all models; {count} test images."
    );
    let title = "Accuracy lost without a block";
    let figure = charts.figure(
        "importance",
        &heats(&panels),
        title,
        caption,
        Some(table(&models)),
    );
    Some(Part {
        lead: lead(&models).into(),
        figures: vec![figure],
        notes: vec![
            "Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019), of the first fit of each \
             model. Blocks whose neighbours say the same can lose little and still be used. The test images are \
             used to describe the models, and nothing is chosen by them."
                .to_owned(),
        ],
        ..Part::default()
    })
}

/// The root, so that small losses can be seen.
fn strength(loss: f64, most: f64) -> f64 {
    match most > 0.0 {
        true => (loss.max(0.0) / most).sqrt(),
        false => 0.0,
    }
}

fn highest(importance: &Importance) -> f64 {
    importance.losses().into_iter().fold(0.0, f64::max)
}

/// Accuracy in percentage points.
fn points(loss: f64) -> String {
    format!("{:.1} points", 100.0 * loss)
}

/// The mean of all images and channels, from 0 to 1, in at most 28 rows and columns.
fn mean_image(images: &Images) -> Vec<Vec<f64>> {
    let shape = images.shape();
    let side = shape.height.max(shape.width).div_ceil(28).max(1);
    let (rows, columns) = (shape.height.div_ceil(side), shape.width.div_ceil(side));
    let mut sums = vec![vec![(0_u64, 0_u64); columns]; rows];
    let plane = shape.height * shape.width;
    for image in images.iter() {
        for (place, &value) in image.iter().enumerate() {
            let place = place % plane;
            let (y, x) = (place / shape.width / side, place % shape.width / side);
            sums[y][x].0 += u64::from(value);
            sums[y][x].1 += 1;
        }
    }
    let mean = |&(sum, count): &(u64, u64)| sum as f64 / (255 * count.max(1)) as f64;
    sums.iter()
        .map(|row| row.iter().map(mean).collect())
        .collect()
}

/// How much of the image the models depend on.
fn lead(models: &[Model<'_, '_>]) -> String {
    // Half of what is lost in all, over how many blocks of all?
    let spread = |importance: &Importance| {
        let mut losses: Vec<f64> = importance.losses();
        losses.iter_mut().for_each(|loss| *loss = loss.max(0.0));
        losses.sort_by(|a, b| b.total_cmp(a));
        let half = losses.iter().sum::<f64>() / 2.0;
        let mut sum = 0.0;
        let blocks = losses.iter().take_while(|&&loss| {
            let before = sum;
            sum += loss;
            before < half
        });
        blocks.count()
    };
    let ranked = models
        .iter()
        .filter(|(entry, importance)| !entry.is_baseline() && highest(importance) > 0.0);
    let sensitive = |(_, importance): &&Model<'_, '_>| highest(importance);
    let most = ranked
        .clone()
        .max_by(|a, b| sensitive(a).total_cmp(&sensitive(b)));
    let least = ranked.min_by(|a, b| sensitive(a).total_cmp(&sensitive(b)));
    let (Some((most, of_most)), Some((least, of_least))) = (most, least) else {
        return "No model loses accuracy when a block of the images is taken from others.".into();
    };
    if most.model == least.model {
        let blocks = spread(of_most);
        return format!(
            "{} loses up to {} of accuracy when one block of the images is taken from others; half of all \
             that it loses is in {blocks} of {} blocks.",
            bold(most.model),
            points(highest(of_most)),
            of_most.blocks.len(),
        );
    }
    format!(
        "{} depends most on single parts of the image: up to {} of accuracy are lost when one block is taken \
         from other images. {} depends least on them: up to {}.",
        bold(most.model),
        points(highest(of_most)),
        bold(least.model),
        points(highest(of_least)),
    )
}

fn table(models: &[Model<'_, '_>]) -> Table {
    let samples =
        |importance: &Importance| usize::try_from(importance.images).unwrap_or(usize::MAX);
    let most = models
        .iter()
        .map(|(_, importance)| samples(importance))
        .max();
    let most = most.unwrap_or_default();
    let worst = |importance: &Importance| {
        let losses = importance.losses();
        (0..losses.len()).max_by(|&a, &b| losses[a].total_cmp(&losses[b]).then(b.cmp(&a)))
    };
    Table::of("The block that each model depends on most", models.iter())
        .text("model", |(entry, _)| entry.model)
        .measure(&ACCURACY, most, |(_, importance)| {
            Some(importance.correct as f64 / importance.images.max(1) as f64)
        })
        .text("block (row, column)", |(_, importance)| {
            match worst(importance) {
                Some(at) => format!(
                    "{}, {}",
                    at / importance.grid[1] + 1,
                    at % importance.grid[1] + 1
                ),
                None => format::NOTHING.to_owned(),
            }
        })
        .text("accuracy lost", |(_, importance)| {
            points(highest(importance))
        })
        .done()
}
