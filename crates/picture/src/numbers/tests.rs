use bakeoff_core::Samples;
use image::{GrayImage, ImageFormat, Luma, imageops};

use super::*;

const TARGET: ImageShape = ImageShape::new(1, 28, 28);

fn samples() -> Samples {
    bakeoff_data::open("mnist").unwrap().test().clone()
}

fn png(image: GrayImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// MNIST's digits `times` as large, dark on `sheet`, each with its middle at a place.
fn write(sheet: &mut GrayImage, digits: &[&[u8]], times: u32, middles: &[[u32; 2]]) {
    for (digit, [x, y]) in digits.iter().zip(middles) {
        let image = GrayImage::from_raw(28, 28, digit.to_vec()).unwrap();
        let image = imageops::resize(
            &image,
            28 * times,
            28 * times,
            imageops::FilterType::Triangle,
        );
        for (column, row, value) in image.enumerate_pixels() {
            let (Some(x), Some(y)) = (
                (x + column).checked_sub(14 * times),
                (y + row).checked_sub(14 * times),
            ) else {
                continue;
            };
            if x < sheet.width() && y < sheet.height() {
                let pixel = sheet.get_pixel_mut(x, y);
                pixel.0[0] = pixel.0[0].min(255 - value.0[0]);
            }
        }
    }
}

/// Which of the digits each of those that were found is nearest to.
fn nearest(found: &Numbers, digits: &[&[u8]]) -> Vec<Vec<Option<usize>>> {
    let far = |a: &[u8], b: &[u8]| -> u32 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2))
            .sum()
    };
    let one = |digit: &Digit| {
        (0..digits.len())
            .min_by_key(|&at| far(digit.images.pixels(), digits[at]))
            .unwrap()
    };
    found
        .rows
        .iter()
        .map(|row| row.iter().map(|digit| digit.as_ref().map(one)).collect())
        .collect()
}

/// The positions of one row, all found.
fn row(positions: impl IntoIterator<Item = usize>) -> Vec<Option<usize>> {
    positions.into_iter().map(Some).collect()
}

/// Test digits that are one component each, and all different.
fn digits(samples: &Samples, count: usize) -> Vec<&[u8]> {
    let whole = |digit: &&[u8]| {
        let plane = crate::plane::Plane::new(28, digit.to_vec());
        components(&plane, 16, Connectivity::Eight).1.len() == 1
    };
    samples.images().iter().filter(whole).take(count).collect()
}

#[test]
fn close_rows_are_apart_and_two_loops_are_no_table() {
    let samples = samples();
    let digits = digits(&samples, 12);
    // The boxes of digits end 4 pixels from those of the next row.
    let mut sheet = GrayImage::from_pixel(600, 400, Luma([235]));
    let middles: Vec<[u32; 2]> = (0..12_u32)
        .map(|at| [80 + at % 4 * 110, 90 + at / 4 * 92])
        .collect();
    write(&mut sheet, &digits, 4, &middles);
    let found = numbers(&png(sheet), TARGET).unwrap();
    assert_eq!(nearest(&found, &digits), [row(0..4), row(4..8), row(8..12)]);

    let zeros: Vec<&[u8]> = samples
        .images()
        .iter()
        .zip(samples.labels())
        .filter_map(|(digit, &label)| (label == 0).then_some(digit))
        .take(3)
        .collect();
    for times in [1, 2, 4] {
        let mut sheet = GrayImage::from_pixel(150 * times, 60 * times, Luma([235]));
        let middles = [20, 60, 100].map(|x| [x * times, 30 * times]);
        write(&mut sheet, &zeros, times, &middles);
        let found = numbers(&png(sheet), TARGET).unwrap();
        assert!(!found.is_table);
        assert_eq!(found.rows.iter().flatten().count(), 3, "{times}");
    }
}

#[test]
fn light_digits_in_cells_are_read() {
    let samples = samples();
    let digits = digits(&samples, 4);
    let mut sheet = GrayImage::from_pixel(620, 180, Luma([255]));
    let middles = [90, 230, 370, 510].map(|x| [x, 90]);
    write(&mut sheet, &digits, 3, &middles);
    for (x, y, pixel) in sheet.enumerate_pixels_mut() {
        let in_table = (18..584).contains(&x) && (18..164).contains(&y);
        let on_line = in_table && ((x + 122) % 140 < 4 || !(22..160).contains(&y));
        if on_line {
            pixel.0[0] = 90;
        }
        pixel.0[0] = 255 - pixel.0[0];
    }
    let found = numbers(&png(sheet), TARGET).unwrap();
    assert!(found.is_table);
    assert_eq!(nearest(&found, &digits), [row(0..4)]);
}

#[test]
fn a_wide_digit_comes_whole_and_in_parts() {
    let samples = samples();
    // A two with a long tail, as some people write it.
    let wide = samples
        .images()
        .iter()
        .zip(samples.labels())
        .filter(|(_, label)| **label == 2)
        .find_map(|(digit, _)| {
            let image = GrayImage::from_raw(28, 28, digit.to_vec()).unwrap();
            let image = imageops::resize(&image, 240, 100, imageops::FilterType::Triangle);
            let mut sheet = GrayImage::from_pixel(300, 160, Luma([235]));
            for (x, y, value) in image.enumerate_pixels() {
                sheet.put_pixel(x + 30, y + 30, Luma([235 - value.0[0].min(235)]));
            }
            let found = numbers(&png(sheet), TARGET).unwrap();
            (found.rows[0].len() == 2).then_some(found)
        });
    let found = wide.unwrap();
    let [Some(left), Some(right)] = &found.rows[0][..] else {
        panic!("{:?}", found.rows)
    };
    let whole = left.whole.as_ref().unwrap();
    assert_eq!(whole.place.left, left.place.left);
    assert!(whole.place.width > left.place.width + right.place.width / 2);
    assert!(right.whole.is_none() && whole.whole.is_none());
}

#[test]
fn numbers_are_read_in_rows_that_rise_and_fall() {
    let samples = samples();
    let digits = digits(&samples, 12);
    for slope in [-0.12, 0.0, 0.12] {
        let mut sheet = GrayImage::from_pixel(900, 500, Luma([235]));
        let middles: Vec<[u32; 2]> = (0..12_u32)
            .map(|at| {
                let (column, line) = (at % 6, at / 6);
                let y = f64::from(160 + line * 150) + f64::from(column) * 130.0 * slope;
                [120 + column * 130, y as u32]
            })
            .collect();
        write(&mut sheet, &digits, 4, &middles);
        let found = numbers(&png(sheet), TARGET).unwrap();
        assert!(!found.is_table);
        assert_eq!(nearest(&found, &digits), [row(0..6), row(6..12)], "{slope}");
        for (digit, [x, y]) in found.rows.iter().flatten().flatten().zip(&middles) {
            let Place {
                left,
                top,
                width,
                height,
            } = digit.place;
            let (x, y) = (*x as usize, *y as usize);
            assert!((left..left + width).contains(&x) && (top..top + height).contains(&y));
            assert!(width.max(height).abs_diff(80) <= 4, "{:?}", digit.place);
        }
    }
}

#[test]
fn a_large_photos_places_are_those_of_the_photo() {
    let samples = samples();
    let digits = digits(&samples, 2);
    let mut sheet = GrayImage::from_pixel(3000, 2000, Luma([235]));
    write(&mut sheet, &digits, 16, &[[900, 1000], [1600, 1000]]);
    let found = numbers(&png(sheet), TARGET).unwrap();
    assert_eq!(nearest(&found, &digits), [row(0..2)]);
    let place = found.rows[0][1].as_ref().unwrap().place;
    assert!(place.top.abs_diff(1000 - 160) <= 40, "{place:?}");
    assert!(
        place.width.max(place.height).abs_diff(320) <= 12,
        "{place:?}"
    );
}

#[test]
fn digits_that_touch_are_parted_where_a_thin_stroke_joins_them() {
    // Two rings, joined by a stroke.
    let ring = |x: f64, y: f64, middle: f64| {
        let far = ((x - middle).powi(2) + (y - 100.0).powi(2)).sqrt();
        (38.0..50.0).contains(&far)
    };
    let sheet = GrayImage::from_fn(300, 200, |x, y| {
        let joined = (95..205).contains(&x) && (140..148).contains(&y) && !(120..180).contains(&x)
            || (120..180).contains(&x) && (140..148).contains(&y);
        let (x, y) = (f64::from(x), f64::from(y));
        Luma([if ring(x, y, 80.0) || ring(x, y, 220.0) || joined {
            0
        } else {
            255
        }])
    });
    let found = numbers(&png(sheet), TARGET).unwrap();
    let lengths: Vec<usize> = found.rows.iter().map(Vec::len).collect();
    assert_eq!(lengths, [2]);
    let places: Vec<Place> = found.rows[0]
        .iter()
        .flatten()
        .map(|digit| digit.place)
        .collect();
    assert!(
        places[0].left + places[0].width <= places[1].left + 1,
        "{places:?}"
    );
}

#[test]
fn the_parts_of_a_digit_stay_together() {
    // A five whose bar is apart, an equals-like pair is none: beside a one.
    let strokes: [[u32; 4]; 6] = [
        [60, 40, 60, 10],
        [60, 60, 10, 40],
        [60, 90, 60, 10],
        [110, 90, 10, 60],
        [60, 140, 60, 10],
        [200, 40, 10, 110],
    ];
    let sheet = GrayImage::from_fn(280, 200, |x, y| {
        let inside = |&[left, top, w, h]: &[u32; 4]| {
            (left..left + w).contains(&x) && (top..top + h).contains(&y)
        };
        Luma([if strokes.iter().any(inside) { 0 } else { 255 }])
    });
    let found = numbers(&png(sheet), TARGET).unwrap();
    let places: Vec<Place> = found
        .rows
        .iter()
        .flatten()
        .flatten()
        .map(|digit| digit.place)
        .collect();
    let five = Place {
        left: 60,
        top: 40,
        width: 60,
        height: 110,
    };
    assert_eq!(
        places,
        [
            five,
            Place {
                left: 200,
                top: 40,
                width: 10,
                height: 110
            }
        ]
    );
}

/// A grid of printed cells with thick lines around every three.
fn grid(columns: u32, rows: u32, side: u32) -> GrayImage {
    GrayImage::from_fn(columns * side + 60, rows * side + 60, |x, y| {
        let (Some(x), Some(y)) = (x.checked_sub(30), y.checked_sub(30)) else {
            return Luma([250]);
        };
        let line = |at: u32, count: u32| {
            let (cell, within) = (at / side, at % side);
            let thick = if cell % 3 == 0 { 6 } else { 2 };
            within < thick && cell <= count
        };
        let outside = x >= columns * side + 6 || y >= rows * side + 6;
        Luma([if !outside && (line(x, columns) || line(y, rows)) {
            20
        } else {
            250
        }])
    })
}

#[test]
fn a_sudoku_is_a_table_with_empty_cells() {
    let samples = samples();
    let digits = digits(&samples, 30);
    let mut sheet = grid(9, 9, 100);
    // Every third cell or so.
    let cells: Vec<[u32; 2]> = (0..30)
        .map(|at| at * 8 % 81)
        .map(|cell| [cell % 9, cell / 9])
        .collect();
    let middles: Vec<[u32; 2]> = cells
        .iter()
        .map(|[x, y]| [30 + x * 100 + 52, 30 + y * 100 + 52])
        .collect();
    write(&mut sheet, &digits, 3, &middles);
    let found = numbers(&png(sheet.clone()), TARGET).unwrap();
    assert!(found.is_table);
    let alone = crate::prepare(&png(sheet), TARGET, bakeoff_core::Preparation::Ink);
    assert!(
        matches!(alone, Err(PictureError::SeveralPieces { count: 30 })),
        "{alone:?}"
    );
    let expected: Vec<Vec<Option<usize>>> = (0..9)
        .map(|y| {
            (0..9)
                .map(|x| cells.iter().position(|cell| *cell == [x, y]))
                .collect()
        })
        .collect();
    assert_eq!(nearest(&found, &digits), expected);
}

#[test]
fn the_boxes_of_a_form_are_a_row() {
    let samples = samples();
    let digits = digits(&samples, 4);
    let mut sheet = grid(6, 1, 120);
    let middles = [0, 1, 3, 5].map(|cell| [30 + cell * 120 + 62, 92]);
    write(&mut sheet, &digits, 3, &middles);
    let found = numbers(&png(sheet), TARGET).unwrap();
    let expected = [Some(0), Some(1), None, Some(2), None, Some(3)];
    assert_eq!(nearest(&found, &digits), [expected.to_vec()]);
    // Nothing in them.
    let blank = numbers(&png(grid(6, 1, 120)), TARGET);
    assert!(
        matches!(blank, Err(PictureError::NothingDrawn)),
        "{blank:?}"
    );
}

#[test]
fn digits_across_squared_paper_are_no_table() {
    let samples = samples();
    let digits = digits(&samples, 3);
    let mut sheet = GrayImage::from_fn(700, 400, |x, y| {
        Luma([if x % 40 < 2 || y % 40 < 2 { 170 } else { 245 }])
    });
    write(
        &mut sheet,
        &digits,
        7,
        &[[140, 200], [350, 200], [560, 200]],
    );
    let found = numbers(&png(sheet), TARGET).unwrap();
    assert!(!found.is_table);
    assert_eq!(nearest(&found, &digits), [row(0..3)]);
}
