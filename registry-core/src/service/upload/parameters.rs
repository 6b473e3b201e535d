//! The parameters of an upload.

use crate::{
    EntityType, Error,
    entity_type::Key,
    port::{Atomicity, Effect, LoadMode},
    problem::{Problem, Refusal},
    upload::{Format, Options},
};

use super::UploadRequest;

/// The parameters as they were understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameters {
    pub(super) options: Options,
    pub(super) atomic: Atomicity,
    pub(super) effect: Effect,
}

impl Parameters {
    /// Whether nothing is applied before the end.
    pub(super) fn staged(&self) -> bool {
        self.atomic == Atomicity::All || self.effect == Effect::DryRun
    }

    /// Reads those of a request; all that is wrong with them is told at once.
    pub(super) fn read(entity_type: &EntityType, request: &UploadRequest) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let mode = match request.mode.as_deref() {
            None | Some("create") => LoadMode::Create,
            Some("upsert") => LoadMode::Upsert,
            Some("update") => LoadMode::Update,
            Some(other) => {
                problems.push(
                    Problem::parameter("mode", "invalid_mode", "must be create, upsert or update")
                        .with_value(other),
                );
                LoadMode::Create
            }
        };
        let atomic = flag(
            "atomic",
            "invalid_atomic",
            request.atomic.as_deref(),
            &mut problems,
        );
        let dry_run = flag(
            "dry_run",
            "invalid_dry_run",
            request.dry_run.as_deref(),
            &mut problems,
        );
        let delimiter = match request.delimiter.as_deref() {
            None => b',',
            Some(text) => delimiter(text).unwrap_or_else(|| {
                problems.push(
                    Problem::parameter(
                        "delimiter",
                        "invalid_delimiter",
                        "must be one ASCII character, neither a quote nor a line end",
                    )
                    .with_value(text),
                );
                b','
            }),
        };
        if request.format != Format::Csv {
            for (name, given) in [("null", &request.null), ("delimiter", &request.delimiter)] {
                if given.is_some() {
                    problems.push(Problem::parameter(
                        name,
                        "unknown_parameter",
                        "is for CSV files alone",
                    ));
                }
            }
        }
        if !problems.is_empty() {
            return Err(Error::problems(
                Refusal::Malformed,
                "invalid_parameters",
                problems,
            ));
        }
        let key = request
            .key
            .as_deref()
            .map(|name| key(entity_type, name))
            .transpose()?;
        Ok(Self {
            options: Options {
                format: request.format,
                mode,
                key,
                delimiter,
                null: request.null.clone(),
            },
            atomic: if atomic.unwrap_or(true) {
                Atomicity::All
            } else {
                Atomicity::Each
            },
            effect: if dry_run.unwrap_or(false) {
                Effect::DryRun
            } else {
                Effect::Apply
            },
        })
    }
}

fn flag(
    name: &str,
    code: &'static str,
    text: Option<&str>,
    problems: &mut Vec<Problem>,
) -> Option<bool> {
    match text {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => {
            problems
                .push(Problem::parameter(name, code, "must be true or false").with_value(other));
            None
        }
    }
}

fn delimiter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if (byte.is_ascii_graphic() && *byte != b'"') || matches!(byte, b'\t' | b' ') => {
            Some(*byte)
        }
        _ => None,
    }
}

fn key(entity_type: &EntityType, name: &str) -> Result<Key, Error> {
    entity_type.key_named(name).ok_or_else(|| {
        Error::problems(
            Refusal::Invalid,
            "unknown_key",
            vec![
                Problem::parameter("key", "unknown_key", "the type has no such key")
                    .with_value(name),
            ],
        )
    })
}
