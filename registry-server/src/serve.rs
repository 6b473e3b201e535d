//! The serve loop: connections in, answers out, and an orderly end.

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use hyper::{header::TRANSFER_ENCODING, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::timeout,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::{
    http::{App, Surface, TwoLengths},
    indexing, jobs,
};

mod lengths;
mod refusal;

use lengths::Lengths;
use refusal::OwnRefusals;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests may go on after the first signal to end.
const FAREWELL: Duration = Duration::from_secs(30);
/// How often histograms are drained, so that they do not grow between two reads of `/metrics`.
const UPKEEP: Duration = Duration::from_secs(5);
/// Room for the longest request line and all headers, so that it is ours to refuse what is longer than the settings allow.
const HEAD_BUFFER: usize = 256 * 1024;
/// Most headers of one request.
const MAX_HEADERS: usize = 200;

/// Signals that end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
        }
    }
}

/// Serves until a signal comes, and builds indexes meanwhile. Then nothing new is accepted, requests at work are finished for up to 30 seconds, and it returns; a
/// second signal ends it at once.
pub async fn serve(listener: TcpListener, surface: Surface) -> io::Result<()> {
    let mut signals = Signals::new()?;
    let (leave, leaving) = watch::channel(());
    let connections = TaskTracker::new();
    let mut upkeep = tokio::time::interval(UPKEEP);
    jobs::end_left(surface.app()).await;
    let ending = jobs::keep_ending(Arc::clone(surface.app()));
    let ending = AbortOnDropHandle::new(tokio::spawn(ending));
    let indexing = indexing::keep_building(Arc::clone(surface.app()));
    let indexing = AbortOnDropHandle::new(tokio::spawn(indexing));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, surface.clone(), leaving.clone()));
                }
                Err(error) => {
                    // Out of descriptors, most likely: connections that end give some back.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            _ = upkeep.tick() => surface.app().upkeep(),
            () = signals.next() => break,
        }
    }
    drop(listener);
    // The next process goes on with what is unfinished.
    drop((indexing, ending));
    surface.app().leave();
    tracing::info!("ending: requests at work are finished");
    let _ = leave.send(());
    connections.close();
    end(surface.app(), &connections, FAREWELL, signals.next()).await;
    Ok(())
}

/// Finishes what is at work for so long, then gives it up; at a second signal it stops at once, wherever it is.
async fn end(
    app: &App,
    connections: &TaskTracker,
    farewell: Duration,
    second: impl Future<Output = ()>,
) {
    let finished = async {
        connections.wait().await;
        // No connection starts any more; what they started and left is waited for too.
        app.finish_work().await;
    };
    let ended = async {
        if timeout(farewell, finished).await.is_err() {
            tracing::warn!("some requests were still at work and are given up");
            app.give_up_work().await;
        }
    };
    tokio::select! {
        () = ended => {}
        () = second => tracing::warn!("a second signal: ending at once"),
    }
}

async fn connection(stream: TcpStream, surface: Surface, mut leaving: watch::Receiver<()>) {
    // Answers are written whole; waiting for more only delays them.
    let _ = stream.set_nodelay(true);
    let lengths = Lengths::default();
    let heads = lengths.clone();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
        let surface = surface.clone();
        // Asked of every request, so that what is told is of this one.
        if heads.may_be_two() && request.headers().contains_key(TRANSFER_ENCODING) {
            request.extensions_mut().insert(TwoLengths);
        }
        async move {
            let answer = surface.answer(request.map(Body::new)).await;
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BUFFER)
        .max_headers(MAX_HEADERS)
        .half_close(false)
        .serve_connection(TokioIo::new(OwnRefusals::new(stream, lengths)), service);
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        _ = leaving.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Binds the address of the server.
pub async fn listen(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use registry_core::service::Registry;
    use registry_memory::MemoryStore;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::http::HttpSettings;

    /// What comes back until the server closes the connection.
    async fn exchange(request: Vec<u8>) -> String {
        exchange_in(vec![request]).await
    }

    /// The same for a request that comes in pieces.
    async fn exchange_in(pieces: Vec<Vec<u8>>) -> String {
        let store = Arc::new(MemoryStore::new());
        let registry = Registry::new(Arc::clone(&store) as _, store);
        let surface = Surface::new(Arc::new(App::new(registry, HttpSettings::default())));
        let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, surface));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let mut answer = Vec::new();
        let write = async {
            for piece in pieces {
                // The server may close before it has read everything.
                let _ = writer.write_all(&piece).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let ((), read) = tokio::join!(write, reader.read_to_end(&mut answer));
        read.unwrap();
        server.abort();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn what_cannot_be_parsed_is_answered_with_a_problem_too() {
        let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(66_000));
        let many = format!(
            "GET / HTTP/1.1\r\n{}\r\n",
            "x: y\r\n".repeat(MAX_HEADERS + 1)
        );
        let both = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n";
        let cases = [
            (long, "HTTP/1.1 414 URI Too Long", "uri_too_long"),
            (
                many,
                "HTTP/1.1 431 Request Header Fields Too Large",
                "headers_too_large",
            ),
            (
                both.to_owned(),
                "HTTP/1.1 400 Bad Request",
                "malformed_request",
            ),
            (
                "junk\r\n\r\n".to_owned(),
                "HTTP/1.1 400 Bad Request",
                "malformed_request",
            ),
        ];
        for (request, line, code) in cases {
            let answer = exchange(request.into_bytes()).await;
            assert!(answer.starts_with(line), "{answer}");
            assert!(
                answer.contains("content-type: application/problem+json"),
                "{answer}"
            );
            assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_second_signal_ends_the_giving_up_too() {
        let store = Arc::new(MemoryStore::new());
        let registry = Registry::new(Arc::clone(&store) as _, store);
        let app = App::new(registry, HttpSettings::default());
        // It does not hear that it is given up.
        app.work.spawn(std::future::pending::<()>());
        let connections = TaskTracker::new();
        connections.close();
        let second = tokio::time::sleep(Duration::from_millis(100));
        let ended = end(&app, &connections, Duration::ZERO, second);
        timeout(Duration::from_secs(5), ended).await.unwrap();
        assert!(app.giving_up.is_cancelled());
    }

    #[tokio::test]
    async fn ordinary_answers_pass_unchanged() {
        let request = "GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let answer = exchange(request.as_bytes().to_vec()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("{\"status\":\"up\"}"), "{answer}");
    }

    const TWO_LENGTHS: &str = "Content-Length and Transfer-Encoding must not stand together";

    #[tokio::test]
    async fn two_lengths_are_found_wherever_a_head_begins_and_ends() {
        let first = "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n\
                     POST /entityType HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n";
        let rest = "content-length: 5\r\n\r\n0\r\n\r\n";
        let pieces = [first, rest].map(|piece| piece.as_bytes().to_vec());
        let answer = exchange_in(pieces.to_vec()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains(TWO_LENGTHS), "{answer}");
    }

    #[tokio::test]
    async fn requests_with_one_length_each_may_come_on_each_others_heels() {
        let post = |more: &str| {
            format!(
                "POST /entityType HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                 transfer-encoding: chunked\r\n{more}\r\n2\r\n{{}}\r\n0\r\n\r\n"
            )
        };
        let requests = post("") + &post("") + &post("connection: close\r\n");
        let answer = exchange(requests.into_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 422 ").count(), 3, "{answer}");
    }

    #[tokio::test]
    async fn a_body_that_is_asked_for_is_followed_too() {
        let head = "POST /entityType HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                    expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n";
        // The next head comes with the end of the body.
        let body = "2\r\n{}\r\n0\r\n\r\n";
        let next = format!(
            "POST /entityType HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n{body}"
        );
        let pieces = vec![
            head.as_bytes().to_vec(),
            (body.to_owned() + &next).into_bytes(),
        ];
        let answer = exchange_in(pieces).await;
        assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 422 ").count(), 1, "{answer}");
        assert!(answer.contains(TWO_LENGTHS), "{answer}");
    }
}
