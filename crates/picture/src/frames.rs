//! Whether a file holds more images than the one that is read.

use std::io::Cursor;

use image::{
    AnimationDecoder, ImageFormat,
    codecs::{gif::GifDecoder, webp::WebPDecoder},
};

/// Whether bytes begin like an image of a kind that is read.
pub fn is_image(head: &[u8]) -> bool {
    image::guess_format(head).is_ok_and(|format| format.reading_enabled())
}

/// Whether there are frames or pages after the first.
pub(crate) fn has_more_frames(bytes: &[u8]) -> bool {
    let input = Cursor::new(bytes);
    match image::guess_format(bytes) {
        Ok(ImageFormat::Gif) => {
            GifDecoder::new(input).is_ok_and(|gif| gif.into_frames().nth(1).is_some())
        }
        Ok(ImageFormat::Png) => is_animated_png(bytes).unwrap_or(false),
        Ok(ImageFormat::WebP) => WebPDecoder::new(input).is_ok_and(|webp| webp.has_animation()),
        Ok(ImageFormat::Tiff) => next_page(bytes).is_some_and(|offset| offset != 0),
        _ => false,
    }
}

/// Whether a PNG has the chunk of an animation, which comes before the pixels (PNG, third edition, 11.3.4).
/// A decoder would tell, too, at a tenth more of the time that small images take.
fn is_animated_png(bytes: &[u8]) -> Option<bool> {
    let mut at = 8;
    loop {
        let (length, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
        match rest.get(..4)? {
            b"acTL" => return Some(true),
            b"IDAT" => return Some(false),
            _ => {}
        }
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        at = at.checked_add(length)?.checked_add(12)?;
    }
}

/// Where a TIFF says its second page is, 0 for nowhere (TIFF 6.0, section 2).
fn next_page(bytes: &[u8]) -> Option<u32> {
    let little = bytes.starts_with(b"II");
    let u16_at = |at: usize| -> Option<u16> {
        let two = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(two)
        } else {
            u16::from_be_bytes(two)
        })
    };
    let u32_at = |at: usize| -> Option<u32> {
        let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little {
            u32::from_le_bytes(four)
        } else {
            u32::from_be_bytes(four)
        })
    };
    // Another number is that of BigTIFF, which is not read.
    if u16_at(2)? != 42 {
        return None;
    }
    let first = usize::try_from(u32_at(4)?).ok()?;
    let entries = usize::from(u16_at(first)?);
    u32_at(first.checked_add(2 + 12 * entries)?)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test without its data must fail loudly"
    )]

    use image::{
        Frame, GrayImage, RgbaImage,
        codecs::{gif::GifEncoder, png::PngEncoder, tiff::TiffEncoder},
    };

    use super::*;

    fn gif(frames: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        let frames = (0..frames).map(|_| Frame::new(RgbaImage::new(3, 2)));
        encoder.encode_frames(frames).unwrap();
        drop(encoder);
        bytes
    }

    #[test]
    fn the_second_frame_of_a_gif_is_seen() {
        assert!(!has_more_frames(&gif(1)));
        assert!(has_more_frames(&gif(2)));
    }

    #[test]
    fn an_animated_png_is_seen() {
        let mut bytes = Cursor::new(Vec::new());
        GrayImage::new(3, 2)
            .write_with_encoder(PngEncoder::new(&mut bytes))
            .unwrap();
        let mut bytes = bytes.into_inner();
        assert!(!has_more_frames(&bytes));
        // After the signature of 8 bytes and the header of 25.
        let chunk = [&8_u32.to_be_bytes()[..], b"acTL", &[0; 8], &[0; 4]].concat();
        bytes.splice(33..33, chunk);
        assert!(has_more_frames(&bytes));
        for cut in 0..bytes.len() {
            has_more_frames(&bytes[..cut]);
        }
    }

    #[test]
    fn the_second_page_of_a_tiff_is_seen() {
        let mut bytes = Cursor::new(Vec::new());
        GrayImage::new(3, 2)
            .write_with_encoder(TiffEncoder::new(&mut bytes))
            .unwrap();
        let mut bytes = bytes.into_inner();
        assert_eq!(next_page(&bytes), Some(0));
        assert!(!has_more_frames(&bytes));
        let first = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        let entries = usize::from(u16::from_le_bytes(
            bytes[first..first + 2].try_into().unwrap(),
        ));
        bytes[first + 2 + 12 * entries] = 8;
        assert!(has_more_frames(&bytes));
        for cut in 0..bytes.len() {
            // No panic, whatever is missing.
            has_more_frames(&bytes[..cut]);
        }
    }

    #[test]
    fn an_image_is_known_by_its_content() {
        assert!(is_image(&gif(1)));
        assert!(!is_image(b"file,label\n"));
    }
}
