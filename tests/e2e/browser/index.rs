//! The index of a folder of runs.

use std::fs;

use serde_json::json;

use super::{accessibility::check_with_axe, chromium::Chromium};
use crate::support::{only_entry, run, scratch, shapes, write_folder};

#[test]
fn every_run_is_listed_and_two_are_compared_where_their_test_pictures_are_the_same() {
    let folder = scratch("index");
    write_folder(&folder.join("shapes & more"), &shapes());
    let limits = ["--limit-train", "200", "--limit-test", "60", "--quiet"];
    let runs: [&[&str]; 3] = [
        &["--models", "knn,logistic"],
        &["--models", "knn", "--seed", "5"],
        &["--models", "knn", "--dataset", "shapes & more"],
    ];
    for arguments in runs {
        run(
            &folder,
            &[&["run", "quick"][..], arguments, &limits].concat(),
        )
        .expect(0);
    }
    let index = folder.join("reports/index.html");
    let first = fs::read(&index).unwrap();
    run(&folder, &["report", "reports"]).expect(0);
    assert!(
        fs::read(&index).unwrap() == first,
        "the same runs, the same bytes"
    );

    if let Some(mut browser) = Chromium::start("browser-index") {
        browser.resize(1280, 900);
        browser.prefer("light");
        browser.open(&index);
        check_index(&mut browser);
    }

    // What bakeoff did not write stays.
    fs::write(&index, "my own page").unwrap();
    run(&folder, &["report", "reports"])
        .expect(1)
        .complains_of(&["index.html", "left as it is"]);
    assert_eq!(fs::read_to_string(&index).unwrap(), "my own page");
    // A folder that is neither a run nor holds any is refused as before.
    run(&folder, &["report", "models"])
        .expect(1)
        .complains_of(&["is not a run"]);
    // A run beside which there is no index gets none.
    fs::remove_file(&index).unwrap();
    let lone = scratch("index-lone");
    let moved = lone.join("run");
    fs::rename(folder.join("reports"), lone.join("all")).unwrap();
    let one = fs::read_dir(lone.join("all"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    fs::rename(one, &moved).unwrap();
    fs::remove_dir_all(lone.join("all")).unwrap();
    run(&lone, &["report", "run"]).expect(0);
    assert_eq!(only_entry(&lone), moved);
    assert!(!lone.join("index.html").exists());
}

fn check_index(browser: &mut Chromium) {
    let rows = browser.evaluate(
        "[...document.querySelectorAll('table.runs tbody tr')].map(row => [row.cells[2].textContent.trim(), row.cells[3].querySelector('strong')?.textContent])",
    );
    assert_eq!(rows.as_array().unwrap().len(), 3, "{rows}");
    let newest = rows[0][0].as_str().unwrap();
    assert!(
        newest.starts_with("shapes & more"),
        "the newest first: {rows}"
    );
    browser.finds_nothing_wrong(
        "[...document.querySelectorAll('table.runs a')].map(it => it.getAttribute('href')).filter(it => !/^[\\w.-]+\\/report.html$/.test(it))",
    );
    let side = "byId('side-by-side').checkVisibility() && byId('side').textContent";
    assert_eq!(browser.evaluate(side), json!(false));
    // The two on the same test images.
    browser.click("tr:nth-child(2) input.choose");
    assert_eq!(browser.evaluate(side), json!(false));
    browser.click("tr:nth-child(3) input.choose");
    let table = browser.evaluate(
        "[...document.querySelectorAll('table.side tbody')].map(body => [body.rows[0].cells[0].textContent, body.rows[2].cells[1].textContent])",
    );
    let table = table.as_array().unwrap();
    assert_eq!(table.len(), 2, "knn in both, logistic in one: {table:?}");
    let knn = table.iter().find(|row| row[0] == "knn").unwrap();
    assert!(knn[1].as_str().unwrap().ends_with("points"), "{knn}");
    let logistic = table.iter().find(|row| row[0] == "logistic").unwrap();
    assert_eq!(logistic[1], "");
    check_with_axe(browser, "two runs side by side");
    // The address remembers them.
    browser.reload();
    assert_eq!(
        browser.evaluate("document.querySelectorAll('table.side tbody').length"),
        json!(2)
    );
    // A third one takes the place of the first; other test images are not compared.
    browser.click("tr:nth-child(1) input.choose");
    let words = browser.evaluate("byId('side').textContent");
    assert!(words.as_str().unwrap().contains("Not compared"), "{words}");
    let checked = browser.evaluate("document.querySelectorAll('input.choose:checked').length");
    assert_eq!(checked, json!(2));
    let (complaints, requests) = browser.complaints_and_requests();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert_eq!(requests.len(), 1, "{requests:?}");
}
