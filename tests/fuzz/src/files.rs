//! Several files in one input, and folders to write them into.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use tempfile::TempDir;

/// Begins a file; its name goes to the end of the line. Text, so that a mutation that cuts, inserts
/// or joins inputs leaves files.
const MARK: &[u8] = b"=== ";

/// The files in an input: names and contents.
pub fn split(input: &[u8]) -> Vec<(String, &[u8])> {
    let mut starts: Vec<usize> = Vec::new();
    for at in 0..input.len().saturating_sub(MARK.len() - 1) {
        let begins = at == 0 || input[at - 1] == b'\n';
        if begins && input[at..].starts_with(MARK) {
            starts.push(at);
        }
    }
    let ends = starts.iter().skip(1).map(|next| next - 1);
    let ends: Vec<usize> = ends.chain([input.len()]).collect();
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let file = &input[start + MARK.len()..end.max(start + MARK.len())];
            let line = file.iter().position(|&byte| byte == b'\n');
            let (name, content) = match line {
                Some(at) => (&file[..at], &file[at + 1..]),
                None => (file, &[][..]),
            };
            (String::from_utf8_lossy(name).into_owned(), content)
        })
        .collect()
}

/// One input of several files.
pub fn join<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut input = Vec::new();
    for (name, content) in files {
        if !input.is_empty() {
            input.push(b'\n');
        }
        input.extend(MARK);
        input.extend(name.as_bytes());
        input.push(b'\n');
        input.extend(content);
    }
    input
}

/// A folder of this process; in memory where the system has such.
static ROOT: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    folder.expect("a temporary folder")
});

/// The folder of a target.
pub(crate) fn folder(target: &str) -> PathBuf {
    let folder = ROOT.path().join(target);
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// Removes everything in the folder of a target.
pub(crate) fn emptied(target: &str) -> PathBuf {
    let folder = folder(target);
    fs::remove_dir_all(&folder).expect("a temporary folder");
    self::folder(target)
}

/// Writes files below a folder. Names that lead out of it, or that the system refuses, are left out.
pub(crate) fn write(folder: &Path, files: &[(String, &[u8])]) {
    for (name, content) in files {
        let parts: Vec<&str> = name.split('/').collect();
        let plain =
            |part: &&str| !part.is_empty() && !part.starts_with('.') && !part.contains('\0');
        if !parts.iter().all(plain) || parts.len() > 6 {
            continue;
        }
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        if fs::create_dir_all(parent).is_ok() {
            let _ = fs::write(path, content);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_joined_is_split() {
        let files = [
            ("a", &b"one\n=== no\n"[4..4]),
            ("b/c", b"two\n\n=="),
            ("d", b""),
        ];
        let input = join(files);
        let found = split(&input);
        assert_eq!(found.len(), 3);
        for ((name, content), (known, expected)) in found.iter().zip(files) {
            assert_eq!((name.as_str(), *content), (known, expected));
        }
        for cut in 0..input.len() {
            let _ = split(&input[..cut]);
            let _ = split(&input[cut..]);
        }
    }
}
