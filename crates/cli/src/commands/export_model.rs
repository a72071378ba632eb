//! `bakeoff export-model`

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use bakeoff_ask::{Model, Models};
use bakeoff_core::{Family, list};
use bakeoff_onnx::{About, Input, OPSET, to_onnx};
use bakeoff_report::terminal::Lines;
use bakeoff_store::atomic;

use crate::{
    args::{ExportModelArgs, InputType},
    text,
};

pub(crate) fn main(args: &ExportModelArgs) -> anyhow::Result<()> {
    let model = super::saved_model(&args.models_dir, &args.model)?;
    let spec = &model.saved.manifest.facts.spec;
    if bakeoff_zoo::family(&spec.family).is_ok_and(Family::is_trained_elsewhere) {
        let path = spec
            .settings
            .get("path")
            .and_then(serde_json::Value::as_str);
        bail!(
            "{} is a file that you gave, and needs no export: {}",
            model.name(),
            path.unwrap_or("its path is not known")
        );
    }
    let Some(layers) = model.saved.model.layers() else {
        return cannot(&model, &args.models_dir);
    };
    let manifest = &model.saved.manifest;
    let about = About {
        model: model.name(),
        dataset: &manifest.facts.dataset,
        class_names: &manifest.facts.class_names,
        preparation: manifest.preparation(),
    };
    let input = Input::from(args.input);
    let bytes = to_onnx(&layers, &about, input).with_context(|| model.name().to_owned())?;
    if args.out.as_deref() == Some(Path::new("-")) {
        if io::stdout().is_terminal() {
            bail!(
                "an ONNX file is no text for a terminal: put `> model.onnx` behind, or leave --out away"
            );
        }
        return text::print_exact(&bytes);
    }
    let own_name = || PathBuf::from(format!("{}.onnx", model.name().replace('/', "-")));
    let path = args.out.clone().unwrap_or_else(own_name);
    write(&path, &bytes, args.force)?;
    let (shape, classes) = (layers.input(), layers.classes());
    let mut out = Lines::new();
    out.line(format_args!(
        "{}  {}, opset {OPSET}",
        path.display(),
        text::bytes(bytes.len() as u64)
    ));
    out.line(format_args!(
        "input   images: {} N×{}×{}×{}, {}",
        input.type_name(),
        shape.channels,
        shape.height,
        shape.width,
        input.range()
    ));
    out.line(format_args!(
        "output  probabilities: float32 N×{classes}; labels: int64 N"
    ));
    text::print(&out)
}

/// Says which of the saved models can be written, instead of one that cannot.
fn cannot(model: &Model, folder: &Path) -> anyhow::Result<()> {
    let models = Models::read(folder, &Models::default())?;
    let can = models.ready.iter();
    let can: Vec<&str> = can
        .filter(|model| model.saved.model.layers().is_some())
        .map(|model| model.name())
        .collect();
    let remedy = match can.is_empty() {
        true => {
            "no saved model here is; `bakeoff run --models logistic,ann,cnn` trains some".into()
        }
        false => format!("these are: {}", list(&can)),
    };
    bail!(
        "{} cannot be written as ONNX: {}; {remedy}",
        model.name(),
        model.saved.model.why_no_layers()
    )
}

/// Writes the file whole or not at all. Only where it is asked for does it replace another, and what is
/// no file (a folder, a device) never.
fn write(path: &Path, bytes: &[u8], replace: bool) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if path.exists() && !path.is_file() {
        bail!(
            "{}: it is no file; choose another name with --out",
            cannot()
        );
    }
    if replace {
        return atomic::write_whole(path, bytes).with_context(cannot);
    }
    match atomic::write_new(path, bytes).with_context(cannot)? {
        true => Ok(()),
        false => bail!(
            "{} exists: choose another name with --out, or replace it with --force",
            path.display()
        ),
    }
}

impl From<InputType> for Input {
    fn from(input: InputType) -> Self {
        match input {
            InputType::Bytes => Self::Bytes,
            InputType::Float => Self::Floats,
        }
    }
}
