//! Links in a file: by id, or by a key of the one type that the link leads to.

use serde_json::{Map, Value};

use crate::{
    Catalog, EntityType, LinkTargets, Problem, TypeId,
    entity_type::{Field, Key, Link},
    port::{EntityRef, KeyRef, RowTarget},
    write,
};

use super::{csv_records::shorten, values};

/// A key of one field of the type that a link leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TargetKey {
    pub(super) type_id: TypeId,
    pub(super) key: Key,
    pub(super) field: Field,
}

impl TargetKey {
    /// The key by which a link's targets are named with this field.
    pub(super) fn find(catalog: &Catalog, link: &Link, field: &str) -> Option<Self> {
        let LinkTargets::Types(types) = &link.to else {
            return None;
        };
        let [type_id] = types.as_slice() else {
            return None;
        };
        let target: &EntityType = catalog.by_id(*type_id)?;
        let field = target.field_named(field)?;
        let key = target
            .all_keys()
            .find(|key| key.fields.as_slice() == [field.number])?;
        Some(Self {
            type_id: *type_id,
            key,
            field: field.clone(),
        })
    }

    /// The target named by a cell.
    pub(super) fn cell(&self, text: &str) -> Result<RowTarget, Problem> {
        let shown = shorten(text);
        match values::one_cell(&self.field, text) {
            Ok(value) => Ok(self.target(value, shown)),
            Err(problem) => Err(unheld(problem, shown)),
        }
    }

    /// The target named by a JSON value.
    pub(super) fn json(&self, value: &Value) -> Result<RowTarget, Problem> {
        let shown = match value {
            Value::String(text) => shorten(text),
            other => shorten(&other.to_string()),
        };
        match self.field.kind.encode(value) {
            Ok(encoded) => Ok(self.target(encoded, shown)),
            Err(problem) => Err(unheld(problem, shown)),
        }
    }

    fn target(&self, value: crate::Encoded, shown: String) -> RowTarget {
        RowTarget {
            reference: EntityRef::Key(KeyRef {
                type_id: self.type_id,
                key: self.key.number,
                value,
            }),
            shown,
        }
    }
}

/// What a value says that the key's field does not take. One that can be read and breaks a rule of the field (too long, no choice) is held by
/// no entity: its row names a target that is not there, like any other. One of another kind is a mistake of its own.
fn unheld(problem: Problem, shown: String) -> Problem {
    if matches!(problem.code, "type" | "format" | "nul_character") {
        return problem;
    }
    write::missing(String::new()).with_value(shown)
}

/// The target named by an id.
pub(super) fn by_id(text: &str) -> Result<RowTarget, Problem> {
    write::id(text).map_err(|problem| problem.with_value(shorten(text)))
}

/// The target named by an item's value: an id, or `{"code": "US"}`.
pub(super) fn by_json(catalog: &Catalog, link: &Link, value: &Value) -> Result<RowTarget, Problem> {
    match value {
        Value::String(text) => by_id(text),
        Value::Object(members) => by_member(catalog, link, members),
        other => write::id_alone(link, other),
    }
}

fn by_member(
    catalog: &Catalog,
    link: &Link,
    members: &Map<String, Value>,
) -> Result<RowTarget, Problem> {
    let mut named = members.iter();
    let (Some((name, value)), None) = (named.next(), named.next()) else {
        return Err(Problem::at(
            "",
            "type",
            "a link target is named by exactly one key",
        ));
    };
    let Some(key) = TargetKey::find(catalog, link, name) else {
        return Err(Problem::at(
            "",
            "unknown_key",
            format!(
                "`{}` does not lead to one type with a key of the field `{name}`",
                link.name
            ),
        ));
    };
    key.json(value)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{Timestamp, Version, entity_type};

    #[test]
    fn a_value_that_no_entity_can_hold_names_a_missing_target() {
        let id = TypeId(uuid::Uuid::nil());
        let document = json!({"name": "airport",
            "fields": {"icao": {"type": "text", "unique": true, "max_length": 4}},
            "links": {"near": {"to": ["airport"]}}});
        let document = document.as_object().unwrap();
        let change = entity_type::define(document, &Catalog::default(), id, Timestamp(0)).unwrap();
        let airport: Arc<EntityType> = change.after.unwrap();
        let near = airport.link_named("near").unwrap().clone();
        let catalog = Catalog::new(Version::FIRST, vec![airport]);
        let key = TargetKey::find(&catalog, &near, "icao").unwrap();

        for (text, code) in [
            ("KORDX", "link_target_not_found"),
            ("a\0b", "nul_character"),
        ] {
            assert_eq!(key.cell(text).unwrap_err().code, code);
            assert_eq!(key.json(&json!(text)).unwrap_err().code, code);
        }
        assert_eq!(key.json(&json!(5)).unwrap_err().code, "type");
        assert_eq!(key.cell("KORD").unwrap().shown, "KORD");
    }
}
