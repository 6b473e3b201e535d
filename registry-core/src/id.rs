//! Identifiers and numbers: one newtype per thing that could be mistaken for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Reads the hyphenated form of RFC 9562, in either case; no braces, no URN.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if text.len() == 36 {
                    Uuid::try_parse(text).map(Self)
                } else {
                    Uuid::try_parse("").map(Self)
                }
            }
        }
    };
}

uuid_newtype!(
    /// Names an entity, across all types.
    EntityId
);
uuid_newtype!(
    /// Names an entity type; stays the same when the type is renamed.
    TypeId
);
uuid_newtype!(
    /// Names an upload job.
    JobId
);

macro_rules! number_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_newtype!(
    /// Number of a field: unique within its type, never reused, from 1.
    FieldNumber
);
number_newtype!(
    /// Number of a link: drawn from the same counter as field numbers.
    LinkNumber
);
number_newtype!(
    /// Number of a key. A `unique` field's key carries the field's number; a declared key draws its own from the type's counter.
    KeyNumber
);

/// Version of an entity or an entity type: 1, 2, 3, …; also the version of the whole catalog of types.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(pub i64);

impl Version {
    /// The version of something just made.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
