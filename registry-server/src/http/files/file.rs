//! The file in a request: raw or the one part of a form, compressed or not.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use registry_core::upload::Format;
use tokio_util::io::ReaderStream;

use super::{
    super::{app::HttpSettings, call::Call, problem::Failure},
    spool::{Packing, Spooled, spool, stream_of, too_large},
};

/// A form with one file in it.
pub(super) const FORM: &str = "multipart/form-data";

/// A file that has arrived whole.
#[derive(Debug)]
pub(super) struct Arrived {
    /// Its format.
    pub(super) format: Format,
    /// Its bytes.
    pub(super) file: Spooled,
}

/// Takes the file of a request to disk.
pub(super) async fn arrive(call: &mut Call) -> Result<Arrived, Failure> {
    let packing = packing(&call.parts.headers)?;
    let limit = call.app.settings.max_upload;
    if announced(&call.parts.headers).is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let stream = std::mem::take(&mut call.stream)
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let stream = stream_of(stream);
    let settings = &call.app.settings;
    if call.media_type != FORM {
        let format = Format::from_media_type(call.media_type)
            .ok_or_else(|| Failure::internal("a route takes a file of no known format"))?;
        return Ok(Arrived {
            format,
            file: spool(stream, packing, settings).await?,
        });
    }
    let boundary = boundary(&call.parts.headers)?;
    match packing {
        Packing::Plain => one_part(multer::Multipart::new(stream, boundary), settings).await,
        Packing::Gzip => {
            let whole = spool(stream, packing, settings).await?;
            let unpacked = ReaderStream::new(BlockingReader(whole.reader()));
            one_part(multer::Multipart::new(unpacked, boundary), settings).await
        }
    }
}

/// The length that the client says its body has.
fn announced(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn packing(headers: &HeaderMap) -> Result<Packing, Failure> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let first = encodings.next().map(HeaderValue::as_bytes);
    match (first, encodings.next()) {
        (None, _) => Ok(Packing::Plain),
        (Some(value), None) if value.eq_ignore_ascii_case(b"identity") => Ok(Packing::Plain),
        (Some(value), None) if value.eq_ignore_ascii_case(b"gzip") => Ok(Packing::Gzip),
        _ => Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Content-Encoding of an upload is gzip or left out",
        )),
    }
}

fn boundary(headers: &HeaderMap) -> Result<String, Failure> {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| multer::parse_boundary(value.to_str().ok()?).ok())
        .ok_or_else(|| malformed("the form names no boundary"))
}

/// The one part named `file`; any other is refused.
async fn one_part(
    mut form: multer::Multipart<'_>,
    settings: &HttpSettings,
) -> Result<Arrived, Failure> {
    let part = form.next_field().await.map_err(|error| fault(&error))?;
    let part = part.ok_or_else(|| malformed("the form holds no part named file"))?;
    if part.name() != Some("file") {
        return Err(malformed("the form holds a part that is not named file"));
    }
    let format = format_of(&part).ok_or_else(|| {
        Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "the part must be text/csv, application/x-ndjson or application/json, by its Content-Type or the ending of its file name",
        )
    })?;
    let file = spool(part, Packing::Plain, settings).await?;
    let more = form.next_field().await.map_err(|error| fault(&error))?;
    if more.is_some() {
        return Err(malformed("the form holds more than one part"));
    }
    Ok(Arrived { format, file })
}

/// What a part says of itself; clients that do not know the media type say so with `application/octet-stream`, and then its name counts.
fn format_of(part: &multer::Field<'_>) -> Option<Format> {
    let essence = part
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|text| {
            text.split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        });
    match essence.as_deref() {
        None | Some("application/octet-stream" | "text/plain" | "application/vnd.ms-excel") => {
            let ending = part.file_name()?.rsplit_once('.')?.1.to_ascii_lowercase();
            match ending.as_str() {
                "csv" => Some(Format::Csv),
                "ndjson" | "jsonl" => Some(Format::Ndjson),
                "json" => Some(Format::Json),
                _ => None,
            }
        }
        Some(media_type) => Format::from_media_type(media_type),
    }
}

fn malformed(detail: &'static str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "malformed_form", detail)
}

fn fault(error: &multer::Error) -> Failure {
    tracing::debug!(%error, "a form cannot be read");
    malformed("the form cannot be read, or broke off")
}

/// A spooled body as an asynchronous reader. Its reads come from the page cache of what was just written.
struct BlockingReader<R>(R);

impl<R: std::io::Read + Unpin> tokio::io::AsyncRead for BlockingReader<R> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let count = self.0.read(buffer.initialize_unfilled())?;
        buffer.advance(count);
        std::task::Poll::Ready(Ok(()))
    }
}
