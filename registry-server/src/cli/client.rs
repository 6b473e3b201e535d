//! Requests of the command line: to a running server, or to the same surface over a store in this process.

use std::{fmt::Write, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, Response, StatusCode, header},
};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{CommandError, store::StoreFlags};
use crate::http::{App, HttpSettings, Surface};

/// What stays as it is in a path segment or a value of a query string (RFC 3986 section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Which registry to talk to, and how to print.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// A running server, such as `http://127.0.0.1:8080`; without it the store is opened directly
    #[arg(long, env = "REGISTRY_URL", conflicts_with = "store")]
    url: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
    /// How to print
    #[arg(long, env = "REGISTRY_OUTPUT", default_value = "text")]
    pub(crate) output: Output,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// A way to the HTTP surface.
#[derive(Debug)]
pub(crate) enum Client {
    /// Over the network.
    Remote { base: String, http: reqwest::Client },
    /// In this process.
    Local(Surface),
}

impl Target {
    /// Connects, or opens the store.
    pub(crate) async fn client(&self) -> Result<Client, CommandError> {
        if let Some(url) = &self.url {
            return Ok(Client::Remote {
                base: url.trim_end_matches('/').to_owned(),
                http: reqwest::Client::builder().build()?,
            });
        }
        let registry = self.store.open().await?;
        let settings = HttpSettings {
            spool: self.store.folder()?,
            ..HttpSettings::default()
        };
        Ok(Client::Local(Surface::new(Arc::new(App::new(
            registry, settings,
        )))))
    }
}

impl Client {
    /// Sends a request; `Ok` whatever its status.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Body>, CommandError> {
        match self {
            Self::Local(surface) => Ok(surface.answer(request).await),
            Self::Remote { base, http } => {
                let (parts, body) = request.into_parts();
                let answer = http
                    .request(parts.method, format!("{base}{}", parts.uri))
                    .headers(parts.headers)
                    .body(reqwest::Body::wrap_stream(body.into_data_stream()))
                    .send()
                    .await?;
                let status = answer.status();
                let headers = answer.headers().clone();
                let stream = answer.bytes_stream().map_err(std::io::Error::other);
                let mut response = Response::new(Body::from_stream(stream));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                Ok(response)
            }
        }
    }

    /// Sends a request with a JSON body or none, and reads the JSON answer. A problem is an error.
    pub(crate) async fn json(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        let mut request = Request::builder().method(method).uri(target);
        let body = match body {
            None => Body::empty(),
            Some(value) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(value.to_string())
            }
        };
        let answer = self.send(request.body(body)?).await?;
        let status = answer.status();
        let bytes = read(answer).await?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&bytes)?);
        }
        Err(problem(status, &bytes))
    }
}

/// The whole body of an answer.
pub(crate) async fn read(answer: Response<Body>) -> Result<Bytes, CommandError> {
    Ok(to_bytes(answer.into_body(), usize::MAX).await?)
}

/// A path or query value, escaped.
pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// A query string of the values that are there, with its question mark.
pub(crate) fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let given: Vec<String> = pairs
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", escape((*value)?))))
        .collect();
    if given.is_empty() {
        return String::new();
    }
    format!("?{}", given.join("&"))
}

/// A problem document as an error, with its reasons on lines of their own.
pub(crate) fn problem(status: StatusCode, bytes: &[u8]) -> CommandError {
    let document: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let (Some(code), Some(detail)) = (text("code"), text("detail")) else {
        return format!("the server answered {status}").into();
    };
    let mut message = format!("{code}: {detail}");
    let errors = document.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        let part = |name: &str| error.get(name).and_then(Value::as_str);
        let line = error.get("line").map(|line| format!("line {line}"));
        let place = part("column").or(part("pointer")).or(part("parameter"));
        let place: Vec<&str> = line.as_deref().into_iter().chain(place).collect();
        let place = place.join(" ");
        let code = part("code").unwrap_or_default();
        let reason = part("message").unwrap_or_default();
        let _ = write!(message, "\n  {place} {code}: {reason}");
    }
    message.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_hold_what_is_given() {
        assert_eq!(query(&[("a", None)]), "");
        assert_eq!(
            query(&[("a", Some("x = \"é\"")), ("b", None), ("c", Some("1"))]),
            "?a=x%20%3D%20%22%C3%A9%22&c=1"
        );
    }

    #[test]
    fn problems_are_told_with_every_reason() {
        let document = br#"{"code":"invalid_entity","detail":"2 problems","errors":[
            {"pointer":"/fields/a","code":"type","message":"must be a text"},
            {"parameter":"limit","code":"invalid_limit","message":"must be from 1 to 1000"},
            {"line":1,"column":"nope","code":"unknown_column","message":"no such column"}]}"#;
        assert_eq!(
            problem(StatusCode::UNPROCESSABLE_ENTITY, document).to_string(),
            "invalid_entity: 2 problems\n  /fields/a type: must be a text\n  limit invalid_limit: must be from 1 to 1000\n  line 1 nope unknown_column: no such column"
        );
        assert_eq!(
            problem(StatusCode::BAD_GATEWAY, b"<html>").to_string(),
            "the server answered 502 Bad Gateway"
        );
    }
}
