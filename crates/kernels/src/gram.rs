//! Kernel matrices of images as bytes: values of a function of two images, such as a radial basis function,
//! for all pairs of two sets.
//!
//! The function is one of the product x·y and the squares |x|² and |y|², which are whole numbers and are
//! summed exactly. Each value is then rounded in the same steps wherever it is computed, so that it is the
//! same in any block, at any number of threads and on any processor.
//!
//! With AVX-512 VNNI sixty-four products of bytes are one instruction, four times as many as products of
//! `f32`. Without it products come from [`multiply`], over so few columns at a time that sums
//! in `f32` are exact.

mod function;
#[cfg(target_arch = "x86_64")]
mod vnni;

pub use self::function::KernelFunction;
use self::function::{GROUP, PANEL, SEGMENT, square};
use super::{Cpu, Isa, Strided, multiply, simd::Kernel, simd::Simd};

/// Columns whose products are summed in single precision: 256 · 255² is below 2²⁴.
const EXACT: usize = 256;

/// Images as bytes, laid out for products with others.
pub struct ByteRows {
    columns: usize,
    rows: usize,
    /// For VNNI panels of [`PANEL`] rows, in which the [`GROUP`]s of all rows follow each other; else row-major.
    bytes: Vec<u8>,
    /// |x|² of each row in bytes.
    squares: Vec<u64>,
    vnni: bool,
}

impl ByteRows {
    /// Lays out row-major bytes.
    pub fn new(rows: &[u8], columns: usize) -> Self {
        let cpu = Cpu::detected();
        let vnni = cpu.avx512f() && cpu.avx512bw() && cpu.avx512vnni() && columns <= SEGMENT;
        Self::laid_out(rows, columns, vnni)
    }

    fn laid_out(rows: &[u8], columns: usize, vnni: bool) -> Self {
        let squares: Vec<u64> = rows.chunks_exact(columns.max(1)).map(square).collect();
        let bytes = match vnni {
            false => rows.to_vec(),
            true => {
                let panel_bytes = columns.div_ceil(GROUP) * GROUP * PANEL;
                let mut packed = vec![0; squares.len().div_ceil(PANEL) * panel_bytes];
                for (index, row) in rows.chunks_exact(columns).enumerate() {
                    let panel = &mut packed[index / PANEL * panel_bytes..][..panel_bytes];
                    let lanes = panel.chunks_exact_mut(GROUP * PANEL);
                    for (group, lanes) in row.chunks(GROUP).zip(lanes) {
                        lanes[index % PANEL * GROUP..][..group.len()].copy_from_slice(group);
                    }
                }
                packed
            }
        };
        Self {
            columns,
            rows: squares.len(),
            bytes,
            squares,
            vnni,
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// What computes the products, for a report.
    pub fn kernel(&self) -> &'static str {
        match self.vnni {
            true => "avx512-vnni",
            false => Isa::detect().name(),
        }
    }

    /// The values for each row of `left` (row-major bytes) with each of these, row-major; on the calling thread.
    ///
    /// # Panics
    /// If `out` has another length than rows × [`ByteRows::len`].
    pub fn values(&self, function: KernelFunction, left: &[u8], out: &mut [f32]) {
        let lefts = left.len() / self.columns.max(1);
        assert_eq!(out.len(), lefts * self.rows, "a value for each pair");
        if out.is_empty() {
            return;
        }
        match self.vnni {
            #[cfg(target_arch = "x86_64")]
            true => {
                let panels = vnni::Panels {
                    columns: self.columns,
                    rows: self.rows,
                    bytes: &self.bytes,
                    squares: &self.squares,
                };
                // SAFETY: `vnni` is set only if the processor has these features.
                unsafe { vnni::values(panels, function, left, out) }
            }
            _ => self.plain_values(function, left, out),
        }
    }

    fn plain_values(&self, function: KernelFunction, left: &[u8], out: &mut [f32]) {
        /// Rows of each side in a block.
        const BLOCK: usize = 128;
        let columns = self.columns;
        let isa = Isa::detect();
        let mut floats = [vec![0.0; BLOCK * EXACT], vec![0.0; BLOCK * EXACT]];
        let mut products = vec![0.0; BLOCK * BLOCK];
        let mut sums = vec![0_u64; BLOCK * BLOCK];
        for (first_left, lefts) in left.chunks(BLOCK * columns).enumerate() {
            for (first_right, rights) in self.bytes.chunks(BLOCK * columns).enumerate() {
                let sizes = (lefts.len() / columns, rights.len() / columns);
                sums.fill(0);
                for from in (0..columns).step_by(EXACT) {
                    let depth = EXACT.min(columns - from);
                    for (floats, rows) in floats.iter_mut().zip([lefts, rights]) {
                        let rows = rows.chunks_exact(columns);
                        for (to, row) in floats.chunks_exact_mut(depth).zip(rows) {
                            for (to, &byte) in to.iter_mut().zip(&row[from..]) {
                                *to = f32::from(byte);
                            }
                        }
                    }
                    multiply(
                        (sizes.0, depth, sizes.1),
                        Strided::rows(&floats[0], depth),
                        Strided::rows(&floats[1], depth).transposed(),
                        1.0,
                        false,
                        &mut products,
                        sizes.1,
                    );
                    for (sum, &product) in sums.iter_mut().zip(&products[..sizes.0 * sizes.1]) {
                        *sum += product as u64;
                    }
                }
                let right_squares = &self.squares[first_right * BLOCK..][..sizes.1];
                let rows = lefts.chunks_exact(columns);
                for (at, (row, sums)) in rows.zip(sums.chunks_exact(sizes.1)).enumerate() {
                    let to = (first_left * BLOCK + at) * self.rows + first_right * BLOCK;
                    isa.run(Finish {
                        function,
                        narrow: columns <= SEGMENT,
                        left: square(row),
                        right: right_squares,
                        products: sums,
                        out: &mut out[to..][..sizes.1],
                    });
                }
            }
        }
    }
}

/// From sums to values, compiled for each instruction set.
struct Finish<'a> {
    function: KernelFunction,
    narrow: bool,
    left: u64,
    right: &'a [u64],
    products: &'a [u64],
    out: &'a mut [f32],
}

impl Kernel for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let sums = self.products.iter().zip(self.right);
        if !self.narrow {
            for (out, (&product, &right)) in self.out.iter_mut().zip(sums) {
                *out = self.function.wide(self.left, right, product);
            }
            return;
        }
        let (mut rights, mut products) = ([0; PANEL], [0; PANEL]);
        for (at, out) in self.out.chunks_mut(PANEL).enumerate() {
            let from = at * PANEL..at * PANEL + out.len();
            for (to, &value) in rights.iter_mut().zip(&self.right[from.clone()]) {
                *to = value as u32;
            }
            for (to, &value) in products.iter_mut().zip(&self.products[from]) {
                *to = value as u32;
            }
            self.function
                .narrow(self.left as u32, &rights, &products, out);
        }
    }
}

/// `out += Σ factor · row`, in double precision and in the order of the rows, each element alike at any number of
/// threads.
///
/// # Panics
/// If a row is shorter than `out`.
pub fn add_rows(out: &mut [f64], rows: &[(f64, &[f32])]) {
    Isa::detect().run(AddRows { out, rows });
}

struct AddRows<'a> {
    out: &'a mut [f64],
    rows: &'a [(f64, &'a [f32])],
}

impl Kernel for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        /// Sums that stay in registers while all rows run past.
        const AT_ONCE: usize = 64;
        for (at, out) in self.out.chunks_mut(AT_ONCE).enumerate() {
            let mut sums = [0.0; AT_ONCE];
            sums[..out.len()].copy_from_slice(out);
            for &(factor, row) in self.rows {
                let row = &row[at * AT_ONCE..][..out.len()];
                match <&[f32; AT_ONCE]>::try_from(row) {
                    Ok(row) => {
                        for (sum, &value) in sums.iter_mut().zip(row) {
                            *sum += factor * f64::from(value);
                        }
                    }
                    Err(_) => {
                        for (sum, &value) in sums.iter_mut().zip(row) {
                            *sum += factor * f64::from(value);
                        }
                    }
                }
            }
            out.copy_from_slice(&sums[..out.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{function::exp_of_negative, *};

    fn bytes(count: usize, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 30 {
                0 => 0,
                1 => 255,
                _ => (state >> 16) as u8,
            }
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn values_are_those_of_the_definition_and_the_same_however_they_are_computed() {
        let functions = [
            KernelFunction::Linear,
            KernelFunction::Rbf { gamma: 0.03 },
            KernelFunction::Polynomial {
                gamma: 0.01,
                coef0: 0.5,
                degree: 3,
            },
        ];
        for (columns, lefts, rights) in [(1, 1, 1), (7, 3, 33), (784, 9, 40), (1030, 130, 129)] {
            let (left, right) = (bytes(columns * lefts, 1), bytes(columns * rights, 2));
            let best = ByteRows::new(&right, columns);
            let plain = ByteRows::laid_out(&right, columns, false);
            for function in functions {
                let mut found = vec![0.0; lefts * rights];
                let mut slow = found.clone();
                best.values(function, &left, &mut found);
                plain.values(function, &left, &mut slow);
                assert_eq!(found, slow, "{columns} {lefts} {rights} {function:?}");
                for (at, found) in found.into_iter().enumerate() {
                    let x = &left[at / rights * columns..][..columns];
                    let y = &right[at % rights * columns..][..columns];
                    let pixel = |byte: &u8| f64::from(*byte) / 255.0;
                    let pairs = x.iter().zip(y).map(|(x, y)| (pixel(x), pixel(y)));
                    let product: f64 = pairs.clone().map(|(x, y)| x * y).sum();
                    let expected = match function {
                        KernelFunction::Linear => product,
                        KernelFunction::Rbf { gamma } => {
                            (-gamma * pairs.map(|(x, y)| (x - y).powi(2)).sum::<f64>()).exp()
                        }
                        KernelFunction::Polynomial { .. } => (0.01 * product + 0.5).powi(3),
                    };
                    let away = (f64::from(found) - expected).abs();
                    assert!(
                        away <= 4e-6 * expected.abs().max(1e-3),
                        "{found}, {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn images_too_large_for_32_bits_are_exact_too() {
        let columns = 3 * SEGMENT;
        let (left, right) = (
            vec![255; columns],
            [vec![255; columns], vec![0; columns]].concat(),
        );
        let rows = ByteRows::new(&right, columns);
        let mut found = [0.0; 2];
        rows.values(KernelFunction::Linear, &left, &mut found);
        assert_eq!(found, [columns as f32, 0.0]);
        rows.values(KernelFunction::Rbf { gamma: 1e-5 }, &left, &mut found);
        assert_eq!(found[0], 1.0);
        assert!((f64::from(found[1]) - (-1e-5 * columns as f64).exp()).abs() < 1e-6);
    }

    #[test]
    fn the_exponential_is_within_two_units_of_the_last_place() {
        for step in 0..8_700_000 {
            let x = -step as f32 * 1e-5;
            let exact = f64::from(x).exp();
            let away = (f64::from(exp_of_negative(x)) / exact - 1.0).abs();
            assert!(away < 2.5e-7, "{x}: {away}");
        }
        assert!(exp_of_negative(-1e9) < 2e-38);
        assert_eq!(exp_of_negative(0.0), 1.0);
    }

    #[test]
    fn rows_are_added_in_their_order() {
        let rows: Vec<Vec<f32>> = (0..3)
            .map(|row| (0..201).map(|at| (at * 7 + row) as f32 / 3.0).collect())
            .collect();
        let factors = [0.1, -2.0, 1e-3];
        let pairs: Vec<(f64, &[f32])> = factors
            .into_iter()
            .zip(rows.iter().map(|r| &r[..]))
            .collect();
        let mut out = vec![1.0; 201];
        add_rows(&mut out, &pairs);
        for (at, out) in out.into_iter().enumerate() {
            let expected = pairs
                .iter()
                .fold(1.0, |sum, (factor, row)| sum + factor * f64::from(row[at]));
            assert_eq!(out, expected);
        }
    }
}
