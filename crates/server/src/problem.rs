//! The one shape of every error answer: problem details (RFC 9457) with a stable code.
//!
//! Programs decide by `code`, which never changes its meaning; `detail` is for people.

use axum::{
    Json,
    extract::rejection::PathRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bakeoff_picture::PictureError;
use serde::Serialize;

/// The content type of problem details.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a client may try again.
const RETRY_AFTER_SECONDS: &str = "1";

/// Declares every code with the word for programs, the HTTP status and the title.
macro_rules! codes {
    ($($code:ident $word:literal $status:ident $title:literal,)*) => {
        /// Why a request was not answered. Programs decide by it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $(#[doc = $title] $code,)*
        }

        impl Code {
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$code),*];

            fn word_status_title(self) -> (&'static str, StatusCode, &'static str) {
                match self {
                    $(Self::$code => ($word, StatusCode::$status, $title),)*
                }
            }
        }
    };
}

codes! {
    EmptyPicture "empty-picture" BAD_REQUEST "The image is empty",
    DamagedPicture "damaged-picture" BAD_REQUEST "The image is damaged",
    UnsupportedPicture "unsupported-picture" UNSUPPORTED_MEDIA_TYPE "Image format not supported",
    PictureTooLarge "picture-too-large" PAYLOAD_TOO_LARGE "The image is too large",
    NothingDrawn "nothing-drawn" UNPROCESSABLE_ENTITY "Nothing drawn",
    SeveralDrawings "several-drawings" UNPROCESSABLE_ENTITY "Several drawings",
    BodyTooLarge "body-too-large" PAYLOAD_TOO_LARGE "The request is too large",
    BrokenBody "broken-body" BAD_REQUEST "The request ends too early",
    MalformedMultipart "malformed-multipart" BAD_REQUEST "Malformed multipart body",
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "Content type not supported",
    UnsupportedEncoding "unsupported-encoding" UNSUPPORTED_MEDIA_TYPE "Content encoding not supported",
    InvalidRequest "invalid-request" UNPROCESSABLE_ENTITY "Invalid request",
    UnknownModel "unknown-model" NOT_FOUND "No such model",
    UnreadableModel "unreadable-model" SERVICE_UNAVAILABLE "The model cannot be read",
    NoModels "no-models" SERVICE_UNAVAILABLE "No models yet",
    ForeignHost "foreign-host" FORBIDDEN "Not a host name of this server",
    CrossSite "cross-site" FORBIDDEN "Request from another site",
    NotFound "not-found" NOT_FOUND "Not found",
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED "Method not allowed",
    TooSlow "too-slow" REQUEST_TIMEOUT "The request took too long",
    Busy "busy" SERVICE_UNAVAILABLE "The server is busy",
    Internal "internal" INTERNAL_SERVER_ERROR "Internal error",
}

/// An error answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Problem {
    /// `urn:bakeoff:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The code in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The word of the code.
    code: &'static str,
    /// What is wrong in this case, and what to do.
    detail: String,
    #[serde(skip)]
    reason: Code,
}

/// The most bytes of a detail: some repeat what was sent, however long it is.
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
        let (word, status, title) = code.word_status_title();
        Self {
            kind: format!("urn:bakeoff:problem:{word}"),
            title,
            status: status.as_u16(),
            code: word,
            detail: shortened(detail.into()),
            reason: code,
        }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    pub(crate) fn internal(detail: impl std::fmt::Display) -> Self {
        Self::new(Code::Internal, detail.to_string())
    }

    pub(crate) fn code(&self) -> Code {
        self.reason
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
            PictureError::SeveralPieces { .. } => Code::SeveralDrawings,
            _ => Code::InvalidRequest,
        };
        let detail = match &error {
            // Clients of the server have an address, where the command line has a flag.
            PictureError::SeveralPieces { count } => format!(
                "there are {count} drawings in the image, and an answer is about one: crop the \
                 image to one, or have each of them read by /api/v1/numbers"
            ),
            _ => error.to_string(),
        };
        Self::new(code, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (_, status, _) = self.reason.word_status_title();
        let encoded = self.reason == Code::UnsupportedEncoding;
        let busy = matches!(self.reason, Code::Busy | Code::NoModels);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if encoded {
            // What would be accepted (RFC 9110, section 15.5.16).
            headers.insert(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static("identity"),
            );
        }
        if busy {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from_static(RETRY_AFTER_SECONDS),
            );
        }
        response
    }
}

/// An address that is not UTF-8 after decoding.
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
