//! Frames: what surrounds a drawing and is none of it.
//!
//! A *panel* is a dark rectangle in a light image, on which something light is drawn: a
//! screenshot with its margin, a figure with its axes and its title. The image is cropped to
//! it, so that tone and paper are judged inside.
//!
//! A *box* is made of lines: the printed box of a form, the cell of a table, also where an
//! image shows only a part of it. Its lines may be darker and thicker than the pen, so that nothing
//! tells them from strokes but what they do: they part the paper. So the paper is looked at, not the
//! lines: a large region of it, shaped like a rectangle, in which there is something drawn, is the
//! inside of a box. The loop of a digit is such a region too, but nothing is drawn in it.
//!
//! Rejected: erasing all straight lines near the border, which takes the stem of a one that is cut
//! close; matching rectangles to the ink, which fails where a stroke touches the box.

use crate::{
    components::{Connectivity, components},
    page,
    paper::Ink,
    plane::{Plane, Rect},
    region::{Region, regions},
    resample::{self, shrink},
};

/// Pixels of the small copy's longer side.
const SMALL_SIDE: usize = 192;

/// Images with a longer side below this are hardly larger than a digit, and have no frame.
const LEAST_SIDE: usize = 40;

/// A region of paper that is narrower than twice this many pixels of the small copy lies between
/// two lines; a gap in a line that is narrower leads nowhere.
/// The first that leads to a box counts.
const REACHES: [usize; 2] = [2, 1];

/// What is drawn inside has at least this part of the shorter side of its frame.
const CONTENT: f64 = 1.0 / 8.0;

/// Least part of the image that is inside a box of which the image's edge is a side.
const OPEN_AREA: f64 = 0.3;

/// In an image of which a box takes less than this, there is hardly anything but the box.
const LARGE_AREA: f64 = 0.45;

/// What is drawn beyond a box has at most this part of the pixels of what is drawn inside: more are
/// those of a digit that crosses a line of the paper.
const OUTSIDE: f64 = 0.1;

/// Least part of the image that is inside a box that is seen as a whole.
const CLOSED_AREA: f64 = 0.02;

/// Least part of its bounding box that a region of paper fills. A square that is turned by ten
/// degrees fills three quarters.
const BOX_FILLS: f64 = 0.72;

/// Least part of its convex hull that a region of paper fills: a box has all its corners.
const SOLID: f64 = 0.97;

/// Least part of what is inside a frame that is paper.
const PAPER: f64 = 0.5;

/// If more than this part of the image is inside, there is no frame.
const ALL: f64 = 0.985;

/// Pixels of the small copy beside a line that are as soft as its edge.
const SOFT_EDGE: usize = 1;

/// Least part of the image that a panel covers.
const PANEL_AREA: f64 = 0.1;

/// Least part of its bounding box that a panel fills.
const PANEL_FILLS: f64 = 0.95;

/// The part of an image that is a dark panel in light surroundings; `None` where there is none.
pub(crate) fn panel(grey: &Plane) -> Option<Rect> {
    if grey.longer_side() < LEAST_SIDE {
        return None;
    }
    let factor = grey.longer_side().div_ceil(SMALL_SIDE);
    let small = shrink(grey, factor);
    let level = page::otsu(&small.histogram())?;
    let dark = small.map(|value| if value > level { 0 } else { 255 });
    let least = (PANEL_AREA * small.values.len() as f64) as usize;
    let mut panels = regions(&dark, least).into_iter().filter(|region| {
        let bounds = region.bounds;
        let is_all = bounds.width == small.width && bounds.height == small.height;
        !is_all
            && region.fills() >= PANEL_FILLS
            && region.own_part() >= PAPER
            && content(&dark.map(|value| 255 - value), region).is_some()
    });
    let bounds = panels.next()?.bounds;
    // Its edges are not sharp, and the small copy's pixels are not whole ones.
    let along = |from: usize, length: usize, small: usize, all: usize| {
        let margin = factor + 1;
        let first = if from == 0 { 0 } else { from * factor + margin };
        let last = if from + length == small {
            all
        } else {
            (from + length) * factor - margin
        };
        (last > first).then(|| (first, last - first))
    };
    let (left, width) = along(bounds.left, bounds.width, small.width, grey.width)?;
    let (top, height) = along(bounds.top, bounds.height, small.height, grey.height)?;
    Some(Rect {
        left,
        top,
        width,
        height,
    })
}

/// The inside of the box that is around the ink of an image, as grey levels, with what is not inside
/// painted over by the paper, and its place; `None` where there is no box.
pub(crate) fn inside_of_box(grey: &Plane, ink: &Ink) -> Option<(Plane, Rect)> {
    if grey.longer_side() < LEAST_SIDE {
        return None;
    }
    let factor = grey.longer_side().div_ceil(SMALL_SIDE);
    let strongest = resample::strongest(&ink.amount, factor);
    let marks = strongest.map(|amount| if amount >= ink.threshold { 255 } else { 0 });
    let Region { inside, bounds, .. } = find_box(&marks)?;
    let around = inside.map(|value| 255 - value).dilated(SOFT_EDGE);
    let painted = page::painted_over(grey, &shrink(grey, factor), &around, factor);
    let [left, top] = [bounds.left * factor, bounds.top * factor];
    let rect = Rect {
        left,
        top,
        width: ((bounds.left + bounds.width) * factor).min(grey.width) - left,
        height: ((bounds.top + bounds.height) * factor).min(grey.height) - top,
    };
    Some((painted.cropped(rect), rect))
}

/// The only region of the paper that is the inside of a box; `marks` is 255 where there is ink.
fn find_box(marks: &Plane) -> Option<Region> {
    let paper = marks.map(|value| 255 - value);
    let least = (CLOSED_AREA * PAPER * marks.values.len() as f64) as usize;
    REACHES.into_iter().find_map(|reach| {
        let mut found = regions(&paper.opening(reach), least)
            .into_iter()
            .filter(|region| is_inside_of_box(marks, region));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    })
}

fn is_inside_of_box(marks: &Plane, region: &Region) -> bool {
    let part = region.area as f64 / marks.values.len() as f64;
    let least = match region.touches_edge() {
        true => OPEN_AREA,
        false => CLOSED_AREA,
    };
    if !(least..ALL).contains(&part)
        || region.fills() < BOX_FILLS
        || region.solidity() < SOLID
        || region.own_part() < PAPER
    {
        return false;
    }
    let Some(content) = content(marks, region) else {
        return false;
    };
    let beyond = beyond(marks, region);
    let at_most = |pixels: usize, part: f64| pixels as f64 <= part * content as f64;
    match part < LARGE_AREA {
        true => at_most(beyond.all, OUTSIDE) && at_most(beyond.of_strokes, 0.0),
        false => at_most(beyond.of_strokes, OUTSIDE),
    }
}

/// The pixels of what is drawn inside a region; `None` where there is nothing but specks.
fn content(marks: &Plane, region: &Region) -> Option<usize> {
    let within = masked(marks, |at| region.inside.values[at] > 0);
    let (_, found) = components(&within, 1, Connectivity::Eight);
    let shorter = region.bounds.width.min(region.bounds.height) as f64;
    let largest = found.iter().map(|one| one.longer_side()).max()?;
    let mass = found.iter().map(|one| one.pixels).sum();
    (largest as f64 >= CONTENT * shorter).then_some(mass)
}

/// The marks at some places.
fn masked(marks: &Plane, keeps: impl Fn(usize) -> bool) -> Plane {
    let kept = |(at, &mark): (usize, &u8)| if keeps(at) { mark } else { 0 };
    Plane::new(
        marks.width,
        marks.values.iter().enumerate().map(kept).collect(),
    )
}

/// Pixels beyond a box and its lines.
struct Beyond {
    all: usize,
    /// Of what is connected, through the lines, with what is drawn inside.
    of_strokes: usize,
}

/// What is drawn beyond a region and the lines along its edge.
fn beyond(marks: &Plane, region: &Region) -> Beyond {
    let mut lines = vec![false; marks.values.len()];
    let mut starts = Vec::new();
    for side in Side::ALL {
        let edges: Vec<Edge> = side.edges(marks, &region.inside);
        // Most of an edge is line: as thick as that is in the middle.
        let mut runs: Vec<usize> = edges
            .iter()
            .filter(|edge| !edge.is_ink)
            .map(|edge| edge.run)
            .collect();
        runs.sort_unstable();
        let thickness = runs.get(runs.len() / 2).map_or(0, |run| run + 1);
        for edge in edges {
            for step in 1..=thickness {
                if let Some(at) = edge.outwards(step) {
                    lines[at] = true;
                }
            }
            if edge.is_ink {
                starts.extend(edge.outwards(thickness + 1));
            }
        }
    }
    let outside = masked(marks, |at| region.inside.values[at] == 0 && !lines[at]);
    let (runs, found) = components(&outside, 1, Connectivity::Eight);
    let mut reached = vec![false; found.len()];
    for start in starts {
        let (x, y) = (start % marks.width, start / marks.width);
        let from = runs.partition_point(|run| (run.y, run.to) <= (y, x));
        if let Some(run) = runs.get(from).filter(|run| run.y == y && run.from <= x) {
            reached[run.component] = true;
        }
    }
    let pixels = |reached: &dyn Fn(usize) -> bool| {
        let chosen = found.iter().enumerate().filter(|(at, _)| reached(*at));
        chosen.map(|(_, one)| one.pixels).sum()
    };
    Beyond {
        all: pixels(&|_| true),
        of_strokes: pixels(&|at| reached[at]),
    }
}

/// One of the directions in which a region ends.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

/// The outermost place inside a region, in one row or column.
struct Edge {
    at: usize,
    /// Whether there is ink: a stroke that goes on into the line.
    is_ink: bool,
    /// Pixels of ink in a row that follow it outwards.
    run: usize,
    /// From a place to the next one outwards.
    stride: isize,
    /// Places from here to the edge of the image.
    left: usize,
}

impl Edge {
    fn outwards(&self, steps: usize) -> Option<usize> {
        let offset = self.stride * isize::try_from(steps).ok()?;
        (steps <= self.left)
            .then(|| self.at.checked_add_signed(offset))
            .flatten()
    }
}

impl Side {
    const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    fn edges(self, marks: &Plane, inside: &Plane) -> Vec<Edge> {
        let (width, height) = (marks.width, marks.height);
        let (lines, along) = match self {
            Self::Left | Self::Right => (height, width),
            Self::Top | Self::Bottom => (width, height),
        };
        let place = |line: usize, step: usize| match self {
            Self::Left => line * width + step,
            Self::Right => line * width + width - 1 - step,
            Self::Top => step * width + line,
            Self::Bottom => (height - 1 - step) * width + line,
        };
        let stride = match self {
            Self::Left => -1,
            Self::Right => 1,
            Self::Top => -(width as isize),
            Self::Bottom => width as isize,
        };
        (0..lines)
            .filter_map(|line| {
                let left = (0..along).find(|&step| inside.values[place(line, step)] > 0)?;
                let outwards = (0..left).rev().map(|step| marks.values[place(line, step)]);
                Some(Edge {
                    at: place(line, left),
                    is_ink: marks.values[place(line, left)] > 0,
                    run: outwards.take_while(|&mark| mark > 0).count(),
                    stride,
                    left,
                })
            })
            .collect()
    }
}
