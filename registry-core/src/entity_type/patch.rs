//! A merge patch (RFC 7396) over a type, as a draft. Names in it are those before the change, so that swaps work.

use serde_json::{Map, Value};

use super::{
    EntityType,
    document::{field_attributes, link_attributes},
    draft::{Draft, Entry, FieldRef, KeyEntry, refuse_members, tags, take_index_state},
    members::{Members, texts},
    problems::Problems,
};
use crate::{Catalog, field::Kind, problem::pointer_token};

/// The draft of what `before` shall be after the patch.
pub(super) fn read(
    before: &EntityType,
    patch: &Map<String, Value>,
    catalog: &Catalog,
    problems: &mut Problems,
) -> Draft {
    refuse_members(patch, None, problems);
    let members = Members {
        map: patch,
        pointer: "",
    };
    let fields_patch = section("fields", &members, problems);
    let links_patch = section("links", &members, problems);
    let keys_patch = section("keys", &members, problems);
    let refer = |name: String| refer(before, fields_patch, name);
    Draft {
        name: Some(name(before, &members, problems)),
        title: text("title", before.title.as_ref(), &members, problems),
        description: text(
            "description",
            before.description.as_ref(),
            &members,
            problems,
        ),
        tags: if patch.contains_key("tags") {
            tags(&members, problems)
        } else {
            before.tags.clone()
        },
        metadata: metadata(before, &members, problems),
        label: if patch.contains_key("label") {
            members.text("label", problems).map(refer)
        } else {
            before
                .label
                .and_then(|number| before.field(number))
                .map(|field| FieldRef::Number(field.number, field.name.clone()))
        },
        fields: fields(before, fields_patch, problems),
        links: links(before, links_patch, catalog, problems),
        keys: keys(before, keys_patch, refer, problems),
    }
}

/// A section of the patch; `null` would remove all of it at one stroke and is refused.
fn section<'a>(
    name: &str,
    members: &Members<'a>,
    problems: &mut Problems,
) -> Option<&'a Map<String, Value>> {
    if members.map.get(name).is_some_and(Value::is_null) {
        problems.add(members.pointer(name), "type", "must be an object");
    }
    members.object(name, problems)
}

/// The field that a name in a patch means: the one of that name before it, unless it goes; else one that the patch makes or renames.
fn refer(before: &EntityType, patch: Option<&Map<String, Value>>, name: String) -> FieldRef {
    let goes = patch
        .and_then(|patch| patch.get(&name))
        .is_some_and(Value::is_null);
    match before.field_named(&name) {
        Some(field) if !goes => FieldRef::Number(field.number, name),
        _ => FieldRef::Name(name),
    }
}

fn name(before: &EntityType, members: &Members<'_>, problems: &mut Problems) -> String {
    match members.map.get("name") {
        None => before.name.clone(),
        Some(Value::Null) => {
            problems.add("/name", "required", "a type needs a name");
            before.name.clone()
        }
        Some(_) => members
            .text("name", problems)
            .unwrap_or_else(|| before.name.clone()),
    }
}

fn text(
    name: &str,
    before: Option<&String>,
    members: &Members<'_>,
    problems: &mut Problems,
) -> Option<String> {
    if members.map.contains_key(name) {
        members.text(name, problems)
    } else {
        before.cloned()
    }
}

fn metadata(
    before: &EntityType,
    members: &Members<'_>,
    problems: &mut Problems,
) -> Option<Map<String, Value>> {
    if !members.map.contains_key("metadata") {
        return before.metadata.clone();
    }
    let patch = members.object("metadata", problems)?;
    let mut metadata = before.metadata.clone().unwrap_or_default();
    merge(&mut metadata, patch);
    Some(metadata)
}

/// RFC 7396 section 2.
fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.shift_remove(name);
            }
            Value::Object(inner) => {
                let slot = target.entry(name.clone()).or_insert(Value::Null);
                let mut merged = match slot.take() {
                    Value::Object(present) => present,
                    _ => Map::new(),
                };
                merge(&mut merged, inner);
                *slot = Value::Object(merged);
            }
            other => {
                target.insert(name.clone(), other.clone());
            }
        }
    }
}

fn fields(
    before: &EntityType,
    patch: Option<&Map<String, Value>>,
    problems: &mut Problems,
) -> Vec<Entry> {
    let present: Vec<Present<'_>> = before
        .live_fields()
        .map(|field| Present {
            number: field.number.0,
            name: &field.name,
        })
        .collect();
    entries("fields", &present, patch, problems, |number, change, _| {
        let Some(field) = before.fields.iter().find(|field| field.number.0 == number) else {
            return Map::new();
        };
        let mut attributes = field_attributes(field);
        let another_kind = change
            .get("type")
            .is_some_and(|kind| kind.as_str() != Some(field.kind.name()));
        if another_kind {
            // The rules of the old kind mean nothing to the new one.
            for rule in field.kind.attributes().keys() {
                attributes.shift_remove(rule);
            }
            if matches!(field.kind, Kind::Text(_)) {
                attributes.shift_remove("searchable");
            }
        }
        if change.get("list") == Some(&Value::Bool(false)) {
            attributes.shift_remove("min_items");
            attributes.shift_remove("max_items");
        }
        attributes
    })
}

fn links(
    before: &EntityType,
    patch: Option<&Map<String, Value>>,
    catalog: &Catalog,
    problems: &mut Problems,
) -> Vec<Entry> {
    let present: Vec<Present<'_>> = before
        .live_links()
        .map(|link| Present {
            number: link.number.0,
            name: &link.name,
        })
        .collect();
    entries("links", &present, patch, problems, |number, _, new_name| {
        let Some(link) = before.links.iter().find(|link| link.number.0 == number) else {
            return Map::new();
        };
        let mut attributes = link_attributes(link, catalog);
        if let (true, Some(new_name)) = (link.symmetric(), new_name) {
            // A symmetric link has one name; it stays symmetric under the new one.
            attributes.insert("inverse".to_owned(), Value::String(new_name.to_owned()));
        }
        attributes
    })
}

struct Present<'a> {
    number: u32,
    name: &'a str,
}

/// `attributes` gives those before the change, by number, patch and new name.
fn entries(
    section: &str,
    present: &[Present<'_>],
    patch: Option<&Map<String, Value>>,
    problems: &mut Problems,
    attributes: impl Fn(u32, &Map<String, Value>, Option<&str>) -> Map<String, Value>,
) -> Vec<Entry> {
    let none = Map::new();
    let patch = patch.unwrap_or(&none);
    let mut entries = Vec::new();
    for one in present {
        let pointer = format!("/{section}/{}", pointer_token(one.name));
        let mut entry = Entry {
            name_pointer: pointer.clone(),
            name: one.name.to_owned(),
            number: Some(one.number),
            attributes: None,
            pointer,
        };
        match patch.get(one.name) {
            None => {}
            Some(Value::Null) => continue,
            Some(Value::Object(change)) => {
                let mut change = change.clone();
                refuse_server_made(section, &mut change, &entry.pointer, problems);
                let new_name = new_name(&mut change, &entry.pointer, problems);
                let mut merged = attributes(one.number, &change, new_name.as_deref());
                merge(&mut merged, &change);
                entry.attributes = Some(merged);
                if let Some(new_name) = new_name {
                    entry.name_pointer = format!("{}/name", entry.pointer);
                    entry.name = new_name;
                }
            }
            Some(_) => problems.add(&entry.pointer, "type", "must be an object or null"),
        }
        entries.push(entry);
    }
    let fresh = patch
        .iter()
        .filter(|(name, _)| !present.iter().any(|one| one.name == name.as_str()));
    for (name, value) in fresh {
        let pointer = format!("/{section}/{}", pointer_token(name));
        let unknown = if section == "fields" {
            "unknown_field"
        } else {
            "unknown_link"
        };
        match value {
            Value::Object(given) if !given.contains_key("name") => {
                let mut attributes = given.clone();
                refuse_server_made(section, &mut attributes, &pointer, problems);
                entries.push(Entry {
                    name_pointer: pointer.clone(),
                    name: name.clone(),
                    number: None,
                    attributes: Some(attributes),
                    pointer,
                });
            }
            Value::Object(_) | Value::Null => {
                problems.add(pointer, unknown, format!("no {name} to rename or remove"));
            }
            _ => problems.add(pointer, "type", "must be an object or null"),
        }
    }
    entries
}

fn refuse_server_made(
    section: &str,
    change: &mut Map<String, Value>,
    pointer: &str,
    problems: &mut Problems,
) {
    if change.shift_remove("number").is_some() {
        problems.add(
            format!("{pointer}/number"),
            "read_only_field",
            "number is made by the server",
        );
    }
    if section == "fields" {
        take_index_state(change, pointer, false, problems);
    }
}

fn new_name(
    change: &mut Map<String, Value>,
    pointer: &str,
    problems: &mut Problems,
) -> Option<String> {
    let name = change.shift_remove("name")?;
    if !name.is_string() {
        problems.add(format!("{pointer}/name"), "type", "must be a text");
    }
    name.as_str().map(str::to_owned)
}

fn keys(
    before: &EntityType,
    patch: Option<&Map<String, Value>>,
    refer: impl Fn(String) -> FieldRef,
    problems: &mut Problems,
) -> Vec<KeyEntry> {
    let none = Map::new();
    let patch = patch.unwrap_or(&none);
    let mut keys = Vec::new();
    for key in &before.keys {
        if !patch.contains_key(&key.name) {
            let parts = key.fields.iter().filter_map(|number| before.field(*number));
            keys.push(KeyEntry {
                pointer: format!("/keys/{}", pointer_token(&key.name)),
                name: key.name.clone(),
                parts: parts
                    .map(|field| FieldRef::Number(field.number, field.name.clone()))
                    .collect(),
            });
        } else if let Some(value) = patch.get(&key.name).filter(|value| !value.is_null()) {
            keys.extend(given_key(&key.name, value, &refer, problems));
        }
    }
    for (name, value) in patch {
        if before.keys.iter().any(|key| key.name == *name) {
            continue;
        }
        if value.is_null() {
            let pointer = format!("/keys/{}", pointer_token(name));
            problems.add(pointer, "unknown_key", format!("no {name} to remove"));
        } else {
            keys.extend(given_key(name, value, &refer, problems));
        }
    }
    keys
}

fn given_key(
    name: &str,
    value: &Value,
    refer: impl Fn(String) -> FieldRef,
    problems: &mut Problems,
) -> Option<KeyEntry> {
    let pointer = format!("/keys/{}", pointer_token(name));
    let parts = texts(value, &pointer, problems)?;
    Some(KeyEntry {
        pointer,
        name: name.to_owned(),
        parts: parts.into_iter().map(refer).collect(),
    })
}
