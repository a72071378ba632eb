//! Which handler answers which address, and the checks before all of them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, header},
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
            get(async || {
                let mut response = assets::file(asset.content_type, asset.text.to_owned());
                if asset.content_type == assets::HTML {
                    response.headers_mut().insert(
                        origin_check::PERMISSIONS_POLICY,
                        HeaderValue::from_static(origin_check::PAGE_PERMISSIONS),
                    );
                }
                response
            }),
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

/// Checks a request, and lets it be answered.
async fn checked(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let response = match origin_check::check(&app.hosts, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    origin_check::with_security_headers(response)
}
