//! Which parts of an image an answer depends on, for models of any kind: a square is painted over
//! with the colour of the image's edge, place by place, and what the answer loses is what that place says for
//! it (M. D. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
//! section 4.2).

use bakeoff_core::{FittedModel, Images, PredictError};

/// Squares along the longer side; each is moved by half of itself, so that they overlap.
const SQUARES: usize = 7;

/// Probabilities below count as this: what is nearly impossible may not become much less likely.
const LEAST_PROBABILITY: f32 = 1e-4;

/// Where no square changes the log probability by more, in nats, the image as a whole decides.
const LEAST_CHANGE: f32 = 0.01;

/// For each pixel of the one image, row by row, by how much the log probability of `class` falls on average when
/// a square over the pixel is painted over; `None` where no square changes much.
pub(crate) fn occlusion(
    model: &dyn FittedModel,
    images: &Images,
    class: usize,
) -> Result<Option<Vec<f32>>, PredictError> {
    let shape = images.shape();
    let (height, width) = (shape.height, shape.width);
    let Some(image) = images.get(0) else {
        return Ok(None);
    };
    let side = height.max(width).div_ceil(SQUARES).max(1);
    let starts = |length: usize| (0..length).step_by(side.div_ceil(2));
    let squares: Vec<[usize; 2]> = starts(height)
        .flat_map(|top| starts(width).map(move |left| [top, left]))
        .collect();
    let covered = |[top, left]: [usize; 2]| {
        let columns = left..(left + side).min(width);
        (top..(top + side).min(height)).flat_map(move |row| {
            let columns = columns.clone();
            columns.map(move |column| row * width + column)
        })
    };
    let paper: Vec<u8> = image
        .chunks_exact(height * width)
        .map(|plane| edge_level(plane, width))
        .collect();
    let mut pixels = Vec::with_capacity((1 + squares.len()) * image.len());
    pixels.extend_from_slice(image);
    for &square in &squares {
        let from = pixels.len();
        pixels.extend_from_slice(image);
        let planes = pixels[from..].chunks_exact_mut(height * width);
        for (plane, &paper) in planes.zip(&paper) {
            for at in covered(square) {
                plane[at] = paper;
            }
        }
    }
    let Ok(batch) = Images::new(shape, pixels) else {
        return Ok(None);
    };
    let answers = model.predict_proba(&batch)?;
    let mut logs = answers.rows().map(|row| {
        let probability = row.get(class).copied().unwrap_or_default();
        probability.max(LEAST_PROBABILITY).ln()
    });
    let whole = logs.next().unwrap_or_default();
    let (mut sums, mut counts) = (vec![0.0_f32; height * width], vec![0.0_f32; height * width]);
    for (&square, log) in squares.iter().zip(logs) {
        for at in covered(square) {
            sums[at] += whole - log;
            counts[at] += 1.0;
        }
    }
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum /= count;
    }
    let changes = sums.iter().any(|change| change.abs() > LEAST_CHANGE);
    Ok(changes.then_some(sums))
}

/// The level that most pixels along the edge have.
fn edge_level(plane: &[u8], width: usize) -> u8 {
    let rows: Vec<&[u8]> = plane.chunks_exact(width).collect();
    let ends = rows.first().into_iter().chain(rows.last());
    let sides = rows
        .iter()
        .flat_map(|row| row.first().into_iter().chain(row.last()));
    let mut counts = [0_usize; 256];
    for &value in ends.flat_map(|row| row.iter()).chain(sides) {
        counts[usize::from(value)] += 1;
    }
    let most = (0..=u8::MAX).max_by_key(|&level| (counts[usize::from(level)], u8::MAX - level));
    most.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{ImageShape, ModelWriter, Probabilities, StoreError};

    use super::*;

    /// The first class is as probable as the pixel in the middle is light.
    struct Middle;

    impl FittedModel for Middle {
        fn input_shape(&self) -> ImageShape {
            ImageShape::new(1, 9, 9)
        }

        fn classes(&self) -> usize {
            2
        }

        fn parameters(&self) -> u64 {
            0
        }

        fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
            let each = images.pixels().chunks_exact(81);
            let rows = each.flat_map(|image| {
                let light = f32::from(image[40]) / 255.0;
                [light, 1.0 - light]
            });
            Ok(Probabilities::new(2, rows.collect())?)
        }

        fn save(&self, _: &mut dyn ModelWriter) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn what_a_square_hides_speaks_for_or_against() {
        let mut pixels = vec![20; 81];
        pixels[40] = 230;
        let images = Images::new(Middle.input_shape(), pixels).unwrap();
        let found = |class| occlusion(&Middle, &images, class).unwrap().unwrap();
        // Squares of 2×2, moved by one: only those over the middle change anything.
        let lost = (230.0_f32 / 20.0).ln();
        let shares = found(0);
        assert!((shares[40] - lost).abs() < 1e-5);
        assert!((shares[39] - lost / 2.0).abs() < 1e-5);
        assert!((shares[30] - lost / 4.0).abs() < 1e-5);
        assert_eq!(shares[38], 0.0);
        assert!(found(1)[40] < 0.0);
    }

    #[test]
    fn where_nothing_changes_there_is_no_map() {
        let images = Images::new(Middle.input_shape(), vec![20; 81]).unwrap();
        assert_eq!(occlusion(&Middle, &images, 0).unwrap(), None);
    }

    #[test]
    fn the_edge_says_what_is_painted() {
        assert_eq!(edge_level(&[9, 9, 9, 9, 200, 9, 9, 9, 9], 3), 9);
        assert_eq!(edge_level(&[7, 7, 9, 9], 2), 7);
    }
}
