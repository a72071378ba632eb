//! Every value changed by itself.

/// Less light: values multiplied.
pub(super) fn dimmed(factor: f64) -> [u8; 256] {
    table(|value| value * factor)
}

/// Towards the negative; at 1 it is the negative.
pub(super) fn inverted(share: f64) -> [u8; 256] {
    table(|value| value + share * (255.0 - 2.0 * value))
}

fn table(change: impl Fn(f64) -> f64) -> [u8; 256] {
    std::array::from_fn(|value| change(value as f64).round().clamp(0.0, 255.0) as u8)
}

pub(super) fn apply(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
    for (value, &from) in to.iter_mut().zip(from) {
        *value = table[usize::from(from)];
    }
}
