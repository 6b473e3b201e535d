//! Files of entities: CSV, newline-delimited JSON, JSON arrays; in and out.
//!
//! In: a file is looked over once for what makes it unreadable as a whole ([`check`]), then read row by row ([`rows`]); neither holds
//! more than a few records. Out: [`Writer`] gives the same columns and members, so that what was downloaded can be uploaded.

mod array_records;
mod columns;
mod csv;
mod csv_records;
mod item;
mod ndjson_records;
mod read;
mod references;
mod rejected;
mod source;
mod values;
mod write;

use crate::{
    Data, Encoded, EntityType, Problem,
    entity_type::{Key, fields},
    key,
    port::{LoadItem, LoadMode, LoadRow, RowFailure, RowPatch},
    problem::Place,
};

pub use self::{
    read::{Checked, check, rows},
    rejected::Rejected,
    source::Source,
    write::{CsvReader, WriteOptions, Writer},
};

/// Format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header.
    Csv,
    /// One JSON object per line.
    Ndjson,
    /// A JSON array of objects.
    Json,
}

impl Format {
    /// The format of a media type, parameters left out.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        [Self::Csv, Self::Ndjson, Self::Json]
            .into_iter()
            .find(|format| format.media_type().eq_ignore_ascii_case(media_type))
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }
}

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Its format.
    pub format: Format,
    /// What rows do; decides which columns a header must have.
    pub mode: LoadMode,
    /// The key by which rows find their entity.
    pub key: Option<Key>,
    /// What separates the cells of a CSV file: one ASCII character, neither a quote nor a line end.
    pub delimiter: u8,
    /// Another spelling for absent in a CSV file; with it an empty cell of a text field is the empty text.
    pub null: Option<String>,
}

/// The value that a row gives the key by which it finds its entity.
fn row_key(options: &Options, patch: &RowPatch) -> Option<Encoded> {
    let key = options.key.as_ref()?;
    let parts: Data = key
        .fields
        .iter()
        .filter_map(|number| Some((*number, patch.fields.get(number)?.clone()?)))
        .collect();
    key::value(key, &parts)
}

/// Where a row names its entity: none of it may be unreadable.
fn naming_pointers(entity_type: &EntityType, options: &Options) -> Vec<String> {
    let key = options.key.iter().flat_map(|key| &key.fields);
    let key = key.filter_map(|number| entity_type.field(*number));
    // All fields at once, where one of them finds the entity.
    let whole = options.key.is_some().then(|| "/fields".to_owned());
    key.map(fields::pointer)
        .chain(whole)
        .chain(["/_id".to_owned()])
        .collect()
}

/// The row; refused at once when what is wrong with it leaves open which entity it is about.
fn item_of(row: LoadRow, naming: &[String]) -> LoadItem {
    let unnamed =
        |fault: &Problem| matches!(&fault.place, Place::Pointer(at) if naming.contains(at));
    if row.patch.faults.iter().any(unnamed) {
        return LoadItem::Rejected(RowFailure {
            line: row.line,
            raw: row.raw,
            errors: row.patch.faults,
        });
    }
    LoadItem::Row(Box::new(row))
}
