//! `bakeoff export-model`: a saved model for other programs. That these answer as bakeoff does is tested
//! in `integrations/onnx`.

use std::{fs, path::Path};

use crate::support::{Output, comparison, entries, only_entry, run, scratch, shapes, write_folder};

/// The command with these arguments, on the models of the shared comparison.
fn export(folder: &Path, arguments: &[&str]) -> Output {
    let models = comparison().folder.join("models");
    let place = ["--models-dir", models.to_str().unwrap()];
    run(folder, &[&["export-model"], arguments, &place].concat())
}

#[test]
fn a_model_is_written_once_and_replaced_where_it_is_asked_for() {
    let folder = scratch("export-model");
    let said = export(&folder, &["cnn"]).expect(0).stdout;
    let file = folder.join("mnist-3000-cnn.onnx");
    let bytes = fs::read(&file).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("mnist-3000-cnn.onnx  "), "{said}");
    assert!(lines[0].ends_with(" kB, opset 13"), "{said}");
    assert_eq!(
        lines[1..],
        [
            "input   images: uint8 N×1×28×28, 0 to 255",
            "output  probabilities: float32 N×10; labels: int64 N"
        ]
    );

    let refused = export(&folder, &["cnn", "--input", "float"]).expect(1);
    refused.complains_of(&["mnist-3000-cnn.onnx exists", "--out", "--force"]);
    assert_eq!(fs::read(&file).unwrap(), bytes);
    export(&folder, &["mnist-3000/cnn", "--out", "again.onnx"]).expect(0);
    assert_eq!(fs::read(folder.join("again.onnx")).unwrap(), bytes);

    let said = export(&folder, &["cnn", "--input", "float", "--force"]).expect(0);
    assert!(
        said.stdout.contains("float32 N×1×28×28, 0 to 1\n"),
        "{}",
        said.said()
    );
    assert_ne!(fs::read(&file).unwrap(), bytes);
    // Nothing half-written stays.
    assert_eq!(entries(&folder).len(), 2);
}

#[test]
fn every_model_of_layers_can_be_written_and_no_other() {
    let folder = scratch("export-model-all");
    for name in ["logistic", "ann", "cnn"] {
        export(&folder, &[name]).expect(0);
    }
    export(&folder, &["knn"]).expect(1).complains_of(&[
        "mnist-3000/knn cannot be written as ONNX",
        "mnist-3000/ann, mnist-3000/cnn and mnist-3000/logistic",
    ]);
    assert_eq!(entries(&folder).len(), 3);
}

#[test]
fn a_model_that_answers_by_views_is_refused_with_the_reason() {
    let folder = scratch("export-model-views");
    write_folder(&folder.join("data/shapes"), &shapes());
    let experiment = "datasets = [\"data/shapes\"]\n[[models]]\nfamily = \"ann\"\nepochs = 3\n\
                      [[models]]\nname = \"views\"\nfamily = \"ann\"\nepochs = 3\nanswer_shift = 1\n";
    fs::write(folder.join("views.toml"), experiment).unwrap();
    run(&folder, &["run", "views.toml"]).expect(0);
    run(&folder, &["export-model", "views"])
        .expect(1)
        .complains_of(&["cannot be written as ONNX", "answer_shift", "shapes/ann"]);
    let page = fs::read_to_string(only_entry(&folder.join("reports")).join("report.html"));
    assert!(
        page.unwrap()
            .contains("moved or mirrored images (answer_shift")
    );
}

#[test]
fn where_no_file_can_be_nothing_is_written() {
    let folder = scratch("export-model-refused");
    fs::create_dir(folder.join("inner")).unwrap();
    for out in ["inner", "."] {
        for force in [&[][..], &["--force"]] {
            let words = [&["ann", "--out", out][..], force].concat();
            export(&folder, &words)
                .expect(1)
                .complains_of(&[out, "it is no file"]);
        }
    }
    export(&folder, &["ann", "--out", "missing/ann.onnx"])
        .expect(1)
        .complains_of(&["cannot write missing/ann.onnx"]);
    export(&folder, &["amn"]).expect(1).complains_of(&["amn"]);
    export(&folder, &["ann", "--input", "int"])
        .expect(2)
        .complains_of(&["bytes, float"]);
    assert_eq!(entries(&folder).len(), 1);
}
