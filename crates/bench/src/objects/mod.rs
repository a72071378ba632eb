//! Where files of a run are put that machines without a shared disk exchange: a bucket of an
//! object store, or a folder.
//!
//! Nothing is ever replaced there: an object is created whole, or there is one already. That is all
//! that two attempts at a trial need to agree on one record, and both kinds of store have it
//! (`If-None-Match: *`; a link to a name that is free).
//!
//! Rejected: the crate `object_store` (a hundred crates below it, an asynchronous runtime); a
//! store's own versions and locks (each has others).

mod curl;
mod folder;
mod s3;
mod sigv4;
mod traits;

use std::path::Path;

pub(crate) use self::traits::{Objects, Pair};
use self::{folder::Folder, s3::Bucket};
use crate::error::BenchError;

/// Whether a text is the address of a store rather than the path of a run's folder.
pub fn is_address(text: &str) -> bool {
    text.contains("://")
}

/// The store at an address: `s3://BUCKET/PREFIX`, `file:///FOLDER` or the path of a folder.
///
/// # Errors
/// For another kind of address, and where the environment lacks what S3 needs.
pub(crate) fn objects(address: &str) -> Result<Box<dyn Objects>, BenchError> {
    match address.split_once("://") {
        None => Ok(Box::new(Folder::new(Path::new(address)))),
        Some(("file", path)) => Ok(Box::new(Folder::new(Path::new(path)))),
        Some(("s3", rest)) => Ok(Box::new(Bucket::new(rest, &|name| {
            std::env::var(name).ok()
        })?)),
        Some((scheme, _)) => Err(BenchError::Request(format!(
            "{address}: `{scheme}` is no store that is known; allowed: s3://BUCKET/PREFIX, file:///FOLDER \
             or the path of a folder"
        ))),
    }
}
