//! How the images of a dataset came to be, found from the images.

use bakeoff_core::{Images, OpenOptions, Preparation, Prepare};
use bakeoff_picture::is_placed;

/// So many training images are looked at, evenly spread.
const LOOKED_AT: usize = 1000;
/// Of these at least so many in a hundred are like MNIST's.
const LIKE_MNIST: usize = 95;

/// How images from elsewhere are prepared for models that are trained on `train`, unless it is
/// stated.
///
/// A dataset is of ink as MNIST is, if at least 95 of 100 images are placed as MNIST's
/// ([`is_placed`]). That is so for all 10,000 test images of MNIST, and for none of 1,000 training
/// images of Fashion-MNIST.
pub fn preparation(train: &Images, options: &OpenOptions) -> Preparation {
    let plain = Preparation::Plain { fit: options.fit };
    match options.prepare {
        Prepare::Ink => Preparation::Ink,
        Prepare::Plain => plain,
        Prepare::Auto => {
            let step = train.len().div_ceil(LOOKED_AT).max(1);
            let looked_at = train.iter().step_by(step);
            let (mut all, mut ink) = (0, 0);
            for image in looked_at {
                all += 1;
                ink += usize::from(is_placed(image, train.shape()));
            }
            match all > 0 && 100 * ink >= LIKE_MNIST * all {
                true => Preparation::Ink,
                false => plain,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test without its data must fail loudly"
    )]

    use bakeoff_core::{Fit, ImageShape};

    use super::*;

    #[test]
    fn mnist_is_ink_and_what_is_stated_counts() {
        let mnist = crate::open("mnist").unwrap();
        for part in [mnist.train(), mnist.test()] {
            let found = preparation(part.images(), &OpenOptions::default());
            assert_eq!(found, Preparation::Ink);
        }
        let shape = mnist.test().images().shape();
        let like = mnist
            .test()
            .images()
            .iter()
            .filter(|image| is_placed(image, shape));
        assert!(like.count() >= 9_990);
        let stated = |prepare| {
            let options = OpenOptions {
                prepare,
                fit: Fit::Pad,
                ..OpenOptions::default()
            };
            preparation(mnist.test().images(), &options)
        };
        assert_eq!(stated(Prepare::Plain), Preparation::Plain { fit: Fit::Pad });
        assert_eq!(stated(Prepare::Ink), Preparation::Ink);
    }

    #[test]
    fn small_and_faint_images_are_plain() {
        // A square in the middle, as large as MNIST's digits in proportion.
        let square = |side: usize, value: u8| {
            let shape = ImageShape::new(1, side, side);
            let ink = (side * 20 + 14) / 28;
            let first = (side - ink) / 2;
            let inside = |at: usize| (first..first + ink).contains(&at);
            let pixels: Vec<u8> = (0..side * side)
                .map(|at| value * u8::from(inside(at / side) && inside(at % side)))
                .collect();
            let images = Images::new(shape, pixels).unwrap();
            preparation(&images, &OpenOptions::default())
        };
        let plain = Preparation::Plain { fit: Fit::Stretch };
        assert_eq!(square(28, 255), Preparation::Ink);
        assert_eq!(square(16, 128), Preparation::Ink);
        assert_eq!((square(28, 20), square(8, 255)), (plain, plain));
    }

    #[test]
    fn what_fills_its_image_or_is_dark_on_light_is_plain() {
        let mnist = crate::open("mnist").unwrap();
        let images = mnist.test().images();
        let plain = Preparation::Plain { fit: Fit::Stretch };
        let negative: Vec<u8> = images.pixels().iter().map(|value| 255 - value).collect();
        let negative = Images::new(images.shape(), negative).unwrap();
        let shape = ImageShape::new(1, 8, 8);
        let full: Vec<u8> = (0..640).map(|i| (i % 7) as u8 * 40).collect();
        let full = Images::new(shape, full).unwrap();
        let none = Images::new(shape, Vec::new()).unwrap();
        for images in [&negative, &full, &none] {
            assert_eq!(preparation(images, &OpenOptions::default()), plain);
        }
    }
}
