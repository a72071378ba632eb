//! Reading a request: its body within limits of bytes, of time, and of the bytes of all
//! requests together; then the question in it.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request, multipart::MultipartError},
    http::{HeaderMap, header},
};
use bakeoff_ask::ExplainKind;
use http_body_util::LengthLimitError;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    answer::{Content, Question},
    limits::Limits,
    problem::{Code, Problem},
};

/// The memory for the bodies of all requests together, counted in KiB.
pub(crate) struct BodyMemory {
    available: Arc<Semaphore>,
    limits: Limits,
}

/// A request's body. Its share of the memory is free again when this is dropped.
pub(crate) struct HeldBody {
    pub(crate) bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

/// Bodies of a known length up to this one are not counted: drawings and pixels. There are
/// at most as many as connections, and they are answered while large images arrive
/// slowly.
const SMALL_BYTES: usize = 64 << 10;

/// The whole KiB that hold so many bytes; at least one.
fn kibibytes(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX)
}

impl BodyMemory {
    pub(crate) fn new(limits: Limits) -> Self {
        // One body of the largest size must always fit.
        let bytes = limits.all_bodies_bytes.max(limits.body_bytes);
        let permits = (kibibytes(bytes) as usize).min(Semaphore::MAX_PERMITS);
        Self {
            available: Arc::new(Semaphore::new(permits)),
            limits,
        }
    }

    /// Reads a body of at most `most` bytes.
    ///
    /// # Errors
    /// [`Code::UnsupportedEncoding`]; [`Code::BodyTooLarge`], before anything is read where the request says its length;
    /// [`Code::TooSlow`]; [`Code::Busy`] when no memory is free in time; and
    /// [`Code::BrokenBody`].
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        most: usize,
    ) -> Result<HeldBody, Problem> {
        let most = most.min(self.limits.body_bytes);
        let too_large = || {
            let detail = format!("this address reads at most {}", size_text(most));
            Problem::new(Code::BodyTooLarge, detail)
        };
        let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
        for encoding in encodings {
            if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
                let detail = format!(
                    "the body is read as it is: send it without Content-Encoding ({encoding:?})"
                );
                return Err(Problem::new(Code::UnsupportedEncoding, detail));
            }
        }
        let length = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok())
            .and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > most) {
            return Err(too_large());
        }
        let memory = match length {
            Some(length) if length <= SMALL_BYTES => None,
            _ => Some(self.reserve(length.unwrap_or(most)).await?),
        };
        let time = self.limits.upload_time;
        let bytes = timeout(time, axum::body::to_bytes(body, most))
            .await
            .map_err(|_| {
                let seconds = time.as_secs_f64();
                let detail = format!("the whole request must arrive within {seconds} s");
                Problem::new(Code::TooSlow, detail)
            })?
            .map_err(|error| match error.into_inner() {
                inner if inner.is::<LengthLimitError>() => too_large(),
                inner => Problem::new(Code::BrokenBody, inner.to_string()),
            })?;
        Ok(HeldBody {
            bytes,
            _memory: memory,
        })
    }

    async fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let memory = Arc::clone(&self.available).acquire_many_owned(kibibytes(bytes));
        match timeout(self.limits.upload_time, memory).await {
            Ok(Ok(memory)) => Ok(memory),
            _ => Err(Problem::new(
                Code::Busy,
                "too many images at once; ask again in a second",
            )),
        }
    }
}

fn size_text(bytes: usize) -> String {
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

/// A question about an image's values as a model sees them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PixelsRequest {
    /// Taken as numbers, so that a wrong one can be named.
    pixels: Vec<f64>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    explain: Vec<ExplainKind>,
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
            // Only whole numbers from 0 to 255 are the same after the conversion.
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

/// The question in a body that was read.
///
/// # Errors
/// [`Code::UnsupportedMediaType`], [`Code::MalformedMultipart`] or
/// [`Code::InvalidRequest`].
pub(crate) async fn question(headers: &HeaderMap, bytes: Bytes) -> Result<Question, Problem> {
    match media_type(headers).as_str() {
        "application/json" => {
            let request: PixelsRequest = json(&bytes)?;
            Ok(Question {
                content: Content::Pixels(grey_levels(&request.pixels)?),
                models: request.models,
                explain: request.explain,
            })
        }
        "multipart/form-data" => multipart(headers, bytes).await,
        other => Err(Problem::new(
            Code::UnsupportedMediaType,
            format!(
                "send multipart/form-data with a part `picture`, or application/json with \
                 `pixels`; the content type is {}",
                if other.is_empty() { "missing" } else { other }
            ),
        )),
    }
}

async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Result<Question, Problem> {
    let malformed = |text: String| Problem::new(Code::MalformedMultipart, text);
    let broken = |error: MultipartError| malformed(error.body_text());
    let mut request = Request::new(Body::from(bytes));
    *request.headers_mut() = headers.clone();
    // The body was read within our own limit; axum's is 2 MB, less than most photos.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|error| malformed(error.body_text()))?;
    let mut picture: Option<Bytes> = None;
    let (mut models, mut explain) = (Vec::new(), Vec::new());
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(broken)?;
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
    Ok(Question {
        content: Content::Picture(picture),
        models,
        explain,
    })
}

/// A short text part.
fn text(bytes: &Bytes) -> Result<String, Problem> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| Problem::invalid("a text part is not UTF-8"))
}
