//! CSV files.

use registry_core::upload::{Format, Options};

use crate::{file, fixture::airport};

/// The first two bytes choose the options; the rest is the file.
pub fn check(bytes: &[u8]) {
    let [mode, shape, file @ ..] = bytes else {
        return;
    };
    let options = Options {
        format: Format::Csv,
        mode: file::mode(*mode),
        key: (shape & 1 == 1)
            .then(|| airport().key_named("code"))
            .flatten(),
        delimiter: if shape & 2 == 2 { b';' } else { b',' },
        null: (shape & 4 == 4).then(|| "NULL".to_owned()),
    };
    file::read(file, &options);
}
