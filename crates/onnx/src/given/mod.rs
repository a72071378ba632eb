//! A network that somebody trained before, somewhere else: an ONNX file as a model family.
//!
//! A fit reads the file and learns nothing. `file` reads it, `checked` says what is in it and refuses
//! what cannot be answered (`tensors`, `bounds`), `classical` and `trees` write the operators of scikit-learn as ONNX's own, `standard` what those of ONNX leave out, `session`
//! runs it by rten, and `pixels` and `answers` are what goes in and comes out.
//!
//! Rejected: tract, and ONNX Runtime as a library of another language
//! (docs/decisions/onnx-runtime.md).

mod answers;
mod bounds;
mod checked;
mod classical;
mod file;
mod fitted;
mod pixels;
mod recipe;
mod session;
mod settings;
mod standard;
mod tensors;
#[cfg(test)]
pub(crate) mod tests;
mod trees;
mod written;

use bakeoff_core::{Engine, EngineCode, Family, Origin};

/// Networks in ONNX files, for the registry.
pub static FAMILY: Family = Family {
    name: "onnx",
    title: "A network in an ONNX file",
    summary: "an existing network, as PyTorch, Keras and scikit-learn export it; not trained here (docs/onnx-in.md)",
    engines: &[Engine {
        name: "rten",
        summary: "the runtime rten, in Rust; the same bits at any number of threads",
        deterministic: true,
        code: Some(EngineCode {
            build: |spec| Ok(Box::new(recipe::Given::new(spec)?)),
            load: |spec, header, reader| {
                Ok(Box::new(fitted::FittedFile::load(spec, header, reader)?))
            },
        }),
    }],
    settings: &[settings::GivenSettings::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| false,
    is_baseline: false,
    origin: Origin::File(file::read_into),
    features: None,
};
