//! Numbers of a table, and how they become bytes.

/// Numbers as they are read: bytes as long as all are whole and small enough.
#[derive(Clone, Debug)]
pub(super) enum Values {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

impl Values {
    pub(super) fn new() -> Self {
        Self::Bytes(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Adds a field; `false` if it is no number from 0 to `most`.
    pub(super) fn push(&mut self, field: &[u8], most: f32) -> bool {
        if let Self::Bytes(bytes) = self
            && let Some(byte) = byte(field)
        {
            bytes.push(byte);
            return f32::from(byte) <= most;
        }
        let number = std::str::from_utf8(field)
            .ok()
            .and_then(|text| text.parse::<f32>().ok());
        let Some(number) = number.filter(|number| (0.0..=most).contains(number)) else {
            return false;
        };
        if number.fract() == 0.0
            && number <= 255.0
            && let Self::Bytes(bytes) = self
        {
            bytes.push(number as u8);
            return true;
        }
        if let Self::Bytes(bytes) = self {
            *self = Self::Floats(bytes.iter().map(|&byte| f32::from(byte)).collect());
        }
        if let Self::Floats(floats) = self {
            floats.push(number);
        }
        true
    }

    /// The highest value.
    pub(super) fn max(&self) -> f32 {
        match self {
            Self::Bytes(values) => values.iter().max().copied().map_or(0.0, f32::from),
            Self::Floats(values) => values.iter().copied().fold(0.0, f32::max),
        }
    }

    /// Whether any is not whole.
    pub(super) fn has_fractions(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Floats(values) => values.iter().any(|value| value.fract() != 0.0),
        }
    }

    /// Bytes, each value multiplied and rounded.
    pub(super) fn into_bytes(self, factor: f32) -> Vec<u8> {
        let scaled = |value: f32| (value * factor).round().clamp(0.0, 255.0) as u8;
        match self {
            Self::Bytes(values) if factor == 1.0 => values,
            Self::Bytes(values) => values.into_iter().map(|v| scaled(f32::from(v))).collect(),
            Self::Floats(values) => values.into_iter().map(scaled).collect(),
        }
    }
}

/// A whole number from 0 to 255 in one to three digits, which most fields are.
fn byte(field: &[u8]) -> Option<u8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let number = match *field {
        [a] => digit(a)?,
        [a, b] => 10 * digit(a)? + digit(b)?,
        [a, b, c] => 100 * digit(a)? + 10 * digit(b)? + digit(c)?,
        _ => return None,
    };
    u8::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_bytes_until_one_is_none() {
        let mut values = Values::new();
        for field in ["0", "12", "255", "5.0"] {
            assert!(values.push(field.as_bytes(), 255.0));
        }
        assert!(matches!(values, Values::Bytes(_)));
        assert!(values.push(b"0.5", 255.0));
        assert!(values.has_fractions());
        assert_eq!((values.len(), values.max()), (5, 255.0));
        for field in ["256", "-1", "x", "", "nan", "inf"] {
            assert!(!values.push(field.as_bytes(), 255.0), "{field}");
        }
        assert_eq!(values.into_bytes(1.0), [0, 12, 255, 5, 1]);
    }
}
