//! SIGKILL at a random moment.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use rand::{Rng, RngExt as _};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::scene::Tally;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The process and all that it started, at once.
    All,
    /// The process alone; a trial that it started notices and stops.
    Parent,
}

/// A command that is being killed, in a process group of its own.
pub(crate) struct Victim {
    child: Child,
    group: Pid,
}

impl Victim {
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.process_group(0).spawn().unwrap();
        let group = Pid::from_child(&child);
        Self { child, group }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Kills it now; whether it was still at work.
    pub(crate) fn kill(&mut self, whom: Whom, tally: &mut Tally) -> bool {
        let was_at_work = self.child.try_wait().unwrap().is_none();
        tally.kills += 1;
        if was_at_work {
            tally.in_time += 1;
            // It may end between the question and the signal.
            let _ = match whom {
                Whom::All => kill_process_group(self.group, Signal::KILL),
                Whom::Parent => kill_process(self.group, Signal::KILL),
            };
        }
        self.child.wait().unwrap();
        was_at_work
    }

    /// Waits until nothing that it started is at work.
    pub(crate) fn wait_for_all(&self) {
        let begin = Instant::now();
        while at_work(self.group) {
            let waited = begin.elapsed();
            assert!(
                waited < Duration::from_secs(60),
                "a trial goes on without its run"
            );
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Whether a process of the group is there that has not ended.
fn at_work(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        // No such folder on this system: every trial here ends within this.
        thread::sleep(Duration::from_millis(500));
        return false;
    };
    let group = group.as_raw_nonzero().to_string();
    processes.flatten().any(|process| {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // The name, in brackets, may hold anything; state, parent and group come after it.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let fields: Vec<&str> = after.split_whitespace().collect();
        fields.get(2) == Some(&group.as_str()) && fields.first() != Some(&"Z")
    })
}

/// Waits for a random time up to this.
pub(crate) fn wait_up_to(longest: Duration, random: &mut impl Rng) {
    thread::sleep(longest.mul_f64(random.random::<f64>()));
}
