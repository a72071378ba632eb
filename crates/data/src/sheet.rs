//! Pictures out: single ones, and sheets of many, as PNG.

use bakeoff_core::{Corruption, ImageShape, Images, Samples};

use crate::{PictureError, corrupt};

/// Wider or higher sheets than this are refused: browsers and viewers give up there.
const MAX_SIDE: usize = 32_768;

/// And larger ones: 64 million values.
const MAX_VALUES: usize = 64 << 20;

/// The grey of the lines between the pictures of a sheet.
pub(crate) const LINE: u8 = 96;

/// One picture, C×H×W bytes, as PNG: 1 channel is grey, 3 are RGB, 4 are RGBA; of any
/// other number the channels stand side by side, each as grey.
///
/// # Errors
/// When the bytes are not one picture of this shape, or PNG cannot hold it.
pub fn encode_png(shape: ImageShape, pixels: &[u8]) -> Result<Vec<u8>, PictureError> {
    if pixels.len() != shape.pixels() || pixels.is_empty() {
        return Err(PictureError::Length {
            bytes: pixels.len(),
            shape,
        });
    }
    let mut canvas = Canvas::new(shape, 1, 1)?;
    canvas.place(shape, pixels, 0, 0);
    canvas.encode()
}

/// A sheet as PNG: a row per class in the order of the classes, in each row the first
/// `per_class` pictures of that class, thin lines between them.
///
/// Where a class has fewer, the rest of its row stays in the colour of the lines.
///
/// # Errors
/// When there would be nothing on the sheet, or more than PNG viewers stand.
pub fn contact_sheet(samples: &Samples, per_class: usize) -> Result<Vec<u8>, PictureError> {
    let most = samples.class_counts().into_iter().max().unwrap_or(0);
    let columns = per_class.min(most);
    if columns == 0 {
        return Err(PictureError::EmptySheet);
    }
    let shape = samples.images().shape();
    let mut canvas = Canvas::new(shape, samples.classes(), columns)?;
    let mut placed = vec![0; samples.classes()];
    for (image, &label) in samples.images().iter().zip(samples.labels()) {
        let row = usize::from(label);
        if placed[row] < columns {
            canvas.place(shape, image, row, placed[row]);
            placed[row] += 1;
        }
    }
    canvas.encode()
}

/// A sheet of corrupted pictures as PNG: a row for each corruption in the order of
/// [`Corruption::ALL`], and in it, for each of the pictures at `places`, the picture as
/// it is and then in every severity.
///
/// # Errors
/// When there would be nothing on the sheet, or more than PNG viewers stand.
pub fn corruption_sheet(
    images: &Images,
    places: &[usize],
    seed: u64,
) -> Result<Vec<u8>, PictureError> {
    let severities = usize::from(Corruption::SEVERITIES);
    let there: Vec<(usize, &[u8])> = places
        .iter()
        .filter_map(|&place| Some((place, images.get(place)?)))
        .collect();
    if there.is_empty() {
        return Err(PictureError::EmptySheet);
    }
    let shape = images.shape();
    let columns = there.len() * (severities + 1);
    let mut canvas = Canvas::new(shape, Corruption::ALL.len(), columns)?;
    for (row, corruption) in Corruption::ALL.into_iter().enumerate() {
        for (group, &(place, picture)) in there.iter().enumerate() {
            let column = group * (severities + 1);
            canvas.place(shape, picture, row, column);
            for severity in 1..=Corruption::SEVERITIES {
                let copy = corrupt(images, place..place + 1, corruption, severity, seed)
                    .map_err(|error| PictureError::Encode(error.to_string()))?;
                canvas.place(shape, copy.pixels(), row, column + usize::from(severity));
            }
        }
    }
    canvas.encode()
}

/// Rows and columns of pictures of one shape, with a line of one pixel between them.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    /// Values of one pixel: 1, 3 or 4.
    depth: usize,
    values: Vec<u8>,
}

impl Canvas {
    pub(crate) fn new(
        shape: ImageShape,
        rows: usize,
        columns: usize,
    ) -> Result<Self, PictureError> {
        let depth = depth(shape);
        let side = |count: usize, each: usize| {
            count
                .checked_mul(each)?
                .checked_add(count - 1)
                .filter(|&side| side <= MAX_SIDE)
        };
        let sides = shape
            .width
            .checked_mul(shape.channels / depth)
            .and_then(|cell| side(columns, cell))
            .zip(side(rows, shape.height));
        match sides {
            Some((width, height)) if width * height * depth <= MAX_VALUES => Ok(Self {
                width,
                height,
                depth,
                values: vec![LINE; width * height * depth],
            }),
            _ => Err(PictureError::SheetSize {
                rows,
                columns,
                shape,
            }),
        }
    }

    /// Draws one picture into its cell; from planes to pixels.
    pub(crate) fn place(&mut self, shape: ImageShape, pixels: &[u8], row: usize, column: usize) {
        let side_by_side = shape.channels / self.depth;
        let left = column * (shape.width * side_by_side + 1);
        let top = row * (shape.height + 1);
        let plane = shape.height * shape.width;
        for (channel, values) in pixels.chunks_exact(plane).enumerate() {
            let (cell, part) = (channel / self.depth, channel % self.depth);
            for (y, line) in values.chunks_exact(shape.width).enumerate() {
                let start = (top + y) * self.width + left + cell * shape.width;
                for (x, &value) in line.iter().enumerate() {
                    self.values[(start + x) * self.depth + part] = value;
                }
            }
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, PictureError> {
        let mut out = Vec::new();
        // Both sides are at most `MAX_SIDE`.
        let mut encoder = png::Encoder::new(&mut out, self.width as u32, self.height as u32);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_color(match self.depth {
            3 => png::ColorType::Rgb,
            4 => png::ColorType::Rgba,
            _ => png::ColorType::Grayscale,
        });
        let mut writer = encoder.write_header().map_err(encoding)?;
        writer.write_image_data(&self.values).map_err(encoding)?;
        writer.finish().map_err(encoding)?;
        Ok(out)
    }
}

/// How many channels make one pixel of the file.
fn depth(shape: ImageShape) -> usize {
    match shape.channels {
        3 | 4 => shape.channels,
        _ => 1,
    }
}

fn encoding(error: png::EncodingError) -> PictureError {
    PictureError::Encode(error.to_string())
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Images;

    use super::*;

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

    #[test]
    fn channels_become_pixels() {
        let pixels: Vec<u8> = (1..=12).collect();
        let png = |channels, height| encode_png(ImageShape::new(channels, height, 2), &pixels);
        let (width, height, color, values) = decode(&png(1, 6).unwrap());
        assert_eq!((width, height, color), (2, 6, png::ColorType::Grayscale));
        assert_eq!(values, pixels);
        let (width, height, color, values) = decode(&png(3, 2).unwrap());
        assert_eq!((width, height, color), (2, 2, png::ColorType::Rgb));
        assert_eq!(values, [1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]);
        let (_, _, color, values) = decode(&encode_png(ImageShape::new(4, 1, 3), &pixels).unwrap());
        assert_eq!(color, png::ColorType::Rgba);
        assert_eq!(values, [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12]);
        let (width, height, color, values) = decode(&png(2, 3).unwrap());
        assert_eq!((width, height, color), (4, 3, png::ColorType::Grayscale));
        assert_eq!(values, [1, 2, 7, 8, 3, 4, 9, 10, 5, 6, 11, 12]);
    }

    #[test]
    fn what_is_not_one_picture_is_refused() {
        let shape = ImageShape::new(1, 2, 2);
        assert!(matches!(
            encode_png(shape, &[0; 5]),
            Err(PictureError::Length { .. })
        ));
        assert!(matches!(
            encode_png(ImageShape::new(1, 0, 2), &[]),
            Err(PictureError::Length { .. })
        ));
        assert!(matches!(
            encode_png(ImageShape::new(1, 1, MAX_SIDE + 1), &[0; MAX_SIDE + 1]),
            Err(PictureError::SheetSize { .. })
        ));
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
    fn a_sheet_of_corruptions_has_a_row_for_each() {
        let images = samples(&[0, 1]).images().clone();
        let (width, height, _, values) = decode(&corruption_sheet(&images, &[1, 7], 1).unwrap());
        // Six pictures of two pixels and five lines; place 7 is past the end.
        assert_eq!((width, height), (17, 23));
        assert_eq!(values[0..3], [1, 1, LINE]);
        assert!(corruption_sheet(&images, &[7], 1).is_err());
    }

    #[test]
    fn sheets_of_nothing_or_of_too_much_are_refused() {
        assert!(matches!(
            contact_sheet(&samples(&[]), 3),
            Err(PictureError::EmptySheet)
        ));
        assert!(matches!(
            contact_sheet(&samples(&[0]), 0),
            Err(PictureError::EmptySheet)
        ));
        let many = samples(&vec![0; 20_000]);
        assert!(matches!(
            contact_sheet(&many, usize::MAX),
            Err(PictureError::SheetSize { .. })
        ));
    }
}
