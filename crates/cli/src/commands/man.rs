//! `bakeoff man`

use std::fs;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::args::{Cli, ManArgs};

/// Writes a page for the program and one for every command, such as `bakeoff-run.1`.
pub(crate) fn main(args: &ManArgs) -> anyhow::Result<()> {
    fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), &args.folder))
        .with_context(|| format!("cannot write manual pages to {}", args.folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks into a command's page and those of its subcommands.
    fn check(command: &clap::Command, name: &str, folder: &std::path::Path) {
        let path = folder.join(format!("{name}.1"));
        let page = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        // In roff a dash of the text is escaped.
        let page = page.replace("\\-", "-");
        for flag in command.get_arguments().filter_map(|argument| {
            let shown = !argument.is_hide_set();
            argument.get_long().filter(|_| shown)
        }) {
            assert!(page.contains(&format!("--{flag}")), "{name}: --{flag}");
        }
        for inner in command.get_subcommands() {
            check(inner, &format!("{name}-{}", inner.get_name()), folder);
        }
    }

    #[test]
    fn every_command_has_a_page_with_all_its_flags() {
        let folder = std::env::temp_dir().join(format!("bakeoff-man-{}", std::process::id()));
        let args = ManArgs {
            folder: folder.clone(),
        };
        main(&args).unwrap();
        check(&Cli::command(), "bakeoff", &folder);
        assert!(
            fs::read_to_string(folder.join("bakeoff-run.1"))
                .unwrap()
                .contains("seeds")
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
