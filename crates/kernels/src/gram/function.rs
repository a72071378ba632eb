//! Functions of two images, from exact sums over their bytes.

/// Rows that lie together in a panel, and so many are multiplied at once.
pub(super) const PANEL: usize = 32;
/// Bytes of a row that one lane of an instruction multiplies.
pub(super) const GROUP: usize = 4;
/// So many products of bytes, and sums of two squares, fit 32 bits: 2 · 32,768 · 255² is below 2³².
pub(super) const SEGMENT: usize = 32_768;

/// A function of two images x and y whose pixels lie in 0..=1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KernelFunction {
    /// x·y
    Linear,
    /// exp(−gamma |x − y|²)
    Rbf {
        /// γ, per squared unit of brightness.
        gamma: f64,
    },
    /// (gamma x·y + coef0)^degree
    Polynomial {
        /// What the product is multiplied by.
        gamma: f64,
        /// What is added to it.
        coef0: f64,
        /// The power.
        degree: u32,
    },
}

/// From whole numbers to pixels in 0..=1.
const SCALE: f64 = 1.0 / (255.0 * 255.0);

impl KernelFunction {
    /// The values for sums over bytes: `products` and the squares of the left image and of each of the right.
    /// 32 bits are enough for all of them, and for the squared distance of the sums modulo 2³².
    #[inline(always)]
    pub(super) fn narrow(self, left: u32, right: &[u32], products: &[u32], out: &mut [f32]) {
        match self {
            Self::Rbf { gamma } => {
                let factor = (-gamma * SCALE) as f32;
                for ((out, &product), &right) in out.iter_mut().zip(products).zip(right) {
                    let squared = left
                        .wrapping_add(right)
                        .wrapping_sub(product.wrapping_mul(2));
                    // Below 2³¹, which converts in one instruction.
                    *out = exp_of_negative(factor * squared as i32 as f32);
                }
            }
            _ => {
                for (out, &product) in out.iter_mut().zip(products) {
                    *out = self.of_product(product as i32 as f32);
                }
            }
        }
    }

    /// The same for sums of any size.
    pub(super) fn wide(self, left: u64, right: u64, product: u64) -> f32 {
        match self {
            Self::Rbf { gamma } => {
                let squared = (left + right - 2 * product) as f32;
                exp_of_negative((-gamma * SCALE) as f32 * squared)
            }
            _ => self.of_product(product as f32),
        }
    }

    #[inline(always)]
    fn of_product(self, product: f32) -> f32 {
        match self {
            Self::Polynomial {
                gamma,
                coef0,
                degree,
            } => {
                let base = product * (gamma * SCALE) as f32 + coef0 as f32;
                (1..degree).fold(base, |power, _| power * base)
            }
            _ => product * SCALE as f32,
        }
    }
}

/// e^x for x ≤ 0, within two units of the last place; 1.2e-38 below −87.
#[inline(always)]
pub(super) fn exp_of_negative(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding it rounds to a whole number, which then is in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.max(-87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * LN_2_HIGH - whole * LN_2_LOW;
    // Cephes, expf.
    let mut series = 1.987_569_1e-4_f32;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        series = series * rest + coefficient;
    }
    let value = series * rest * rest + rest + 1.0;
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()) << 23;
    f32::from_bits(value.to_bits().wrapping_add(power))
}

/// |x|² of a row of bytes.
pub(super) fn square(row: &[u8]) -> u64 {
    let squares = row.iter().map(|&byte| u32::from(byte).pow(2));
    match row.len() <= SEGMENT {
        true => squares.sum::<u32>().into(),
        false => squares.map(u64::from).sum(),
    }
}
