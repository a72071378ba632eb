//! Parquet files as the Hugging Face hub has them: a column of images (a struct with their
//! bytes), a column of labels, and the names of the classes in the metadata of the schema.
//!
//! The reader is the feature `parquet`, because it takes longer to build than all other formats
//! together. Rejected: reading them without that crate (pages, levels, dictionaries and several
//! compressions, for one format).

use crate::{format::Format, listing::Listing};

pub(super) const FORMAT: Format = Format {
    name: "parquet",
    expects: "parquet files of the Hugging Face hub, such as train-00000-of-00001.parquet and test-00000-of-00001.parquet, with the columns image and label",
    recognises,
    open,
};

fn recognises(listing: &Listing) -> bool {
    let is_parquet = |file: &str| file.to_lowercase().ends_with(".parquet");
    listing.files().any(is_parquet)
}

#[cfg(not(feature = "parquet"))]
fn open(
    listing: &Listing,
    _: &mut crate::context::Context<'_>,
) -> Result<crate::parts::Raw, crate::error::DataError> {
    let problem = "these are parquet files, and this program was built without their reader: build it with `cargo build --release --bin bakeoff --no-default-features --features parquet`, or save the images as files in a folder for each class";
    Err(crate::error::DataError::invalid(listing.path(), problem))
}

#[cfg(feature = "parquet")]
use with_reader::open;

#[cfg(feature = "parquet")]
mod with_reader {
    use std::{collections::BTreeMap, panic, path::Path};

    use ::parquet::{
        errors::ParquetError,
        file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
        record::{Field, Row},
    };

    use crate::{
        class_names,
        context::Context,
        error::DataError,
        listing::Listing,
        parts::{Labels, Part, Raw, numbered},
        picture_files::{Picture, read_parts},
        table::LABEL,
        words::Role,
    };

    /// Names of the column of images.
    const IMAGE: [&str; 5] = ["image", "img", "images", "picture", "file"];

    /// Images and labels of a part.
    #[derive(Default)]
    struct Rows {
        pictures: Vec<Picture>,
        labels: Vec<String>,
    }

    pub(super) fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
        let mut files: BTreeMap<Role, Vec<&str>> = BTreeMap::new();
        for file in listing
            .files()
            .filter(|file| file.to_lowercase().ends_with(".parquet"))
        {
            files
                .entry(Role::of(file).unwrap_or(Role::Train))
                .or_default()
                .push(file);
        }
        let mut parts = Vec::new();
        let mut names = None;
        for (role, files) in files {
            if let Some(two) = files.get(..2)
                && !files.iter().all(|file| file.contains("-of-"))
            {
                let problem = format!(
                    "{} and {} could both be the {} part. Rename one, or keep one dataset in one folder",
                    two[0],
                    two[1],
                    role.name()
                );
                return Err(DataError::invalid(listing.path(), problem));
            }
            let mut rows = Rows::default();
            for file in files {
                let path = listing.path_of(file);
                let bytes = listing.unpacked(file)?;
                // The reader believes what a damaged file says of itself here and there.
                let read = panic::catch_unwind(|| read(bytes, &path));
                let (found, of_schema) = read
                    .map_err(|_| DataError::invalid(&path, "the parquet file is damaged"))?
                    .map_err(|problem| DataError::invalid(&path, problem))?;
                rows.pictures.extend(found.pictures);
                rows.labels.extend(found.labels);
                names = names.or(of_schema.map(|names| (path, names)));
            }
            parts.push((role, rows));
        }
        if let Some(found) = class_names::find(listing)? {
            names = Some(found);
        }
        let texts: Vec<Vec<String>> = parts
            .iter_mut()
            .map(|(_, rows)| std::mem::take(&mut rows.labels))
            .collect();
        let borrowed: Vec<&[String]> = texts.iter().map(Vec::as_slice).collect();
        let (words, values) = numbered(&borrowed).ok_or_else(|| {
            DataError::invalid(listing.path(), "more than 65536 different labels")
        })?;
        let names = match words {
            Some(words) => Some((listing.path().into(), words)),
            None => names,
        };
        let (roles, pictures): (Vec<Role>, Vec<Vec<Picture>>) = parts
            .into_iter()
            .map(|(role, rows)| (role, rows.pictures))
            .unzip();
        // A row has a name where it is asked for by one.
        let names_of = |pictures: &Vec<Picture>| -> Option<Vec<String>> {
            let names = pictures.iter().map(|it| it.path(listing));
            context
                .lists
                .then(|| names.map(|name| name.display().to_string()).collect())
        };
        let files: Vec<Option<Vec<String>>> = pictures.iter().map(names_of).collect();
        let images = read_parts(listing, pictures, context)?;
        let mut raw = Raw {
            names,
            ..Raw::default()
        };
        let path = listing.path();
        let roles = roles.into_iter().zip(files);
        for (((role, files), images), values) in roles.zip(images).zip(values) {
            let part = Some(Part {
                path: path.into(),
                images,
                labels: Labels {
                    path: path.into(),
                    values,
                    unit: "row",
                    first: 0,
                },
                groups: None,
                files,
            });
            match role {
                Role::Train => raw.train = part,
                Role::Validation => raw.validation = part,
                Role::Test => raw.test = part,
            }
        }
        Ok(raw)
    }

    type Read = (Rows, Option<Vec<String>>);

    /// The rows of a file, and the names of the classes.
    fn read(bytes: Vec<u8>, path: &Path) -> Result<Read, String> {
        let say = |problem: ParquetError| format!("the parquet file cannot be read: {problem}");
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).map_err(say)?;
        let metadata = reader.metadata().file_metadata();
        let columns: Vec<String> = metadata
            .schema_descr()
            .root_schema()
            .get_fields()
            .iter()
            .map(|field| field.name().to_owned())
            .collect();
        let column = |wanted: &[&str]| {
            wanted.iter().find_map(|name| {
                columns
                    .iter()
                    .position(|column| column.eq_ignore_ascii_case(name))
            })
        };
        let there = columns.join(", ");
        let image =
            column(&IMAGE).ok_or_else(|| format!("there is no column `image` among {there}"))?;
        let label = column(&LABEL)
            .or_else(|| column(&["fine_label"]))
            .ok_or_else(|| format!("there is no column `label` among {there}"))?;
        let names = metadata.key_value_metadata().and_then(|pairs| {
            let found = pairs.iter().find(|pair| pair.key == "huggingface")?;
            names_in(found.value.as_deref()?, &columns[label])
        });
        let mut rows = Rows::default();
        for (index, row) in reader.get_row_iter(None).map_err(say)?.enumerate() {
            let row = row.map_err(say)?;
            let at = |problem: &str| format!("row {index}: {problem}");
            let bytes = picture(&row, image).ok_or_else(|| at("there are no bytes of an image"))?;
            let place = path.join(format!("row {index}"));
            rows.pictures.push(Picture::Bytes(bytes, place));
            rows.labels
                .push(text(&row, label).ok_or_else(|| at("there is no label"))?);
        }
        Ok((rows, names))
    }

    /// The names of the classes in what the hub writes of a file's features.
    fn names_in(json: &str, column: &str) -> Option<Vec<String>> {
        let value: serde_json::Value = serde_json::from_str(json).ok()?;
        let names = value["info"]["features"][column]["names"].as_array()?;
        names
            .iter()
            .map(|name| name.as_str().map(String::from))
            .collect()
    }

    fn field(row: &Row, column: usize) -> Option<&Field> {
        row.get_column_iter().nth(column).map(|(_, field)| field)
    }

    fn picture(row: &Row, column: usize) -> Option<Vec<u8>> {
        match field(row, column)? {
            Field::Bytes(bytes) => Some(bytes.data().to_vec()),
            Field::Group(group) => group.get_column_iter().find_map(|(_, field)| match field {
                Field::Bytes(bytes) => Some(bytes.data().to_vec()),
                _ => None,
            }),
            _ => None,
        }
    }

    fn text(row: &Row, column: usize) -> Option<String> {
        match field(row, column)? {
            Field::Byte(n) => Some(n.to_string()),
            Field::Short(n) => Some(n.to_string()),
            Field::Int(n) => Some(n.to_string()),
            Field::Long(n) => Some(n.to_string()),
            Field::UByte(n) => Some(n.to_string()),
            Field::UShort(n) => Some(n.to_string()),
            Field::UInt(n) => Some(n.to_string()),
            Field::ULong(n) => Some(n.to_string()),
            Field::Str(text) => Some(text.clone()),
            Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).ok(),
            _ => None,
        }
    }
}
