//! The one shape of every error answer: problem details (RFC 9457) with a stable code.
//!
//! Callers decide by `code`, which never changes its meaning; `detail` is for people.

use axum::{
    Json,
    extract::rejection::PathRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bakeoff_picture::PictureError;
use serde::Serialize;
use utoipa::ToSchema;

/// The content type of problem details.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a caller who was turned away may ask again.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request was not answered; the word that callers decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Code {
    /// The picture has no bytes.
    EmptyPicture,
    /// The picture is damaged or cut short.
    DamagedPicture,
    /// The picture is of a kind that is not read.
    UnsupportedPicture,
    /// The picture has more pixels than are read.
    PictureTooLarge,
    /// There is no ink in the picture, so there is nothing to answer about.
    NothingDrawn,
    /// The request has more bytes than are read.
    BodyTooLarge,
    /// The request's body broke off or is no HTTP.
    BrokenBody,
    /// The multipart body cannot be taken apart.
    MalformedMultipart,
    /// The request's content type is not one that this address takes.
    UnsupportedMediaType,
    /// The request can be read but makes no sense.
    InvalidRequest,
    /// There is no model of that name.
    UnknownModel,
    /// There are no models yet.
    NoModels,
    /// The request names a host that this server does not answer for.
    ForeignHost,
    /// The request comes from another site's page.
    CrossSite,
    /// There is nothing at this address.
    NotFound,
    /// This address does not take this method.
    MethodNotAllowed,
    /// The request did not arrive in time.
    TooSlow,
    /// There is too much to do; ask again later.
    Busy,
    /// Something failed here.
    Internal,
}

impl Code {
    fn status_and_title(self) -> (StatusCode, &'static str) {
        match self {
            Self::EmptyPicture => (StatusCode::BAD_REQUEST, "The picture is empty"),
            Self::DamagedPicture => (StatusCode::BAD_REQUEST, "The picture is damaged"),
            Self::UnsupportedPicture => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Not a picture of a kind that is read",
            ),
            Self::PictureTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The picture is too large"),
            Self::NothingDrawn => (StatusCode::UNPROCESSABLE_ENTITY, "Nothing drawn"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
            Self::BrokenBody => (StatusCode::BAD_REQUEST, "The request broke off"),
            Self::MalformedMultipart => (StatusCode::BAD_REQUEST, "Malformed multipart body"),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Content type not taken here",
            ),
            Self::InvalidRequest => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid request"),
            Self::UnknownModel => (StatusCode::NOT_FOUND, "No such model"),
            Self::NoModels => (StatusCode::SERVICE_UNAVAILABLE, "No models yet"),
            Self::ForeignHost => (StatusCode::FORBIDDEN, "Not a host of this server"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "Request from another site"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "The request came too slowly"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Too much to do"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Something failed here"),
        }
    }
}

/// An error answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:bakeoff:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The code in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The word to decide by.
    code: Code,
    /// What is wrong in this case, and what to do.
    detail: String,
}

/// The most bytes of a detail: some repeat what was sent, however long that is.
const MOST_DETAIL_BYTES: usize = 2000;

fn shortened(mut detail: String) -> String {
    if detail.len() > MOST_DETAIL_BYTES {
        detail.truncate(detail.floor_char_boundary(MOST_DETAIL_BYTES));
        detail.push('…');
    }
    detail
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let (status, title) = code.status_and_title();
        // A kebab-case word: serialising it cannot fail.
        let word = serde_json::to_value(code).unwrap_or_default();
        Self {
            kind: format!("urn:bakeoff:problem:{}", word.as_str().unwrap_or_default()),
            title,
            status: status.as_u16(),
            code,
            detail: shortened(detail.into()),
        }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    pub(crate) fn internal(detail: impl std::fmt::Display) -> Self {
        Self::new(Code::Internal, detail.to_string())
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }
}

impl From<PictureError> for Problem {
    fn from(error: PictureError) -> Self {
        let code = match &error {
            PictureError::Empty => Code::EmptyPicture,
            PictureError::Unsupported { .. } => Code::UnsupportedPicture,
            PictureError::Damaged { .. } => Code::DamagedPicture,
            PictureError::TooLarge { .. } => Code::PictureTooLarge,
            PictureError::NothingDrawn => Code::NothingDrawn,
            _ => Code::InvalidRequest,
        };
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, _) = self.code.status_and_title();
        let busy = matches!(self.code, Code::Busy | Code::NoModels);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if busy {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from_static(RETRY_AFTER_SECONDS),
            );
        }
        response
    }
}

/// An address that is no UTF-8 once it is decoded: nothing here has such a name.
impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::new(Code::NotFound, "there is nothing at this address")
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}
