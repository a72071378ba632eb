//! Images as the numbers that a network takes.

use bakeoff_core::ImageShape;

use super::{
    bounds::MOST_VALUES,
    checked::{Checked, Element},
    settings::{GivenSettings, Layout, Scale},
};

/// Images that a file may fix for each call.
const MOST_IMAGES: usize = 1024;

/// How the bytes of an image become a network's input.
#[derive(Debug)]
pub(crate) struct Pixels {
    shape: ImageShape,
    element: Element,
    channels_last: bool,
    /// The axes of one image.
    axes: Vec<usize>,
    /// For each channel, the number that each byte becomes.
    numbers: Vec<[f32; 256]>,
}

/// The lengths of one image in an order; `None` for what no image of this shape can have.
fn axes(layout: Layout, shape: ImageShape) -> Vec<usize> {
    let ImageShape {
        channels,
        height,
        width,
    } = shape;
    match layout {
        Layout::Nhwc => vec![height, width, channels],
        Layout::Flat => vec![shape.pixels()],
        Layout::Auto | Layout::Nchw => vec![channels, height, width],
    }
}

impl Pixels {
    pub(crate) fn new(
        checked: &Checked,
        settings: &GivenSettings,
        shape: ImageShape,
    ) -> Result<Self, String> {
        let (layout, axes) = layout(checked, settings.layout, shape)?;
        let images = checked.fixed().unwrap_or(1);
        if images > MOST_IMAGES || images.saturating_mul(shape.pixels()) > MOST_VALUES {
            return Err(format!(
                "input `{}` takes {images} images at once, which are too many to ask about one; export the network \
                 for any number of images",
                checked.input.escape_debug()
            ));
        }
        Ok(Self {
            shape,
            element: checked.element,
            channels_last: layout == Layout::Nhwc && shape.channels > 1,
            axes,
            numbers: numbers(checked, settings, shape.channels)?,
        })
    }

    /// The axes of this many images.
    pub(crate) fn axes(&self, images: usize) -> Vec<usize> {
        [&[images], &self.axes[..]].concat()
    }

    pub(crate) fn element(&self) -> Element {
        self.element
    }

    /// The bytes of images in the network's order.
    pub(crate) fn bytes(&self, pixels: &[u8]) -> Vec<u8> {
        self.ordered(pixels, |_, byte| byte)
    }

    /// The numbers of images in the network's order.
    pub(crate) fn floats(&self, pixels: &[u8]) -> Vec<f32> {
        self.ordered(pixels, |channel, byte| {
            let numbers = self.numbers.get(channel);
            numbers.map_or(0.0, |numbers| numbers[usize::from(byte)])
        })
    }

    fn ordered<T>(&self, pixels: &[u8], number: impl Fn(usize, u8) -> T) -> Vec<T> {
        let plane = (self.shape.height * self.shape.width).max(1);
        let mut out = Vec::with_capacity(pixels.len());
        for image in pixels.chunks(self.shape.pixels().max(1)) {
            match self.channels_last {
                false => {
                    for (channel, values) in image.chunks(plane).enumerate() {
                        out.extend(values.iter().map(|&byte| number(channel, byte)));
                    }
                }
                true => {
                    for at in 0..plane {
                        let values = image.iter().skip(at).step_by(plane);
                        out.extend(
                            values
                                .enumerate()
                                .map(|(channel, &byte)| number(channel, byte)),
                        );
                    }
                }
            }
        }
        out
    }
}

/// The order of pixels, and the axes of one image.
fn layout(
    checked: &Checked,
    stated: Layout,
    shape: ImageShape,
) -> Result<(Layout, Vec<usize>), String> {
    let input = checked.input.escape_debug();
    let declared = match &checked.shape {
        // The first axis is that of the images.
        Some(lengths) => lengths.get(1..),
        None if stated == Layout::Auto => {
            return Err(format!(
                "input `{input}` states no shape; say the order of pixels, as in layout = \"nchw\" \
                 (or nhwc, flat)"
            ));
        }
        None => return Ok((stated, axes(stated, shape))),
    };
    let declared =
        declared.ok_or_else(|| format!("input `{input}` is one number, and no images"))?;
    let fits = |axes: &[usize]| {
        declared.len() == axes.len()
            && declared
                .iter()
                .zip(axes)
                .all(|(stated, found)| stated.is_none_or(|it| it == *found))
    };
    let known = [Layout::Nchw, Layout::Nhwc, Layout::Flat];
    let possible = known
        .into_iter()
        .filter(|&layout| stated == Layout::Auto || layout == stated);
    let mut possible = possible.filter(|&layout| fits(&axes(layout, shape)));
    let found = match (possible.next(), possible.next()) {
        // Of one channel both are the same bytes, but not the same axes.
        (Some(first), None) => first,
        (Some(_), Some(_)) => {
            return Err(format!(
                "input `{input}` takes {}, which can be channels first or last; say which, as in \
                 layout = \"nchw\" (or \"nhwc\")",
                in_words(declared)
            ));
        }
        (None, _) => {
            // Grey images without an axis for the channel.
            let grey = vec![shape.height, shape.width];
            if shape.channels == 1 && stated == Layout::Auto && fits(&grey) {
                return Ok((Layout::Nchw, grey));
            }
            return Err(mismatch(&input.to_string(), declared, stated, shape));
        }
    };
    Ok((found, axes(found, shape)))
}

/// Axes of one image, the first for any number of images.
fn in_words(declared: &[Option<usize>]) -> String {
    let lengths = declared
        .iter()
        .map(|length| length.map_or_else(|| "any".to_owned(), |length| length.to_string()));
    let lengths: Vec<String> = lengths.collect();
    format!("N×{}", lengths.join("×"))
}

/// Why images of this shape do not fit, and what makes them fit.
fn mismatch(input: &str, declared: &[Option<usize>], stated: Layout, shape: ImageShape) -> String {
    let takes = in_words(declared);
    let remedy = match declared {
        [a, b, c] => {
            // The shortest of the outer axes is that of the channels.
            let (channels, height, width) = match (a, c, stated) {
                (_, _, Layout::Nhwc) => (c, a, b),
                (Some(first), Some(last), Layout::Auto) if last < first => (c, a, b),
                _ => (a, b, c),
            };
            let mut needs = Vec::new();
            if let (Some(height), Some(width)) = (height, width)
                && (*height, *width) != (shape.height, shape.width)
            {
                needs.push(match height == width {
                    true => format!("size = {height}"),
                    false => format!("size = [{height}, {width}]"),
                });
            }
            match channels {
                Some(3) if shape.channels == 1 => needs.push("colour = \"rgb\"".into()),
                Some(1) if shape.channels == 3 => needs.push("colour = \"grey\"".into()),
                _ => {}
            }
            match needs.is_empty() {
                true => String::new(),
                false => format!(
                    "; {} in the experiment (`--size`, `--colour`) makes the images so for all models",
                    needs.join(" and ")
                ),
            }
        }
        _ => "; `size` and `colour` in the experiment change the images for all models".into(),
    };
    format!(
        "input `{input}` takes {takes}, and these images are {}×{}×{} (channels, height, width){remedy}",
        shape.channels, shape.height, shape.width
    )
}

/// What each byte becomes, for each channel.
fn numbers(
    checked: &Checked,
    settings: &GivenSettings,
    channels: usize,
) -> Result<Vec<[f32; 256]>, String> {
    if checked.element == Element::Bytes {
        let stated =
            settings.scale != Scale::Unit || !settings.mean.is_empty() || !settings.std.is_empty();
        return match stated {
            true => Err(
                "takes bytes (uint8), which scale, mean and std cannot change; leave them out"
                    .into(),
            ),
            false => Ok(Vec::new()),
        };
    }
    let each = |what: &str, values: &[f64], none: f64| match values {
        [] => Ok(vec![none; channels]),
        [one] => Ok(vec![*one; channels]),
        values if values.len() == channels => Ok(values.to_vec()),
        values => Err(format!(
            "`{what}` has {} numbers for images of {channels} channels",
            values.len()
        )),
    };
    let means = each("mean", &settings.mean, 0.0)?;
    let deviations = each("std", &settings.std, 1.0)?;
    let number = |byte: usize, mean: f64, deviation: f64| {
        let byte = byte as f64;
        let scaled = match settings.scale {
            Scale::Unit => byte / 255.0,
            Scale::Bytes => byte,
            Scale::Signed => byte / 127.5 - 1.0,
        };
        ((scaled - mean) / deviation) as f32
    };
    let tables = means.iter().zip(&deviations);
    Ok(tables
        .map(|(&mean, &deviation)| std::array::from_fn(|byte| number(byte, mean, deviation)))
        .collect())
}
