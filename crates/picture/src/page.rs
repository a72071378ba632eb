//! A page on a darker background: the background is painted over with the page's own light.
//!
//! The border of such an image is background, and judged by the border, the page itself would
//! be the ink. Otsu's threshold separates them (N. Otsu, "A threshold selection method from
//! gray-level histograms", IEEE Trans. SMC 9(1), 1979), on a small copy. A page is a large,
//! filled, light shape; light strokes on a board are not. The background is dark and lies along
//! much of the border; dark strokes do not.

use crate::{
    components::{Connectivity, components},
    paper::{LIGHT_PAPER, PAPER_SIDE},
    plane::{Histogram, Plane, Rect},
    resample::shrink,
};

/// The least part of the variance of the grey levels that lies between background and page.
const SEPARATION: f64 = 0.7;

/// The least difference in grey levels between them.
const CONTRAST: f64 = 40.0;

/// The background has at most this part of the page's light: what is lighter is a shadow on the
/// page.
const DARKER: f64 = 0.42;

/// Strokes up to twice this many pixels of the small copy wide make no page.
const STROKE: usize = 7;

/// Strokes up to twice this many pixels of the small copy wide may be written on a page.
const WRITING: usize = 3;

/// Least part of the image that is page, and page without what is as thin as a stroke.
const PAGE: [f64; 2] = [0.3, 0.2];

/// Least part of its bounding box that the page fills; a page turned by 30 degrees fills half.
const FILLS: f64 = 0.5;

/// Least part of the border that is background. It may be one side of the image.
const BACKGROUND: f64 = 0.3;

/// A strip of background along the border has at least so many pixels of the small copy somewhere: what is
/// thinner all along is the line of a box.
const THINNEST: usize = 4;

/// Pixels of the small copy around the background that belong neither to it nor to the page.
const SOFT_EDGE: usize = 2;

/// A page whose background is painted over.
pub(crate) struct Page {
    pub(crate) grey: Plane,
    /// Whether the background is so thin that it may be the lines of a box.
    pub(crate) may_be_box: bool,
}

/// The image with the background around the page painted over; `None` where there is no
/// such background.
pub(crate) fn without_background(grey: &Plane) -> Option<Page> {
    if grey.border_histogram().quantile(0.5) >= LIGHT_PAPER {
        return None;
    }
    let factor = grey.longer_side().div_ceil(PAPER_SIDE);
    let small = shrink(grey, factor);
    let threshold = otsu(&small.histogram())?;
    let light = small.map(|value| if value > threshold { 255 } else { 0 });
    let thick = light.closing(WRITING).opening(STROKE);
    let count = |mask: &Plane| mask.values.iter().filter(|&&value| value > 0).count() as f64;
    let part = |mask: &Plane| count(mask) / mask.values.len() as f64;
    if part(&light) < PAGE[0] || part(&thick) < PAGE[1] {
        return None;
    }
    let bounds = thick.bounding_box(1);
    if count(&thick) / ((bounds.width * bounds.height) as f64) < FILLS {
        return None;
    }
    let around = background(&light)?;
    let may_be_box = around.eroded(STROKE).extremes().1 == 0;
    Some(Page {
        grey: painted_over(grey, &small, &around.dilated(SOFT_EDGE), factor),
        may_be_box,
    })
}

/// The image with what `around` covers painted over by the paper, as it is beside it; `small` is the
/// image and `around` a mask, both smaller by `factor`.
pub(crate) fn painted_over(grey: &Plane, small: &Plane, around: &Plane, factor: usize) -> Plane {
    // What the paper looks like there, without what is written on it.
    let painted = paint(small.closing(2 * STROKE), around);
    let mut out = grey.clone();
    for (y, row) in out.values.chunks_exact_mut(grey.width).enumerate() {
        let from = (y / factor).min(small.height - 1) * small.width;
        for (x, value) in row.iter_mut().enumerate() {
            let at = from + (x / factor).min(small.width - 1);
            if around.values[at] > 0 {
                *value = painted.values[at];
            }
        }
    }
    out
}

/// The threshold that separates the grey levels best; `None` where none does so clearly.
pub(crate) fn otsu(histogram: &Histogram) -> Option<u8> {
    let counts = histogram.0.map(|count| count as f64);
    let weighted = |weight: &dyn Fn(f64) -> f64| -> f64 {
        let levels = (0..256).map(f64::from);
        counts
            .iter()
            .zip(levels)
            .map(|(count, level)| count * weight(level))
            .sum()
    };
    let all: f64 = counts.iter().sum();
    let sum = weighted(&|level| level);
    let mean = sum / all;
    let variance = weighted(&|level| (level - mean).powi(2)) / all;
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
        let difference = means[1] - means[0];
        let between = below * above * difference * difference / (all * all);
        if between > best.0 {
            best = (between, level, means);
        }
    }
    let (between, level, [dark, light]) = best;
    let clear = light - dark >= CONTRAST && dark <= DARKER * light;
    (clear && between >= SEPARATION * variance).then_some(level)
}

/// The dark components that touch the border, as a mask; `None` where they take little of it. What is
/// as thin as a stroke is none: the digit that touches the border. But the background goes on beyond
/// the image, and may be thin along the border, as beside a page that is turned.
fn background(light: &Plane) -> Option<Plane> {
    let dark = light.map(|value| 255 - value);
    let wide = widened(&dark, STROKE + 1 - THINNEST);
    let all = widened(&dark, STROKE);
    let (runs, components) = components(&all, 1, Connectivity::Four);
    let mut is_wide = vec![false; components.len()];
    for run in &runs {
        let row = &wide.values[run.y * wide.width..][run.from..run.to];
        is_wide[run.component] |= row.iter().any(|&value| value > 0);
    }
    let mut mask = light.map(|_| 0);
    for run in runs {
        if is_wide[run.component] && components[run.component].touches_edge() {
            mask.values[run.y * mask.width..][run.from..run.to].fill(255);
        }
    }
    let taken = mask.border().filter(|&value| value > 0).count();
    (taken as f64 >= BACKGROUND * mask.border().count() as f64).then_some(mask)
}

/// What is wider than a stroke, where the image goes on as it ends for `margin` pixels more.
fn widened(mask: &Plane, margin: usize) -> Plane {
    let opened = mask.extended(margin).opening(STROKE);
    opened.cropped(Rect {
        left: margin,
        top: margin,
        width: mask.width,
        height: mask.height,
    })
}

/// The plane with what `around` covers painted over by what lies nearest in its row, and rows
/// without anything by the nearest row that has something.
fn paint(mut paper: Plane, around: &Plane) -> Plane {
    let width = paper.width;
    let mut known = Vec::new();
    for (y, row) in paper.values.chunks_exact_mut(width).enumerate() {
        let around = &around.values[y * width..(y + 1) * width];
        let clear: Vec<usize> = (0..width).filter(|&x| around[x] == 0).collect();
        if clear.is_empty() {
            continue;
        }
        known.push(y);
        let from = row.to_vec();
        for (x, value) in row.iter_mut().enumerate() {
            let right = clear.partition_point(|&at| at < x);
            let beside = clear[right.saturating_sub(1)..(right + 1).min(clear.len())].iter();
            if let Some(&nearest) = beside.min_by_key(|at| at.abs_diff(x)) {
                *value = from[nearest];
            }
        }
    }
    for y in 0..paper.height {
        if let Some(&nearest) = known.iter().min_by_key(|known| known.abs_diff(y)) {
            let row = nearest * width..(nearest + 1) * width;
            paper.values.copy_within(row, y * width);
        }
    }
    paper
}
