//! Entities as they are stored: fields and links under their numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{EntityId, FieldNumber, LinkNumber, Principal, Timestamp, TypeId, Version};

/// One value in its *encoded* form: UTF-8 text whose byte order is the order of the values of its kind.
///
/// Stores keep, compare, index and page by this form alone, with `memcmp`, so that every engine agrees; only
/// [`crate::field::Kind`] knows how to read and write it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encoded(pub String);

impl Encoded {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What one field of one entity holds. Absence is the lack of an entry, never an empty datum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Datum {
    /// A single value.
    One(Encoded),
    /// The elements of a `list` field, in order; may be empty.
    Many(Vec<Encoded>),
}

impl Datum {
    /// The values: one, or the elements.
    pub fn values(&self) -> &[Encoded] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// Field values by number. Serialises as `{"1": "KJFK", "7": ["a", "b"]}`, which is also the stored form.
pub type Data = BTreeMap<FieldNumber, Datum>;

/// Targets of the outgoing links by number, sorted, without repetition; a link without a target has no entry.
pub type Links = BTreeMap<LinkNumber, Vec<EntityId>>;

/// An entity as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Its id.
    pub id: EntityId,
    /// Its type.
    pub type_id: TypeId,
    /// Grows by one with every change.
    pub version: Version,
    /// Version of the type under which it was last written.
    pub type_version: Version,
    /// Its fields, those of removed fields included.
    pub data: Data,
    /// Its outgoing links, a copy of the `link` rows it holds; those of removed links included.
    pub links: Links,
    /// Who may write it.
    pub owners: Vec<Principal>,
    /// Who else may read it.
    pub readers: Vec<Principal>,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Principal,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: Principal,
}
