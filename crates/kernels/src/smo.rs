//! Sequential minimal optimisation of a small box-constrained problem whose matrix lies in memory.
//!
//! It maximises `Σ yᵢ βᵢ − ½ Σ βᵢ βⱼ Kᵢⱼ` over `lowᵢ ≤ βᵢ ≤ highᵢ` while the sum of β stays what it is: the
//! dual problem of a support vector machine, with β = y α. Two variables move at a time (Platt 1998), chosen
//! by second-order information (Fan, Chen and Lin 2005, WSS 2).

use super::{Isa, simd::Kernel, simd::Simd};

/// Variables that are looked at together; lengths are multiples of it.
pub const SMO_LANES: usize = 8;

/// The smallest curvature along which a step is taken, as in LIBSVM.
const CURVATURE: f64 = 1e-12;

/// The problem, and where it stands. All slices but the matrix have the same length, a multiple of
/// [`SMO_LANES`]; a variable whose bounds are equal takes no part.
pub struct Smo<'a> {
    /// K, row-major.
    pub matrix: &'a [f32],
    /// From one row of it to the next.
    pub stride: usize,
    /// Its diagonal.
    pub diagonal: &'a [f64],
    /// The smallest allowed values.
    pub low: &'a [f64],
    /// The largest allowed values.
    pub high: &'a [f64],
    /// β.
    pub values: &'a mut [f64],
    /// How much the objective grows with each β: `yᵢ − Σⱼ βⱼ Kᵢⱼ`.
    pub slopes: &'a mut [f64],
}

impl Smo<'_> {
    /// Moves until no pair of variables violates the optimality condition by more than `tolerance`, or so many
    /// steps were taken; returns their number.
    ///
    /// # Panics
    /// If the lengths are not as described.
    pub fn run(self, tolerance: f64, max_steps: u64) -> u64 {
        let len = self.values.len();
        assert!(len.is_multiple_of(SMO_LANES) && len <= self.stride && len > 0);
        assert!(self.matrix.len() >= (len - 1) * self.stride + len);
        let others = [self.diagonal, self.low, self.high, self.slopes];
        assert!(others.iter().all(|slice| slice.len() == len));
        Isa::detect().run(Run {
            smo: self,
            tolerance,
            max_steps,
        })
    }
}

struct Run<'a> {
    smo: Smo<'a>,
    tolerance: f64,
    max_steps: u64,
}

/// The largest of values that were seen in lanes, of equals the first.
struct Largest {
    values: [f64; SMO_LANES],
    at: [u32; SMO_LANES],
}

impl Largest {
    #[inline(always)]
    fn new() -> Self {
        Self {
            values: [f64::NEG_INFINITY; SMO_LANES],
            at: [0; SMO_LANES],
        }
    }

    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "lanes of three arrays side by side, which become vectors"
    )]
    fn see(&mut self, block: u32, values: [f64; SMO_LANES]) {
        for lane in 0..SMO_LANES {
            let larger = values[lane] > self.values[lane];
            self.values[lane] = if larger {
                values[lane]
            } else {
                self.values[lane]
            };
            self.at[lane] = if larger { block } else { self.at[lane] };
        }
    }

    /// The value and its index; negative infinity if there was none.
    #[inline(always)]
    fn get(&self) -> (f64, usize) {
        let mut best = (f64::NEG_INFINITY, usize::MAX);
        for lane in 0..SMO_LANES {
            let index = self.at[lane] as usize * SMO_LANES + lane;
            let value = self.values[lane];
            if value > best.0 || value == best.0 && index < best.1 {
                best = (value, index);
            }
        }
        best
    }
}

#[inline(always)]
fn lanes<T>(slice: &[T], block: usize) -> &[T; SMO_LANES] {
    &slice.as_chunks().0[block]
}

impl Kernel for Run<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(self) -> u64 {
        let Self {
            smo,
            tolerance,
            max_steps,
        } = self;
        let (matrix, stride, len) = (smo.matrix, smo.stride, smo.values.len());
        let row = |index: usize| &matrix[index * stride..][..len];
        let blocks = len / SMO_LANES;
        let mut step = None;
        for steps in 0..=max_steps {
            // The slopes after the last step; those that may rise and those that may fall.
            let (mut rising, mut falling) = (Largest::new(), Largest::new());
            let (by, first, second) = match step {
                Some((by, first, second)) => (by, row(first), row(second)),
                None => (0.0, row(0), row(0)),
            };
            let (first, second) = (first.as_chunks().0, second.as_chunks().0);
            let slopes = smo.slopes.as_chunks_mut::<SMO_LANES>().0;
            for block in 0..blocks {
                let (first, second): (&[f32; SMO_LANES], &[f32; SMO_LANES]) =
                    (&first[block], &second[block]);
                let slopes = &mut slopes[block];
                let values = lanes(smo.values, block);
                let (low, high) = (lanes(smo.low, block), lanes(smo.high, block));
                let (mut up, mut down) = ([0.0; SMO_LANES], [0.0; SMO_LANES]);
                for lane in 0..SMO_LANES {
                    let moved = f64::from(first[lane]) - f64::from(second[lane]);
                    slopes[lane] -= by * moved;
                    let may_rise = values[lane] < high[lane];
                    let may_fall = values[lane] > low[lane];
                    up[lane] = if may_rise {
                        slopes[lane]
                    } else {
                        f64::NEG_INFINITY
                    };
                    down[lane] = if may_fall {
                        -slopes[lane]
                    } else {
                        f64::NEG_INFINITY
                    };
                }
                rising.see(block as u32, up);
                falling.see(block as u32, down);
            }
            let (steepest, first) = rising.get();
            // Below every tolerance where there is none of either kind.
            let violation = steepest + falling.get().0;
            if violation <= tolerance || violation.is_nan() || steps == max_steps {
                return steps;
            }
            let row = row(first);
            let own = smo.diagonal[first];
            let mut gains = Largest::new();
            for block in 0..blocks {
                let row = lanes(row, block);
                let (slopes, diagonal) = (lanes(smo.slopes, block), lanes(smo.diagonal, block));
                let (values, low) = (lanes(smo.values, block), lanes(smo.low, block));
                let mut gain = [0.0; SMO_LANES];
                for lane in 0..SMO_LANES {
                    let difference = steepest - slopes[lane];
                    let curvature = own + diagonal[lane] - 2.0 * f64::from(row[lane]);
                    let curvature = if curvature > CURVATURE {
                        curvature
                    } else {
                        CURVATURE
                    };
                    let useful = (values[lane] > low[lane]) & (difference > 0.0);
                    gain[lane] = if useful {
                        difference * difference / curvature
                    } else {
                        f64::NEG_INFINITY
                    };
                }
                gains.see(block as u32, gain);
            }
            let (_, second) = gains.get();
            let curvature = own + smo.diagonal[second] - 2.0 * f64::from(row[second]);
            let free = (steepest - smo.slopes[second]) / curvature.max(CURVATURE);
            let room = smo.high[first] - smo.values[first];
            let other_room = smo.values[second] - smo.low[second];
            let by = free.min(room).min(other_room);
            // Exactly onto a bound where it is one that ends the step.
            smo.values[first] = match by == room {
                true => smo.high[first],
                false => smo.values[first] + by,
            };
            smo.values[second] = match by == other_room {
                true => smo.low[second],
                false => smo.values[second] - by,
            };
            step = Some((by, first, second));
        }
        max_steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_variables_meet_where_the_objective_is_largest() {
        // y = (1, −1), K = I: β = (1, −1), within bounds of 2; with bounds of ½ there.
        let matrix: Vec<f32> = (0..64).map(|at| f32::from(u8::from(at % 9 == 0))).collect();
        for (bound, expected) in [(2.0, 1.0), (0.5, 0.5)] {
            let (mut low, mut high) = ([0.0; 8], [0.0; 8]);
            (high[0], low[1]) = (bound, -bound);
            let (mut values, mut slopes) = ([0.0; 8], [0.0; 8]);
            (slopes[0], slopes[1]) = (1.0, -1.0);
            let steps = Smo {
                matrix: &matrix,
                stride: 8,
                diagonal: &[1.0; 8],
                low: &low,
                high: &high,
                values: &mut values,
                slopes: &mut slopes,
            }
            .run(1e-9, 100);
            assert_eq!(steps, 1);
            assert_eq!(values[..2], [expected, -expected]);
            assert_eq!(slopes[0], 1.0 - expected);
        }
    }

    #[test]
    fn the_optimality_conditions_hold_at_the_end() {
        const LEN: usize = 32;
        let point = |at: usize| [(at * 37 % 101) as f64 / 50.0, (at * 53 % 97) as f64 / 48.0];
        let target = |at: usize| if at * 29 % 7 < 3 { 1.0 } else { -1.0 };
        let kernel = |a: usize, b: usize| {
            let (a, b) = (point(a), point(b));
            (-(a[0] - b[0]).powi(2) - (a[1] - b[1]).powi(2)).exp()
        };
        let matrix: Vec<f32> = (0..LEN * LEN)
            .map(|at| kernel(at / LEN, at % LEN) as f32)
            .collect();
        let y: Vec<f64> = (0..LEN).map(target).collect();
        let low: Vec<f64> = y
            .iter()
            .map(|y| if *y > 0.0 { 0.0 } else { -5.0 })
            .collect();
        let high: Vec<f64> = y.iter().map(|y| if *y > 0.0 { 5.0 } else { 0.0 }).collect();
        let (mut values, mut slopes) = (vec![0.0; LEN], y.clone());
        let steps = Smo {
            matrix: &matrix,
            stride: LEN,
            diagonal: &[1.0; LEN],
            low: &low,
            high: &high,
            values: &mut values,
            slopes: &mut slopes,
        }
        .run(1e-6, 1_000_000);
        assert!(steps > 10);
        let (mut rising, mut falling) = (f64::NEG_INFINITY, f64::INFINITY);
        for at in 0..LEN {
            let sum: f64 = (0..LEN)
                .map(|other| values[other] * f64::from(matrix[at * LEN + other]))
                .sum();
            assert!((slopes[at] - (y[at] - sum)).abs() < 1e-9);
            assert!((low[at]..=high[at]).contains(&values[at]));
            if values[at] < high[at] {
                rising = rising.max(y[at] - sum);
            }
            if values[at] > low[at] {
                falling = falling.min(y[at] - sum);
            }
        }
        assert!(rising - falling <= 1.1e-6, "{rising} {falling}");
        assert!(values.iter().sum::<f64>().abs() < 1e-9);
    }
}
