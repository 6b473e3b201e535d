//! Which type a request is about.

use super::super::{call::Call, problem::Failure};

/// The name in the path, or that of `?name=` in the seed's spelling.
pub(super) fn of(call: &Call) -> Result<String, Failure> {
    if !call.raw_segment(1).is_empty() {
        return Ok(call.segment(1)?.into_owned());
    }
    call.parameters()?.owned("name").ok_or_else(|| {
        Failure::parameter(
            "name",
            "missing_parameter",
            "name says which entity type is meant",
        )
    })
}
