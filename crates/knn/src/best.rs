//! The k best seen so far.

use std::collections::BinaryHeap;

/// Keeps the `k` smallest of what it is offered: the smaller key first, the lower row
/// among equals. A binary heap with the worst on top, because `k` may be anything up
/// to the number of training rows; for the usual small `k` a sorted array is no faster.
pub(crate) struct Best<K> {
    k: usize,
    heap: BinaryHeap<(K, u32)>,
}

impl<K: Copy + Ord> Best<K> {
    /// Nothing seen yet; `k` is at least 1.
    pub(crate) fn new(k: usize) -> Self {
        Self {
            k,
            heap: BinaryHeap::new(),
        }
    }

    /// Takes in one more, and says whether it is among the best now.
    pub(crate) fn offer(&mut self, key: K, row: u32) -> bool {
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

    /// The worst key kept, once `k` have been seen: what is worse need not be offered.
    pub(crate) fn worst(&self) -> Option<K> {
        let (key, _) = self.heap.peek()?;
        (self.heap.len() == self.k).then_some(*key)
    }

    /// Takes in all that `other` has kept.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        for (key, row) in other.heap {
            self.offer(key, row);
        }
        self
    }

    /// What was kept, best first.
    pub(crate) fn into_sorted(self) -> Vec<(K, u32)> {
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
