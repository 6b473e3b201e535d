//! JSON bodies: strict reading takes nothing that another reader of JSON would not, and gives the same value; fields that are taken come
//! out as they went in.

use registry_core::{
    entity_type::fields::{Defaults, check as check_fields, present, read_new, write_fields},
    json,
};
use serde_json::Value;

use crate::fixture::airport;

/// Reads the bytes as a document, and as the fields of an entity.
pub fn check(bytes: &[u8]) {
    let Ok(value) = json::read(bytes) else {
        return;
    };
    let other: Value = serde_json::from_slice(bytes).expect("what is read strictly can be read");
    assert_eq!(value, other);
    let Value::Object(fields) = value else {
        return;
    };
    let Ok(data) = read_new(airport(), &fields, Defaults::Leave) else {
        return;
    };
    assert_eq!(check_fields(airport(), &data), Ok(()));
    let shown = present(airport(), &data);
    let again = read_new(airport(), &shown, Defaults::Leave);
    assert_eq!(again.as_ref(), Ok(&data));
    let mut text = Vec::new();
    write_fields(airport(), &data, &mut text);
    let written = json::read(&text).expect("what is written can be read");
    assert_eq!(written, Value::Object(shown));
}
