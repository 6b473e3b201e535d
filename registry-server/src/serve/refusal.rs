//! Problems for requests that cannot even be parsed.
//!
//! The HTTP library answers those by itself, with a bare status. This stream stands below it and puts a problem document in the place
//! of such an answer. It also hands what it reads to the [`HeadReader`].

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    HEAD_BUFFER,
    lengths::{HeadReader, Lengths},
};

/// A stream that replaces bare refusals.
#[derive(Debug)]
pub(super) struct OwnRefusals<S> {
    stream: S,
    /// Whether everything written before was flushed: a bare refusal is always the first thing after that.
    fresh: bool,
    /// What stands in the place of a bare refusal, and how much of it is written.
    instead: Option<(Vec<u8>, usize)>,
    heads: HeadReader,
}

impl<S> OwnRefusals<S> {
    pub(super) fn new(stream: S, lengths: Lengths) -> Self {
        Self {
            stream,
            heads: HeadReader::new(lengths),
            fresh: true,
            instead: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for OwnRefusals<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        self.heads.read(bytes, HEAD_BUFFER);
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> OwnRefusals<S> {
    /// Writes the replacement; `None` when there is none for these bytes.
    fn poll_instead(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Option<io::Result<usize>>> {
        if self.instead.is_none() && self.fresh {
            self.instead = replacement(bytes).map(|text| (text, 0));
        }
        let Some((text, written)) = &mut self.instead else {
            return Poll::Ready(None);
        };
        while let Some(rest) = text.get(*written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest)) {
                Ok(0) => return Poll::Ready(Some(Ok(0))),
                Ok(count) => *written += count,
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        self.instead = None;
        self.fresh = false;
        Poll::Ready(Some(Ok(bytes.len())))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OwnRefusals<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(done) = ready!(self.poll_instead(context, bytes)) {
            return Poll::Ready(done);
        }
        self.fresh = false;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        if let Some(first) = first
            && let Some(done) = ready!(self.poll_instead(context, first))
        {
            return Poll::Ready(done);
        }
        self.fresh = false;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.fresh = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The problem that stands for a bare refusal; `None` for anything else.
fn replacement(bytes: &[u8]) -> Option<Vec<u8>> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 ")?;
    let bare = bytes.len() < 256
        && bytes.ends_with(b"\r\n\r\n")
        && contains(bytes, b"content-length: 0\r\n")
        && !contains(bytes, b"x-request-id");
    if !bare {
        return None;
    }
    let (line, code, detail) = match rest.get(..3)? {
        b"400" => (
            "400 Bad Request",
            "malformed_request",
            "the request is not HTTP/1.1 as it should be",
        ),
        b"414" => (
            "414 URI Too Long",
            "uri_too_long",
            "the request line is too long",
        ),
        b"431" => (
            "431 Request Header Fields Too Large",
            "headers_too_large",
            "the headers are too many or too large",
        ),
        _ => return None,
    };
    let (status, title) = line.split_once(' ')?;
    let request_id = uuid::Uuid::new_v4();
    let body = format!(
        "{{\"type\":\"urn:registry:problem:{code}\",\"title\":\"{title}\",\"status\":{status},\"code\":\"{code}\",\
         \"detail\":\"{detail}\",\"errors\":[],\"request_id\":\"{request_id}\"}}"
    );
    let head = format!(
        "HTTP/1.1 {line}\r\ncontent-type: application/problem+json\r\nx-request-id: {request_id}\r\n\
         x-content-type-options: nosniff\r\nvary: authorization\r\ncache-control: private, no-cache\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Some((head + &body).into_bytes())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
