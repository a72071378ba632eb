//! The pieces of the ink: which belong to what was drawn, and which are specks.

use super::{Log, PictureError, Plane, Step, Warning, paper::Ink};

/// A piece that is smaller than this part of the picture's longer side is dust.
const DUST: f64 = 1.0 / 32.0;

/// A lone dot smaller than this part is dust too.
const LONE_DUST: f64 = 1.0 / 64.0;

/// A sliver of shadow at the edge reaches at most this part of the picture's longer side into
/// it, and fills at least this part of its box, which no bent stroke does.
const SLIVER: f64 = 1.0 / 3.0;
const SLIVER_FILL: f64 = 0.4;

/// A piece with less than this part of the ink of the largest is a speck.
const SPECK: f64 = 1.0 / 40.0;

/// And less than this part where it lies away from the largest: strokes of one digit
/// are close together.
const FAR_SPECK: f64 = 1.0 / 6.0;

/// A piece that lies apart and has this part of the ink of the largest may be another
/// digit.
const LARGE: f64 = 1.0 / 4.0;

/// Connected pixels of ink, diagonals included.
#[derive(Clone, Copy)]
struct Piece {
    /// The sum of the amounts of ink.
    mass: u64,
    pixels: usize,
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    /// Pixels on each side of the picture: left, right, top, bottom.
    contact: [usize; 4],
}

impl Piece {
    /// Pixels between the boxes of two pieces, along the axis where they are further apart;
    /// 0 where the boxes overlap.
    fn gap(&self, other: &Self) -> usize {
        let along = |from: usize, to: usize, other_from: usize, other_to: usize| {
            other_from
                .saturating_sub(to)
                .max(from.saturating_sub(other_to))
        };
        along(self.left, self.right, other.left, other.right).max(along(
            self.top,
            self.bottom,
            other.top,
            other.bottom,
        ))
    }

    fn side(&self) -> usize {
        (self.right - self.left).max(self.bottom - self.top) + 1
    }

    fn touches_edge(&self) -> bool {
        self.contact != [0; 4]
    }

    /// Whether it is a shadow, or light, at the edge of the picture, too narrow to be seen as
    /// such: a filled shape that lies along the edge.
    fn is_sliver(&self, plane: &Plane) -> bool {
        let (wide, high) = (self.right - self.left + 1, self.bottom - self.top + 1);
        let along = self.contact.iter().any(|&pixels| 3 * pixels >= self.side());
        along
            && wide.min(high) as f64 <= SLIVER * plane.width.max(plane.height) as f64
            && self.pixels as f64 >= SLIVER_FILL * (wide * high) as f64
    }
}

/// Ink of one row, side by side.
struct Run {
    y: usize,
    from: usize,
    /// Behind the last pixel.
    to: usize,
    piece: usize,
}

/// Whether there is nothing in `plane`, a part of the ink, but dust and slivers.
pub(super) fn is_dust(plane: &Plane, ink: &Ink) -> bool {
    let least = DUST * plane.width.max(plane.height) as f64;
    let (_, pieces) = pieces(plane, ink.threshold);
    let mut pieces = pieces.iter();
    pieces.all(|piece| (piece.side() as f64) < least || !ink.is_even && piece.is_sliver(plane))
}

/// Drops what is no part of the drawing; says when there are several drawings.
///
/// Nothing changes where there are no specks.
///
/// # Errors
/// When there are but specks, or, in a photo, shadows at its edge.
pub(super) fn keep_drawing(ink: &mut Ink, log: &mut Log) -> Result<(), PictureError> {
    let (runs, pieces) = pieces(&ink.amount, ink.threshold);
    let longest = ink.amount.width.max(ink.amount.height) as f64;
    let drawn = |piece: &&Piece| ink.is_even || !piece.is_sliver(&ink.amount);
    // A lone dot on an even paper was put there.
    let least = match ink.is_even && pieces.len() == 1 {
        true => LONE_DUST,
        false => DUST,
    };
    let dust = |piece: &Piece| (piece.side() as f64) < least * longest;
    let main = main_piece(pieces.iter().filter(drawn), ink.is_even)
        .filter(|_| !pieces.iter().filter(drawn).all(dust))
        .ok_or(PictureError::NothingDrawn)?;
    let near = main.side() / 6;
    let share = |piece: &Piece| piece.mass as f64 / main.mass as f64;
    let kept: Vec<bool> = pieces
        .iter()
        .map(|piece| {
            let least = if piece.gap(&main) <= near {
                SPECK
            } else {
                FAR_SPECK
            };
            // What leans on the edge of a photo beside a drawing that does not is desk, finger,
            // binding.
            let intrudes = !ink.is_even && piece.touches_edge() && !main.touches_edge();
            drawn(&piece) && share(piece) >= least && !(intrudes && piece.gap(&main) > near)
        })
        .collect();
    let specks = kept.iter().filter(|&&kept| !kept).count();
    let left_out = |(piece, &kept): (&Piece, &bool)| {
        !kept && share(piece) >= LARGE && !piece.is_sliver(&ink.amount)
    };
    if pieces.iter().zip(&kept).any(left_out) {
        log.warnings.push(Warning::LeftOut);
    }
    if specks > 0 {
        keep(ink, &runs, &kept, main.side().div_ceil(60));
        log.steps.push(Step::Specks { count: specks });
        log.stage("specks", &ink.amount);
    }
    let large = |&(piece, &kept): &(&Piece, &bool)| {
        kept && share(piece) >= LARGE && piece.gap(&main) > main.side() / 12
    };
    let others = pieces.iter().zip(&kept).filter(large).count();
    if others > 0 {
        log.warnings
            .push(Warning::SeveralPieces { count: others + 1 });
    }
    Ok(())
}

/// The piece with the most ink; in a photo of those that do not touch the edge, if they have
/// enough.
fn main_piece<'a>(pieces: impl Iterator<Item = &'a Piece> + Clone, is_even: bool) -> Option<Piece> {
    let largest = pieces.clone().max_by_key(|piece| piece.mass)?;
    let inside = pieces
        .filter(|piece| !piece.touches_edge())
        .max_by_key(|piece| piece.mass);
    match inside {
        Some(inside) if !is_even && inside.mass as f64 >= FAR_SPECK * largest.mass as f64 => {
            Some(*inside)
        }
        _ => Some(*largest),
    }
}

/// Copies only what lies at most `fringe` pixels from a kept piece.
fn keep(ink: &mut Ink, runs: &[Run], kept: &[bool], fringe: usize) {
    let (width, height) = (ink.amount.width, ink.amount.height);
    let mut out = vec![0; ink.amount.values.len()];
    for run in runs.iter().filter(|run| kept[run.piece]) {
        let (from, to) = (
            run.from.saturating_sub(fringe),
            (run.to + fringe).min(width),
        );
        for y in run.y.saturating_sub(fringe)..(run.y + fringe + 1).min(height) {
            let row = y * width + from..y * width + to;
            out[row.clone()].copy_from_slice(&ink.amount.values[row]);
        }
    }
    // A speck beside the drawing must not come back with the fringe.
    for run in runs.iter().filter(|run| !kept[run.piece]) {
        out[run.y * width + run.from..run.y * width + run.to].fill(0);
    }
    ink.amount.values = out;
}

/// The runs of ink, and the pieces they make up.
fn pieces(plane: &Plane, threshold: u8) -> (Vec<Run>, Vec<Piece>) {
    let mut runs: Vec<Run> = Vec::new();
    // Each run's parent in a tree of its piece; a root is its own.
    let mut parents: Vec<usize> = Vec::new();
    let mut above = 0..0;
    for (y, row) in plane.rows().enumerate() {
        let start = runs.len();
        let mut candidate = above.start;
        let mut x = 0;
        while let Some(skip) = row[x..].iter().position(|&value| value >= threshold) {
            let from = x + skip;
            let length = row[from..].iter().position(|&value| value < threshold);
            let to = length.map_or(row.len(), |length| from + length);
            let index = runs.len();
            parents.push(index);
            while candidate < above.end && runs[candidate].to < from {
                candidate += 1;
            }
            let mut touching = candidate;
            while touching < above.end && runs[touching].from <= to {
                let (a, b) = (root(&mut parents, touching), root(&mut parents, index));
                parents[a.max(b)] = a.min(b);
                touching += 1;
            }
            runs.push(Run {
                y,
                from,
                to,
                piece: 0,
            });
            x = to;
        }
        above = start..runs.len();
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut numbers = vec![usize::MAX; runs.len()];
    for (index, run) in runs.iter_mut().enumerate() {
        let root = root(&mut parents, index);
        let row = &plane.values[run.y * plane.width..][run.from..run.to];
        let mass: u64 = row.iter().map(|&value| u64::from(value)).sum();
        // A root comes before all other runs of its piece.
        if root == index {
            numbers[index] = pieces.len();
            pieces.push(Piece {
                mass: 0,
                pixels: 0,
                left: run.from,
                right: run.to - 1,
                top: run.y,
                bottom: run.y,
                contact: [0; 4],
            });
        }
        run.piece = numbers[root];
        let piece = &mut pieces[run.piece];
        piece.mass += mass;
        piece.pixels += run.to - run.from;
        piece.left = piece.left.min(run.from);
        piece.right = piece.right.max(run.to - 1);
        piece.bottom = run.y;
        let length = run.to - run.from;
        let on_side = [
            usize::from(run.from == 0),
            usize::from(run.to == plane.width),
            if run.y == 0 { length } else { 0 },
            if run.y + 1 == plane.height { length } else { 0 },
        ];
        for (pixels, more) in piece.contact.iter_mut().zip(on_side) {
            *pixels += more;
        }
    }
    (runs, pieces)
}

/// The root of a run's tree; shortens the way there.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}
