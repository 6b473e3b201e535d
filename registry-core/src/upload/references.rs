//! Links in a file: by id, or by a key of the one type that the link leads to.

use serde_json::{Map, Value};

use crate::{
    Catalog, EntityId, EntityType, LinkTargets, Problem, TypeId,
    entity_type::{Field, Key, Link},
    port::{EntityRef, KeyRef, RowTarget},
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
        let value = values::one_cell(&self.field, text)?;
        Ok(self.target(value, shorten(text)))
    }

    /// The target named by a JSON value.
    pub(super) fn json(&self, value: &Value) -> Result<RowTarget, Problem> {
        let encoded = self.field.kind.encode(value)?;
        let shown = match value {
            Value::String(text) => shorten(text),
            other => shorten(&other.to_string()),
        };
        Ok(self.target(encoded, shown))
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

/// The target named by an id.
pub(super) fn by_id(text: &str) -> Result<RowTarget, Problem> {
    let id: EntityId = text
        .parse()
        .map_err(|_| Problem::at("", "invalid_id", "an id is a UUID").with_value(shorten(text)))?;
    Ok(RowTarget {
        reference: EntityRef::Id(id),
        shown: id.to_string(),
    })
}

/// The target named by an item's value: an id, or `{"code": "US"}`.
pub(super) fn by_json(catalog: &Catalog, link: &Link, value: &Value) -> Result<RowTarget, Problem> {
    match value {
        Value::String(text) => by_id(text),
        Value::Object(members) => by_member(catalog, link, members),
        _ => Err(Problem::at(
            "",
            "type",
            "a link target is an id, or an object with one key of the target",
        )),
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
