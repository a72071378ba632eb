//! ONNX files that are given: read, planned, and asked about small images.

use std::{fs, ops::ControlFlow};

use bakeoff_core::{FitContext, ImageShape, Origin, Settings};
use bakeoff_tests::toy::{self, ToySpec};

use crate::files;

/// The name of the file; an input of several files has tensors beside it.
const FILE: &str = "model.onnx";

/// Images of the seeds' models.
pub const TOY: ToySpec = ToySpec {
    shape: ImageShape {
        channels: 1,
        height: 6,
        width: 5,
    },
    classes: 3,
    train: 12,
    test: 3,
    noise: 30.0,
    seed: 3,
};

pub(crate) fn onnx(input: &[u8]) -> Result<(), String> {
    let folder = files::emptied("onnx");
    match files::split(input) {
        parts if parts.is_empty() => {
            fs::write(folder.join(FILE), input).map_err(|error| error.to_string())?;
        }
        parts => files::write(&folder, &parts),
    }
    let data = toy::prototypes(TOY).map_err(|problem| problem.to_string())?;
    let family = bakeoff_zoo::family("onnx").map_err(|problem| problem.to_string())?;
    let Origin::File(read) = family.origin else {
        return Err("onnx is no family of files".into());
    };
    // Any finite numbers are answers.
    let settings = [("path", FILE), ("outputs", "logits")];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.into()));
    let settings = Settings::from(settings);
    let wrong = |problem: bakeoff_core::SpecError| problem.to_string();
    let mut spec = family.resolve(None, &settings).map_err(wrong)?;
    read(&mut spec, &folder).map_err(wrong)?;
    let classifier = bakeoff_zoo::build(&spec).map_err(wrong)?;
    let train = data.train();
    classifier.check(&train.data_shape()).map_err(wrong)?;
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    let fitted = classifier.fit(train, &mut context);
    let fitted = fitted.map_err(|problem| problem.to_string())?;
    let images = data.test().images();
    let answers = fitted.predict_proba(images);
    let answers = answers.map_err(|problem| problem.to_string())?;
    assert_eq!(answers.len(), images.len());
    let again = fitted.predict_proba(images);
    assert_eq!(again.ok(), Some(answers), "the same bits each time");
    Ok(())
}
