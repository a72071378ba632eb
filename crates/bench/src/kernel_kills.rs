//! How many processes the kernel has ended for lack of memory, by its own count.
//!
//! A process that was ended by SIGKILL cannot say why. The kernel counts its own kills: for the
//! control group that this process (and so each of its trials) lives in, and for the whole
//! machine. The group's count is preferred, because the machine's may be of somebody else.

use std::fs;

/// The count at some moment; `None` where the system keeps none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KernelKills(Option<u64>);

impl KernelKills {
    /// The count now.
    pub(crate) fn now() -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let read = |path: String| count(&fs::read_to_string(path).ok()?);
        Self(
            count_files(&groups)
                .into_iter()
                .find_map(read)
                .or_else(|| read("/proc/vmstat".into())),
        )
    }

    /// Whether the kernel has ended a process since this count was taken.
    pub(crate) fn happened_since(self) -> bool {
        Self::now().is_after(self)
    }

    fn is_after(self, before: Self) -> bool {
        matches!((before.0, self.0), (Some(before), Some(now)) if now > before)
    }
}

/// The files that may hold the count of this process's group, the best first. `groups` is
/// `/proc/self/cgroup`. In a container the group's path is not visible, and its root is the group.
fn count_files(groups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let path = path.trim_end_matches('/');
        let (root, file) = if controllers.is_empty() {
            ("/sys/fs/cgroup", "memory.events")
        } else if controllers.split(',').any(|name| name == "memory") {
            ("/sys/fs/cgroup/memory", "memory.oom_control")
        } else {
            continue;
        };
        files.push(format!("{root}{path}/{file}"));
        files.push(format!("{root}/{file}"));
    }
    files
}

/// The line `oom_kill N`, which all of these files have.
fn count(text: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_both_versions_of_control_groups_are_read() {
        assert_eq!(
            count("low 0\nhigh 0\nmax 4\noom 2\noom_kill 1\noom_group_kill 0\n"),
            Some(1)
        );
        assert_eq!(
            count("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
            Some(3)
        );
        assert_eq!(count("nr_free_pages 7\noom_kill 12\n"), Some(12));
        assert_eq!(count("oom_kill_disable 0\n"), None);
    }

    #[test]
    fn the_own_group_comes_before_the_root() {
        assert_eq!(
            count_files("0::/user.slice/run.scope\n"),
            [
                "/sys/fs/cgroup/user.slice/run.scope/memory.events",
                "/sys/fs/cgroup/memory.events"
            ]
        );
        assert_eq!(
            count_files("5:cpu,cpuacct:/a\n4:memory:/a/b\n")[0],
            "/sys/fs/cgroup/memory/a/b/memory.oom_control"
        );
        assert_eq!(count_files("0::/\n")[0], "/sys/fs/cgroup/memory.events");
        assert!(count_files("nothing of the kind").is_empty());
    }

    #[test]
    fn without_a_count_nothing_has_happened() {
        let [none, one, two] = [None, Some(1), Some(2)].map(KernelKills);
        assert!(two.is_after(one) && !one.is_after(one));
        assert!(!two.is_after(none) && !none.is_after(one));
    }
}
