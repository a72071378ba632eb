//! Images as PNG: a single one, and a grid of many.

use bakeoff_core::ImageShape;

use crate::error::PictureError;

/// Wider or higher grids than this are refused: browsers and viewers give up there.
const MAX_SIDE: usize = 32_768;

/// And larger ones: 64 million values.
const MAX_VALUES: usize = 64 << 20;

/// The grey of the lines between the images.
pub(crate) const LINE: u8 = 96;

/// One image, C×H×W bytes, as PNG: 1 channel is grey, 3 are RGB, 4 are RGBA; of any
/// other number the channels stand side by side, each as grey.
///
/// # Errors
/// When the bytes are not one image of this shape, or PNG cannot hold it.
pub fn encode_png(shape: ImageShape, pixels: &[u8]) -> Result<Vec<u8>, PictureError> {
    if pixels.len() != shape.pixels() || pixels.is_empty() {
        return Err(PictureError::Length {
            bytes: pixels.len(),
            shape,
        });
    }
    let mut grid = Grid::new(shape, 1, 1)?;
    grid.place(pixels, 0, 0);
    grid.encode()
}

/// Rows and columns of images of one shape, with a line of one pixel between them.
#[derive(Debug)]
pub struct Grid {
    /// The shape of each image.
    shape: ImageShape,
    width: usize,
    height: usize,
    /// Values of one pixel: 1, 3 or 4.
    depth: usize,
    values: Vec<u8>,
}

impl Grid {
    /// A grid for images of one shape, all cells in the colour of the lines.
    ///
    /// # Errors
    /// When it would have no cells, or be larger than PNG viewers show.
    pub fn new(shape: ImageShape, rows: usize, columns: usize) -> Result<Self, PictureError> {
        if rows == 0 || columns == 0 {
            return Err(PictureError::EmptyGrid);
        }
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
                shape,
                width,
                height,
                depth,
                values: vec![LINE; width * height * depth],
            }),
            _ => Err(PictureError::GridSize {
                rows,
                columns,
                shape,
            }),
        }
    }

    /// Draws one image, C×H×W bytes, into its cell.
    pub fn place(&mut self, pixels: &[u8], row: usize, column: usize) {
        let shape = self.shape;
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

    /// The grid as PNG.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn encode(&self) -> Result<Vec<u8>, PictureError> {
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
            Err(PictureError::GridSize { .. })
        ));
    }
}
