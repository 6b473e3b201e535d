//! Uploaded bodies on disk: nothing is applied before the whole body has arrived, and none of it is held in memory.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::{Stream, StreamExt};
use registry_core::upload::Source;

use super::super::{app::HttpSettings, problem::Failure};

/// Bytes that are gathered before they are written.
const BATCH: usize = 1024 * 1024;
/// What a compressed upload may become however small it is.
const SMALL: u64 = 16 * 1024 * 1024;

/// A body on disk. The file has no name, so that nothing is left behind however the process ends.
#[derive(Clone, Debug)]
pub(super) struct Spooled {
    file: Arc<File>,
}

impl Spooled {
    /// A reader from the first byte on, independent of others.
    pub(super) fn reader(&self) -> SpooledReader {
        SpooledReader {
            file: Arc::clone(&self.file),
            at: 0,
        }
    }
}

impl Source for Spooled {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.reader()))
    }
}

/// Reads a spooled body.
#[derive(Debug)]
pub(super) struct SpooledReader {
    file: Arc<File>,
    at: u64,
}

impl Read for SpooledReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// As it is.
    Plain,
    /// gzip, also of several members (RFC 1952 section 2.2).
    Gzip,
}

/// Writes a stream to disk, unpacked.
pub(super) async fn spool<S, E>(
    mut stream: S,
    packing: Packing,
    settings: &HttpSettings,
) -> Result<Spooled, Failure>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error,
{
    let mut sink = Some(Sink::new(settings.spool.as_deref(), packing, settings)?);
    let mut batch = Vec::new();
    let mut received = 0;
    loop {
        let chunk = match stream.next().await {
            None => break,
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => {
                tracing::debug!(%error, "an upload broke off");
                return Err(incomplete());
            }
        };
        received += chunk.len() as u64;
        if received > settings.max_upload {
            return Err(too_large(settings.max_upload));
        }
        batch.extend_from_slice(&chunk);
        if batch.len() >= BATCH {
            sink = Some(write(sink, std::mem::take(&mut batch), received).await?);
        }
    }
    let sink = write(sink, batch, received).await?;
    tokio::task::spawn_blocking(move || sink.finish())
        .await
        .map_err(|error| Failure::internal(error.to_string()))?
}

async fn write(sink: Option<Sink>, batch: Vec<u8>, received: u64) -> Result<Sink, Failure> {
    let Some(mut sink) = sink else {
        return Err(Failure::internal("the spool lost its file"));
    };
    tokio::task::spawn_blocking(move || {
        sink.write(&batch, received)?;
        Ok(sink)
    })
    .await
    .map_err(|error| Failure::internal(error.to_string()))?
}

/// Where bytes go: a file, through gzip or not.
enum Sink {
    Plain(Bounded),
    Gzip(MultiGzDecoder<Bounded>),
}

impl Sink {
    fn new(
        folder: Option<&Path>,
        packing: Packing,
        settings: &HttpSettings,
    ) -> Result<Self, Failure> {
        let file = match folder {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        };
        let bounded = Bounded {
            file: file.map_err(|error| classify(&error))?,
            written: 0,
            received: 0,
            ratio: settings.max_gzip_ratio,
            limit: settings.max_upload,
            over: None,
        };
        Ok(match packing {
            Packing::Plain => Self::Plain(bounded),
            Packing::Gzip => Self::Gzip(MultiGzDecoder::new(bounded)),
        })
    }

    fn write(&mut self, bytes: &[u8], received: u64) -> Result<(), Failure> {
        let written = match self {
            Self::Plain(file) => file.file.write_all(bytes),
            Self::Gzip(decoder) => {
                decoder.get_mut().received = received;
                decoder.write_all(bytes)
            }
        };
        written.map_err(|error| self.classify(&error))
    }

    fn finish(self) -> Result<Spooled, Failure> {
        let bounded = match self {
            Self::Plain(bounded) => bounded,
            Self::Gzip(mut decoder) => {
                if decoder.get_ref().received == 0 {
                    return Err(bad_gzip());
                }
                if let Err(error) = decoder.try_finish() {
                    let sink = Self::Gzip(decoder);
                    return Err(sink.classify(&error));
                }
                decoder.finish().map_err(|error| classify(&error))?
            }
        };
        Ok(Spooled {
            file: Arc::new(bounded.file),
        })
    }

    fn classify(&self, error: &io::Error) -> Failure {
        let over = match self {
            Self::Plain(_) => None,
            Self::Gzip(decoder) => decoder.get_ref().over,
        };
        match (over, self) {
            (Some(Over::Limit(limit)), _) => too_large(limit),
            (Some(Over::Ratio(ratio)), _) => Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "compression_ratio",
                format!("the body unpacks to more than {ratio} times what was sent"),
            ),
            (None, Self::Gzip(_)) if is_gzip_fault(error) => bad_gzip(),
            (None, _) => classify(error),
        }
    }
}

/// A file that takes no more than it may.
struct Bounded {
    file: File,
    written: u64,
    received: u64,
    ratio: u64,
    limit: u64,
    over: Option<Over>,
}

/// Which bound was passed.
#[derive(Clone, Copy)]
enum Over {
    Limit(u64),
    Ratio(u64),
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let after = self.written + bytes.len() as u64;
        if after > self.limit {
            self.over = Some(Over::Limit(self.limit));
        } else if after > SMALL.max(self.received.saturating_mul(self.ratio)) {
            self.over = Some(Over::Ratio(self.ratio));
        }
        if self.over.is_some() {
            return Err(io::Error::other("too large"));
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn is_gzip_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

fn bad_gzip() -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "malformed_gzip",
        "the body is not whole gzip data",
    )
}

fn incomplete() -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "incomplete_body",
        "the body broke off; nothing was applied",
    )
}

pub(super) fn too_large(limit: u64) -> Failure {
    // Nothing more is read, so the connection cannot go on.
    Failure::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "upload_too_large",
        format!("an upload is at most {limit} bytes"),
    )
    .header(header::CONNECTION, HeaderValue::from_static("close"))
}

fn classify(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "storage_full",
            "there is no room left for the upload; nothing was applied",
        ),
        _ => Failure::internal(format!("spooling an upload: {error}")),
    }
}

/// The body of a request as a stream.
pub(super) fn stream_of(
    body: Body,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Unpin + Send + 'static {
    body.into_data_stream()
}
