//! Models by their names: missing, shared by datasets, damaged.

use super::*;

#[test]
fn a_model_that_is_not_there_is_answered_with_those_that_are() {
    let comparison = comparison();
    let picture = [comparison.folder.join("any.png")];
    predict(&comparison.folder, &["--model", "cn"], &picture)
        .expect(1)
        .complains_of(&[
            "no saved model `cn`",
            "did you mean `cnn`?",
            "mnist-3000/ann, mnist-3000/cnn, mnist-3000/knn, mnist-3000/logistic",
            "bakeoff run",
        ]);
    // A family that was not trained here: the very command that would.
    let nothing = scratch("no-models");
    predict(&nothing, &["--model", "mnist/cnn"], &picture)
        .expect(1)
        .complains_of(&["none yet", "bakeoff run --models cnn"]);
    predict(&nothing, &["--all"], &picture)
        .expect(1)
        .complains_of(&["no saved models", "bakeoff run"]);
    predict(&nothing, &["--model", "cnn", "--all"], &picture).expect(2);
    predict(&nothing, &[], &picture)
        .expect(2)
        .complains_of(&["--model", "--all"]);
}

#[test]
fn a_name_that_two_datasets_have_is_that_of_the_newest() {
    let folder = scratch("two-datasets");
    write_folder(&folder.join("shapes"), &shapes());
    for dataset in ["shapes", "mnist"] {
        let limits = ["--limit-train", "200", "--limit-test", "40", "--quiet"];
        let arguments = [
            &["run", "quick", "--models", "knn", "--dataset", dataset][..],
            &limits,
        ]
        .concat();
        run(&folder, &arguments).expect(0);
    }
    let pictures = [folder.join("seven.png")];
    write_digit(0, &pictures[0]);
    let output = predict(&folder, &["--model", "knn"], &pictures).expect(0);
    output.complains_of(&["using mnist-200/knn", "shapes-200/knn"]);
    assert!(output.stdout.contains("seven.png: 7"), "{}", output.said());
    let output = predict(&folder, &["--model", "mnist-200/knn"], &pictures).expect(0);
    assert!(output.stdout.contains("seven.png: 7"), "{}", output.said());
    assert!(!output.stderr.contains("using"), "{}", output.said());
    // The other one takes other images and knows other classes.
    let output = predict(&folder, &["--all", "--json"], &pictures).expect(0);
    let classes: Vec<Value> = output.json()["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["class"].clone())
        .collect();
    assert_eq!(classes[0], "7");
    assert!(
        crate::support::SHAPES.contains(&classes[1].as_str().unwrap()),
        "{classes:?}"
    );
}

#[test]
fn a_damaged_model_is_refused_by_name_and_the_others_answer() {
    let folder = scratch("damaged-model");
    let models = [
        "run",
        "quick",
        "--models",
        "knn,logistic",
        "--limit-train",
        "300",
        "--limit-test",
        "50",
        "--quiet",
    ];
    run(&folder, &models).expect(0);
    let pictures = [folder.join("seven.png")];
    write_digit(0, &pictures[0]);
    let weights = fs::read_dir(folder.join("models/mnist-300/logistic"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.extension()
                .is_some_and(|ending| ending == "safetensors")
        })
        .unwrap();
    damage(&weights);
    let name = weights.file_name().unwrap().to_str().unwrap();
    predict(&folder, &["--model", "logistic"], &pictures)
        .expect(1)
        .complains_of(&[name, "checksum", "train it again"]);
    let output = predict(&folder, &["--all"], &pictures).expect(0);
    output.complains_of(&["mnist-300/logistic", name, "left out"]);
    assert!(output.stdout.contains("mnist-300/knn"), "{}", output.said());

    // A manifest that was edited: the numbers in it are no longer what was measured.
    let manifest = folder.join("models/mnist-300/knn/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace("\"accuracy\": 0.", "\"accuracy\": 1."),
    )
    .unwrap();
    predict(&folder, &["--model", "knn"], &pictures)
        .expect(1)
        .complains_of(&["manifest.json", "checksum"]);
    let listed = run(&folder, &["models"]).expect(0).stdout;
    assert!(
        listed.contains("Cannot be read:\nmnist-300/knn"),
        "{listed}"
    );
}
