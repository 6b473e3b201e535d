//! The document of an entity, as the contract has it.

use std::io::Write as _;

use crate::{
    Catalog, Entity, EntityId, EntityType, Error, Principal,
    entity_type::Cardinality,
    limits,
    problem::{Problem, Refusal},
    query::parse_names,
};

use super::Expanded;

/// Which fields to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    names: Option<Vec<String>>,
}

impl Select {
    /// Every field.
    pub const ALL: Self = Self { names: None };

    /// Reads `select=icao,name`: names of fields, each of at least one of the types. Every other member of a document is shown all the
    /// same.
    ///
    /// Refuses with `invalid_select` and `unknown_field`.
    pub fn parse(text: Option<&str>, types: &[&EntityType]) -> Result<Self, Error> {
        let Some(text) = text else {
            return Ok(Self::ALL);
        };
        let names = parse_names("select", "invalid_select", text, limits::FIELDS)?;
        let unknown: Vec<Problem> = names
            .iter()
            .filter(|name| !types.iter().any(|one| one.field_named(name).is_some()))
            .map(|name| {
                Problem::parameter(
                    "select",
                    "unknown_field",
                    format!("there is no field {name}"),
                )
            })
            .collect();
        if unknown.is_empty() {
            Ok(Self { names: Some(names) })
        } else {
            Err(Error::problems(Refusal::Invalid, "unknown_field", unknown))
        }
    }

    /// Whether a field is shown.
    pub fn shows(&self, name: &str) -> bool {
        self.names
            .as_ref()
            .is_none_or(|names| names.iter().any(|one| one == name))
    }
}

/// The document of an entity: members in the contract's order, fields and links in the type's. Written straight into text: a page of a
/// thousand entities makes no tree of JSON values.
#[expect(
    clippy::missing_panics_doc,
    reason = "put together from texts and ASCII alone"
)]
pub fn entity_json(
    catalog: &Catalog,
    entity_type: &EntityType,
    entity: &Entity,
    select: &Select,
    expanded: &[(String, Expanded)],
) -> String {
    let mut out = Vec::with_capacity(512);
    write_entity(&mut out, catalog, entity_type, entity, select, expanded);
    String::from_utf8(out).expect("put together from texts and ASCII alone")
}

/// Appends the document of an entity; see [`entity_json`].
pub fn write_entity(
    out: &mut Vec<u8>,
    catalog: &Catalog,
    entity_type: &EntityType,
    entity: &Entity,
    select: &Select,
    expanded: &[(String, Expanded)],
) {
    out.extend_from_slice(b"{\"id\":");
    write_id(out, entity.id);
    out.extend_from_slice(b",\"type\":");
    write_text(out, &entity_type.name);
    // Writing into memory cannot fail.
    let _ = write!(out, ",\"version\":{}", entity.version);
    out.extend_from_slice(b",\"fields\":");
    super::fields::write(out, entity_type, &entity.data, select);
    out.extend_from_slice(b",\"links\":{");
    write_links(out, entity_type, entity);
    out.extend_from_slice(b"},\"owners\":");
    write_principals(out, &entity.owners);
    out.extend_from_slice(b",\"readers\":");
    write_principals(out, &entity.readers);
    let _ = write!(out, ",\"created_at\":\"{}\"", entity.created_at);
    out.extend_from_slice(b",\"created_by\":");
    write_text(out, entity.created_by.as_str());
    let _ = write!(out, ",\"updated_at\":\"{}\"", entity.updated_at);
    out.extend_from_slice(b",\"updated_by\":");
    write_text(out, entity.updated_by.as_str());
    if !expanded.is_empty() {
        out.extend_from_slice(b",\"expanded\":{");
        separated(out, expanded, |out, (name, shown)| {
            write_text(out, name);
            out.push(b':');
            write_expanded(out, catalog, shown);
        });
        out.push(b'}');
    }
    out.push(b'}');
}

/// What stands for an entity where it is shown: its label field's value as text, else its id.
pub fn label(entity_type: &EntityType, entity: &Entity) -> String {
    super::fields::label(entity_type, &entity.data).unwrap_or_else(|| entity.id.to_string())
}

fn write_links(out: &mut Vec<u8>, entity_type: &EntityType, entity: &Entity) {
    let held = entity_type.live_links().filter_map(|link| {
        let targets = entity.links.get(&link.number)?;
        (!targets.is_empty()).then_some((link, targets))
    });
    separated(out, held, |out, (link, targets)| {
        write_text(out, &link.name);
        out.push(b':');
        match (link.cardinality, targets.as_slice()) {
            (Cardinality::One, [target]) => write_id(out, *target),
            (_, targets) => {
                out.push(b'[');
                separated(out, targets, |out, target| write_id(out, *target));
                out.push(b']');
            }
        }
    });
}

fn write_expanded(out: &mut Vec<u8>, catalog: &Catalog, shown: &Expanded) {
    match shown {
        Expanded::One(None) => out.extend_from_slice(b"null"),
        Expanded::One(Some(entity)) => write_plain(out, catalog, entity),
        Expanded::Many { items, next_cursor } => {
            out.extend_from_slice(b"{\"items\":[");
            separated(out, items, |out, entity| write_plain(out, catalog, entity));
            out.extend_from_slice(b"],\"next_cursor\":");
            match next_cursor {
                Some(cursor) => write_text(out, cursor),
                None => out.extend_from_slice(b"null"),
            }
            out.push(b'}');
        }
    }
}

fn write_plain(out: &mut Vec<u8>, catalog: &Catalog, entity: &Entity) {
    match catalog.by_id(entity.type_id) {
        Some(entity_type) => write_entity(out, catalog, entity_type, entity, &Select::ALL, &[]),
        // Its type was defined after the catalog was read: not to be seen yet.
        None => out.extend_from_slice(b"null"),
    }
}

fn write_principals(out: &mut Vec<u8>, principals: &[Principal]) {
    out.push(b'[');
    separated(out, principals, |out, one| write_text(out, one.as_str()));
    out.push(b']');
}

fn write_id(out: &mut Vec<u8>, id: EntityId) {
    let _ = write!(out, "\"{id}\"");
}

/// Writes the items with commas between them.
pub(super) fn separated<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
}

/// Writes a JSON string (RFC 8259 section 7).
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Names and principals seldom hold what is to be escaped.
    if text
        .bytes()
        .any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
    {
        let _ = serde_json::to_writer(out, text);
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::service::fixture::{catalog, entity, id};

    #[test]
    fn texts_are_escaped_as_json_wants_them() {
        for text in ["", "a\"b\\c\n\r\t\u{1}\u{1f}é🙂", "plain"] {
            let mut out = Vec::new();
            write_text(&mut out, text);
            let read: String = serde_json::from_slice(&out).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn what_is_expanded_stands_at_the_end() {
        let catalog = catalog();
        let airport = entity(
            &catalog,
            "airport",
            1,
            &[("country", &[2]), ("serves", &[2, 3])],
        );
        let country = entity(&catalog, "country", 2, &[]);
        let entity_type = catalog.by_name("airport").unwrap();
        let expanded = [
            ("country".to_owned(), Expanded::One(Some(country.clone()))),
            ("moon".to_owned(), Expanded::One(None)),
            (
                "serves".to_owned(),
                Expanded::Many {
                    items: vec![country],
                    next_cursor: Some("abc".to_owned()),
                },
            ),
            (
                "none".to_owned(),
                Expanded::Many {
                    items: Vec::new(),
                    next_cursor: None,
                },
            ),
        ];
        let rest = r#""owners":["org:default"],"readers":[],"created_at":"1970-01-01T00:00:00.000000Z","created_by":"org:default","updated_at":"1970-01-01T00:00:00.000000Z","updated_by":"org:default""#;
        let shown = format!(
            r#"{{"id":"{}","type":"country","version":1,"fields":{{}},"links":{{}},{rest}}}"#,
            id(2)
        );
        let expected = format!(
            r#"{{"id":"{}","type":"airport","version":1,"fields":{{}},"links":{{"country":"{}","serves":["{}","{}"]}},{rest},"expanded":{{"country":{shown},"moon":null,"serves":{{"items":[{shown}],"next_cursor":"abc"}},"none":{{"items":[],"next_cursor":null}}}}}}"#,
            id(1),
            id(2),
            id(2),
            id(3)
        );
        assert_eq!(
            entity_json(&catalog, entity_type, &airport, &Select::ALL, &expanded),
            expected
        );
    }

    #[test]
    fn only_fields_are_selected() {
        let catalog = catalog();
        let types: Vec<&EntityType> = catalog.types().iter().map(AsRef::as_ref).collect();
        let select = Select::parse(Some("icao, code"), &types).unwrap();
        assert!(select.shows("icao") && select.shows("code") && !select.shows("name"));
        assert!(Select::ALL.shows("name"));
        for wrong in ["", "icao,", "country", "icao,icao"] {
            assert!(Select::parse(Some(wrong), &types).is_err(), "{wrong}");
        }
    }
}
