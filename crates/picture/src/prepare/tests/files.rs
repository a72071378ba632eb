//! What can be wrong with a file, and the kinds of file that are right.

use image::codecs::jpeg::JpegEncoder;
use proptest::collection::vec;

use super::*;

fn says(bytes: &[u8]) -> String {
    prepare(bytes, TARGET).unwrap_err().to_string()
}

#[test]
fn what_is_no_png_or_jpeg_is_named() {
    for (bytes, expected) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0"[..], "a HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "an AVIF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a film"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"%PDF-1.7", "a PDF"),
        (b"just some words", "text"),
        (b"\x01\x02\x03\x04", "unknown kind"),
    ] {
        let message = says(bytes);
        assert!(
            message.contains(expected),
            "{expected:?} is not in {message:?}"
        );
        assert!(message.contains("PNG or JPEG"), "{message}");
    }
    for (bytes, format) in [
        (&b"GIF89a\x01\0\x01\0"[..], "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        (b"BM\x10\0\0\0\0\0", "BMP"),
        (b"II\x2a\0\xff\0\0\0", "TIFF"),
        (b"P5\n9", "PNM"),
    ] {
        let message = says(bytes);
        assert!(
            message.contains(&format!("the {format} image is damaged")),
            "{message}"
        );
    }
    assert!(matches!(prepare(b"", TARGET), Err(PictureError::Empty)));
}

#[test]
fn every_kind_of_file_reads_the_same() {
    use image::ImageFormat::{Bmp, Gif, Pnm, Tiff, WebP};
    let grey = DynamicImage::from(seven(255, 0));
    let expected = pixels(&png(grey.clone()));
    for format in [Bmp, Gif, Pnm, Tiff, WebP] {
        let image = match format {
            Gif => grey.to_rgba8().into(),
            _ => grey.clone(),
        };
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        assert_eq!(pixels(bytes.get_ref()), expected, "{format:?}");
    }
}

#[test]
fn every_pixel_format_reads_the_same() {
    let grey = DynamicImage::from(seven(255, 0));
    let expected = pixels(&png(grey.clone()));
    let formats: [DynamicImage; 7] = [
        grey.to_luma_alpha8().into(),
        grey.to_rgb8().into(),
        grey.to_rgba8().into(),
        grey.to_luma16().into(),
        grey.to_luma_alpha16().into(),
        grey.to_rgb16().into(),
        grey.to_rgba16().into(),
    ];
    for image in formats {
        let color = image.color();
        assert_eq!(pixels(&png(image)), expected, "{color:?}");
    }
    assert_eq!(pixels(&palette(&seven(255, 0))), expected);
}

/// A PNG of one bit per pixel with a palette: white, and a black that is 0.
fn palette(image: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_palette(vec![0, 0, 0, 255, 255, 255]);
    let mut writer = encoder.write_header().unwrap();
    let rows: Vec<u8> = image
        .rows()
        .flat_map(|row| {
            let bits: Vec<u8> = row.map(|p| u8::from(p.0[0] > 127)).collect();
            let pack = |bits: &[u8]| {
                let byte = |byte, (i, bit): (usize, &u8)| byte | bit << (7 - i);
                bits.iter().enumerate().fold(0, byte)
            };
            bits.chunks(8).map(pack).collect::<Vec<u8>>()
        })
        .collect();
    writer.write_image_data(&rows).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn a_jpeg_reads_as_its_png_whatever_its_name() {
    let expected = pixels(&png(seven(255, 0)));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 80)
        .encode_image(&seven(255, 0))
        .unwrap();
    let prepared = prepare(&jpeg, TARGET).unwrap();
    assert!(matches!(
        prepared.steps[0],
        Step::Decoded { format: "JPEG", .. }
    ));
    let furthest = prepared
        .images
        .pixels()
        .iter()
        .zip(&expected)
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(furthest <= Some(24), "{furthest:?}");
}

/// The image with an `eXIf` chunk of this orientation.
fn with_exif(image: &GrayImage, orientation: u8) -> Vec<u8> {
    let tiff = [
        &b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
        &[orientation],
        &[0; 6],
    ]
    .concat();
    with_chunk(image, &tiff)
}

fn with_chunk(image: &GrayImage, exif: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::eXIf, exif).unwrap();
    writer.write_image_data(image.as_raw()).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn the_exif_orientation_is_undone() {
    use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
    let upright = seven(255, 0);
    let expected = pixels(&png(upright.clone()));
    // How each orientation stores an upright image, as the EXIF standard says.
    let stored = [
        upright.clone(),
        flip_horizontal(&upright),
        rotate180(&upright),
        flip_vertical(&upright),
        flip_horizontal(&rotate90(&upright)),
        rotate270(&upright),
        flip_horizontal(&rotate270(&upright)),
        rotate90(&upright),
    ];
    for (image, orientation) in stored.iter().zip(1..) {
        let prepared = prepare(&with_exif(image, orientation), TARGET).unwrap();
        assert_eq!(
            prepared.images.pixels(),
            expected,
            "orientation {orientation}"
        );
        let turned = prepared.steps.contains(&Step::Turned { exif: orientation });
        assert_eq!(turned, orientation > 1);
        // As it is stored: but for a pixel, by which the middle moves when sides are swapped.
        let Some(stored) = prepared.as_stored() else {
            assert_eq!(orientation, 1);
            continue;
        };
        let expected = pixels(&png(image.clone()));
        let moved = |right: usize, down: usize| -> u32 {
            let at = |x: usize, y: usize| stored.pixels().get(y * 28 + x).copied().unwrap_or(0);
            let places = (0..28 * 28).map(|place| (place % 28, place / 28));
            places
                .map(|(x, y)| {
                    let value = at(x + 1 - right, y.wrapping_add(1).wrapping_sub(down));
                    u32::from(value.abs_diff(expected[y * 28 + x]))
                })
                .sum()
        };
        let places = (0..9).map(|shift| moved(shift % 3, shift / 3));
        let least = places.min().unwrap();
        assert!(least < 28 * 28 * 4, "orientation {orientation}: {least}");
    }
}

#[test]
fn corrupt_exif_is_ignored() {
    let upright = seven(255, 0);
    let expected = pixels(&png(upright.clone()));
    for exif in [&b""[..], b"MM", b"rubbish that is no TIFF", &[0xff; 40]] {
        assert_eq!(pixels(&with_chunk(&upright, exif)), expected);
    }
    assert_eq!(pixels(&with_exif(&upright, 99)), expected);
}

/// A PNG whose header claims this size; its checksums are right, its data is a byte.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = png::Encoder::new(&mut bytes, width, height);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &[0x78]).unwrap();
    drop(writer);
    bytes
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_anything_is_allocated() {
    for (width, height) in [
        (60_000, 60_000),
        (1, 100_000),
        (100_000, 1),
        (16_384, 16_385),
    ] {
        let error = prepare(&claims(width, height), TARGET).unwrap_err();
        assert!(matches!(error, PictureError::TooLarge { .. }), "{error}");
        assert!(
            error.to_string().contains(&format!("{width}×{height}")),
            "{error}"
        );
    }
    // At the limit it is read, and found to be cut short.
    let error = prepare(&claims(16_384, 16_384), TARGET).unwrap_err();
    assert!(matches!(error, PictureError::Damaged { .. }), "{error}");
    let mut jpeg = encode(seven(255, 0), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    let error = prepare(&jpeg, TARGET).unwrap_err();
    assert!(
        matches!(error, PictureError::TooLarge { width: 60_000, .. }),
        "{error}"
    );
}

/// The frame claims 25,957 × 18,790 pixels of an image of 13 × 16.
#[test]
fn a_frame_of_a_gif_that_is_larger_than_the_image_is_refused() {
    let bytes = b"GIF89a\x0d\0\x10\0\x80\0\0\0\0\0\0\0\0\x21\xf9\x04\x08\0\0\0\0\x2c\0\0\0\0eXIf\x80\x14\x14\x14\xfa\xfa\xfa\x07";
    let said = says(bytes);
    assert!(said.contains("GIF"), "{said}");
}

#[test]
fn a_cut_or_damaged_file_is_refused() {
    let noisy = GrayImage::from_fn(90, 70, |x, y| Luma([((x * 37) ^ (y * 91)) as u8]));
    let jpeg = encode(noisy.clone(), ImageFormat::Jpeg);
    let png = png(noisy);
    for (name, whole) in [("PNG", png.clone()), ("JPEG", jpeg)] {
        for cut in [3, 5, 8, 9] {
            let bytes = &whole[..whole.len() * cut / 10];
            let error = prepare(bytes, TARGET);
            assert!(
                matches!(&error, Err(PictureError::Damaged { format, .. }) if *format == name),
                "{name} cut to {cut}/10: {error:?}"
            );
        }
    }
    let mut flipped = png;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let error = prepare(&flipped, TARGET).unwrap_err();
    assert!(
        matches!(error, PictureError::Damaged { format: "PNG", .. }),
        "{error}"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = prepare(&bytes, TARGET);
        let _ = prepare(&[&b"\x89PNG\r\n\x1a\n"[..], &bytes].concat(), TARGET);
        let _ = prepare(&[&b"\xff\xd8\xff"[..], &bytes].concat(), TARGET);
    }

    #[test]
    fn damaged_pictures_never_panic(
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()
    ) {
        let image = drawing(40, 30, 255, 0, &[[10, 5, 6, 20]]);
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let mut bytes = encode(image.clone(), format);
            for (at, value) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            let _ = prepare(&bytes, TARGET);
            bytes.truncate(cut.index(bytes.len()));
            let _ = prepare(&bytes, TARGET);
            let _ = prepare(&bytes, ImageShape::new(3, 8, 8));
        }
    }
}
