//! Datasets and pictures: everything between a name, a path or a file and the
//! bytes that a model sees.
//!
//! - [`open`] turns a built-in name or the path of a folder into a
//!   [`Dataset`](bakeoff_core::Dataset); [`builtins`] lists the names, [`formats`]
//!   the kinds of folder that are recognised. MNIST lies inside the binary, so that
//!   the tool works offline from any folder.
//! - [`idx`] reads and writes the IDX files that MNIST and its successors come in.
//! - [`split`] holds a part out, cuts folds and takes subsets, seeded and stratified.
//! - [`corrupt()`] makes pictures worse, to see how a model bears it.
//! - [`toy`] makes small datasets for tests and benches.
//! - [`encode_png`], [`contact_sheet`] and [`corruption_sheet`] turn pictures into files
//!   to look at.
//! - [`picture`] prepares a person's own picture; [`redrawn`] makes such pictures of
//!   the digits of a dataset, to measure it by.
//!
//! Rejected: downloading MNIST on first use (its homes on the web have moved three
//! times, and a comparison that needs the network cannot be repeated offline);
//! storing MNIST decoded (five times the size for a tenth of a second); the `mnist`
//! crate (it panics on a bad file and knows neither 4-D files nor gzip by content).

mod builtin;
mod class_folders;
mod class_names;
mod corrupt;
mod error;
pub mod idx;
mod labelled;
pub mod picture;
mod pixel_table;
pub mod redrawn;
mod sheet;
mod source;
pub mod split;
mod stage_sheet;
mod stored;
pub mod toy;

pub use builtin::{Builtin, builtins};
pub use corrupt::corrupt;
pub use error::DataError;
pub use idx::IdxError;
pub use picture::PictureError;
pub use sheet::{contact_sheet, corruption_sheet, encode_png};
pub use source::{Format, formats, open};
pub use stage_sheet::{StageRow, stage_sheet};
