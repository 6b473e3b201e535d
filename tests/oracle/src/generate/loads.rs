//! Uploads: rows of new entities, of those that are there, and of keys that change places.

use registry_core::{Entity, EntityType, entity_type::Field, upload::Format};
use serde_json::{Value, json};

use super::{Generator, Shape};
use crate::{
    fixed::id,
    step::{Document, Op, Upload},
};

impl Generator {
    pub(super) fn upload(&mut self) -> Op {
        let Some(of) = self.entity_type() else {
            return self.define();
        };
        let format = *self.draw.of(&[Format::Csv, Format::Ndjson, Format::Json]);
        let mode = *self
            .draw
            .of(&[None, Some("upsert"), Some("upsert"), Some("update")]);
        let keys: Vec<String> = of.all_keys().map(|key| key.name).collect();
        let key = match self.draw.any(&keys) {
            Some(key) if self.draw.once_in(2) => Some(key.clone()),
            _ => None,
        };
        let rows = self.rows(&of, mode.is_none());
        let null = (format == Format::Csv && self.draw.once_in(3)).then(|| "NIL".to_owned());
        let text = match format {
            Format::Csv => csv(&of, &rows, null.as_deref(), self.draw.once_in(2)),
            Format::Ndjson => {
                let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
                lines.join("\n")
            }
            Format::Json => Value::Array(rows).to_string(),
        };
        Op::Upload(Upload {
            of: of.name.clone(),
            format,
            mode: mode.map(str::to_owned),
            key,
            atomic: (self.shape == Shape::Large || self.draw.once_in(2))
                .then(|| "false".to_owned()),
            dry_run: self.draw.once_in(10).then(|| "true".to_owned()),
            null,
            text,
        })
    }

    fn rows(&mut self, of: &EntityType, fresh: bool) -> Vec<Value> {
        let present: Vec<Entity> = self
            .view
            .entities
            .iter()
            .filter(|one| one.type_id == of.id)
            .cloned()
            .collect();
        let unique: Vec<Field> = of
            .live_fields()
            .filter(|field| field.unique)
            .cloned()
            .collect();
        if let (Some(field), [first, second, ..]) = (self.draw.any(&unique), present.as_slice())
            && !fresh
            && self.draw.once_in(2)
        {
            return swap(field, first, second);
        }
        let count = 1 + self.draw.below(self.shape.rows());
        (0..count)
            .map(|_| {
                let known = self.draw.any(&present).map(|one| one.id);
                let (id, mut row) = match known {
                    Some(known) if !fresh || self.draw.once_in(12) => {
                        (Some(known), self.patch_body(of))
                    }
                    _ => {
                        let id = id(1 + self.draw.below(self.shape.ids()));
                        let body = self.body(of);
                        ((!self.draw.once_in(3)).then_some(id), body)
                    }
                };
                if let Some(id) = id
                    && !self.draw.once_in(8)
                {
                    row.insert("_id".to_owned(), json!(id));
                }
                self.by_reference(of, &mut row);
                Value::Object(row)
            })
            .collect()
    }

    /// Now and then a target is named by a key of its.
    fn by_reference(&mut self, of: &EntityType, row: &mut Document) {
        for link in of.live_links() {
            if !self.draw.once_in(3) {
                continue;
            }
            let far = self.view.catalog.targets(link);
            let Some(key) = far.first().and_then(|far| {
                let mut fields = far.live_fields();
                fields.find(|field| field.unique).cloned()
            }) else {
                continue;
            };
            let stored = self.view.entities.iter().find_map(|one| {
                let value = one.data.get(&key.number)?.values().first()?;
                link.to
                    .allows(one.type_id)
                    .then(|| key.kind.decode(value.as_str()))
            });
            let value = match stored {
                Some(value) if !self.draw.once_in(6) => value,
                _ => self.field_value(&key),
            };
            let reference = json!({ key.name: value });
            let value = match link.cardinality {
                registry_core::entity_type::Cardinality::One => reference,
                registry_core::entity_type::Cardinality::Many => json!([reference]),
            };
            row.entry("links")
                .or_insert_with(|| json!({}))
                .as_object_mut()
                .unwrap()
                .insert(link.name.clone(), value);
        }
    }
}

/// Two entities that exchange the value of a unique field.
fn swap(field: &Field, first: &Entity, second: &Entity) -> Vec<Value> {
    let value = |of: &Entity| {
        let value = of.data.get(&field.number);
        let value = value.and_then(|datum| datum.values().first());
        value.map_or(Value::Null, |value| field.kind.decode(value.as_str()))
    };
    vec![
        json!({"_id": first.id, "fields": {field.name.clone(): Value::Null}}),
        json!({"_id": second.id, "fields": {field.name.clone(): value(first)}}),
        json!({"_id": first.id, "fields": {field.name.clone(): value(second)}}),
    ]
}

/// The rows as a CSV file: every field a column, and every link.
fn csv(of: &EntityType, rows: &[Value], null: Option<&str>, ids: bool) -> String {
    let mut columns: Vec<String> = of.live_fields().map(|field| field.name.clone()).collect();
    columns.extend(of.live_links().map(|link| format!("links.{}", link.name)));
    columns.extend(["_owners".to_owned(), "_readers".to_owned()]);
    if ids {
        columns.insert(0, "_id".to_owned());
    }
    let mut text = columns.join(",");
    text.push('\n');
    for row in rows {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                let value = match column.strip_prefix("links.") {
                    Some(link) => &row["links"][link],
                    None if column == "_id" => &row["_id"],
                    None if column.starts_with('_') => &row[column.trim_start_matches('_')],
                    None => &row["fields"][column.as_str()],
                };
                let cell = match value {
                    Value::Null => null.unwrap_or_default().to_owned(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                if cell.contains([',', '"', '\n', '\r']) {
                    format!("\"{}\"", cell.replace('"', "\"\""))
                } else {
                    cell
                }
            })
            .collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}
