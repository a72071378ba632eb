//! Named tensors to and from safetensors bytes.

use std::{borrow::Cow, collections::BTreeMap, io::Write, path::Path};

use bakeoff_core::{ModelReader, ModelWriter, StoreError, TensorData};
use safetensors::{
    Dtype, SafeTensors,
    tensor::{Metadata, TensorInfo, TensorView},
};

/// Tensors gathered in memory, on their way to a file.
#[derive(Default)]
pub struct TensorMap {
    tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl TensorMap {
    /// The bytes of a safetensors file. Sorted by name and without a timestamp: equal
    /// tensors give equal bytes.
    ///
    /// # Errors
    /// When safetensors refuses a tensor.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        safetensors::serialize(self.views()?, None).map_err(inconsistent)
    }

    /// Writes the bytes of [`TensorMap::to_bytes`] without a second copy of them in memory, which
    /// safetensors does only to a file that it names itself.
    ///
    /// # Errors
    /// When safetensors refuses a tensor, or of `out`, which the error calls `path`.
    pub(crate) fn write_to(&self, out: &mut dyn Write, path: &Path) -> Result<(), StoreError> {
        let mut views = self.views()?;
        views.sort_by(|(left_name, left), (right_name, right)| {
            let by_type = right.dtype().cmp(&left.dtype());
            by_type.then(left_name.cmp(right_name))
        });
        let mut end = 0;
        let infos = views.iter().map(|(name, view)| {
            let start = end;
            end += view.data().len();
            let info = TensorInfo {
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
                data_offsets: (start, end),
            };
            ((*name).to_owned(), info)
        });
        let metadata = Metadata::new(None, infos.collect()).map_err(inconsistent)?;
        let mut header = serde_json::to_vec(&metadata).map_err(inconsistent)?;
        header.resize(header.len().next_multiple_of(8), b' ');
        let parts = [&(header.len() as u64).to_le_bytes()[..], &header];
        let tensors = views.iter().map(|(_, view)| view.data());
        parts
            .into_iter()
            .chain(tensors)
            .try_for_each(|part| out.write_all(part))
            .map_err(StoreError::io(path))
    }

    fn views(&self) -> Result<Vec<(&str, TensorView<'_>)>, StoreError> {
        let tensors = self.tensors.iter();
        tensors
            .map(|(name, (dtype, shape, bytes))| {
                let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(inconsistent)?;
                Ok((name.as_str(), view))
            })
            .collect()
    }

    fn add(
        &mut self,
        name: &str,
        (dtype, shape, len): (Dtype, &[usize], usize),
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        if shape.iter().product::<usize>() != len {
            return Err(StoreError::Tensor {
                name: name.into(),
                got: format!("{len} values"),
                expected: format!("{shape:?}"),
            });
        }
        let tensor = (dtype, shape.to_vec(), bytes);
        match self.tensors.insert(name.into(), tensor) {
            None => Ok(()),
            Some(_) => Err(StoreError::Inconsistent(format!(
                "tensor `{name}` was written twice"
            ))),
        }
    }
}

fn inconsistent(error: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent(error.to_string())
}

impl ModelWriter for TensorMap {
    fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        data: TensorData<'_>,
    ) -> Result<(), StoreError> {
        // safetensors is little-endian whatever the machine.
        let (dtype, len, bytes) = match data {
            TensorData::U8(v) => (Dtype::U8, v.len(), v.to_vec()),
            TensorData::U16(v) => (Dtype::U16, v.len(), bytes(v, u16::to_le_bytes)),
            TensorData::U32(v) => (Dtype::U32, v.len(), bytes(v, u32::to_le_bytes)),
            TensorData::F32(v) => (Dtype::F32, v.len(), bytes(v, f32::to_le_bytes)),
        };
        self.add(name, (dtype, shape, len), bytes)
    }

    fn bytes(&mut self, name: &str, shape: &[usize], bytes: Vec<u8>) -> Result<(), StoreError> {
        self.add(name, (Dtype::U8, shape, bytes.len()), bytes)
    }
}

fn bytes<const N: usize, T: Copy>(values: &[T], to: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| to(value)).collect()
}

/// The tensors of a safetensors file in memory. The parser checks that the header is
/// no longer than the file and that tensors neither overlap nor leave gaps, so a
/// damaged file costs no more memory than its own bytes.
pub struct TensorFile<'a> {
    tensors: SafeTensors<'a>,
}

impl<'a> TensorFile<'a> {
    /// Reads the header of a file's bytes.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] for bytes that are not a safetensors file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StoreError> {
        SafeTensors::deserialize(bytes)
            .map(|tensors| Self { tensors })
            .map_err(|error| StoreError::Inconsistent(format!("not a safetensors file: {error}")))
    }

    fn view(&self, name: &str) -> Result<TensorView<'a>, StoreError> {
        self.tensors
            .tensor(name)
            .map_err(|_| StoreError::Missing { name: name.into() })
    }

    fn bytes(
        &self,
        name: &str,
        shape: &[usize],
        dtype: Dtype,
    ) -> Result<Cow<'a, [u8]>, StoreError> {
        let view = self.view(name)?;
        if view.shape() == shape && view.dtype() == dtype {
            Ok(Cow::Borrowed(view.data()))
        } else {
            Err(StoreError::Tensor {
                name: name.into(),
                got: format!("{:?} {:?}", view.dtype(), view.shape()),
                expected: format!("{dtype:?} {shape:?}"),
            })
        }
    }
}

impl TensorFile<'_> {
    /// Fixed-size little-endian values.
    fn values<const N: usize, T>(
        &self,
        name: &str,
        shape: &[usize],
        dtype: Dtype,
        from: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, StoreError> {
        let bytes = self.bytes(name, shape, dtype)?;
        let (chunks, _) = bytes.as_chunks::<N>();
        Ok(chunks.iter().map(|chunk| from(*chunk)).collect())
    }

    /// 32-bit unsigned integers. Not of [`ModelReader`], because no model keeps any.
    ///
    /// # Errors
    /// When it is missing, or of another shape or type.
    pub fn u32(&self, name: &str, shape: &[usize]) -> Result<Vec<u32>, StoreError> {
        self.values(name, shape, Dtype::U32, u32::from_le_bytes)
    }
}

impl ModelReader for TensorFile<'_> {
    fn shape(&mut self, name: &str) -> Result<Vec<usize>, StoreError> {
        Ok(self.view(name)?.shape().to_vec())
    }

    fn f32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, StoreError> {
        let values = self.values(name, shape, Dtype::F32, f32::from_le_bytes)?;
        if values.iter().all(|value| value.is_finite()) {
            return Ok(values);
        }
        Err(StoreError::Tensor {
            name: name.into(),
            got: "NaN or infinite in places".into(),
            expected: "finite everywhere".into(),
        })
    }

    fn u8(&mut self, name: &str, shape: &[usize]) -> Result<Cow<'_, [u8]>, StoreError> {
        self.bytes(name, shape, Dtype::U8)
    }

    fn u16(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u16>, StoreError> {
        self.values(name, shape, Dtype::U16, u16::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back() -> Result<(), StoreError> {
        let mut map = TensorMap::default();
        map.tensor("a", &[2, 2], TensorData::F32(&[1.0, -2.5, 0.0, 3.5]))?;
        map.tensor("c", &[3], TensorData::U8(&[1, 2, 3]))?;
        map.tensor("d", &[1, 2], TensorData::U16(&[1, 60000]))?;
        map.tensor("e", &[2], TensorData::U32(&[1, 4_000_000_000]))?;
        let bytes = map.to_bytes()?;
        let mut written = Vec::new();
        map.write_to(&mut written, Path::new("model"))?;
        assert_eq!(written, bytes);
        let mut file = TensorFile::parse(&bytes)?;
        assert_eq!(file.f32("a", &[2, 2])?, [1.0, -2.5, 0.0, 3.5]);
        assert_eq!(*file.u8("c", &[3])?, [1, 2, 3]);
        assert_eq!(file.u16("d", &[1, 2])?, [1, 60000]);
        assert_eq!(file.u32("e", &[2])?, [1, 4_000_000_000]);
        assert_eq!(file.shape("a")?, [2, 2]);
        Ok(())
    }

    #[test]
    fn wrong_shapes_types_and_names_are_refused() -> Result<(), StoreError> {
        let mut map = TensorMap::default();
        assert!(map.tensor("a", &[3], TensorData::U8(&[1])).is_err());
        map.tensor("a", &[1], TensorData::F32(&[1.0]))?;
        assert!(map.tensor("a", &[1], TensorData::F32(&[1.0])).is_err());
        let bytes = map.to_bytes()?;
        let mut file = TensorFile::parse(&bytes)?;
        assert!(file.f32("a", &[2]).is_err());
        assert!(file.u8("a", &[1]).is_err());
        assert!(matches!(
            file.u8("z", &[1]),
            Err(StoreError::Missing { .. })
        ));
        Ok(())
    }

    #[test]
    fn weights_that_are_not_finite_are_refused() -> Result<(), StoreError> {
        let mut map = TensorMap::default();
        map.tensor("a", &[2], TensorData::F32(&[1.0, f32::NAN]))?;
        map.tensor("b", &[1], TensorData::F32(&[f32::INFINITY]))?;
        let bytes = map.to_bytes()?;
        let mut file = TensorFile::parse(&bytes)?;
        assert!(file.f32("a", &[2]).is_err());
        assert!(file.f32("b", &[1]).is_err());
        Ok(())
    }

    #[test]
    fn a_header_longer_than_the_file_is_refused() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        bytes.extend_from_slice(b"{}");
        assert!(TensorFile::parse(&bytes).is_err());
    }
}
