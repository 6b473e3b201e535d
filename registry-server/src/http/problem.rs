//! Problems (RFC 9457): every refusal and failure becomes one document here, in one table.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use registry_core::{
    Error, Problem,
    port::{StoreError, StoreErrorKind},
    problem::{Place, Refusal, Refused},
};
use serde_json::{Map, Value, json};

/// What a handler answers.
pub(crate) type Answer = Result<Response, Failure>;

/// A request that was not done, on its way to becoming a problem document.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: String,
    problems: Vec<Problem>,
    extra: Vec<(&'static str, Value)>,
    headers: HeaderMap,
    cause: Option<String>,
}

impl Failure {
    /// A failure with this status.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            detail: detail.into(),
            problems: Vec::new(),
            extra: Vec::new(),
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// 400 for one query parameter.
    pub(crate) fn parameter(name: &str, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut failure = Self::new(StatusCode::BAD_REQUEST, code, message.clone());
        failure
            .0
            .problems
            .push(Problem::parameter(name, code, message));
        failure
    }

    /// A failure whose body never says why: the cause goes to the log under the request id.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        let mut failure = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server met a defect; the request id names it in the log",
        );
        failure.0.cause = Some(cause.into());
        failure
    }

    /// 503: nothing was done, a later try may succeed.
    pub(crate) fn unavailable(
        code: &'static str,
        detail: &'static str,
        retry_after: &'static str,
    ) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
            .header(header::RETRY_AFTER, HeaderValue::from_static(retry_after))
    }

    /// The same with a header.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// The same with one more member, in the place of any of that name.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.extra.push((name, value));
        self
    }

    /// The document. Server errors are logged here with their cause.
    pub(crate) fn respond(self, request_id: &str) -> Response {
        let Inner {
            status,
            code,
            detail,
            problems,
            extra,
            headers,
            cause,
        } = *self.0;
        if status.is_server_error() {
            tracing::error!(request_id, code, cause = cause.as_deref(), "request failed");
        }
        let mut body = Map::new();
        body.insert(
            "type".to_owned(),
            json!(format!("urn:registry:problem:{code}")),
        );
        body.insert(
            "title".to_owned(),
            json!(status.canonical_reason().unwrap_or("Error")),
        );
        body.insert("status".to_owned(), json!(status.as_u16()));
        body.insert("code".to_owned(), json!(code));
        body.insert("detail".to_owned(), json!(detail));
        body.insert(
            "errors".to_owned(),
            Value::Array(problems.iter().map(error_item).collect()),
        );
        body.insert("request_id".to_owned(), json!(request_id));
        for (name, value) in extra {
            body.insert(name.to_owned(), value);
        }
        let mut response = Response::new(Body::from(Value::Object(body).to_string()));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

fn error_item(problem: &Problem) -> Value {
    let mut item = Map::new();
    match &problem.place {
        Place::Pointer(pointer) => item.insert("pointer".to_owned(), json!(pointer)),
        Place::Parameter(name) => item.insert("parameter".to_owned(), json!(name)),
        Place::Line(line) => item.insert("line".to_owned(), json!(line)),
        Place::Column(column) => item.insert("column".to_owned(), json!(column)),
        Place::Whole => None,
    };
    item.insert("code".to_owned(), json!(problem.code));
    item.insert("message".to_owned(), json!(problem.message));
    if let Some(value) = &problem.value {
        item.insert("value".to_owned(), json!(value));
    }
    Value::Object(item)
}

/// The status of each class of refusal.
fn status_of(class: Refusal) -> StatusCode {
    match class {
        Refusal::Malformed => StatusCode::BAD_REQUEST,
        Refusal::Forbidden => StatusCode::FORBIDDEN,
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::Conflict => StatusCode::CONFLICT,
        Refusal::VersionMismatch => StatusCode::PRECONDITION_FAILED,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Gone => StatusCode::GONE,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refused) => (*refused).into(),
            Error::Store(error) => error.into(),
            Error::Contention => Self::unavailable(
                "contention",
                "others changed the same thing again and again; nothing was written",
                "1",
            ),
            Error::TypeChanging => type_changing(),
            Error::Internal(cause) => Self::internal(cause),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let mut failure = Self::new(status_of(refused.class), refused.code, refused.detail);
        failure.0.problems = refused.problems;
        failure.0.extra = refused.extra;
        if let Some(current) = refused.current {
            failure.0.extra.push(("current_version", json!(current)));
        }
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let mut failure = match error.kind {
            StoreErrorKind::Unavailable => Self::unavailable(
                "unavailable",
                "the store cannot be reached now; nothing was written",
                "2",
            ),
            StoreErrorKind::Busy => Self::unavailable(
                "rows_held",
                "others hold what was to be written; nothing was written",
                "1",
            ),
            StoreErrorKind::Timeout => Self::unavailable(
                "query_timeout",
                "the store took longer than a statement may; nothing was written",
                "5",
            ),
            StoreErrorKind::TypeChanging => type_changing(),
            StoreErrorKind::Full => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage_full",
                "the store has no room left; nothing was written",
            ),
            StoreErrorKind::UnknownOutcome => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "unknown_outcome",
                "the connection to the store was lost while writing: the write may have happened or not",
            ),
            StoreErrorKind::Internal => Self::internal(""),
        };
        failure.0.cause = Some(chain(&error));
        failure
    }
}

fn type_changing() -> Failure {
    Failure::unavailable(
        "type_changing",
        "the type is being changed; nothing was written",
        "1",
    )
}

/// An error with everything underneath it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn document(failure: impl Into<Failure>) -> (Value, HeaderMap) {
        let response = failure.into().respond("r1");
        let headers = response.headers().clone();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (serde_json::from_slice(&bytes).unwrap(), headers)
    }

    fn store(kind: StoreErrorKind) -> Error {
        Error::Store(StoreError::new(kind, "testing", "a secret of the engine"))
    }

    #[tokio::test]
    async fn failures_of_the_store_say_nothing_of_its_engine() {
        let cases = [
            (
                store(StoreErrorKind::Unavailable),
                503,
                "unavailable",
                Some("2"),
            ),
            (store(StoreErrorKind::Busy), 503, "rows_held", Some("1")),
            (
                store(StoreErrorKind::Timeout),
                503,
                "query_timeout",
                Some("5"),
            ),
            (
                store(StoreErrorKind::TypeChanging),
                503,
                "type_changing",
                Some("1"),
            ),
            (store(StoreErrorKind::Full), 507, "storage_full", None),
            (
                store(StoreErrorKind::UnknownOutcome),
                500,
                "unknown_outcome",
                None,
            ),
            (store(StoreErrorKind::Internal), 500, "internal", None),
            (Error::Contention, 503, "contention", Some("1")),
            (Error::TypeChanging, 503, "type_changing", Some("1")),
            (
                Error::Internal("a secret".to_owned()),
                500,
                "internal",
                None,
            ),
        ];
        for (error, status, code, retry_after) in cases {
            let (document, headers) = document(error).await;
            assert_eq!(document["status"], status);
            assert_eq!(document["code"], code);
            assert_eq!(document["request_id"], "r1");
            assert_eq!(
                headers
                    .get("retry-after")
                    .map(|value| value.to_str().unwrap()),
                retry_after
            );
            assert!(!document.to_string().contains("secret"), "{document}");
        }
    }

    #[tokio::test]
    async fn refusals_show_every_reason_with_its_place() {
        let problems = vec![
            Problem::at("/fields/a", "type", "must be a text").with_value("3"),
            Problem::parameter("limit", "invalid_limit", "must be from 1 to 1000"),
            Problem::whole("malformed_json", "trailing characters"),
        ];
        let error = Error::problems(Refusal::Invalid, "invalid_entity", problems).with("count", 2);
        let (document, headers) = document(error).await;
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(
            document,
            json!({
                "type": "urn:registry:problem:invalid_entity",
                "title": "Unprocessable Entity",
                "status": 422,
                "code": "invalid_entity",
                "detail": "3 problems",
                "errors": [
                    {"pointer": "/fields/a", "code": "type", "message": "must be a text", "value": "3"},
                    {"parameter": "limit", "code": "invalid_limit", "message": "must be from 1 to 1000"},
                    {"code": "malformed_json", "message": "trailing characters"},
                ],
                "request_id": "r1",
                "count": 2,
            })
        );
    }

    #[tokio::test]
    async fn every_class_has_its_status() {
        let classes = [
            (Refusal::Malformed, 400),
            (Refusal::Forbidden, 403),
            (Refusal::NotFound, 404),
            (Refusal::Conflict, 409),
            (Refusal::Gone, 410),
            (Refusal::VersionMismatch, 412),
            (Refusal::TooLarge, 413),
            (Refusal::Invalid, 422),
        ];
        for (class, status) in classes {
            let (document, _) = document(Error::refused(class, "code", "detail")).await;
            assert_eq!(document["status"], status);
        }
    }
}
