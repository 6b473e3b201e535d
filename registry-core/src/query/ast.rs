//! The resolved query: numbers for names, encoded values for literals. Nothing in it can be wrong any more.

use crate::{
    entity::{Encoded, Entity},
    id::{EntityId, FieldNumber, LinkNumber, TypeId},
    principal::Scope,
};

/// A query over the entities of some types.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The types; at least one.
    pub types: Vec<TypeId>,
    /// What must hold.
    pub filter: Filter,
    /// Order; ties, and everything when empty, by id in the direction of the last term, ascending when there is none.
    pub sort: Vec<SortTerm>,
    /// What the caller may read; also of every linked entity that the filter looks at.
    pub scope: Scope,
    /// Most entities to return, from 1.
    pub limit: usize,
    /// Where the page begins.
    pub after: Option<After>,
    /// Whether to count all matches.
    pub count: Count,
}

/// Whether to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// No total.
    None,
    /// Exact total of all matches, whatever page is asked for.
    Exact,
}

/// One term of an order. Entities without a value come last in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortTerm {
    /// What to sort by: never a list.
    pub by: Operand,
    /// Which way.
    pub direction: Direction,
}

/// Which way to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Small to large.
    Ascending,
    /// Large to small.
    Descending,
}

/// The place after which a page begins: the last entity of the page before, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Its value for each sort term.
    pub values: Vec<Option<Encoded>>,
    /// Its id.
    pub id: EntityId,
}

impl After {
    /// The place of an entity under an order.
    pub fn entity(entity: &Entity, sort: &[SortTerm]) -> Self {
        Self {
            values: sort.iter().map(|term| term.by.value_of(entity)).collect(),
            id: entity.id,
        }
    }
}

/// A condition on an entity. Truth is two-valued: every node is true or false of every entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All hold; true when empty.
    And(Vec<Filter>),
    /// One holds; false when empty.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// The entity is of this type.
    TypeIs(TypeId),
    /// The entity is one of these; false when empty.
    Ids(Vec<EntityId>),
    /// Some value of the operand passes the test.
    Compare(Compare),
    /// The operand has some value. A `list` field with no element has none.
    Present(Operand),
    /// The link leads to one of these ids, or to any at all when `None`. Outgoing: the target itself need not be readable, nor exist
    /// in the scope. Incoming: the holder must be readable.
    Linked {
        /// The link.
        step: LinkStep,
        /// The ids.
        ids: Option<Vec<EntityId>>,
    },
    /// The link leads to some entity other than this one. Which ends count is as for [`Filter::Linked`]: an outgoing link to an entity
    /// that may not be read counts.
    LinkedElsewhere {
        /// The link.
        step: LinkStep,
        /// The one that does not count.
        id: EntityId,
    },
    /// Some readable entity at the other end of the link satisfies the filter.
    Exists {
        /// The link.
        step: LinkStep,
        /// What the entity at the other end must satisfy.
        filter: Box<Filter>,
    },
}

/// Some value of an operand passes a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Compare {
    /// What is compared.
    pub operand: Operand,
    /// With what.
    pub test: Test,
}

/// What a comparison or an order looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A field of one type; an entity of another type has no value there.
    Field {
        /// The type.
        type_id: TypeId,
        /// The field.
        field: FieldNumber,
        /// Whether it is a list.
        list: bool,
        /// Whether `field_value` holds all of its values: see [`Catalog::index_ready`](crate::Catalog::index_ready).
        indexed: bool,
    },
    /// A field that every entity has.
    System(SystemField),
}

impl Operand {
    /// The single value of an entity there; `None` for lists and where it is missing.
    pub fn value_of(&self, entity: &Entity) -> Option<Encoded> {
        match self.values_of(entity).as_slice() {
            [one] if !matches!(self, Self::Field { list: true, .. }) => Some(one.clone()),
            _ => None,
        }
    }

    /// The values of an entity there: the meaning that every store follows.
    pub fn values_of(&self, entity: &Entity) -> Vec<Encoded> {
        match self {
            Self::Field { type_id, field, .. } if *type_id == entity.type_id => entity
                .data
                .get(field)
                .map(|datum| datum.values().to_vec())
                .unwrap_or_default(),
            Self::Field { .. } => Vec::new(),
            Self::System(system) => vec![system.value_of(entity)],
        }
    }
}

/// The fields that every entity has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemField {
    /// `_id`; encoded as lower-case hyphenated text.
    Id,
    /// `_version`; encoded as an integer.
    Version,
    /// `_created_at`; encoded as a datetime.
    CreatedAt,
    /// `_updated_at`; encoded as a datetime.
    UpdatedAt,
    /// `_created_by`; encoded as text.
    CreatedBy,
    /// `_updated_by`; encoded as text.
    UpdatedBy,
}

impl SystemField {
    /// Its value, encoded.
    pub fn value_of(self, entity: &Entity) -> Encoded {
        Encoded(match self {
            Self::Id => entity.id.to_string(),
            Self::Version => return crate::field::encode_integer(entity.version.0),
            Self::CreatedAt => entity.created_at.to_string(),
            Self::UpdatedAt => entity.updated_at.to_string(),
            Self::CreatedBy => entity.created_by.to_string(),
            Self::UpdatedBy => entity.updated_by.to_string(),
        })
    }
}

/// A test of one value, by byte order of the encoded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The same.
    Equal(Encoded),
    /// Another one.
    NotEqual(Encoded),
    /// Smaller.
    Less(Encoded),
    /// Smaller or the same.
    AtMost(Encoded),
    /// Larger.
    Greater(Encoded),
    /// Larger or the same.
    AtLeast(Encoded),
    /// From the first to the second, both included.
    Between(Encoded, Encoded),
    /// One of these.
    In(Vec<Encoded>),
    /// Holds this text; kinds encoded as their own text alone.
    Contains(String),
    /// Begins with this text; kinds encoded as their own text alone.
    StartsWith(String),
}

impl Test {
    /// Whether a value passes: the meaning that every store follows.
    pub fn passes(&self, value: &Encoded) -> bool {
        match self {
            Self::Equal(other) => value == other,
            Self::NotEqual(other) => value != other,
            Self::Less(other) => value < other,
            Self::AtMost(other) => value <= other,
            Self::Greater(other) => value > other,
            Self::AtLeast(other) => value >= other,
            Self::Between(low, high) => low <= value && value <= high,
            Self::In(others) => others.contains(value),
            Self::Contains(text) => value.0.contains(text.as_str()),
            Self::StartsWith(text) => value.0.starts_with(text.as_str()),
        }
    }
}

/// One step across a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStep {
    /// Type of the holder, which declares the link.
    pub holder_type: TypeId,
    /// The link.
    pub link: LinkNumber,
    /// Which end the step leads to.
    pub to: LinkEnd,
}

/// An end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// From the holder to its targets.
    Target,
    /// From the target to the holders.
    Holder,
}
