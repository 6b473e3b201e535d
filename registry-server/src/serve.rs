//! The serve loop: connections in, answers out, and an orderly end.

use std::{io, time::Duration};

use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::timeout,
};
use tokio_util::task::TaskTracker;

use crate::http::Surface;

mod refusal;

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

/// Serves until a signal comes. Then nothing new is accepted, requests at work are finished for up to 30 seconds, and it returns; a
/// second signal ends it at once.
pub async fn serve(listener: TcpListener, surface: Surface) -> io::Result<()> {
    let mut signals = Signals::new()?;
    let (leave, leaving) = watch::channel(());
    let connections = TaskTracker::new();
    let mut upkeep = tokio::time::interval(UPKEEP);
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
    surface.app().leave();
    tracing::info!("ending: requests at work are finished");
    let _ = leave.send(());
    connections.close();
    tokio::select! {
        done = timeout(FAREWELL, connections.wait()) => {
            if done.is_err() {
                tracing::warn!("some requests were still at work and are given up");
            }
        }
        () = signals.next() => tracing::warn!("a second signal: ending at once"),
    }
    Ok(())
}

async fn connection(stream: TcpStream, surface: Surface, mut leaving: watch::Receiver<()>) {
    // Answers are written whole; waiting for more only delays them.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
        let surface = surface.clone();
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
        .serve_connection(TokioIo::new(OwnRefusals::new(stream)), service);
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
