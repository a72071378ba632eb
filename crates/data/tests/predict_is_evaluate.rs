//! What a model is shown when a person asks about a file of a dataset is what it is evaluated on.

#![allow(
    clippy::unwrap_used,
    reason = "a test without its data must fail loudly"
)]

use std::{fs, path::Path};

use bakeoff_core::{Colour, Fit, ImageShape, Images, OpenOptions, Preparation};
use bakeoff_picture::{encode_png, prepare};
use proptest::prelude::*;

/// One image as a PNG, each pixel as a square of `times` × `times`.
fn enlarged(shape: ImageShape, pixels: &[u8], times: usize) -> Vec<u8> {
    let large = ImageShape::new(shape.channels, shape.height * times, shape.width * times);
    let mut values = Vec::with_capacity(large.pixels());
    for plane in pixels.chunks(shape.height * shape.width) {
        for row in 0..large.height {
            let row = &plane[(row / times) * shape.width..][..shape.width];
            values.extend(row.iter().flat_map(|value| vec![*value; times]));
        }
    }
    encode_png(large, &values).unwrap()
}

/// Class folders with these PNG files, in `train` and in `test`, one class after the other.
fn folders(root: &Path, files: &[Vec<u8>]) {
    for (index, bytes) in files.iter().enumerate() {
        for part in ["train", "test"] {
            let folder = root.join(part).join(["a", "b"][index % 2]);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{index:04}.png")), bytes).unwrap();
        }
    }
}

/// Every test image of the folders is what its own file is prepared to.
fn assert_the_law(root: &Path, options: &OpenOptions) -> Preparation {
    let opened = bakeoff_data::open_with(root.to_str().unwrap(), options).unwrap();
    let dataset = opened.dataset;
    let how = bakeoff_data::preparation(dataset.train().images(), options);
    let test = dataset.test().images();
    let mut files: Vec<_> = ["a", "b"]
        .iter()
        .flat_map(|class| fs::read_dir(root.join("test").join(class)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), test.len());
    for (file, expected) in files.iter().zip(test.iter()) {
        let prepared = prepare(&fs::read(file).unwrap(), test.shape(), how).unwrap();
        assert_eq!(prepared.images.pixels(), expected, "{}", file.display());
    }
    how
}

/// Images of some kind: shape, and pixels of a few of them.
fn images() -> impl Strategy<Value = (ImageShape, Vec<Vec<u8>>)> {
    let kind = prop_oneof![Just(1_usize), Just(3)];
    (kind, 4_usize..12, 4_usize..12, 0..4_u8, 2_usize..6).prop_flat_map(
        |(channels, height, width, tone, count)| {
            let shape = ImageShape::new(channels, height, width);
            // Dark, light, of all levels, or of two.
            let level = match tone {
                0 => (0..60_u8).boxed(),
                1 => (190..=255_u8).boxed(),
                2 => any::<u8>().boxed(),
                _ => prop_oneof![Just(0_u8), Just(255)].boxed(),
            };
            let image = prop::collection::vec(level, shape.pixels());
            (Just(shape), prop::collection::vec(image, count))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_are_prepared_as_their_dataset_reads_them(
        (shape, images) in images(),
        times in 1_usize..4,
        size in prop::option::of((3_usize..14, 3_usize..14)),
        fit in prop::sample::select(Fit::ALL.to_vec()),
        colour in prop::sample::select(Colour::ALL.to_vec()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<Vec<u8>> = images.iter().map(|i| enlarged(shape, i, times)).collect();
        folders(folder.path(), &files);
        let options = OpenOptions {
            size: size.map(|(height, width)| [height, width]),
            fit,
            colour,
            ..OpenOptions::default()
        };
        assert_the_law(folder.path(), &options);
    }

    /// An enlarged file gives the image that it was made of.
    #[test]
    fn enlarging_changes_nothing((shape, images) in images(), times in 1_usize..5) {
        for image in &images {
            let how = Preparation::Plain { fit: Fit::Stretch };
            let prepared = prepare(&enlarged(shape, image, times), shape, how).unwrap();
            prop_assert_eq!(prepared.images.pixels(), &image[..]);
        }
    }
}

#[test]
fn mnist_is_shown_as_it_is() {
    let mnist = bakeoff_data::open("mnist").unwrap();
    let (test, options) = (mnist.test().images(), OpenOptions::default());
    let how = bakeoff_data::preparation(mnist.train().images(), &options);
    assert_eq!(how, Preparation::Ink);
    for image in test.iter() {
        let file = encode_png(test.shape(), image).unwrap();
        let prepared = prepare(&file, test.shape(), how).unwrap();
        assert_eq!(prepared.images.pixels(), image);
    }
    let few = |images: &Images| -> Vec<Vec<u8>> {
        let few = images.iter().take(300);
        few.map(|image| encode_png(test.shape(), image).unwrap())
            .collect()
    };
    let folder = tempfile::tempdir().unwrap();
    folders(folder.path(), &few(test));
    assert_eq!(assert_the_law(folder.path(), &options), Preparation::Ink);
    // The same as dark ink on white is no ink of MNIST's, and shown as it is too.
    let negative: Vec<u8> = test.pixels().iter().map(|value| 255 - value).collect();
    let negative = Images::new(test.shape(), negative).unwrap();
    let folder = tempfile::tempdir().unwrap();
    folders(folder.path(), &few(&negative));
    let plain = Preparation::Plain { fit: Fit::Stretch };
    assert_eq!(assert_the_law(folder.path(), &options), plain);
}
