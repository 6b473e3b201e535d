//! Between the `fields` of an entity as JSON and its [`Data`]: reading with all problems at once, merging, presenting.
//!
//! Codes beside those of [`crate::field`]: `unknown_field`, `required`, `too_few_items`, `too_many_items`, `too_long_to_index`, `more`
//! (when a thousand problems of one list were told).
//! Pointers begin with `/fields`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{EntityType, Field, Key};
use crate::{
    Data, Datum, Encoded, FieldNumber, key, limits,
    problem::{Problem, pointer_token},
};

/// What a merge patch does to fields: a new value, or `None` to clear.
pub type Patch = BTreeMap<FieldNumber, Option<Datum>>;

/// Problems told of one list or one entity before the rest is left unsaid.
const PROBLEMS: usize = 1_000;

/// Reads `fields` as a merge patch (RFC 7396): `null` clears, a list is replaced whole. Gives what could be read, and what is wrong with the
/// rest.
pub fn read_patch(entity_type: &EntityType, fields: &Map<String, Value>) -> (Patch, Vec<Problem>) {
    let mut patch = Patch::new();
    let mut problems = Vec::new();
    let mut known = 0;
    for field in entity_type.live_fields() {
        let Some(value) = fields.get(&field.name) else {
            continue;
        };
        known += 1;
        if value.is_null() {
            patch.insert(field.number, None);
            continue;
        }
        match read_field(field, value) {
            Ok(datum) => {
                patch.insert(field.number, Some(datum));
            }
            Err(more) => problems.extend(place(field, more)),
        }
    }
    if known < fields.len() {
        problems.extend(unknown(entity_type, fields));
    }
    (patch, problems)
}

/// The defaults of the live fields that are wanted.
pub fn defaults(entity_type: &EntityType, wanted: impl Fn(FieldNumber) -> bool) -> Data {
    let fields = entity_type.live_fields();
    fields
        .filter(|field| wanted(field.number))
        .filter_map(|field| {
            let value = field.default.as_ref().filter(|value| !value.is_null())?;
            // The definition was refused unless its default keeps the field's rules.
            Some((field.number, read_field(field, value).ok()?))
        })
        .collect()
}

/// The values that an entity holds under removed fields: they stay when it is replaced, for a replacement names live fields alone.
pub fn removed(entity_type: &EntityType, data: &Data) -> Data {
    let is_live = |number| {
        entity_type
            .field(number)
            .is_some_and(|field| !field.removed)
    };
    data.iter()
        .filter(|(number, _)| !is_live(**number))
        .map(|(number, datum)| (*number, datum.clone()))
        .collect()
}

/// The data after a patch. What the patch does not name stays, values of removed fields included; what is required must be there.
pub fn apply_patch(
    entity_type: &EntityType,
    mut data: Data,
    patch: &Patch,
) -> Result<Data, Vec<Problem>> {
    for (number, datum) in patch {
        match datum {
            Some(datum) => data.insert(*number, datum.clone()),
            None => data.remove(number),
        };
    }
    let mut problems: Vec<Problem> = entity_type
        .live_fields()
        .filter(|field| field.required && !data.contains_key(&field.number))
        .map(missing)
        .collect();
    problems.extend(too_long_keys(entity_type, &data));
    finish(data, problems)
}

/// Checks data against a type: one that has changed since, or data put together from parts.
pub fn check(entity_type: &EntityType, data: &Data) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for field in entity_type.live_fields() {
        match data.get(&field.number) {
            None if field.required => problems.push(missing(field)),
            None => {}
            Some(datum) => {
                if let Err(more) = check_datum(field, datum) {
                    problems.extend(place(field, more));
                }
            }
        }
    }
    problems.extend(too_long_keys(entity_type, data));
    finish((), problems)
}

/// Checks what one field holds; pointers are relative to it.
pub fn check_datum(field: &Field, datum: &Datum) -> Result<(), Vec<Problem>> {
    let value = match (datum, field.list) {
        (Datum::One(encoded), false) => field.kind.try_decode(encoded.as_str()),
        (Datum::Many(items), true) => items
            .iter()
            .map(|item| field.kind.try_decode(item.as_str()))
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        (Datum::One(_), true) => return Err(vec![Problem::at("", "type", "must be a list")]),
        (Datum::Many(_), false) => {
            return Err(vec![Problem::at("", "type", "must not be a list")]);
        }
    };
    let Some(value) = value else {
        let message = format!("is not a value of kind {}", field.kind.name());
        return Err(vec![Problem::at("", "type", message)]);
    };
    read_field(field, &value).map(|_| ())
}

/// Reads what one field is given, null excepted; pointers are relative to it. A list has all of its problems told, up to 1,000.
pub fn read_field(field: &Field, value: &Value) -> Result<Datum, Vec<Problem>> {
    if !field.list {
        let encoded = field.kind.encode_all(value)?;
        check_length(field, &encoded).map_err(|problem| vec![problem])?;
        return Ok(Datum::One(encoded));
    }
    let Value::Array(items) = value else {
        return Err(vec![Problem::at("", "type", "must be a list")]);
    };
    let mut problems = Vec::new();
    let count = items.len() as u64;
    if let Some(least) = field.min_items
        && count < least
    {
        let message = format!("must have at least {least} items");
        problems.push(Problem::at("", "too_few_items", message));
    }
    if let Some(most) = field.max_items
        && count > most
    {
        let message = format!("must have at most {most} items");
        problems.push(Problem::at("", "too_many_items", message));
    }
    let mut values = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let read = field.kind.encode_all(item).and_then(|encoded| {
            check_length(field, &encoded).map_err(|problem| vec![problem])?;
            Ok(encoded)
        });
        match read {
            Ok(encoded) => values.push(encoded),
            Err(more) => {
                let pointer = format!("/{index}");
                problems.extend(more.into_iter().map(|problem| problem.under(&pointer)));
            }
        }
        if problems.len() >= PROBLEMS {
            problems.push(Problem::at("", "more", "there may be more problems"));
            break;
        }
    }
    finish(Datum::Many(values), problems)
}

/// Checks that a field's default keeps the field's own rules; the pointer begins with `/default`.
pub fn check_default(field: &Field) -> Result<(), Problem> {
    let Some(default) = &field.default else {
        return Ok(());
    };
    match read_field(field, default) {
        Ok(_) => Ok(()),
        Err(problems) => Err(problems.into_iter().next().map_or_else(
            || Problem::at("/default", "type", "is not a value of the field"),
            |problem| problem.under("/default"),
        )),
    }
}

/// Reads a cell of a CSV file: by kind, a list as JSON. Gives the JSON value that [`read_field`] takes.
pub fn parse_cell(field: &Field, cell: &str) -> Result<Value, Problem> {
    if field.list {
        crate::json::read_with_depth(cell.as_bytes(), limits::JSON_VALUE_DEPTH)
            .map_err(|fault| fault.problem)
    } else {
        field.kind.parse_text(cell)
    }
}

/// The cell of a CSV file that [`parse_cell`] reads back.
pub fn cell(field: &Field, datum: &Datum) -> String {
    match datum {
        Datum::One(encoded) => field.kind.cell(encoded),
        Datum::Many(_) => {
            let mut out = Vec::new();
            write_datum(field, datum, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

/// What one field holds, as JSON.
pub fn present_datum(field: &Field, datum: &Datum) -> Value {
    match datum {
        Datum::One(encoded) => field.kind.decode(encoded.as_str()),
        Datum::Many(items) => items
            .iter()
            .map(|item| field.kind.decode(item.as_str()))
            .collect(),
    }
}

/// The `fields` of an entity: live fields that have a value, in the type's order.
pub fn present(entity_type: &EntityType, data: &Data) -> Map<String, Value> {
    entity_type
        .live_fields()
        .filter_map(|field| {
            let datum = data.get(&field.number)?;
            Some((field.name.clone(), present_datum(field, datum)))
        })
        .collect()
}

/// Writes the same as JSON text, without building it.
pub fn write_fields(entity_type: &EntityType, data: &Data, out: &mut Vec<u8>) {
    write_some(entity_type.live_fields(), data, out);
}

/// Writes the object of these fields' values: `select` in the order given.
pub fn write_some<'a>(fields: impl Iterator<Item = &'a Field>, data: &Data, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for field in fields {
        let Some(datum) = data.get(&field.number) else {
            continue;
        };
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        // Names are letters, digits and underscores.
        out.push(b'"');
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        write_datum(field, datum, out);
    }
    out.push(b'}');
}

/// Writes what one field holds as JSON text.
pub fn write_datum(field: &Field, datum: &Datum, out: &mut Vec<u8>) {
    match datum {
        Datum::One(encoded) => field.kind.write_json(encoded.as_str(), out),
        Datum::Many(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                field.kind.write_json(item.as_str(), out);
            }
            out.push(b']');
        }
    }
}

/// The pointer of a field.
pub fn pointer(field: &Field) -> String {
    format!("/fields/{}", pointer_token(&field.name))
}

fn place(field: &Field, problems: Vec<Problem>) -> impl Iterator<Item = Problem> {
    let pointer = pointer(field);
    problems
        .into_iter()
        .map(move |problem| problem.under(&pointer))
}

fn missing(field: &Field) -> Problem {
    Problem::at(pointer(field), "required", "must be given")
}

fn unknown(entity_type: &EntityType, fields: &Map<String, Value>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = fields
        .keys()
        .filter(|name| entity_type.field_named(name).is_none())
        .take(PROBLEMS)
        .map(|name| {
            let pointer = format!("/fields/{}", pointer_token(name));
            Problem::at(pointer, "unknown_field", "the type has no such field")
        })
        .collect();
    if problems.len() == PROBLEMS {
        problems.push(Problem::at("/fields", "more", "there may be more problems"));
    }
    problems
}

fn check_length(field: &Field, encoded: &Encoded) -> Result<(), Problem> {
    if encoded.0.len() > limits::INDEXED_BYTES && (field.indexed || field.unique) {
        return Err(too_long());
    }
    Ok(())
}

fn too_long() -> Problem {
    let message = format!(
        "an indexed or unique value must have at most {} bytes",
        limits::INDEXED_BYTES
    );
    Problem::at("", "too_long_to_index", message)
}

/// Declared keys whose value is too long; the pointer is the key's first part.
fn too_long_keys(entity_type: &EntityType, data: &Data) -> Vec<Problem> {
    let too_long_key = |key: &Key| {
        let bytes: usize = key
            .fields
            .iter()
            .filter_map(|number| data.get(number))
            .flat_map(Datum::values)
            .map(|value| value.0.len() + 2)
            .sum();
        // Joining at most doubles the parts: most keys need not be joined to know.
        bytes * 2 > limits::INDEXED_BYTES
            && key::value(key, data).is_some_and(|value| value.0.len() > limits::INDEXED_BYTES)
    };
    entity_type
        .keys
        .iter()
        .filter(|key| too_long_key(key))
        .filter_map(|key| entity_type.field(*key.fields.first()?))
        .map(|field| too_long().under(&pointer(field)))
        .collect()
}

fn finish<T>(value: T, problems: Vec<Problem>) -> Result<T, Vec<Problem>> {
    if problems.is_empty() {
        Ok(value)
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests;
