//! The JSON API below `/api/v1`, and its description.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use bakeoff_core::Images;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use crate::{
    App,
    answer::{self, Answers, Shape},
    corrections::{CorrectionRequest, Kept, PersonalDataset, home},
    examples::Example,
    metrics::OPENMETRICS,
    problem::{Code, Problem},
    reports::ReportEntry,
    request::{self, PictureRequest, PixelsRequest, Question, grey_levels},
    shelf::Served,
    training::TrainingProgress,
};

/// The most that is read of a body of JSON.
const JSON_BYTES: usize = 4 << 20;

/// Every address of the API. The description's test compares it with this table.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/api/v1/models", get(models)),
        ("/api/v1/predict", post(predict)),
        ("/api/v1/examples", get(examples)),
        (
            "/api/v1/corrections",
            get(list_corrections).post(add_correction),
        ),
        (
            "/api/v1/corrections/{dataset}/{file}",
            delete(take_back_correction),
        ),
        ("/api/v1/reports", get(reports)),
        ("/api/v1/training", get(training)),
        ("/api/v1/health", get(health)),
        ("/api/v1/metrics", get(metrics)),
        ("/api/v1/openapi.json", get(openapi)),
    ]
}

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "bakeoff",
        description = "Asks saved models what a picture shows. Errors are problem details \
                       (RFC 9457) whose `code` never changes its meaning."
    ),
    paths(
        models,
        predict,
        examples,
        list_corrections,
        add_correction,
        take_back_correction,
        reports,
        training,
        health,
        metrics,
        openapi
    ),
    components(schemas(PixelsRequest, PictureRequest))
)]
struct Description;

/// The description as it is served.
pub(crate) fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// A saved model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelInfo {
    /// The name that is never ambiguous: `mnist/cnn`.
    name: String,
    /// Its family: `cnn`.
    family: String,
    /// The family's title: `convolutional network`.
    title: String,
    /// The engine that trained it.
    engine: String,
    /// The dataset it was trained on.
    dataset: String,
    /// The names of its classes, in the order of its probabilities.
    classes: Vec<String>,
    /// The shape of the pictures it takes.
    input_shape: Shape,
    /// Its share of right answers on the test part of its dataset.
    test_accuracy: f64,
    /// The size of that test part.
    test_samples: usize,
    /// How many samples it was trained on.
    train_samples: usize,
    /// Numbers that the fit chose or kept.
    parameters: u64,
    /// The size of its weights.
    bytes: u64,
    /// Which colour it has, from 0: the same as in the report of its run.
    series: usize,
}

impl ModelInfo {
    fn of(served: &Served, series: usize) -> Self {
        let (manifest, facts) = (&served.manifest, &served.manifest.facts);
        let title = bakeoff_zoo::family(&facts.spec.family)
            .map(|family| family.title)
            .unwrap_or_default();
        Self {
            name: served.name.clone(),
            family: facts.spec.family.clone(),
            title: title.to_owned(),
            engine: facts.spec.engine.clone(),
            dataset: facts.dataset.clone(),
            classes: facts.class_names.clone(),
            input_shape: manifest.input_shape.into(),
            test_accuracy: facts.test.accuracy,
            test_samples: facts.test.samples,
            train_samples: facts.train_samples,
            parameters: manifest.parameters,
            bytes: manifest.weights.bytes,
            series,
        }
    }
}

/// A model that lies in the folder and cannot be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnreadableModel {
    /// Its name.
    name: String,
    /// What is wrong with it, and what to do.
    reason: String,
}

/// The saved models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// Those that answer, the best test accuracy first.
    models: Vec<ModelInfo>,
    /// Those that cannot be read.
    unreadable: Vec<UnreadableModel>,
}

/// The saved models.
#[utoipa::path(get, path = "/api/v1/models", tag = "models",
    responses((status = 200, body = ModelList), (status = 403, body = Problem, content_type = "application/problem+json")))]
async fn models(State(app): State<Arc<App>>) -> Json<ModelList> {
    let models = app.shelf.models();
    // Without the runs the models answer all the same.
    let places = blocking(move || app.reports.places())
        .await
        .unwrap_or_default();
    let place = |served: &Served| places.get(&served.manifest.facts.trial).copied();
    // Models of no run that is there take the colours that no other has.
    let taken: Vec<usize> = models.served.iter().filter_map(|it| place(it)).collect();
    let mut free = (0..).filter(|series| !taken.contains(series));
    let mut series = |served: &Served| place(served).or_else(|| free.next()).unwrap_or(0);
    Json(ModelList {
        models: models
            .served
            .iter()
            .map(|served| ModelInfo::of(served, series(served)))
            .collect(),
        unreadable: models
            .unreadable
            .iter()
            .map(|unreadable| UnreadableModel {
                name: unreadable.name.clone(),
                reason: unreadable.reason.clone(),
            })
            .collect(),
    })
}

/// Asks one, several or all models what a picture shows.
///
/// A picture (multipart) is prepared as MNIST's own were: found, cropped, scaled,
/// centred. Pixels (JSON) are taken as they are.
#[utoipa::path(post, path = "/api/v1/predict", tag = "models",
    request_body(content((PictureRequest = "multipart/form-data"), (PixelsRequest = "application/json"))),
    responses(
        (status = 200, description = "What the models say", body = Answers),
        (status = 400, description = "The picture or the request is damaged", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The request comes from elsewhere", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such model", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The request came too slowly", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The request or the picture is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not a kind of picture or request that is read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Nothing drawn, or a request that makes no sense", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too much to do, or no models yet: ask again after Retry-After seconds", body = Problem, content_type = "application/problem+json"),
    ))]
async fn predict(State(app): State<Arc<App>>, request: Request) -> Result<Json<Answers>, Problem> {
    let (head, body) = request.into_parts();
    let most = match request::media_type(&head.headers).as_str() {
        "application/json" => JSON_BYTES,
        _ => usize::MAX,
    };
    let held = app.bodies.read(&head.headers, body, most).await?;
    let question = Question::parse(&head.headers, held.bytes.clone()).await?;
    let models = app.shelf.models().named(&question.models)?;
    let metrics = Arc::clone(&app.metrics);
    let work = move |gone: &dyn Fn() -> bool| {
        let answers = answer::answer(
            &question.subject,
            &models,
            !question.models.is_empty(),
            &question.explain,
            &metrics,
            gone,
        );
        // The room is given back when the picture is no longer needed.
        drop(held);
        answers
    };
    app.workers.run(work).await.map(Json)
}

/// Example pictures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExampleList {
    /// Pictures of test parts, which no model was trained on.
    examples: Vec<Example>,
}

/// Example pictures to try: of the test parts of the datasets inside the program.
#[utoipa::path(get, path = "/api/v1/examples", tag = "models",
    responses((status = 200, body = ExampleList),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn examples(State(app): State<Arc<App>>) -> Result<Json<ExampleList>, Problem> {
    let (shelf, examples) = (Arc::clone(&app.shelf), Arc::clone(&app.examples));
    let found = app
        .workers
        .run(move |_| examples.fitting(&shelf.models()))
        .await?;
    Ok(Json(ExampleList { examples: found }))
}

/// The personal datasets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectionList {
    /// One for each dataset that models were trained on.
    datasets: Vec<PersonalDataset>,
}

/// How many corrections were kept, where they lie, and how to evaluate a model on them.
#[utoipa::path(get, path = "/api/v1/corrections", tag = "corrections",
    responses((status = 200, body = CorrectionList), (status = 403, body = Problem, content_type = "application/problem+json")))]
async fn list_corrections(State(app): State<Arc<App>>) -> Result<Json<CorrectionList>, Problem> {
    let datasets = blocking(move || {
        let models = app.shelf.models();
        app.corrections.list(|dataset| {
            let knows = |served: &&Arc<Served>| home(&served.manifest.facts.dataset) == dataset;
            models
                .served
                .iter()
                .find(knows)
                .map(|served| served.name.clone())
        })
    })
    .await?;
    Ok(Json(CorrectionList { datasets }))
}

/// Tells what a picture really shows; it is kept in the personal dataset.
#[utoipa::path(post, path = "/api/v1/corrections", tag = "corrections",
    request_body = CorrectionRequest,
    responses(
        (status = 201, description = "It was kept", body = Kept),
        (status = 403, description = "The request comes from elsewhere", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such model", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The request came too slowly", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The request is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Nothing drawn, no such class, or a request that makes no sense", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too much to do, or no models yet: ask again after Retry-After seconds", body = Problem, content_type = "application/problem+json"),
    ))]
async fn add_correction(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    let (head, body) = request.into_parts();
    if request::media_type(&head.headers) != "application/json" {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "send application/json with `pixels`, `label` and `model`",
        ));
    }
    let held = app.bodies.read(&head.headers, body, JSON_BYTES).await?;
    let asked: CorrectionRequest = request::json(&held.bytes)?;
    let subject = answer::Subject::Pixels(grey_levels(&asked.pixels)?);
    let models = app
        .shelf
        .models()
        .named(std::slice::from_ref(&asked.model))?;
    let inner = Arc::clone(&app);
    let kept = app
        .workers
        .run(move |gone| {
            let served = models
                .first()
                .ok_or_else(|| Problem::internal("no model was found"))?;
            let nothing = crate::explain::Explain::default();
            let answers = answer::answer(&subject, &models, true, &nothing, &inner.metrics, gone)?;
            let predicted = answers
                .predictions
                .first()
                .ok_or_else(|| Problem::internal("the model gave no answer"))?;
            let answer::Subject::Pixels(pixels) = subject else {
                return Err(Problem::internal("the picture was lost"));
            };
            let images = Images::new(served.model.input_shape(), pixels)
                .map_err(|error| Problem::invalid(error.to_string()))?;
            inner
                .corrections
                .keep(served, &images, &asked.label, &predicted.class)
        })
        .await?;
    app.metrics.corrections.inc();
    Ok((StatusCode::CREATED, Json(kept)))
}

/// Takes the latest correction back, where it was a slip.
#[utoipa::path(delete, path = "/api/v1/corrections/{dataset}/{file}", tag = "corrections",
    params(("dataset" = String, Path, description = "The dataset it was added to"), ("file" = String, Path, description = "Its file")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 403, description = "The request comes from elsewhere", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "It is not the latest", body = Problem, content_type = "application/problem+json"),
    ))]
async fn take_back_correction(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((dataset, file)) = path?;
    blocking(move || app.corrections.take_back(&dataset, &file)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The reports of past runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportList {
    /// The latest first.
    reports: Vec<ReportEntry>,
}

/// The reports of past runs.
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports",
    responses((status = 200, body = ReportList), (status = 403, body = Problem, content_type = "application/problem+json")))]
async fn reports(State(app): State<Arc<App>>) -> Result<Json<ReportList>, Problem> {
    let reports = blocking(move || app.reports.list()).await?;
    Ok(Json(ReportList { reports }))
}

/// How the first training goes.
#[utoipa::path(get, path = "/api/v1/training", tag = "server",
    responses((status = 200, body = TrainingProgress), (status = 403, body = Problem, content_type = "application/problem+json")))]
async fn training(State(app): State<Arc<App>>) -> Json<TrainingProgress> {
    Json(app.training.progress())
}

/// Whether the server is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` where models answer, `no-models` where there are none yet.
    status: &'static str,
    /// Version of bakeoff.
    version: &'static str,
    /// Models that answer.
    models: usize,
    /// Seconds since the start.
    uptime_seconds: u64,
}

/// Whether the server is well.
#[utoipa::path(get, path = "/api/v1/health", tag = "server",
    responses((status = 200, body = Health), (status = 403, body = Problem, content_type = "application/problem+json")))]
async fn health(State(app): State<Arc<App>>) -> Json<Health> {
    let models = app.shelf.models().served.len();
    Json(Health {
        status: if models > 0 { "ok" } else { "no-models" },
        version: env!("CARGO_PKG_VERSION"),
        models,
        uptime_seconds: app.started.elapsed().as_secs(),
    })
}

/// What the server counts, as Prometheus reads it.
#[utoipa::path(get, path = "/api/v1/metrics", tag = "server",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
async fn metrics(State(app): State<Arc<App>>) -> Response {
    app.metrics
        .models
        .set(i64::try_from(app.shelf.models().served.len()).unwrap_or(i64::MAX));
    let kind = HeaderValue::from_static(OPENMETRICS);
    ([(header::CONTENT_TYPE, kind)], app.metrics.text()).into_response()
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "server",
    responses((status = 200, description = "OpenAPI 3.1", body = Object),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(description())
}

/// Does what waits for the disk on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Problem::internal("the answer failed")))
}
