//! Hashes as text.

/// Lower-case hexadecimal, two digits a byte.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_lower_case_and_padded() {
        assert_eq!(super::to_hex(&[0, 10, 255]), "000aff");
    }
}
