//! Predictions as a parquet file: a table with a column for each class.

use super::read::Answers;
use crate::{error::DataError, listing::Listing};

#[cfg(not(feature = "parquet"))]
pub(super) fn read(listing: &Listing, file: &str, _: &[String]) -> Result<Answers, DataError> {
    let problem = "this is a parquet file, and this program was built without their reader: save it as csv or npy";
    Err(DataError::invalid(&listing.path_of(file), problem))
}

#[cfg(feature = "parquet")]
pub(super) use with_reader::read;

#[cfg(feature = "parquet")]
mod with_reader {
    use std::panic;

    use ::parquet::{
        basic::Compression,
        file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
        record::Field,
    };

    use super::super::columns::{Columns, Value};
    use super::{Answers, DataError, Listing};

    pub(in super::super) fn read(
        listing: &Listing,
        file: &str,
        classes: &[String],
    ) -> Result<Answers, DataError> {
        let path = listing.path_of(file);
        let bytes = listing.unpacked(file)?;
        let damaged = |problem: String| {
            DataError::invalid(&path, format!("the parquet file cannot be read: {problem}"))
        };
        let read = || {
            let reader = SerializedFileReader::new(bytes::Bytes::from(bytes))
                .map_err(|problem| damaged(problem.to_string()))?;
            let schema = reader.metadata().file_metadata().schema_descr();
            let fields = schema.root_schema().get_fields();
            let header: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
            let mut columns = Columns::new(&path, &header, classes)?;
            let groups = reader.metadata().row_groups().iter();
            let mut parts = groups.flat_map(|group| group.columns());
            let packed = parts.find(|part| !is_read(part.compression()));
            if let Some(part) = packed {
                return Err(DataError::invalid(
                    &path,
                    format!(
                        "column `{}` is compressed with {}, which is not read: save the table with snappy, gzip or \
                         no compression",
                        part.column_path(),
                        part.compression()
                    ),
                ));
            }
            let rows = reader.get_row_iter(None);
            let rows = rows.map_err(|problem| damaged(problem.to_string()))?;
            for (index, row) in rows.enumerate() {
                let row = row.map_err(|problem| damaged(problem.to_string()))?;
                let fields: Vec<&Field> = row.get_column_iter().map(|(_, field)| field).collect();
                columns
                    .push(None, |column| value(fields[column]))
                    .map_err(|problem| {
                        DataError::invalid(
                            &path,
                            format!("row {index} (counted from 0): {problem}"),
                        )
                    })?;
            }
            columns.done()
        };
        // The reader believes what a damaged file says of itself here and there.
        panic::catch_unwind(panic::AssertUnwindSafe(read))
            .unwrap_or_else(|_| Err(damaged("it is damaged".into())))
    }

    /// Whether the program has what unpacks it.
    fn is_read(compression: Compression) -> bool {
        matches!(
            compression,
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_)
        )
    }

    fn value(field: &Field) -> Value<'_> {
        match field {
            Field::Byte(n) => Value::Number(f64::from(*n)),
            Field::Short(n) => Value::Number(f64::from(*n)),
            Field::Int(n) => Value::Number(f64::from(*n)),
            Field::Long(n) => Value::Number(*n as f64),
            Field::UByte(n) => Value::Number(f64::from(*n)),
            Field::UShort(n) => Value::Number(f64::from(*n)),
            Field::UInt(n) => Value::Number(f64::from(*n)),
            Field::ULong(n) => Value::Number(*n as f64),
            Field::Float16(n) => Value::Number(n.to_f64()),
            Field::Float(n) => Value::Number(f64::from(*n)),
            Field::Double(n) => Value::Number(*n),
            Field::Str(text) => Value::Text(text),
            Field::Bytes(bytes) => {
                std::str::from_utf8(bytes.data()).map_or(Value::Other, Value::Text)
            }
            Field::Null => Value::Null,
            _ => Value::Other,
        }
    }
}
