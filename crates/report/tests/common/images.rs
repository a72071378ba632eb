//! Made-up images, and answers about them.

use bakeoff_core::{ImageShape, Images, Preparation, Probabilities, Samples, record::DataInfo};

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// A dataset of made-up images.
pub struct Data {
    pub info: DataInfo,
    pub test: Samples,
}

/// Seven-segment figures, shifted a little, on noise; classes beyond ten repeat them
/// darker.
pub fn data(name: &str, class_names: Vec<String>, shape: ImageShape, labels: Vec<u16>) -> Data {
    let mut dice = Dice::new(7);
    let pixels: Vec<u8> = labels
        .iter()
        .flat_map(|&label| picture(shape, usize::from(label), &mut dice))
        .collect();
    let classes = class_names.len();
    let images = Images::new(shape, pixels).unwrap();
    let test = Samples::new(images, labels, class_names.clone()).unwrap();
    let train_counts = (0..classes).map(|c| 5400 + 137 * (c % 7)).collect();
    let info = DataInfo {
        name: name.to_owned(),
        source: name.to_owned(),
        fingerprint: format!(
            "{:064x}",
            name.bytes()
                .fold(classes, |hash, byte| 31 * hash + usize::from(byte))
        ),
        image: shape,
        class_names,
        train_counts,
        test_counts: test.class_counts(),
        repeats: None,
        values: None,
        test_fingerprint: test.fingerprint(),
        cuts: Vec::new(),
        notes: Vec::new(),
        preparation: Some(Preparation::Ink),
    };
    Data { info, test }
}

/// Ten classes `0` to `9` of 28×28, each as often as its neighbours.
pub fn digits(name: &str, samples: usize) -> Data {
    let names = (0..10).map(|class| class.to_string()).collect();
    let labels = (0..samples).map(|i| (i * 7 % 10) as u16).collect();
    data(name, names, ImageShape::new(1, 28, 28), labels)
}

fn picture(shape: ImageShape, class: usize, dice: &mut Dice) -> Vec<u8> {
    // Segments: top, upper left, upper right, middle, lower left, lower right, bottom.
    const SEGMENTS: [u8; 10] = [
        0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010, 0b1101011, 0b1101111, 0b1010010,
        0b1111111, 0b1111011,
    ];
    let segments = SEGMENTS[class % 10];
    let (dx, dy) = (dice.share() * 4.0 - 2.0, dice.share() * 4.0 - 2.0);
    let slant = dice.share() * 0.3;
    let mut pixels = Vec::with_capacity(shape.pixels());
    for channel in 0..shape.channels {
        for row in 0..shape.height {
            for column in 0..shape.width {
                let y = (row as f64 + 0.5) / shape.height as f64 * 28.0 - dy;
                let x = (column as f64 + 0.5) / shape.width as f64 * 28.0 - dx - slant * (14.0 - y);
                let across = |at: f64| (y - at).abs() < 1.5 && (8.5..19.5).contains(&x);
                let down =
                    |at: f64, from: f64| (x - at).abs() < 1.5 && (from..from + 9.0).contains(&y);
                let lit = [
                    across(5.0),
                    down(9.0, 5.0),
                    down(19.0, 5.0),
                    across(14.0),
                    down(9.0, 14.0),
                    down(19.0, 14.0),
                    across(23.0),
                ]
                .iter()
                .enumerate()
                .any(|(i, on)| *on && segments >> (6 - i) & 1 == 1);
                let ink = 230 - 40 * (class / 10 % 5) as i32 - 50 * channel as i32;
                let value = if lit { ink } else { 0 } + dice.below(16) as i32;
                pixels.push(value.clamp(0, 255) as u8);
            }
        }
    }
    pixels
}

/// Answers that are right about as often as said. Wrong ones prefer a neighbour of the
/// class, and are less sure.
pub fn answers(test: &Samples, accuracy: f64, seed: u64) -> Probabilities {
    let mut dice = Dice::new(seed);
    let classes = test.classes();
    let mut values = Vec::with_capacity(test.len() * classes);
    for &label in test.labels() {
        let label = usize::from(label);
        let hard = 1.0 + 0.8 * ((label % 5) as f64 - 2.0) / 2.0;
        let right = dice.share() > (1.0 - accuracy) * hard;
        let other = if dice.share() < 0.6 {
            (label + 5) % classes
        } else {
            (label + 1 + dice.below(classes - 1)) % classes
        };
        let answer = if right { label } else { other };
        let sure = if right {
            1.0 - 0.5 * dice.share().powi(8)
        } else {
            0.5 + 0.49 * dice.share()
        };
        // The rest goes mostly to one other class, and a little to every one.
        let rest = 1.0 - sure;
        let second = if right { other } else { label };
        let mut row = vec![0.2 * rest / classes as f64; classes];
        row[second] += 0.8 * rest;
        row[answer] += sure;
        let noise: Vec<f64> = row.iter().map(|p| p * (0.7 + 0.6 * dice.share())).collect();
        let sum: f64 = noise.iter().sum();
        values.extend(noise.iter().map(|p| ((p / sum) as f32).min(1.0)));
    }
    Probabilities::new(classes, values).unwrap()
}
