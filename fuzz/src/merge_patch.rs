//! Merge patches of fields: the same as RFC 7396 on the document, where each field is a value as a whole.

use registry_core::{
    entity_type::fields::{Defaults, apply_patch, present, read_new, read_patch},
    json,
};
use serde_json::Value;

use crate::fixture::airport;

/// A document and a patch, with a line end between them.
pub fn check(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (document, patch) = bytes.split_at(end);
    let (Ok(Value::Object(document)), Ok(Value::Object(patch))) =
        (json::read(document), json::read(patch))
    else {
        return;
    };
    let Ok(before) = read_new(airport(), &document, Defaults::Leave) else {
        return;
    };
    let Ok(read) = read_patch(airport(), &patch) else {
        return;
    };
    let Ok(after) = apply_patch(airport(), &before, read.clone()) else {
        return;
    };
    // A patch that was taken may be sent again.
    let twice = apply_patch(airport(), &after, read);
    assert_eq!(twice.as_ref(), Ok(&after));
    let mut expected = document;
    for (name, value) in patch {
        if value.is_null() {
            expected.shift_remove(&name);
        } else {
            expected.insert(name, value);
        }
    }
    let expected = read_new(airport(), &expected, Defaults::Leave);
    let expected = expected.expect("what is merged is as good as its parts");
    assert_eq!(present(airport(), &after), present(airport(), &expected));
}
