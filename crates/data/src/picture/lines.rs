//! Ruled and squared paper: its lines are taken away, strokes that cross them stay.
//!
//! A line of the paper is almost straight, thin, and runs across the picture from border to
//! border; a stroke may be as long and as thin, but ends on the paper. Lines are found by
//! projection: the ink is summed along all slopes up to a few degrees, on a small copy of
//! the picture. Then, column by column, a vertical run of ink that lies in the line and is
//! hardly thicker than it is erased; a longer run is a stroke that crosses, and stays.
//! Source: staff removal by run length, see Dalitz et al., "A comparative study of staff
//! removal algorithms", IEEE PAMI 30(5), 2008.
//!
//! Rejected: opening with a long segment (fails on lines that are not quite level); the
//! Hough transform of all angles (finds the digit's own straight strokes).

use std::ops::Range;

use super::{Log, PictureError, Plane, Step, paper::Ink};

/// Pixels of the small copy's longer side.
const SMALL_SIDE: usize = 200;

/// Pixels that a line may rise across the small copy, at the most: about 4 degrees.
const RISE: isize = 14;

/// A line covers at least this part of the picture's width.
const COVER: f64 = 0.7;

/// A line is at most this part of the picture's longer side thick.
const THICK: f64 = 1.0 / 40.0;

/// Erases the lines of the paper.
///
/// Where not one line goes from border to border, there is no ruled paper, however much of
/// the picture a drawing fills. Where one does, others may be too faint at their ends.
///
/// # Errors
/// When there is nothing on the paper but its lines.
pub(super) fn erase(ink: &mut Ink, log: &mut Log) -> Result<(), PictureError> {
    // Most drawings leave the border blank, and need not be searched.
    if !ink.amount.border().any(|amount| amount > 0) {
        return Ok(());
    }
    let turned = transposed(&ink.amount);
    let level = found(&ink.amount, ink.threshold);
    let upright = found(&turned, ink.threshold);
    let ruled = level.iter().any(|line| line.leaves(&ink.amount))
        || upright.iter().any(|line| line.leaves(&turned));
    if !ruled {
        return Ok(());
    }
    // Both directions are looked for and erased in the picture as it was.
    let mut kept = ink.amount.values.clone();
    let width = ink.amount.width;
    for line in &level {
        line.erase(&ink.amount, ink.threshold, |x, y| kept[y * width + x] = 0);
    }
    for line in &upright {
        line.erase(&turned, ink.threshold, |x, y| kept[x * width + y] = 0);
    }
    let count = level.len() + upright.len();
    if kept.iter().all(|&amount| amount < ink.threshold) {
        // One line and nothing else is a one, or a dash, from border to border.
        return match count {
            1 => Ok(()),
            _ => Err(PictureError::NothingDrawn),
        };
    }
    ink.amount.values = kept;
    ink.is_even = false;
    log.steps.push(Step::Lines { count });
    log.stage("lines", &ink.amount);
    Ok(())
}

/// An almost level line: the rows where it begins and ends, at the left and right edge.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// The middle row at the left edge.
    left: f64,
    /// The middle row at the right edge.
    right: f64,
    /// Rows above and below the middle within which the line lies.
    slack: f64,
}

impl Line {
    /// The rows in which the line lies in column `x`.
    fn rows(&self, plane: &Plane, x: usize) -> Range<usize> {
        let middle = self.middle(plane, x);
        let from = (middle - self.slack).floor().max(0.0) as usize;
        let to = ((middle + self.slack).ceil().max(0.0) as usize).min(plane.height);
        from..to
    }

    fn middle(&self, plane: &Plane, x: usize) -> f64 {
        let part = (x as f64 + 0.5) / plane.width as f64;
        self.left + (self.right - self.left) * part
    }

    /// The run of ink in column `x` nearest to the line's middle.
    fn run(&self, plane: &Plane, threshold: u8, x: usize) -> Option<Range<usize>> {
        let middle = self.middle(plane, x);
        let ink = |y: usize| plane.values[y * plane.width + x] >= threshold;
        let nearest = self
            .rows(plane, x)
            .filter(|&y| ink(y))
            .min_by_key(|&y| ((y as f64 + 0.5 - middle).abs() * 16.0) as usize)?;
        let start = (0..nearest).rev().find(|&y| !ink(y)).map_or(0, |y| y + 1);
        let end = (nearest..plane.height)
            .find(|&y| !ink(y))
            .unwrap_or(plane.height);
        Some(start..end)
    }
}

/// A line that is thin in most of its columns.
struct Found {
    line: Line,
    /// The run of ink that begins or ends within the line, in each column.
    runs: Vec<Option<Range<usize>>>,
    /// Pixels.
    thickness: usize,
}

impl Found {
    /// `None` where the line turns out not to be one.
    fn new(line: Line, plane: &Plane, threshold: u8) -> Option<Self> {
        let runs: Vec<_> = (0..plane.width)
            .map(|x| line.run(plane, threshold, x))
            .collect();
        let mut lengths: Vec<usize> = runs.iter().flatten().map(Range::len).collect();
        lengths.sort_unstable();
        let &thickness = lengths.get(lengths.len() / 2)?;
        let longest = plane.width.max(plane.height) as f64;
        let is_one = thickness as f64 <= (longest * THICK).max(2.0)
            && lengths.len() as f64 >= COVER * 0.8 * plane.width as f64;
        is_one.then_some(Self {
            line,
            runs,
            thickness,
        })
    }

    /// Whether the ink goes on to the picture's border at both ends: to its left or right side,
    /// or, where the line is not level, through its top or bottom before.
    fn leaves(&self, plane: &Plane) -> bool {
        let (line, height) = (&self.line, plane.height);
        // Thin print is faint in places: the faintest trace is enough.
        let trace = |x: usize| {
            let mut rows = line.rows(plane, x);
            rows.any(|y| plane.values[y * plane.width + x] > 0)
        };
        let through = |end: f64| {
            let (above, below) = (end < line.slack, end > height as f64 - line.slack);
            let mut runs = self.runs.iter().flatten();
            runs.any(|run| (above && run.start == 0) || (below && run.end == height))
        };
        (trace(0) || through(line.left)) && (trace(plane.width - 1) || through(line.right))
    }

    /// Calls `erase` for each pixel of the line that belongs to no stroke.
    fn erase(&self, plane: &Plane, threshold: u8, mut erase: impl FnMut(usize, usize)) {
        let most = self.thickness + self.thickness.div_ceil(2).max(1);
        for (x, run) in self.runs.iter().enumerate() {
            if let Some(run) = run
                && run.len() <= most
            {
                // The line's own soft edges go with it.
                let end = (run.end + 2).min(plane.height);
                for y in run.start.saturating_sub(2)..end {
                    if run.contains(&y) || plane.values[y * plane.width + x] < threshold {
                        erase(x, y);
                    }
                }
            }
        }
    }
}

/// The lines of a picture that are almost level and thin.
fn found(plane: &Plane, threshold: u8) -> Vec<Found> {
    level_lines(plane, threshold)
        .into_iter()
        .filter_map(|line| Found::new(line, plane, threshold))
        .collect()
}

/// The almost level lines of a picture.
fn level_lines(plane: &Plane, threshold: u8) -> Vec<Line> {
    let factor = plane.width.max(plane.height).div_ceil(SMALL_SIDE);
    let (width, height) = (plane.width.div_ceil(factor), plane.height.div_ceil(factor));
    if width < 16 || height < 16 {
        return Vec::new();
    }
    let marks = small_copy(plane, threshold, factor, width, height);
    let least = (COVER * width as f64) as u16;
    // The strongest slope of each row, with how many columns it covers.
    let mut best: Vec<(u16, isize)> = vec![(0, 0); height];
    let mut sums = vec![0_u16; height];
    for rise in -RISE..=RISE {
        sums.fill(0);
        for x in 0..width {
            let shift = rise * x as isize / width as isize;
            let column = &marks[x * height..(x + 1) * height];
            let from = shift.max(0) as usize;
            let back = (-shift).max(0) as usize;
            let sums = &mut sums[back..];
            for (sum, &mark) in sums.iter_mut().zip(column.get(from..).unwrap_or_default()) {
                *sum += u16::from(mark);
            }
        }
        for (best, &sum) in best.iter_mut().zip(&sums) {
            if sum > best.0 || (sum == best.0 && rise.abs() < best.1.abs()) {
                *best = (sum, rise);
            }
        }
    }
    // A line is a row that no row close by covers better.
    const CLOSE: usize = 2;
    let mut lines = Vec::new();
    for (row, &(sum, rise)) in best.iter().enumerate() {
        let close = row.saturating_sub(CLOSE)..(row + CLOSE + 1).min(height);
        let is_best = close
            .clone()
            .all(|other| best[other].0 < sum || (best[other].0 == sum && other >= row));
        if sum >= least && is_best {
            let middle = |row: f64| (row + 0.5) * factor as f64;
            lines.push(Line {
                left: middle(row as f64),
                right: middle(row as f64 + rise as f64),
                slack: 1.5 * factor as f64 + 1.0,
            });
        }
    }
    lines
}

/// Where the small copy has ink, column by column.
fn small_copy(
    plane: &Plane,
    threshold: u8,
    factor: usize,
    width: usize,
    height: usize,
) -> Vec<bool> {
    let mut counts = vec![0_u16; width * height];
    for (y, row) in plane.rows().enumerate() {
        for (x, &value) in row.iter().enumerate() {
            counts[x / factor * height + y / factor] += u16::from(value >= threshold);
        }
    }
    // A line that is one pixel thick fills a row of the square, or half a row where it
    // passes on to the next.
    let least = (factor as u16).div_ceil(2);
    counts.into_iter().map(|count| count >= least).collect()
}

fn transposed(plane: &Plane) -> Plane {
    let values = (0..plane.width)
        .flat_map(|x| plane.values.iter().skip(x).step_by(plane.width).copied())
        .collect();
    Plane {
        width: plane.height,
        height: plane.width,
        values,
    }
}
