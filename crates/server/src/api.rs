//! The JSON API below `/api/v1`.
//!
//! `assets/openapi.json` describes it; a test holds that description to what is answered.
//! Rejected: a description generated from attributes (utoipa). It takes 14 s of the build
//! and as many lines as the description itself.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State, rejection::PathRejection},
    http::StatusCode,
    routing::{MethodRouter, delete, get, post},
};
use bakeoff_ask::{Inputs, Model, Unreadable};
use bakeoff_core::ImageShape;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    answer::{Answers, Content, Question, answer, problem_of},
    app::App,
    assets,
    corrections::{CorrectionRequest, Kept, base_dataset},
    numbers::{self, Numbers},
    problem::{Code, Problem},
    request::{self, grey_levels},
    training::TrainingProgress,
};

/// The largest body of JSON that is read.
const JSON_BYTES: usize = 4 << 20;

/// The description of the API, OpenAPI 3.1.
pub(crate) const DESCRIPTION: &str = include_str!("../assets/openapi.json");

/// Every address of the API.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/api/v1/models", get(models)),
        ("/api/v1/predict", post(predict)),
        ("/api/v1/numbers", post(numbers)),
        ("/api/v1/examples", get(examples)),
        (
            "/api/v1/corrections",
            get(list_corrections).post(add_correction),
        ),
        (
            "/api/v1/corrections/{dataset}/{file}",
            delete(undo_correction),
        ),
        ("/api/v1/reports", get(reports)),
        ("/api/v1/training", get(training)),
        ("/api/v1/health", get(health)),
        (
            "/api/v1/openapi.json",
            get(async || assets::file("application/json", DESCRIPTION.to_owned())),
        ),
    ]
}

/// A saved model.
#[derive(Debug, Serialize)]
struct ModelInfo {
    name: String,
    family: String,
    title: &'static str,
    engine: String,
    dataset: String,
    classes: Vec<String>,
    input_shape: ImageShape,
    test_accuracy: f64,
    test_samples: usize,
    train_samples: usize,
    parameters: u64,
    bytes: u64,
    /// Its colour, from 0: the same as in the report of its run.
    series: usize,
}

impl ModelInfo {
    fn of(model: &Model, series: usize) -> Self {
        let (manifest, facts) = (&model.saved.manifest, &model.saved.manifest.facts);
        Self {
            name: model.name().to_owned(),
            family: facts.spec.family.clone(),
            title: bakeoff_zoo::family(&facts.spec.family).map_or("", |family| family.title),
            engine: facts.spec.engine.clone(),
            dataset: facts.dataset.clone(),
            classes: facts.class_names.clone(),
            input_shape: manifest.input_shape,
            test_accuracy: facts.test.accuracy,
            test_samples: facts.test.samples,
            train_samples: facts.train_samples,
            parameters: manifest.parameters,
            bytes: manifest.weights.bytes,
            series,
        }
    }
}

/// The saved models.
#[derive(Debug, Serialize)]
struct ModelList {
    models: Vec<ModelInfo>,
    unreadable: Vec<Unreadable>,
}

async fn models(State(app): State<Arc<App>>) -> Json<ModelList> {
    let models = app.models.models();
    // The models answer even if the runs cannot be read.
    let positions = blocking(move || app.reports.model_positions())
        .await
        .unwrap_or_default();
    let position = |model: &Model| positions.get(&model.saved.manifest.facts.trial).copied();
    // Models without a run take the colours that no other model has.
    let taken: Vec<usize> = models.ready.iter().filter_map(|it| position(it)).collect();
    let mut free = (0..).filter(|series| !taken.contains(series));
    let mut series = |model: &Model| position(model).or_else(|| free.next()).unwrap_or(0);
    Json(ModelList {
        models: models
            .ready
            .iter()
            .map(|model| ModelInfo::of(model, series(model)))
            .collect(),
        unreadable: models.unreadable.clone(),
    })
}

/// Asks one, several or all models what an image shows.
async fn predict(app: State<Arc<App>>, request: Request) -> Result<Json<Answers>, Problem> {
    asked(app, request, answer).await
}

/// Reads the digits of an image of several.
async fn numbers(app: State<Arc<App>>, request: Request) -> Result<Json<Numbers>, Problem> {
    asked(app, request, |question, models, _| {
        numbers::read(question, models)
    })
    .await
}

/// Reads a question and has it answered by the models that it names, or by all.
async fn asked<T: Send + 'static>(
    State(app): State<Arc<App>>,
    request: Request,
    answer: impl FnOnce(&Question, &[Arc<Model>], &dyn Fn() -> bool) -> Result<T, Problem>
    + Send
    + 'static,
) -> Result<Json<T>, Problem> {
    let (head, body) = request.into_parts();
    let most = match request::media_type(&head.headers).as_str() {
        "application/json" => JSON_BYTES,
        _ => usize::MAX,
    };
    let held = app.bodies.read(&head.headers, body, most).await?;
    let question = request::question(&head.headers, held.bytes.clone()).await?;
    let models = app.models.named(&question.models)?;
    let work = move |cancelled: &dyn Fn() -> bool| {
        let answers = answer(&question, &models, cancelled);
        // The image's memory is counted until it is no longer needed.
        drop(held);
        answers
    };
    app.workers.run(work).await.map(Json)
}

async fn examples(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let (models, examples) = (app.models.models(), Arc::clone(&app.examples));
    let found = app.workers.run(move |_| examples.fitting(&models)).await?;
    Ok(Json(json!({ "examples": found })))
}

async fn list_corrections(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let datasets = blocking(move || {
        let models = app.models.models();
        app.corrections.list(app.models.folder(), |dataset| {
            let knows =
                |model: &&Arc<Model>| base_dataset(&model.saved.manifest.facts.dataset) == dataset;
            let model = models.ready.iter().find(knows)?;
            Some(model.name().to_owned())
        })
    })
    .await?;
    Ok(Json(json!({ "datasets": datasets })))
}

/// Adds an image with its correct label to the personal dataset.
async fn add_correction(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    let (head, body) = request.into_parts();
    if request::media_type(&head.headers) != "application/json" {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "send application/json with `pixels`, `label` and `model`",
        ));
    }
    let held = app.bodies.read(&head.headers, body, JSON_BYTES).await?;
    let correction: CorrectionRequest = request::json(&held.bytes)?;
    let content = Content::Pixels(grey_levels(&correction.pixels)?);
    let models = app.models.named(std::slice::from_ref(&correction.model))?;
    let label = correction.label;
    let (model, images, predicted) = app
        .workers
        .run(move |_| {
            let Some(model) = models.into_iter().next() else {
                return Err(Problem::internal("no model was found"));
            };
            let mut inputs = Inputs::new(&content);
            let (_, input) = inputs.of(&model).map_err(problem_of)?;
            let images = input.images.clone();
            let answer = model.answer(&images).map_err(Problem::internal)?;
            let predicted = model.class_name(usize::from(answer.label)).to_owned();
            Ok((model, images, predicted))
        })
        .await?;
    // Not on a thread that answers: somebody else may hold the table, and predictions go on.
    let inner = Arc::clone(&app);
    let kept =
        blocking(move || inner.corrections.keep(&model, &images, &label, &predicted)).await?;
    Ok((StatusCode::CREATED, Json(kept)))
}

async fn undo_correction(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((dataset, file)) = path?;
    blocking(move || app.corrections.undo(&dataset, &file)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reports(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let reports = blocking(move || app.reports.list()).await?;
    Ok(Json(json!({ "reports": reports })))
}

async fn training(State(app): State<Arc<App>>) -> Json<TrainingProgress> {
    Json(app.training.progress())
}

async fn health(State(app): State<Arc<App>>) -> Json<Value> {
    let models = app.models.models().ready.len();
    Json(json!({
        "status": if models > 0 { "ok" } else { "no-models" },
        "version": env!("CARGO_PKG_VERSION"),
        "models": models,
        "uptime_seconds": app.started.elapsed().as_secs(),
    }))
}

/// Does what waits for the disk on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Problem::internal("the answer failed")))
}
