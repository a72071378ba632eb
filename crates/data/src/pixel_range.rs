//! Which numbers stand for black and white in tables and arrays.

use crate::context::Context;

/// The numbers that stand for black and white.
pub(crate) type Range = [f64; 2];

const BYTES: Range = [0.0, 255.0];
const FRACTIONS: Range = [0.0, 1.0];

/// What is known of the numbers of one part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// Some are not whole.
    pub(crate) fractions: bool,
}

impl Numbers {
    fn are_fractions(self) -> bool {
        self.fractions && self.most <= 1.0
    }
}

impl Context<'_> {
    /// The highest number that may be a pixel.
    pub(crate) fn most(&self) -> f64 {
        let learned = self.learned.map_or(0.0, |[_, high]| high);
        self.options.pixel_max.unwrap_or(learned.max(255.0))
    }

    /// The range of each part of a dataset, the training part first; an error in words.
    ///
    /// What is stated counts; then what the model that is asked learned from; then what the parts
    /// show together: fractions up to 1, also where another part has none between 0 and 1, else
    /// bytes. A part of fractions beside one of bytes is read as such, and that is said.
    pub(crate) fn ranges(&mut self, parts: &[Numbers]) -> Result<Vec<Range>, String> {
        let ranges = if let Some(most) = self.options.pixel_max {
            self.note(format!(
                "pixels from 0 to {most} were multiplied to 0 to 255, as stated"
            ));
            if let Some([low, high]) = self.learned
                && [low, high] != [0.0, most]
            {
                self.note(format!(
                    "the model learned from pixels of {low} to {high}, which is not what is stated"
                ));
            }
            vec![[0.0, most]; parts.len()]
        } else if let Some(learned) = self.learned {
            let one = |part: &Numbers| self.as_learned(*part, learned);
            parts.to_vec().iter().map(one).collect::<Result<_, _>>()?
        } else {
            self.found(parts)
        };
        if let Some(first) = ranges.first() {
            self.range.get_or_insert(*first);
        }
        Ok(ranges)
    }

    fn as_learned(&mut self, part: Numbers, learned: Range) -> Result<Range, String> {
        let [low, high] = learned;
        if learned == BYTES && part.least >= 0.0 && part.most <= 255.0 {
            return Ok(self.alone(part));
        }
        if (low..=high).contains(&part.least) && part.most <= high {
            self.note(format!(
                "pixels are numbers from {low} to {high}, as the model learned them, and were brought to 0 to 255"
            ));
            return Ok(learned);
        }
        if high <= 1.0 && part.least >= 0.0 && part.most <= 255.0 {
            self.note("the model learned from fractions; these pixels are taken as 0 to 255");
            return Ok(BYTES);
        }
        Err(format!(
            "pixels from {} to {}, where the model learned from {low} to {high}: state what stands for white, as in --pixel-max {}",
            part.least as f32, part.most as f32, part.most as f32
        ))
    }

    /// The range of numbers from 0 to 255 of which nothing else is known.
    fn alone(&mut self, part: Numbers) -> Range {
        if part.are_fractions() {
            self.note("pixels are fractions from 0 to 1 and were multiplied by 255");
            return FRACTIONS;
        }
        if part.fractions {
            self.note("pixels that are no whole numbers were rounded");
        }
        self.brightest(part.most);
        BYTES
    }

    fn found(&mut self, parts: &[Numbers]) -> Vec<Range> {
        let earlier = self.range == Some(FRACTIONS);
        let any = earlier || parts.iter().any(|part| part.are_fractions());
        if any && parts.iter().all(|part| part.most <= 1.0) {
            self.note("pixels are fractions from 0 to 1 and were multiplied by 255");
            return vec![FRACTIONS; parts.len()];
        }
        let ranges: Vec<Range> = parts.iter().map(|part| self.alone(*part)).collect();
        let before = self.range.iter().chain(&ranges);
        if any && before.clone().any(|range| *range != FRACTIONS) {
            self.note("the parts are of different scales: one has fractions from 0 to 1, and another has numbers up to 255");
        } else if parts.iter().any(|part| part.most <= 1.0)
            && parts.iter().any(|part| part.most > 1.0)
        {
            self.note("one part has pixels of 0 and 1 only, and another has higher ones: if these are two scales, multiply the one by 255");
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use bakeoff_core::OpenOptions;

    use super::*;

    fn numbers(most: f64, fractions: bool) -> Numbers {
        Numbers {
            least: 0.0,
            most,
            fractions,
        }
    }

    fn ranges(
        stated: Option<f64>,
        learned: Option<Range>,
        parts: &[Numbers],
    ) -> Result<(Vec<Range>, String), String> {
        let options = OpenOptions {
            pixel_max: stated,
            ..OpenOptions::default()
        };
        let mut context = Context::new(&options);
        context.learned = learned;
        let ranges = context.ranges(parts)?;
        let notes: Vec<&str> = context.notes.iter().map(crate::notes::Note::text).collect();
        Ok((ranges, notes.join("; ")))
    }

    #[test]
    fn parts_are_of_one_scale_or_it_is_said() {
        let (bytes, tenths) = (numbers(255.0, false), numbers(1.0, true));
        let bits = numbers(1.0, false);
        let found = |parts: &[Numbers]| ranges(None, None, parts).unwrap();
        assert_eq!(found(&[tenths, bits]).0, [FRACTIONS; 2]);
        assert_eq!(found(&[bits, tenths]).0, [FRACTIONS; 2]);
        let (ranges, notes) = found(&[bytes, tenths]);
        assert_eq!(ranges, [BYTES, FRACTIONS]);
        assert!(notes.contains("different scales"), "{notes}");
        let (ranges, notes) = found(&[bytes, bits]);
        assert_eq!(ranges, [BYTES; 2]);
        assert!(notes.contains("multiply"), "{notes}");
        assert_eq!(found(&[bytes, bytes]), (vec![BYTES; 2], String::new()));
    }

    #[test]
    fn what_a_model_learned_from_counts() {
        let read = |learned, part| ranges(None, Some(learned), &[part]).map(|(found, _)| found[0]);
        let (bytes, tenths) = (numbers(255.0, false), numbers(1.0, true));
        let bits = numbers(1.0, false);
        assert_eq!(read(FRACTIONS, bits), Ok(FRACTIONS));
        assert_eq!(read(FRACTIONS, bytes), Ok(BYTES));
        assert_eq!(read(BYTES, tenths), Ok(FRACTIONS));
        assert_eq!(read(BYTES, bits), Ok(BYTES));
        assert_eq!(read([0.0, 16.0], tenths), Ok([0.0, 16.0]));
        let problem = read([0.0, 16.0], bytes).unwrap_err();
        assert!(problem.contains("--pixel-max 255"), "{problem}");
        let (found, notes) = ranges(Some(9.0), Some(BYTES), &[bits]).unwrap();
        assert_eq!(found, [[0.0, 9.0]]);
        assert!(notes.contains("not what is stated"), "{notes}");
    }
}
