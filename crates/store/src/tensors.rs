//! Named tensors to and from safetensors bytes.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek as _, SeekFrom, Write},
    ops::Range,
    path::Path,
};

use bakeoff_core::{ModelReader, ModelWriter, OpenBytes, StoreError, TensorData};
use safetensors::{
    Dtype, SafeTensors,
    tensor::{Metadata, TensorInfo},
};

/// Tensors gathered on their way to a file.
#[derive(Default)]
pub struct TensorMap {
    tensors: BTreeMap<String, (Dtype, Vec<usize>, Content)>,
}

/// The bytes of a tensor: here, or read when they are written.
enum Content {
    Here(Vec<u8>),
    Elsewhere(usize, OpenBytes),
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Self::Here(bytes) => bytes.len(),
            Self::Elsewhere(length, _) => *length,
        }
    }

    fn write_to(&self, name: &str, out: &mut dyn Write, path: &Path) -> Result<(), StoreError> {
        let (length, open) = match self {
            Self::Here(bytes) => return out.write_all(bytes).map_err(StoreError::io(path)),
            Self::Elsewhere(length, open) => (*length, open),
        };
        let from = open().map_err(StoreError::io(Path::new(name)))?;
        let written = io::copy(&mut from.take(length as u64), out).map_err(StoreError::io(path))?;
        match written == length as u64 {
            true => Ok(()),
            false => Err(wrong_length(name, written, &[length])),
        }
    }
}

fn wrong_length(name: &str, found: u64, shape: &[usize]) -> StoreError {
    StoreError::Tensor {
        name: name.into(),
        got: format!("{found} values"),
        expected: format!("{shape:?}"),
    }
}

impl TensorMap {
    /// The bytes of a safetensors file. Sorted by name and without a timestamp: equal
    /// tensors give equal bytes.
    ///
    /// # Errors
    /// When safetensors refuses a tensor, or one cannot be read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes, Path::new("a model in memory"))?;
        Ok(bytes)
    }

    /// Writes the bytes of [`TensorMap::to_bytes`] without a copy of them in memory, which
    /// safetensors does only to a file that it names itself, and only from memory.
    ///
    /// # Errors
    /// When safetensors refuses a tensor, one cannot be read, or of `out`, which the error calls
    /// `path`.
    pub(crate) fn write_to(&self, out: &mut dyn Write, path: &Path) -> Result<(), StoreError> {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        // As safetensors orders them, for alignment; of one type they are sorted by name already.
        tensors.sort_by(|(_, (left, ..)), (_, (right, ..))| right.cmp(left));
        let mut end = 0;
        let infos = tensors.iter().map(|(name, (dtype, shape, content))| {
            let start = end;
            end += content.len();
            let info = TensorInfo {
                dtype: *dtype,
                shape: shape.clone(),
                data_offsets: (start, end),
            };
            ((*name).clone(), info)
        });
        let metadata = Metadata::new(None, infos.collect()).map_err(inconsistent)?;
        let mut header = serde_json::to_vec(&metadata).map_err(inconsistent)?;
        header.resize(header.len().next_multiple_of(8), b' ');
        for part in [&(header.len() as u64).to_le_bytes()[..], &header] {
            out.write_all(part).map_err(StoreError::io(path))?;
        }
        tensors
            .into_iter()
            .try_for_each(|(name, (.., content))| content.write_to(name, out, path))
    }

    fn add(
        &mut self,
        name: &str,
        (dtype, shape, len): (Dtype, &[usize], usize),
        content: Content,
    ) -> Result<(), StoreError> {
        if shape.iter().product::<usize>() != len {
            return Err(wrong_length(name, len as u64, shape));
        }
        let tensor = (dtype, shape.to_vec(), content);
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
        self.add(name, (dtype, shape, len), Content::Here(bytes))
    }

    fn bytes(&mut self, name: &str, shape: &[usize], bytes: Vec<u8>) -> Result<(), StoreError> {
        let kind = (Dtype::U8, shape, bytes.len());
        self.add(name, kind, Content::Here(bytes))
    }

    fn stream(&mut self, name: &str, length: usize, open: OpenBytes) -> Result<(), StoreError> {
        let kind = (Dtype::U8, &[length][..], length);
        self.add(name, kind, Content::Elsewhere(length, open))
    }
}

fn bytes<const N: usize, T: Copy>(values: &[T], to: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| to(value)).collect()
}

/// The longest header that safetensors reads.
const MOST_HEADER_BYTES: u64 = 100_000_000;

/// The tensors of a safetensors file, in memory or on the disk. The parser checks that the header
/// is no longer than the file and that tensors neither overlap nor leave gaps, so a
/// damaged file costs no more memory than its own bytes.
pub struct TensorFile<'a> {
    metadata: Metadata,
    data: Data<'a>,
}

/// The bytes of all tensors.
enum Data<'a> {
    Memory(&'a [u8]),
    /// From this place of a file.
    Disk(&'a File, u64),
}

impl<'a> TensorFile<'a> {
    /// Reads the header of a file's bytes.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] for bytes that are not a safetensors file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StoreError> {
        let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let data = bytes.get(8 + header..).unwrap_or_default();
        let data = Data::Memory(data);
        Ok(Self { metadata, data })
    }

    /// Reads the header of an open file, whose tensors are read one by one.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] for a file that is not of safetensors.
    pub(crate) fn open(mut file: &'a File) -> Result<Self, StoreError> {
        let length = file.metadata().map_err(not_safetensors)?.len();
        file.rewind().map_err(not_safetensors)?;
        let mut start = [0; 8];
        file.read_exact(&mut start).map_err(not_safetensors)?;
        let header = u64::from_le_bytes(start);
        if header > MOST_HEADER_BYTES.min(length.saturating_sub(8)) {
            return Err(not_safetensors(format!("a header of {header} bytes")));
        }
        let mut text = Vec::new();
        file.take(header)
            .read_to_end(&mut text)
            .map_err(not_safetensors)?;
        let metadata: Metadata = serde_json::from_slice(&text).map_err(not_safetensors)?;
        if metadata.data_len() as u64 != length - 8 - header {
            return Err(not_safetensors("its tensors do not fill it"));
        }
        let data = Data::Disk(file, 8 + header);
        Ok(Self { metadata, data })
    }

    fn info(&self, name: &str) -> Result<&TensorInfo, StoreError> {
        self.metadata
            .info(name)
            .ok_or_else(|| StoreError::Missing { name: name.into() })
    }

    /// Where the bytes of a tensor are among those of all, checked.
    fn place(&self, name: &str, shape: &[usize], dtype: Dtype) -> Result<Range<usize>, StoreError> {
        let info = self.info(name)?;
        match info.shape == shape && info.dtype == dtype {
            true => Ok(info.data_offsets.0..info.data_offsets.1),
            false => Err(StoreError::Tensor {
                name: name.into(),
                got: format!("{:?} {:?}", info.dtype, info.shape),
                expected: format!("{dtype:?} {shape:?}"),
            }),
        }
    }

    fn bytes(
        &self,
        name: &str,
        shape: &[usize],
        dtype: Dtype,
    ) -> Result<Cow<'a, [u8]>, StoreError> {
        let place = self.place(name, shape, dtype)?;
        match self.data {
            Data::Memory(data) => Ok(Cow::Borrowed(data.get(place).unwrap_or_default())),
            Data::Disk(..) => {
                let mut bytes = Vec::with_capacity(place.len());
                self.copy(name, place, &mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    fn copy(&self, name: &str, place: Range<usize>, out: &mut dyn Write) -> Result<(), StoreError> {
        let io = |error| StoreError::io(Path::new(name))(error);
        match self.data {
            Data::Memory(data) => out
                .write_all(data.get(place).unwrap_or_default())
                .map_err(io),
            Data::Disk(mut file, start) => {
                let length = place.len() as u64;
                let at = SeekFrom::Start(start + place.start as u64);
                file.seek(at).map_err(io)?;
                match std::io::copy(&mut file.take(length), out).map_err(io)? == length {
                    true => Ok(()),
                    false => Err(not_safetensors("it became shorter")),
                }
            }
        }
    }
}

fn not_safetensors(error: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent(format!("not a safetensors file: {error}"))
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
}

impl ModelReader for TensorFile<'_> {
    fn shape(&mut self, name: &str) -> Result<Vec<usize>, StoreError> {
        Ok(self.info(name)?.shape.clone())
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

    fn copy_u8(
        &mut self,
        name: &str,
        length: usize,
        out: &mut dyn Write,
    ) -> Result<(), StoreError> {
        let place = self.place(name, &[length], Dtype::U8)?;
        self.copy(name, place, out)
    }

    fn u16(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u16>, StoreError> {
        self.values(name, shape, Dtype::U16, u16::from_le_bytes)
    }

    fn u32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u32>, StoreError> {
        self.values(name, shape, Dtype::U32, u32::from_le_bytes)
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
    fn what_is_streamed_is_as_if_it_had_been_in_memory() -> Result<(), StoreError> {
        let content: Vec<u8> = (0..=255).collect();
        let (mut here, mut elsewhere) = (TensorMap::default(), TensorMap::default());
        for map in [&mut here, &mut elsewhere] {
            map.tensor("z", &[2], TensorData::F32(&[1.0, 2.0]))?;
        }
        here.tensor("a", &[256], TensorData::U8(&content))?;
        let streamed = content.clone();
        let open = move || Ok(Box::new(io::Cursor::new(streamed.clone())) as Box<dyn Read>);
        elsewhere.stream("a", 256, Box::new(open))?;
        let bytes = here.to_bytes()?;
        assert_eq!(elsewhere.to_bytes()?, bytes);
        let mut disk = tempfile::tempfile().unwrap();
        disk.write_all(&bytes).unwrap();
        let mut file = TensorFile::open(&disk)?;
        assert_eq!(file.f32("z", &[2])?, [1.0, 2.0]);
        assert_eq!(*file.u8("a", &[256])?, content);
        let mut copied = Vec::new();
        file.copy_u8("a", 256, &mut copied)?;
        assert_eq!(copied, content);
        assert!(file.copy_u8("a", 255, &mut copied).is_err());
        // One that is cut short, while it is open and before.
        disk.set_len(bytes.len() as u64 - 1).unwrap();
        assert!(file.copy_u8("a", 256, &mut copied).is_err());
        assert!(TensorFile::open(&disk).is_err());
        Ok(())
    }

    #[test]
    fn a_stream_of_another_length_is_refused() -> Result<(), StoreError> {
        let mut map = TensorMap::default();
        let open = || Ok(Box::new(io::Cursor::new([7_u8; 3])) as Box<dyn Read>);
        map.stream("a", 4, Box::new(open))?;
        assert!(map.to_bytes().is_err());
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
        let mut disk = tempfile::tempfile().unwrap();
        disk.write_all(&bytes).unwrap();
        assert!(TensorFile::open(&disk).is_err());
    }
}
