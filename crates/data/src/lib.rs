//! Datasets: from a name or a path to the samples that a model learns from.
//!
//! - [`open`] turns a built-in name or the path of a folder, archive or file into a
//!   [`Dataset`](bakeoff_core::Dataset); [`open_with`] does so at a stated size, with stated
//!   colours and a stated split, and says what it skipped or assumed. [`builtins()`] lists the
//!   names, [`downloads()`] those that can be downloaded, [`formats()`] the kinds of folder that are recognised. MNIST lies inside the
//!   binary, so that the tool works offline from any folder.
//! - [`open_listed`] leaves images that are files as they are, with their labels, for callers that
//!   prepare a person's own images as a model needs them.
//! - [`idx`] reads and writes the IDX files that MNIST and its successors come in.
//! - [`split`] holds a part out, cuts folds and takes subsets, seeded and stratified.
//! - [`corrupt()`] makes images worse, to measure how robust a model is.
//! - [`Blocks`] exchanges blocks between images, to measure which parts of them a model looks at.
//! - [`contact_sheet()`] and [`corruption_examples()`] turn samples into a PNG to look at.
//!
//! Rejected: downloading MNIST on first use (its address has changed three
//! times, and a comparison that needs the network cannot be repeated offline);
//! storing MNIST decoded (five times the size for a tenth of a second); the `mnist`
//! crate (it panics on a bad file and knows neither 4-D files nor gzip by content).

mod answers;
mod archive;
mod arrays;
mod blocks;
mod builtin;
mod check;
mod class_names;
mod colour_order;
mod contact_sheet;
mod context;
mod corrupt;
mod download;
mod endings;
mod error;
mod files;
mod format;
mod formats;
mod hidden;
pub mod idx;
mod idx_part;
mod listing;
mod notes;
mod parts;
mod pickle;
mod picture_files;
mod pixel_range;
mod preparation;
mod resize;
mod source;
pub mod split;
mod table;
mod words;

pub use answers::{Answers, answers_file, open_answers};
pub use blocks::Blocks;
pub use builtin::{Builtin, builtins};
pub use check::{pixel_values, repeats};
pub use contact_sheet::{contact_sheet, corruption_examples};
pub use corrupt::corrupt;
pub use download::{Download, DownloadError, DownloadProgress, absolute, downloads, is_name};
pub use error::DataError;
pub use files::{FilePart, LabelledFiles};
pub use format::Format;
pub use formats::{TableImages, is_pixel_table, open_pack, open_table, pack_name, write_pack};
pub use idx::IdxError;
pub use notes::Note;
pub use picture_files::image_files;
pub use preparation::preparation;
pub use source::{Listed, Opened, formats, open, open_listed, open_to_evaluate, open_with};
