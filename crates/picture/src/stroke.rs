//! Thin strokes, which would all but vanish in a small image.

use crate::{
    log::Log,
    paper::Ink,
    plane::{Plane, Rect},
    steps::Step,
};

/// Strokes thinner than this part of the drawing's longer side are thickened.
const THIN: f64 = 0.06;

/// To this part.
const WIDTH: f64 = 0.1;

/// Below this many pixels on its longer side, a drawing is hardly larger than what a
/// model sees, and none of its strokes is thin.
const LEAST_SIDE: usize = 40;

/// Thickens strokes that are far thinner than a dataset's own, evenly on all sides. Returns the
/// margin that was added on every side.
pub(crate) fn thicken(ink: &mut Ink, log: &mut Log) -> usize {
    let bounds = ink.amount.bounding_box(ink.threshold);
    let side = bounds.width.max(bounds.height);
    if side < LEAST_SIDE {
        return 0;
    }
    let (side, width) = (side as f64, mean_width(&ink.amount, ink.threshold, bounds));
    if width >= THIN * side {
        return 0;
    }
    let radius = (WIDTH * side - width) / 2.0;
    let reach = radius.ceil() as usize + 1;
    // Strokes near an edge grow like all others: the paper goes on beyond it.
    ink.amount = ink.amount.padded(reach);
    let plane = &mut ink.amount;
    let grown = Rect {
        left: bounds.left,
        top: bounds.top,
        width: bounds.width + 2 * reach,
        height: bounds.height + 2 * reach,
    };
    let squares = squared_distances(plane, ink.threshold, grown, reach);
    for (y, row) in squares.chunks_exact(grown.width).enumerate() {
        let start = (grown.top + y) * plane.width + grown.left;
        let values = &mut plane.values[start..start + grown.width];
        for (value, &square) in values.iter_mut().zip(row) {
            let inside = (radius + 0.5 - f64::from(square).sqrt()).clamp(0.0, 1.0);
            *value = (inside * 255.0).round() as u8;
        }
    }
    log.steps.push(Step::Thickened {
        from: width,
        to: WIDTH * side,
    });
    log.stage("thickened", &ink.amount);
    reach
}

/// The mean width of the strokes within `bounds`, in pixels: twice their area by the
/// length of their edges. An edge is as long as π/4 of its steps along rows and columns,
/// whichever way it runs on average (Cauchy and Crofton).
pub(crate) fn mean_width(plane: &Plane, threshold: u8, bounds: Rect) -> f64 {
    let (mut area, mut steps) = (0_usize, 0_usize);
    let mut above = vec![false; bounds.width];
    let rows = plane.rows().skip(bounds.top).take(bounds.height);
    for row in rows {
        let mut before = false;
        for (&value, above) in row[bounds.left..].iter().zip(&mut above) {
            let is_ink = value >= threshold;
            area += usize::from(is_ink);
            steps += usize::from(is_ink != before) + usize::from(is_ink != *above);
            (before, *above) = (is_ink, is_ink);
        }
        steps += usize::from(before);
    }
    steps += above.iter().filter(|&&is_ink| is_ink).count();
    2.0 * area as f64 / (std::f64::consts::FRAC_PI_4 * steps as f64).max(1.0)
}

/// For each pixel of `bounds` the square of its distance to the nearest ink, in pixels; of
/// what is further than `reach`, any number that is larger.
fn squared_distances(plane: &Plane, threshold: u8, bounds: Rect, reach: usize) -> Vec<u32> {
    let (width, height) = (bounds.width, bounds.height);
    let beyond = reach + 1;
    // Along columns: down, then up.
    let mut along = vec![beyond; width * height];
    let rows = plane.rows().skip(bounds.top).take(height);
    for (y, row) in rows.enumerate() {
        for x in 0..width {
            let at = y * width + x;
            if row[bounds.left + x] >= threshold {
                along[at] = 0;
            } else if y > 0 {
                along[at] = (along[at - width] + 1).min(beyond);
            }
        }
    }
    for at in (0..width * height.saturating_sub(1)).rev() {
        along[at] = along[at].min(along[at + width] + 1);
    }
    let columns: Vec<u32> = along.iter().map(|&far| (far * far) as u32).collect();
    let mut squares = columns.clone();
    for (out, row) in squares
        .chunks_exact_mut(width)
        .zip(columns.chunks_exact(width))
    {
        for shift in 1..=reach.min(width - 1) {
            let square = (shift * shift) as u32;
            for (out, &far) in out[shift..].iter_mut().zip(row) {
                *out = (*out).min(far + square);
            }
            for (out, &far) in out.iter_mut().zip(&row[shift..]) {
                *out = (*out).min(far + square);
            }
        }
    }
    squares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::Tone;

    fn bar(width: usize) -> Ink {
        let value = |i: usize| {
            let (x, y) = (i % 100, i / 100);
            let inside = (40..40 + width).contains(&x) && (10..110).contains(&y);
            if inside { 200 } else { 0 }
        };
        Ink {
            amount: Plane::new(100, (0..12_000).map(value).collect()),
            tone: Tone::Dark,
            threshold: 50,
            contrast: 200,
            is_even: true,
            cut: [0; 2],
            factor: 1,
        }
    }

    #[test]
    fn a_bars_width_is_found() {
        for width in [1, 3, 8] {
            let ink = bar(width);
            let bounds = ink.amount.bounding_box(ink.threshold);
            let found = mean_width(&ink.amount, ink.threshold, bounds);
            // Horizontal and vertical edges are the worst case of the mean over all directions.
            let expected = width as f64;
            assert!(
                (found / expected - 1.0).abs() < 0.3,
                "{width} is found as {found}"
            );
        }
    }

    #[test]
    fn thin_strokes_grow_evenly_and_others_stay() {
        let mut ink = bar(2);
        let mut log = Log::default();
        thicken(&mut ink, &mut log);
        assert!(matches!(log.steps[..], [Step::Thickened { .. }]));
        // It now has a margin.
        let width = ink.amount.width;
        let margin = (width - 100) / 2;
        let row = &ink.amount.values[(60 + margin) * width..][..width];
        let inked: Vec<usize> = (0..width).filter(|&x| row[x] > 127).collect();
        assert!((8..=11).contains(&inked.len()), "{inked:?}");
        assert_eq!(
            inked[0] + inked[inked.len() - 1],
            40 + 41 + 2 * margin,
            "on both sides alike"
        );

        let mut ink = bar(12);
        let before = ink.amount.values.clone();
        thicken(&mut ink, &mut log);
        assert_eq!(ink.amount.values, before);
        assert_eq!(log.steps.len(), 1);
    }

    #[test]
    fn distances_are_those_of_the_nearest_ink() {
        let mut plane = Plane::new(9, vec![0; 63]);
        let ink = [(1, 1), (6, 5), (7, 0)];
        for (x, y) in ink {
            plane.values[y * 9 + x] = 9;
        }
        let found = squared_distances(&plane, 9, plane.rect(), 4);
        for (at, &square) in found.iter().enumerate() {
            let (x, y) = (at % 9, at / 9);
            let nearest = ink
                .iter()
                .map(|&(a, b)| x.abs_diff(a).pow(2) + y.abs_diff(b).pow(2))
                .min()
                .unwrap() as u32;
            assert!(
                square == nearest || (nearest > 16 && square > 16),
                "{x}, {y}: {square} is not {nearest}"
            );
        }
    }
}
