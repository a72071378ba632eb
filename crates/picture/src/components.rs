//! Connected components of a plane: the pixels from a threshold on that touch each other.
//!
//! Rows are read as runs, and runs that touch are joined in a forest (L. He, Y. Chao and K.
//! Suzuki, "A run-based two-scan labeling algorithm", IEEE Trans. Image Processing 17(5), 2008).

use crate::plane::{Plane, Rect};

/// Which neighbours of a pixel touch it.
#[derive(Clone, Copy)]
pub(crate) enum Connectivity {
    /// Those beside, above and below.
    Four,
    /// Those at the corners too.
    Eight,
}

/// Connected pixels.
#[derive(Clone, Copy)]
pub(crate) struct Component {
    /// The sum of the values.
    pub(crate) mass: u64,
    pub(crate) pixels: usize,
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    /// Pixels on each side of the image: left, right, top, bottom.
    contact: [usize; 4],
}

impl Component {
    /// Pixels between two bounding boxes, along the axis where they are further apart; 0 where
    /// the boxes overlap.
    pub(crate) fn gap(&self, other: &Self) -> usize {
        let along = |from: usize, to: usize, other_from: usize, other_to: usize| {
            let (after, before) = (other_from.saturating_sub(to), from.saturating_sub(other_to));
            after.max(before)
        };
        along(self.left, self.right, other.left, other.right).max(along(
            self.top,
            self.bottom,
            other.top,
            other.bottom,
        ))
    }

    pub(crate) fn bounds(&self) -> Rect {
        let (width, height) = self.size();
        Rect {
            left: self.left,
            top: self.top,
            width,
            height,
        }
    }

    /// The width and the height of the bounding box.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.right - self.left + 1, self.bottom - self.top + 1)
    }

    /// The longer side of the bounding box.
    pub(crate) fn longer_side(&self) -> usize {
        let (width, height) = self.size();
        width.max(height)
    }

    pub(crate) fn touches_edge(&self) -> bool {
        self.contact != [0; 4]
    }

    /// The most pixels on one side of the image.
    pub(crate) fn contact(&self) -> usize {
        self.contact.into_iter().max().unwrap_or(0)
    }

    /// Adds the pixels of a run, whose values sum to `mass`.
    fn add(&mut self, run: &Run, mass: u64, plane: &Plane) {
        let length = run.to - run.from;
        self.mass += mass;
        self.pixels += length;
        self.left = self.left.min(run.from);
        self.right = self.right.max(run.to - 1);
        self.bottom = run.y;
        let on_side = [
            usize::from(run.from == 0),
            usize::from(run.to == plane.width),
            if run.y == 0 { length } else { 0 },
            if run.y + 1 == plane.height { length } else { 0 },
        ];
        for (pixels, more) in self.contact.iter_mut().zip(on_side) {
            *pixels += more;
        }
    }
}

/// Pixels of one row, side by side.
pub(crate) struct Run {
    pub(crate) y: usize,
    pub(crate) from: usize,
    /// Behind the last pixel.
    pub(crate) to: usize,
    /// The position of its component.
    pub(crate) component: usize,
}

/// The runs of values from `threshold` on, and the components they make up.
pub(crate) fn components(
    plane: &Plane,
    threshold: u8,
    connectivity: Connectivity,
) -> (Vec<Run>, Vec<Component>) {
    let corner = match connectivity {
        Connectivity::Four => 0,
        Connectivity::Eight => 1,
    };
    let mut runs: Vec<Run> = Vec::new();
    // Each run's parent in a tree of its component; a root is its own.
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
            while candidate < above.end && runs[candidate].to + corner <= from {
                candidate += 1;
            }
            let mut touching = candidate;
            while touching < above.end && runs[touching].from < to + corner {
                let (a, b) = (root(&mut parents, touching), root(&mut parents, index));
                parents[a.max(b)] = a.min(b);
                touching += 1;
            }
            runs.push(Run {
                y,
                from,
                to,
                component: 0,
            });
            x = to;
        }
        above = start..runs.len();
    }
    let mut components: Vec<Component> = Vec::new();
    let mut numbers = vec![usize::MAX; runs.len()];
    for (index, run) in runs.iter_mut().enumerate() {
        let root = root(&mut parents, index);
        // A root comes before all other runs of its component.
        if root == index {
            numbers[index] = components.len();
            components.push(Component {
                mass: 0,
                pixels: 0,
                left: run.from,
                right: run.to - 1,
                top: run.y,
                bottom: run.y,
                contact: [0; 4],
            });
        }
        run.component = numbers[root];
        let row = &plane.values[run.y * plane.width..][run.from..run.to];
        let mass = row.iter().map(|&value| u64::from(value)).sum();
        components[run.component].add(run, mass, plane);
    }
    (runs, components)
}

/// The root of a run's tree; shortens the way there.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}
