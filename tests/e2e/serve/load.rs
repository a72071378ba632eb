//! How many predictions a second the server gives, how late, and in how much memory.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use super::{Serving, ShellAnswer, drawn, server_says, shell_says};
use crate::support::{comparison, scratch};

/// What a client asks for.
struct Load {
    /// Requests each second, evenly spread.
    rate: u32,
    seconds: u32,
    connections: u32,
}

/// What came of it.
#[derive(Debug)]
struct Figures {
    answered: usize,
    per_second: f64,
    p50: Duration,
    p99: Duration,
    longest: Duration,
    /// Processor time of the server for each answer.
    processor: Option<Duration>,
    /// The middle of what the model alone took, as the answers say.
    model_p50_us: f64,
    memory_before: Option<u64>,
    memory_after: Option<u64>,
}

/// Asks for one model's answers at a fixed rate. Each request has its own time to be
/// sent at, and its latency counts from then, so that a slow answer makes the next one
/// late too instead of sparing it (G. Tene's "coordinated omission").
fn load(serving: &Serving, model: &str, shell: &[ShellAnswer], load: &Load) -> Figures {
    let pictures: Vec<Vec<u8>> = (0..shell.len()).map(drawn).collect();
    for picture in &pictures {
        serving.client().predict(picture, Some(model)).ok();
    }
    let (memory_before, processor_before) = (serving.memory(), serving.processor_time());
    let total = load.rate * load.seconds;
    let start = Instant::now() + Duration::from_millis(50);
    let step = Duration::from_secs(1) / load.rate;
    let (pictures, rate) = (&pictures, load.connections);
    let answers: Vec<(Duration, f64)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..load.connections)
            .map(|first| {
                scope.spawn(move || {
                    let mut client = serving.client();
                    let mut answers = Vec::new();
                    for number in (first..total).step_by(rate as usize) {
                        let due = start + step * number;
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        let which = number as usize % pictures.len();
                        let answer = client.predict(&pictures[which], Some(model));
                        let late = due.elapsed();
                        let answer = answer.ok();
                        assert_eq!(server_says(&answer), shell[which], "digit {which}");
                        let alone = &answer["predictions"][0]["latency_us"];
                        answers.push((late, alone.as_f64().unwrap()));
                    }
                    answers
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    let took = start.elapsed();
    let used = |before: Duration| Some(serving.processor_time()? - before);
    let processor = processor_before.and_then(used);
    let (mut latencies, mut alone): (Vec<Duration>, Vec<f64>) = answers.into_iter().unzip();
    latencies.sort();
    alone.sort_by(f64::total_cmp);
    let quantile = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Figures {
        answered: latencies.len(),
        per_second: latencies.len() as f64 / took.as_secs_f64(),
        p50: quantile(0.5),
        p99: quantile(0.99),
        longest: quantile(1.0),
        processor: processor.map(|used| used / total),
        model_p50_us: alone[alone.len() / 2],
        memory_before,
        memory_after: serving.memory(),
    }
}

/// Memory that comes and goes with requests, and what the allocator keeps of it.
const FLAT: u64 = 16 << 20;

#[track_caller]
fn is_flat(figures: &Figures) {
    if let (Some(before), Some(after)) = (figures.memory_before, figures.memory_after) {
        assert!(after.saturating_sub(before) < FLAT, "{figures:?}");
    }
}

#[test]
fn a_steady_stream_is_answered_in_flat_memory() {
    let folder = scratch("serve-load");
    let serving = Serving::of_comparison(&folder, &[]);
    let models = comparison().folder.join("models");
    let shell = shell_says(&folder, &models, 50, &["--model", "cnn"]);
    let figures = load(
        &serving,
        "cnn",
        &shell,
        &Load {
            rate: 100,
            seconds: 3,
            connections: 8,
        },
    );
    // Other tests run beside this one: the times that count are those of `make load`.
    assert_eq!(figures.answered, 300);
    assert!(figures.p50 < Duration::from_secs(1), "{figures:?}");
    is_flat(&figures);
}

#[test]
#[ignore = "half a minute on a quiet machine: `make load`"]
fn two_hundred_a_second_for_half_a_minute() {
    let folder = scratch("serve-load-long");
    // Models of one's own, such as those of the full comparison, or those of the tests.
    let models = std::env::var_os("BAKEOFF_LOAD_MODELS")
        .map_or_else(|| comparison().folder.join("models"), PathBuf::from);
    let shell = shell_says(&folder, &models, 200, &["--model", "cnn"]);
    let serving = Serving::start(&folder, &["--models-dir", models.to_str().unwrap()]);
    let asked = Load {
        rate: 200,
        seconds: 30,
        connections: 8,
    };
    let figures = load(&serving, "cnn", &shell, &asked);
    let mebibytes = |bytes: Option<u64>| bytes.map_or(f64::NAN, |it| it as f64 / 1048576.0);
    println!(
        "{} answers, all as the shell's: {:.1}/s, p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms, \
         processor {:.2} ms for each answer, of it the model {:.3} ms, \
         memory {:.1} MiB before and {:.1} MiB after",
        figures.answered,
        figures.per_second,
        figures.p50.as_secs_f64() * 1e3,
        figures.p99.as_secs_f64() * 1e3,
        figures.longest.as_secs_f64() * 1e3,
        figures
            .processor
            .map_or(f64::NAN, |it| it.as_secs_f64() * 1e3),
        figures.model_p50_us / 1e3,
        mebibytes(figures.memory_before),
        mebibytes(figures.memory_after),
    );
    assert_eq!(figures.answered, 6000);
    assert!(figures.p99 < Duration::from_millis(50), "{figures:?}");
    is_flat(&figures);
}
