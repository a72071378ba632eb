//! A server over models that need no training, and requests to it.

use std::{
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use bakeoff_ask::{Model, Models};
use bakeoff_core::{
    ConvLayer, DenseLayer, FittedModel, ImageShape, Images, Layer, Layers, ModelSpec, ModelWriter,
    PredictError, Probabilities, Settings, StoreError, TrainingNeighbour,
};
use bakeoff_store::{FORMAT_VERSION, LoadedModel, Manifest, ModelFacts, TestMetrics, WeightsFile};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{
    App, Limits, corrections::Corrections, models::ModelFolder, origin_check::Hosts,
    reports::Reports, request::BodyMemory, router::router, training::Training, workers::Workers,
};

/// Says which tenth of the rows has most ink, by its share of all ink.
pub(super) struct Tenths {
    pub(super) shape: ImageShape,
    /// Where it waits for leave before each answer, if at all.
    pub(super) gate: Option<Mutex<mpsc::Receiver<()>>>,
}

impl FittedModel for Tenths {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        10
    }

    fn parameters(&self) -> u64 {
        0
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        if let Some(gate) = &self.gate {
            let _ = gate.lock().expect("not poisoned").recv();
        }
        let mut shares = Vec::new();
        for picture in images.iter() {
            let mut tenths = [0.0_f32; 10];
            for (at, &value) in picture.iter().enumerate() {
                let row = at / self.shape.width % self.shape.height;
                tenths[row * 10 / self.shape.height] += f32::from(value);
            }
            let all: f32 = tenths.iter().sum();
            shares.extend(tenths.map(|tenth| tenth / all));
        }
        Ok(Probabilities::new(10, shares)?)
    }

    fn training_neighbours(
        &self,
        images: &Images,
        count: usize,
    ) -> Result<Option<Vec<TrainingNeighbour>>, PredictError> {
        self.check_shape(images)?;
        let near = |index: usize| TrainingNeighbour {
            index,
            label: index as u16 % 10,
            distance: index as f64,
            pixels: images.get(0).unwrap_or_default().to_vec(),
        };
        Ok(Some((0..count).map(near).collect()))
    }

    /// Other layers than it answers by: enough to have something to explain.
    fn layers(&self) -> Option<Layers> {
        let convolution = ConvLayer {
            filters: 1,
            groups: 1,
            kernel: [1, 1],
            stride: [1, 1],
            pad: [0; 4],
            weights: vec![1.0; self.shape.channels],
            bias: vec![0.0],
        };
        let values = self.shape.height * self.shape.width;
        let dense = DenseLayer {
            weights: vec![0.5; 10 * values],
            bias: vec![0.0; 10],
        };
        let layers = vec![Layer::Conv(convolution), Layer::Dense(dense)];
        Layers::new(self.shape, 1.0 / 255.0, layers).ok()
    }

    fn save(&self, _: &mut dyn ModelWriter) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A model of that name that was right on so much of its test part.
pub(super) fn served(dataset: &str, name: &str, accuracy: f64, model: Tenths) -> Arc<Model> {
    let facts = ModelFacts {
        train_samples: 100,
        seed: 1,
        test: TestMetrics {
            samples: 50,
            accuracy,
            ..TestMetrics::default()
        },
        ..ModelFacts::new(
            name,
            dataset,
            ModelSpec {
                family: "knn".into(),
                engine: "native".into(),
                settings: Settings::new(),
            },
            (0..10).map(|class| class.to_string()).collect(),
        )
    };
    let manifest = Manifest {
        temperature: None,
        format_version: FORMAT_VERSION,
        bakeoff_version: String::new(),
        facts,
        input_shape: model.shape,
        preprocessing: String::new(),
        parameters: 0,
        weights: WeightsFile {
            file: String::new(),
            bytes: 1,
            sha256: String::new(),
        },
        checksum: format!("{dataset}/{name}"),
    };
    Arc::new(Model::new(LoadedModel {
        full_name: format!("{dataset}/{name}"),
        manifest,
        model: Box::new(model),
    }))
}

pub(super) const MNIST: ImageShape = ImageShape::new(1, 28, 28);

pub(super) fn tenths() -> Tenths {
    Tenths {
        shape: MNIST,
        gate: None,
    }
}

/// These models and no others.
pub(super) fn only(ready: Vec<Arc<Model>>) -> Models {
    Models {
        ready,
        ..Models::default()
    }
}

/// Two models of the same data.
pub(super) fn two_models() -> Models {
    let models = vec![
        served("mnist", "worse", 0.8, tenths()),
        served("mnist", "better", 0.9, tenths()),
    ];
    only(models)
}

/// A server over `folder`, which answers for `localhost`.
#[derive(Clone)]
pub(super) struct Fixture {
    router: Router,
}

impl Fixture {
    pub(super) fn new(folder: &Path, models: Models, limits: Limits) -> Self {
        let folder_of_models = ModelFolder::new(&folder.join("models"));
        folder_of_models.replace(models);
        let app = Arc::new(App {
            hosts: Hosts::new("127.0.0.1", [127, 0, 0, 1].into()),
            models: Arc::new(folder_of_models),
            workers: Workers::start(limits.threads, limits.queue).expect("threads"),
            bodies: BodyMemory::new(limits),
            corrections: Corrections::new(folder.join("corrections")),
            examples: Arc::default(),
            reports: Reports {
                folder: folder.join("reports"),
            },
            training: Training::default(),
            colours: ":root{--c-ink:black}".into(),
            started: Instant::now(),
        });
        Self {
            router: router(app),
        }
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await;
        Answer::of(response.expect("a router always answers")).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path, Body::empty())).await
    }

    pub(super) async fn post_json(&self, path: &str, body: impl Into<Body>) -> Answer {
        let mut request = request("POST", path, body);
        let kind = header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        self.ask(request).await
    }

    /// Sends an image as a form does.
    pub(super) async fn post_picture(&self, file_name: &str, bytes: &[u8]) -> Answer {
        self.ask(form(&[("picture", Some(file_name), bytes)])).await
    }
}

pub(super) fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:8000")
        .body(body.into())
        .expect("a request")
}

/// A multipart request with these parts: name, file name, content.
pub(super) fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, file_name, bytes) in parts {
        body.extend(b"--limit\r\ncontent-disposition: form-data; name=\"");
        body.extend(name.as_bytes());
        if let Some(file_name) = file_name {
            body.extend(b"\"; filename=\"");
            body.extend(file_name.as_bytes());
        }
        body.extend(b"\"\r\n\r\n");
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--limit--\r\n");
    let mut request = request("POST", "/api/v1/predict", body);
    request.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("multipart/form-data; boundary=limit"),
    );
    request
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await;
        Self {
            status: head.status,
            headers: head.headers,
            body: body.expect("a whole body").to_vec(),
        }
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// Asserts that it is a problem of this status and code, in the one shape.
    #[track_caller]
    pub(super) fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("urn:bakeoff:problem:{code}"));
        assert!(problem["title"].as_str().is_some_and(|it| !it.is_empty()));
        assert!(problem["detail"].as_str().is_some_and(|it| !it.is_empty()));
        problem
    }

    #[track_caller]
    pub(super) fn is_ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()
    }
}

/// An image of a bar, dark on white, as PNG.
pub(super) fn bar() -> Vec<u8> {
    let (height, width) = (60, 50);
    let pixels: Vec<u8> = (0..height * width)
        .map(|at| {
            let (row, column) = (at / width, at % width);
            if (12..48).contains(&row) && (20..28).contains(&column) {
                20
            } else {
                250
            }
        })
        .collect();
    bakeoff_picture::encode_png(ImageShape::new(1, height, width), &pixels).expect("a PNG")
}

/// 28×28 grey levels of a bar, light on dark.
pub(super) fn bar_pixels() -> Vec<u8> {
    (0..28 * 28)
        .map(|at| {
            if (8..20).contains(&(at / 28)) && (12..16).contains(&(at % 28)) {
                255
            } else {
                0
            }
        })
        .collect()
}
