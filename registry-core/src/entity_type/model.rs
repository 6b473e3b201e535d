//! The definition of an entity type, as it is kept.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{FieldNumber, KeyNumber, LinkNumber, Timestamp, TypeId, Version, field::Kind};

/// An entity type. Names are for people; everything stored refers to ids and numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityType {
    /// Stays through renames.
    pub id: TypeId,
    /// Matches `[A-Za-z][A-Za-z0-9_]{0,47}`; unique among types ignoring case.
    pub name: String,
    /// Grows by one with every change.
    pub version: Version,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// For people; `GET /entityType?tag=` filters by them.
    pub tags: Vec<String>,
    /// Anything a front end wants to keep with the type.
    pub metadata: Option<Map<String, Value>>,
    /// The field that stands for the entity where it is shown, when one was named.
    pub label: Option<FieldNumber>,
    /// In the type's order, removed ones included.
    pub fields: Vec<Field>,
    /// In the type's order, removed ones included.
    pub links: Vec<Link>,
    /// Declared keys, in order; `unique` fields are not among them.
    pub keys: Vec<Key>,
    /// The number that the next field, link or key gets. Numbers are never reused.
    pub next_number: u32,
    /// When it was defined.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A field of an entity type.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an attribute of the contract, set by itself"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its number; data is stored under it.
    pub number: FieldNumber,
    /// Its name.
    pub name: String,
    /// The kind of its values, with the rules of the kind.
    pub kind: Kind,
    /// Whether it holds a list of values of the kind.
    pub list: bool,
    /// Fewest elements of a list.
    pub min_items: Option<u64>,
    /// Most elements of a list.
    pub max_items: Option<u64>,
    /// Whether every entity must have it.
    pub required: bool,
    /// Whether no two entities of the type may hold the same value.
    pub unique: bool,
    /// Whether `field_value` holds its values.
    pub indexed: bool,
    /// Whether full text search looks at it; text fields alone.
    pub searchable: bool,
    /// The value filled in at creation, as JSON.
    pub default: Option<Value>,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// A hint for forms.
    pub input: Option<String>,
    /// Whether it was removed: hidden, its number taken for ever.
    pub removed: bool,
}

/// A link, as its holder's type declares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its number, drawn from the counter of the fields.
    pub number: LinkNumber,
    /// Its name at the holder.
    pub name: String,
    /// The types its targets may have.
    pub to: LinkTargets,
    /// How many targets one holder may have.
    pub cardinality: Cardinality,
    /// Its name at the target. Equal to `name`: the link is symmetric.
    pub inverse: String,
    /// What happens to the holder when its target is deleted.
    pub on_delete: OnDelete,
    /// Whether every holder must have a target.
    pub required: bool,
    /// Whether it was removed.
    pub removed: bool,
}

impl Link {
    /// Whether both ends hold the link. A symmetric link is stored as two rows, one held by each end.
    pub fn symmetric(&self) -> bool {
        self.inverse == self.name
    }
}

/// Which types a link may lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkTargets {
    /// Any type, later ones too: `["*"]`.
    Any,
    /// These.
    Types(Vec<TypeId>),
}

impl LinkTargets {
    /// Whether a target of this type is allowed.
    pub fn allows(&self, id: TypeId) -> bool {
        match self {
            Self::Any => true,
            Self::Types(types) => types.contains(&id),
        }
    }
}

/// How many targets one holder may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cardinality {
    /// At most one.
    One,
    /// Up to [`crate::limits::LINK_TARGETS`].
    Many,
}

/// What happens to the holder of a link when its target is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The delete is refused.
    Restrict,
    /// The link goes, the holder stays.
    Unlink,
    /// The holder is deleted too.
    Cascade,
}

/// A declared key: the values of these fields together are unique within the type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its number. That of a `unique` field is the field's.
    pub number: KeyNumber,
    /// Its name. That of a `unique` field is the field's.
    pub name: String,
    /// Its parts, in order.
    pub fields: Vec<FieldNumber>,
}

impl EntityType {
    /// The live fields, in order.
    pub fn live_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.removed)
    }

    /// The live links, in order.
    pub fn live_links(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| !link.removed)
    }

    /// The live field of this name; names are compared exactly.
    pub fn field_named(&self, name: &str) -> Option<&Field> {
        self.live_fields().find(|field| field.name == name)
    }

    /// The field of this number, live or removed.
    pub fn field(&self, number: FieldNumber) -> Option<&Field> {
        self.fields.iter().find(|field| field.number == number)
    }

    /// The live link of this name.
    pub fn link_named(&self, name: &str) -> Option<&Link> {
        self.live_links().find(|link| link.name == name)
    }

    /// The link of this number, live or removed.
    pub fn link(&self, number: LinkNumber) -> Option<&Link> {
        self.links.iter().find(|link| link.number == number)
    }

    /// Every key: one per live `unique` field, then the declared ones.
    pub fn all_keys(&self) -> impl Iterator<Item = Key> {
        let unique = self
            .live_fields()
            .filter(|field| field.unique)
            .map(|field| Key {
                number: KeyNumber(field.number.0),
                name: field.name.clone(),
                fields: vec![field.number],
            });
        unique.chain(self.keys.iter().cloned())
    }

    /// The key of this name.
    pub fn key_named(&self, name: &str) -> Option<Key> {
        self.all_keys().find(|key| key.name == name)
    }

    /// The field that stands for an entity: the one named, else the first required text field.
    pub fn label_field(&self) -> Option<&Field> {
        match self.label {
            Some(number) => self.field(number).filter(|field| !field.removed),
            None => self
                .live_fields()
                .find(|field| field.required && !field.list && matches!(field.kind, Kind::Text(_))),
        }
    }
}
