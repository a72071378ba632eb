//! A kind of folder or file that is a dataset: what a format's module provides.

use bakeoff_core::OpenOptions;

use crate::{error::DataError, listing::Listing, notes::Note, parts::Raw};

/// A kind of folder or file that is a dataset.
#[derive(Debug)]
#[non_exhaustive]
pub struct Format {
    /// A short name, in kebab case.
    pub name: &'static str,
    /// What such a folder holds, as an error message lists it.
    pub expects: &'static str,
    /// Whether a folder looks as if it were meant to be of this format, complete or
    /// not: an incomplete folder gets the errors of the format it was meant to be.
    pub(crate) recognises: fn(&Listing) -> bool,
    pub(crate) open: fn(&Listing, &mut Context<'_>) -> Result<Raw, DataError>,
}

/// What a format is told, and where it says what it assumed.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a OpenOptions,
    pub(crate) notes: Vec<Note>,
    /// The brightest pixel of all, where `pixel_max` could be stated and is not.
    pub(crate) brightest: Option<f64>,
}

impl Context<'_> {
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
