//! The options that data are opened with, and the notes on what was skipped or assumed.

use bakeoff_core::OpenOptions;

use crate::{files::FileReader, notes::Note};

/// The options for opening data, and the notes that a format adds while it reads.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a OpenOptions,
    pub(crate) notes: Vec<Note>,
    /// The brightest pixel of all, where `pixel_max` could be stated and is not.
    pub(crate) brightest: Option<f64>,
    /// The numbers that stood for black and white where the model that is asked learned.
    pub(crate) learned: Option<[f64; 2]>,
    /// Those of the training part, where it is of numbers.
    pub(crate) range: Option<[f64; 2]>,
    /// Whether images that are files are listed and not decoded.
    pub(crate) lists: bool,
    /// Where the images that were listed are.
    pub(crate) listed: Option<FileReader>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(options: &'a OpenOptions) -> Self {
        Self {
            options,
            notes: Vec::new(),
            brightest: None,
            learned: None,
            range: None,
            lists: false,
            listed: None,
        }
    }

    /// Numbers without a stated range were read, of which this is the highest.
    pub(crate) fn brightest(&mut self, value: f64) {
        self.brightest = Some(self.brightest.map_or(value, |other| other.max(value)));
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        let note = Note::new(text);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
