//! The settings that the dense and the convolutional network share.
//!
//! Each family's table is its own architecture followed by [`Training::TABLE`].
//!
//! The defaults are those of the common examples: 10 epochs of 128 images, Adam at
//! a constant 0.001. They are not the best there is. On MNIST, training on 54,000 images,
//! one cycle up to 0.004 is right on 0.9809 of the test digits instead of 0.9775 with the
//! dense network (means of six seeds), and on 0.993 instead of 0.991 with the
//! convolutional one, in the same time.
//!
//! What a fit learns depends on its steps more than on its epochs, so small data get more epochs.
//! Ten epochs of MNIST are 4,220 steps; on 540 and 5,400 of its images and on a hundred classes of
//! nine images, both networks had their lowest validation loss after 305 to 1,500 steps, which
//! is why 2,000 are the least. Where the rate is constant, such a fit ends once it was no better for
//! as many epochs as its best one took (and for 10 epochs and 200 steps): of 15 fits of the
//! convolutional network on 8 sets of 108 to 2,700 images, 13 kept the epoch that the
//! whole fit keeps and two one whose validation loss was 1 and 3 % higher, after 55 % of the
//! epochs (median; 15 to 100 %).
//!
//! By default a fit runs all its epochs and returns the weights of the one with the
//! lowest validation loss. Stopping early (`patience`) is off: a schedule that falls is
//! worth most at its end.

use bakeoff_core::{ClassWeight, ModelSpec, SettingKind, SpecError, settings};
use bakeoff_kernels::{Adam, Muon, NormPlace, Optimizer, Sgd};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    augment::{Augmentation, CutOut, Flip, Stroke, Warp},
    schedule::{Schedule, ScheduleKind},
    stopping::{KeptEpoch, Patience},
    views::Views,
};

/// What the setting `dropout` of a family takes.
pub const DROPOUT_RATE: SettingKind = SettingKind::Float {
    min: 0.0,
    max: 0.95,
};

const COUNT: SettingKind = SettingKind::Int {
    min: 1,
    max: 100_000,
};
const SHARE: SettingKind = SettingKind::Float { min: 0.0, max: 1.0 };
const UP_TO_TEN: SettingKind = SettingKind::Float {
    min: 0.0,
    max: 10.0,
};

/// How many passes a fit makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epochs {
    /// So many.
    Fixed(u64),
    /// [`Epochs::LEAST`], and as many as make `steps` steps.
    Auto,
}

impl Epochs {
    const AUTO: &'static str = "auto";
    const KIND: SettingKind = SettingKind::IntOr {
        min: 1,
        max: 100_000,
        word: Self::AUTO,
    };
    /// What auto gives on large data.
    const LEAST: u64 = 10;
    /// Steps without improvement before auto ends a fit.
    const LEAST_WAITED: u64 = 200;
}

impl<'de> Deserialize<'de> for Epochs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(u64),
            Word(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Number(epochs) => Ok(Self::Fixed(epochs)),
            Raw::Word(word) if word == Self::AUTO => Ok(Self::Auto),
            Raw::Word(word) => Err(D::Error::custom(format!("epochs = {word:?}"))),
        }
    }
}

bakeoff_core::choices! {
    /// What moves the weights.
    #[derive(Default)]
    pub enum OptimizerKind {
        /// Adam and AdamW (Kingma and Ba 2015; Loshchilov and Hutter 2019).
        #[default]
        Adam = "adam",
        /// Gradient descent with Nesterov's momentum, in PyTorch's form.
        Sgd = "sgd",
        /// Jordan (2024), in the scale of Liu et al. (2025).
        Muon = "muon",
    }
}

/// What stays of past gradients in each step.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Momentum(pub f64);

impl Default for Momentum {
    fn default() -> Self {
        Self(0.9)
    }
}

/// Networks whose answers are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Members(pub u64);

impl Default for Members {
    fn default() -> Self {
        Self(1)
    }
}

settings! {
    /// Everything about training that does not depend on the architecture.
    pub struct Training {
        batch_norm: bool = false, SettingKind::Bool,
            "batch-normalise every hidden layer before its ReLU (replaces its bias)";
        norm_place (default): NormPlace = "before-pool", NormPlace::KIND,
            "with batch_norm, where a max-pool follows a convolution: before-pool, the common order (conv, norm, ReLU, pool); after-pool (conv, pool, norm without a learned factor, ReLU) trains in less than half the time";
        epochs: Epochs = "auto", Epochs::KIND,
            "passes over the training data, at most; auto: 10, and on small data as many as make `steps`, but (schedule constant) no longer without improvement than it took to the best one";
        steps: u64 = 2000, COUNT,
            "with epochs auto: the steps of the optimiser that a fit has at least";
        batch_size: usize = 128, SettingKind::Int { min: 1, max: 65_536 },
            "images per step of the optimiser";
        learning_rate: f64 = 0.001, UP_TO_TEN,
            "the optimiser's step size; the highest one where a schedule changes it";
        schedule: ScheduleKind = "constant", ScheduleKind::KIND,
            "how the learning rate changes over the fit";
        step_every: u64 = 3, COUNT,
            "schedule step: epochs between two falls";
        step_factor: f64 = 0.5, SHARE,
            "schedule step: what each fall multiplies the rate by";
        warm_up: f64 = 0.0, SHARE,
            "schedules constant, step and cosine: share of all steps in which the rate rises linearly from 0";
        peak_at: f64 = 0.3, SHARE,
            "schedules one-cycle and triangular: share of all steps after which the rate is highest";
        weight_decay: f64 = 0.0, UP_TO_TEN,
            "decoupled weight decay (AdamW) on every trained value; 0 is plain Adam";
        optimizer (default): OptimizerKind = "adam", OptimizerKind::KIND,
            "adam; sgd, with Nesterov's momentum in PyTorch's form (learning_rate is about 30 times adam's); muon (Jordan 2024) for all matrices between the first and the last layer and adam for the rest, at adam's learning_rate (Liu et al. 2025); sgd and muon: engine native";
        momentum (default): Momentum = 0.9, SettingKind::Float { min: 0.0, max: 0.999 },
            "optimizers sgd and muon: what stays of past gradients in each step";
        keep: KeptEpoch = "best-loss", KeptEpoch::KIND,
            "the epoch whose weights are kept, judged on the validation part";
        patience: u64 = 0, SettingKind::Int { min: 0, max: 100_000 },
            "stop after this many epochs in a row without improvement on the validation part; 0: see epochs";
        shift: usize = 0, SettingKind::Int { min: 0, max: 64 },
            "augmentation: move each training image by up to this many pixels on each axis";
        rotate: f64 = 0.0, SettingKind::Float { min: 0.0, max: 180.0 },
            "augmentation: turn each training image by up to this many degrees either way";
        scale (default): f64 = 0.0, SettingKind::Float { min: 0.0, max: 0.5 },
            "augmentation: make each training image larger or smaller by up to this part on each axis";
        shear (default): f64 = 0.0, SettingKind::Float { min: 0.0, max: 1.0 },
            "augmentation: slant each training image by up to this part of its height either way";
        elastic (default): f64 = 0.0, SettingKind::Float { min: 0.0, max: 16.0 },
            "augmentation: deform each training image, points of a 5×5 grid by up to this many pixels";
        stroke (default): f64 = 0.0, SHARE,
            "augmentation: thicken or thin the strokes of each training image by up to this part of a pixel";
        flip (default): bool = false, SettingKind::Bool,
            "augmentation: mirror half of the training images left to right, anew in each epoch; for images whose mirror image is of the same class: clothes or animals, not digits or letters";
        cut_out (default): usize = 0, SettingKind::Int { min: 0, max: 64 },
            "augmentation: set a square of so many pixels a side, centred anywhere in each training image, to 0 (DeVries and Taylor 2017)";
        members (default): Members = 1, SettingKind::Int { min: 1, max: 100 },
            "train so many networks, each from first values, orders and augmentations of its own, and answer with the mean of their probabilities (an ensemble; as many times the time and the size; no ONNX export)";
        answer_shift (default): usize = 0, SettingKind::Int { min: 0, max: 16 },
            "answer with the mean of the probabilities of the image and of four copies, moved by this many pixels up, down, left and right (test-time augmentation, in five times the time; no ONNX export); 0: of the image alone";
        answer_flip (default): bool = false, SettingKind::Bool,
            "answer with the mean of the probabilities of the image and its mirror image (test-time augmentation, in twice the time; no ONNX export)";
        class_weight (default): ClassWeight = "none", ClassWeight::KIND,
            "balanced: every class weighs the same in the loss, in training and where the epoch is chosen; engine native";
        label_smoothing (default): f64 = 0.0, SettingKind::Float { min: 0.0, max: 0.5 },
            "share of each training target that all classes get alike (Szegedy et al. 2016); losses are reported without it; engine native";
        average (default): f64 = 0.0, SettingKind::Float { min: 0.0, max: 0.99999 },
            "answer with an exponential average of the weights over the steps, of which this share stays in each (at first less: Tarvainen and Valpola 2017); 0: the weights themselves; engine native";
    }
}

impl Training {
    /// Reads them from a resolved spec and checks what depends on several at once.
    ///
    /// # Errors
    /// Which setting contradicts which.
    pub(crate) fn from_spec(spec: &ModelSpec) -> Result<Self, SpecError> {
        let training: Self = spec.settings()?;
        if training.patience > 0 && training.keep == KeptEpoch::Last {
            return Err(spec.bad_setting(
                "keep",
                "best-loss or best-accuracy where patience is above 0: stopping early restores \
                 the best weights",
            ));
        }
        if training.learning_rate <= 0.0 {
            return Err(spec.bad_setting("learning_rate", "a number above 0"));
        }
        if training.batch_norm && training.batch_size == 1 {
            return Err(spec.bad_setting(
                "batch_size",
                "at least 2 with batch_norm = true: one image has no variance",
            ));
        }
        Ok(training)
    }

    /// The first setting that only some engines take, with the value that all take.
    pub(crate) fn beyond_plain(&self) -> Option<(&'static str, &'static str)> {
        let settings = [
            (
                self.class_weight != ClassWeight::None,
                "class_weight",
                "\"none\"",
            ),
            (self.label_smoothing > 0.0, "label_smoothing", "0"),
            (self.average > 0.0, "average", "0"),
            (
                self.optimizer != OptimizerKind::Adam,
                "optimizer",
                "\"adam\"",
            ),
        ];
        let given = settings.into_iter().find(|(given, ..)| *given);
        given.map(|(_, key, plain)| (key, plain))
    }

    /// Where hidden layers are batch-normalised, if they are.
    pub(crate) fn norm(&self) -> Option<NormPlace> {
        self.batch_norm.then_some(self.norm_place)
    }

    /// The passes of a fit of `steps_per_epoch` steps an epoch.
    pub(crate) fn epochs(&self, steps_per_epoch: u64) -> u64 {
        match self.epochs {
            Epochs::Fixed(epochs) => epochs,
            Epochs::Auto => Epochs::LEAST.max(self.steps.div_ceil(steps_per_epoch.max(1))),
        }
    }

    /// How long a fit of `steps_per_epoch` steps an epoch goes on without improvement. With auto,
    /// twice as long as to the best epoch, unless a schedule has yet to lower the rate.
    pub(crate) fn patience(&self, steps_per_epoch: u64) -> Patience {
        let waits = self.epochs == Epochs::Auto && self.schedule == ScheduleKind::Constant;
        match self.patience {
            0 if waits => {
                let least = Epochs::LEAST_WAITED.div_ceil(steps_per_epoch.max(1));
                Patience::AsLongAsBest(least.max(Epochs::LEAST))
            }
            0 => Patience::Unlimited,
            epochs => Patience::Epochs(epochs),
        }
    }

    /// The learning rate over a fit of `steps_per_epoch` steps an epoch.
    pub(crate) fn schedule(&self, steps_per_epoch: u64) -> Schedule {
        Schedule {
            kind: self.schedule,
            rate: self.learning_rate,
            steps_per_epoch,
            epochs: self.epochs(steps_per_epoch),
            step_every: self.step_every,
            step_factor: self.step_factor,
            warm_up: self.warm_up,
            peak_at: self.peak_at,
        }
    }

    /// The optimiser.
    pub(crate) fn optimizer(&self) -> Optimizer {
        let weight_decay = self.weight_decay as f32;
        let momentum = self.momentum.0 as f32;
        let adam = Adam {
            weight_decay,
            ..Adam::default()
        };
        match self.optimizer {
            OptimizerKind::Adam => Optimizer::Adam(adam),
            OptimizerKind::Sgd => Optimizer::Sgd(Sgd {
                momentum,
                weight_decay,
            }),
            OptimizerKind::Muon => Optimizer::Muon(Muon { momentum, adam }),
        }
    }

    /// The augmentations that are switched on.
    pub(crate) fn augmentations(&self) -> Vec<Box<dyn Augmentation>> {
        let mut steps: Vec<Box<dyn Augmentation>> = Vec::new();
        if self.flip {
            steps.push(Box::new(Flip));
        }
        let warp = Warp {
            rotate: self.rotate,
            scale: self.scale,
            shear: self.shear,
            shift: self.shift,
            elastic: self.elastic,
        };
        if !warp.is_none() {
            steps.push(Box::new(warp));
        }
        if self.stroke > 0.0 {
            steps.push(Box::new(Stroke { most: self.stroke }));
        }
        if self.cut_out > 0 {
            steps.push(Box::new(CutOut { side: self.cut_out }));
        }
        steps
    }

    /// What is looked at for an answer.
    pub(crate) fn views(&self) -> Views {
        Views {
            shift: self.answer_shift,
            flip: self.answer_flip,
        }
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{Engine, Family, Origin, Settings};

    use serde_json::json;

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
        settings: &[Training::TABLE],
        adapt: |_, _| {},
        uses_validation: true,
        varies_with_seed: |_| true,
        is_baseline: false,
        origin: Origin::Family,
        features: None,
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
        assert_eq!((training.epochs, training.batch_size), (Epochs::Auto, 128));
        // Ten on MNIST, which has 54,000 images to train on, and more on less.
        assert_eq!(training.epochs(54_000_u64.div_ceil(128)), 10);
        assert_eq!(training.epochs(1_000), 10);
        assert_eq!(training.epochs(8), 250);
        assert_eq!(training.patience(8), Patience::AsLongAsBest(25));
        assert_eq!(training.patience(422), Patience::AsLongAsBest(10));
        assert_eq!(training.schedule, ScheduleKind::Constant);
        assert_eq!(training.optimizer(), Adam::default().into());
        assert_eq!(training.momentum, Momentum(0.9));
        assert_eq!(training.members, Members(1));
        assert!(training.augmentations().is_empty());
        Ok(())
    }

    #[test]
    fn every_setting_is_read() -> Result<(), SpecError> {
        let training = training(json!({
            "epochs": 2, "steps": 70, "batch_size": 3, "norm_place": "after-pool", "learning_rate": 0.5, "schedule": "one-cycle",
            "step_every": 4, "step_factor": 0.25, "warm_up": 0.125, "peak_at": 0.5,
            "weight_decay": 0.75, "keep": "best-accuracy", "patience": 5, "shift": 6,
            "rotate": 7.0, "scale": 0.1, "shear": 0.2, "elastic": 1.5, "stroke": 0.25,
            "class_weight": "balanced", "label_smoothing": 0.1, "average": 0.9,
            "optimizer": "sgd", "momentum": 0.5, "flip": true, "cut_out": 3, "members": 2, "answer_shift": 1,
            "answer_flip": true,
        }))?;
        let expected = Training {
            batch_norm: false,
            norm_place: NormPlace::AfterPool,
            epochs: Epochs::Fixed(2),
            steps: 70,
            batch_size: 3,
            learning_rate: 0.5,
            schedule: ScheduleKind::OneCycle,
            step_every: 4,
            step_factor: 0.25,
            warm_up: 0.125,
            peak_at: 0.5,
            weight_decay: 0.75,
            keep: KeptEpoch::BestAccuracy,
            patience: 5,
            shift: 6,
            rotate: 7.0,
            scale: 0.1,
            shear: 0.2,
            elastic: 1.5,
            stroke: 0.25,
            class_weight: ClassWeight::Balanced,
            label_smoothing: 0.1,
            average: 0.9,
            optimizer: OptimizerKind::Sgd,
            momentum: Momentum(0.5),
            flip: true,
            cut_out: 3,
            members: Members(2),
            answer_shift: 1,
            answer_flip: true,
        };
        assert_eq!(training, expected);
        let sgd = Sgd {
            momentum: 0.5,
            weight_decay: 0.75,
        };
        assert_eq!(training.optimizer(), Optimizer::Sgd(sgd));
        assert_eq!(training.augmentations().len(), 4);
        assert_eq!(training.schedule(9).steps_per_epoch, 9);
        assert_eq!(training.schedule(9).epochs, 2);
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
