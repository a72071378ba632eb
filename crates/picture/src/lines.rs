//! Ruled and squared paper: its lines are erased, strokes that cross them stay.
//!
//! A line of the paper is almost straight, thin, and runs across the image from border to
//! border; a stroke may be as long and as thin, but ends on the paper. Lines are found by
//! projection: the ink is summed along all slopes up to ten degrees, on a small copy of
//! the image. Then, column by column, a vertical run of ink that lies in the line and is
//! hardly thicker than it is erased; a longer run is a stroke that crosses, and stays.
//! Source: staff removal by run length, see Dalitz et al., "A comparative study of staff
//! removal algorithms", IEEE PAMI 30(5), 2008.
//!
//! In an image cut close to the ink, strokes run from border to border too. So lines count as
//! the paper's only where they are thinner or lighter than what is left without them, or many;
//! a line that stays does less harm than a stroke that is erased.
//!
//! Rejected: opening with a long segment (fails on lines that are not quite horizontal); the
//! Hough transform of all angles (finds the digit's own straight strokes).

use std::ops::Range;

use crate::{error::PictureError, log::Log, paper::Ink, plane::Plane, specks, steps::Step, stroke};

/// Pixels of the small copy's longer side.
const SMALL_SIDE: usize = 200;

/// How much a line may rise, as a part of the image's width: about 10 degrees.
const RISE: f64 = 0.18;

/// Least part of its way across the image that a line covers; its way is at least half of
/// the image.
const COVER: f64 = 0.7;

/// A line is at most this part of the image's longer side thick.
const THICK: f64 = 1.0 / 40.0;

/// So many parallel lines are the paper's, however thick and dark: in a drawing, which may be a
/// letter cut close, and in a photo.
const MANY: [usize; 2] = [4, 3];

/// Strokes are at least so many times as thick as lines that are recognised by their thickness.
const THICKER: f64 = 1.4;

/// Lines that are recognised by their ink have at most this part of the ink of strokes.
const LIGHTER: f64 = 0.75;

/// Where several lines reach the border at both ends, others may end this part of the image's
/// width before it, as thin print is faint in places.
const SHORT: f64 = 0.04;

/// More lines of one direction than the sides of a box have, where each is printed twice.
const SQUARED: usize = 4;

/// Whether there are so many lines that they are those of ruled or squared paper, and not a box.
pub(crate) fn are_of_paper(ink: &Ink) -> bool {
    [
        find_lines(&ink.amount, line_threshold(ink)),
        find_lines(&ink.amount.transposed(), line_threshold(ink)),
    ]
    .iter()
    .any(|lines| lines.len() > SQUARED)
}

/// In a photo lines may be so light that only half of them passes for ink.
fn line_threshold(ink: &Ink) -> u8 {
    match ink.is_even {
        true => ink.threshold,
        false => ink.threshold.div_ceil(2),
    }
}

/// Erases the lines of the paper.
///
/// # Errors
/// When there is nothing on the paper but its lines.
pub(crate) fn erase(ink: &mut Ink, log: &mut Log) -> Result<(), PictureError> {
    // Most drawings leave the border blank, and need not be searched.
    if !ink.amount.border().any(|amount| amount > 0) {
        return Ok(());
    }
    let transposed = ink.amount.transposed();
    let threshold = line_threshold(ink);
    let mut horizontal = find_lines(&ink.amount, threshold);
    let mut vertical = find_lines(&transposed, threshold);
    let counts = [horizontal.len(), vertical.len()];
    if counts == [0, 0] {
        return Ok(());
    }
    // Both directions are searched and erased in the image as it was.
    let without = |horizontal: &[FoundLine], vertical: &[FoundLine]| {
        let mut left = ink.amount.clone();
        let width = left.width;
        for line in horizontal {
            line.erase(&ink.amount, threshold, |x, y| {
                left.values[y * width + x] = 0
            });
        }
        for line in vertical {
            line.erase(&transposed, threshold, |x, y| {
                left.values[x * width + y] = 0
            });
        }
        left
    };
    let rest = without(&horizontal, &vertical);
    if specks::are_all(&rest, ink) {
        // One line and nothing else, or one across others, is a drawing cut close: a one, a
        // four, an H. Others are paper, or a frame around it.
        let [fewer, more] = [counts[0].min(counts[1]), counts[0].max(counts[1])];
        let is_drawing = fewer + more == 1 || fewer == 1 && more < MANY[0];
        return match ink.is_even && is_drawing {
            true => Ok(()),
            false => Err(PictureError::NothingDrawn),
        };
    }
    let strokes = Strokes::of(&rest, ink.threshold);
    // Each direction by itself: beside ruled lines a vertical stroke may cross all of them.
    for lines in [&mut horizontal, &mut vertical] {
        let are_of_the_paper = lines.len() >= MANY[usize::from(!ink.is_even)]
            || strokes.is_some_and(|strokes| strokes.differ_from(lines));
        if !are_of_the_paper {
            lines.clear();
        }
    }
    let count = horizontal.len() + vertical.len();
    if count > 0 {
        ink.amount = without(&horizontal, &vertical);
        ink.is_even = false;
        log.steps.push(Step::Lines { count });
        log.stage("lines", &ink.amount);
    }
    Ok(())
}

/// What is left without the lines.
#[derive(Clone, Copy)]
struct Strokes {
    /// Their mean width in pixels.
    width: f64,
    /// The ink that most of them have.
    amount: f64,
}

impl Strokes {
    /// `None` where nothing is left.
    fn of(rest: &Plane, threshold: u8) -> Option<Self> {
        let mut amounts: Vec<u8> = rest
            .values
            .iter()
            .copied()
            .filter(|&v| v >= threshold)
            .collect();
        let amount = upper_quartile(&mut amounts)?;
        Some(Self {
            width: stroke::mean_width(rest, threshold, rest.rect()),
            amount,
        })
    }

    /// Whether the lines are clearly thinner or lighter.
    fn differ_from(&self, lines: &[FoundLine]) -> bool {
        let count = lines.len().max(1) as f64;
        let mean = |of: &dyn Fn(&FoundLine) -> f64| lines.iter().map(of).sum::<f64>() / count;
        let thickness = mean(&|line| line.thickness[0] as f64);
        self.width >= THICKER * thickness.max(1.0)
            || mean(&|line| line.amount) <= LIGHTER * self.amount
    }
}

/// The upper quartile.
fn upper_quartile(amounts: &mut [u8]) -> Option<f64> {
    let at = amounts.len().checked_sub(1)? * 3 / 4;
    Some(f64::from(*amounts.select_nth_unstable(at).1))
}

/// An almost horizontal line: the rows where it meets the left and the right edge; those may
/// lie above or below the image.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// The middle row at the left edge.
    left: f64,
    /// The middle row at the right edge.
    right: f64,
    /// Rows above and below the middle within which the line lies.
    tolerance: f64,
}

impl Line {
    /// The rows in which the line lies in column `x`.
    fn rows(&self, plane: &Plane, x: usize) -> Range<usize> {
        let middle = self.middle(plane, x);
        let from = (middle - self.tolerance).floor().max(0.0) as usize;
        let to = ((middle + self.tolerance).ceil().max(0.0) as usize).min(plane.height);
        from..to
    }

    fn middle(&self, plane: &Plane, x: usize) -> f64 {
        let part = (x as f64 + 0.5) / plane.width as f64;
        self.left + (self.right - self.left) * part
    }

    /// The columns in which its middle lies inside the image.
    fn columns(&self, plane: &Plane) -> Range<usize> {
        let inside = |&x: &usize| (0.0..plane.height as f64).contains(&self.middle(plane, x));
        let first = (0..plane.width).find(inside);
        let last = (0..plane.width).rfind(inside);
        first.unwrap_or(0)..last.map_or(0, |last| last + 1)
    }

    /// The run of ink in column `x` that is nearest to the line's middle.
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
struct FoundLine {
    line: Line,
    /// The run of ink that begins or ends within the line, in each column.
    runs: Vec<Option<Range<usize>>>,
    /// Pixels: the lower quartile and the median. A stroke may lie along more than half of it.
    thickness: [usize; 2],
    /// Runs up to this length are the line's own.
    most: usize,
    /// The ink that most of it has.
    amount: f64,
}

impl FoundLine {
    /// `None` where the line turns out not to be one.
    fn new(line: Line, plane: &Plane, threshold: u8) -> Option<Self> {
        let runs: Vec<_> = (0..plane.width)
            .map(|x| line.run(plane, threshold, x))
            .collect();
        let mut lengths: Vec<usize> = runs.iter().flatten().map(Range::len).collect();
        lengths.sort_unstable();
        let thickness = [lengths.len() / 4, lengths.len() / 2].map(|at| lengths.get(at).copied());
        let [Some(thin), Some(median)] = thickness else {
            return None;
        };
        let longest = plane.width.max(plane.height) as f64;
        let columns = line.columns(plane).len() as f64;
        if thin as f64 > (longest * THICK).max(2.0)
            || (lengths.len() as f64) < COVER * 0.8 * columns
        {
            return None;
        }
        let mut found = Self {
            line,
            runs,
            thickness: [thin, median],
            most: longest_run(thin),
            amount: 0.0,
        };
        let mut amounts: Vec<u8> = found
            .thin()
            .flat_map(|(x, run)| run.clone().map(move |y| plane.values[y * plane.width + x]))
            .collect();
        found.amount = upper_quartile(&mut amounts)?;
        Some(found)
    }

    /// The columns in which no stroke crosses, with their runs.
    fn thin(&self) -> impl Iterator<Item = (usize, &Range<usize>)> {
        let runs = self.runs.iter().enumerate();
        runs.filter_map(move |(x, run)| {
            let run = run.as_ref().filter(|run| run.len() <= self.most)?;
            Some((x, run))
        })
    }

    /// Whether the ink reaches the image's border at both ends, or ends `short` columns before
    /// it: the left and the right side, or, where the line is sloped, the top or the bottom.
    fn reaches_border(&self, plane: &Plane, short: usize) -> bool {
        let (line, height) = (&self.line, plane.height);
        // Thin print is faint in places: the faintest trace is enough.
        let trace = |x: usize| {
            let mut rows = line.rows(plane, x);
            rows.any(|y| plane.values[y * plane.width + x] > 0)
        };
        let through = |end: f64| {
            let (above, below) = (end < line.tolerance, end > height as f64 - line.tolerance);
            let mut runs = self.runs.iter().flatten();
            runs.any(|run| (above && run.start == 0) || (below && run.end == height))
        };
        let width = plane.width;
        let reach = (short + 1).min(width);
        ((0..reach).any(trace) || through(line.left))
            && ((width - reach..width).any(trace) || through(line.right))
    }

    /// Calls `erase` for each pixel of the line that belongs to no stroke.
    fn erase(&self, plane: &Plane, threshold: u8, mut erase: impl FnMut(usize, usize)) {
        for (x, run) in self.thin() {
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

/// The longest run of ink that belongs to a line of this thickness and to no stroke.
fn longest_run(thickness: usize) -> usize {
    thickness + thickness.div_ceil(2).max(1)
}

/// The lines of an image that are almost horizontal, thin, and reach its border at both ends.
/// Where there are several of one slope, also those that look like them and end close to the
/// border.
fn find_lines(plane: &Plane, threshold: u8) -> Vec<FoundLine> {
    let find = |near: Option<f64>| {
        let lines = projected_lines(plane, threshold, near).into_iter();
        let found = lines.filter_map(|line| FoundLine::new(line, plane, threshold));
        found.collect::<Vec<FoundLine>>()
    };
    let found = find(None);
    let complete = |found: &&FoundLine| found.reaches_border(plane, 0);
    let strict: Vec<&FoundLine> = found.iter().filter(complete).collect();
    let median = |of: &dyn Fn(&FoundLine) -> f64| {
        let mut values: Vec<f64> = strict.iter().map(|found| of(found)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let rise = |found: &FoundLine| found.line.right - found.line.left;
    let (usual_rise, thin) = (median(&rise), median(&|found| found.thickness[0] as f64));
    let thickness = median(&|found| found.thickness[1] as f64) as usize;
    let amount = median(&|found| found.amount);
    let several = strict.len() > 1;
    let short = (SHORT * plane.width as f64) as usize;
    let mut lines = found;
    if several {
        // With the slope known, those that only cross a corner are found too.
        let far = |one: &FoundLine| {
            let position = |found: &FoundLine| found.line.left + found.line.right;
            lines
                .iter()
                .all(|line| (position(line) - position(one)).abs() > 2.0 * one.line.tolerance)
        };
        let mut more = find(Some(usual_rise));
        more.retain(far);
        lines.extend(more);
    }
    lines.retain(|found| {
        let is_similar = (rise(found) - usual_rise).abs() <= 3.0 * found.line.tolerance
            && found.thickness[0] as f64 <= 1.5 * thin + 1.0
            && found.amount <= 1.5 * amount;
        found.reaches_border(plane, 0) && (is_similar || !several)
            || several && is_similar && found.reaches_border(plane, short)
    });
    if several {
        // Of most lines no stroke covers half.
        for found in &mut lines {
            found.most = longest_run(thickness.min(found.thickness[1]));
        }
    }
    lines
}

/// The almost horizontal lines of an image, found by projection.
///
/// Of any slope where `near` is `None`; otherwise of those that rise by nearly so many pixels
/// across the image, also across its corners.
fn projected_lines(plane: &Plane, threshold: u8, near: Option<f64>) -> Vec<Line> {
    let factor = plane.width.max(plane.height).div_ceil(SMALL_SIDE);
    let (width, height) = (plane.width.div_ceil(factor), plane.height.div_ceil(factor));
    if width < 16 || height < 16 {
        return Vec::new();
    }
    let marks = small_copy(plane, threshold, factor, width, height);
    let most = (RISE * width as f64) as isize;
    // Rows in which a line meets the left edge, which may be above or below the image.
    let outside = most as usize;
    let rows = height + 2 * outside;
    // The strongest slope of each row, with how many columns it covers.
    let mut best: Vec<(u16, isize)> = vec![(0, 0); rows];
    let mut sums = vec![0_u16; rows];
    let (rises, least) = match near {
        None => (-most..=most, width / 2),
        Some(near) => {
            let middle = (near / factor as f64).round() as isize;
            let rises = (middle - 1).max(-most)..=(middle + 1).min(most);
            (rises, width / 16)
        }
    };
    for rise in rises {
        sums.fill(0);
        for x in 0..width {
            let shift = rise * x as isize / width as isize;
            let column = &marks[x * height..(x + 1) * height];
            let from = (most - shift) as usize;
            for (sum, &mark) in sums[from..from + height].iter_mut().zip(column) {
                *sum += u16::from(mark);
            }
        }
        for (row, (best, &sum)) in best.iter_mut().zip(&sums).enumerate() {
            // A short way across a corner is covered by chance.
            let inside = columns_inside(row as isize - most, rise, width, height);
            if inside < least.max(1) || f64::from(sum) < COVER * inside as f64 {
                continue;
            }
            if sum > best.0 || (sum == best.0 && rise.abs() < best.1.abs()) {
                *best = (sum, rise);
            }
        }
    }
    // A line is a row that no row close by covers better.
    const CLOSE: usize = 2;
    let mut lines = Vec::new();
    for (row, &(sum, rise)) in best.iter().enumerate() {
        let close = row.saturating_sub(CLOSE)..(row + CLOSE + 1).min(rows);
        let is_best = close
            .clone()
            .all(|other| best[other].0 < sum || (best[other].0 == sum && other >= row));
        if sum > 0 && is_best {
            let middle = |row: f64| (row + 0.5) * factor as f64;
            let row = row as f64 - outside as f64;
            lines.push(Line {
                left: middle(row),
                right: middle(row + rise as f64),
                tolerance: 1.5 * factor as f64 + 1.0,
            });
        }
    }
    lines
}

/// In how many columns a line that meets the left edge in `row` lies inside the image.
fn columns_inside(row: isize, rise: isize, width: usize, height: usize) -> usize {
    let (width, height) = (width as isize, height as isize);
    if rise == 0 {
        return if (0..height).contains(&row) {
            width as usize
        } else {
            0
        };
    }
    // Where it is at the top and at the bottom.
    let at = |y: isize| ((y - row) * width / rise).clamp(0, width);
    at(0).abs_diff(at(height))
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
    // changes to the next.
    let least = (factor as u16).div_ceil(2);
    counts.into_iter().map(|count| count >= least).collect()
}
