//! Programs as saved models.

use super::*;

/// A saved model of the script, whose list of files is this.
fn saved(
    spec: &ModelSpec,
    edit: impl FnOnce(&mut Vec<String>, &mut String),
) -> Result<(), StoreError> {
    let model = fit_spec(spec).unwrap();
    let mut tensors = TensorMap::default();
    model.save(&mut tensors).unwrap();
    let bytes = tensors.to_bytes().unwrap();
    let mut file = TensorFile::parse(&bytes).unwrap();
    use bakeoff_core::ModelReader as _;
    let mut read = |name: &str| {
        let shape = file.shape(name).unwrap();
        file.u8(name, &shape).unwrap().into_owned()
    };
    let task = read("task");
    let mut names: Vec<String> = serde_json::from_slice(&read("files")).unwrap();
    assert_eq!(names, ["x"]);
    let mut content = String::from_utf8(read("file/x")).unwrap();
    edit(&mut names, &mut content);
    let mut forged = TensorMap::default();
    let list = serde_json::to_vec(&names).unwrap();
    forged.tensor("task", &[task.len()], TensorData::U8(&task))?;
    forged.tensor("files", &[list.len()], TensorData::U8(&list))?;
    for name in names {
        forged.tensor(
            &format!("file/{name}"),
            &[content.len()],
            TensorData::U8(content.as_bytes()),
        )?;
    }
    let bytes = forged.to_bytes()?;
    let header = ModelHeader {
        input_shape: ImageShape::new(1, 1, 2),
        classes: 2,
    };
    let loaded = FAMILY.load(spec, &header, &mut TensorFile::parse(&bytes)?)?;
    assert_eq!(ask(&*loaded).unwrap(), [0.5; 6]);
    Ok(())
}

#[test]
fn only_what_was_trained_here_runs_and_files_stay_in_their_folder() {
    let spec = spec(&answering(HALF), &json!({}));
    saved(&spec, |_, _| ()).unwrap();
    let said = saved(&spec, |_, content| content.push('!'))
        .unwrap_err()
        .to_string();
    assert!(said.contains("--allow-commands"), "{said}");
    let said = saved(&spec, |names, _| names.push("y".into()))
        .unwrap_err()
        .to_string();
    assert!(said.contains("--allow-commands"), "{said}");
    for name in ["../y", "/tmp/y", "a/../../y", ""] {
        let said = saved(&spec, |names, _| names.push(name.into()))
            .unwrap_err()
            .to_string();
        assert!(said.starts_with("files: "), "{name}: {said}");
    }
    assert!(!Path::new("/tmp/y").exists());
    // The same script with another setting is another program.
    let mut other = spec.clone();
    other.settings.insert("settings".into(), json!({"a": 1}));
    saved(&other, |_, _| ()).unwrap();
}

#[test]
fn a_saved_model_keeps_which_of_its_files_can_be_run() {
    let script = "f=$2\nif [ $1 = fit ]; then\n\
         printf '#!/bin/sh\\nyes \"0.25 0.75\" | head -n $1\\n' >$f/model/run; chmod +x $f/model/run\n\
         echo x >$f/model/x; exit\nfi\n\
         [ -x $f/model/x ] && exit 1\n\
         while read -r n; do $f/model/run $n >$f/answers.csv; echo done; done\n";
    let spec = spec(script, &json!({}));
    let mut tensors = TensorMap::default();
    let model = fit_spec(&spec).unwrap();
    model.save(&mut tensors).unwrap();
    let bytes = tensors.to_bytes().unwrap();
    drop(model);
    let header = ModelHeader {
        input_shape: ImageShape::new(1, 1, 2),
        classes: 2,
    };
    let mut file = TensorFile::parse(&bytes).unwrap();
    let loaded = FAMILY.load(&spec, &header, &mut file).unwrap();
    assert_eq!(ask(&*loaded).unwrap(), [0.25, 0.75].repeat(3));
}
