//! Small valid inputs for every target, made by what writes such files.

use std::{
    fs,
    io::{Cursor, Write as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use bakeoff_bench::{Experiment, InProcess, Observer, Runner};
use bakeoff_core::{Dataset, Family, FitContext, ImageShape, Samples, Settings};
use bakeoff_data::idx;
use bakeoff_fuzz::{TOY, join};
use bakeoff_store::ModelFacts;
use bakeoff_tests::toy::{self, ToySpec};
use flate2::{Compression, write::GzEncoder};
use image::{DynamicImage, GrayImage, ImageFormat};
use serde_json::json;

use crate::onnx_files;

pub(crate) type Seeds = Vec<(String, Vec<u8>)>;

/// Families whose models are trained here: a file that was trained elsewhere cannot be made by a fit.
fn trained_here() -> impl Iterator<Item = &'static Family> {
    let families = bakeoff_zoo::families().iter().copied();
    families.filter(|family| !family.is_trained_elsewhere())
}

/// The seeds of a target.
pub(crate) fn of(target: &str) -> Seeds {
    match target {
        "idx" => named([
            ("images", idx_file(&[2, 3, 4], &(0..24).collect::<Vec<u8>>())),
            ("labels.gz", gzip(&idx_file(&[3], &[0, 1, 1]))),
        ]),
        "picture" => pictures(),
        "csv" => tables(),
        "libsvm" => named([
            ("bytes", libsvm(4, |i| (30 * i + 5).to_string())),
            ("fractions", libsvm(4, |i| format!("0.{i}5"))),
        ]),
        "npz" => named([
            ("keras", fixture("keras.npz")),
            ("medmnist", fixture("medmnist.npz")),
        ]),
        "pickle" => named([("pairs", fixture("pairs.pkl.gz")), ("plain", unzipped("pairs.pkl.gz"))]),
        "parquet" => named([("hub", fixture("hub-train-00000-of-00001.parquet"))]),
        "zip" => named([("classes", zip(&class_folders())), ("idx", zip(&idx_folder()))]),
        "tar" => named([("classes", tar(&class_folders())), ("idx", tar(&idx_folder()))]),
        "gz" => named([("classes", gzip(&tar(&class_folders())))]),
        "folder" => folders(),
        "answers" => named([
            ("npy", bakeoff_npy::file("|u1", &[2, 2], &[1, 0, 0, 1])),
            ("csv", b"id,b,p_a\n0,0.25,0.75\n1,1,0\n".to_vec()),
            ("labels", b"file,prediction\nx.png,a\n".to_vec()),
            ("rows", b"[{\"id\": 1, \"a\": 0.5, \"b\": 0.5}]".to_vec()),
            ("columns", b"{\"a\": [0.5, 1], \"b\": [0.5, 0]}".to_vec()),
            ("lists", b"[[0.5, 0.5], [1, 0]]".to_vec()),
        ]),
        "experiment" => experiments(),
        "model" => models(),
        "onnx" => onnx_files::seeds(),
        "run" | "report" => vec![("small".into(), run())],
        "request" => requests(),
        "corrections" => named([
            (
                "ours",
                b"file,label,predicted,model,time\n0001.png,2,3,toy/logistic,2026-01-01T00:00:00Z\n".to_vec(),
            ),
            ("edited", b"label,file\n2,0007.png\n".to_vec()),
            ("quoted", b"\"label\",\"file\"\n\"a \"\"b\"\", c\",\"0002.png\"\n".to_vec()),
        ]),
        other => panic!("{other} has no seeds"),
    }
}

fn named<const N: usize>(seeds: [(&str, Vec<u8>); N]) -> Seeds {
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A file that another library wrote.
fn fixture(name: &str) -> Vec<u8> {
    fs::read(root().join("crates/data/tests/fixtures").join(name)).unwrap()
}

fn unzipped(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let packed = fixture(name);
    std::io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), &mut bytes).unwrap();
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx_file(dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    idx::write(&mut file, dims, data).unwrap();
    file
}

/// A dark bar on white.
fn bar(width: u32, height: u32) -> DynamicImage {
    let image = GrayImage::from_fn(width, height, |x, y| {
        let inside =
            (width / 3..width / 2).contains(&x) && (height / 5..height * 4 / 5).contains(&y);
        image::Luma([if inside { 20 } else { 250 }])
    });
    image.into()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn pictures() -> Seeds {
    let (grey, rgba) = (bar(13, 16), DynamicImage::from(bar(13, 16).into_rgba8()));
    let rgb = DynamicImage::from(grey.to_rgb8());
    let jpeg = encoded(&rgb, ImageFormat::Jpeg);
    // EXIF: little-endian, one entry: orientation 6.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = (exif.len() as u16 + 2).to_be_bytes();
    let turned = [&jpeg[..2], &[0xff, 0xe1], &length, exif, &jpeg[2..]].concat();
    named([
        ("grey.png", encoded(&grey, ImageFormat::Png)),
        ("rgba.png", encoded(&rgba, ImageFormat::Png)),
        ("deep.png", fixture("deep.png")),
        ("rgb.jpeg", jpeg),
        ("turned.jpeg", turned),
        ("rgb.bmp", encoded(&rgb, ImageFormat::Bmp)),
        ("rgba.gif", encoded(&rgba, ImageFormat::Gif)),
        ("grey.pgm", encoded(&grey, ImageFormat::Pnm)),
        ("grey.tif", encoded(&grey, ImageFormat::Tiff)),
        ("rgb.webp", encoded(&rgb, ImageFormat::WebP)),
    ])
}

fn tables() -> Seeds {
    let row = |label: &str, values: [&str; 9], comma: &str| {
        let fields: Vec<&str> = std::iter::once(label).chain(values).collect();
        fields.join(comma) + "\n"
    };
    let rows = |low: &str, high: &str, comma: &str| {
        let mut text = String::new();
        for i in 0..4 {
            let value = if i % 2 == 0 { low } else { high };
            text += &row(&(i % 2).to_string(), [value; 9], comma);
        }
        text
    };
    let header = row("label", ["p"; 9], ",").replace("p,", "pixel,");
    let pixels = "0 255 7 8 9 10 11 12 13";
    named([
        ("plain", rows("3", "250", ",").into_bytes()),
        ("header", (header + &rows("3", "250", ",")).into_bytes()),
        ("fractions", rows("0.25", "1.0", ";").into_bytes()),
        (
            "fer2013",
            format!("emotion,pixels,Usage\n0,{pixels},Training\n1,{pixels},Training\n0,{pixels},PublicTest\n1,{pixels},PrivateTest\n").into_bytes(),
        ),
    ])
}

fn libsvm(rows: usize, value: impl Fn(usize) -> String) -> Vec<u8> {
    let line = |i: usize| {
        let pixels: Vec<String> = (1..=9).map(|at| format!("{at}:{}", value(i))).collect();
        format!("{} {}\n", i % 2, pixels.join(" "))
    };
    (0..rows).map(line).collect::<String>().into_bytes()
}

type Files = Vec<(String, Vec<u8>)>;

fn png(i: usize) -> Vec<u8> {
    bakeoff_picture::encode_png(ImageShape::new(1, 3, 3), &[(30 * i + 5) as u8; 9]).unwrap()
}

fn class_folders() -> Files {
    let file = |i: usize| (format!("train/{}/{i}.png", ["cat", "dog"][i % 2]), png(i));
    (0..4).map(file).collect()
}

fn idx_folder() -> Files {
    let mut files = Files::new();
    for part in ["train", "t10k"] {
        files.push((
            format!("{part}-images-idx3-ubyte"),
            idx_file(&[4, 3, 3], &[9; 36]),
        ));
        files.push((
            format!("{part}-labels-idx1-ubyte"),
            idx_file(&[4], &[0, 1, 0, 1]),
        ));
    }
    files
}

fn joined(files: &Files) -> Vec<u8> {
    join(
        files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice())),
    )
}

fn zip(files: &Files) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn tar(files: &Files) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content.as_slice())
            .unwrap();
    }
    tar.into_inner().unwrap()
}

fn npy(descr: &str, dims: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn folders() -> Seeds {
    let of = |files: &[(&str, Vec<u8>)]| -> Files {
        files
            .iter()
            .map(|(name, content)| ((*name).to_owned(), content.clone()))
            .collect()
    };
    let mut idx = idx_folder();
    idx.push(("classes.txt".into(), b"cat\ndog\n".to_vec()));
    let mut labelled = of(&[(
        "train.csv",
        b"file,label\na.png,cat\nb.png,dog\nc.png,cat\nd.png,dog\n".to_vec(),
    )]);
    for (i, name) in ["a.png", "b.png", "c.png", "d.png"].iter().enumerate() {
        labelled.push((format!("images/{name}"), png(i)));
    }
    let batch: Vec<u8> = (0..2)
        .flat_map(|i| [vec![i], vec![100 * i + 9; 3072]].concat())
        .collect();
    let arrays = of(&[
        ("x_train.npy", npy("|u1", "4, 3, 3", &[7; 36])),
        ("y_train.npy", npy("<i2", "4,", &[0, 0, 1, 0, 0, 0, 1, 0])),
        ("x_test.npy", npy("<f4", "2, 3, 3", &[0; 72])),
        ("y_test.npy", npy("<U1", "2,", b"0\0\0\x001\0\0\0")),
    ]);
    let svm = of(&[
        ("a.libsvm", libsvm(2, |_| "9".into())),
        ("a.libsvm.t", libsvm(2, |_| "8".into())),
    ]);
    [
        ("classes", class_folders()),
        ("idx", idx),
        ("labelled", labelled),
        (
            "batches",
            of(&[
                ("data_batch_1.bin", batch.clone()),
                ("test_batch.bin", batch),
            ]),
        ),
        ("arrays", arrays),
        ("libsvm", svm),
        ("packed", of(&[("data.zip", zip(&class_folders()))])),
    ]
    .map(|(name, files)| (name.to_owned(), joined(&files)))
    .into()
}

fn experiments() -> Seeds {
    let folder = root().join("experiments");
    let mut seeds = Seeds::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|ending| ending == "toml") {
            seeds.push((name, fs::read(path).unwrap()));
        }
    }
    seeds
}

fn small(train: usize, test: usize) -> Dataset {
    toy::prototypes(ToySpec { train, test, ..TOY }).unwrap()
}

/// A model of every engine.
fn models() -> Seeds {
    let data = small(12, 3);
    let mut seeds = Seeds::new();
    for family in trained_here() {
        for engine in family.engines.iter().map(|engine| engine.name) {
            let settings = json!({
                "epochs": 1, "batch_size": 4, "hidden": [4], "layers": ["conv 2 3", "max-pool 2", "dense 4"], "k": 2,
            });
            let known: Settings = settings
                .as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| family.settings().any(|setting| setting.key == *key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let spec = family.resolve(Some(engine), &known).unwrap();
            // Engines that this build lacks have the files of others.
            let Ok(classifier) = bakeoff_zoo::build(&spec) else {
                continue;
            };
            let mut context = FitContext {
                seed: 1,
                validation: None,
                progress: &mut |_| ControlFlow::Continue(()),
            };
            let model = classifier.fit(data.train(), &mut context).unwrap();
            let facts = ModelFacts {
                data_fingerprint: "f".into(),
                train_samples: 12,
                seed: 1,
                trial: "t".into(),
                ..ModelFacts::new(
                    family.name,
                    "toy",
                    spec,
                    data.train().class_names().to_vec(),
                )
            };
            let folder = tempfile::tempdir().unwrap();
            let saved = bakeoff_store::save(folder.path(), &*model, facts)
                .unwrap()
                .folder;
            let manifest = bakeoff_store::read_manifest(&saved).unwrap();
            let weights = fs::read(saved.join(&manifest.weights.file)).unwrap();
            let text = fs::read(saved.join("manifest.json")).unwrap();
            let files = vec![
                ("manifest.json".to_owned(), text),
                ("weights".to_owned(), weights),
            ];
            seeds.push((format!("{}-{engine}", family.name), joined(&files)));
        }
    }
    seeds
}

struct Quiet;

impl Observer for Quiet {}

/// A run with folds, calibration and corrupted images.
fn run() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("toy");
    fs::create_dir_all(&data).unwrap();
    let dataset = small(24, 6);
    let write = |part: &str, samples: &Samples| {
        let shape = samples.images().shape();
        let dims = [samples.len(), shape.height, shape.width];
        let labels: Vec<u8> = samples.labels().iter().map(|&label| label as u8).collect();
        let images = idx_file(&dims, samples.images().pixels());
        fs::write(data.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(
            data.join(format!("{part}-labels-idx1-ubyte")),
            idx_file(&[labels.len()], &labels),
        )
        .unwrap();
    };
    write("train", dataset.train());
    write("t10k", dataset.test());
    let text = format!("name = \"small\"\ndatasets = [{data:?}]\n{RUN}");
    let experiment = Experiment::parse(&text, Path::new("small.toml")).unwrap();
    let run = bakeoff_bench::plan(
        &experiment,
        &folder.path().join("runs"),
        "bakeoff run",
        false,
    )
    .unwrap();
    let mut launcher = InProcess {
        models: folder.path().join("models"),
        threads: 1,
    };
    let runner = Runner {
        run: &run,
        retry_failed: false,
    };
    runner
        .run(&run.lock().unwrap(), &mut launcher, &mut Quiet)
        .unwrap();
    let mut files = Files::new();
    collect(run.path(), run.path(), &mut files);
    joined(&files)
}

const RUN: &str = r#"
folds = 2
robustness = ["noise"]

[[models]]
family = "dummy"

[[models]]
family = "logistic"
calibrate = "temperature"
"#;

/// Everything below a folder, by its path there.
fn collect(root: &Path, folder: &Path, files: &mut Files) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path
            .strip_prefix(root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            collect(root, &path, files);
        } else if !name.starts_with('.') {
            files.push((name, fs::read(&path).unwrap()));
        }
    }
}

fn requests() -> Seeds {
    let form = |parts: &[(&str, &[u8])]| {
        let mut body =
            b"POST /api/v1/predict\ncontent-type: multipart/form-data; boundary=b\n\n".to_vec();
        for (name, content) in parts {
            body.extend(
                format!(
                    "--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n"
                )
                .bytes(),
            );
            body.extend(*content);
            body.extend(b"\r\n");
        }
        body.extend(b"--b--\r\n");
        body
    };
    let pixels: Vec<String> = (0..64).map(|at| (at * 4).to_string()).collect();
    let pixels = pixels.join(",");
    let picture = encoded(&bar(13, 16), ImageFormat::Png);
    let json = "content-type: application/json\n\n";
    named([
        ("multipart", form(&[("picture", &picture), ("model", b"logistic"), ("explain", b"saliency")])),
        ("pixels", format!("POST /api/v1/predict\n{json}{{\"pixels\":[{pixels}],\"models\":[\"toy/logistic\"],\"explain\":[\"neighbours\",\"features\"]}}").into_bytes()),
        ("correction", format!("POST /api/v1/corrections\n{json}{{\"pixels\":[{pixels}],\"label\":\"2\",\"model\":\"logistic\"}}").into_bytes()),
        ("models", b"GET /api/v1/models\norigin: http://localhost\nsec-fetch-site: same-origin\n\n".to_vec()),
        ("page", b"GET /\n\n".to_vec()),
    ])
}
