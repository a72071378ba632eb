//! Pages on a background, small digits on large pages, and what is at the edge.

use super::*;

/// A photo: light that falls off to the right, and a camera's noise.
fn photo(image: &GrayImage) -> GrayImage {
    let mut seed = 7_u32;
    GrayImage::from_fn(image.width(), image.height(), |x, y| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 24) / 32.0 - 4.0;
        let light = 1.0 - 0.12 * f64::from(x) / f64::from(image.width());
        let value = f64::from(image.get_pixel(x, y).0[0]) * light + noise;
        Luma([value.clamp(0.0, 255.0) as u8])
    })
}

/// The seven of the other tests, three times as large.
const LARGE_SEVEN: [[u32; 4]; 2] = [[290, 160, 150, 24], [410, 160, 30, 240]];

/// A page of grey level 225 on a background of 60.
fn on_a_background(
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
    strokes: &[[u32; 4]],
) -> GrayImage {
    let page = drawing(800, 600, 225, 40, strokes);
    photo(&GrayImage::from_fn(800, 600, |x, y| {
        let inside = (left..right).contains(&x) && (top..bottom).contains(&y);
        if inside {
            *page.get_pixel(x, y)
        } else {
            Luma([60])
        }
    }))
}

#[track_caller]
fn assert_near(found: &Prepared, expected: &[u8], most: u32) {
    let pairs = found.images.pixels().iter().zip(expected);
    let sum: u32 = pairs.map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
    let mean = sum / expected.len() as u32;
    assert!(mean <= most, "{mean}: {:?}", found.steps);
}

#[test]
fn the_background_around_a_page_is_no_ink() {
    let expected = pixels(&png(drawing(800, 600, 255, 0, &LARGE_SEVEN)));
    for (left, top, right, bottom) in [(80, 80, 720, 520), (80, 80, 800, 600), (0, 60, 720, 540)] {
        let page = on_a_background(left, top, right, bottom, &LARGE_SEVEN);
        let prepared = prepare(&png(page), TARGET).unwrap();
        assert!(prepared.steps.contains(&Step::Background));
        assert_near(&prepared, &expected, 4);
        let blank = on_a_background(left, top, right, bottom, &[]);
        let found = prepare(&png(blank), TARGET);
        assert!(
            matches!(found, Err(PictureError::NothingDrawn)),
            "{found:?}"
        );
    }
}

#[test]
fn a_background_may_be_a_narrow_frame_or_the_corners_beside_a_page_that_is_turned() {
    let expected = pixels(&png(drawing(800, 600, 255, 0, &LARGE_SEVEN)));
    for margin in [10, 34, 45, 60] {
        let page = on_a_background(margin, margin, 800 - margin, 600 - margin, &LARGE_SEVEN);
        let prepared = prepare(&png(page), TARGET).unwrap();
        assert_near(&prepared, &expected, 4);
    }
    // Wedges along all sides, as wide as a stroke at one end and as nothing at the other.
    let page = photo(&drawing(800, 600, 225, 40, &LARGE_SEVEN));
    let turned = GrayImage::from_fn(800, 600, |x, y| {
        let outside =
            y < (800 - x) / 12 || 600 - y < x / 12 || x < y / 12 || 800 - x < (600 - y) / 12;
        if outside {
            Luma([20])
        } else {
            *page.get_pixel(x, y)
        }
    });
    let prepared = prepare(&png(turned), TARGET).unwrap();
    assert!(prepared.steps.contains(&Step::Background));
    assert_near(&prepared, &expected, 4);
}

#[test]
fn a_finger_at_the_edge_of_an_even_scan_is_left_out() {
    let expected = pixels(&png(drawing(800, 600, 255, 0, &LARGE_SEVEN)));
    let scan = drawing(800, 600, 255, 0, &LARGE_SEVEN);
    let finger = GrayImage::from_fn(800, 600, |x, y| {
        let (dx, dy) = (f64::from(x) - 60.0, f64::from(y) - 600.0);
        let inside = (dx / 60.0).powi(2) + (dy / 90.0).powi(2) < 1.0;
        if inside {
            Luma([30])
        } else {
            *scan.get_pixel(x, y)
        }
    });
    let prepared = prepare(&png(finger), TARGET).unwrap();
    assert_near(&prepared, &expected, 1);
    // A one along the edge is a drawing all the same.
    let two = [&LARGE_SEVEN[..], &[[0, 150, 30, 260]]].concat();
    let found = prepare(&png(drawing(800, 600, 255, 0, &two)), TARGET);
    assert!(
        matches!(found, Err(PictureError::SeveralPieces { count: 2 })),
        "{found:?}"
    );
}

#[test]
fn the_noise_of_a_blank_sheet_with_dark_edges_is_no_drawing() {
    let mut seed = 3_u32;
    let sheet = GrayImage::from_fn(300, 300, |x, y| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let off = |at: u32| (f64::from(at) - 150.0) / 150.0;
        let light = 230.0 * (1.0 - 0.3 * (off(x).powi(2) + off(y).powi(2)));
        Luma([(light + f64::from(seed >> 24) / 16.0 - 8.0) as u8])
    });
    let found = prepare(&png(sheet), TARGET);
    assert!(
        matches!(found, Err(PictureError::NothingDrawn)),
        "{found:?}"
    );
}

#[test]
fn chalk_on_a_board_is_no_page() {
    let expected = pixels(&png(drawing(800, 600, 255, 0, &LARGE_SEVEN)));
    let board = photo(&drawing(800, 600, 50, 220, &LARGE_SEVEN));
    let prepared = prepare(&png(board), TARGET).unwrap();
    assert!(
        !prepared.steps.contains(&Step::Background),
        "{:?}",
        prepared.steps
    );
    assert_near(&prepared, &expected, 4);
    // As large as the image, in the thickest of pens.
    let fat = [[20, 10, 300, 90], [230, 10, 90, 480]];
    let board = photo(&drawing(340, 500, 50, 220, &fat));
    let prepared = prepare(&png(board), TARGET).unwrap();
    assert!(
        !prepared.steps.contains(&Step::Background),
        "{:?}",
        prepared.steps
    );
}

#[test]
fn a_small_digit_on_a_large_page_is_found() {
    // Fifteen millimetres high in a pen of half a millimetre, on a photo of a sheet of A4.
    let seven = [[1400, 1800, 110, 7], [1503, 1800, 7, 216]];
    let page = photo(&drawing(3024, 4032, 225, 50, &seven));
    let prepared = prepare(&png(page), TARGET).unwrap();
    let cropped = prepared.steps.iter().find_map(|step| match *step {
        Step::Cropped { width, height, .. } => Some((width, height)),
        _ => None,
    });
    let (width, height) = cropped.unwrap();
    // A quarter as large, and thickened.
    assert!(
        (27..45).contains(&width) && (52..70).contains(&height),
        "{width}×{height}"
    );
}

#[test]
fn what_leans_on_the_edge_of_a_drawing_stays() {
    // A seven whose bar is at the top and apart from its stem.
    let seven = drawing(400, 500, 255, 0, &[[100, 0, 220, 34], [286, 50, 34, 366]]);
    let prepared = prepare(&png(seven), TARGET).unwrap();
    assert!(prepared.steps.contains(&Step::Cropped {
        left: 100,
        top: 0,
        width: 220,
        height: 416
    }));
    // Two digits, one of them on the edge.
    let two = [
        [60, 300, 16, 100],
        [60, 320, 150, 16],
        [380, 60, 160, 16],
        [524, 60, 16, 240],
    ];
    let found = prepare(&png(drawing(600, 400, 255, 0, &two)), TARGET);
    assert!(
        matches!(found, Err(PictureError::SeveralPieces { count: 2 })),
        "{found:?}"
    );
}

#[test]
fn what_is_left_out_at_the_edge_of_a_photo_gives_a_warning() {
    let finger = [
        [290, 160, 150, 24],
        [410, 160, 30, 240],
        [720, 250, 80, 30],
        [720, 250, 30, 140],
    ];
    let prepared = prepare(&png(photo(&drawing(800, 600, 225, 40, &finger))), TARGET).unwrap();
    let expected = pixels(&png(drawing(800, 600, 255, 0, &LARGE_SEVEN)));
    assert_near(&prepared, &expected, 4);
    assert!(
        prepared.warnings.contains(&Warning::LeftOut),
        "{prepared:?}"
    );
}

#[test]
fn a_picture_smaller_than_a_digits_may_be_light_on_dark() {
    let strokes = [[2, 1, 4, 1], [5, 1, 1, 6]];
    let dark = prepare(&png(drawing(8, 8, 16, 240, &strokes)), TARGET).unwrap();
    let light = prepare(&png(drawing(8, 8, 240, 16, &strokes)), TARGET).unwrap();
    assert_eq!(dark.images, light.images);
}

#[test]
fn a_pixel_is_a_speck() {
    let pixel = drawing(500, 500, 255, 0, &[[250, 250, 1, 1]]);
    assert!(matches!(
        prepare(&png(pixel), TARGET),
        Err(PictureError::NothingDrawn)
    ));
    let dot = drawing(500, 500, 255, 0, &[[250, 250, 9, 9]]);
    assert!(prepare(&png(dot), TARGET).is_ok());
}
