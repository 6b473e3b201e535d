//! Everything that happens around a handler, in one place instead of a stack of layers: ids, limits, negotiation, timeouts, panics,
//! common headers and metrics.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt};
use http_body_util::LengthLimitError;

use super::{
    app::App,
    call::Call,
    headers::{content_type, negotiate, no_encoding, not_supported_yet, prefer},
    meter::Meter,
    problem::{Answer, Failure},
    query::Parameters,
    route::{Route, Takes},
};

/// The header that names a request in answers and in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a refused body that are read and dropped.
const PASSED_OVER: usize = 16 * 1024 * 1024;
/// For how long.
const PASSING_OVER: Duration = Duration::from_secs(5);

/// All operations of one path.
#[derive(Debug)]
pub(crate) struct Endpoint {
    app: Arc<App>,
    operations: Vec<(&'static Route, Meter)>,
    other: Meter,
    allow: HeaderValue,
}

impl Endpoint {
    pub(crate) fn new(app: Arc<App>, routes: &[&'static Route]) -> Self {
        let path = routes.first().map_or("other", |route| route.path);
        let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        Self {
            app,
            operations: routes
                .iter()
                .map(|route| (*route, Meter::new(route.method.as_str(), path)))
                .collect(),
            other: Meter::new("other", "other"),
            allow: HeaderValue::from_str(&methods.join(", "))
                .unwrap_or(HeaderValue::from_static("")),
        }
    }

    /// Answers a request. It always answers: refusals, failures and panics become problems.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let request_id = request_id(&self.app, &parts.headers);
        let method = match parts.method {
            Method::HEAD => &Method::GET,
            ref method => method,
        };
        let operation = self
            .operations
            .iter()
            .find(|(route, _)| route.method == *method);
        let settings = &self.app.settings;
        let sizes = check_length(&parts)
            .and_then(|()| check_sizes(&parts, settings.max_request_line, settings.max_headers));
        let (answer, meter) = match (sizes, operation) {
            (Err(failure), _) => (Err(failure), &self.other),
            (Ok(()), Some((route, meter))) => {
                let work = AssertUnwindSafe(self.guarded(route, parts, body));
                let answer = work.catch_unwind().await.unwrap_or_else(|panic| {
                    Err(Failure::internal(format!("panic: {}", panic_text(&*panic))))
                });
                (answer, meter)
            }
            (Ok(()), None) => (Err(self.no_operation()), &self.other),
        };
        let mut response = answer
            .unwrap_or_else(|failure| failure.respond(request_id.to_str().unwrap_or_default()));
        finish(response.headers_mut(), request_id);
        meter.record(response.status(), started.elapsed());
        response
    }

    fn no_operation(&self) -> Failure {
        if self.operations.is_empty() {
            return Failure::new(StatusCode::NOT_FOUND, "not_found", "no such path");
        }
        Failure::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this path does not know the method",
        )
        .header(header::ALLOW, self.allow.clone())
    }

    async fn guarded(&self, route: &'static Route, parts: Parts, body: Body) -> Answer {
        let _permit = match self.app.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.wait_for_permit().await?,
        };
        let call = self.read(route, parts, body).await?;
        let writes = route.method != Method::GET;
        let work = (route.handler)(call);
        if route.unbounded() {
            return work.await;
        }
        match tokio::time::timeout(self.app.settings.request_timeout, work).await {
            Ok(answer) => answer,
            Err(_) if writes => Err(Failure::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "unknown_outcome",
                "the request took too long and was given up: the write may have happened or not",
            )),
            Err(_) => Err(Failure::unavailable(
                "request_timeout",
                "the request took too long",
                "5",
            )),
        }
    }

    async fn wait_for_permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
        let patience = self.app.settings.request_timeout;
        match tokio::time::timeout(patience, self.app.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Failure::unavailable(
                "overloaded",
                "too many requests at once",
                "2",
            )),
        }
    }

    /// Checks what can be checked before the handler, in the order of the contract, and reads a JSON body.
    async fn read(&self, route: &'static Route, parts: Parts, body: Body) -> Result<Call, Failure> {
        let accepted = match route.gives {
            [] => "",
            gives => negotiate(&parts.headers, gives)?,
        };
        let media_type = match route.takes {
            Takes::Nothing | Takes::Whatever => "",
            Takes::Json(accepted) => {
                no_encoding(&parts.headers)?;
                content_type(&parts.headers, accepted)?
            }
            Takes::File(accepted) => content_type(&parts.headers, accepted)?,
        };
        if parts.headers.contains_key("idempotency-key") {
            return Err(not_supported_yet("Idempotency-Key"));
        }
        // It has a meaning for GET; for a write it would ask for something else, which must not be passed over.
        if parts.method != Method::GET && parts.headers.contains_key(header::IF_NONE_MATCH) {
            return Err(not_supported_yet("If-None-Match on a write"));
        }
        let prefer = prefer(&parts.headers)?;
        if route.parameters.is_empty() {
            Parameters::parse(parts.uri.query(), &[])?;
        }
        let (json, stream) = match route.takes {
            Takes::Json(_) => (self.read_json(&parts.headers, body).await?, Body::empty()),
            Takes::Nothing => {
                self.no_body(body).await?;
                (Bytes::new(), Body::empty())
            }
            Takes::Whatever | Takes::File(_) => (Bytes::new(), body),
        };
        Ok(Call {
            app: Arc::clone(&self.app),
            caller: self.app.callers.caller(&parts.headers),
            route,
            parts,
            media_type,
            accepted,
            json,
            stream: Mutex::new(stream),
            prefer,
        })
    }

    /// Refuses a body where none belongs: it must not be passed over in silence. A chunked one may be empty, which only its end tells.
    async fn no_body(&self, body: Body) -> Result<(), Failure> {
        if http_body::Body::is_end_stream(&body) {
            return Ok(());
        }
        let empty = async {
            let mut frames = body.into_data_stream();
            while let Some(frame) = frames.next().await {
                if !frame.is_ok_and(|bytes| bytes.is_empty()) {
                    return false;
                }
            }
            true
        };
        match tokio::time::timeout(self.app.settings.request_timeout, empty).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "unexpected_body",
                "this operation takes no body",
            )
            .header(header::CONNECTION, HeaderValue::from_static("close"))),
            Err(_) => Err(body_too_slow()),
        }
    }

    async fn read_json(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Failure> {
        let limit = self.app.settings.max_body;
        let too_large = || {
            // Nothing more is read, so the connection cannot go on.
            Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("a JSON body is at most {limit} bytes"),
            )
            .header(header::CONNECTION, HeaderValue::from_static("close"))
        };
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            pass_over(body).await;
            return Err(too_large());
        }
        let read = to_bytes(body, limit);
        match tokio::time::timeout(self.app.settings.request_timeout, read).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) if caused_by_limit(&error) => Err(too_large()),
            Ok(Err(_)) => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "incomplete_body",
                "the body broke off",
            )),
            Err(_) => Err(body_too_slow()),
        }
    }
}

/// Reads a refused body without keeping it, up to [`PASSED_OVER`] and for [`PASSING_OVER`]: a client that writes all of its request before
/// it reads would find the connection reset instead of the answer.
async fn pass_over(body: Body) {
    let all = body
        .into_data_stream()
        .try_fold(0, async |read: usize, bytes| {
            let read = read.saturating_add(bytes.len());
            if read > PASSED_OVER {
                return Err(axum::Error::new("more than is passed over"));
            }
            Ok(read)
        });
    // Whether it came to its end makes no difference to the answer.
    drop(tokio::time::timeout(PASSING_OVER, all).await);
}

fn body_too_slow() -> Failure {
    Failure::new(
        StatusCode::REQUEST_TIMEOUT,
        "request_timeout",
        "the body took too long to arrive",
    )
    .header(header::CONNECTION, HeaderValue::from_static("close"))
}

/// Marks a request whose length can be read in two ways, where its headers no longer show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoLengths;

/// Refuses `Content-Length` beside `Transfer-Encoding` (RFC 9112 section 6.3): whoever stands in front may have believed the other one.
fn check_length(parts: &Parts) -> Result<(), Failure> {
    let both = parts.headers.contains_key(header::TRANSFER_ENCODING)
        && parts.headers.contains_key(header::CONTENT_LENGTH);
    if both || parts.extensions.get::<TwoLengths>().is_some() {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "malformed_request",
            "Content-Length and Transfer-Encoding must not stand together",
        )
        .header(header::CONNECTION, HeaderValue::from_static("close")));
    }
    Ok(())
}

fn caused_by_limit(error: &axum::Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        if source.is::<LengthLimitError>() {
            return true;
        }
        next = source.source();
    }
    false
}

fn check_sizes(parts: &Parts, max_line: usize, max_headers: usize) -> Result<(), Failure> {
    let target = parts
        .uri
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    if parts.method.as_str().len() + target + " ".len() + " HTTP/1.1".len() > max_line {
        return Err(Failure::new(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            format!("the request line is at most {max_line} bytes"),
        ));
    }
    let size: usize = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum();
    if size > max_headers {
        return Err(Failure::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers_too_large",
            format!("the headers are at most {max_headers} bytes"),
        ));
    }
    Ok(())
}

/// The client's own id when it is 1 to 128 visible ASCII characters, else a new one.
fn request_id(app: &App, headers: &HeaderMap) -> HeaderValue {
    if let Some(value) = headers.get(REQUEST_ID)
        && (1..=128).contains(&value.len())
        && value.as_bytes().iter().all(u8::is_ascii_graphic)
    {
        return value.clone();
    }
    HeaderValue::from_str(&app.next_request_id()).unwrap_or(HeaderValue::from_static("-"))
}

/// The headers that every answer carries.
fn finish(headers: &mut HeaderMap, request_id: HeaderValue) {
    headers.insert(REQUEST_ID, request_id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of no text")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use std::time::Duration;

    use registry_core::service::Registry;
    use registry_memory::MemoryStore;
    use serde_json::Value;

    use super::{super::app::HttpSettings, *};

    static PANICS: Route = route(Method::GET, |_| Box::pin(async { panic!("a secret") }));
    static SLEEPS: Route = route(Method::GET, |_| Box::pin(std::future::pending()));
    static WRITES: Route = route(Method::PUT, |_| Box::pin(std::future::pending()));

    const fn route(method: Method, handler: super::super::route::Handler) -> Route {
        Route {
            method,
            path: "/test",
            id: "test",
            summary: "",
            parameters: &[],
            takes: Takes::Nothing,
            gives: &[],
            success: 200,
            handler,
        }
    }

    async fn answer(route: &'static Route, settings: HttpSettings) -> (StatusCode, Value) {
        let store = Arc::new(MemoryStore::new());
        let registry = Registry::new(Arc::clone(&store) as _, store);
        let endpoint = Endpoint::new(Arc::new(App::new(registry, settings)), &[route]);
        let request = Request::builder()
            .method(route.method.clone())
            .uri("/test")
            .body(Body::empty())
            .unwrap();
        let response = endpoint.answer(request).await;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    fn impatient() -> HttpSettings {
        HttpSettings {
            request_timeout: Duration::from_millis(20),
            ..HttpSettings::default()
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let (status, document) = answer(&PANICS, HttpSettings::default()).await;
        assert_eq!(status, 500);
        assert_eq!(document["code"], "internal");
        assert!(!document.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn a_read_that_takes_too_long_may_be_tried_again() {
        let (status, document) = answer(&SLEEPS, impatient()).await;
        assert_eq!(status, 503);
        assert_eq!(document["code"], "request_timeout");
    }

    #[tokio::test]
    async fn a_write_that_takes_too_long_may_have_happened() {
        let (status, document) = answer(&WRITES, impatient()).await;
        assert_eq!(status, 500);
        assert_eq!(document["code"], "unknown_outcome");
    }

    #[tokio::test]
    async fn too_many_requests_at_once_are_turned_away_in_the_end() {
        let settings = HttpSettings {
            max_requests: 0,
            ..impatient()
        };
        let (status, document) = answer(&SLEEPS, settings).await;
        assert_eq!(status, 503);
        assert_eq!(document["code"], "overloaded");
    }
}
