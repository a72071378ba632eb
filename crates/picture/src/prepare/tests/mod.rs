//! What people's images become. `files` holds what can be wrong with a file, `photos` what
//! is beside the ink, `lines` and `pages` what is below it.

mod files;
mod frames;
mod lines;
mod mnist;
mod pages;
mod photos;

use bakeoff_core::ImageShape;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use proptest::prelude::*;

use super::*;
use crate::{log::STAGES, steps::Tone};

const TARGET: ImageShape = ImageShape::new(1, 28, 28);

fn prepare(bytes: &[u8], target: ImageShape) -> Result<Prepared, PictureError> {
    super::prepare(bytes, target, Preparation::Ink)
}

fn explain(bytes: &[u8], target: ImageShape) -> Explained {
    super::explain(bytes, target, Preparation::Ink)
}

/// The image as a file.
fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    encode(image, ImageFormat::Png)
}

/// Rectangles of ink of grey level `ink` on `paper`: x, y, width, height.
fn drawing(width: u32, height: u32, paper: u8, ink: u8, strokes: &[[u32; 4]]) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let inside = |&[left, top, w, h]: &[u32; 4]| {
            (left..left + w).contains(&x) && (top..top + h).contains(&y)
        };
        Luma([if strokes.iter().any(inside) {
            ink
        } else {
            paper
        }])
    })
}

/// A seven, well off the middle.
const SEVEN: [[u32; 4]; 2] = [[30, 20, 50, 8], [70, 20, 10, 80]];

fn seven(paper: u8, ink: u8) -> GrayImage {
    drawing(200, 160, paper, ink, &SEVEN)
}

fn pixels(bytes: &[u8]) -> Vec<u8> {
    prepare(bytes, TARGET).unwrap().images.pixels().to_vec()
}

/// Columns and rows of the ink, and its centre of mass, all as (x, y).
struct Measured {
    sides: (usize, usize),
    centre: (f64, f64),
}

fn measure(pixels: &[u8], width: usize) -> Measured {
    let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
    let (mut mass, mut x_moment, mut y_moment) = (0.0, 0.0, 0.0);
    for (index, &value) in pixels.iter().enumerate().filter(|&(_, &value)| value > 0) {
        let (x, y) = (index % width, index / width);
        (left, right) = (left.min(x), right.max(x));
        (top, bottom) = (top.min(y), bottom.max(y));
        mass += f64::from(value);
        x_moment += f64::from(value) * x as f64;
        y_moment += f64::from(value) * y as f64;
    }
    Measured {
        sides: (right + 1 - left, bottom + 1 - top),
        centre: (x_moment / mass, y_moment / mass),
    }
}

#[test]
fn a_drawing_gets_mnists_own_steps() {
    let prepared = prepare(&png(seven(255, 0)), TARGET).unwrap();
    assert_eq!(prepared.images.len(), 1);
    assert_eq!(prepared.images.shape(), TARGET);
    let measured = measure(prepared.images.pixels(), 28);
    // 50×80 in a square of 80: 12.5 columns, centred, touch 14 columns of the 20.
    assert_eq!(measured.sides, (14, 20));
    assert!(
        (measured.centre.0 - 14.0).abs() <= 0.5,
        "{}",
        measured.centre.0
    );
    assert!(
        (measured.centre.1 - 14.0).abs() <= 0.5,
        "{}",
        measured.centre.1
    );
    assert_eq!(prepared.images.pixels().iter().max(), Some(&255));
    assert_eq!(prepared.warnings, []);
    assert_eq!(
        prepared.steps[..4],
        [
            Step::Decoded {
                format: "PNG",
                width: 200,
                height: 160
            },
            Step::Ink {
                tone: Tone::Dark,
                background: 255
            },
            Step::Cropped {
                left: 30,
                top: 20,
                width: 50,
                height: 80
            },
            Step::Averaged { side: 20 },
        ]
    );
    assert!(matches!(
        prepared.steps[4..],
        [Step::FullInk { .. }, Step::Centred { .. }]
    ));
}

#[test]
fn either_tone_is_read_the_same() {
    let expected = pixels(&png(seven(255, 0)));
    for (paper, ink) in [
        (0, 255),
        (250, 5),
        (30, 200),
        (200, 90),
        (128, 0),
        (128, 255),
        (100, 0),
    ] {
        assert_eq!(
            pixels(&png(seven(paper, ink))),
            expected,
            "{ink} on {paper}"
        );
    }
}

#[test]
fn a_picture_of_the_targets_size_is_kept_only_where_it_is_placed() {
    let placed = drawing(28, 28, 0, 255, &[[12, 4, 4, 20]]);
    let prepared = prepare(&png(placed.clone()), TARGET).unwrap();
    assert_eq!(prepared.images.pixels(), placed.as_raw().as_slice());
    assert!(prepared.steps.contains(&Step::Kept));
    for (paper, ink, strokes) in [
        (255, 0, [[12, 4, 4, 20]]),
        // Smaller, and beside the middle.
        (0, 255, [[12, 8, 3, 12]]),
        (0, 255, [[2, 4, 4, 20]]),
    ] {
        let other = prepare(&png(drawing(28, 28, paper, ink, &strokes)), TARGET).unwrap();
        assert!(!other.steps.contains(&Step::Kept));
        assert_eq!(measure(other.images.pixels(), 28).sides.1, 20);
    }
    // A colour image of that size is an image of something, not of the dataset.
    let mut red = DynamicImage::from(placed).into_rgb8();
    red.put_pixel(0, 0, image::Rgb([200, 0, 0]));
    let steps = prepare(&png(red), TARGET).unwrap().steps;
    assert!(!steps.contains(&Step::Kept));
}

#[test]
fn other_sizes_are_done_in_proportion() {
    for (target, side) in [
        (ImageShape::new(1, 56, 56), 40),
        (ImageShape::new(1, 14, 40), 10),
        (ImageShape::new(1, 8, 8), 6),
    ] {
        let prepared = prepare(&png(seven(255, 0)), target).unwrap();
        let measured = measure(prepared.images.pixels(), target.width);
        assert_eq!(measured.sides.1, side, "{target}");
        let off = measured.centre.0 - (target.width / 2) as f64;
        assert!(off.abs() <= 0.5, "{target}: {off}");
    }
    let one = prepare(&png(seven(255, 0)), ImageShape::new(1, 1, 1)).unwrap();
    assert_eq!(one.images.pixels(), [255]);
}

#[test]
fn without_ink_nothing_is_predicted() {
    let transparent = image::RgbaImage::from_pixel(50, 40, image::Rgba([9, 8, 7, 0]));
    let blanks = [
        png(drawing(1, 1, 0, 0, &[])),
        png(drawing(1, 1, 255, 0, &[])),
        png(drawing(60, 40, 255, 0, &[])),
        png(drawing(60, 40, 0, 0, &[])),
        png(drawing(28, 28, 0, 0, &[])),
        png(drawing(28, 28, 255, 0, &[])),
        png(drawing(60, 40, 200, 190, &SEVEN)),
        png(transparent),
    ];
    for (index, blank) in blanks.iter().enumerate() {
        let error = prepare(blank, TARGET).unwrap_err();
        assert!(
            matches!(error, PictureError::NothingDrawn),
            "{index}: {error}"
        );
    }
}

#[test]
fn what_makes_an_answer_less_sure_is_said() {
    let warnings = |image: GrayImage| prepare(&png(image), TARGET).unwrap().warnings;
    for stroke in [
        [0, 20, 9, 40],
        [60, 0, 9, 40],
        [91, 20, 9, 40],
        [60, 50, 9, 30],
    ] {
        let cut = drawing(100, 80, 255, 0, &[stroke]);
        assert_eq!(warnings(cut), [Warning::TouchesEdge], "{stroke:?}");
    }
    let faint = drawing(100, 80, 200, 160, &[[40, 20, 9, 40]]);
    assert_eq!(warnings(faint), [Warning::Faint { contrast: 40 }]);
}

#[test]
fn ink_on_transparent_is_read_dark_or_light() {
    let expected = pixels(&png(seven(255, 0)));
    for tone in [0, 255] {
        let image = image::RgbaImage::from_fn(200, 160, |x, y| {
            let ink = seven(0, 255).get_pixel(x, y).0[0];
            image::Rgba([tone, tone, tone, ink])
        });
        let prepared = prepare(&png(image), TARGET).unwrap();
        assert_eq!(prepared.images.pixels(), expected, "{tone} on transparent");
        assert!(prepared.steps.contains(&Step::OverWhite));
        assert_eq!(prepared.steps.contains(&Step::InkFromAlpha), tone == 255);
    }
}

#[test]
fn an_rgb_target_is_resized_to() {
    let target = ImageShape::new(3, 2, 4);
    let image = image::RgbImage::from_fn(8, 4, |x, y| {
        image::Rgb([if x < 4 { 200 } else { 0 }, if y < 2 { 100 } else { 0 }, 50])
    });
    let prepared = prepare(&png(image.clone()), target).unwrap();
    assert_eq!(prepared.images.shape(), target);
    let [red, green, blue] = [0, 1, 2].map(|c| &prepared.images.pixels()[c * 8..][..8]);
    assert!(red[0] > 180 && red[3] < 20, "{red:?}");
    assert!(green[0] > 70 && green[4] < 30, "{green:?}");
    assert_eq!(blue, [50; 8]);
    assert_eq!(prepared.warnings, []);
    assert!(prepared.steps.contains(&Step::Resized {
        width: 4,
        height: 2
    }));
    let square = prepare(&png(image.clone()), ImageShape::new(3, 4, 4)).unwrap();
    assert_eq!(square.warnings, [Warning::AspectChanged]);
    let same = prepare(&png(image.clone()), ImageShape::new(3, 4, 8)).unwrap();
    assert!(same.steps.contains(&Step::Kept));
    let planes: Vec<u8> = (0..3)
        .flat_map(|channel| image.pixels().map(move |p| p.0[channel]))
        .collect();
    assert_eq!(same.images.pixels(), planes);
    // Transparent is white, whatever colour hides below.
    let clear = image::RgbaImage::from_pixel(5, 5, image::Rgba([1, 2, 3, 0]));
    assert_eq!(
        prepare(&png(clear), target).unwrap().images.pixels(),
        [255; 24]
    );
}

#[test]
fn impossible_targets_are_refused() {
    for target in [
        ImageShape::new(2, 28, 28),
        ImageShape::new(4, 28, 28),
        ImageShape::new(1, 0, 28),
        ImageShape::new(0, 28, 28),
    ] {
        let error = prepare(&png(seven(255, 0)), target).unwrap_err();
        assert!(matches!(error, PictureError::Target { .. }), "{target}");
    }
}

#[test]
fn steps_are_for_people_and_for_programs() {
    let prepared = prepare(&png(seven(255, 0)), TARGET).unwrap();
    let texts: Vec<String> = prepared.steps.iter().map(Step::to_string).collect();
    assert_eq!(texts[0], "decoded a PNG of 200×160");
    assert_eq!(texts[2], "cropped to the ink: 50×80 from column 30, row 20");
    let json = serde_json::to_value(prepared.steps[1]).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"step": "ink", "tone": "dark", "background": 255})
    );
    assert_eq!(
        serde_json::to_value(Warning::TouchesEdge).unwrap(),
        serde_json::json!({"warning": "touches-edge"})
    );
}

/// One to four strokes that touch no edge of an image of 160×140, some of them thin and
/// up to as long as it, and not all of them dots.
fn strokes() -> impl Strategy<Value = Vec<[u32; 4]>> {
    let broad = (1..90_u32, 1..70_u32, 1..60_u32, 1..60_u32)
        .prop_map(|(left, top, width, height)| [left, top, width, height]);
    let horizontal = (1..40_u32, 1..130_u32, 1..120_u32, 1..9_u32)
        .prop_map(|(left, top, length, thick)| [left, top, length, thick]);
    let vertical = (1..150_u32, 1..30_u32, 1..9_u32, 1..110_u32)
        .prop_map(|(left, top, thick, length)| [left, top, thick, length]);
    proptest::collection::vec(
        prop_oneof![3 => broad, 1 => horizontal, 1 => vertical],
        1..5,
    )
    .prop_filter("specks", |strokes| {
        strokes.iter().any(|stroke| stroke[2].max(stroke[3]) >= 10)
    })
}

fn draw(strokes: &[[u32; 4]]) -> GrayImage {
    drawing(160, 140, 255, 0, strokes)
}

proptest! {
    #[test]
    fn the_longer_side_is_20_and_the_mass_is_in_the_middle(strokes in strokes()) {
        let found = prepare(&png(draw(&strokes)), TARGET);
        prop_assume!(!matches!(found, Err(PictureError::SeveralPieces { .. })));
        let prepared = found.unwrap();
        let measured = measure(prepared.images.pixels(), 28);
        let longer = measured.sides.0.max(measured.sides.1);
        prop_assert_eq!(longer, 20);
        let axes = [(measured.centre.0, measured.sides.0), (measured.centre.1, measured.sides.1)];
        for (centre, side) in axes {
            // Half a pixel of rounding; more only where ink would leave the image, which
            // begins when the mass is further than 14 pixels from an end of the ink.
            let leaning = side as f64 - 14.5;
            prop_assert!((centre - 14.0).abs() <= leaning.max(0.5) + 1e-9, "{}", centre);
        }
    }

    #[test]
    fn place_and_tone_do_not_matter(strokes in strokes(), left in 0..50_u32, top in 0..50_u32) {
        let image = draw(&strokes);
        let pixels = |bytes: &[u8]| match prepare(bytes, TARGET) {
            Ok(prepared) => prepared.images.pixels().to_vec(),
            // How many there are does not change either.
            Err(error) => error.to_string().into_bytes(),
        };
        let expected = pixels(&png(image.clone()));
        let mut moved = GrayImage::from_pixel(260, 230, Luma([255]));
        image::imageops::overlay(&mut moved, &image, left.into(), top.into());
        prop_assert_eq!(&pixels(&png(moved.clone())), &expected);
        image::imageops::invert(&mut moved);
        prop_assert_eq!(&pixels(&png(moved)), &expected);
    }

    #[test]
    fn any_grey_picture_gives_a_picture_or_says_why(
        width in 1..40_u32, height in 1..40_u32, values in proptest::collection::vec(any::<u8>(), 1600)
    ) {
        let raw = values[..(width * height) as usize].to_vec();
        let image = GrayImage::from_raw(width, height, raw).unwrap();
        match prepare(&png(image), TARGET) {
            Ok(prepared) => prop_assert!(prepared.images.pixels().iter().any(|&v| v > 0)),
            Err(PictureError::NothingDrawn | PictureError::SeveralPieces { .. }) => {}
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
