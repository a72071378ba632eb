//! Predictions that do not fit, and names that cannot be.

use std::fs;

use super::{copied, exported, import};

#[test]
fn what_does_not_fit_is_refused_with_place_and_remedy() {
    let (_, run_folder) = copied("external-refused");
    let out = exported(&run_folder);
    let npy = out.join("cnn.npy");
    let npy = npy.to_str().unwrap();
    let write = |name: &str, text: &str| {
        let path = run_folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let refused = |file: &str, words: &[&str]| {
        let said = import(&run_folder, "x", &[file]).expect(1);
        said.complains_of(words);
    };
    let header = "id,0,1,2,3,4,5,6,7,8,9";
    let zeros = ",1,0,0,0,0,0,0,0,0,0\n";
    refused(
        &write("few.csv", &format!("{header}\n0{zeros}")),
        &["few.csv", "499 of 500 test images", "mnist-000001"],
    );
    refused(
        &write(
            "twice.csv",
            &format!("{header}\n0{zeros}mnist-000000{zeros}"),
        ),
        &["line 3", "already", "line 2"],
    );
    refused(
        &write("who.csv", &format!("{header}\ncat{zeros}")),
        &["line 2", "`cat`", "--test-set"],
    );
    refused(
        &write(
            "class.csv",
            &format!("{}\n0{zeros}", header.replace('9', "nine")),
        ),
        &["`nine`", "none of the classes"],
    );
    refused(
        &write("lacks.csv", "id,0,1\n0,1,0\n"),
        &["no column for the class 2"],
    );
    refused(
        &write("text.csv", &format!("{header}\n0,half,1,0,0,0,0,0,0,0,0\n")),
        &["line 2", "column `0`", "`half`"],
    );
    let all = |row: &str| {
        let rows: Vec<String> = (0..500)
            .map(|at| match at {
                3 => row.to_owned(),
                _ => "[1,0,0,0,0,0,0,0,0,0]".into(),
            })
            .collect();
        format!("[{}]", rows.join(","))
    };
    refused(
        &write("sum.json", &all("[0.5,0,0,0,0,0,0,0,0,0]")),
        &["row 3", "sum to 0.5", "--logits"],
    );
    refused(
        &write("negative.json", &all("[-4.5,0,0,0,0,0,0,0,0,0]")),
        &["row 3", "column 0", "-4.5", "softmax"],
    );
    refused(
        &write("labels.json", "[1, 2]"),
        &["2 rows", "500 test images"],
    );
    refused(
        &write("p.txt", "1"),
        &[".npy, .npz, .csv, .json or .parquet"],
    );
    refused("nothing.npy", &["nothing.npy"]);
    let said = import(&run_folder, "cnn", &[npy]).expect(1);
    said.complains_of(&["own plan", "--name"]);
    import(&run_folder, "a/b", &[npy])
        .expect(1)
        .complains_of(&["--name `a/b`"]);
    let said = import(&run_folder, "x", &[npy, "--dataset", "mnits"]).expect(1);
    said.complains_of(&["did you mean `mnist`?"]);
    import(&run_folder, "x", &[]).expect(2);
    import(&run_folder, "x", &[npy, "--remove"]).expect(2);
    import(&run_folder, "x", &[npy, "--fit-seconds", "-1"]).expect(2);
    // Nothing was left of any of them.
    assert!(!run_folder.join("external").exists());
}
