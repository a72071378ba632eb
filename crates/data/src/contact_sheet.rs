//! Images to look at: samples of each class, and examples of each corruption, as PNG.

use bakeoff_core::{Corruption, Images, Samples};
use bakeoff_picture::{Grid, PictureError};

use crate::corrupt;

/// A contact sheet as PNG: a row per class in the order of the classes, in each row the first
/// `per_class` images of that class, thin lines between them.
///
/// Where a class has fewer, the rest of its row stays in the colour of the lines.
///
/// # Errors
/// When there would be no images, or more than PNG viewers show.
pub fn contact_sheet(samples: &Samples, per_class: usize) -> Result<Vec<u8>, PictureError> {
    let most = samples.class_counts().into_iter().max().unwrap_or(0);
    let columns = per_class.min(most);
    let mut grid = Grid::new(samples.images().shape(), samples.classes(), columns)?;
    let mut placed = vec![0; samples.classes()];
    for (image, &label) in samples.images().iter().zip(samples.labels()) {
        let row = usize::from(label);
        if placed[row] < columns {
            grid.place(image, row, placed[row]);
            placed[row] += 1;
        }
    }
    grid.encode()
}

/// Examples of all corruptions as PNG: a row for each corruption in the order of
/// [`Corruption::ALL`], and in it, for each of the images at `indices`, the image as
/// it is and then in every severity.
///
/// # Errors
/// When there would be no images, or more than PNG viewers show.
pub fn corruption_examples(
    images: &Images,
    indices: &[usize],
    seed: u64,
) -> Result<Vec<u8>, PictureError> {
    let severities = usize::from(Corruption::SEVERITIES);
    let found: Vec<(usize, &[u8])> = indices
        .iter()
        .filter_map(|&index| Some((index, images.get(index)?)))
        .collect();
    let columns = found.len() * (severities + 1);
    let mut grid = Grid::new(images.shape(), Corruption::ALL.len(), columns)?;
    for (row, corruption) in Corruption::ALL.into_iter().enumerate() {
        for (group, &(index, picture)) in found.iter().enumerate() {
            let column = group * (severities + 1);
            grid.place(picture, row, column);
            for severity in 1..=Corruption::SEVERITIES {
                let copy = corrupt(images, index..index + 1, corruption, severity, seed)
                    .map_err(|error| PictureError::Encode(error.to_string()))?;
                grid.place(copy.pixels(), row, column + usize::from(severity));
            }
        }
    }
    grid.encode()
}

#[cfg(test)]
mod tests {
    use bakeoff_core::ImageShape;

    use super::*;

    /// The grey of the lines.
    const LINE: u8 = 96;

    /// Width, height and values of a PNG.
    fn decode(bytes: &[u8]) -> (u32, u32, png::ColorType, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut values = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut values).unwrap();
        values.truncate(info.buffer_size());
        (info.width, info.height, info.color_type, values)
    }

    fn samples(labels: &[u16]) -> Samples {
        let pixels: Vec<u8> = (0..labels.len()).flat_map(|i| [i as u8, i as u8]).collect();
        let images = Images::new(ImageShape::new(1, 1, 2), pixels).unwrap();
        let names: Vec<String> = ["a", "b", "c"].map(String::from).into();
        Samples::new(images, labels, names).unwrap()
    }

    #[test]
    fn a_sheet_has_a_row_per_class_and_the_first_of_each() {
        let samples = samples(&[2, 0, 0, 2, 0]);
        let (width, height, _, values) = decode(&contact_sheet(&samples, 2).unwrap());
        assert_eq!((width, height), (5, 5));
        let l = LINE;
        assert_eq!(values[0..5], [1, 1, l, 2, 2]);
        assert_eq!(values[5..20], [l; 15]);
        assert_eq!(values[20..25], [0, 0, l, 3, 3]);
    }

    #[test]
    fn a_sheet_is_no_wider_than_its_fullest_row() {
        let (width, ..) = decode(&contact_sheet(&samples(&[0, 0, 1]), usize::MAX).unwrap());
        assert_eq!(width, 5);
    }

    #[test]
    fn examples_of_corruptions_have_a_row_for_each() {
        let images = samples(&[0, 1]).images().clone();
        let (width, height, _, values) = decode(&corruption_examples(&images, &[1, 7], 1).unwrap());
        // Six images of two pixels and five lines; index 7 is past the end.
        assert_eq!((width, height), (17, 23));
        assert_eq!(values[0..3], [1, 1, LINE]);
        assert!(corruption_examples(&images, &[7], 1).is_err());
    }

    #[test]
    fn sheets_of_nothing_or_of_too_much_are_refused() {
        assert!(matches!(
            contact_sheet(&samples(&[]), 3),
            Err(PictureError::EmptyGrid)
        ));
        assert!(matches!(
            contact_sheet(&samples(&[0]), 0),
            Err(PictureError::EmptyGrid)
        ));
        let many = samples(&vec![0; 20_000]);
        assert!(matches!(
            contact_sheet(&many, usize::MAX),
            Err(PictureError::GridSize { .. })
        ));
    }
}
