//! Tree-structured Parzen estimators (Bergstra, Bardenet, Bengio and Kégl 2011), each dimension by itself.
//!
//! Of the recipes that were scored, the better quarter says where good ones lie and the rest where others do.
//! Values are drawn from the density of the good ones, and that with the largest ratio of both densities is
//! taken. Rejected: Gaussian processes, which need a library of linear algebra for a few dozen points; the
//! `optimizer` crate, whose trials are closures that it runs and times itself, while ours are records.

use bakeoff_core::Settings;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::space::{Dimension, Place, Range, Space};

/// A recipe of a family that was scored, the higher the better.
#[derive(Clone, Debug)]
pub struct Seen {
    /// All settings of the recipe, defaults included.
    pub settings: Settings,
    /// Its score.
    pub score: f64,
}

/// Share of the recipes that are good.
const GOOD: f64 = 0.25;
/// Values that are drawn for each dimension before one is taken.
const DRAWS: usize = 24;
/// How wide a scored value reaches at least, as a share of its dimension.
const WIDTH: f64 = 0.08;

/// The settings of a recipe to try next: those of the best recipe so far of the family, with all dimensions of the
/// space drawn anew. The same `seed` and recipes give the same settings.
pub fn propose(space: &Space, seen: &[Seen], seed: u64) -> Settings {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<&Seen> = seen.iter().filter(|seen| seen.score.is_finite()).collect();
    // Among equals the earlier is the better.
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    let good = (GOOD * order.len() as f64).ceil() as usize;
    let (good, rest) = order.split_at(good.min(order.len()));
    let mut settings = order.first().map_or_else(
        || space.starts().next().unwrap_or_default(),
        |best| best.settings.clone(),
    );
    for dimension in space.dimensions {
        let places = |seen: &[&Seen]| -> Vec<Place> {
            let place = |seen: &&Seen| {
                let value = seen.settings.get(dimension.setting)?;
                dimension.range.place(value)
            };
            seen.iter().filter_map(place).collect()
        };
        let place = draw(dimension, &places(good), &places(rest), &mut random);
        let value = dimension.range.value(place);
        settings.insert(dimension.setting.to_owned(), value);
    }
    settings
}

fn draw(dimension: &Dimension, good: &[Place], rest: &[Place], random: &mut impl Rng) -> Place {
    let good = Density::new(dimension.range, good);
    let rest = Density::new(dimension.range, rest);
    let ratio = |place| good.at(place).ln() - rest.at(place).ln();
    let mut best = good.draw(random);
    for _ in 1..DRAWS {
        let place = good.draw(random);
        if ratio(place) > ratio(best) {
            best = place;
        }
    }
    best
}

/// A density over a dimension: of shares a bell around each value, and one wide bell; of choices their
/// counts, each one more.
enum Density {
    Shares { centres: Vec<f64>, width: f64 },
    Choices(Vec<f64>),
}

impl Density {
    fn new(range: Range, places: &[Place]) -> Self {
        if let Range::Choice(choices) = range {
            let mut counts = vec![1.0; choices.len()];
            for place in places {
                if let Place::Choice(number) = place {
                    counts[*number] += 1.0;
                }
            }
            let all: f64 = counts.iter().sum();
            counts.iter_mut().for_each(|count| *count /= all);
            return Self::Choices(counts);
        }
        let shares = places.iter().filter_map(|place| match place {
            Place::Share(share) => Some(*share),
            Place::Choice(_) => None,
        });
        let centres: Vec<f64> = shares.collect();
        // Narrower the more there are.
        let width = (1.0 / (1.0 + centres.len() as f64)).max(WIDTH);
        Self::Shares { centres, width }
    }

    fn at(&self, place: Place) -> f64 {
        match (self, place) {
            (Self::Choices(shares), Place::Choice(number)) => shares[number],
            (Self::Shares { centres, width }, Place::Share(share)) => {
                let bell = |centre: f64, width: f64| {
                    let distance = (share - centre) / width;
                    (-0.5 * distance * distance).exp() / width
                };
                // The wide one is as good as even.
                let sum: f64 = centres.iter().map(|&centre| bell(centre, *width)).sum();
                (sum + bell(0.5, 1.0)) / (1.0 + centres.len() as f64)
            }
            // A place is always one of its own range.
            _ => f64::MIN_POSITIVE,
        }
    }

    fn draw(&self, random: &mut impl Rng) -> Place {
        match self {
            Self::Choices(shares) => {
                let mut left: f64 = random.random();
                let passed = shares.iter().position(|share| {
                    left -= share;
                    left < 0.0
                });
                Place::Choice(passed.unwrap_or(shares.len() - 1))
            }
            Self::Shares { centres, width } => {
                let share = match centres.get(random.random_range(0..=centres.len())) {
                    None => random.random(),
                    Some(&centre) => loop {
                        let share = centre + width * bell(random);
                        if (0.0..=1.0).contains(&share) {
                            break share;
                        }
                    },
                };
                Place::Share(share)
            }
        }
    }
}

/// A normal number (Box and Muller 1958).
fn bell(random: &mut impl Rng) -> f64 {
    let (u, v): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::SPACES;

    const SPACE: Space = Space {
        family: "x",
        starts: &["{}"],
        dimensions: &[
            Dimension {
                setting: "rate",
                range: Range::Log(1e-4, 1.0),
            },
            Dimension {
                setting: "count",
                range: Range::Whole(1, 50),
            },
            Dimension {
                setting: "kind",
                range: Range::Choice(&["\"a\"", "\"b\"", "[1, 2]"]),
            },
        ],
    };

    /// Best at a rate of 0.01, a count of 20 and kind b.
    fn score(settings: &Settings) -> f64 {
        let rate = settings["rate"].as_f64().unwrap().log10() + 2.0;
        let count = settings["count"].as_f64().unwrap().ln() - 20_f64.ln();
        let kind = if settings["kind"] == json!("b") {
            0.0
        } else {
            1.0
        };
        -(rate * rate + count * count + kind)
    }

    fn searched(trials: u64, seed: u64, informed: bool) -> Vec<Seen> {
        let mut seen: Vec<Seen> = Vec::new();
        for trial in 0..trials {
            let known: &[Seen] = if informed { &seen } else { &[] };
            let settings = propose(&SPACE, known, seed * 1000 + trial);
            let score = score(&settings);
            seen.push(Seen { settings, score });
        }
        seen
    }

    #[test]
    fn it_finds_better_recipes_than_chance() {
        let best = |informed: bool| -> f64 {
            let best = |seed| {
                let seen = searched(40, seed, informed);
                seen.iter().map(|seen| seen.score).fold(f64::MIN, f64::max)
            };
            (0..20).map(best).sum::<f64>() / 20.0
        };
        let (informed, chance) = (best(true), best(false));
        assert!(informed > 0.5 * chance, "{informed} against {chance}");
    }

    #[test]
    fn the_same_seed_and_recipes_give_the_same_settings() {
        let settings = |seed| -> Vec<Settings> {
            searched(12, seed, true)
                .into_iter()
                .map(|seen| seen.settings)
                .collect()
        };
        assert_eq!(settings(3), settings(3));
        assert_ne!(settings(3), settings(4));
    }

    proptest! {
        #[test]
        fn what_is_proposed_is_within_its_range(seed in any::<u64>(), number in 0..SPACES.len()) {
            let space = &SPACES[number];
            let settings = propose(space, &[], seed);
            for dimension in space.dimensions {
                let value = &settings[dimension.setting];
                let within = match dimension.range {
                    Range::Whole(low, high) => value.as_u64().is_some_and(|v| (low..=high).contains(&v)),
                    Range::Log(low, high) | Range::Even(low, high) => {
                        value.as_f64().is_some_and(|v| (low..=high).contains(&v))
                    }
                    Range::Choice(choices) => choices.iter().any(|choice| {
                        serde_json::from_str::<serde_json::Value>(choice).is_ok_and(|c| c == *value)
                    }),
                };
                prop_assert!(within, "{} = {value}", dimension.setting);
                prop_assert!(dimension.range.place(value).is_some());
            }
        }
    }
}
