//! Tables of images without labels, such as the test part of a competition.

use super::*;

/// The rows of test digits, with a column that numbers them if it has a name.
fn table(indices: &[usize], id: Option<&str>) -> String {
    let images = mnist().test().images();
    let mut header: Vec<String> = id.map(str::to_owned).into_iter().collect();
    header.extend((0..784).map(|at| format!("pixel{at}")));
    let mut text = header.join(",") + "\n";
    for &index in indices {
        let mut row: Vec<String> = id.map(|_| format!("a{index}")).into_iter().collect();
        row.extend(images.get(index).unwrap().iter().map(u8::to_string));
        text += &(row.join(",") + "\n");
    }
    text
}

#[test]
fn a_table_is_answered_by_a_table_as_its_images_would_be() {
    let trained = trained();
    let indices: Vec<usize> = (0..PICTURES).collect();
    let folder = scratch("tables");
    fs::write(folder.join("test.csv"), table(&indices, None)).unwrap();
    fs::write(
        folder.join("named.tsv"),
        table(&indices, Some("id")).replace(',', "\t"),
    )
    .unwrap();
    let ask = |file: &str, more: &[&str]| {
        let arguments = [&["--model", "cnn"], more].concat();
        predict(&trained.folder, &arguments, &[folder.join(file)])
    };
    let json = predict(
        &trained.folder,
        &["--model", "cnn", "--json"],
        &trained.pictures,
    );
    let expected: Vec<String> = json
        .expect(0)
        .stdout
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["predictions"][0]["class"].as_str().unwrap().to_owned()
        })
        .collect();
    let answer = |header: &str, id: &dyn Fn(usize) -> String| {
        let rows = expected.iter().enumerate();
        let rows = rows.map(|(index, class)| format!("{},{class}\n", id(index)));
        format!("{header}\n{}", rows.collect::<String>())
    };
    let counted = answer("ImageId,Label", &|index| (index + 1).to_string());
    assert_eq!(ask("test.csv", &[]).expect(0).stdout, counted);
    let named = answer("id,label", &|index| format!("a{index}"));
    assert_eq!(ask("named.tsv", &[]).expect(0).stdout, named);
    let lines = ask("named.tsv", &["--json"]).expect(0).stdout;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert!(
        last["image"]
            .as_str()
            .unwrap()
            .ends_with("named.tsv: id a99")
    );
    assert_eq!(last["predictions"][0]["class"], expected[99].as_str());

    fs::write(folder.join("small.csv"), "id,a,b,c,d\n1,0,0,0,9\n").unwrap();
    let small = ask("small.csv", &[]).expect(0);
    small.complains_of(&["1×2×2", "1×28×28"]);
    assert_eq!(small.stdout.lines().count(), 2);
    fs::write(folder.join("train.csv"), "id,a,b,c,d\n1,0,0,0,9\n").unwrap();
    let path = folder.join("train.csv");
    run(&trained.folder, &["data", "show", path.to_str().unwrap()])
        .expect(1)
        .complains_of(&["train.csv", "no column of labels", "bakeoff predict"]);
}
