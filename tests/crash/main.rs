//! The crash campaign: `crash PROGRAM TRIES [SEED]`.
//!
//! It starts `bakeoff run`, `trial`, `report`, `export` and `serve` on a tiny dataset, kills them with
//! SIGKILL at random moments, starts them again, and checks that nothing is lost, torn or there twice,
//! and that everything ends as it does undisturbed. It prints a table and ends with 1 on any fault.
//!
//! SIGKILL ends a process, not the system: what the kernel has taken is written. A power cut is not
//! tried.

#![allow(
    clippy::unwrap_used,
    reason = "a program of tests fails loudly; clippy exempts only the test functions"
)]

#[cfg(unix)]
mod corrections;
#[cfg(unix)]
mod derived;
#[cfg(unix)]
mod killing;
#[cfg(unix)]
mod records;
#[cfg(unix)]
mod scene;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use std::{env, io::Write as _, process::ExitCode, time::Instant};

    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).map(|text| text.parse::<u64>().unwrap());
    let (Some(program), Some(tries)) = (arguments.first(), number(1)) else {
        let _ = writeln!(std::io::stderr(), "usage: crash PROGRAM TRIES [SEED]");
        return ExitCode::from(2);
    };
    let seed = number(2).unwrap_or(1);
    let scene = scene::Scene::new(program.as_ref());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut out = std::io::stdout();
    let mut faults = 0;
    let _ = writeln!(
        out,
        "{tries} kills, seed {seed}\n{:8} {:>6} {:>8} {:>8} {:>9} {:>7} {:>8}",
        "command", "kills", "in time", "checked", "leftovers", "faults", "seconds"
    );
    // Where there is most to lose, most often.
    type Command = fn(&scene::Scene, u64, &mut ChaCha8Rng) -> scene::Tally;
    let commands: [(&str, u64, Command); 5] = [
        ("run", 40, records::run),
        ("trial", 20, records::trial),
        ("report", 10, derived::report),
        ("export", 10, derived::export),
        ("serve", 20, corrections::serve),
    ];
    for (name, share, campaign) in commands {
        let begin = Instant::now();
        let tally = campaign(&scene, (tries * share).div_ceil(100), &mut random);
        let _ = writeln!(
            out,
            "{name:8} {:6} {:8} {:8} {:9} {:7} {:8.0}",
            tally.kills,
            tally.in_time,
            tally.checked,
            tally.leftovers.len(),
            tally.faults.len(),
            begin.elapsed().as_secs_f64()
        );
        if let Some(path) = tally.leftovers.first() {
            let _ = writeln!(out, "  left over, for example: {}", path.display());
        }
        for fault in &tally.faults {
            let _ = writeln!(out, "  {fault}");
        }
        faults += tally.faults.len();
    }
    match faults {
        0 => ExitCode::SUCCESS,
        _ => {
            let _ = writeln!(out, "the folders are in {}", scene.keep().display());
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() {}
