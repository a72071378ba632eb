//! Paper with ink, dust and lines on it, its light, and the file that results.

use image::{
    DynamicImage, GrayImage, ImageFormat, ImageResult, RgbImage, RgbaImage,
    codecs::jpeg::JpegEncoder,
    imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Frame, Lines, Style, Tone, frames, pen::Coverage, wrong_size};

/// Least blank pixels around the digit's frame.
const MARGIN: usize = 4;

/// Puts the digit on paper and stores it as the style says.
pub(super) fn store(drawn: Coverage, style: &Style, rng: &mut ChaCha8Rng) -> ImageResult<Vec<u8>> {
    let frame = drawn.height;
    let mut ink = lay(drawn, style, rng);
    if style.specks {
        specks(&mut ink, frame, rng);
    }
    let printed_box = match style.around {
        Frame::Box | Frame::Cell => {
            let (enlarged, lines) = frames::boxed(ink, frame, style.around, rng);
            ink = enlarged;
            Some(lines)
        }
        Frame::Form => {
            let (enlarged, lines) = frames::form(ink, frame, rng);
            ink = enlarged;
            Some(lines)
        }
        Frame::None | Frame::Figure | Frame::Table => None,
    };
    let (width, height) = (ink.width, ink.height);
    let lines = match printed_box {
        Some(lines) => lines,
        None => lines_of(style.lines, frame, width, height, rng),
    };
    let light = light(style, width, height, rng);
    let paper = rng.random_range(style.paper.0..=style.paper.1);
    let pen = rng.random_range(style.ink.0..=style.ink.1);
    let printed = rng.random_range(0.3..0.75);
    // The lines of a box are printed to be seen.
    let printed = match style.around {
        Frame::None | Frame::Figure | Frame::Table => printed,
        Frame::Box | Frame::Cell | Frame::Form => 0.8 + printed,
    };
    let mut grey = Vec::with_capacity(width * height);
    for ((&ink, &line), &light) in ink.values.iter().zip(&lines.values).zip(&light) {
        // Lines are printed on the paper, the pen writes over them.
        let below = paper - (paper - pen) * printed * line;
        let value = (below + (pen - below) * ink) * light + bell(rng) * style.noise;
        grey.push(value.round().clamp(0.0, 255.0) as u8);
    }
    encode(grey, width, height, style, rng)
}

/// The digit somewhere on larger paper.
fn lay(drawn: Coverage, style: &Style, rng: &mut ChaCha8Rng) -> Coverage {
    let mut enlarged = |pixels: usize| {
        let more = pixels as f32 * rng.random_range(0.1..1.0);
        pixels + 2 * MARGIN + more as usize
    };
    let (width, height) = (enlarged(drawn.width), enlarged(drawn.height));
    let mut place = |length: usize, part: usize| {
        let most = length - part - MARGIN;
        match style.corner {
            true if rng.random() => MARGIN,
            true => most,
            false => rng.random_range(MARGIN..=most),
        }
    };
    let (left, top) = (place(width, drawn.width), place(height, drawn.height));
    let mut paper = Coverage::blank(width, height);
    for (y, row) in drawn.values.chunks_exact(drawn.width).enumerate() {
        let start = (top + y) * width + left;
        paper.values[start..start + drawn.width].copy_from_slice(row);
    }
    paper
}

/// Round specks, up to a fortieth of the digit's frame wide, anywhere.
fn specks(paper: &mut Coverage, frame: usize, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(8..30) {
        let x = rng.random_range(0.0..paper.width as f32);
        let y = rng.random_range(0.0..paper.height as f32);
        let radius = rng.random_range(0.5..(frame as f32 / 80.0).max(0.6));
        let darkness = rng.random_range(0.4..1.0);
        let reach = radius.ceil() as isize + 1;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let (px, py) = (x.floor() as isize + dx, y.floor() as isize + dy);
                let far = (px as f32 + 0.5 - x).hypot(py as f32 + 0.5 - y);
                paper.mark(px, py, (radius + 0.5 - far).clamp(0.0, 1.0) * darkness);
            }
        }
    }
}

/// The lines of the paper, almost horizontal, from edge to edge.
fn lines_of(
    kind: Lines,
    frame: usize,
    width: usize,
    height: usize,
    rng: &mut ChaCha8Rng,
) -> Coverage {
    let mut lines = Coverage::blank(width, height);
    let spacing = match kind {
        Lines::None => return lines,
        Lines::Ruled => frame as f32 * rng.random_range(0.2..0.6),
        Lines::Grid => frame as f32 * rng.random_range(0.12..0.3),
    };
    let half = rng.random_range(0.5..(frame as f32 / 150.0).max(0.6));
    let slope = rng.random_range(-0.02..0.02_f32);
    let phase = rng.random_range(0.0..spacing);
    let far = |along: f32, across: f32, phase: f32| {
        let place = (across - along * slope - phase).rem_euclid(spacing);
        place.min(spacing - place)
    };
    let other = rng.random_range(0.0..spacing);
    for y in 0..height {
        for x in 0..width {
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let mut distance = far(px, py, phase);
            if kind == Lines::Grid {
                distance = distance.min(far(-py, px, other));
            }
            lines.values[y * width + x] = (half + 0.5 - distance).clamp(0.0, 1.0);
        }
    }
    lines
}

/// How much of the light reaches each pixel.
fn light(style: &Style, width: usize, height: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut direction = || {
        let angle = rng.random_range(0.0..std::f32::consts::TAU);
        (angle.cos(), angle.sin())
    };
    let (fall, shade) = (direction(), direction());
    // The edge of the shadow passes near the middle; it is blurred by this much.
    let edge = rng.random_range(-0.25..0.25_f32);
    let blur = rng.random_range(0.03..0.12_f32);
    let mut light = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            // −½ to ½ across the paper.
            let (u, v) = (
                (x as f32 + 0.5) / width as f32 - 0.5,
                (y as f32 + 0.5) / height as f32 - 0.5,
            );
            let along = (u * fall.0 + v * fall.1) / (fall.0.abs() + fall.1.abs());
            let dimmed = 1.0 - style.gradient * (0.5 + along);
            let inside = ((u * shade.0 + v * shade.1 - edge) / blur + 0.5).clamp(0.0, 1.0);
            let smooth = inside * inside * (3.0 - 2.0 * inside);
            light.push(dimmed * (1.0 - style.shadow * smooth));
        }
    }
    light
}

/// A bell-shaped random number of mean 0 and standard deviation 1: four uniform ones.
fn bell(rng: &mut ChaCha8Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| rng.random_range(-1.0..1.0_f32)).sum();
    sum * 0.75_f32.sqrt()
}

fn encode(
    grey: Vec<u8>,
    width: usize,
    height: usize,
    style: &Style,
    rng: &mut ChaCha8Rng,
) -> ImageResult<Vec<u8>> {
    // The paper is a few thousand pixels wide at the most.
    let (width, height) = (width as u32, height as u32);
    let grey = GrayImage::from_raw(width, height, grey).ok_or_else(wrong_size)?;
    let grey = match style.around {
        Frame::Table => frames::on_a_table(&grey, rng),
        _ => grey,
    };
    let (width, height) = grey.dimensions();
    let image: DynamicImage = match style.tone {
        Tone::DarkOnLight if style.jpeg.is_some() => RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([grey.get_pixel(x, y).0[0]; 3])
        })
        .into(),
        Tone::DarkOnLight => grey.into(),
        Tone::LightOnDark => {
            let mut grey = grey;
            image::imageops::invert(&mut grey);
            match style.around {
                Frame::Figure => frames::figure(&grey, rng).into(),
                _ => grey.into(),
            }
        }
        Tone::DarkOnTransparent | Tone::LightOnTransparent => {
            let tone = match style.tone {
                Tone::DarkOnTransparent => 0,
                _ => 255,
            };
            RgbaImage::from_fn(width, height, |x, y| {
                image::Rgba([tone, tone, tone, 255 - grey.get_pixel(x, y).0[0]])
            })
            .into()
        }
    };
    let orientation = match style.turned {
        true => rng.random_range(2..=8_u8),
        false => 1,
    };
    let image = stored_as(image, orientation);
    let mut bytes = Vec::new();
    match style.jpeg {
        Some(quality) => {
            JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&image)?;
            if orientation > 1 {
                bytes.splice(2..2, exif_segment(orientation));
            }
        }
        None => image.write_to(&mut std::io::Cursor::new(&mut bytes), ImageFormat::Png)?,
    }
    Ok(bytes)
}

/// How a camera stores an upright image in this EXIF orientation.
fn stored_as(image: DynamicImage, orientation: u8) -> DynamicImage {
    match orientation {
        2 => flip_horizontal(&image).into(),
        3 => rotate180(&image).into(),
        4 => flip_vertical(&image).into(),
        5 => flip_horizontal(&rotate90(&image)).into(),
        6 => rotate270(&image).into(),
        7 => flip_horizontal(&rotate270(&image)).into(),
        8 => rotate90(&image).into(),
        _ => image,
    }
}

/// A JPEG segment that holds an EXIF orientation and nothing else.
fn exif_segment(orientation: u8) -> Vec<u8> {
    let tiff = [
        // Big endian, one entry: tag 0x0112, a 16-bit number.
        &b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
        &[orientation],
        &[0; 6],
    ]
    .concat();
    let length = (2 + 6 + tiff.len()) as u16;
    [&[0xff, 0xe1][..], &length.to_be_bytes(), b"Exif\0\0", &tiff].concat()
}
