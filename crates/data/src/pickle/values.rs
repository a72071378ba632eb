//! What is in a pickle that was read.

use super::{Id, Pickle, Value, array_of};
use bakeoff_npy::{Array, Elements};

impl Pickle<'_> {
    /// The outermost value.
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    /// The items of a list or tuple; none of anything else.
    pub(crate) fn items(&self, id: Id) -> &[Id] {
        match self.values.get(id) {
            Some(Value::Tuple(items) | Value::List(items)) => items,
            _ => &[],
        }
    }

    /// The keys and values of a dict; none of anything else.
    pub(crate) fn entries(&self, id: Id) -> Vec<(String, Id)> {
        match self.values.get(id) {
            Some(Value::Dict(entries)) => entries
                .iter()
                .filter_map(|(key, value)| Some((self.text(*key)?, *value)))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The value of a key of a dict.
    pub(crate) fn get(&self, id: Id, key: &str) -> Option<Id> {
        let entries = self.entries(id);
        entries
            .into_iter()
            .find_map(|(known, value)| (known == key).then_some(value))
    }

    /// A text, or bytes that are one.
    pub(crate) fn text(&self, id: Id) -> Option<String> {
        match self.values.get(id)? {
            Value::Text(text) => Some(text.clone()),
            Value::Bytes(range) => {
                Some(String::from_utf8_lossy(self.bytes.get(range.clone())?).into_owned())
            }
            Value::Owned(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// A NumPy array, or a list of numbers or texts.
    pub(crate) fn array(&self, id: Id) -> Option<Result<Array, String>> {
        match self.values.get(id)? {
            Value::Array {
                dims,
                kind,
                fortran,
                data,
            } => Some(array_of(
                self.bytes,
                &self.values,
                dims,
                *kind,
                *fortran,
                *data,
            )),
            Value::List(items) | Value::Tuple(items) if !items.is_empty() => {
                let dims = vec![items.len()];
                let number = |id: &Id| match self.values.get(*id) {
                    Some(Value::Integer(number)) => Some(*number),
                    _ => None,
                };
                if let Some(numbers) = items.iter().map(number).collect::<Option<Vec<i64>>>() {
                    let elements = Elements::Integers(numbers);
                    return Some(Ok(Array {
                        dims,
                        elements,
                        truths: false,
                    }));
                }
                let float = |id: &Id| match self.values.get(*id) {
                    Some(Value::Float(number)) => Some(*number),
                    Some(Value::Integer(number)) => Some(*number as f64),
                    _ => None,
                };
                if let Some(numbers) = items.iter().map(float).collect::<Option<Vec<f64>>>() {
                    let elements = Elements::Floats(numbers);
                    return Some(Ok(Array {
                        dims,
                        elements,
                        truths: false,
                    }));
                }
                let texts = items
                    .iter()
                    .map(|&id| self.text(id))
                    .collect::<Option<Vec<_>>>()?;
                let elements = Elements::Texts(texts);
                Some(Ok(Array {
                    dims,
                    elements,
                    truths: false,
                }))
            }
            _ => None,
        }
    }
}
