//! SIGTERM while requests are at work.

use std::time::Duration;

use registry_fault_tests::{Random, Site, Writer, rounds, thing, thing_types};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::Load;

/// Requests that the server has accepted and whose body is still to come.
const ACCEPTED: usize = 16;

/// A request up to the point where the server says that it waits for the body.
async fn accepted(address: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /entity/thing HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut line = [0; 25];
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Every accepted request is answered, every answered write is there, nothing else is, and the process ends well.
async fn terminated_under_load(site: Site) {
    let mut server = site.start(0).await;
    let client = server.client();
    client.define(&thing_types()).await;
    let mut writers = Writer::several(&client, 16).await;
    let mut random = Random(3);
    let cycles = rounds(100);
    for cycle in 0..cycles {
        let load = Load::start(writers, &[server.client()]);
        let mut waiting = Vec::new();
        for number in 0..ACCEPTED {
            let body = thing(&format!("{cycle} {number}")).to_string();
            waiting.push((accepted(server.address(), &body).await, body));
        }
        tokio::time::sleep(Duration::from_millis(random.below(200))).await;
        server.terminate();
        tokio::time::sleep(Duration::from_millis(50)).await;
        for (mut stream, body) in waiting {
            stream.write_all(body.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
        }
        let status = server.ended().await;
        assert!(status.success(), "{status}: {}", server.log());
        writers = load.stop().await;
        server = site.start(0).await;
        let tables = site.tables().await;
        tables.assert_agreement();
        for writer in &mut writers {
            // A request that got no answer was not accepted: nothing came of it.
            writer.settle_as_unanswered(&tables);
        }
        let codes = tables.number("thing", "code").to_string();
        for number in 0..ACCEPTED {
            let code = format!("{cycle} {number}");
            let mut rows = tables.entities.values();
            assert!(rows.any(|row| row.data[&codes] == code), "{code} is lost");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_requests_are_answered_on_sqlite() {
    terminated_under_load(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_requests_are_answered_on_postgres() {
    terminated_under_load(Site::postgres().await).await;
}
