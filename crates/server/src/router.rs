//! Which handler answers which address, and the checks before all of them.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    api,
    app::App,
    assets::{self, ASSETS},
    origin_check,
    problem::{Code, Problem},
};

/// The whole server as a service.
pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for (path, methods) in api::routes() {
        router = router.route(path, methods);
    }
    for asset in ASSETS {
        router = router.route(
            asset.path,
            get(async || assets::file(asset.content_type, asset.text.to_owned())),
        );
    }
    router
        .route("/colours.css", get(colours))
        .route("/reports/{run}", get(report))
        .fallback(async || Problem::new(Code::NotFound, "there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                Code::MethodNotAllowed,
                "this address does not support this method; see /api/v1/openapi.json",
            )
        })
        // Bodies are read by `request`, which has limits of its own.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal("the answer failed").into_response()
        }))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), checked))
        .with_state(app)
}

async fn colours(State(app): State<Arc<App>>) -> Response {
    assets::file(assets::STYLE, app.colours.clone())
}

/// A report of a past run, as it lies on the disk.
async fn report(
    State(app): State<Arc<App>>,
    run: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(run) = run?;
    let html = api::blocking(move || app.reports.read(&run)).await?;
    let mut response = assets::file(assets::HTML, html);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(origin_check::REPORT_POLICY),
    );
    Ok(response)
}

/// Checks a request, lets it be answered, and counts it.
async fn checked(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let method = method_label(request.method());
    let response = match origin_check::check(&app.hosts, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let response = origin_check::with_security_headers(response);
    app.metrics
        .request(&route, method, response.status().as_u16(), start.elapsed());
    response
}

/// A method as a label of a metric; a client could invent any number of methods.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    }
}
