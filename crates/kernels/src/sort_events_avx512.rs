//! Filling the lists of events sixteen at a time.
//!
//! AVX-512 can pack the lanes that a mask selects, so that a list grows by a store of a whole
//! vector and a count of bits. One by one (see `sort_events`) it took as long as half of all
//! the products that follow.

use std::arch::x86_64::*;

use super::events::{EventMap, Events, PooledGradient};
use super::simd::x86::Avx512;
use super::simd::{LANES, Simd};

/// As `sort_events`; each list has the same order.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,popcnt")]
pub(crate) fn sort(from: PooledGradient<'_>, map: &EventMap, events: &mut Events) {
    from.check();
    assert!(
        map.cover == 1 && from.window.pool.area() < LANES,
        "a place does not fit a register"
    );
    let [height, width] = from.window.pool.output;
    let (pooled, channels) = (height * width, from.window.out_channels);
    assert!(
        map.offsets.len() == pooled * from.window.pool.area(),
        "map of another window"
    );
    assert!(
        events.channels.counts.len() == channels,
        "lists of another window"
    );
    assert!(
        events.channels.gradients.len() >= channels * (pooled + LANES),
        "lists too short"
    );
    assert!(
        events.pixels.gradients.len() >= pooled * channels + LANES,
        "lists too short"
    );
    by_channel(from, map, events);
    by_pixel(from, map, events);
}

/// Sixteen pooled pixels of sixteen channels are looked up, transposed and packed.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,popcnt")]
fn by_channel(from: PooledGradient<'_>, map: &EventMap, events: &mut Events) {
    let PooledGradient {
        window,
        gradient,
        row,
        argmax,
    } = from;
    let [height, width] = window.pool.output;
    let (pooled, stored, area) = (height * width, window.out_stored, window.pool.area());
    let lists = &mut events.channels;
    lists.counts.fill(0);
    // Entries of a pooled pixel's argmax; all others are `none`.
    let entries: __mmask16 = (1 << area) - 1;
    let none = _mm512_set1_epi32(-1);
    for channel in (0..stored).step_by(LANES) {
        for first in (0..pooled).step_by(LANES) {
            let mut values = [_mm512_setzero_ps(); LANES];
            let mut offsets = [_mm512_castsi512_ps(none); LANES];
            for (i, pixel) in (first..pooled.min(first + LANES)).enumerate() {
                // SAFETY: sixteen channels of a pooled pixel in gradient and argmax, whose
                // lengths are checked; `area` entries of the map, the others masked out.
                unsafe {
                    let at = pixel / width * row + pixel % width * stored + channel;
                    values[i] = _mm512_loadu_ps(gradient.as_ptr().add(at));
                    let place = argmax.as_ptr().add(pixel * stored + channel);
                    let place = _mm512_cvtepu8_epi32(_mm_loadu_si128(place.cast()));
                    let table = map.offsets.as_ptr().add(pixel * area);
                    let table = _mm512_mask_loadu_epi32(none, entries, table.cast());
                    // Only the low four bits count: what is cut off looks up the last entry.
                    offsets[i] = _mm512_castsi512_ps(_mm512_permutexvar_epi32(place, table));
                }
            }
            // SAFETY: the features are enabled.
            let (values, offsets) =
                unsafe { (Avx512::transpose(values), Avx512::transpose(offsets)) };
            let real = LANES.min(window.out_channels.saturating_sub(channel));
            for (i, (value, offset)) in values.into_iter().zip(offsets).take(real).enumerate() {
                let offset = _mm512_castps_si512(offset);
                let keep = _mm512_cmpneq_epi32_mask(offset, none);
                let list = channel + i;
                let end = (lists.starts[list] + lists.counts[list]) as usize;
                // SAFETY: a channel has at most as many events as there are pooled pixels, and
                // behind its list is space for a vector; the length is asserted.
                unsafe {
                    let value = _mm512_maskz_compress_ps(keep, value);
                    _mm512_storeu_ps(lists.gradients.as_mut_ptr().add(end), value);
                    let offset = _mm512_maskz_compress_epi32(keep, offset);
                    _mm512_storeu_si512(lists.offsets.as_mut_ptr().add(end).cast(), offset);
                }
                lists.counts[list] += keep.count_ones();
            }
        }
    }
}

/// Windows do not share pixels, so one list is finished before the next begins, and they lie
/// one behind the other.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,popcnt")]
fn by_pixel(from: PooledGradient<'_>, map: &EventMap, events: &mut Events) {
    let PooledGradient {
        window,
        gradient,
        row,
        argmax,
    } = from;
    let [height, width] = window.pool.output;
    let (stored, area) = (window.out_stored, window.pool.area());
    let lists = &mut events.pixels;
    lists.counts.fill(0);
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "the network's size is checked before"
    )]
    let (step, block) = (window.run() as i32, (window.run() * LANES) as i32);
    let lanes = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(step));
    let mut end = 0;
    for y in 0..height {
        for x in 0..width {
            let pooled = y * width + x;
            for place in 0..area {
                let start = end;
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_possible_wrap,
                    reason = "below sixteen"
                )]
                let wanted = _mm_set1_epi8(place as i8);
                let mut weights = lanes;
                for channel in (0..stored).step_by(LANES) {
                    // SAFETY: sixteen channels of a pooled pixel in gradient and argmax; there
                    // is space for all events of all pixels and one more vector.
                    unsafe {
                        let at = argmax.as_ptr().add(pooled * stored + channel);
                        let real = LANES.min(window.out_channels.saturating_sub(channel));
                        let real = ((1_u32 << real) - 1) as __mmask16;
                        let here =
                            _mm_mask_cmpeq_epi8_mask(real, _mm_loadu_si128(at.cast()), wanted);
                        let at = gradient.as_ptr().add(y * row + x * stored + channel);
                        let value = _mm512_maskz_compress_ps(here, _mm512_loadu_ps(at));
                        _mm512_storeu_ps(lists.gradients.as_mut_ptr().add(end), value);
                        let weight = _mm512_maskz_compress_epi32(here, weights);
                        _mm512_storeu_si512(lists.offsets.as_mut_ptr().add(end).cast(), weight);
                        end += here.count_ones() as usize;
                    }
                    weights = _mm512_add_epi32(weights, _mm512_set1_epi32(block));
                }
                let pixel = map.pixels[pooled * area + place] as usize;
                #[allow(clippy::cast_possible_truncation, reason = "as above")]
                {
                    lists.starts[pixel] = start as u32;
                    lists.counts[pixel] = (end - start) as u32;
                }
            }
        }
    }
}
