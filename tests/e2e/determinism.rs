//! Same experiment, same seed: the same probabilities, bit for bit, at any number of
//! threads.

use std::{fs, path::Path};

use crate::support::{
    SMALL, SMALL_MODELS, comparison, only_entry, read_json, record, run, scratch, sidecar,
};

#[test]
fn one_thread_gives_the_same_bits_as_two() {
    let folder = scratch("one-thread");
    fs::write(folder.join("small.toml"), SMALL).unwrap();
    run(&folder, &["run", "small.toml", "--threads", "1"]).expect(0);
    let (one, two) = (only_entry(&folder.join("reports")), &comparison().run);
    for model in SMALL_MODELS {
        let (a, b) = (record(&one, model), record(two, model));
        assert_eq!(
            (&a["host"]["threads"], &b["host"]["threads"]),
            (&1.into(), &2.into())
        );
        assert_eq!(a["probabilities"], b["probabilities"], "{model}");
        let bytes = |run| fs::read(sidecar(run, model)).unwrap();
        assert!(bytes(&one) == bytes(two), "{model}: other probabilities");
        // What was learned on the way is the same too, and so are the weights.
        assert_eq!(a["iterations"], b["iterations"], "{model}");
        assert_eq!(a["epochs"], b["epochs"], "{model}");
        let weights = |folder: &Path| {
            let manifest = folder
                .join("models/mnist-3000")
                .join(model)
                .join("manifest.json");
            read_json(&manifest)["weights"]["sha256"].clone()
        };
        assert_eq!(weights(&folder), weights(&comparison().folder), "{model}");
    }
}

#[test]
fn another_seed_gives_other_networks_on_the_same_split() {
    let folder = scratch("another-seed");
    fs::write(folder.join("small.toml"), SMALL).unwrap();
    run(
        &folder,
        &["run", "small.toml", "--models", "ann,cnn", "--seed", "2"],
    )
    .expect(0);
    let (other, first) = (only_entry(&folder.join("reports")), &comparison().run);
    for model in ["ann", "cnn"] {
        let (a, b) = (record(&other, model), record(first, model));
        assert_ne!(
            a["probabilities"]["sha256"], b["probabilities"]["sha256"],
            "{model}"
        );
        assert_eq!(a["test_fingerprint"], b["test_fingerprint"], "{model}");
        assert_eq!(a["samples"], b["samples"], "{model}");
    }
}
