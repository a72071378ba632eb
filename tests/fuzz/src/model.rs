//! Saved models: a manifest and weights, whose checksums are made to fit.

use std::fs;

use bakeoff_core::{Images, to_hex};
use bakeoff_store::Manifest;
use sha2::{Digest as _, Sha256};

use crate::files;

/// The name of the weights' file in an input.
pub(crate) const WEIGHTS: &str = "weights";

/// Images of more values than this are not asked about: they would be the target's own memory.
const MOST_PIXELS: usize = 1 << 14;

pub(crate) fn model(input: &[u8]) -> Result<(), String> {
    let parts = files::split(input);
    let part = |wanted: &str| {
        let found = parts.iter().find(|(name, _)| name == wanted);
        found.map_or(&[][..], |(_, content)| content)
    };
    let (text, weights) = (part("manifest.json"), part(WEIGHTS));
    let folder = files::folder("model");
    let manifest = match serde_json::from_slice::<Manifest>(text) {
        Ok(manifest) => fitting(manifest, weights).map_err(|error| error.to_string())?,
        Err(_) => text.to_vec(),
    };
    fs::write(folder.join(WEIGHTS), weights).map_err(|error| error.to_string())?;
    fs::write(folder.join("manifest.json"), manifest).map_err(|error| error.to_string())?;
    let loaded = bakeoff_store::load(&folder, bakeoff_zoo::family);
    let loaded = loaded.map_err(|problem| problem.to_string())?;
    let shape = loaded.model.input_shape();
    let _ = loaded.manifest.preparation();
    if shape.pixels() > MOST_PIXELS {
        return Ok(());
    }
    let pixels: Vec<u8> = (0..2 * shape.pixels()).map(|at| (at * 37) as u8).collect();
    let images = Images::new(shape, pixels).map_err(|problem| problem.to_string())?;
    let asked = loaded.model.predict_proba(&images);
    let answers = asked.map_err(|problem| problem.to_string())?;
    assert_eq!(answers.len(), 2);
    let one = images.single(0).ok_or("no image")?;
    let _ = loaded.model.training_neighbours(&one, 3);
    if let Some(layers) = loaded.model.layers() {
        let pixels = one.pixels();
        let _ = bakeoff_network::forward(&layers, pixels);
        let _ = bakeoff_network::input_gradient(&layers, pixels, 0);
    }
    Ok(())
}

/// The file of a manifest, with the checksums of these weights and its own.
fn fitting(mut manifest: Manifest, weights: &[u8]) -> serde_json::Result<Vec<u8>> {
    manifest.weights.file = WEIGHTS.into();
    manifest.weights.bytes = weights.len() as u64;
    manifest.weights.sha256 = to_hex(&Sha256::digest(weights));
    manifest.checksum.clear();
    manifest.checksum = to_hex(&Sha256::digest(serde_json::to_vec(&manifest)?));
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    Ok(text)
}
