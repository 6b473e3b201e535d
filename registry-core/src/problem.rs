//! What is wrong with what somebody sent: a list of problems, all at once, each with a place and a stable code.

use std::fmt;

use thiserror::Error as ThisError;

use crate::{Version, port::StoreError};

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// JSON pointer (RFC 6901) into the body.
    Pointer(String),
    /// A query parameter.
    Parameter(String),
    /// A line of an uploaded file, from 1; of a JSON array the item's index from 1.
    Line(u64),
    /// A column of an uploaded CSV file, by its header.
    Column(String),
    /// The request as a whole.
    Whole,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// For people: lower case, without a full stop.
    pub message: String,
    /// The value at fault, when it is short enough to show.
    pub value: Option<String>,
}

impl Problem {
    /// A problem at a pointer.
    pub fn at(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            place: Place::Pointer(pointer.into()),
            code,
            message: message.into(),
            value: None,
        }
    }

    /// A problem of a query parameter.
    pub fn parameter(
        name: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            place: Place::Parameter(name.into()),
            code,
            message: message.into(),
            value: None,
        }
    }

    /// A problem of a line of a file.
    pub fn line(line: u64, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            place: Place::Line(line),
            code,
            message: message.into(),
            value: None,
        }
    }

    /// A problem of a column of a file.
    pub fn column(name: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            place: Place::Column(name.into()),
            code,
            message: message.into(),
            value: None,
        }
    }

    /// A problem of the whole request.
    pub fn whole(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            place: Place::Whole,
            code,
            message: message.into(),
            value: None,
        }
    }

    /// The same, with its pointer put below another one.
    #[must_use]
    pub fn under(mut self, pointer: &str) -> Self {
        match &mut self.place {
            Place::Pointer(own) => own.insert_str(0, pointer),
            Place::Whole => self.place = Place::Pointer(pointer.to_owned()),
            Place::Parameter(_) | Place::Line(_) | Place::Column(_) => {}
        }
        self
    }

    /// The same, showing the value.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}

/// Escapes one token of a JSON pointer (RFC 6901 section 3).
pub fn pointer_token(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}

/// The class of a refusal; the server gives each its status, in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Cannot be read: 400.
    Malformed,
    /// Known, but not allowed: 403.
    Forbidden,
    /// Absent or invisible: 404.
    NotFound,
    /// Stands against what is stored: 409.
    Conflict,
    /// `If-Match` names another version: 412.
    VersionMismatch,
    /// Larger than allowed: 413.
    TooLarge,
    /// Read, but breaks the type's rules: 422.
    Invalid,
    /// A position or cursor from before a restore: 410.
    Gone,
}

/// Why a service did not do what it was asked.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The request is at fault.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// The store is.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others changed the same thing again and again; nothing was written.
    #[error("too much contention")]
    Contention,
    /// A type is being changed; nothing was written.
    #[error("the type is being changed")]
    TypeChanging,
    /// A defect.
    #[error("internal: {0}")]
    Internal(String),
}

/// A refusal, with all its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its class.
    pub class: Refusal,
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// For people.
    pub detail: String,
    /// Every reason, with its place.
    pub problems: Vec<Problem>,
    /// The present version, where `If-Match` failed.
    pub current: Option<Version>,
    /// Further members of the answer: counts, sample ids, offsets.
    pub extra: Vec<(&'static str, serde_json::Value)>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl Error {
    /// A refusal with one reason and no place.
    pub fn refused(class: Refusal, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refused {
            class,
            code,
            detail: detail.into(),
            problems: Vec::new(),
            current: None,
            extra: Vec::new(),
        }))
    }

    /// A refusal for these problems. Its code is theirs when they share one, else `mixed`.
    pub fn problems(class: Refusal, mixed: &'static str, problems: Vec<Problem>) -> Self {
        let code = match problems.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other.code == first.code) => first.code,
            _ => mixed,
        };
        let detail = match problems.as_slice() {
            [one] => one.message.clone(),
            many => format!("{} problems", many.len()),
        };
        Self::Refused(Box::new(Refused {
            class,
            code,
            detail,
            problems,
            current: None,
            extra: Vec::new(),
        }))
    }

    /// A refusal of a write of one entity: of the first class that has any problem, with all problems of that class.
    pub(crate) fn refused_write(problems: Vec<Problem>) -> Self {
        const CLASSES: [(Refusal, &str); 5] = [
            (Refusal::Malformed, "invalid_entity"),
            (Refusal::Invalid, "invalid_entity"),
            (Refusal::Conflict, "invalid_entity"),
            (Refusal::Forbidden, "forbidden"),
            (Refusal::NotFound, "not_found"),
        ];
        let class_of = |problem: &Problem| match problem.code {
            "unknown_member" | "read_only_field" => Refusal::Malformed,
            "too_many_links" | "link_cardinality" | "key_taken" => Refusal::Conflict,
            "forbidden" => Refusal::Forbidden,
            "link_target_not_found" => Refusal::NotFound,
            _ => Refusal::Invalid,
        };
        let first = CLASSES
            .into_iter()
            .find(|(class, _)| problems.iter().any(|one| class_of(one) == *class));
        let (class, mixed) = first.unwrap_or((Refusal::Invalid, "invalid_entity"));
        let of_class = problems.into_iter().filter(|one| class_of(one) == class);
        Self::problems(class, mixed, of_class.collect())
    }

    /// The thing is absent or invisible: the same words for both.
    pub fn not_found(what: &'static str) -> Self {
        Self::refused(Refusal::NotFound, "not_found", format!("no such {what}"))
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        if let Self::Refused(refused) = &mut self {
            refused.extra.push((name, value.into()));
        }
        self
    }
}
