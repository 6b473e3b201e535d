//! What is refused before it is a request: answered like everything else, and the connection is closed.

use crate::Client;

pub async fn run(client: &mut Client) {
    client.raw("junk\r\n\r\n").await;
    client
        .raw("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n")
        .await;
    let line = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(66_000));
    client.raw(&line).await;
    let headers = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(201));
    client.raw(&headers).await;
    // Two lengths: one reader would take the rest for another request.
    let body = "0\r\n\r\n";
    client
        .raw(&format!("POST /entityType HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n{body}"))
        .await;
    client
        .raw(&format!("POST /entityType HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n{body}"))
        .await;
    client
        .raw("GET /none HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
}
