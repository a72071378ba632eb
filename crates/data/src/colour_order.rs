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
    const IMAGES: usize = 500;
    let difference = |distance: usize| -> u64 {
        images
            .chunks_exact(shape.pixels())
            .take(IMAGES)
            .map(|image| {
                // As many pairs for each distance.
                let pairs = image.iter().zip(image.iter().skip(distance));
                let count = image.len().saturating_sub(3 * shape.width);
                let sum = pairs.take(count).map(|(&a, &b)| u64::from(a.abs_diff(b)));
                sum.sum::<u64>()
            })
            .sum()
    };
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
}
