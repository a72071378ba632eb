//! `serve` with corrections: what was acknowledged is there, once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use ureq::Agent;

use crate::{
    killing::{Victim, Whom, wait_up_to},
    scene::{Scene, Tally, said, temporaries},
};

/// So many kills before a new folder of corrections.
const KILLS_OF_A_FOLDER: u64 = 20;

/// People who correct at once.
const CLIENTS: u64 = 3;

/// Values of an image of 6×6.
const PIXELS: usize = 36;

/// What a client knows of its corrections: the image by its file.
type Acknowledged = BTreeMap<String, Vec<u8>>;

pub(crate) fn serve(scene: &Scene, kills: u64, random: &mut ChaCha8Rng) -> Tally {
    let mut tally = Tally::default();
    let folder = scene.folder();
    let models = scene.undisturbed.join("models");
    let mut round = 0;
    while tally.kills < kills {
        round += 1;
        let corrections = folder.join(format!("corrections-{round}"));
        let arguments = [
            "serve",
            "--port",
            "0",
            "--models-dir",
            models.to_str().unwrap(),
            "--corrections-dir",
            corrections.to_str().unwrap(),
        ];
        let mut acknowledged = Acknowledged::new();
        let mut asked = 0;
        for _ in 0..KILLS_OF_A_FOLDER.min(kills - tally.kills) {
            let mut command = scene.command(&folder, &arguments);
            let mut victim = Victim::start(command.stdout(Stdio::piped()));
            let url = address(&mut victim);
            let end = AtomicBool::new(false);
            thread::scope(|scope| {
                let clients: Vec<_> = (0..CLIENTS)
                    .map(|_| {
                        let (url, end, seed) = (&url, &end, random.next_u64());
                        scope.spawn(move || correct(url, seed, end))
                    })
                    .collect();
                wait_up_to(Duration::from_millis(120), random);
                victim.kill(Whom::All, &mut tally);
                end.store(true, Ordering::SeqCst);
                for client in clients {
                    let (found, sent) = client.join().unwrap();
                    for (file, pixels) in found {
                        let is_new = acknowledged.insert(file.clone(), pixels).is_none();
                        tally.check(is_new, || format!("{file} was acknowledged twice"));
                    }
                    asked += sent;
                }
            });
            check(&corrections.join("toy"), &acknowledged, asked, &mut tally);
        }
        // As a dataset it can be read.
        let data = corrections.join("toy");
        let mut evaluate = vec![
            "evaluate",
            "--model",
            "toy/knn",
            "--models-dir",
            models.to_str().unwrap(),
        ];
        evaluate.extend(["--dataset", data.to_str().unwrap()]);
        if !acknowledged.is_empty() {
            let output = scene.finish(&folder, &evaluate);
            tally.check(output.status.success(), || {
                format!("evaluate: {}", said(&output))
            });
        }
        tally.leftovers.extend(temporaries(&corrections));
    }
    tally
}

/// Where a server listens that was just started.
fn address(victim: &mut Victim) -> String {
    let stdout = victim.child().stdout.take().unwrap();
    let mut lines = BufReader::new(stdout).lines();
    let url = lines.find_map(|line| {
        let line = line.unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))?;
        Some(url.trim_end_matches('/').to_owned())
    });
    url.expect("it says where it listens")
}

/// Corrects until the server is gone: what it acknowledged, and how many corrections were sent.
fn correct(url: &str, seed: u64, end: &AtomicBool) -> (Acknowledged, usize) {
    use rand::SeedableRng as _;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let agent = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .build();
    let agent = Agent::new_with_config(agent);
    let (mut acknowledged, mut sent) = (Acknowledged::new(), 0);
    while !end.load(Ordering::SeqCst) {
        let pixels: Vec<u8> = (0..PIXELS).map(|_| random.random()).collect();
        let label = (pixels[0] % 3).to_string();
        let body = json!({ "pixels": pixels, "label": label, "model": "toy/knn" });
        sent += 1;
        let answer = agent
            .post(format!("{url}/api/v1/corrections"))
            .content_type("application/json")
            .send(body.to_string());
        let Ok(answer) = answer else { break };
        let Ok(text) = answer.into_body().read_to_string() else {
            break;
        };
        let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
        acknowledged.insert(kept["file"].as_str().unwrap().to_owned(), pixels);
    }
    (acknowledged, sent)
}

/// Every acknowledged correction has one row with its label, and its image; rows that nobody was told
/// of are no more than were asked for.
fn check(folder: &Path, acknowledged: &Acknowledged, asked: usize, tally: &mut Tally) {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let table = fs::read(folder.join("labels.csv")).unwrap_or_default();
    // What follows the last line's end was being written; the server moves it aside.
    let whole = table
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    for row in csv::Reader::from_reader(&table[..whole]).records() {
        match row {
            Ok(row) => rows
                .entry(row[0].to_owned())
                .or_default()
                .push(row[1].to_owned()),
            Err(error) => tally.faults.push(format!("{}: {error}", folder.display())),
        }
    }
    for (file, pixels) in acknowledged {
        let label = (pixels[0] % 3).to_string();
        let found = rows.get(file);
        tally.check(
            found.is_some_and(|labels| *labels == [label.as_str()]),
            || format!("{file} was acknowledged as {label}, and the table says {found:?}"),
        );
        let image = image::open(folder.join(file)).map(|image| image.into_luma8().into_raw());
        tally.check(image.is_ok_and(|image| image == *pixels), || {
            format!("the image {file} is another")
        });
    }
    let twice: BTreeSet<&String> = rows
        .iter()
        .filter(|(_, labels)| labels.len() > 1)
        .map(|it| it.0)
        .collect();
    tally.check(twice.is_empty(), || {
        format!("more than one row for {twice:?}")
    });
    tally.check(rows.len() <= asked, || {
        format!("{} rows of {asked} corrections", rows.len())
    });
    let lacking: Vec<&String> = rows
        .keys()
        .filter(|file| !folder.join(file).is_file())
        .collect();
    tally.check(lacking.is_empty(), || {
        format!("rows without an image: {lacking:?}")
    });
}
