//! Who may do what: principals, the caller, and the scope that every read carries.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// `kind:value` (`user:ann`, `org:acme`), or `public` among the readers. Kind `[a-z][a-z0-9_]{0,31}`, value 1 to 200
/// characters without control characters; compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Principal(String);

impl Principal {
    /// Everyone; stands among readers only.
    pub const PUBLIC: &'static str = "public";

    /// Reads `kind:value` or `public`; `None` for anything else.
    ///
    /// ```
    /// use registry_core::Principal;
    /// assert!(Principal::parse("org:acme").is_some());
    /// assert!(Principal::parse("Org:acme").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if text == Self::PUBLIC {
            return Some(Self(text.to_owned()));
        }
        let (kind, value) = text.split_once(':')?;
        let mut letters = kind.chars();
        let kind_ok = letters
            .next()
            .is_some_and(|first| first.is_ascii_lowercase())
            && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && kind.len() <= 32;
        let value_ok =
            (1..=200).contains(&value.chars().count()) && !value.chars().any(char::is_control);
        (kind_ok && value_ok).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `public`.
    pub fn is_public(&self) -> bool {
        self.0 == Self::PUBLIC
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a principal"))
    }
}

/// What a caller may do beside the rights that its principals give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads types, and entities it may see.
    Reader,
    /// Also writes entities.
    Writer,
    /// Also changes types; sees and writes every entity.
    Admin,
}

/// Who asks: one acting principal, all principals it stands for, and a role.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Written as `created_by` and `updated_by`, and as the actor of a change.
    pub actor: Principal,
    /// Owners of what the caller creates without naming owners.
    pub default_owners: Vec<Principal>,
    /// Everything the caller is.
    pub principals: BTreeSet<Principal>,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// The caller of a registry without authentication: `org:default` with every right.
    pub fn default_organisation() -> Self {
        let org = Principal("org:default".to_owned());
        Self {
            actor: org.clone(),
            default_owners: vec![org.clone()],
            principals: BTreeSet::from([org]),
            role: Role::Admin,
        }
    }

    /// What the caller may read.
    pub fn scope(&self) -> Scope {
        match self.role {
            Role::Admin => Scope::Everything,
            Role::Reader | Role::Writer => {
                let mut readable = self.principals.clone();
                readable.insert(Principal(Principal::PUBLIC.to_owned()));
                Scope::Readable(readable)
            }
        }
    }
}

/// Which entities a read may touch; part of every query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All of them.
    Everything,
    /// Those whose owners or readers meet one of these (`public` included).
    Readable(BTreeSet<Principal>),
}

impl Scope {
    /// Whether an entity with these owners and readers is inside.
    pub fn admits(&self, owners: &[Principal], readers: &[Principal]) -> bool {
        match self {
            Self::Everything => true,
            Self::Readable(principals) => owners
                .iter()
                .chain(readers)
                .any(|one| principals.contains(one)),
        }
    }
}
