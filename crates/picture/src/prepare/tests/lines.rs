//! Lines of the paper, and strokes that look like them.

use super::*;

/// Whether ink is left at a position of the image, after all steps.
fn left_at(image: &GrayImage, x: usize, y: usize) -> bool {
    let explained = explain(&png(image.clone()), TARGET);
    explained.prepared.unwrap();
    let ink = explained.stages.iter().rfind(|stage| {
        let shape = stage.images.shape();
        (shape.width, shape.height) == (image.width() as usize, image.height() as usize)
    });
    ink.unwrap().images.pixels()[y * image.width() as usize + x] > 0
}

/// Lines of grey level 150, two pixels thick, every 50 rows.
fn ruled(strokes: &[[u32; 4]]) -> GrayImage {
    let mut image = drawing(600, 800, 245, 30, strokes);
    for (_, y, pixel) in image.enumerate_pixels_mut() {
        if y % 50 < 2 {
            pixel.0[0] = pixel.0[0].min(150);
        }
    }
    image
}

fn counted(image: &GrayImage) -> usize {
    let steps = prepare(&png(image.clone()), TARGET).unwrap().steps;
    let lines = steps.iter().find_map(|step| match step {
        Step::Lines { count } => Some(*count),
        _ => None,
    });
    lines.unwrap_or(0)
}

#[test]
fn a_drawing_cut_close_keeps_its_strokes() {
    // A four whose stem and bar go from border to border, in a thin pen.
    let four = [[0, 300, 400, 8], [250, 0, 8, 560], [60, 0, 8, 300]];
    let image = drawing(400, 560, 255, 0, &four);
    assert_eq!(counted(&image), 0);
    // A T and a plus of nothing but lines.
    for at in [0, 280] {
        let crossed = [[0, at, 400, 8], [196, 0, 8, 560]];
        assert_eq!(counted(&drawing(400, 560, 255, 0, &crossed)), 0, "{at}");
    }
}

#[test]
fn a_one_across_ruled_paper_stays() {
    let one = ruled(&[[300, 60, 9, 690]]);
    assert_eq!(counted(&one), 16);
    for y in [100, 352, 700] {
        assert!(left_at(&one, 304, y), "row {y}");
    }
    assert!(!left_at(&one, 100, 351));
}

#[test]
fn a_one_beside_a_margin_line_stays() {
    let mut sheet = drawing(600, 800, 245, 30, &[[300, 60, 9, 690]]);
    for (x, _, pixel) in sheet.enumerate_pixels_mut() {
        if (90..93).contains(&x) {
            pixel.0[0] = 150;
        }
    }
    let steps = prepare(&png(sheet), TARGET).unwrap().steps;
    // Thickened, and alone.
    let is_one = |step: &Step| {
        matches!(
            step,
            Step::Cropped {
                left: 250..=300,
                width: 9..=75,
                height: 690..=760,
                ..
            }
        )
    };
    assert!(steps.iter().any(is_one), "{steps:?}");
}

#[test]
fn a_bar_that_lies_on_a_line_stays() {
    let seven = ruled(&[[120, 147, 380, 9], [490, 147, 9, 560]]);
    assert!(counted(&seven) >= 15);
    for x in [130, 300, 480] {
        assert!(left_at(&seven, x, 152), "column {x}");
    }
    assert!(!left_at(&seven, 50, 151));
}

#[test]
fn lines_that_leave_through_a_corner_go_too() {
    // Turned by three degrees, and nothing drawn.
    let turned = GrayImage::from_fn(600, 400, |x, y| {
        let along = f64::from(y) + f64::from(x) * 0.052;
        Luma([if along.rem_euclid(40.0) < 2.0 {
            120
        } else {
            240
        }])
    });
    let found = prepare(&png(turned.clone()), TARGET);
    assert!(
        matches!(found, Err(PictureError::NothingDrawn)),
        "{found:?}"
    );
    // And a seven on it.
    let mut seven = turned;
    for (x, y, pixel) in seven.enumerate_pixels_mut() {
        let inside = |&[left, top, w, h]: &[u32; 4]| {
            (left..left + w).contains(&x) && (top..top + h).contains(&y)
        };
        if [[200, 100, 120, 16], [300, 100, 20, 200]]
            .iter()
            .any(inside)
        {
            pixel.0[0] = 20;
        }
    }
    let prepared = prepare(&png(seven), TARGET).unwrap();
    let cropped = prepared.steps.iter().find_map(|step| match *step {
        Step::Cropped { width, height, .. } => Some((width, height)),
        _ => None,
    });
    let (width, height) = cropped.unwrap();
    assert!(
        width.abs_diff(120) <= 4 && height.abs_diff(200) <= 4,
        "{width}×{height}"
    );
}
