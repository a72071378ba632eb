//! `bakeoff man`

use std::{fs, io, path::Path};

use anyhow::Context as _;
use bakeoff_store::atomic::{OwnedFolder, remove_unowned_folders};
use clap::CommandFactory as _;

use crate::args::{Cli, ManArgs};

/// Writes a page for the program and one for every command, such as `bakeoff-run.1`.
pub(crate) fn main(args: &ManArgs) -> anyhow::Result<()> {
    write(&args.folder)
        .with_context(|| format!("cannot write manual pages to {}", args.folder.display()))
}

/// Pages appear whole: each is renamed to its place.
fn write(folder: &Path) -> io::Result<()> {
    const UNFINISHED: &str = ".bakeoff-man-";
    fs::create_dir_all(folder)?;
    remove_unowned_folders(folder, UNFINISHED);
    let unfinished = OwnedFolder::new(folder, UNFINISHED)?;
    clap_mangen::generate_to(Cli::command(), unfinished.path())?;
    for page in fs::read_dir(unfinished.path())? {
        let page = page?;
        fs::rename(page.path(), folder.join(page.file_name()))?;
    }
    Ok(())
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
        let is_page = |entry: io::Result<fs::DirEntry>| {
            entry
                .unwrap()
                .path()
                .extension()
                .is_some_and(|end| end == "1")
        };
        assert!(fs::read_dir(&folder).unwrap().all(is_page));
        fs::remove_dir_all(&folder).unwrap();
    }
}
