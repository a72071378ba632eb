//! Where everything lies: planes of stored channels, windows of convolution and pooling.
//!
//! Inside the network a sample is stored as H×W×C with the channels padded to a multiple of
//! sixteen and with the border of zeros that the next convolution needs already around it.
//! So a vector is sixteen channels of one pixel, a row of a convolution's window is one
//! contiguous run (`kernel width · stored channels` numbers), and no kernel ever checks whether
//! it is inside the image. The image itself keeps its few channels unpadded.
//!
//! Rejected: N×C×H×W as PyTorch stores it (a window is then `channels · kernel height` short
//! runs, and gathering them cost as much as the arithmetic), and N×C/16×H×W×16 as oneDNN does
//! (equal in speed here, but a window's row falls into pieces).

use super::simd::LANES;

/// The numbers that one sample has between two operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Channels with padding: the distance from one pixel to the next.
    pub(crate) stored: usize,
    /// Rows and columns of zeros above, left, below and right.
    pub(crate) border: [usize; 4],
}

impl Plane {
    /// Channels padded to whole vectors, no border.
    pub(crate) fn new(channels: usize, height: usize, width: usize) -> Self {
        let stored = channels.next_multiple_of(LANES);
        Self {
            channels,
            height,
            width,
            stored,
            border: [0; 4],
        }
    }

    /// From the start of one row to the next.
    pub(crate) fn row(&self) -> usize {
        let [_, left, _, right] = self.border;
        (left + self.width + right) * self.stored
    }

    /// Index of the first pixel inside the border.
    pub(crate) fn origin(&self) -> usize {
        let [above, left, ..] = self.border;
        above * self.row() + left * self.stored
    }

    /// Index of pixel (y, x).
    pub(crate) fn at(&self, y: usize, x: usize) -> usize {
        self.origin() + y * self.row() + x * self.stored
    }

    pub(crate) fn len(&self) -> usize {
        let [above, _, below, _] = self.border;
        (above + self.height + below) * self.row()
    }

    /// Bytes that the places of a sample's maxima take.
    pub(crate) fn argmax_len(&self) -> usize {
        self.height * self.width * self.stored
    }

    /// From one sample to the next: whole panels of a matrix, so that a dense layer can take
    /// the plane as it lies.
    pub(crate) fn stride(&self) -> usize {
        self.len().next_multiple_of(PANEL)
    }
}

/// Columns of a panel of a weight matrix: two vectors.
pub(crate) const PANEL: usize = 2 * LANES;

/// The sliding window of a convolution over a plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// What it slides over; its border is the convolution's padding.
    pub(crate) input: Plane,
    pub(crate) out_channels: usize,
    /// Out channels padded to whole vectors.
    pub(crate) out_stored: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Height and width of the convolution's result.
    pub(crate) output: [usize; 2],
    /// The part of the result that pooling looks at; the rest is never computed.
    pub(crate) used: [usize; 2],
    pub(crate) pool: Pool,
}

/// Max-pooling; one by one where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) size: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Height and width of what pooling leaves.
    pub(crate) output: [usize; 2],
}

impl Pool {
    /// Over `input` (height and width), rounding down as PyTorch and Keras do.
    pub(crate) fn new(input: [usize; 2], size: [usize; 2], stride: [usize; 2]) -> Self {
        let along = |i: usize| (input[i] - size[i]) / stride[i] + 1;
        Self {
            size,
            stride,
            output: [along(0), along(1)],
        }
    }

    /// Pixels in a window.
    pub(crate) fn area(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Height and width of the input that some window covers.
    pub(crate) fn used(&self) -> [usize; 2] {
        let along = |i: usize| (self.output[i] - 1) * self.stride[i] + self.size[i];
        [along(0), along(1)]
    }

    /// Windows that do not share rows.
    pub(crate) fn rows_apart(&self) -> bool {
        self.stride[0] >= self.size[0]
    }
}

impl Window {
    /// Length of one contiguous row of the window.
    pub(crate) fn run(&self) -> usize {
        self.kernel[1] * self.input.stored
    }

    /// Numbers under the window.
    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.run()
    }

    /// Where, in a sample's input, the window for output pixel (y, x) begins.
    pub(crate) fn offset(&self, y: usize, x: usize) -> usize {
        y * self.stride[0] * self.input.row() + x * self.stride[1] * self.input.stored
    }

    /// For every pooled pixel and every place in its window, in this order, where the
    /// convolution's window for that place begins in the input.
    pub(crate) fn pooled_offsets(&self) -> Vec<u32> {
        let mut offsets = Vec::new();
        for_each_pooled(&self.pool, |y, x| {
            offsets.push(u32::try_from(self.offset(y, x)).unwrap_or(u32::MAX));
        });
        offsets
    }
}

/// Calls `f` with the row and column of every place of every window, window by window.
pub(crate) fn for_each_pooled(pool: &Pool, mut f: impl FnMut(usize, usize)) {
    for py in 0..pool.output[0] {
        for px in 0..pool.output[1] {
            for wy in 0..pool.size[0] {
                for wx in 0..pool.size[1] {
                    f(py * pool.stride[0] + wy, px * pool.stride[1] + wx);
                }
            }
        }
    }
}
