//! Seeds derived from one seed, so that no two random streams are the same by accident.

use sha2::{Digest, Sha256};

/// A seed for `purpose`, derived from `seed`.
///
/// Two purposes never share a stream: dropout must not change how batches are shuffled. The first 8 bytes (little endian) of SHA-256 over seed and purpose.
pub fn derive_seed(seed: u64, purpose: &str) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(purpose.as_bytes());
    let hash = hasher.finalize();
    u64::from_le_bytes(std::array::from_fn(|at| hash[at]))
}

#[cfg(test)]
mod tests {
    use super::derive_seed;

    #[test]
    fn purposes_and_seeds_give_different_streams() {
        assert_eq!(derive_seed(1, "shuffle"), derive_seed(1, "shuffle"));
        assert_ne!(derive_seed(1, "shuffle"), derive_seed(1, "weights"));
        assert_ne!(derive_seed(1, "shuffle"), derive_seed(2, "shuffle"));
    }
}
