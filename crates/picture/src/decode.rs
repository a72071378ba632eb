//! From the bytes of a file to pixels, within limits.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, Limits,
    codecs::{
        bmp::BmpDecoder, gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, pnm::PnmDecoder,
        tiff::TiffDecoder, webp::WebPDecoder,
    },
    metadata::Orientation,
};

use crate::{error::PictureError, log::Log, plane::Plane, steps::Step};

/// The longest file that is decoded. Whoever reads an image from somewhere that may
/// not end reads one byte more than this, and it is refused by its length.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// The longest side that is read; phones stay below it.
const MAX_SIDE: u32 = 16_384;

/// The most that is decoded: 89 megapixels of 8-bit RGB, 33 of 16-bit RGBA. Decoding
/// and what follows need about three times this.
const MAX_DECODED_BYTES: u64 = 256 << 20;

/// A decoded image, rotated as its EXIF orientation says; both sides are at least 1.
pub(crate) struct Decoded {
    image: DynamicImage,
    /// Whether any pixel lets the background through.
    transparent: bool,
}

/// Decodes an image, recognised by its content: PNG, JPEG, WebP, BMP, TIFF, PNM, or the first
/// frame of a GIF.
pub(crate) fn decode(bytes: &[u8], log: &mut Log) -> Result<Decoded, PictureError> {
    // `ImageReader` would do, but it hides the size that a refused header claims.
    let input = Cursor::new(bytes);
    if bytes.len() > MAX_FILE_BYTES {
        return Err(PictureError::FileTooLong {
            max_mebibytes: MAX_FILE_BYTES >> 20,
        });
    }
    let (format, result) = match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => ("PNG", PngDecoder::with_limits(input, limits()).map(pixels)),
        Ok(ImageFormat::Jpeg) => {
            // The decoder would fill what is missing with grey and say nothing.
            if !ends_as_jpeg(bytes) {
                return Err(PictureError::Damaged {
                    format: "JPEG",
                    problem: "it is cut short".into(),
                });
            }
            ("JPEG", JpegDecoder::new(input).map(pixels))
        }
        Ok(ImageFormat::WebP) => ("WebP", WebPDecoder::new(input).map(pixels)),
        Ok(ImageFormat::Bmp) => ("BMP", BmpDecoder::new(input).map(pixels)),
        Ok(ImageFormat::Gif) => ("GIF", GifDecoder::new(input).map(pixels)),
        Ok(ImageFormat::Tiff) => ("TIFF", TiffDecoder::new(input).map(pixels)),
        Ok(ImageFormat::Pnm) => ("PNM", PnmDecoder::new(input).map(pixels)),
        _ if bytes.is_empty() => return Err(PictureError::Empty),
        _ => return Err(PictureError::Unsupported { found: kind(bytes) }),
    };
    let damaged = |problem: ImageError| match problem {
        ImageError::Unsupported(problem) => PictureError::NotRead {
            format,
            problem: problem.to_string(),
        },
        problem => PictureError::Damaged {
            format,
            problem: problem.to_string(),
        },
    };
    let (mut image, orientation) = result.map_err(damaged)??.map_err(damaged)?;
    log.steps.push(Step::Decoded {
        format,
        width: image.width() as usize,
        height: image.height() as usize,
    });
    if orientation != Orientation::NoTransforms {
        image.apply_orientation(orientation);
        log.steps.push(Step::Turned {
            exif: orientation.to_exif(),
        });
    }
    let transparent = image.color().has_alpha()
        && match &image {
            DynamicImage::ImageLumaA8(i) => i.pixels().any(|p| p.0[1] < u8::MAX),
            DynamicImage::ImageRgba8(i) => i.pixels().any(|p| p.0[3] < u8::MAX),
            DynamicImage::ImageLumaA16(i) => i.pixels().any(|p| p.0[1] < u16::MAX),
            DynamicImage::ImageRgba16(i) => i.pixels().any(|p| p.0[3] < u16::MAX),
            _ => false,
        };
    if transparent {
        log.steps.push(Step::OverWhite);
    }
    Ok(Decoded { image, transparent })
}

/// Whether the pixels of a JPEG are followed by its end marker. More may follow that:
/// phones append films.
fn ends_as_jpeg(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 2;
    // Segments before the pixels can hold whole images of their own (thumbnails).
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        at += 2;
        if marker == START_OF_SCAN {
            break;
        }
        // Padding bytes may come before markers, and are no segments.
        at = if marker == 0xff {
            at - 1
        } else {
            at + usize::from(u16::from_be_bytes([high, low]))
        };
    }
    // Within the pixels, 0xff is followed by 0 or by a restart marker.
    let scan = bytes.get(at..).unwrap_or_default();
    scan.windows(2).any(|pair| pair == [0xff, 0xd9])
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

type Pixels = Result<(DynamicImage, Orientation), ImageError>;

/// Checks what the header claims, then decodes.
fn pixels(mut decoder: impl ImageDecoder) -> Result<Pixels, PictureError> {
    let (width, height) = decoder.dimensions();
    if width.max(height) > MAX_SIDE || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(PictureError::TooLarge {
            width,
            height,
            max_side: MAX_SIDE,
            max_mebibytes: MAX_DECODED_BYTES >> 20,
        });
    }
    // A frame of a GIF may be larger than the image that it is a part of.
    if let Err(error) = decoder.set_limits(limits()) {
        return Ok(Err(error));
    }
    // An orientation that cannot be read is no reason to refuse the image.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok(DynamicImage::from_decoder(decoder).map(|image| (image, orientation)))
}

/// What bytes seem to be that are no image which is read.
fn kind(bytes: &[u8]) -> &'static str {
    let head = &bytes[..bytes.len().min(512)];
    let text = String::from_utf8_lossy(head).to_lowercase();
    let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    match image::guess_format(bytes) {
        Ok(ImageFormat::Avif) => "an AVIF image",
        _ if bytes.get(4..8) == Some(b"ftyp") => match &bytes[8..bytes.len().min(12)] {
            b"avif" | b"avis" => "an AVIF image",
            b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" => "a HEIC image",
            _ => "a film",
        },
        _ if bytes.starts_with(b"%PDF") => "a PDF",
        _ if text.contains("<svg") => "an SVG drawing",
        _ if text.contains("<html") || text.contains("<!doctype") => "a web page",
        _ if head.iter().all(printable) => "text",
        _ => "a file of an unknown kind",
    }
}

impl Decoded {
    pub(crate) fn width(&self) -> usize {
        self.image.width() as usize
    }

    pub(crate) fn height(&self) -> usize {
        self.image.height() as usize
    }

    /// Whether every pixel is grey and opaque, and no more than a byte deep.
    pub(crate) fn is_plain_grey(&self) -> bool {
        fn grey([red, green, blue]: [u8; 3]) -> bool {
            red == green && green == blue
        }
        match &self.image {
            DynamicImage::ImageLuma8(_) => true,
            DynamicImage::ImageLumaA8(_) => !self.transparent,
            DynamicImage::ImageRgb8(i) => i.pixels().all(|p| grey(p.0)),
            DynamicImage::ImageRgba8(i) => {
                let opaque = |[red, green, blue, _]: [u8; 4]| grey([red, green, blue]);
                !self.transparent && i.pixels().all(|p| opaque(p.0))
            }
            _ => false,
        }
    }

    /// Whether it is stored without colours and without transparency, at any depth.
    pub(crate) fn is_grey_of_any_depth(&self) -> bool {
        let grey = matches!(
            self.image,
            DynamicImage::ImageLuma16(_) | DynamicImage::ImageLumaA16(_)
        );
        self.is_plain_grey() || (grey && !self.transparent)
    }

    /// The grey levels over white, and the alpha channel where any of it is transparent.
    pub(crate) fn into_grey(self) -> (Plane, Option<Plane>) {
        let width = self.width();
        let plane = |values| Plane::new(width, values);
        if !self.transparent {
            return (plane(self.image.into_luma8().into_raw()), None);
        }
        let pairs = self.image.into_luma_alpha8();
        let grey = pairs.pixels().map(|p| over_white(p.0[0], p.0[1])).collect();
        let alpha = pairs.pixels().map(|p| p.0[1]).collect();
        (plane(grey), Some(plane(alpha)))
    }

    /// Three planes over white.
    pub(crate) fn into_rgb(self) -> Vec<u8> {
        let image = if self.transparent {
            let mut image = self.image.into_rgba8();
            for pixel in image.pixels_mut() {
                let [red, green, blue, alpha] = pixel.0;
                pixel.0 = [
                    over_white(red, alpha),
                    over_white(green, alpha),
                    over_white(blue, alpha),
                    u8::MAX,
                ];
            }
            DynamicImage::from(image).into_rgb8()
        } else {
            self.image.into_rgb8()
        };
        (0..3)
            .flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel]))
            .collect()
    }
}

/// A value of this opacity laid over white.
fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    // At most 255 × 255 + 127, so that the quotient fits a byte.
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
