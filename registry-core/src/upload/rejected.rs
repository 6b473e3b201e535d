//! The file of rejected rows: the records as they came in, with the reasons, ready to be mended and sent again.

use serde_json::Value;

use crate::port::{Job, JobFailure};

use super::{Format, columns::REASON, write::quoted};

/// Writes a file of rejected rows.
#[derive(Clone, Copy, Debug)]
pub struct Rejected {
    format: Format,
    first: bool,
}

impl Rejected {
    /// A file in the format that the job's file came in; `None` when that is unknown.
    pub fn of(job: &Job) -> Option<Self> {
        Some(Self {
            format: Format::from_media_type(&job.media_type)?,
            first: true,
        })
    }

    /// What the file begins with.
    pub fn head(&self, job: &Job) -> String {
        match (self.format, &job.header) {
            (Format::Csv, Some(header)) => format!("{header}\n"),
            (Format::Json, _) => "[".to_owned(),
            (Format::Csv | Format::Ndjson, _) => String::new(),
        }
    }

    /// One record.
    pub fn record(&mut self, text: &str, failures: &[JobFailure]) -> String {
        let reason = reason(failures);
        match self.format {
            // The record was kept with the delimiter before its last cell.
            Format::Csv => format!("{text}{}\n", quoted(&reason)),
            Format::Ndjson => format!("{}\n", with_reason(text, &reason)),
            Format::Json => {
                let comma = if std::mem::take(&mut self.first) {
                    "\n"
                } else {
                    ",\n"
                };
                format!("{comma}{}", with_reason(text, &reason))
            }
        }
    }

    /// What the file ends with.
    pub fn tail(&self) -> &'static str {
        match self.format {
            Format::Json => "\n]\n",
            Format::Csv | Format::Ndjson => "",
        }
    }
}

fn reason(failures: &[JobFailure]) -> String {
    let reasons: Vec<String> = failures
        .iter()
        .map(
            |failure| match failure.column.as_ref().or(failure.pointer.as_ref()) {
                Some(place) => format!("{place}: {} ({})", failure.message, failure.code),
                None => format!("{} ({})", failure.message, failure.code),
            },
        )
        .collect();
    reasons.join("; ")
}

/// The item with one more member; what is no object becomes a text beside the reason.
fn with_reason(text: &str, reason: &str) -> String {
    let reason = Value::from(reason);
    let object = matches!(crate::json::read(text.as_bytes()), Ok(Value::Object(_)));
    let body = text.trim().strip_suffix('}').filter(|_| object);
    match body {
        Some(body) if body.trim() == "{" => format!("{{\"{REASON}\":{reason}}}"),
        Some(body) => format!("{},\"{REASON}\":{reason}}}", body.trim_end()),
        None => format!(
            "{{\"{REASON}\":{reason},\"_record\":{}}}",
            Value::from(text)
        ),
    }
}
