//! Reading a request's body within limits: so many bytes, so many seconds, so many
//! bytes of all requests together.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request, multipart::Field},
    http::{HeaderMap, header},
};
use http_body_util::LengthLimitError;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use utoipa::ToSchema;

use crate::{
    Limits,
    answer::Subject,
    explain::{Explain, ExplainKind},
    problem::{Code, Problem},
};

/// Room for the bodies of all requests together, counted in KiB.
pub(crate) struct BodyBudget {
    room: Arc<Semaphore>,
    limits: Limits,
}

/// A body, and its share of the room for as long as it is kept.
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Bodies of a told length up to this one take no room: drawings and pixels. So many
/// come at once as there may be connections, and they are answered while large pictures
/// arrive slowly.
const SMALL_BYTES: usize = 64 << 10;

/// Whole KiB that hold so many bytes; at least one.
fn kibibytes(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX)
}

impl BodyBudget {
    pub(crate) fn new(limits: Limits) -> Self {
        // One body of the largest size must always fit.
        let room = limits.all_bodies_bytes.max(limits.body_bytes);
        let permits = (kibibytes(room) as usize).min(Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(permits)),
            limits,
        }
    }

    /// Reads a body of at most `most` bytes.
    ///
    /// # Errors
    /// [`Code::BodyTooLarge`] before anything is read where the length is told,
    /// [`Code::TooSlow`], [`Code::Busy`] when there is no room for it in time, and
    /// [`Code::BrokenBody`].
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        most: usize,
    ) -> Result<Held, Problem> {
        let most = most.min(self.limits.body_bytes);
        let too_large = || {
            Problem::new(
                Code::BodyTooLarge,
                format!("at most {} are read here", in_words(most)),
            )
        };
        let told = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok())
            .and_then(|length| length.parse::<usize>().ok());
        if told.is_some_and(|told| told > most) {
            return Err(too_large());
        }
        let room = match told {
            Some(told) if told <= SMALL_BYTES => None,
            _ => Some(self.room_for(told.unwrap_or(most)).await?),
        };
        let read = timeout(self.limits.upload_time, axum::body::to_bytes(body, most)).await;
        let bytes = read
            .map_err(|_| {
                Problem::new(
                    Code::TooSlow,
                    format!(
                        "the whole request must arrive within {} s",
                        seconds(self.limits.upload_time)
                    ),
                )
            })?
            .map_err(|error| {
                let inner = error.into_inner();
                if inner.downcast_ref::<LengthLimitError>().is_some() {
                    too_large()
                } else {
                    Problem::new(Code::BrokenBody, inner.to_string())
                }
            })?;
        Ok(Held { bytes, _room: room })
    }

    async fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let room = Arc::clone(&self.room).acquire_many_owned(kibibytes(bytes));
        timeout(self.limits.upload_time, room)
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| {
                Problem::new(
                    Code::Busy,
                    "too many pictures at once; ask again in a second",
                )
            })
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn in_words(bytes: usize) -> String {
    if bytes >= 1 << 20 {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}

/// A body of JSON as a value.
///
/// # Errors
/// [`Code::InvalidRequest`], naming the place.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::invalid(error.to_string()))
}

/// The media type of a request, in lower case and without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Asks about a picture's values as a model sees them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PixelsRequest {
    /// Whole grey levels from 0 to 255, light ink on dark ground, channel by channel
    /// and row by row; as many as the model's pictures have. They are taken as they are.
    pub(crate) pixels: Vec<f64>,
    /// The models to ask, by name; all of them where none is given.
    #[serde(default)]
    pub(crate) models: Vec<String>,
    /// What to explain.
    #[serde(default)]
    pub(crate) explain: Vec<ExplainKind>,
}

/// Asks about a picture of one's own.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described; the parts are taken one by one")]
pub(crate) struct PictureRequest {
    /// A PNG or JPEG; recognised by its content.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    picture: String,
    /// A model to ask, by name; may be repeated. All of them where none is given.
    model: Option<Vec<String>>,
    /// What to explain; may be repeated.
    explain: Option<Vec<ExplainKind>>,
}

/// Bytes from the numbers of a request.
///
/// # Errors
/// [`Code::InvalidRequest`], naming the first that is no grey level.
pub(crate) fn grey_levels(numbers: &[f64]) -> Result<Vec<u8>, Problem> {
    numbers
        .iter()
        .enumerate()
        .map(|(index, &number)| {
            // Exactly the whole numbers of a byte survive the way there and back.
            let byte = number as u8;
            if f64::from(byte) == number {
                Ok(byte)
            } else {
                Err(Problem::invalid(format!(
                    "pixels[{index}] is {number}; grey levels are whole numbers from 0 to 255"
                )))
            }
        })
        .collect()
}

/// What a request wants to know.
pub(crate) struct Question {
    pub(crate) subject: Subject,
    pub(crate) models: Vec<String>,
    pub(crate) explain: Explain,
}

impl Question {
    /// From a body that was read.
    ///
    /// # Errors
    /// [`Code::UnsupportedMediaType`], [`Code::MalformedMultipart`] or
    /// [`Code::InvalidRequest`].
    pub(crate) async fn parse(headers: &HeaderMap, bytes: Bytes) -> Result<Self, Problem> {
        match media_type(headers).as_str() {
            "application/json" => {
                let request: PixelsRequest = json(&bytes)?;
                Ok(Self {
                    subject: Subject::Pixels(grey_levels(&request.pixels)?),
                    models: request.models,
                    explain: Explain(request.explain),
                })
            }
            "multipart/form-data" => Self::multipart(headers, bytes).await,
            other => Err(Problem::new(
                Code::UnsupportedMediaType,
                format!(
                    "send multipart/form-data with a part `picture`, or application/json with \
                     `pixels`; this is {}",
                    if other.is_empty() {
                        "nothing of the kind"
                    } else {
                        other
                    }
                ),
            )),
        }
    }

    async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Result<Self, Problem> {
        let malformed = |error: &dyn std::fmt::Display| {
            Problem::new(Code::MalformedMultipart, error.to_string())
        };
        let mut request = Request::new(Body::from(bytes));
        *request.headers_mut() = headers.clone();
        // It was read within our limit; axum's own is 2 MB, less than most photos.
        DefaultBodyLimit::disable().apply(&mut request);
        let mut parts = Multipart::from_request(request, &())
            .await
            .map_err(|error| malformed(&error.body_text()))?;
        let mut picture: Option<Bytes> = None;
        let (mut models, mut explain) = (Vec::new(), Vec::new());
        while let Some(part) = parts
            .next_field()
            .await
            .map_err(|error| malformed(&error.body_text()))?
        {
            let name = part.name().unwrap_or_default().to_owned();
            let bytes = content(part).await?;
            match name.as_str() {
                "picture" if picture.is_some() => {
                    return Err(Problem::invalid("there are two parts `picture`; send one"));
                }
                "picture" => picture = Some(bytes),
                "model" => models.push(text(&bytes)?),
                "explain" => {
                    let word = serde_json::Value::from(text(&bytes)?);
                    let kind = serde_json::from_value(word)
                        .map_err(|error| Problem::invalid(format!("explain: {error}")))?;
                    explain.push(kind);
                }
                other => {
                    return Err(Problem::invalid(format!(
                        "there is no part `{other}`; there are: picture, model, explain"
                    )));
                }
            }
        }
        let picture = picture.ok_or_else(|| Problem::invalid("there is no part `picture`"))?;
        Ok(Self {
            subject: Subject::Picture(picture),
            models,
            explain: Explain(explain),
        })
    }
}

async fn content(part: Field<'_>) -> Result<Bytes, Problem> {
    part.bytes()
        .await
        .map_err(|error| Problem::new(Code::MalformedMultipart, error.body_text()))
}

/// A short text part.
fn text(bytes: &Bytes) -> Result<String, Problem> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| Problem::invalid("a text part is not UTF-8"))
}
