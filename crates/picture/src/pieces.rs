//! Pieces: connected components that are one digit together, and digits that touch.

use crate::{
    components::{Component, Run},
    line::Line,
    plane::{Plane, Rect},
};

/// Components over each other share at least this part of the narrower one's width: the bar of a five.
const OVERLAP: f64 = 0.5;

/// And at most this part of the taller one's height is between them.
const ABOVE: f64 = 0.25;

/// A gap of this part of the larger one's longer side is one in a stroke.
const BROKEN: f64 = 1.0 / 12.0;

/// A digit has at least this part of the height of the highest, and of its own width.
const DIGIT: f64 = 0.4;

/// Digits in a row whose middles differ by this part of their height are beside each other.
const BESIDE: f64 = 0.65;

/// Components that are one digit.
pub(crate) struct Piece {
    /// The positions of the components.
    pub(crate) parts: Vec<usize>,
    pub(crate) bounds: Rect,
}

/// The chosen components, those of one digit together, in no order.
pub(crate) fn pieces(components: &[Component], chosen: impl Fn(usize) -> bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = (0..components.len())
        .filter(|&at| chosen(at))
        .map(|at| Piece {
            parts: vec![at],
            bounds: components[at].bounds(),
        })
        .collect();
    let most = most_height(&pieces).unwrap_or(usize::MAX);
    // Joined pieces may be one with others in turn.
    let mut at = 0;
    while at < pieces.len() {
        let joins =
            |other: &usize| *other != at && is_one(pieces[at].bounds, pieces[*other].bounds, most);
        match (0..pieces.len()).find(joins) {
            Some(other) => {
                let joined = pieces.swap_remove(at.max(other));
                let piece = &mut pieces[at.min(other)];
                piece.bounds = piece.bounds.union(joined.bounds);
                piece.parts.extend(joined.parts);
                at = 0;
            }
            None => at += 1,
        }
    }
    pieces
}

/// Digits are alike if their heights differ from the usual one by at most this part of it.
const ALIKE: f64 = 0.3;

/// The heights of so many digits tell how high one is.
const SEVERAL: usize = 6;

/// The most pixels that a digit is high, by the heights of parts of digits: if most of them are alike,
/// they are whole.
fn most_height(parts: &[Piece]) -> Option<usize> {
    let mut heights: Vec<usize> = parts.iter().map(|part| part.bounds.height).collect();
    let least = DIGIT * heights.iter().copied().max()? as f64;
    heights.retain(|&height| height as f64 >= least);
    heights.sort_unstable();
    let usual = heights[heights.len() / 2] as f64;
    let alike = |&&height: &&usize| (height as f64 - usual).abs() <= ALIKE * usual;
    let count = heights.iter().filter(alike).count();
    (count >= SEVERAL && 2 * count > heights.len()).then_some((usual * (1.0 + ALIKE)) as usize)
}

/// Whether two bounding boxes are those of parts of one digit, which is at most so high.
fn is_one(a: Rect, b: Rect, most: usize) -> bool {
    let (across, along) = (gap(a.columns(), b.columns()), gap(a.rows(), b.rows()));
    if a.union(b).height > most {
        return false;
    }
    let narrower = a.width.min(b.width) as f64;
    let taller = a.height.max(b.height) as f64;
    if -across as f64 >= OVERLAP * narrower && along as f64 <= ABOVE * taller {
        return true;
    }
    let longer = a.longer_side().max(b.longer_side()) as f64;
    let both = a.union(b);
    across.max(along) as f64 <= BROKEN * longer && both.width <= both.height
}

/// Pixels between two ranges; below 0 where they overlap.
fn gap(a: [usize; 2], b: [usize; 2]) -> isize {
    a[0].max(b[0]) as isize - a[1].min(b[1]) as isize
}

/// Of the pieces those that are as high as a digit is beside the highest: no dots, dashes and bars.
fn digits(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let tallest = pieces.iter().map(|piece| piece.bounds.height).max();
    let least = DIGIT * tallest.unwrap_or(0) as f64;
    let is_digit = |Rect { width, height, .. }: Rect| {
        height as f64 >= least && height as f64 >= DIGIT * width as f64
    };
    pieces.retain(|piece| is_digit(piece.bounds));
    pieces
}

/// Two pieces beside each other that are together at most so many times as wide as high are a digit
/// with a gap: an open four.
const NARROW: f64 = 0.9;

/// How many drawings the pieces are.
pub(crate) fn drawings(pieces: Vec<Piece>) -> usize {
    let digits = digits(pieces);
    if let [a, b] = digits.as_slice() {
        let both = a.bounds.union(b.bounds);
        let are_beside = gap(a.bounds.rows(), b.bounds.rows()) < 0;
        if are_beside && both.width as f64 <= NARROW * both.height as f64 {
            return 1;
        }
    }
    digits.len()
}

/// The median of the heights; 0 of none.
pub(crate) fn usual_height(boxes: &[Rect]) -> usize {
    let mut heights: Vec<usize> = boxes.iter().map(|one| one.height).collect();
    heights.sort_unstable();
    heights.get(heights.len() / 2).copied().unwrap_or(0)
}

/// The positions of boxes in rows from the top, each from the left. Rows may rise or fall.
pub(crate) fn rows(boxes: &[Rect]) -> Vec<Vec<usize>> {
    let middle = |at: usize| {
        let Rect {
            left,
            top,
            width,
            height,
        } = boxes[at];
        [
            left as f64 + width as f64 / 2.0,
            top as f64 + height as f64 / 2.0,
        ]
    };
    let height = usual_height(boxes) as f64;
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|&a, &b| middle(a)[0].total_cmp(&middle(b)[0]));
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for at in order {
        let [x, y] = middle(at);
        let off = |row: &Vec<usize>| {
            let points: Vec<[f64; 2]> = row.iter().map(|&at| middle(at)).collect();
            (line_at(&points, x) - y).abs()
        };
        let nearest = rows.iter_mut().min_by(|a, b| off(a).total_cmp(&off(b)));
        match nearest {
            Some(row) if off(row) <= BESIDE * height => row.push(at),
            _ => rows.push(vec![at]),
        }
    }
    rows.sort_by(|a, b| {
        let top =
            |row: &Vec<usize>| row.iter().map(|&at| middle(at)[1]).sum::<f64>() / row.len() as f64;
        top(a).total_cmp(&top(b))
    });
    rows
}

/// Where a row passes `x`: along the straight line through its points; of two points or fewer at the
/// height of the last.
fn line_at(points: &[[f64; 2]], x: f64) -> f64 {
    let last = points.last().map_or(0.0, |point| point[1]);
    match Line::through(points) {
        Some(line) if points.len() >= 3 => line.at(x),
        _ => last,
    }
}

/// Pieces wider than this many times their height, and that of most others, may be digits that touch.
const WIDE: f64 = 1.2;

/// Where digits touch, a stroke is at most this part of their height thick.
const THIN: f64 = 0.2;

/// A digit is about this many times as wide as high, and at most that many times.
const ASPECT: [f64; 2] = [0.7, 1.25];

/// The columns at which a piece falls into the digits that touch in it: in each of them there is
/// one thin stroke, near where equal digits would end. None where that is not clear. Most digits are
/// `usual` pixels high.
pub(crate) fn cuts(plane: &Plane, threshold: u8, bounds: Rect, usual: usize) -> Vec<usize> {
    let (width, height) = (bounds.width as f64, bounds.height as f64);
    if width < WIDE * height.max(usual as f64) {
        return Vec::new();
    }
    // Pixels of ink in a column, where they are one run.
    let run = |x: usize| {
        let ink = |y: &usize| plane.values[y * plane.width + x] >= threshold;
        let [top, bottom] = bounds.rows();
        let first = (top..bottom).find(ink)?;
        let last = (top..bottom).rfind(ink)?;
        (first..=last).all(|y| ink(&y)).then_some(last - first + 1)
    };
    let cut = |step: f64, at: usize| {
        let middle = bounds.left + (step * at as f64) as usize;
        let near = (step / 4.0) as usize;
        let end = (middle + near + 1).min(bounds.left + bounds.width);
        (middle.saturating_sub(near)..end)
            .filter_map(|x| Some((run(x)?, x.abs_diff(middle), x)))
            .min()
            .filter(|&(run, ..)| run as f64 <= THIN * height)
            .map(|(.., x)| x)
    };
    let [usual, most] = ASPECT.map(|aspect| width / (aspect * height));
    let mut counts: Vec<usize> = (2.max(most.ceil() as usize)..=(usual * 1.5) as usize).collect();
    counts.sort_by(|&a, &b| {
        (a as f64 - usual)
            .abs()
            .total_cmp(&(b as f64 - usual).abs())
    });
    // All of them or none: a number of which some digits are not parted is read wrong.
    let all = |count: usize| (1..count).map(|at| cut(width / count as f64, at)).collect();
    counts.into_iter().find_map(all).unwrap_or_default()
}

/// What lies in a rectangle and at most `fringe` pixels from the runs of chosen components.
pub(crate) fn cut_out(
    plane: &Plane,
    runs: &[Run],
    chosen: impl Fn(usize) -> bool,
    rect: Rect,
    fringe: usize,
) -> Plane {
    let mut out = Plane::new(rect.width, vec![0; rect.width * rect.height]);
    let [left, right] = rect.columns();
    let [top, bottom] = rect.rows();
    let columns = |from: usize, to: usize| from.clamp(left, right)..to.clamp(left, right);
    for run in runs.iter().filter(|run| chosen(run.component)) {
        let from_to = columns(run.from.saturating_sub(fringe), run.to + fringe);
        for y in run.y.saturating_sub(fringe).max(top)..(run.y + fringe + 1).min(bottom) {
            let to = (y - top) * rect.width + from_to.start - left;
            let row = y * plane.width + from_to.start..y * plane.width + from_to.end;
            out.values[to..to + row.len()].copy_from_slice(&plane.values[row]);
        }
    }
    // What lies beside must not come back with the fringe.
    for run in runs
        .iter()
        .filter(|run| !chosen(run.component) && (top..bottom).contains(&run.y))
    {
        let from_to = columns(run.from, run.to);
        let to = (run.y - top) * rect.width + from_to.start - left;
        out.values[to..to + from_to.len()].fill(0);
    }
    out
}
