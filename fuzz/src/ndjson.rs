//! Lines and arrays of JSON.

use registry_core::upload::{Format, Options};

use crate::{file, fixture::airport};

/// The first two bytes choose the options; the rest is the file.
pub fn check(bytes: &[u8]) {
    let [mode, shape, file @ ..] = bytes else {
        return;
    };
    let options = Options {
        format: if shape & 2 == 2 {
            Format::Json
        } else {
            Format::Ndjson
        },
        mode: file::mode(*mode),
        key: (shape & 1 == 1)
            .then(|| airport().key_named("code"))
            .flatten(),
        delimiter: b',',
        null: None,
    };
    file::read(file, &options);
}
