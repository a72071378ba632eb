//! Filling the lists of events.

use super::events::{EventMap, Events, PooledGradient};
use super::pool::CUT;
use super::simd::{Isa, Kernel, Simd};
#[cfg(target_arch = "x86_64")]
use super::{simd::LANES, sort_events_avx512};

/// Lists the events of one sample, the same on every instruction set.
pub(crate) fn sort_events(isa: Isa, from: PooledGradient<'_>, map: &EventMap, events: &mut Events) {
    // A place is looked up in a register, whose last lane stands for what is cut off.
    #[cfg(target_arch = "x86_64")]
    if isa.is_avx512() && map.cover == 1 && from.window.pool.area() < LANES {
        // SAFETY: the processor has AVX-512.
        return unsafe { sort_events_avx512::sort(from, map, events) };
    }
    isa.run(SortPlainly { from, map, events });
}

/// [`sort_plainly`], compiled for every instruction set.
struct SortPlainly<'a> {
    from: PooledGradient<'a>,
    map: &'a EventMap,
    events: &'a mut Events,
}

impl Kernel for SortPlainly<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        sort_plainly(self.from, self.map, self.events);
    }
}

/// Fills the lists, without branches: what is cut off is written too, and then overwritten.
#[inline(always)]
fn sort_plainly(from: PooledGradient<'_>, map: &EventMap, events: &mut Events) {
    let PooledGradient {
        window,
        gradient,
        row,
        argmax,
    } = from;
    let [height, width] = window.pool.output;
    let area = window.pool.area();
    let channels = window.out_channels;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the network's size is checked before"
    )]
    let step = window.run() as u32;
    events.channels.counts.fill(0);
    events.pixels.counts.fill(0);
    for y in 0..height {
        for x in 0..width {
            let pooled = y * width + x;
            let gradient = &gradient[y * row + x * window.out_stored..][..channels];
            let argmax = &argmax[pooled * window.out_stored..][..channels];
            let offsets = &map.offsets[pooled * area..][..area];
            let pixels = &map.pixels[pooled * area..][..area];
            let mut weights = 0;
            for (channel, (&gradient, &place)) in gradient.iter().zip(argmax).enumerate() {
                let keep = place != CUT;
                let place = if keep { usize::from(place) } else { 0 };
                events
                    .channels
                    .push(channel, gradient, offsets[place], keep);
                events
                    .pixels
                    .push(pixels[place] as usize, gradient, weights, keep);
                weights += step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Plane, Pool, Window};

    #[test]
    fn lists_are_those_of_the_plain_way() {
        let mut state = 1_u32;
        let mut next = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for (channels, size, output) in [
            (64, 2, [5, 5]),
            (3, 1, [4, 7]),
            (37, 3, [3, 2]),
            (16, 2, [6, 3]),
        ] {
            let input = [output[0] * size + 2, output[1] * size + 2];
            let plane = Plane::new(20, input[0], input[1]);
            let pool = Pool {
                size: [size; 2],
                stride: [size; 2],
                output,
            };
            let window = Window {
                input: plane,
                out_channels: channels,
                out_stored: channels.next_multiple_of(LANES),
                kernel: [3, 3],
                stride: [1, 1],
                output: [output[0] * size, output[1] * size],
                used: pool.used(),
                pool,
            };
            let pooled = output[0] * output[1];
            let gradient: Vec<f32> = (0..pooled * window.out_stored)
                .map(|_| next(1000) as f32 - 500.0)
                .collect();
            let argmax: Vec<u8> = (0..gradient.len())
                .map(|_| {
                    if next(3) == 0 {
                        255
                    } else {
                        next((size * size) as u32) as u8
                    }
                })
                .collect();
            let from = PooledGradient {
                window: &window,
                gradient: &gradient,
                row: output[1] * window.out_stored,
                argmax: &argmax,
            };
            let map = EventMap::new(&window);
            let (mut ours, mut plain) = (Events::new(&window, &map), Events::new(&window, &map));
            sort_plainly(from, &map, &mut plain);
            sort_events(Isa::detect(), from, &map, &mut ours);
            for channel in 0..channels {
                assert_eq!(ours.channels.list(channel), plain.channels.list(channel));
            }
            for pixel in 0..map.pixel_offsets.len() {
                assert_eq!(ours.pixels.list(pixel), plain.pixels.list(pixel));
            }
            let total: u32 = ours.pixels.counts.iter().sum();
            assert!(total > 0 && total == ours.channels.counts.iter().sum::<u32>());
        }
    }
}
