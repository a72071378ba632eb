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
    components::{Component, Connectivity, components},
    page,
    paper::Ink,
    plane::{Plane, Rect},
    region::{Region, regions},
    resample::{self, shrink},
    side::{Edge, Side, thickness},
    steps::Tone,
};

/// Pixels of the small copy's longer side.
const SMALL_SIDE: usize = 192;

/// Images with a longer side below this are hardly larger than a digit, and have no frame.
const LEAST_SIDE: usize = 40;

/// A region of paper that is narrower than twice this many pixels of the small copy lies between
/// two lines, and a gap in a line that is narrower is closed. The second value is tried where the first
/// leads to no box: a digit close to a line may part the paper.
const REACHES: [usize; 2] = [2, 1];

/// What is drawn inside has at least this part of the shorter side of its frame.
const CONTENT: f64 = 1.0 / 6.0;

/// Least part of the image that is inside a box of which the image's edge is a side.
const OPEN_AREA: f64 = 0.3;

/// In an image of which a box takes less than this, there is hardly anything but the box.
const LARGE_AREA: f64 = 0.45;

/// What is drawn beyond a box has at most this part of the pixels of what is drawn inside: more are
/// those of a digit that crosses a line of the paper.
const OUTSIDE: f64 = 0.1;

/// Or its pieces are at most this part as long as what is drawn inside: the letters of a label.
const LABEL: f64 = 0.4;

/// Least part of the image that is inside a box that is seen as a whole.
const CLOSED_AREA: f64 = 0.02;

/// Least part of its bounding box that a region of paper fills. A square that is turned by ten
/// degrees fills three quarters.
const BOX_FILLS: f64 = 0.72;

/// Least part of a side that a line of the box runs along, on one side at least: a stroke in a corner of
/// the image is no box.
const LINED: f64 = 0.7;

/// Least part of its convex hull that a region of paper fills: a box has all its corners.
const SOLID: f64 = 0.97;

/// The same of a cell of a table, which is only some pixels large.
const SOLID_CELL: f64 = 0.9;

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
    let light = dark.map(|value| 255 - value);
    let least = (PANEL_AREA * small.values.len() as f64) as usize;
    let mut panels = regions(&dark, least).into_iter().filter(|region| {
        let bounds = region.bounds;
        let is_all = bounds.width == small.width && bounds.height == small.height;
        if is_all || region.fills() < PANEL_FILLS || region.own_part() < PAPER {
            return false;
        }
        let inside = region.mask(dark.rect());
        // What is open to a side is the space between strokes.
        let is_closed = |side: Side| {
            let edges = side.edges(&light, &inside);
            let own = edges.iter().filter(|edge| !edge.is_ink).count();
            own as f64 >= LINED * edges.len() as f64
        };
        Side::ALL.into_iter().all(is_closed) && content(&light, &inside, bounds).is_some()
    });
    let bounds = panels.next()?.bounds;
    // Several are the cells of a table.
    if panels.next().is_some() {
        return None;
    }
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

/// The inside of a box, found on a small copy.
pub(crate) struct Cell {
    /// Its bounding box.
    pub(crate) rect: Rect,
    /// Whether something is drawn in it.
    pub(crate) is_filled: bool,
    region: Region,
    factor: usize,
}

/// Where there is ink on a copy that is smaller by `factor`.
fn marks(ink: &Ink, factor: usize) -> Plane {
    let strongest = resample::strongest(&ink.amount, factor);
    strongest.map(|amount| if amount >= ink.threshold { 255 } else { 0 })
}

/// The box that is around the ink of an image, or a blank one that is all there is; `None` where there is
/// neither.
pub(crate) fn box_around(grey: &Plane, ink: &Ink) -> Option<Cell> {
    if grey.longer_side() < LEAST_SIDE {
        return None;
    }
    let factor = grey.longer_side().div_ceil(SMALL_SIDE);
    let marks = marks(ink, factor);
    let paper = marks.map(|value| 255 - value);
    let least = (CLOSED_AREA * PAPER * marks.values.len() as f64) as usize;
    let mut wide = regions(&paper.opening(REACHES[0]), least);
    let (region, is_filled) = if let Some(at) = only_box(&marks, &wide) {
        (wide.swap_remove(at), true)
    } else {
        let mut narrow = regions(&paper.opening(REACHES[1]), least);
        match only_box(&marks, &narrow) {
            Some(at) => (narrow.swap_remove(at), true),
            None => {
                let at = (0..wide.len()).find(|&at| is_blank_box(&marks, &wide, at))?;
                (wide.swap_remove(at), false)
            }
        }
    };
    Some(Cell {
        rect: enlarged(region.bounds, factor, grey),
        is_filled,
        region,
        factor,
    })
}

/// A rectangle of a small copy in its image.
fn enlarged(small: Rect, factor: usize, image: &Plane) -> Rect {
    let [left, top] = [small.left * factor, small.top * factor];
    Rect {
        left,
        top,
        width: ((small.left + small.width) * factor).min(image.width) - left,
        height: ((small.top + small.height) * factor).min(image.height) - top,
    }
}

/// What lies inside a box of an image, as grey levels; what does not lie inside is painted over by the
/// paper, on which there is ink of this tone.
pub(crate) fn inside(grey: &Plane, cell: &Cell, tone: Tone) -> Plane {
    let inverted = |plane: Plane| match tone {
        Tone::Dark => plane,
        Tone::Light => plane.map(|value| 255 - value),
    };
    // Only what is around it is looked at.
    let all = grey.size().map(|side| side.div_ceil(cell.factor));
    let small = cell.region.bounds.grown(SOFT_EDGE, all);
    let rect = enlarged(small, cell.factor, grey);
    let (grey, inside) = (inverted(grey.cropped(rect)), cell.region.mask(small));
    let around = inside.map(|value| 255 - value).dilated(SOFT_EDGE);
    let painted = page::painted_over(&grey, &shrink(&grey, cell.factor), &around, cell.factor);
    inverted(painted.cropped(Rect {
        left: cell.rect.left - rect.left,
        top: cell.rect.top - rect.top,
        ..cell.rect
    }))
}

/// Which of the regions of the paper is the inside of a box, if one is and no other; `marks` is 255 where
/// there is ink.
fn only_box(marks: &Plane, regions: &[Region]) -> Option<usize> {
    let mut found = (0..regions.len()).filter(|&at| is_inside_of_box(marks, regions, at));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Pixels of the longer side of the copy on which cells are looked for: those of a sudoku have forty.
const CELLS_SIDE: usize = 448;

/// Least part of the image that a cell takes.
const CELL_AREA: f64 = 1.0 / 1000.0;

/// Cells have up to so many times the usual number of pixels, or that much fewer: beside a thick line
/// they are smaller.
const ALIKE: f64 = 1.7;

/// What is more than so many times as long as wide is no cell, but lies between two lines of ruled paper.
const LONG: usize = 3;

/// Of the cells with something in them, at most in this part a stroke touches a line: else they are
/// squares of the paper.
const TOUCHED: f64 = 0.5;

/// The cells of a table of printed boxes, with at least two of one size; none where there is no
/// table.
pub(crate) fn cells(grey: &Plane, ink: &Ink) -> Vec<Cell> {
    if grey.longer_side() < 2 * LEAST_SIDE {
        return Vec::new();
    }
    let factor = grey.longer_side().div_ceil(CELLS_SIDE);
    let marks = marks(ink, factor);
    let least = (CELL_AREA * PAPER * marks.values.len() as f64) as usize;
    let mut found = regions(&marks.map(|value| 255 - value).opening(1), least);
    found.retain(|region| {
        let Rect { width, height, .. } = region.bounds;
        region.fills() >= BOX_FILLS
            && region.own_part() >= PAPER
            && region.solidity() >= SOLID_CELL
            && width.max(height) <= LONG * width.min(height)
    });
    // Those of the size that most of the area has.
    found.sort_by_key(|region| region.area);
    let alike = |usual: usize| {
        let least = (usual as f64 / ALIKE) as usize;
        move |region: &&Region| (least..=(usual as f64 * ALIKE) as usize).contains(&region.area)
    };
    let taken = |region: &&Region| -> usize {
        found
            .iter()
            .filter(alike(region.area))
            .map(|one| one.area)
            .sum()
    };
    let Some(usual) = found.iter().max_by_key(taken).map(|region| region.area) else {
        return Vec::new();
    };
    found.retain(|region| alike(usual)(&region));
    let (mut filled, mut touched) = (0, 0);
    let are_blank = found.iter().all(|region| is_blank_cell(&marks, region));
    let cells: Vec<Cell> = found
        .into_iter()
        .map(|region| {
            let around = region
                .bounds
                .grown(region.bounds.longer_side() / 2, marks.size());
            let (near, inside) = (marks.cropped(around), region.mask(around));
            let content = content(&near, &inside, region.bounds);
            if content.is_some() {
                filled += 1;
                let touches =
                    |side: Side| side.edges(&near, &inside).iter().any(|edge| edge.is_ink);
                touched += usize::from(Side::ALL.into_iter().any(touches));
            }
            Cell {
                rect: enlarged(region.bounds, factor, grey),
                is_filled: content.is_some(),
                region,
                factor,
            }
        })
        .collect();
    match cells.len() > 1 && (filled > 0 || are_blank) && touched as f64 <= TOUCHED * filled as f64
    {
        true => cells,
        false => Vec::new(),
    }
}

/// Least part of its bounding box that the inside of a blank box fills: the loop of a digit is round.
const BLANK_FILLS: f64 = 0.93;

/// The lines of a blank box are at most this part of its shorter side thick: the strokes of a zero
/// with corners are thicker.
const BLANK_LINES: f64 = 1.0 / 16.0;

/// The same part for the cells of a table. What is around the loop of a small digit is thicker.
const BLANK_CELL_LINES: f64 = 1.0 / 8.0;

/// Whether a region is shaped like a blank cell, with thin lines around it.
fn is_blank_cell(marks: &Plane, region: &Region) -> bool {
    let around = region
        .bounds
        .grown(region.bounds.longer_side() / 2, marks.size());
    let (near, inside) = (marks.cropped(around), region.mask(around));
    let most = BLANK_CELL_LINES * region.bounds.width.min(region.bounds.height) as f64;
    region.fills() >= BLANK_FILLS
        && Side::ALL
            .iter()
            .all(|side| thickness(&side.edges(&near, &inside)) as f64 <= most)
}

/// Whether the paper is parted from edge to edge, as squared paper is; around the boxes of a form it is of one
/// piece.
fn is_squared(marks: &Plane, regions: &[Region]) -> bool {
    regions.iter().filter(|one| one.touches_edge(marks)).count() > 1
}

/// Whether all there is in an image is a box without anything in it. Its lines may go on beyond its
/// corners, and others and a label be beside it; a small one alone may be a zero with corners.
fn is_blank_box(marks: &Plane, regions: &[Region], at: usize) -> bool {
    let region = &regions[at];
    let part = region.pixels as f64 / marks.values.len() as f64;
    let is_large = part >= OPEN_AREA;
    if part < CLOSED_AREA
        || region.fills() < BLANK_FILLS
        || region.solidity() < SOLID
        || !is_large && (region.touches_edge(marks) || is_squared(marks, regions))
    {
        return false;
    }
    let inside = region.mask(marks.rect());
    let thickness = Side::ALL.map(|side| thickness(&side.edges(marks, &inside)));
    let shorter = region.bounds.width.min(region.bounds.height) as f64;
    let are_lines = |&pixels: &usize| pixels as f64 <= BLANK_LINES * shorter;
    let others = beside(marks, regions, at);
    let beyond = beyond(marks, &inside, &others);
    thickness.iter().all(are_lines)
        && thickness.iter().filter(|&&pixels| pixels > 0).count() >= 3
        && content(marks, &inside, region.bounds).is_none()
        && (beyond.longest as f64) < 2.0 * CONTENT * shorter
        && (is_large || beyond.all > 0 || !others.is_empty())
}

/// The other regions of about the size of one that are shaped like the inside of a box, all of which is in the
/// image: what lies between the lines of ruled paper, on both sides of a stroke, is none.
fn beside<'a>(marks: &Plane, regions: &'a [Region], at: usize) -> Vec<&'a Region> {
    let is_beside = |&(other, one): &(usize, &Region)| {
        other != at
            && 2 * one.area >= regions[at].area
            && !one.touches_edge(marks)
            && is_rectangle(one)
    };
    let others = regions.iter().enumerate().filter(is_beside);
    others.map(|(_, one)| one).collect()
}

/// Whether a region is shaped like the inside of a box.
fn is_rectangle(region: &Region) -> bool {
    region.fills() >= BOX_FILLS && region.solidity() >= SOLID && region.own_part() >= PAPER
}

/// Whether one of the regions of the paper is the inside of a box.
fn is_inside_of_box(marks: &Plane, regions: &[Region], at: usize) -> bool {
    let region = &regions[at];
    let part = region.area as f64 / marks.values.len() as f64;
    let least = match region.touches_edge(marks) {
        true => OPEN_AREA,
        false => CLOSED_AREA,
    };
    if !(least..ALL).contains(&part) || !is_rectangle(region) {
        return false;
    }
    let inside = region.mask(marks.rect());
    let is_lined = |side: &Side| {
        let edges = side.edges(marks, &inside);
        let lined = edges
            .iter()
            .filter(|edge| edge.is_ink || edge.run > 0)
            .count();
        lined as f64 >= LINED * edges.len() as f64
    };
    if !Side::ALL.iter().any(is_lined) {
        return false;
    }
    let Some(content) = content(marks, &inside, region.bounds) else {
        return false;
    };
    let beyond = beyond(marks, &inside, &beside(marks, regions, at));
    let at_most = |pixels: usize, part: f64| pixels as f64 <= part * content.pixels as f64;
    let is_label = beyond.longest as f64 <= LABEL * content.longest as f64;
    match part < LARGE_AREA {
        true => (is_label || at_most(beyond.all, OUTSIDE)) && at_most(beyond.of_strokes, 0.0),
        false => at_most(beyond.of_strokes, OUTSIDE),
    }
}

/// What is drawn inside a region.
struct Content {
    pixels: usize,
    /// The longer side of the largest piece.
    longest: usize,
}

/// `None` where there is nothing but specks.
fn content(marks: &Plane, inside: &Plane, bounds: Rect) -> Option<Content> {
    let within = masked(marks, |at| inside.values[at] > 0);
    let (_, found) = components(&within, 1, Connectivity::Eight);
    let shorter = bounds.width.min(bounds.height) as f64;
    let content = Content {
        pixels: found.iter().map(|one| one.pixels).sum(),
        longest: found.iter().map(|one| one.longer_side()).max()?,
    };
    (content.longest as f64 >= CONTENT * shorter).then_some(content)
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
    /// The longer side of the largest piece.
    longest: usize,
    /// Of what is connected, through the lines, with what is drawn inside.
    of_strokes: usize,
}

/// Marks the lines along the edge of a region, also where they go on beyond its corners, and returns the
/// places at which strokes come out of them.
fn mark_lines(marks: &Plane, inside: &Plane, lines: &mut [bool]) -> Vec<usize> {
    let mut starts = Vec::new();
    for side in Side::ALL {
        let edges: Vec<Edge> = side.edges(marks, inside);
        // Most of an edge is line, and beside it is what is as soft as its edge.
        let thickness = thickness(&edges) + SOFT_EDGE;
        for at in side.beyond_corners(marks, &edges, thickness) {
            lines[at] = true;
        }
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
    starts
}

/// What is drawn beyond a region and the lines along its edge, and beyond those of others.
fn beyond(marks: &Plane, inside: &Plane, others: &[&Region]) -> Beyond {
    let mut lines = vec![false; marks.values.len()];
    for other in others {
        mark_lines(marks, &other.mask(marks.rect()), &mut lines);
    }
    let starts = mark_lines(marks, inside, &mut lines);
    let outside = masked(marks, |at| inside.values[at] == 0 && !lines[at]);
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
        longest: found.iter().map(Component::longer_side).max().unwrap_or(0),
        of_strokes: pixels(&|at| reached[at]),
    }
}
