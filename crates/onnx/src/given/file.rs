//! From a path to the bytes of one ONNX file with all its tensors.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Component, Path},
};

use bakeoff_core::{ModelSpec, SpecError, to_hex};
use prost::Message as _;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::tensors;
use crate::schema::{EXTERNAL, Model, Tensor};

/// A reader of Protocol Buffers takes no more bytes.
const MOST_BYTES: u64 = i32::MAX as u64;

/// How a model of another format becomes one, by the end of its name and by its first bytes.
struct Foreign {
    what: &'static str,
    ends: &'static [&'static str],
    /// At which byte, and what is there.
    magic: (usize, &'static [u8]),
    remedy: &'static str,
}

const FOREIGN: &[Foreign] = &[
    Foreign {
        what: "a Keras model",
        ends: &["keras", "h5", "hdf5"],
        magic: (0, b"\x89HDF"),
        remedy: "convert it in Python:\n  model = keras.models.load_model(\"FILE\")\n  model.export(\"model.onnx\", format=\"onnx\")",
    },
    Foreign {
        what: "a PyTorch model",
        ends: &["pt", "pth", "ckpt", "pt2"],
        magic: (0, b"PK\x03\x04"),
        remedy: "convert it in Python, with `net` the module with these weights, and images of one batch:\n  \
                 net.eval()\n  torch.onnx.export(net, (images,), \"model.onnx\", dynamic_shapes=[{0: \"N\"}], dynamo=True)",
    },
    Foreign {
        what: "weights without a network",
        ends: &["safetensors"],
        magic: (8, b"{\""),
        remedy: "load them into their PyTorch module `net`, and convert that in Python:\n  net.eval()\n  \
                 torch.onnx.export(net, (images,), \"model.onnx\", dynamic_shapes=[{0: \"N\"}], dynamo=True)",
    },
    Foreign {
        what: "a TensorFlow Lite model",
        ends: &["tflite"],
        magic: (4, b"TFL3"),
        remedy: "convert it:\n  pip install tf2onnx\n  python -m tf2onnx.convert --tflite FILE --output model.onnx",
    },
    Foreign {
        what: "a pickled Python object",
        ends: &["pkl", "pickle", "joblib"],
        magic: (0, b"\x80\x04"),
        remedy: "convert a model of scikit-learn in Python (pip install skl2onnx), with one image as a row of floats:\n  \
                 onnx = skl2onnx.to_onnx(model, row.astype(numpy.float32), options={\"zipmap\": False})\n  \
                 open(\"model.onnx\", \"wb\").write(onnx.SerializeToString())",
    },
];

/// Whether a file is of another format, and what to do then.
fn foreign(path: &Path, bytes: &[u8]) -> Option<String> {
    let end = path.extension().and_then(|end| end.to_str());
    let end = end.unwrap_or_default().to_lowercase();
    let has_magic = |(at, magic): (usize, &[u8])| {
        let found = bytes.get(at..).and_then(|rest| rest.get(..magic.len()));
        found == Some(magic)
    };
    let by_name = FOREIGN.iter().find(|kind| kind.ends.contains(&&*end));
    let kind = by_name.or_else(|| FOREIGN.iter().find(|kind| has_magic(kind.magic)))?;
    let name = path.display().to_string();
    let remedy = kind.remedy.replace("FILE", &name);
    Some(format!("{name} is {}; {remedy}", kind.what))
}

/// Reads `path` of the settings, relative to `folder`, and puts into them where and what the file is.
pub(crate) fn read_into(spec: &mut ModelSpec, folder: &Path) -> Result<(), SpecError> {
    let path = text(spec, "path");
    if path.is_empty() {
        return Err(spec.bad_setting(
            "path",
            "the path of an .onnx file, relative to the experiment's file, as in path = \"model.onnx\"",
        ));
    }
    let at = folder.join(&path);
    let at = std::path::absolute(&at).unwrap_or(at);
    let bytes = read(&at).map_err(|why| spec.unsupported("path", why))?;
    let (found, stated) = (hash(&bytes), text(spec, "sha256"));
    if !stated.is_empty() && stated != found {
        let why = format!("{} has the SHA-256 {found}", at.display());
        return Err(spec.unsupported("sha256", why));
    }
    let at = at.to_str().map(String::from);
    let at =
        at.ok_or_else(|| spec.unsupported("path", "its folder's name is no text; rename it"))?;
    spec.settings.insert("path".into(), at.into());
    spec.settings.insert("sha256".into(), found.into());
    Ok(())
}

fn text(spec: &ModelSpec, key: &str) -> String {
    let value = spec.settings.get(key).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

/// SHA-256 in hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// The bytes of a file, with the tensors in it that lie in files beside it.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let bytes = whole(path, MOST_BYTES)?;
    if let Some(why) = foreign(path, &bytes) {
        return Err(why);
    }
    let mut model = decode(&bytes).map_err(|why| format!("{shown} {why}"))?;
    let tensors = model
        .graph
        .iter_mut()
        .flat_map(|graph| &mut graph.initializer);
    let mut outside: Vec<&mut Tensor> = tensors
        .filter(|tensor| tensor.data_location == Some(EXTERNAL))
        .collect();
    if outside.is_empty() {
        return Ok(bytes);
    }
    drop(bytes);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut room = MOST_BYTES;
    for tensor in &mut outside {
        fetch(tensor, folder, &mut room)
            .map_err(|why| format!("{shown}, tensor `{}`: {why}", tensor.name.escape_debug()))?;
    }
    match model.encoded_len() as u64 > MOST_BYTES {
        true => Err(format!("{shown} and its tensors have more than 2 GB")),
        false => Ok(model.encode_to_vec()),
    }
}

/// The messages of a file.
pub(crate) fn decode(bytes: &[u8]) -> Result<Model, String> {
    let model = Model::decode(bytes).map_err(|error| {
        format!("is no ONNX file, or a damaged one ({error}); export the network again")
    })?;
    match model.graph.is_some() && model.ir_version > 0 {
        true => Ok(model),
        false => Err("is no ONNX file: there is no graph in it".into()),
    }
}

/// A file of at most `most` bytes.
fn whole(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let (file, length) = open(path)?;
    match length > most {
        true => Err(format!("{} has more than 2 GB", path.display())),
        false => read_part(&file, length, path),
    }
}

/// Opens a file; its length.
fn open(path: &Path) -> Result<(File, u64), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    // Before it is opened: a pipe would be waited for.
    match fs::metadata(path).map_err(failed)?.is_file() {
        false => Err(format!("{} is no file", path.display())),
        true => {
            let file = File::open(path).map_err(failed)?;
            let length = file.metadata().map_err(failed)?.len();
            Ok((file, length))
        }
    }
}

/// The next bytes of a file.
fn read_part(file: &File, length: u64, path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    match file.take(length).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 == length => Ok(bytes),
        Ok(_) => Err(format!(
            "{} became shorter while it was read",
            path.display()
        )),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Reads the values of a tensor that lie in another file of the same folder. Several may name the same
/// bytes: no more than `room` are read in all.
fn fetch(tensor: &mut Tensor, folder: &Path, room: &mut u64) -> Result<(), String> {
    let entry = |key: &str| {
        let found = tensor.external_data.iter().find(|entry| entry.key == key);
        found.map(|entry| entry.value.as_str())
    };
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(Some)
            .map_err(|_| format!("its {key} is no number")),
    };
    let location = entry("location").unwrap_or_default();
    let mut parts = Path::new(location).components();
    if location.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
        let shown = location.escape_debug();
        return Err(format!(
            "its values are in `{shown}`, which is no file of the same folder"
        ));
    }
    let path = folder.join(location);
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let (mut file, there) = open(&path).map_err(|why| {
        format!("its values are in a file of their own, which has to lie beside it: {why}")
    })?;
    let needed = tensors::bytes(tensor).ok_or("its type or its lengths are not supported")?;
    let length = length.unwrap_or(needed);
    if offset.saturating_add(length) > there {
        let shown = path.display();
        return Err(format!(
            "{shown} has {there} bytes, fewer than its values need"
        ));
    }
    if needed != length {
        return Err(format!(
            "its values should have {needed} bytes and have {length}"
        ));
    }
    *room = room
        .checked_sub(length)
        .ok_or("with its values the file has more than 2 GB")?;
    file.seek(SeekFrom::Start(offset))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    tensor.raw_data = read_part(&file, length, &path)?;
    tensor.external_data.clear();
    tensor.data_location = None;
    Ok(())
}
