//! Files that programs leave beside a person's data.

/// Whether a file or folder is none of a person's data: `.DS_Store`, `._1.png`,
/// `.ipynb_checkpoints`, `__MACOSX`, …
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
        || [
            "__macosx",
            "thumbs.db",
            "desktop.ini",
            "icon\r",
            "__pycache__",
        ]
        .contains(&name.to_lowercase().as_str())
}
