//! A small HTTP/1.1 client: requests rendered beforehand, connections kept open, answers read no further than needed. It is the same for
//! every server that is measured, and cheap, since it shares the processors with them.

use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{Failed, process::Server};

/// A connection that is kept open.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The answer to a request; its body lies in the connection's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    begin: usize,
    end: usize,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self, Failed> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends a whole request and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer, Failed> {
        self.stream.write_all(request).await?;
        self.answer().await
    }

    /// Sends part of a request.
    pub(crate) async fn send(&mut self, part: &[u8]) -> Result<(), Failed> {
        Ok(self.stream.write_all(part).await?)
    }

    /// Reads the answer to what was sent.
    pub(crate) async fn answer(&mut self) -> Result<Answer, Failed> {
        self.buffer.clear();
        let begin = loop {
            let searched = self.buffer.len().saturating_sub(3);
            self.more().await?;
            let fresh = self.buffer.get(searched..).unwrap_or_default();
            if let Some(at) = fresh.windows(4).position(|four| four == b"\r\n\r\n") {
                break searched + at + 4;
            }
        };
        let head = std::str::from_utf8(self.buffer.get(..begin).unwrap_or_default())?;
        let status = head.get(9..12).unwrap_or_default().parse()?;
        let length = match head.split_once("content-length: ") {
            Some((_, rest)) => rest.split('\r').next().unwrap_or_default().parse()?,
            None => 0_usize,
        };
        let end = begin + length;
        while self.buffer.len() < end {
            self.more().await?;
        }
        Ok(Answer { status, begin, end })
    }

    async fn more(&mut self) -> Result<(), Failed> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }

    /// The body of the answer read last.
    pub(crate) fn body(&self, answer: Answer) -> &[u8] {
        self.buffer
            .get(answer.begin..answer.end)
            .unwrap_or_default()
    }

    /// Sends a request and returns the JSON of its answer, which must have this status.
    pub(crate) async fn json(
        &mut self,
        request: &[u8],
        status: u16,
    ) -> Result<serde_json::Value, Failed> {
        let answer = self.exchange(request).await?;
        let body = self.body(answer);
        if answer.status != status {
            return Err(refusal(answer.status, body));
        }
        Ok(serde_json::from_slice(body)?)
    }
}

fn refusal(status: u16, body: &[u8]) -> Failed {
    format!("{status}: {}", String::from_utf8_lossy(body)).into()
}

/// Writes a GET request.
pub(crate) fn get(out: &mut Vec<u8>, target: &str) {
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\nhost: localhost\r\n\r\n");
}

/// Writes the head of a POST request; its body follows.
pub(crate) fn post_head(out: &mut Vec<u8>, target: &str, media_type: &str, length: u64) {
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
}

/// Writes a POST request with a JSON body.
pub(crate) fn post(out: &mut Vec<u8>, target: &str, body: &str) {
    post_head(out, target, "application/json", body.len() as u64);
    out.extend_from_slice(body.as_bytes());
}

/// What one side of a comparison is asked.
pub(crate) struct Side<'a> {
    /// The server.
    pub(crate) server: &'a Server,
    /// Writes a request, given a number that grows by one per request.
    pub(crate) request: &'a dyn Fn(u64, &mut Vec<u8>),
    /// What it must answer.
    pub(crate) status: u16,
}

/// What came out of driving one side for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Answers per second.
    pub(crate) rate: f64,
    /// Median time of an answer, in microseconds.
    pub(crate) median: f64,
    /// Processor time per answer, in microseconds, of the server and the engine.
    pub(crate) work: f64,
    /// 99 of 100 answers took no longer than this, in microseconds.
    pub(crate) late: f64,
}

/// Keeps `connections` requests under way for a while. Numbers go on from `next`.
pub(crate) async fn drive(
    side: &Side<'_>,
    connections: usize,
    time: Duration,
    next: &std::cell::Cell<u64>,
) -> Result<Round, Failed> {
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(Connection::open(&side.server.address).await?);
    }
    let used = side.server.processes.used();
    let started = Instant::now();
    let deadline = started + time;
    let mut running: FuturesUnordered<_> = opened
        .into_iter()
        .map(|connection| repeat(connection, side, deadline, next))
        .collect();
    let mut times = Vec::new();
    while let Some(done) = running.next().await {
        times.extend(done?);
    }
    let elapsed = started.elapsed().as_secs_f64();
    let used = side.server.processes.used().saturating_sub(used);
    times.sort_unstable();
    let count = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX));
    let at = |share: usize| {
        let index = times.len() * share / 100;
        f64::from(times.get(index).copied().unwrap_or_default()) / 1_000.0
    };
    Ok(Round {
        rate: count / elapsed,
        work: used.as_secs_f64() * 1e6 / count,
        median: at(50),
        late: at(99),
    })
}

/// Asks again and again; the times of all answers, in nanoseconds.
async fn repeat(
    mut connection: Connection,
    side: &Side<'_>,
    deadline: Instant,
    next: &std::cell::Cell<u64>,
) -> Result<Vec<u32>, Failed> {
    let mut times = Vec::with_capacity(16 * 1024);
    let mut request = Vec::with_capacity(1024);
    let mut begun = Instant::now();
    while begun < deadline {
        request.clear();
        (side.request)(next.replace(next.get() + 1), &mut request);
        let answer = connection.exchange(&request).await?;
        if answer.status != side.status {
            return Err(refusal(answer.status, connection.body(answer)));
        }
        let ended = Instant::now();
        times.push(u32::try_from((ended - begun).as_nanos()).unwrap_or(u32::MAX));
        begun = ended;
    }
    Ok(times)
}
