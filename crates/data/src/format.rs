//! A kind of folder or file that is a dataset: what a format's module provides.

use crate::{context::Context, error::DataError, listing::Listing, parts::Raw};

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
