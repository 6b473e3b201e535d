//! JSON bodies.

use axum::http::StatusCode;
use registry_core::{Error, json};
use serde_json::{Map, Value};

use super::{call::Call, problem::Failure};

impl Call {
    /// The body, which must be a JSON object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Failure> {
        if self.json.is_empty() {
            return Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "malformed_json",
                "the body is empty; a JSON object belongs there",
            ));
        }
        match json::read(&self.json).map_err(Error::from)? {
            Value::Object(object) => Ok(object),
            _ => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "not_an_object",
                "the body must be a JSON object",
            )),
        }
    }
}
