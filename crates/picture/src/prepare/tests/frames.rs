//! Boxes, cells and panels around a drawing, and drawings that look like them.

use super::*;

/// How many columns and rows the ink of the drawing has, as it was cropped.
fn cropped(prepared: &Prepared) -> (usize, usize) {
    let cropped = |step: &Step| match *step {
        Step::Cropped { width, height, .. } => Some((width, height)),
        _ => None,
    };
    prepared.steps.iter().find_map(cropped).unwrap()
}

fn frame(prepared: &Prepared) -> Option<&'static str> {
    let inside = |step: &Step| match *step {
        Step::Inside { frame, .. } => Some(frame),
        _ => None,
    };
    prepared.steps.iter().find_map(inside)
}

#[track_caller]
fn assert_near(found: &Prepared, expected: &[u8], most: f64) {
    let pairs = found.images.pixels().iter().zip(expected);
    let sum: u32 = pairs.map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
    let mean = f64::from(sum) / expected.len() as f64;
    assert!(mean <= most, "{mean}: {:?}", found.steps);
}

/// The image with lines of a grey level over it.
fn with_lines(mut image: GrayImage, level: u8, lines: &[[u32; 4]]) -> GrayImage {
    let lines = drawing(image.width(), image.height(), 255, level, lines);
    for (pixel, line) in image.pixels_mut().zip(lines.pixels()) {
        pixel.0[0] = pixel.0[0].min(line.0[0]);
    }
    image
}

#[test]
fn a_box_darker_and_thicker_than_the_pencil_is_removed() {
    let pencil = seven(255, 150);
    let expected = pixels(&png(pencil.clone()));
    let [left, right, top, bottom] = [
        [10, 0, 5, 160],
        [180, 0, 6, 160],
        [0, 8, 200, 5],
        [0, 130, 200, 6],
    ];
    let twice = [[190, 0, 3, 160], [0, 140, 200, 3]];
    let whole = [
        [10, 8, 5, 128],
        [180, 8, 6, 128],
        [10, 8, 176, 5],
        [10, 130, 176, 6],
    ];
    for lines in [
        &[left, right, top, bottom][..],
        &[left, right, top, bottom, twice[0], twice[1]],
        // As a form is cut by hand: only a corner of the box.
        &[left, top],
        &[right, top, bottom],
        &whole,
    ] {
        let prepared = prepare(&png(with_lines(pencil.clone(), 10, lines)), TARGET).unwrap();
        assert_eq!(
            frame(&prepared),
            Some("box"),
            "{lines:?}: {:?}",
            prepared.steps
        );
        assert_eq!(cropped(&prepared), (50, 80), "{lines:?}");
        assert_near(&prepared, &expected, 1.0);
        assert_eq!(prepared.warnings, [], "{lines:?}");
    }
}

#[test]
fn a_box_whose_lines_go_on_has_a_label_and_a_blank_box_beside_it_is_removed() {
    let pencil = drawing(400, 400, 255, 90, &[[150, 160, 60, 8], [202, 160, 8, 80]]);
    let expected = pixels(&png(pencil.clone()));
    let [left, right, top, bottom] = [
        [120, 120, 4, 160],
        [280, 120, 4, 160],
        [120, 120, 164, 4],
        [120, 276, 164, 4],
    ];
    let box_alone = [left, right, top, bottom];
    // Beyond all corners.
    let long = [
        [120, 90, 4, 220],
        [280, 90, 4, 220],
        [90, 120, 224, 4],
        [90, 276, 224, 4],
    ];
    // The edges of some letters.
    let label = [
        [125, 95, 3, 14],
        [125, 95, 8, 3],
        [140, 95, 3, 14],
        [150, 95, 9, 3],
    ];
    let beside = [[390, 120, 4, 160], [280, 120, 114, 4], [280, 276, 114, 4]];
    let wide = [[20, 120, 4, 160], [20, 120, 104, 4], [20, 276, 104, 4]];
    for lines in [
        box_alone.to_vec(),
        long.to_vec(),
        [&box_alone[..], &label].concat(),
        [&box_alone[..], &beside].concat(),
        [&box_alone[..], &wide].concat(),
    ] {
        let prepared = prepare(&png(with_lines(pencil.clone(), 10, &lines)), TARGET).unwrap();
        assert_eq!(
            frame(&prepared),
            Some("box"),
            "{lines:?}: {:?}",
            prepared.steps
        );
        assert_eq!(cropped(&prepared), (60, 80), "{lines:?}");
        assert_near(&prepared, &expected, 1.0);
    }
}

#[test]
fn a_stroke_that_touches_its_box_is_kept_inside() {
    // A one that stands on the lower line, and ends a little below it.
    let one = drawing(200, 200, 255, 60, &[[100, 60, 8, 115]]);
    let lines = [
        [15, 0, 6, 200],
        [180, 0, 6, 200],
        [0, 12, 200, 6],
        [0, 160, 200, 6],
    ];
    let prepared = prepare(&png(with_lines(one, 10, &lines)), TARGET).unwrap();
    assert_eq!(frame(&prepared), Some("box"));
    let (width, height) = cropped(&prepared);
    assert_eq!(width, 8);
    assert!((96..=100).contains(&height), "{height}");
}

#[test]
fn a_line_of_the_paper_that_strokes_cross_is_no_box() {
    // The bar of the seven above a line, most of its stem below it.
    let lines = [[0, 45, 200, 2], [0, 140, 200, 2]];
    let prepared = prepare(&png(with_lines(seven(255, 20), 120, &lines)), TARGET).unwrap();
    assert_eq!(frame(&prepared), None, "{:?}", prepared.steps);
    assert_eq!(cropped(&prepared), (50, 80));
}

#[test]
fn digits_that_are_cut_close_are_no_boxes() {
    // A zero with square corners and a dot, an eight, a four, and a letter like a box.
    let zero = [
        [2, 2, 100, 12],
        [2, 130, 100, 12],
        [2, 2, 12, 140],
        [90, 2, 12, 140],
    ];
    let dot = [[48, 68, 8, 8]];
    let bar = [[2, 66, 100, 12]];
    let four = [[2, 92, 100, 12], [72, 2, 12, 140], [2, 2, 12, 100]];
    for strokes in [
        [&zero[..], &dot].concat(),
        [&zero[..], &bar].concat(),
        four.to_vec(),
        zero.to_vec(),
    ] {
        let prepared = prepare(&png(drawing(104, 144, 255, 0, &strokes)), TARGET).unwrap();
        assert_eq!(frame(&prepared), None, "{strokes:?}: {:?}", prepared.steps);
        assert_eq!(cropped(&prepared), (100, 140), "{strokes:?}");
    }
}

#[test]
fn thick_strokes_around_an_open_space_are_no_panel() {
    // An n, and the same open to each of the other sides.
    let strokes = [[63, 62, 37, 46], [17, 58, 46, 8], [7, 66, 11, 42]];
    let mut image = drawing(160, 140, 255, 0, &strokes);
    for turn in 0..4 {
        let prepared = prepare(&png(image.clone()), TARGET).unwrap();
        assert_eq!(frame(&prepared), None, "{turn}");
        image = image::imageops::rotate90(&image);
    }
}

#[test]
fn light_ink_on_a_dark_panel_is_read_inside() {
    let expected = pixels(&png(seven(255, 0)));
    // A screenshot with a white margin, on all sides or on two.
    for [left, top, right, bottom] in [[12, 9, 14, 11], [0, 0, 20, 16], [60, 50, 90, 40]] {
        let mut page = GrayImage::from_pixel(200 + left + right, 160 + top + bottom, Luma([255]));
        image::imageops::overlay(&mut page, &seven(0, 255), left.into(), top.into());
        let prepared = prepare(&png(page.clone()), TARGET).unwrap();
        assert_eq!(frame(&prepared), Some("panel"), "{left} {top}");
        assert_near(&prepared, &expected, 1.0);
        // A figure: ticks and a title beside it.
        if left > 50 {
            let ticks = [
                [left - 6, 60, 5, 2],
                [left - 20, 56, 9, 12],
                [90, 20, 100, 11],
            ];
            let prepared = prepare(&png(with_lines(page, 0, &ticks)), TARGET).unwrap();
            assert_near(&prepared, &expected, 1.0);
        }
    }
    // A panel without anything on it is a drawing: a block, a thick one.
    let block = drawing(200, 160, 255, 0, &[[60, 20, 60, 120]]);
    assert_eq!(frame(&prepare(&png(block), TARGET).unwrap()), None);
}

#[test]
fn a_digit_drawn_on_a_black_canvas_is_placed() {
    let one = drawing(28, 28, 0, 255, &[[2, 3, 2, 12]]);
    let prepared = prepare(&png(one), TARGET).unwrap();
    let measured = measure(prepared.images.pixels(), 28);
    assert_eq!(measured.sides.1, 20, "{:?}", prepared.steps);
    assert!((measured.centre.0 - 14.0).abs() <= 0.5 && (measured.centre.1 - 14.0).abs() <= 0.5);
}

#[test]
fn in_a_blank_box_nothing_is_drawn() {
    let lines = [
        [10, 0, 4, 160],
        [180, 0, 4, 160],
        [0, 8, 200, 4],
        [0, 140, 200, 4],
    ];
    for lines in [
        &lines[..],
        &lines[..3],
        &[
            [10, 8, 4, 136],
            [180, 8, 4, 136],
            [10, 8, 174, 4],
            [10, 140, 174, 4],
        ],
    ] {
        let blank = GrayImage::from_pixel(200, 160, Luma([255]));
        let found = prepare(&png(with_lines(blank, 10, lines)), TARGET);
        assert!(
            matches!(found, Err(PictureError::NothingDrawn)),
            "{lines:?}: {found:?}"
        );
    }
}
