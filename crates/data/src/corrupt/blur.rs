//! Gaussian blur: rows first, then columns. What lies outside of the image is as its
//! nearest pixel, so that an image does not darken towards its edges.

pub(super) struct Blur {
    /// From the centre outwards; the whole kernel sums to 1.
    weights: Vec<f32>,
}

impl Blur {
    /// `deviation` in pixels; cut off at three times as much.
    pub(super) fn new(deviation: f64) -> Self {
        let radius = (3.0 * deviation).ceil().max(1.0) as usize;
        let bell: Vec<f64> = (0..=radius)
            .map(|x| (-0.5 * (x as f64 / deviation).powi(2)).exp())
            .collect();
        let sum = 2.0 * bell.iter().sum::<f64>() - bell[0];
        Self {
            weights: bell
                .into_iter()
                .map(|weight| (weight / sum) as f32)
                .collect(),
        }
    }

    pub(super) fn apply(&self, from: &[u8], to: &mut [u8], width: usize) {
        let height = from.len() / width;
        let mut rows = vec![0.0; from.len()];
        let radius = self.weights.len() - 1;
        let mut padded = vec![0.0; width + 2 * radius];
        for (sums, from) in rows.chunks_exact_mut(width).zip(from.chunks_exact(width)) {
            let (first, last) = (f32::from(from[0]), f32::from(from[width - 1]));
            padded[..radius].fill(first);
            padded[radius + width..].fill(last);
            for (value, &from) in padded[radius..].iter_mut().zip(from) {
                *value = f32::from(from);
            }
            self.each_tap(|offset, weight| {
                let shifted = &padded[radius.wrapping_add_signed(offset)..];
                add(sums, shifted, weight);
            });
        }
        let mut sums = vec![0.0; width];
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            // Half more, because bytes are cut off and not rounded.
            sums.fill(0.5);
            self.each_tap(|offset, weight| {
                let row = row.saturating_add_signed(offset).min(height - 1);
                add(&mut sums, &rows[row * width..], weight);
            });
            for (value, &sum) in to.iter_mut().zip(&sums) {
                *value = sum as u8;
            }
        }
    }

    /// The taps from one end of the kernel to the other.
    fn each_tap(&self, mut tap: impl FnMut(isize, f32)) {
        let radius = self.weights.len() as isize - 1;
        for offset in -radius..=radius {
            tap(offset, self.weights[offset.unsigned_abs()]);
        }
    }
}

/// `sums += weight · values`, as far as there are sums.
fn add(sums: &mut [f32], values: &[f32], weight: f32) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}
