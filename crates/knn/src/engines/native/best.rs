//! The k best rows so far.

use std::collections::BinaryHeap;

/// Keeps the rows with the `k` smallest keys, the lower row among equal keys. A binary heap
/// with the worst on top, because `k` can be as large as the number of training rows; for
/// small `k` a sorted array is no faster.
pub(super) struct Best<K> {
    k: usize,
    heap: BinaryHeap<(K, u32)>,
}

impl<K: Copy + Ord> Best<K> {
    /// Without rows yet; `k` is at least 1.
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            heap: BinaryHeap::new(),
        }
    }

    /// Adds a row, and says whether it is among the best now.
    pub(super) fn offer(&mut self, key: K, row: u32) -> bool {
        if self.heap.len() < self.k {
            self.heap.push((key, row));
            return true;
        }
        match self.heap.peek_mut() {
            Some(mut worst) if (key, row) < *worst => {
                *worst = (key, row);
                true
            }
            _ => false,
        }
    }

    /// The worst key kept, once there are `k`: rows with a worse one need not be offered.
    pub(super) fn worst(&self) -> Option<K> {
        let (key, _) = self.heap.peek()?;
        (self.heap.len() == self.k).then_some(*key)
    }

    /// Adds all rows that `other` has kept.
    pub(super) fn merge(mut self, other: Self) -> Self {
        for (key, row) in other.heap {
            self.offer(key, row);
        }
        self
    }

    /// The rows kept, best first.
    pub(super) fn into_sorted(self) -> Vec<(K, u32)> {
        self.heap.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keeps_what_sorting_would(
            keys in prop::collection::vec(0u8..20, 1..60),
            k in 1usize..70,
            split in 0usize..60,
        ) {
            let split = split.min(keys.len());
            let mut parts = [Best::new(k), Best::new(k)];
            for (row, &key) in keys.iter().enumerate() {
                parts[usize::from(row >= split)].offer(key, row as u32);
            }
            let [left, right] = parts;
            let got = right.merge(left);
            let mut all: Vec<_> = keys.iter().copied().zip(0..).collect();
            all.sort_unstable();
            prop_assert_eq!(got.worst(), (keys.len() >= k).then(|| all[k - 1].0));
            all.truncate(k);
            prop_assert_eq!(got.into_sorted(), all);
        }
    }
}
