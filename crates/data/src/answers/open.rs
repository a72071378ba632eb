//! From a path to predictions, by the ending of the file.

use std::path::{Path, PathBuf};

use super::{array, json, parquet, read::Answers, table};
use crate::{error::DataError, listing::Listing, notes::some};

/// The endings of files of predictions, each also with `.gz`.
const ENDINGS: [&str; 6] = ["npy", "npz", "csv", "tsv", "json", "parquet"];

/// The ending of a file's name, without that of gzip.
fn ending_of(name: &str) -> String {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

/// The file of predictions that a path means: itself, or the only one in a folder. Of a run of MLflow
/// (`mlruns/EXPERIMENT/RUN`) these are its artefacts.
///
/// # Errors
/// When a folder holds no such file, or several: they are listed.
pub fn answers_file(path: &Path) -> Result<PathBuf, DataError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let artifacts = path.join("artifacts");
    let folder = match path.join("meta.yaml").is_file() && artifacts.is_dir() {
        true => artifacts,
        false => path.to_owned(),
    };
    let mut files = Vec::new();
    collect(&Listing::new(&folder)?, "", 0, &mut files)?;
    match files.as_slice() {
        [only] => Ok(folder.join(only)),
        [] => Err(DataError::invalid(
            &folder,
            format!(
                "there is no file of predictions in it ({})",
                ENDINGS.join(", ")
            ),
        )),
        several => Err(DataError::invalid(
            &folder,
            format!(
                "there are several files that could be the predictions ({}): name one of them, as {}",
                some(several),
                folder.join(&several[0]).display()
            ),
        )),
    }
}

/// The files of predictions below a folder; how deep is bounded, as links may lead in a circle.
fn collect(
    listing: &Listing,
    inside: &str,
    depth: usize,
    files: &mut Vec<String>,
) -> Result<(), DataError> {
    const DEEPEST: usize = 8;
    let known = listing
        .files()
        .filter(|name| ENDINGS.contains(&&*ending_of(name)));
    files.extend(known.map(|name| format!("{inside}{name}")));
    for folder in listing.folders().filter(|_| depth < DEEPEST) {
        let below = listing.inside(folder)?;
        collect(&below, &format!("{inside}{folder}/"), depth + 1, files)?;
    }
    Ok(())
}

/// Reads predictions from an npy, npz, csv, json or parquet file, gzip or not.
///
/// `classes` are the names of the classes that predictions are expected of, by which columns are
/// recognised. `array` names an array of an npz file with several.
///
/// # Errors
/// When the file cannot be read, or what it holds are no predictions: with the place and the remedy.
pub fn open_answers(
    path: &Path,
    classes: &[String],
    array: Option<&str>,
) -> Result<Answers, DataError> {
    let invalid = |problem: &str| DataError::invalid(path, problem);
    let listing = Listing::open(path)?;
    let Some(file) = listing.only().map(str::to_owned) else {
        return Err(invalid(
            "predictions are read from one file: npy, npz, csv, json or parquet",
        ));
    };
    let ending = ending_of(&file);
    if array.is_some() && ending != "npz" {
        return Err(invalid(
            "--array names an array of an npz file, and this is none",
        ));
    }
    match &*ending {
        "npy" | "npz" => array::read(&listing, &file, array),
        "csv" | "tsv" => table::read(&listing, &file, classes),
        "json" => json::read(&listing, &file, classes),
        "parquet" => parquet::read(&listing, &file, classes),
        _ => Err(invalid(
            "predictions are read from files that end in .npy, .npz, .csv, .json or .parquet: rename it, or save it as one of them",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bakeoff_npy as npy;

    use super::*;

    fn classes() -> Vec<String> {
        ["cat", "dog"].map(String::from).to_vec()
    }

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
            let path = self.0.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        }

        fn open(&self, name: &str, bytes: impl AsRef<[u8]>) -> Answers {
            open_answers(&self.file(name, bytes), &classes(), None).unwrap()
        }

        fn refused(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
            let path = self.file(name, bytes);
            open_answers(&path, &classes(), None)
                .unwrap_err()
                .to_string()
        }
    }

    fn floats(dims: &[usize], values: &[f32]) -> Vec<u8> {
        npy::write(dims, values)
    }

    #[test]
    fn a_list_of_labels_needs_no_header() {
        let folder = Folder::new();
        for (name, text) in [
            ("names.csv", "dog\ncat\ndog\n"),
            ("header.csv", "prediction\ndog\ncat\ndog\n"),
            ("bom.json", "\u{feff}[\"dog\", \"cat\", \"dog\"]"),
        ] {
            let found = folder.open(name, text);
            assert_eq!(found.labels.unwrap(), ["dog", "cat", "dog"], "{name}");
            assert_eq!((found.rows, found.width), (3, 0), "{name}");
        }
        let numbers = folder.open("numbers.csv", "1\n0\n1\n");
        assert_eq!(numbers.labels.unwrap(), ["1", "0", "1"]);
        let floats = folder.open("floats.json", "[1.0, 0.0]");
        assert_eq!(floats.labels.unwrap(), ["1.0", "0.0"]);
    }

    #[test]
    fn messages_show_the_beginning_of_a_long_cell() {
        let folder = Folder::new();
        let long = "x".repeat(100_000);
        for text in [format!("{long},b,c\n"), format!("cat,dog\n{long},1\n")] {
            let said = folder.refused("long.csv", text);
            assert!(said.contains("xxx") && said.len() < 1_000, "{}", said.len());
        }
    }

    #[test]
    fn an_array_is_scores_or_labels() {
        let folder = Folder::new();
        let found = folder.open("p.npy", floats(&[2, 2], &[0.25, 0.75, 1.0, 0.0]));
        assert_eq!((found.rows, found.width), (2, 2));
        assert_eq!(found.row(1), [1.0, 0.0]);
        assert_eq!(
            (&found.ids, &found.labels, &found.classes),
            (&None, &None, &None)
        );
        let whole = folder.open("l.npy", npy::file("|u1", &[3], &[1, 0, 1]));
        assert_eq!(whole.labels.unwrap(), ["1", "0", "1"]);
        let column = folder.open("c.npy", npy::file("<i2", &[2, 1], &[1, 0, 0, 0]));
        assert_eq!(column.labels.unwrap(), ["1", "0"]);
        let names = folder.open("n.npy", npy::file("|S3", &[2], b"catdog"));
        assert_eq!(names.labels.unwrap(), ["cat", "dog"]);
        let floats_of_whole = folder.open("f.npy", floats(&[2], &[1.0, 0.0]));
        assert_eq!(floats_of_whole.labels.unwrap(), ["1", "0"]);
        for (bytes, word) in [
            (floats(&[2], &[0.5, 0.25]), "a column for each class"),
            (floats(&[1, 1, 2], &[0.5, 0.5]), "1×1×2"),
            (npy::file("<f2", &[2], &[0; 4]), "float32"),
        ] {
            let said = folder.refused("bad.npy", bytes);
            assert!(said.contains(word) && said.contains("bad.npy"), "{said}");
        }
    }

    #[test]
    fn a_table_has_a_column_for_each_class_in_any_order() {
        let folder = Folder::new();
        let text = "id,dog,note,p_cat\nx,0.25,a,0.75\ny,1,b,0\n";
        let said = folder.refused("p.csv", text);
        assert!(
            said.contains("`note`") && said.contains("cat, dog"),
            "{said}"
        );
        let found = folder.open("p.csv", "id,dog,p_cat\nx,0.25,0.75\n,,\ny,1,0\n");
        assert_eq!(found.classes.clone().unwrap(), ["dog", "cat"]);
        assert_eq!(
            found.ids.clone().unwrap(),
            ("id".into(), vec!["x".into(), "y".into()])
        );
        assert_eq!(found.row(1), [1.0, 0.0]);
        assert_eq!(found.place(1), "line 4");
        assert_eq!(found.column(0), "column `dog`");
        let said = folder.refused("bad.csv", "cat,dog\n0.5,0.5\n0.5,half\n");
        assert!(
            said.contains("line 3") && said.contains("half") && said.contains("`dog`"),
            "{said}"
        );
        let said = folder.refused("twice.csv", "cat,p_cat\n0.5,0.5\n");
        assert!(said.contains("twice"), "{said}");
        let said = folder.refused("one.csv", "id,cat\n0,0.5\n");
        assert!(said.contains("no column for the class dog"), "{said}");
    }

    #[test]
    fn our_own_predictions_are_read_as_they_are() {
        let folder = Folder::new();
        let text = "sample,actual,predicted,p_cat,p_dog\n0,cat,dog,0.25,0.75\n";
        let found = folder.open("own.csv", text);
        assert_eq!(found.classes.clone().unwrap(), ["cat", "dog"]);
        assert_eq!(found.labels, None);
        assert!(
            found.remarks.iter().any(|it| it.contains("`actual`")),
            "{:?}",
            found.remarks
        );
    }

    #[test]
    fn a_table_of_labels() {
        let folder = Folder::new();
        let found = folder.open("l.csv", "file,prediction\na.png,cat\nb.png,dog\n");
        assert_eq!(found.labels.unwrap(), ["cat", "dog"]);
        assert_eq!(found.ids.unwrap().1, ["a.png", "b.png"]);
        assert_eq!(found.width, 0);
    }

    #[test]
    fn columns_without_the_names_of_classes_are_in_order() {
        let folder = Folder::new();
        let found = folder.open("h.csv", "0.25,0.75\n1,0\n");
        assert_eq!((found.rows, found.classes.clone()), (2, None));
        let found = folder.open("n.csv", "class_0,class_1\n1,0\n");
        assert_eq!((found.rows, found.classes.clone()), (1, None));
        assert!(
            found.remarks[0].contains("class_0, class_1"),
            "{:?}",
            found.remarks
        );
    }

    #[test]
    fn json_is_read_in_three_forms() {
        let folder = Folder::new();
        let lists = folder.open("a.json", "[[0.25, 0.75], [1, 0]]");
        assert_eq!((lists.rows, lists.row(1)), (2, &[1.0, 0.0][..]));
        let labels = folder.open("b.json", r#"["cat", "dog"]"#);
        assert_eq!(labels.labels.unwrap(), ["cat", "dog"]);
        let numbers = folder.open("c.json", "[1, 0]");
        assert_eq!(numbers.labels.unwrap(), ["1", "0"]);
        let rows = folder.open("d.json", r#"[{"id": 1, "cat": 0.25, "dog": 0.75}]"#);
        assert_eq!(rows.ids.clone().unwrap().1, ["1"]);
        assert_eq!(rows.row(0), [0.25, 0.75]);
        let columns = folder.open("e.json", r#"{"cat": [0.25, 1], "dog": [0.75, 0]}"#);
        assert_eq!(columns.row(1), [1.0, 0.0]);
        for (text, word) in [
            ("[[0.5, 0.5], [0.5]]", "row 1"),
            ("[[0.5, \"x\"]]", "row 0"),
            (r#"[{"cat": 1, "dog": 0}, {"cat": 1}]"#, "row 1"),
            (r#"{"cat": [1], "dog": [0, 1]}"#, "`dog`"),
            ("{", "no JSON"),
            ("3", "a list"),
            ("[]", "no predictions"),
        ] {
            let said = folder.refused("bad.json", text);
            assert!(said.contains(word), "{text}: {said}");
        }
    }

    #[test]
    fn tables_of_pandas_and_mlflow_are_read() {
        let folder = Folder::new();
        // `mlflow.log_table`.
        let logged = r#"{"columns":["id","dog","cat"],"data":[["x",0.75,0.25],["y",0,1]]}"#;
        let found = folder.open("t.json", logged);
        assert_eq!(found.classes.clone().unwrap(), ["dog", "cat"]);
        assert_eq!(found.ids.clone().unwrap().1, ["x", "y"]);
        assert_eq!(found.row(0), [0.75, 0.25]);
        // `DataFrame.to_json(orient="split")`: the index names the rows, unless a column does.
        let index = r#"{"columns":["prediction"],"index":[1,0],"data":[["cat"],["dog"]]}"#;
        let found = folder.open("i.json", index);
        assert_eq!(
            found.ids.unwrap(),
            ("index".into(), vec!["1".into(), "0".into()])
        );
        assert_eq!(found.labels.unwrap(), ["cat", "dog"]);
        let both =
            r#"{"columns":["id","prediction"],"index":[1,0],"data":[["x","cat"],["y","dog"]]}"#;
        assert_eq!(folder.open("b.json", both).ids.unwrap().0, "id");
        // Classes may be called so, too.
        let found = open_answers(
            &folder.file("c.json", r#"{"columns": [0.5, 1], "data": [0.5, 0]}"#),
            &["columns", "data"].map(String::from),
            None,
        );
        assert_eq!(found.unwrap().row(1), [1.0, 0.0]);
        for (text, word) in [
            (
                r#"{"columns":["cat","dog"],"data":[[0.5,0.5],[1]]}"#,
                "row 1 (counted from 0): it has 1 values",
            ),
            (
                r#"{"columns":["cat","dog"],"data":[[0.5,null]]}"#,
                "column `dog`: there is no value (null)",
            ),
            (
                r#"{"columns":["prediction"],"data":[[["cat"]]]}"#,
                "neither a number nor a text",
            ),
            (
                r#"{"columns":["prediction"],"index":[1],"data":[]}"#,
                "`index` has 1",
            ),
            (r#"{"columns":["prediction"],"data":[]}"#, "no predictions"),
        ] {
            let said = folder.refused("bad.json", text);
            assert!(said.contains(word), "{text}: {said}");
        }
    }

    #[test]
    fn a_folder_means_its_only_file_of_predictions() {
        let folder = Folder::new();
        let run = folder.0.path().join("run");
        fs::create_dir_all(run.join("artifacts/answers")).unwrap();
        fs::create_dir_all(run.join("params")).unwrap();
        // Not an artefact, though a file of the run has such an ending.
        fs::write(run.join("params/settings.json"), "1").unwrap();
        fs::write(run.join("meta.yaml"), "run_id: x\n").unwrap();
        let said = answers_file(&run).unwrap_err().to_string();
        assert!(said.contains("no file of predictions"), "{said}");
        let file = run.join("artifacts/answers/p.csv.gz");
        fs::write(&file, "").unwrap();
        fs::write(run.join("artifacts/model.pkl"), "").unwrap();
        assert_eq!(answers_file(&run).unwrap(), file);
        assert_eq!(answers_file(&file).unwrap(), file);
        fs::write(run.join("artifacts/table.json"), "").unwrap();
        let said = answers_file(&run).unwrap_err().to_string();
        assert!(
            said.contains("answers/p.csv.gz") && said.contains("table.json"),
            "{said}"
        );
        // What is not there is said when it is read.
        assert!(answers_file(&run.join("none.npy")).is_ok());
    }

    #[test]
    fn what_is_no_file_of_predictions_is_refused_with_what_is() {
        let folder = Folder::new();
        assert!(folder.refused("p.txt", "0.5").contains(".npy"));
        assert!(
            folder
                .refused("empty.csv", "id,cat,dog\n")
                .contains("no predictions")
        );
        let said = open_answers(&folder.file("p.npy", b"x"), &classes(), Some("y"));
        assert!(said.unwrap_err().to_string().contains("--array"));
    }
}
