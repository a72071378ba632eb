//! Engine `native`: sequential minimal optimisation on a working set whose part of the kernel matrix lies in memory.
//!
//! The dual problem of a pair of classes is solved on a *working set* of images by second-order SMO (Platt 1998;
//! Fan, Chen and Lin 2005), which lives in `bakeoff_kernels`. Then the slopes of all images are brought up to date, those that
//! violate the optimality conditions most join the set, and it is solved again from where it stands (Osuna, Freund
//! and Girosi 1997; Joachims 1999), until no image violates them by more than the tolerance. That is LIBSVM's criterion, over
//! all images.
//!
//! Kernel values are nearly all of the cost. So rows of the kernel matrix are computed for hundreds of images together, as
//! one product of matrices of bytes; and an image that has joined stays, with its row, as long as there is memory: few rows
//! are computed beyond those of the support vectors. The rows of the working set are the only cache; where
//! it is full, those images leave that are farthest from violating anything.
//!
//! Rejected: SMO on all images with a cache of rows, as LIBSVM does: it needs one row at a time, which costs the
//! memory's speed and not the processor's, and passes over all images at every step. Shrinking, which removes
//! images from those passes, is what the working set is from the start.

use bakeoff_core::{Engine, EngineCode};
use bakeoff_kernels::{SMO_LANES, Smo};

use crate::{
    model::SvmModel,
    pair::{Pair, Solution},
    recipe::{Solver, build},
};

pub(super) const ENGINE: Engine = Engine {
    name: "native",
    summary: "second-order SMO on working sets, kernel values from exact products of bytes",
    deterministic: true,
    code: Some(EngineCode {
        build: |spec| build(spec, SOLVER),
        load: SvmModel::load,
    }),
};

pub(crate) const SOLVER: Solver = Solver {
    name: "native",
    refuses: |_, _| None,
    solve,
};

/// Images that join the working set at once.
const JOINING: usize = 192;
/// The largest working set: its square, in four bytes, is kept.
const LARGEST: usize = 2048;
/// The first rounds are solved to this share of the violation that they began with.
const SHARE: f64 = 0.1;
/// Rounds after which the solver gives up.
const MOST_ROUNDS: usize = 100_000;

/// Where the solver stands.
struct State<'a> {
    pair: &'a Pair,
    /// `yᵢ − Σⱼ βⱼ Kᵢⱼ` of every image.
    slopes: Vec<f64>,
    coefficients: Vec<f64>,
    /// The place of each image in the working set, or [`ABSENT`].
    place: Vec<u32>,
    set: WorkingSet,
}

const ABSENT: u32 = u32::MAX;

/// Images, one for each place, and what SMO needs of them. Lengths are padded with places without bounds.
struct WorkingSet {
    images: Vec<usize>,
    capacity: usize,
    /// Kernel values with all images.
    rows: Vec<Vec<f32>>,
    /// Kernel values with each other, capacity × capacity.
    matrix: Vec<f32>,
    diagonal: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    values: Vec<f64>,
}

impl WorkingSet {
    fn new(capacity: usize) -> Self {
        Self {
            images: Vec::new(),
            capacity,
            rows: Vec::new(),
            matrix: vec![0.0; capacity * capacity],
            diagonal: vec![1.0; capacity],
            low: vec![0.0; capacity],
            high: vec![0.0; capacity],
            values: vec![0.0; capacity],
        }
    }
}

impl<'a> State<'a> {
    fn new(pair: &'a Pair) -> Self {
        let len = pair.len();
        let rows = pair.cache_bytes / (4 * len);
        let capacity = rows.clamp(2 * SMO_LANES, LARGEST).min(len);
        Self {
            pair,
            slopes: (0..len).map(|index| pair.target(index)).collect(),
            coefficients: vec![0.0; len],
            place: vec![ABSENT; len],
            set: WorkingSet::new(capacity.next_multiple_of(SMO_LANES)),
        }
    }

    fn bounds(&self, image: usize) -> (f64, f64) {
        match image < self.pair.firsts {
            true => (0.0, self.pair.c),
            false => (-self.pair.c, 0.0),
        }
    }

    fn may_rise(&self, image: usize) -> bool {
        self.coefficients[image] < self.bounds(image).1
    }

    fn may_fall(&self, image: usize) -> bool {
        self.coefficients[image] > self.bounds(image).0
    }

    /// The steepest slope of those that may rise, and of those that may fall.
    fn extremes(&self) -> (f64, f64) {
        let mut extremes = (f64::NEG_INFINITY, f64::INFINITY);
        for (image, &slope) in self.slopes.iter().enumerate() {
            if self.may_rise(image) {
                extremes.0 = extremes.0.max(slope);
            }
            if self.may_fall(image) {
                extremes.1 = extremes.1.min(slope);
            }
        }
        extremes
    }

    /// Images outside of the set that violate the conditions, the worst first, half of each kind.
    fn joining(&self, (rising, falling): (f64, f64)) -> Vec<usize> {
        let tolerance = self.pair.tolerance;
        let count = JOINING.min(self.set.capacity / 2);
        let outside = (0..self.slopes.len()).filter(|&image| self.place[image] == ABSENT);
        let mut up = Vec::new();
        let mut down = Vec::new();
        for image in outside {
            let slope = self.slopes[image];
            if self.may_rise(image) && slope > falling + tolerance {
                up.push((-slope, image));
            }
            if self.may_fall(image) && slope < rising - tolerance {
                down.push((slope, image));
            }
        }
        let worst = |violating: &mut Vec<(f64, usize)>| {
            let order =
                |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            violating.sort_unstable_by(order);
            violating.truncate(count);
        };
        worst(&mut up);
        worst(&mut down);
        // As many of each as there are, and more of one where there are fewer of the other.
        let ups = up.len().min(count - (count / 2).min(down.len()));
        let downs = down.len().min(count - ups);
        let all = up[..ups].iter().chain(&down[..downs]);
        let mut all: Vec<usize> = all.map(|&(_, image)| image).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The first images: all slopes are alike, so that they come from everywhere in the data.
    fn first(&self) -> Vec<usize> {
        let (firsts, len) = (self.pair.firsts, self.pair.len());
        let each = (JOINING / 2).min(self.set.capacity / 2).max(1);
        let spread = |from: usize, count: usize| {
            let taken = count.min(each);
            (0..taken).map(move |at| from + at * count / taken)
        };
        spread(0, firsts)
            .chain(spread(firsts, len - firsts))
            .collect()
    }

    /// Places for so many images: new ones, and of those that are farthest from violating anything.
    fn places(&mut self, count: usize, (rising, falling): (f64, f64)) -> Vec<usize> {
        let set = &self.set;
        let len = set.images.len();
        let new = count.min(set.capacity - len);
        let mut places: Vec<usize> = (len..len + new).collect();
        if new < count {
            let middle = 0.5 * (rising + falling);
            let mut order: Vec<(f64, usize)> = Vec::with_capacity(len);
            for (place, &image) in set.images.iter().enumerate() {
                let away = self.slopes[image] - middle;
                // One that may move both ways is needed wherever it stands.
                let satisfied = match (self.may_rise(image), self.may_fall(image)) {
                    (true, false) => -away,
                    (false, true) => away,
                    _ => f64::NEG_INFINITY,
                };
                order.push((-satisfied, place));
            }
            order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let leaving = order.iter().take(count - new).map(|&(_, place)| place);
            places.extend(leaving);
        }
        places
    }

    /// Puts images into the set.
    fn join(&mut self, images: &[usize], extremes: (f64, f64)) {
        let places = self.places(images.len(), extremes);
        let len = self.pair.len();
        let rows = self.pair.rows(images);
        for ((&image, &place), row) in images.iter().zip(&places).zip(rows.chunks_exact(len)) {
            let (low, high) = self.bounds(image);
            let set = &mut self.set;
            match set.images.get_mut(place) {
                Some(other) => {
                    self.place[*other] = ABSENT;
                    *other = image;
                    set.rows[place].copy_from_slice(row);
                }
                None => {
                    set.images.push(image);
                    set.rows.push(row.to_vec());
                }
            }
            self.place[image] = place as u32;
            (set.low[place], set.high[place]) = (low, high);
            set.values[place] = self.coefficients[image];
            set.diagonal[place] = row[image].into();
        }
        let set = &mut self.set;
        for &place in &places {
            for (other, &image) in set.images.iter().enumerate() {
                let value = set.rows[place][image];
                set.matrix[place * set.capacity + other] = value;
                set.matrix[other * set.capacity + place] = value;
            }
        }
    }

    /// Solves for the working set, and brings all slopes up to date; returns the steps.
    fn solve(&mut self, tolerance: f64, max_steps: u64) -> u64 {
        let set = &mut self.set;
        let padded = set.images.len().next_multiple_of(SMO_LANES);
        let mut slopes: Vec<f64> = set.images.iter().map(|&image| self.slopes[image]).collect();
        slopes.resize(padded, 0.0);
        let steps = Smo {
            matrix: &set.matrix,
            stride: set.capacity,
            diagonal: &set.diagonal[..padded],
            low: &set.low[..padded],
            high: &set.high[..padded],
            values: &mut set.values[..padded],
            slopes: &mut slopes,
        }
        .run(tolerance, max_steps);
        let mut moved = Vec::new();
        for ((&image, &value), row) in set.images.iter().zip(&set.values).zip(&set.rows) {
            let by = value - self.coefficients[image];
            if by != 0.0 {
                self.coefficients[image] = value;
                moved.push((-by, &row[..]));
            }
        }
        self.pair.add(&mut self.slopes, &moved);
        steps
    }

    /// The mean slope of the images that are at no bound; where there is none, the middle of what the others allow.
    fn bias(&self) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for (image, slope) in self.slopes.iter().enumerate() {
            if self.may_rise(image) && self.may_fall(image) {
                sum += slope;
                count += 1;
            }
        }
        let (rising, falling) = self.extremes();
        match count {
            0 => 0.5 * (rising + falling),
            _ => sum / f64::from(count),
        }
    }
}

/// Solves the problem of a pair. As in LIBSVM a fit that takes forever ends, and says that it did not converge.
fn solve(pair: &Pair) -> Result<Solution, String> {
    let mut state = State::new(pair);
    let most_steps = (100 * pair.len() as u64).max(10_000_000);
    let mut extremes = state.extremes();
    let mut joining = state.first();
    let mut steps = 0;
    let mut converged = false;
    for _ in 0..MOST_ROUNDS {
        state.join(&joining, extremes);
        let violation = extremes.0 - extremes.1;
        let tolerance = (SHARE * violation).max(pair.tolerance);
        let taken = state.solve(tolerance, most_steps - steps);
        steps += taken;
        extremes = state.extremes();
        if extremes.0 - extremes.1 <= pair.tolerance {
            converged = true;
            break;
        }
        joining = state.joining(extremes);
        if steps >= most_steps || (taken == 0 && joining.is_empty()) {
            break;
        }
    }
    let bias = state.bias();
    let slopes = state.slopes.iter().enumerate();
    let values = slopes.map(|(image, slope)| pair.target(image) - slope + bias);
    Ok(Solution {
        bias,
        values: Some(values.collect()),
        coefficients: state.coefficients,
        steps,
        converged: Some(converged),
        kernel: Some(pair.packed().kernel()),
    })
}
