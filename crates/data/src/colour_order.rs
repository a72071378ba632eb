//! The order in which tables and arrays store the colours of an image.

use bakeoff_core::ImageShape;

/// How the three colours of an image follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Each plane whole.
    Planes,
    /// The three values of each pixel together.
    Pixels,
}

/// The order of the colours, by the difference of vertical neighbours: they are a row apart, and
/// a row of pixels has three times as many values as a row of a plane. `None` where it cannot be
/// told.
pub(crate) fn order(images: &[u8], shape: ImageShape) -> Option<Order> {
    let difference = |distance| difference(images, shape.pixels(), distance, 3 * shape.width);
    let (planes, pixels) = (difference(shape.width), difference(3 * shape.width));
    let (low, high) = (planes.min(pixels), planes.max(pixels));
    if 20 * low >= 19 * high {
        return None;
    }
    Some(if planes < pixels {
        Order::Planes
    } else {
        Order::Pixels
    })
}

/// How much values differ from those `distance` after them, of which there are as many pairs for
/// each distance up to `longest`.
pub(crate) fn difference(values: &[u8], each: usize, distance: usize, longest: usize) -> u64 {
    const IMAGES: usize = 500;
    let one = |image: &[u8]| -> u64 {
        let pairs = image.iter().zip(image.iter().skip(distance));
        let pairs = pairs.take(image.len().saturating_sub(longest));
        pairs.map(|(&a, &b)| u64::from(a.abs_diff(b))).sum()
    };
    let images = values.chunks_exact(each.max(1)).take(IMAGES);
    images.map(one).sum()
}

/// What makes square grey images look like smaller ones of red, green, blue and transparency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FourChannels {
    /// One of the four is 255 everywhere, and nothing else is.
    Opaque,
    /// Neighbours would be more alike.
    Alike,
}

/// Whether grey images of an even side may be images of half the side with four channels, whose
/// values are as many.
pub(crate) fn four_channels(images: &[u8], shape: ImageShape) -> Option<FourChannels> {
    const LEAST_SIDE: usize = 16;
    let (side, each) = (shape.width, shape.pixels());
    let square = shape.channels == 1 && shape.height == side;
    if !square || side % 2 == 1 || side < LEAST_SIDE || images.is_empty() {
        return None;
    }
    let opaque = |is_alpha: &dyn Fn(usize) -> bool| {
        let mut channels = [true; 2];
        for (index, &value) in images.iter().enumerate() {
            channels[usize::from(is_alpha(index % each))] &= value == 255;
        }
        channels == [false, true]
    };
    let [half, row, double] =
        [side / 2, side, 2 * side].map(|d| difference(images, each, d, 2 * side));
    let least = half.min(double);
    let alike = 10 * least < 9 * row;
    // Grey images may be white below; that every fourth column is white is no grey image.
    if opaque(&|at| at % 4 == 3) || alike && opaque(&|at| at >= each / 4 * 3) {
        return Some(FourChannels::Opaque);
    }
    alike.then_some(FourChannels::Alike)
}

/// N×H×W×C to N×C×H×W.
pub(crate) fn to_planes(images: &[u8], shape: ImageShape) -> Vec<u8> {
    let mut planes = Vec::with_capacity(images.len());
    for image in images.chunks_exact(shape.pixels()) {
        for channel in 0..shape.channels {
            planes.extend(image.iter().skip(channel).step_by(shape.channels));
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test without its data must fail loudly"
    )]

    use super::*;

    #[test]
    fn the_order_of_colours_is_told_by_neighbours() {
        let shape = ImageShape::new(3, 12, 12);
        let value = |c: usize, y: usize, x: usize| (60 * c + 5 * y + 6 * x) as u8;
        let planes: Vec<u8> = (0..432)
            .map(|i| value(i / 144, i % 144 / 12, i % 12))
            .collect();
        assert_eq!(order(&planes, shape), Some(Order::Planes));
        let pixels: Vec<u8> = (0..144)
            .flat_map(|p| (0..3).map(move |c| value(c, p / 12, p % 12)))
            .collect();
        assert_eq!(order(&pixels, shape), Some(Order::Pixels));
        assert_eq!(to_planes(&pixels, shape), planes);
        assert_eq!(order(&[0; 432], shape), None);
    }

    #[test]
    fn four_channels_are_told_from_grey() {
        let shape = ImageShape::new(1, 32, 32);
        let value = |c: usize, y: usize, x: usize| match c {
            3 => 255,
            c => (60 * c + 6 * y + 5 * x) as u8,
        };
        let pixels: Vec<u8> = (0..1024)
            .map(|i| value(i % 4, i / 4 / 16, i / 4 % 16))
            .collect();
        assert_eq!(four_channels(&pixels, shape), Some(FourChannels::Opaque));
        let planes: Vec<u8> = (0..1024)
            .map(|i| value(i / 256, i % 256 / 16, i % 16))
            .collect();
        assert_eq!(four_channels(&planes, shape), Some(FourChannels::Opaque));
        let see_through: Vec<u8> = pixels
            .iter()
            .map(|&v| if v == 255 { 200 } else { v })
            .collect();
        assert_eq!(
            four_channels(&see_through, shape),
            Some(FourChannels::Alike)
        );
        let grey: Vec<u8> = (0..1024).map(|i| value(0, i / 32, i % 32)).collect();
        for grey in [grey, vec![255; 1024], vec![0; 1024]] {
            assert_eq!(four_channels(&grey, shape), None);
        }
        let mnist = crate::open("mnist").unwrap();
        let images = mnist.train().images();
        assert_eq!(four_channels(images.pixels(), images.shape()), None);
    }
}
