//! The document of an entity, as the contract has it.

use std::fmt::Write as _;

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
pub fn entity_json(
    catalog: &Catalog,
    entity_type: &EntityType,
    entity: &Entity,
    select: &Select,
    expanded: &[(String, Expanded)],
) -> String {
    let mut out = String::with_capacity(512);
    write_entity(&mut out, catalog, entity_type, entity, select, expanded);
    out
}

/// Appends the document of an entity; see [`entity_json`].
pub fn write_entity(
    out: &mut String,
    catalog: &Catalog,
    entity_type: &EntityType,
    entity: &Entity,
    select: &Select,
    expanded: &[(String, Expanded)],
) {
    out.push_str("{\"id\":");
    write_id(out, entity.id);
    out.push_str(",\"type\":");
    write_text(out, &entity_type.name);
    // Writing into a string cannot fail.
    let _ = write!(out, ",\"version\":{}", entity.version);
    out.push_str(",\"fields\":");
    super::fields::write(out, entity_type, &entity.data, select);
    out.push_str(",\"links\":{");
    write_links(out, entity_type, entity);
    out.push_str("},\"owners\":");
    write_principals(out, &entity.owners);
    out.push_str(",\"readers\":");
    write_principals(out, &entity.readers);
    let _ = write!(out, ",\"created_at\":\"{}\"", entity.created_at);
    out.push_str(",\"created_by\":");
    write_text(out, entity.created_by.as_str());
    let _ = write!(out, ",\"updated_at\":\"{}\"", entity.updated_at);
    out.push_str(",\"updated_by\":");
    write_text(out, entity.updated_by.as_str());
    if !expanded.is_empty() {
        out.push_str(",\"expanded\":{");
        separated(out, expanded, |out, (name, shown)| {
            write_text(out, name);
            out.push(':');
            write_expanded(out, catalog, shown);
        });
        out.push('}');
    }
    out.push('}');
}

/// What stands for an entity where it is shown: its label field's value as text, else its id.
pub fn label(entity_type: &EntityType, entity: &Entity) -> String {
    super::fields::label(entity_type, &entity.data).unwrap_or_else(|| entity.id.to_string())
}

fn write_links(out: &mut String, entity_type: &EntityType, entity: &Entity) {
    let held = entity_type.live_links().filter_map(|link| {
        let targets = entity.links.get(&link.number)?;
        (!targets.is_empty()).then_some((link, targets))
    });
    separated(out, held, |out, (link, targets)| {
        write_text(out, &link.name);
        out.push(':');
        match (link.cardinality, targets.as_slice()) {
            (Cardinality::One, [target]) => write_id(out, *target),
            (_, targets) => {
                out.push('[');
                separated(out, targets, |out, target| write_id(out, *target));
                out.push(']');
            }
        }
    });
}

fn write_expanded(out: &mut String, catalog: &Catalog, shown: &Expanded) {
    match shown {
        Expanded::One(None) => out.push_str("null"),
        Expanded::One(Some(entity)) => write_plain(out, catalog, entity),
        Expanded::Many { items, next_cursor } => {
            out.push_str("{\"items\":[");
            separated(out, items, |out, entity| write_plain(out, catalog, entity));
            out.push_str("],\"next_cursor\":");
            match next_cursor {
                Some(cursor) => write_text(out, cursor),
                None => out.push_str("null"),
            }
            out.push('}');
        }
    }
}

fn write_plain(out: &mut String, catalog: &Catalog, entity: &Entity) {
    match catalog.by_id(entity.type_id) {
        Some(entity_type) => write_entity(out, catalog, entity_type, entity, &Select::ALL, &[]),
        // Its type was defined after the catalog was read: as if it could not be read yet.
        None => out.push_str("null"),
    }
}

fn write_principals(out: &mut String, principals: &[Principal]) {
    out.push('[');
    separated(out, principals, |out, one| write_text(out, one.as_str()));
    out.push(']');
}

fn write_id(out: &mut String, id: EntityId) {
    let _ = write!(out, "\"{id}\"");
}

/// Writes the items with commas between them.
pub(super) fn separated<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

/// Writes a JSON string (RFC 8259 section 7).
pub(super) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (place, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(text.get(plain..place).unwrap_or_default());
        plain = place + 1;
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(text.get(plain..).unwrap_or_default());
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_json_wants_them() {
        for text in ["", "a\"b\\c\n\r\t\u{1}\u{1f}é🙂", "plain"] {
            let mut out = String::new();
            write_text(&mut out, text);
            let read: Option<String> = serde_json::from_str(&out).ok();
            assert_eq!(read.as_deref(), Some(text));
        }
    }
}
