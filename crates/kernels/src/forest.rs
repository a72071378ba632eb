//! Passes over the values of one pixel in the images of a tree's node.

use crate::simd::Isa;

/// Numbers that [`pack_nonzero`] may write beyond those that it counts.
pub const SPARE: usize = 16;

/// Packs what is not 0 of `values` together with its tag, in order: `value << 24 | tag`, of tags of at most
/// 24 bits. Returns how many there are.
///
/// # Panics
/// If there are not as many tags, or `keys` is not longer than that by [`SPARE`].
pub fn pack_nonzero(isa: Isa, values: &[u8], tags: &[u32], keys: &mut [u32]) -> usize {
    assert!(tags.len() == values.len() && keys.len() >= values.len() + SPARE);
    #[cfg(target_arch = "x86_64")]
    if isa.is_avx512() {
        // SAFETY: the processor has AVX-512, and the lengths are checked.
        return unsafe { avx512::pack_nonzero(values, tags, keys) };
    }
    let _ = isa;
    let mut length = 0;
    for (&value, &tag) in values.iter().zip(tags) {
        // Written in any case, kept if it counts: no branch is guessed wrongly.
        keys[length] = u32::from(value) << 24 | tag;
        length += usize::from(value > 0);
    }
    length
}

/// Adds to `counts`, one for each class, how many of `values` are above a threshold; `labels` are their classes, and
/// `present` are those that occur.
///
/// # Panics
/// If there are not as many labels as values, or one is no class.
pub fn count_above(
    isa: Isa,
    values: &[u8],
    labels: &[u8],
    threshold: u8,
    present: &[u8],
    counts: &mut [u32],
) {
    assert!(labels.len() == values.len());
    #[cfg(target_arch = "x86_64")]
    if isa.is_avx512() {
        for classes in present.chunks(avx512::CLASSES) {
            // SAFETY: the processor has AVX-512, and the lengths are checked.
            let found = unsafe { avx512::count_above(values, labels, threshold, classes) };
            for (&class, found) in classes.iter().zip(found) {
                counts[usize::from(class)] += found;
            }
        }
        return;
    }
    let _ = (isa, present);
    for (&value, &label) in values.iter().zip(labels) {
        counts[usize::from(label)] += u32::from(value > threshold);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    /// Classes that are counted in one pass: their counts stay in registers.
    pub(super) const CLASSES: usize = 8;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,popcnt")]
    pub(super) fn pack_nonzero(values: &[u8], tags: &[u32], keys: &mut [u32]) -> usize {
        const LANES: usize = 16;
        let mut length = 0;
        for at in (0..values.len()).step_by(LANES) {
            let lanes = LANES.min(values.len() - at);
            let mask = (u32::MAX >> (32 - lanes)) as __mmask16;
            // SAFETY: lanes beyond the end are masked out. At most `at` keys are there before, and
            // the caller has room for sixteen more than there are values.
            unsafe {
                let value = _mm_maskz_loadu_epi8(mask, values.as_ptr().add(at).cast());
                let value = _mm512_cvtepu8_epi32(value);
                let tag = _mm512_maskz_loadu_epi32(mask, tags.as_ptr().add(at).cast());
                let key = _mm512_or_si512(_mm512_slli_epi32::<24>(value), tag);
                let kept = _mm512_test_epi32_mask(value, value);
                // Packed in a register: a store that packs takes several times as long.
                let packed = _mm512_maskz_compress_epi32(kept, key);
                _mm512_storeu_si512(keys.as_mut_ptr().add(length).cast(), packed);
                length += kept.count_ones() as usize;
            }
        }
        length
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,popcnt")]
    pub(super) fn count_above(
        values: &[u8],
        labels: &[u8],
        threshold: u8,
        classes: &[u8],
    ) -> [u32; CLASSES] {
        const LANES: usize = 64;
        let limit = _mm512_set1_epi8(threshold.cast_signed());
        let mut counts = [0; CLASSES];
        for at in (0..values.len()).step_by(LANES) {
            let lanes = LANES.min(values.len() - at);
            let mask = u64::MAX >> (64 - lanes);
            // SAFETY: lanes beyond the end are masked out.
            let (value, label) = unsafe {
                (
                    _mm512_maskz_loadu_epi8(mask, values.as_ptr().add(at).cast()),
                    _mm512_maskz_loadu_epi8(mask, labels.as_ptr().add(at).cast()),
                )
            };
            // What is masked out is 0, and above no threshold.
            let above = _mm512_cmpgt_epu8_mask(value, limit);
            for (count, &class) in counts.iter_mut().zip(classes) {
                let class = _mm512_set1_epi8(class.cast_signed());
                *count += _mm512_mask_cmpeq_epi8_mask(above, label, class).count_ones();
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_instruction_set_packs_and_counts_alike(
            drawn in proptest::collection::vec((prop_oneof![Just(0_u8), any::<u8>()], 0_u8..11), 0..200),
            threshold in any::<u8>(),
        ) {
            let (values, labels): (Vec<u8>, Vec<u8>) = drawn.iter().copied().unzip();
            let tags: Vec<u32> = labels.iter().map(|&label| u32::from(label) << 3).collect();
            let kept = drawn.iter().filter(|(value, _)| *value > 0);
            let kept = kept.map(|&(value, label)| u32::from(value) << 24 | u32::from(label) << 3);
            let kept: Vec<u32> = kept.collect();
            let mut counts = [0_u32; 11];
            for (_, label) in drawn.iter().filter(|(value, _)| *value > threshold) {
                counts[usize::from(*label)] += 1;
            }
            let present: Vec<u8> = (0..11).filter(|class| labels.contains(class)).collect();
            for isa in Isa::available() {
                let mut keys = vec![7; values.len() + SPARE];
                let length = pack_nonzero(isa, &values, &tags, &mut keys);
                prop_assert_eq!(&keys[..length], &kept);
                let mut found = [0; 11];
                count_above(isa, &values, &labels, threshold, &present, &mut found);
                prop_assert_eq!(found, counts);
            }
        }
    }
}
