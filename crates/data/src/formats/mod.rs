//! The table of formats. A new format is a module here and one more entry of [`FORMATS`].

mod batches;
mod class_folders;
mod idx;
mod labelled;
mod libsvm;
mod named;
mod numpy;
mod pack;
mod parquet;
mod pixel_table;

pub(crate) use self::named::named_only;
pub(crate) use self::numpy::{Named as NamedArray, read as read_arrays};
pub use self::pack::{open_pack, pack_name, write_pack};
pub use self::pixel_table::{TableImages, is_pixel_table, open_table};
use crate::format::Format;

/// Every format, the most specific first: the first that recognises a folder opens it.
pub(crate) const FORMATS: &[Format] = &[
    pack::FORMAT,
    idx::FORMAT,
    batches::FORMAT,
    libsvm::FORMAT,
    numpy::FORMAT,
    parquet::FORMAT,
    labelled::FORMAT,
    class_folders::FORMAT,
    pixel_table::FORMAT,
];
