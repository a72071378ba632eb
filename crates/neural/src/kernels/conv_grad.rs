//! The way back through convolution, ReLU and max-pooling, one sample at a time.
//!
//! After a 2 × 2 max-pooling at most a quarter of the convolution's results have a gradient,
//! after ReLU still fewer. The gradient is therefore a list of events (result, gradient) and
//! each event costs one multiply-add per weight that it meets, with the operand from memory:
//! two a cycle, as fast as a dense product, for a fraction of the products.
//!
//! - Weights: per out channel the window's gradient is held in registers while all events of
//!   that channel add their windows to it.
//! - Input: per pixel of the convolution the window's gradient is held in registers while all
//!   channels with an event there add their weights to it; then it is added to the input's.
//!
//! Rejected: the two dense matrix products per layer that other libraries do, which multiply
//! mostly by zero. Where nothing is pooled and no ReLU cuts, all results are events, and this
//! is about as fast as those.

use super::conv::CUT;
use super::geometry::{Window, for_each_pooled};
use super::simd::{Kernel, LANES, Simd};

/// A result of the convolution that has a gradient.
#[derive(Debug, Clone, Copy, Default)]
struct Event {
    gradient: f32,
    /// Where its window begins in the input, or where its channel's weights begin.
    at: u32,
}

/// What the gradient of a convolution needs to know beforehand.
#[derive(Debug, Clone)]
pub(crate) struct EventMap {
    /// Per pooled pixel and place in its window, and then [`CUT`]: where the window begins in
    /// the input, and which pixel of the convolution it is.
    targets: Vec<[u32; 2]>,
    /// Pixels of the convolution that are looked at.
    pixels: Vec<u32>,
    /// How many pooling windows may share a pixel.
    cover: usize,
}

impl EventMap {
    pub(crate) fn new(window: &Window) -> Self {
        let index = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let [height, width] = window.used;
        let dummy = index(height * width);
        let mut targets = Vec::new();
        for_each_pooled(&window.pool, |y, x| {
            targets.push([index(window.offset(y, x)), index(y * width + x)]);
            if targets.len() % (window.pool.area() + 1) == window.pool.area() {
                targets.push([0, dummy]);
            }
        });
        let pixels = (0..height * width)
            .map(|at| index(window.offset(at / width, at % width)))
            .collect();
        let cover = |i: usize| window.pool.size[i].div_ceil(window.pool.stride[i]);
        Self {
            targets,
            pixels,
            cover: cover(0) * cover(1),
        }
    }
}

/// Lists that are filled anew for every sample.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events {
    by_channel: Vec<Event>,
    by_pixel: Vec<Event>,
    channel_counts: Vec<u32>,
    pixel_counts: Vec<u32>,
}

impl Events {
    /// Room for the events of one sample.
    pub(crate) fn new(window: &Window, map: &EventMap) -> Self {
        let pooled = window.pool.output[0] * window.pool.output[1];
        let pixels = map.pixels.len() + 1;
        Self {
            by_channel: vec![Event::default(); window.out_channels * (pooled + 1)],
            by_pixel: vec![Event::default(); pixels * (window.out_channels * map.cover + 1)],
            channel_counts: vec![0; window.out_channels],
            pixel_counts: vec![0; pixels],
        }
    }
}

/// Gradient of one sample for a convolution that has others before it.
pub(crate) struct ConvolveBack<'a> {
    pub(crate) window: &'a Window,
    pub(crate) map: &'a EventMap,
    pub(crate) events: &'a mut Events,
    /// The sample, border included.
    pub(crate) input: &'a [f32],
    /// Kernel height × out channels × run.
    pub(crate) weights: &'a [f32],
    /// Gradient of the pooled result: rows of `gradient_row`, pixels of stored channels.
    pub(crate) gradient: &'a [f32],
    pub(crate) gradient_row: usize,
    pub(crate) places: &'a [u8],
    /// Laid out as `weights`; is added to.
    pub(crate) weight_gradient: &'a mut [f32],
    /// One per stored out channel; is added to.
    pub(crate) bias_gradient: &'a mut [f32],
    /// Laid out as `input`; is overwritten.
    pub(crate) input_gradient: &'a mut [f32],
}

impl Kernel for ConvolveBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let window = self.window;
        let run = window.run();
        let weights = window.kernel[0] * window.out_channels * run;
        assert!(
            self.input.len() >= window.input.len(),
            "input shorter than its plane"
        );
        assert!(
            self.input_gradient.len() >= window.input.len(),
            "gradient too short"
        );
        assert!(self.weights.len() >= weights, "too few weights");
        assert!(
            self.weight_gradient.len() >= weights,
            "too few weight gradients"
        );
        sum_bias::<S>(
            window,
            self.gradient,
            self.gradient_row,
            self.places,
            self.bias_gradient,
        );
        sort(
            window,
            self.map,
            self.events,
            self.gradient,
            self.gradient_row,
            self.places,
        );

        let events = &*self.events;
        let pooled = window.pool.output[0] * window.pool.output[1];
        let vectors = run / LANES;
        let row = window.input.row();
        // Three rows of the window at once where the registers hold them.
        let mut ky = 0;
        while ky < window.kernel[0] {
            let rows = if window.kernel[0] - ky >= 3 && S::ACCUMULATORS >= 24 {
                3
            } else {
                1
            };
            let limit = if rows == 3 { 8 } else { S::ACCUMULATORS.min(8) };
            let blocks = vectors.div_ceil(limit);
            for channel in 0..window.out_channels {
                let count = events.channel_counts[channel] as usize;
                let list = &events.by_channel[channel * (pooled + 1)..][..count];
                let mut vector = 0;
                for block in 0..blocks {
                    let next = vectors * (block + 1) / blocks;
                    // SAFETY: every event's window lies inside the input plane, and the
                    // channel's weights inside `weight_gradient`, as asserted above.
                    unsafe {
                        let input = self.input.as_ptr().add(ky * row + vector * LANES);
                        let sums = self
                            .weight_gradient
                            .as_mut_ptr()
                            .add((ky * window.out_channels + channel) * run + vector * LANES);
                        let step = window.out_channels * run;
                        if rows == 3 {
                            add_windows_of::<S, 3>(next - vector, list, input, row, sums, step);
                        } else {
                            add_windows_of::<S, 1>(next - vector, list, input, row, sums, step);
                        }
                    }
                    vector = next;
                }
            }
            ky += rows;
        }

        self.input_gradient.fill(0.0);
        let capacity = window.out_channels * self.map.cover + 1;
        let blocks = vectors.div_ceil(S::ACCUMULATORS.min(8));
        for ky in 0..window.kernel[0] {
            let mut vector = 0;
            for block in 0..blocks {
                let next = vectors * (block + 1) / blocks;
                for (pixel, &at) in self.map.pixels.iter().enumerate() {
                    let count = events.pixel_counts[pixel] as usize;
                    let list = &events.by_pixel[pixel * capacity..][..count];
                    // SAFETY: an event's weights lie inside `weights`, and the pixel's window
                    // inside the input plane, as asserted above.
                    unsafe {
                        let from = self
                            .weights
                            .as_ptr()
                            .add(ky * window.out_channels * run + vector * LANES);
                        let to = self
                            .input_gradient
                            .as_mut_ptr()
                            .add(at as usize + ky * row + vector * LANES);
                        add_weights_of::<S>(next - vector, list, from, to);
                    }
                }
                vector = next;
            }
        }
    }
}

/// Adds up the gradients of all pooled pixels that were not cut off.
#[inline(always)]
fn sum_bias<S: Simd>(
    window: &Window,
    gradient: &[f32],
    gradient_row: usize,
    places: &[u8],
    bias_gradient: &mut [f32],
) {
    let [height, width] = window.pool.output;
    let stored = window.out_stored;
    assert!(
        gradient.len() >= (height - 1) * gradient_row + width * stored,
        "gradient too short"
    );
    assert!(places.len() >= height * width * stored, "places too short");
    assert!(bias_gradient.len() >= stored, "too few biases");
    for c in (0..stored).step_by(LANES) {
        // SAFETY: whole vectors inside the slices whose lengths are asserted above.
        unsafe {
            let (zero, cut) = (S::splat(0.0), S::splat(f32::from(CUT)));
            let mut sum = zero;
            for y in 0..height {
                for x in 0..width {
                    let place = S::load_u8(places.as_ptr().add((y * width + x) * stored + c));
                    let value = S::load(gradient.as_ptr().add(y * gradient_row + x * stored + c));
                    sum = S::add(sum, S::select_gt(cut, place, value, zero));
                }
            }
            let to = bias_gradient.as_mut_ptr().add(c);
            S::store(to, S::add(S::load(to), sum));
        }
    }
}

/// Fills the lists of events, both in the order of pooled pixels and channels.
#[inline(always)]
fn sort(
    window: &Window,
    map: &EventMap,
    events: &mut Events,
    gradient: &[f32],
    gradient_row: usize,
    places: &[u8],
) {
    let [height, width] = window.pool.output;
    let area = window.pool.area();
    let channels = window.out_channels;
    let by_channel = height * width + 1;
    let by_pixel = channels * map.cover + 1;
    events.channel_counts.fill(0);
    events.pixel_counts.fill(0);
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the network's size is checked before"
    )]
    let weight_step = window.run() as u32;
    for y in 0..height {
        for x in 0..width {
            let pooled = y * width + x;
            let gradient = &gradient[y * gradient_row + x * window.out_stored..][..channels];
            let places = &places[pooled * window.out_stored..][..channels];
            let targets = &map.targets[pooled * (area + 1)..][..=area];
            let mut weight = 0;
            let lists = events.by_channel.chunks_exact_mut(by_channel);
            let counts = &mut events.channel_counts;
            for (((&gradient, &place), list), count) in
                gradient.iter().zip(places).zip(lists).zip(counts)
            {
                // No branch: what is cut off is written too, and then overwritten.
                let [at, pixel] = targets[usize::from(place).min(area)];
                let counts = u32::from(place != CUT);
                list[*count as usize] = Event { gradient, at };
                *count += counts;
                let pixel = pixel as usize;
                let end = &mut events.pixel_counts[pixel];
                events.by_pixel[pixel * by_pixel + *end as usize] = Event {
                    gradient,
                    at: weight,
                };
                *end += counts;
                weight += weight_step;
            }
        }
    }
}

/// Picks the block compiled for this number of vectors.
#[inline(always)]
unsafe fn add_windows_of<S: Simd, const R: usize>(
    vectors: usize,
    events: &[Event],
    input: *const f32,
    row: usize,
    sums: *mut f32,
    step: usize,
) {
    macro_rules! pick {
        ($($n:literal)*) => {
            match vectors {
                // SAFETY: as the caller vouches.
                $($n if $n <= S::ACCUMULATORS => unsafe {
                    add_windows::<S, R, $n>(events, input, row, sums, step);
                },)*
                _ => unreachable!("a block has at most eight vectors"),
            }
        };
    }
    pick!(1 2 3 4 5 6 7 8);
}

/// `sums[r][n] += Σ gradient · input[at + r · row + n]` over the events.
#[inline(always)]
unsafe fn add_windows<S: Simd, const R: usize, const N: usize>(
    events: &[Event],
    input: *const f32,
    row: usize,
    to: *mut f32,
    step: usize,
) {
    // SAFETY: the caller vouches for all windows and sums.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; R];
        for (r, sums) in sums.iter_mut().enumerate() {
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(to.add(r * step + n * LANES));
            }
        }
        for event in events {
            let gradient = S::splat(event.gradient);
            let from = input.add(event.at as usize);
            for (r, sums) in sums.iter_mut().enumerate() {
                for (n, sum) in sums.iter_mut().enumerate() {
                    *sum = S::fma(gradient, S::load(from.add(r * row + n * LANES)), *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (n, &sum) in sums.iter().enumerate() {
                S::store(to.add(r * step + n * LANES), sum);
            }
        }
    }
}

/// Picks the block compiled for this number of vectors.
#[inline(always)]
unsafe fn add_weights_of<S: Simd>(
    vectors: usize,
    events: &[Event],
    from: *const f32,
    to: *mut f32,
) {
    macro_rules! pick {
        ($($n:literal)*) => {
            match vectors {
                // SAFETY: as the caller vouches.
                $($n if $n <= S::ACCUMULATORS => unsafe {
                    add_weights::<S, $n>(events, from, to);
                },)*
                _ => unreachable!("a block has at most eight vectors"),
            }
        };
    }
    pick!(1 2 3 4 5 6 7 8);
}

/// `to[n] += Σ gradient · weights[at + n]` over the events.
#[inline(always)]
unsafe fn add_weights<S: Simd, const N: usize>(events: &[Event], from: *const f32, to: *mut f32) {
    // SAFETY: the caller vouches for all weights and the target.
    unsafe {
        let mut sums = [S::splat(0.0); N];
        for event in events {
            let gradient = S::splat(event.gradient);
            let weights = from.add(event.at as usize);
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = S::fma(gradient, S::load(weights.add(n * LANES)), *sum);
            }
        }
        for (n, &sum) in sums.iter().enumerate() {
            let to = to.add(n * LANES);
            S::store(to, S::add(S::load(to), sum));
        }
    }
}

/// Gradient of one sample for the first convolution, whose input needs none.
///
/// Its few input channels make no vectors; here the out channels do. Per place in the pooling
/// window the gradients of the channels whose maximum is there meet the window's pixels.
pub(crate) struct FirstBack<'a> {
    pub(crate) window: &'a Window,
    /// [`Window::pooled_offsets`].
    pub(crate) offsets: &'a [u32],
    /// Per weight of a window, where it is from the window's begin: [`tap_offsets`].
    pub(crate) taps: &'a [u32],
    pub(crate) input: &'a [f32],
    pub(crate) gradient: &'a [f32],
    pub(crate) gradient_row: usize,
    pub(crate) places: &'a [u8],
    /// Panels of (kernel height · run) × up to 32 out channels; is added to.
    pub(crate) weight_gradient: &'a mut [f32],
    /// One per stored out channel; is added to.
    pub(crate) bias_gradient: &'a mut [f32],
}

/// Where a window's numbers lie, from its begin.
pub(crate) fn tap_offsets(window: &Window) -> Vec<u32> {
    let run = window.run();
    (0..window.taps())
        .map(|k| u32::try_from(k / run * window.input.row() + k % run).unwrap_or(u32::MAX))
        .collect()
}

impl Kernel for FirstBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let window = self.window;
        let (stored, taps) = (window.out_stored, self.taps.len());
        assert!(
            self.input.len() >= window.input.len(),
            "input shorter than its plane"
        );
        assert!(
            self.weight_gradient.len() >= taps * stored,
            "too few weight gradients"
        );
        assert!(self.taps.len() == window.taps(), "taps of another window");
        sum_bias::<S>(
            window,
            self.gradient,
            self.gradient_row,
            self.places,
            self.bias_gradient,
        );
        // Registers for the gradients and places of one block stay free.
        let limit = if S::TILE_VECTORS == 2 {
            10
        } else {
            S::TILE_ROWS - 1
        };
        let blocks = taps.div_ceil(limit);
        for panel in (0..stored).step_by(PANEL) {
            let columns = PANEL.min(stored - panel);
            let wide = columns == PANEL && S::TILE_VECTORS == 2;
            let mut c = 0;
            while c < columns {
                let mut tap = 0;
                for block in 0..blocks {
                    let next = taps * (block + 1) / blocks;
                    // SAFETY: the sums are inside `weight_gradient`; the rest as asserted.
                    unsafe {
                        let sums = self
                            .weight_gradient
                            .as_mut_ptr()
                            .add(panel * taps + tap * columns + c);
                        if wide {
                            first_of::<S, 2>(
                                &self,
                                &self.taps[tap..next],
                                panel + c,
                                sums,
                                columns,
                            );
                        } else {
                            first_of::<S, 1>(
                                &self,
                                &self.taps[tap..next],
                                panel + c,
                                sums,
                                columns,
                            );
                        }
                    }
                    tap = next;
                }
                c += if wide { PANEL } else { LANES };
            }
        }
    }
}

use super::geometry::PANEL;

/// Picks the block compiled for this number of taps.
#[inline(always)]
unsafe fn first_of<S: Simd, const N: usize>(
    from: &FirstBack<'_>,
    taps: &[u32],
    channel: usize,
    sums: *mut f32,
    step: usize,
) {
    macro_rules! pick {
        ($($m:literal)*) => {
            match taps.len() {
                // SAFETY: as the caller vouches.
                $($m if $m <= S::TILE_ROWS => unsafe {
                    first::<S, $m, N>(from, taps, channel, sums, step);
                },)*
                _ => unreachable!("a block has at most ten taps"),
            }
        };
    }
    pick!(1 2 3 4 5 6 7 8 9 10);
}

#[inline(always)]
unsafe fn first<S: Simd, const M: usize, const N: usize>(
    from: &FirstBack<'_>,
    taps: &[u32],
    channel: usize,
    to: *mut f32,
    step: usize,
) {
    let FirstBack {
        window,
        offsets,
        input,
        gradient,
        gradient_row,
        places,
        ..
    } = *from;
    let [height, width] = window.pool.output;
    let area = window.pool.area();
    let stored = window.out_stored;
    let taps: [usize; M] = std::array::from_fn(|m| taps[m] as usize);
    // SAFETY: windows lie inside the input, vectors inside gradient and places, sums inside
    // the weights' gradient: the caller has asserted the lengths.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; M];
        for y in 0..height {
            for x in 0..width {
                let mut values = [S::splat(0.0); N];
                let mut where_ = [S::splat(0.0); N];
                for n in 0..N {
                    let c = channel + n * LANES;
                    values[n] = S::load(gradient.as_ptr().add(y * gradient_row + x * stored + c));
                    where_[n] = S::load_u8(places.as_ptr().add((y * width + x) * stored + c));
                }
                let offsets = &offsets[(y * width + x) * area..][..area];
                for (place, &offset) in offsets.iter().enumerate() {
                    #[allow(clippy::cast_precision_loss, reason = "at most 254")]
                    let place = S::splat(place as f32);
                    let mut here = [S::splat(0.0); N];
                    for n in 0..N {
                        here[n] = S::keep_eq(where_[n], place, values[n]);
                    }
                    let start = input.as_ptr().add(offset as usize);
                    for (sums, &tap) in sums.iter_mut().zip(&taps) {
                        let pixel = S::splat(*start.add(tap));
                        for (sum, &here) in sums.iter_mut().zip(&here) {
                            *sum = S::fma(pixel, here, *sum);
                        }
                    }
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            for (n, &sum) in sums.iter().enumerate() {
                let to = to.add(m * step + n * LANES);
                S::store(to, S::add(S::load(to), sum));
            }
        }
    }
}
