//! A small world of types, and short spellings of resolved trees.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    Catalog, Encoded, EntityId, EntityType, FieldNumber, LinkNumber, LinkTargets, Timestamp,
    TypeId, Version,
    entity_type::{Cardinality, Field, Link, OnDelete},
    field::{Integer, Json, Kind, Text},
    query::{
        Compare, Filter, FilterError, LinkEnd, LinkStep, Operand, SystemField, Test, parse_filter,
        resolve,
    },
};

pub(super) const COUNTRY: TypeId = TypeId(Uuid::from_u128(1));
pub(super) const AIRPORT: TypeId = TypeId(Uuid::from_u128(2));
pub(super) const RUNWAY: TypeId = TypeId(Uuid::from_u128(3));
pub(super) const NOTE: TypeId = TypeId(Uuid::from_u128(4));
/// An id, and as it is written.
pub(super) const ID: EntityId = EntityId(Uuid::from_u128(0xA));
pub(super) const ID_TEXT: &str = "00000000-0000-0000-0000-00000000000a";
pub(super) const OTHER: EntityId = EntityId(Uuid::from_u128(0xB));
pub(super) const OTHER_TEXT: &str = "00000000-0000-0000-0000-00000000000b";

pub(super) fn text() -> Kind {
    Kind::Text(Text::default())
}

pub(super) fn integer() -> Kind {
    Kind::Integer(Integer::default())
}

pub(super) fn field(number: u32, name: &str, kind: Kind) -> Field {
    Field {
        number: FieldNumber(number),
        name: name.to_owned(),
        kind,
        list: false,
        min_items: None,
        max_items: None,
        required: false,
        unique: false,
        indexed: false,
        searchable: false,
        default: None,
        title: None,
        description: None,
        input: None,
        removed: false,
    }
}

pub(super) fn link(number: u32, name: &str, to: LinkTargets, inverse: &str) -> Link {
    Link {
        number: LinkNumber(number),
        name: name.to_owned(),
        to,
        cardinality: Cardinality::Many,
        inverse: inverse.to_owned(),
        on_delete: OnDelete::Unlink,
        required: false,
        removed: false,
    }
}

pub(super) fn entity_type(
    id: TypeId,
    name: &str,
    fields: Vec<Field>,
    links: Vec<Link>,
) -> Arc<EntityType> {
    Arc::new(EntityType {
        id,
        name: name.to_owned(),
        version: Version::FIRST,
        title: None,
        description: None,
        tags: Vec::new(),
        metadata: None,
        label: None,
        fields,
        links,
        keys: Vec::new(),
        next_number: 100,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    })
}

/// Countries, airports in them, runways of those, and notes about anything.
pub(super) fn world() -> Catalog {
    let to = |id| LinkTargets::Types(vec![id]);
    let types = vec![
        entity_type(
            COUNTRY,
            "country",
            vec![
                field(1, "code", text()),
                field(2, "name", text()),
                field(3, "size", text()),
            ],
            vec![link(10, "neighbours", to(COUNTRY), "neighbours")],
        ),
        entity_type(
            AIRPORT,
            "airport",
            vec![
                Field {
                    indexed: true,
                    ..field(1, "name", text())
                },
                field(2, "elevation", integer()),
                Field {
                    list: true,
                    ..field(3, "tags", text())
                },
                field(4, "meta", Kind::Json(Json::default())),
                Field {
                    removed: true,
                    ..field(5, "gone", text())
                },
                Field {
                    list: true,
                    ..field(6, "size", text())
                },
            ],
            vec![
                link(10, "country", to(COUNTRY), "airports"),
                Link {
                    removed: true,
                    ..link(11, "owner", to(COUNTRY), "owns")
                },
            ],
        ),
        entity_type(
            RUNWAY,
            "runway",
            vec![
                field(1, "length_ft", integer()),
                field(2, "surface", text()),
                field(3, "code", integer()),
                field(4, "country", text()),
            ],
            vec![link(10, "airport", to(AIRPORT), "runways")],
        ),
        entity_type(
            NOTE,
            "note",
            vec![field(1, "text", text())],
            vec![link(10, "about", LinkTargets::Any, "notes")],
        ),
    ];
    Catalog::new(Version::FIRST, types)
}

pub(super) fn types(catalog: &Catalog, ids: &[TypeId]) -> Vec<Arc<EntityType>> {
    ids.iter()
        .map(|id| Arc::clone(catalog.by_id(*id).unwrap()))
        .collect()
}

pub(super) fn resolved(ids: &[TypeId], filter: &str) -> Result<Filter, FilterError> {
    let catalog = world();
    resolve(&catalog, &types(&catalog, ids), &parse_filter(filter)?)
}

pub(super) fn encoded(text: &str) -> Encoded {
    Encoded(text.to_owned())
}

pub(super) fn operand(type_id: TypeId, field: u32) -> Operand {
    let catalog = world();
    let field = catalog
        .by_id(type_id)
        .unwrap()
        .field(FieldNumber(field))
        .unwrap();
    Operand::Field {
        type_id,
        field: field.number,
        list: field.list,
        indexed: field.indexed,
    }
}

pub(super) fn compare(type_id: TypeId, field: u32, test: Test) -> Filter {
    let operand = operand(type_id, field);
    Filter::Compare(Compare { operand, test })
}

pub(super) fn system(field: SystemField, test: Test) -> Filter {
    let operand = Operand::System(field);
    Filter::Compare(Compare { operand, test })
}

pub(super) fn equal(text: &str) -> Test {
    Test::Equal(encoded(text))
}

/// Larger than an integer, as the kind integer writes it.
pub(super) fn above(number: i64) -> Test {
    Test::AtLeast(crate::field::encode_integer(number + 1))
}

pub(super) fn out(holder_type: TypeId) -> LinkStep {
    step(holder_type, LinkEnd::Target)
}

pub(super) fn back(holder_type: TypeId) -> LinkStep {
    step(holder_type, LinkEnd::Holder)
}

fn step(holder_type: TypeId, to: LinkEnd) -> LinkStep {
    LinkStep {
        holder_type,
        link: LinkNumber(10),
        to,
    }
}

pub(super) fn exists(step: LinkStep, filter: Filter) -> Filter {
    let filter = Box::new(filter);
    Filter::Exists { step, filter }
}

pub(super) fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

pub(super) fn linked(step: LinkStep, ids: &[EntityId]) -> Filter {
    let ids = Some(ids.to_vec());
    Filter::Linked { step, ids }
}

/// Of one type, and this.
pub(super) fn typed(type_id: TypeId, filter: Filter) -> Filter {
    Filter::And(vec![Filter::TypeIs(type_id), filter])
}
