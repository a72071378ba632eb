//! The settings that the dense and the convolutional network share.
//!
//! Each family's table is its own architecture followed by [`TRAINING_SETTINGS`].
//!
//! The defaults are those of the common examples: 10 epochs of 128 pictures, Adam at
//! a constant 0.001. They are not the best there is. On MNIST, training on 54,000 pictures,
//! one cycle up to 0.004 is right on 0.9809 of the test digits instead of 0.9775 with the
//! dense network (means of six seeds), and on 0.993 instead of 0.991 with the
//! convolutional one, in the same time.
//!
//! By default a fit runs all its epochs and returns the weights of the one with the
//! lowest validation loss. Stopping early (`patience`) is off: a schedule that falls is
//! worth most at its end.

use bakeoff_core::{ModelSpec, Setting, SettingKind, SpecError};
use serde::Deserialize;
use serde_json::json;

use crate::{AdamOptions, Augmentation, Keep, Rotate, Schedule, ScheduleKind, Shift};

/// `dropout`, with the family's own default.
pub const fn dropout_setting(default: fn() -> serde_json::Value, help: &'static str) -> Setting {
    Setting {
        key: "dropout",
        kind: SettingKind::Float {
            min: 0.0,
            max: 0.95,
        },
        default,
        help,
    }
}

/// `batch_norm`.
pub const BATCH_NORM_SETTING: Setting = Setting {
    key: "batch_norm",
    kind: SettingKind::Bool,
    default: || json!(false),
    help: "batch-normalise every hidden layer before its ReLU (replaces its bias)",
};

/// Everything about training that does not depend on the architecture.
pub const TRAINING_SETTINGS: [Setting; 13] = [
    Setting {
        key: "epochs",
        kind: SettingKind::Int {
            min: 1,
            max: 100_000,
        },
        default: || json!(10),
        help: "passes over the training data, at most",
    },
    Setting {
        key: "batch_size",
        kind: SettingKind::Int {
            min: 1,
            max: 65_536,
        },
        default: || json!(128),
        help: "pictures per step of the optimiser",
    },
    Setting {
        key: "learning_rate",
        kind: SettingKind::Float {
            min: 0.0,
            max: 10.0,
        },
        default: || json!(0.001),
        help: "Adam's step size; the highest one where a schedule changes it",
    },
    Setting {
        key: "schedule",
        kind: SettingKind::Choice(&["constant", "step", "cosine", "one-cycle"]),
        default: || json!("constant"),
        help: "how the learning rate changes over the fit",
    },
    Setting {
        key: "step_every",
        kind: SettingKind::Int {
            min: 1,
            max: 100_000,
        },
        default: || json!(3),
        help: "schedule step: epochs between two falls",
    },
    Setting {
        key: "step_factor",
        kind: SettingKind::Float { min: 0.0, max: 1.0 },
        default: || json!(0.5),
        help: "schedule step: what each fall multiplies the rate by",
    },
    Setting {
        key: "warm_up",
        kind: SettingKind::Float { min: 0.0, max: 1.0 },
        default: || json!(0.0),
        help: "schedules constant, step and cosine: share of all steps in which the rate rises linearly from 0",
    },
    Setting {
        key: "peak_at",
        kind: SettingKind::Float { min: 0.0, max: 1.0 },
        default: || json!(0.3),
        help: "schedule one-cycle: share of all steps after which the rate is highest",
    },
    Setting {
        key: "weight_decay",
        kind: SettingKind::Float {
            min: 0.0,
            max: 10.0,
        },
        default: || json!(0.0),
        help: "decoupled weight decay (AdamW) on every trained value; 0 is plain Adam",
    },
    Setting {
        key: "keep",
        kind: SettingKind::Choice(&["best-loss", "best-accuracy", "last"]),
        default: || json!("best-loss"),
        help: "the epoch whose weights are kept, judged on the validation part",
    },
    Setting {
        key: "patience",
        kind: SettingKind::Int {
            min: 0,
            max: 100_000,
        },
        default: || json!(0),
        help: "stop after this many epochs in a row without improvement on the validation part; 0 never stops",
    },
    Setting {
        key: "shift",
        kind: SettingKind::Int { min: 0, max: 64 },
        default: || json!(0),
        help: "augmentation: move each training picture by up to this many pixels on each axis",
    },
    Setting {
        key: "rotate",
        kind: SettingKind::Float {
            min: 0.0,
            max: 180.0,
        },
        default: || json!(0.0),
        help: "augmentation: turn each training picture by up to this many degrees either way",
    },
];

/// [`TRAINING_SETTINGS`] as values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Training {
    /// Passes over the training data, at most.
    pub epochs: u64,
    /// Pictures per step.
    pub batch_size: usize,
    /// Adam's step size, the highest one.
    pub learning_rate: f64,
    /// How it changes.
    pub schedule: ScheduleKind,
    /// Epochs between two falls.
    pub step_every: u64,
    /// What each fall multiplies by.
    pub step_factor: f64,
    /// Share of all steps in which the rate rises.
    pub warm_up: f64,
    /// Where one-cycle is highest.
    pub peak_at: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// The epoch whose weights are kept.
    pub keep: Keep,
    /// Epochs without improvement before stopping; 0 never stops.
    pub patience: u64,
    /// Pixels of random movement.
    pub shift: usize,
    /// Degrees of random rotation.
    pub rotate: f64,
}

impl Training {
    /// Reads them from a resolved spec and checks what depends on several at once.
    ///
    /// # Errors
    /// Which setting contradicts which.
    pub fn from_spec(spec: &ModelSpec) -> Result<Self, SpecError> {
        let training: Self = spec.settings()?;
        if training.patience > 0 && training.keep == Keep::Last {
            return Err(spec.bad_setting(
                "keep",
                "best-loss or best-accuracy where patience is above 0: stopping early restores \
                 the best weights",
            ));
        }
        if training.learning_rate <= 0.0 {
            return Err(spec.bad_setting("learning_rate", "a number above 0"));
        }
        let batch_norm = spec.settings.get("batch_norm") == Some(&json!(true));
        if batch_norm && training.batch_size == 1 {
            return Err(spec.bad_setting(
                "batch_size",
                "at least 2 with batch_norm = true: one picture has no variance",
            ));
        }
        Ok(training)
    }

    /// The learning rate over a fit of `steps_per_epoch` steps an epoch.
    pub fn schedule(&self, steps_per_epoch: u64) -> Schedule {
        Schedule {
            kind: self.schedule,
            rate: self.learning_rate,
            steps_per_epoch,
            epochs: self.epochs,
            step_every: self.step_every,
            step_factor: self.step_factor,
            warm_up: self.warm_up,
            peak_at: self.peak_at,
        }
    }

    /// The optimiser.
    pub fn adam(&self) -> AdamOptions {
        AdamOptions {
            weight_decay: self.weight_decay as f32,
            ..AdamOptions::default()
        }
    }

    /// The augmentations that are switched on.
    pub fn augmentations(&self) -> Vec<Box<dyn Augmentation>> {
        let mut steps: Vec<Box<dyn Augmentation>> = Vec::new();
        if self.rotate > 0.0 {
            steps.push(Box::new(Rotate {
                degrees: self.rotate,
            }));
        }
        if self.shift > 0 {
            steps.push(Box::new(Shift { pixels: self.shift }));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{Engine, Family, Settings};

    use super::*;

    static FAMILY: Family = Family {
        name: "toy",
        title: "Toy",
        summary: "",
        engines: &[Engine {
            name: "burn-flex",
            summary: "",
            deterministic: true,
            code: None,
        }],
        settings: &[&[BATCH_NORM_SETTING], &TRAINING_SETTINGS],
        uses_validation: true,
        is_baseline: false,
    };

    fn training(given: serde_json::Value) -> Result<Training, SpecError> {
        let given: Settings = given
            .as_object()
            .map(|object| object.clone().into_iter().collect())
            .unwrap_or_default();
        Training::from_spec(&FAMILY.resolve(None, &given)?)
    }

    #[test]
    fn defaults_are_the_default_experiment() -> Result<(), SpecError> {
        let training = training(json!({}))?;
        assert_eq!((training.epochs, training.batch_size), (10, 128));
        assert_eq!(training.schedule, ScheduleKind::Constant);
        assert!(training.augmentations().is_empty());
        Ok(())
    }

    #[test]
    fn every_setting_is_read() -> Result<(), SpecError> {
        // A key missing from the struct would go unnoticed: serde ignores it.
        let training = training(json!({
            "epochs": 2, "batch_size": 3, "learning_rate": 0.5, "schedule": "one-cycle",
            "step_every": 4, "step_factor": 0.25, "warm_up": 0.125, "peak_at": 0.5,
            "weight_decay": 0.75, "keep": "best-accuracy", "patience": 5, "shift": 6,
            "rotate": 7.0,
        }))?;
        let expected = Training {
            epochs: 2,
            batch_size: 3,
            learning_rate: 0.5,
            schedule: ScheduleKind::OneCycle,
            step_every: 4,
            step_factor: 0.25,
            warm_up: 0.125,
            peak_at: 0.5,
            weight_decay: 0.75,
            keep: Keep::BestAccuracy,
            patience: 5,
            shift: 6,
            rotate: 7.0,
        };
        assert_eq!(training, expected);
        assert_eq!(training.adam().weight_decay, 0.75);
        assert_eq!(training.augmentations().len(), 2);
        assert_eq!(training.schedule(9).steps_per_epoch, 9);
        Ok(())
    }

    #[test]
    fn contradictions_are_refused_by_name() {
        let key = |given| {
            training(given)
                .err()
                .and_then(|error| error.key().map(str::to_owned))
        };
        assert_eq!(
            key(json!({"patience": 2, "keep": "last"})).as_deref(),
            Some("keep")
        );
        assert_eq!(
            key(json!({"batch_norm": true, "batch_size": 1})).as_deref(),
            Some("batch_size")
        );
        assert_eq!(
            key(json!({"learning_rate": 0})).as_deref(),
            Some("learning_rate")
        );
        assert_eq!(key(json!({"patience": 2})), None);
    }
}
