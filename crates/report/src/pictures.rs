//! Test images for the page: packed into one PNG for each test set.
//!
//! Hundreds of small files would be slow and could not be sent by mail; hundreds of data
//! URIs repeat the header of a PNG each time. So the images share a sprite sheet, and the
//! page shows parts of it.

use std::collections::{BTreeMap, BTreeSet};

use bakeoff_core::{ImageShape, Images, Samples};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use png::{BitDepth, ColorType, Compression, Encoder};
use serde::Serialize;

use crate::ReportError;

/// Images in a row of a sheet.
const COLUMNS: usize = 16;
/// Longer sides are shrunk to at most this many pixels; the page shows them smaller.
const LONGEST_SIDE: usize = 64;
/// Pixels around each image that repeat its edge, so that no neighbour shows at the edge
/// when the browser scales.
const BORDER: usize = 1;

/// A place on a sheet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tile {
    /// The sheet's id on the page.
    pub(crate) sheet: String,
    /// `x y width height` of the image on it.
    pub(crate) view_box: String,
    /// Its number on the sheet, from 0, row by row.
    pub(crate) place: usize,
}

/// How images are arranged on a sheet, for scripts that find them by number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Layout {
    /// The sheet's id on the page.
    pub(crate) sheet: String,
    /// Images in a row.
    columns: usize,
    /// Pixels around each image.
    border: usize,
    /// Width and height of each image, without its border.
    size: (usize, usize),
}

/// A finished sheet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sheet {
    /// Its id on the page.
    pub(crate) id: String,
    /// Pixels.
    pub(crate) width: usize,
    /// Pixels.
    pub(crate) height: usize,
    /// The PNG as a data URI.
    pub(crate) uri: String,
}

/// Collects the images that a page shows.
#[derive(Default)]
pub(crate) struct Album<'a> {
    /// Test sets by fingerprint, with the images wanted of each, in order of first use.
    sets: BTreeMap<&'a str, (usize, &'a Samples, Vec<usize>)>,
}

/// Bytes of one image on a sheet before they are compressed.
pub(crate) fn bytes_on_sheet(shape: ImageShape) -> usize {
    let shrunk = Shrunk::of(shape);
    shrunk.size.0 * shrunk.size.1 * shrunk.channels
}

impl<'a> Album<'a> {
    /// A place for an image; the same place if it is asked for again.
    pub(crate) fn tile(&mut self, fingerprint: &'a str, test: &'a Samples, index: usize) -> Tile {
        let number = self.sets.len();
        let (number, _, wanted) = self
            .sets
            .entry(fingerprint)
            .or_insert_with(|| (number, test, Vec::new()));
        let place = wanted
            .iter()
            .position(|wanted| *wanted == index)
            .unwrap_or_else(|| {
                wanted.push(index);
                wanted.len() - 1
            });
        let (width, height) = Shrunk::of(test.images().shape()).size;
        let x = (place % COLUMNS) * (width + 2 * BORDER) + BORDER;
        let y = (place / COLUMNS) * (height + 2 * BORDER) + BORDER;
        Tile {
            sheet: sheet_id(*number),
            view_box: format!("{x} {y} {width} {height}"),
            place,
        }
    }

    /// How the images of a test set lie on their sheet; `None` where none was wanted.
    pub(crate) fn layout(&self, fingerprint: &str) -> Option<Layout> {
        let (number, test, wanted) = self.sets.get(fingerprint)?;
        Some(Layout {
            sheet: sheet_id(*number),
            columns: wanted.len().clamp(1, COLUMNS),
            border: BORDER,
            size: Shrunk::of(test.images().shape()).size,
        })
    }

    /// The images of a test set that are on its sheet, in the order of their places.
    pub(crate) fn wanted(&self, fingerprint: &str) -> &[usize] {
        self.sets
            .get(fingerprint)
            .map_or(&[], |(_, _, wanted)| wanted)
    }

    /// The sheets, one for each test set.
    ///
    /// # Errors
    /// When the PNG encoder fails, which it does not in memory.
    pub(crate) fn sheets(&self) -> Result<Vec<Sheet>, ReportError> {
        let mut sheets = self
            .sets
            .values()
            .map(|(number, test, wanted)| Ok((*number, sheet(*number, test.images(), wanted)?)))
            .collect::<Result<Vec<_>, ReportError>>()?;
        sheets.sort_by_key(|(number, _)| *number);
        Ok(sheets.into_iter().map(|(_, sheet)| sheet).collect())
    }
}

fn sheet_id(number: usize) -> String {
    format!("sheet-{number}")
}

/// How images of a shape are shown.
struct Shrunk {
    /// Pixels averaged into one, along each side.
    factor: usize,
    /// Width and height after that.
    size: (usize, usize),
    colour: ColorType,
    /// The channels that are shown.
    channels: usize,
}

impl Shrunk {
    fn of(shape: ImageShape) -> Self {
        let factor = shape.width.max(shape.height).div_ceil(LONGEST_SIDE).max(1);
        let (colour, channels) = match shape.channels {
            3 => (ColorType::Rgb, 3),
            4 => (ColorType::Rgba, 4),
            // Whatever other channels mean, the first can be looked at.
            _ => (ColorType::Grayscale, 1),
        };
        Self {
            factor,
            size: (shape.width.div_ceil(factor), shape.height.div_ceil(factor)),
            colour,
            channels,
        }
    }

    /// One value of an image: the mean of the pixels it stands for.
    fn value(&self, shape: ImageShape, picture: &[u8], channel: usize, x: usize, y: usize) -> u8 {
        let (mut sum, mut count) = (0_usize, 0_usize);
        let plane = channel * shape.height * shape.width;
        for row in (y * self.factor..(y + 1) * self.factor).take_while(|row| *row < shape.height) {
            let from = plane + row * shape.width + x * self.factor;
            let width = self.factor.min(shape.width - x * self.factor);
            if let Some(values) = picture.get(from..from + width) {
                sum += values
                    .iter()
                    .map(|value| usize::from(*value))
                    .sum::<usize>();
                count += values.len();
            }
        }
        u8::try_from((sum + count / 2) / count.max(1)).unwrap_or(u8::MAX)
    }
}

fn sheet(number: usize, images: &Images, wanted: &[usize]) -> Result<Sheet, ReportError> {
    let shape = images.shape();
    let shrunk = Shrunk::of(shape);
    let (tile_width, tile_height) = (shrunk.size.0 + 2 * BORDER, shrunk.size.1 + 2 * BORDER);
    let columns = wanted.len().clamp(1, COLUMNS);
    let rows = wanted.len().div_ceil(COLUMNS).max(1);
    let (width, height) = (columns * tile_width, rows * tile_height);
    let mut pixels = vec![0; width * height * shrunk.channels];
    for (place, &index) in wanted.iter().enumerate() {
        let picture = images.get(index).unwrap_or_default();
        let (left, top) = (place % COLUMNS * tile_width, place / COLUMNS * tile_height);
        for y in 0..tile_height {
            for x in 0..tile_width {
                let inside = (
                    x.saturating_sub(BORDER).min(shrunk.size.0 - 1),
                    y.saturating_sub(BORDER).min(shrunk.size.1 - 1),
                );
                let to = ((top + y) * width + left + x) * shrunk.channels;
                for channel in 0..shrunk.channels {
                    pixels[to + channel] =
                        shrunk.value(shape, picture, channel, inside.0, inside.1);
                }
            }
        }
    }
    let mut file = Vec::new();
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let mut encoder = Encoder::new(&mut file, side(width), side(height));
    encoder.set_color(shrunk.colour);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(Sheet {
        id: sheet_id(number),
        width,
        height,
        uri: format!("data:image/png;base64,{}", STANDARD.encode(file)),
    })
}

/// `count` of `total` samples, spread over all of them, ascending.
///
/// The steps are the golden ratio's, so that data whose classes take turns is not
/// sampled in step with them, as equal distances would do.
pub(crate) fn spread(total: usize, count: usize) -> Vec<usize> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    if count >= total {
        return (0..total).collect();
    }
    let mut chosen = BTreeSet::new();
    let mut at = 0.5;
    while chosen.len() < count {
        // Below `total`, because `at` is below 1; where rounding says otherwise, the last.
        let index = ((at * total as f64) as usize).min(total - 1);
        // A place that is taken gives way to the next free one.
        let free = (index..total).chain(0..index).find(|i| !chosen.contains(i));
        chosen.extend(free);
        at = (at + GOLDEN).fract();
    }
    chosen.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(shape: ImageShape, pixels: Vec<u8>) -> Samples {
        let images = Images::new(shape, pixels).unwrap();
        let labels = vec![0; images.len()];
        Samples::new(images, labels, vec!["a".to_owned(), "b".to_owned()]).unwrap()
    }

    fn decoded(sheet: &Sheet) -> (ColorType, Vec<u8>) {
        let bytes = STANDARD
            .decode(sheet.uri.strip_prefix("data:image/png;base64,").unwrap())
            .unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(
            (info.width as usize, info.height as usize),
            (sheet.width, sheet.height)
        );
        (info.color_type, pixels)
    }

    #[test]
    fn a_picture_lies_where_its_tile_says_with_its_edge_around_it() {
        let test = samples(ImageShape::new(1, 1, 2), vec![10, 20, 30, 40]);
        let mut album = Album::default();
        assert_eq!(album.tile("f", &test, 1).view_box, "1 1 2 1");
        let second = album.tile("f", &test, 0);
        assert_eq!(album.tile("f", &test, 0), second);
        assert_eq!(second.view_box, "5 1 2 1");
        let sheets = album.sheets().unwrap();
        let (colour, pixels) = decoded(&sheets[0]);
        assert_eq!(colour, ColorType::Grayscale);
        assert_eq!(pixels, [30, 30, 40, 40, 10, 10, 20, 20].repeat(3));
    }

    #[test]
    fn planes_become_colours_and_other_channels_are_left_out() {
        let rgb = samples(ImageShape::new(3, 1, 1), vec![1, 2, 3]);
        let mut album = Album::default();
        album.tile("rgb", &rgb, 0);
        let (colour, pixels) = decoded(&album.sheets().unwrap()[0]);
        assert_eq!((colour, &pixels[..3]), (ColorType::Rgb, &[1, 2, 3][..]));

        let five = samples(ImageShape::new(5, 1, 1), vec![9, 2, 3, 4, 5]);
        let mut album = Album::default();
        album.tile("five", &five, 0);
        let (colour, pixels) = decoded(&album.sheets().unwrap()[0]);
        assert_eq!((colour, pixels[0]), (ColorType::Grayscale, 9));
    }

    #[test]
    fn large_pictures_are_averaged_down() {
        let shape = ImageShape::new(1, 1, 130);
        let mut pixels = vec![0; 130];
        pixels[..3].copy_from_slice(&[10, 20, 30]);
        pixels[129] = 7;
        let test = samples(shape, pixels);
        let mut album = Album::default();
        // 130 pixels in groups of 3: 43 whole groups and a last one of a single pixel.
        assert_eq!(album.tile("f", &test, 0).view_box, "1 1 44 1");
        let (_, pixels) = decoded(&album.sheets().unwrap()[0]);
        assert_eq!((pixels[1], pixels[44]), (20, 7));
    }

    #[test]
    fn choices_are_different_and_not_in_step_with_the_classes() {
        let chosen = spread(10_000, 24);
        assert_eq!(chosen.len(), 24);
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        let classes: BTreeSet<usize> = chosen.iter().map(|index| index % 10).collect();
        assert!(classes.len() >= 7, "{classes:?}");
        assert_eq!(spread(3, 2).len(), 2);
        assert_eq!(spread(2, 4), [0, 1]);
        assert!(spread(0, 4).is_empty());
    }
}
