//! The images of a dataset at a stated size and with stated channels.

use bakeoff_core::{Colour, ImageShape, Images, OpenOptions};
use bakeoff_picture::Planes;
use rayon::prelude::*;

/// The images with the stated size and channels.
pub(crate) fn convert(images: Images, options: &OpenOptions) -> Images {
    let shape = images.shape();
    let [height, width] = options.size.unwrap_or([shape.height, shape.width]);
    let channels = match (options.colour, shape.channels) {
        (Colour::Grey, 3) => 1,
        (Colour::Rgb, 1) => 3,
        (_, channels) => channels,
    };
    let target = ImageShape::new(channels, height, width);
    if target == shape {
        return images;
    }
    let pixels: Vec<Vec<u8>> = images
        .pixels()
        .par_chunks_exact(shape.pixels())
        .map(|pixels| {
            let planes = Planes {
                height: shape.height,
                width: shape.width,
                values: pixels.to_vec(),
            };
            planes
                .coloured(options.colour)
                .fitted([height, width], options.fit)
                .values
        })
        .collect();
    // Whole images of that shape by construction.
    Images::new(target, pixels.concat()).unwrap_or(images)
}
