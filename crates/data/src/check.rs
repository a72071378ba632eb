//! What one look at every pixel says of a dataset before anything is trained.

use std::collections::{HashMap, HashSet};

use bakeoff_core::{
    Samples,
    record::{PixelValues, Repeats},
};

/// The images of the parts that are there more than once, to the last pixel. Costs one look at
/// every pixel and a table of as many entries as images.
pub fn repeats(train: &Samples, validation: Option<&Samples>, test: &Samples) -> Repeats {
    let mut known: HashMap<&[u8], Known> = HashMap::with_capacity(train.len() + test.len());
    let mut found = Repeats::default();
    let mut conflicting = 0;
    for (image, label) in each(train) {
        match known.get_mut(image) {
            Some(first) => {
                found.in_train += 1;
                conflicting += usize::from(first.also(label));
            }
            None => {
                known.insert(image, Known::new(label, true));
            }
        }
    }
    for (place, (image, label)) in each(test).enumerate() {
        match known.get_mut(image) {
            Some(first) => {
                conflicting += usize::from(first.also(label));
                match first.in_train {
                    // As many images as an index holds: checked when the dataset was made.
                    true => found.seen.extend(u32::try_from(place)),
                    false => found.in_test += 1,
                }
            }
            None => {
                known.insert(image, Known::new(label, false));
            }
        }
    }
    found.conflicting = conflicting;
    if let Some(validation) = validation {
        let is_train = |image: &[u8]| known.get(image).is_some_and(|first| first.in_train);
        found.validation_in_train = each(validation)
            .filter(|(image, _)| is_train(image))
            .count();
        let validation: HashSet<&[u8]> = validation.images().iter().collect();
        found.test_in_validation = each(test)
            .filter(|(image, _)| validation.contains(image))
            .count();
    }
    found
}

/// The pixel values of a part; zeros of an empty one.
pub fn pixel_values(samples: &Samples) -> PixelValues {
    let pixels = || samples.images().pixels().iter().copied();
    let is_blank = |image: &&[u8]| image.windows(2).all(|pair| pair[0] == pair[1]);
    PixelValues {
        lowest: pixels().min().unwrap_or_default(),
        highest: pixels().max().unwrap_or_default(),
        blank: samples.images().iter().filter(is_blank).count(),
    }
}

/// An image that was met, by its first sample.
struct Known {
    label: u16,
    in_train: bool,
    conflicts: bool,
}

impl Known {
    fn new(label: u16, in_train: bool) -> Self {
        Self {
            label,
            in_train,
            conflicts: false,
        }
    }

    /// Whether another label makes the image a conflict that was none yet.
    fn also(&mut self, label: u16) -> bool {
        let first = label != self.label && !self.conflicts;
        self.conflicts |= first;
        first
    }
}

fn each(samples: &Samples) -> impl Iterator<Item = (&[u8], u16)> {
    samples
        .images()
        .iter()
        .zip(samples.labels().iter().copied())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test without its data must fail loudly"
    )]

    use bakeoff_core::{ImageShape, Images};

    use super::*;

    fn samples(images: &[([u8; 2], u16)]) -> Samples {
        let pixels: Vec<u8> = images.iter().flat_map(|(pixels, _)| *pixels).collect();
        let labels: Vec<u16> = images.iter().map(|(_, label)| *label).collect();
        let images = Images::new(ImageShape::new(1, 1, 2), pixels).unwrap();
        Samples::new(images, labels, vec!["a".into(), "b".into()]).unwrap()
    }

    #[test]
    fn repeated_and_conflicting_images_are_counted() {
        let train = samples(&[
            ([1, 2], 0),
            ([3, 4], 1),
            ([1, 2], 0),
            ([1, 2], 1),
            ([5, 6], 0),
        ]);
        let test = samples(&[
            ([7, 8], 0),
            ([3, 4], 1),
            ([7, 8], 0),
            ([5, 6], 1),
            ([9, 9], 0),
        ]);
        let expected = Repeats {
            in_train: 2,
            in_test: 1,
            // [1, 2] within the training part, [5, 6] across the parts.
            conflicting: 2,
            seen: vec![1, 3],
            ..Repeats::default()
        };
        assert_eq!(repeats(&train, None, &test), expected);
        let validation = samples(&[([1, 2], 0), ([9, 9], 0), ([8, 8], 1), ([9, 9], 1)]);
        let expected = Repeats {
            validation_in_train: 1,
            test_in_validation: 1,
            ..expected
        };
        assert_eq!(repeats(&train, Some(&validation), &test), expected);
    }

    #[test]
    fn values_and_blank_images_are_counted() {
        let part = samples(&[([7, 7], 0), ([3, 200], 1), ([200, 200], 0)]);
        let expected = PixelValues {
            lowest: 3,
            highest: 200,
            blank: 2,
        };
        assert_eq!(pixel_values(&part), expected);
    }

    #[test]
    fn mnist_has_no_test_image_in_its_training_part() {
        let mnist = crate::open("mnist").unwrap();
        let found = repeats(mnist.train(), None, mnist.test());
        assert_eq!(found, Repeats::default());
    }
}
