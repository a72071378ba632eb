//! A page on a darker desk: the desk is painted over with the page's own light.
//!
//! The border of such a picture is desk, and by the border the page itself would be the ink.
//! Desk and page are told by the threshold that divides the grey levels best (N. Otsu, "A
//! threshold selection method from gray-level histograms", IEEE Trans. SMC 9(1), 1979), on a
//! small copy. A page is a large, filled, light shape, which light strokes on a board are not;
//! the desk is what is dark and lies along much of the border, which dark strokes do not.

use super::{
    Plane,
    paper::{PAPER_SIDE, closing, histogram, opening},
    resample,
};

/// Part of the variance of the grey levels that lies between desk and page, at the least.
const SEPARATION: f64 = 0.7;

/// Grey levels between them, at the least.
const APART: f64 = 40.0;

/// The desk has at most this part of the page's light: what is lighter is a shadow on it.
const DARKER: f64 = 0.42;

/// Strokes up to twice this many pixels of the small copy wide make no page.
const STROKE: usize = 7;

/// Least part of the picture that is page, and page without what is as thin as a stroke.
const PAGE: [f64; 2] = [0.3, 0.2];

/// Least part of its box that the page fills; a page turned by 30 degrees fills half.
const FILLS: f64 = 0.5;

/// Least part of the border that the desk takes. One side alone is told by the rest.
const DESK: f64 = 0.3;

/// Pixels of the small copy around the desk that are neither desk nor page.
const SOFT: usize = 2;

/// The picture without the desk around the page; `None` where there is no such thing.
pub(super) fn without_desk(grey: &Plane) -> Option<Plane> {
    let factor = grey.width.max(grey.height).div_ceil(PAPER_SIDE);
    let small = resample::shrink(grey, factor);
    let level = divide(&small)?;
    let light = mask(&small, |value| value > level);
    let thick = opening(&light, STROKE);
    let part = |mask: &Plane| {
        let inside = mask.values.iter().filter(|&&value| value > 0).count();
        inside as f64 / mask.values.len() as f64
    };
    if part(&light) < PAGE[0] || part(&thick) < PAGE[1] || filled(&thick) < FILLS {
        return None;
    }
    let desk = desk(&light)?;
    // What the page looks like there, without what is written on it.
    let paper = closing(&small, 2 * STROKE);
    let around = grown(&desk, SOFT);
    let painted = paint(&paper, &around);
    let mut out = Plane {
        width: grey.width,
        height: grey.height,
        values: grey.values.clone(),
    };
    for (y, row) in out.values.chunks_exact_mut(grey.width).enumerate() {
        let from = (y / factor).min(small.height - 1) * small.width;
        for (x, value) in row.iter_mut().enumerate() {
            let at = from + (x / factor).min(small.width - 1);
            if around.values[at] > 0 {
                *value = painted[at];
            }
        }
    }
    Some(out)
}

fn mask(plane: &Plane, inside: impl Fn(u8) -> bool) -> Plane {
    let values = plane
        .values
        .iter()
        .map(|&value| if inside(value) { 255 } else { 0 });
    Plane {
        width: plane.width,
        height: plane.height,
        values: values.collect(),
    }
}

/// The grey level that divides the picture best; `None` where none does so clearly.
fn divide(plane: &Plane) -> Option<u8> {
    let counts = histogram(&plane.values).0.map(|count| count as f64);
    let all: f64 = counts.iter().sum();
    let levels = || (0..256).map(f64::from);
    let sum: f64 = counts
        .iter()
        .zip(levels())
        .map(|(count, level)| count * level)
        .sum();
    let mean = sum / all;
    let variance: f64 = counts
        .iter()
        .zip(levels())
        .map(|(count, level)| count * (level - mean).powi(2))
        .sum::<f64>()
        / all;
    let (mut below, mut below_sum) = (0.0, 0.0);
    let mut best = (0.0, 0, [0.0; 2]);
    for (level, &count) in (0..=u8::MAX).zip(&counts) {
        below += count;
        below_sum += count * f64::from(level);
        let above = all - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let means = [below_sum / below, (sum - below_sum) / above];
        let apart = means[1] - means[0];
        let between = below * above * apart * apart / (all * all);
        if between > best.0 {
            best = (between, level, means);
        }
    }
    let (between, level, [dark, light]) = best;
    let apart = light - dark >= APART && dark <= DARKER * light;
    (apart && between >= SEPARATION * variance).then_some(level)
}

/// The part of its box that a mask fills.
fn filled(mask: &Plane) -> f64 {
    let inside = |&(_, &value): &(usize, &u8)| value > 0;
    let places: Vec<usize> = mask
        .values
        .iter()
        .enumerate()
        .filter(inside)
        .map(|(at, _)| at)
        .collect();
    let span = |of: &dyn Fn(usize) -> usize| {
        let places = places.iter().map(|&at| of(at));
        let (least, most) = (places.clone().min(), places.max());
        most.unwrap_or(0) + 1 - least.unwrap_or(0)
    };
    let area = span(&|at| at % mask.width) * span(&|at| at / mask.width);
    places.len() as f64 / area.max(1) as f64
}

/// The dark pieces that take much of the border together, as a mask.
fn desk(light: &Plane) -> Option<Plane> {
    let (width, height) = (light.width, light.height);
    let mut found = Plane {
        width,
        height,
        values: vec![0; light.values.len()],
    };
    let on_border = |at: usize| {
        let (x, y) = (at % width, at / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == height
    };
    let border: Vec<usize> = (0..light.values.len())
        .filter(|&at| on_border(at))
        .collect();
    let mut waiting: Vec<usize> = Vec::new();
    for &at in &border {
        if light.values[at] == 0 && found.values[at] == 0 {
            found.values[at] = 255;
            waiting.push(at);
        }
        while let Some(at) = waiting.pop() {
            let (x, y) = (at % width, at / width);
            let beside = [
                (x > 0).then(|| at - 1),
                (x + 1 < width).then_some(at + 1),
                (y > 0).then(|| at - width),
                (y + 1 < height).then_some(at + width),
            ];
            for next in beside.into_iter().flatten() {
                if light.values[next] == 0 && found.values[next] == 0 {
                    found.values[next] = 255;
                    waiting.push(next);
                }
            }
        }
    }
    let taken = border.iter().filter(|&&at| found.values[at] > 0).count();
    (taken as f64 >= DESK * border.len() as f64).then_some(found)
}

/// A mask grown by some pixels.
fn grown(mask: &Plane, by: usize) -> Plane {
    super::paper::squares(mask, by, u8::max)
}

/// The plane with what `around` covers painted over by what lies nearest in its row, and rows
/// without anything by the row above or below.
fn paint(paper: &Plane, around: &Plane) -> Vec<u8> {
    let width = paper.width;
    let mut out = paper.values.clone();
    let mut known = Vec::new();
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        let around = &around.values[y * width..(y + 1) * width];
        let there: Vec<usize> = (0..width).filter(|&x| around[x] == 0).collect();
        if there.is_empty() {
            continue;
        }
        known.push(y);
        let from = row.to_vec();
        for (x, value) in row.iter_mut().enumerate() {
            let right = there.partition_point(|&at| at < x);
            let beside = there[right.saturating_sub(1)..(right + 1).min(there.len())].iter();
            if let Some(&nearest) = beside.min_by_key(|at| at.abs_diff(x)) {
                *value = from[nearest];
            }
        }
    }
    for y in 0..paper.height {
        if let Some(&nearest) = known.iter().min_by_key(|known| known.abs_diff(y)) {
            out.copy_within(nearest * width..(nearest + 1) * width, y * width);
        }
    }
    out
}
