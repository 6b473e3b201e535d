//! A type document taken apart, before anything in it is looked up: from POST, PUT, or a patch over the present type.

use serde_json::{Map, Value};

use super::{
    EntityType,
    document::{INDEX_STATE, INDEX_STATES, document},
    members::{Members, refuse_nul, texts},
    problems::Problems,
};
use crate::{Catalog, FieldNumber, Timestamp, problem::pointer_token};

/// What a type shall be, by names.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// `None` when it could not be read, which has been reported.
    pub(super) name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) label: Option<FieldRef>,
    pub(super) fields: Vec<Entry>,
    pub(super) links: Vec<Entry>,
    pub(super) keys: Vec<KeyEntry>,
}

/// A field or a link of a draft.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where the body speaks of it.
    pub(super) pointer: String,
    /// Where the body gives its name.
    pub(super) name_pointer: String,
    pub(super) name: String,
    /// The number of the field or link that it is, when the body told.
    pub(super) number: Option<u32>,
    /// Its attributes without `name`, `number` and `index_state`; `None`: as they are.
    pub(super) attributes: Option<Map<String, Value>>,
}

/// A key of a draft.
#[derive(Debug)]
pub(super) struct KeyEntry {
    pub(super) pointer: String,
    pub(super) name: String,
    pub(super) parts: Vec<FieldRef>,
}

/// How a draft speaks of a field.
#[derive(Debug)]
pub(super) enum FieldRef {
    /// By its name after the change.
    Name(String),
    /// By its number, with the name that the body or the type before used.
    Number(FieldNumber, String),
}

impl FieldRef {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Number(_, name) => name,
        }
    }
}

const MEMBERS: [&str; 9] = [
    "name",
    "title",
    "description",
    "tags",
    "metadata",
    "label",
    "fields",
    "links",
    "keys",
];
const SERVER_MADE: [&str; 5] = ["id", "version", "created_at", "updated_at", "inverse_links"];
const LATER: [&str; 3] = ["append_only", "require_if_match", "history"];

/// Reports the members of a document that a client may not send. `present` is the type that a PUT replaces: then the members that the
/// server made may come back, as they were read.
pub(super) fn refuse_members(
    map: &Map<String, Value>,
    present: Option<(&EntityType, &Catalog)>,
    problems: &mut Problems,
) {
    refuse_nul(map, "", problems);
    for (name, value) in map {
        let pointer = format!("/{}", pointer_token(name));
        if SERVER_MADE.contains(&name.as_str()) {
            let fits = present
                .is_some_and(|(before, catalog)| was_read_from(name, value, before, catalog));
            if !fits {
                problems.add(
                    pointer,
                    "read_only_field",
                    format!("{name} is made by the server"),
                );
            }
        } else if LATER.contains(&name.as_str()) {
            problems.add(
                pointer,
                "not_supported_yet",
                format!("{name} is not supported yet"),
            );
        } else if !MEMBERS.contains(&name.as_str()) {
            problems.add(pointer, "unknown_member", format!("unknown member {name}"));
        }
    }
}

/// Whether a member that the server made can have been read from this type, now or at an earlier version: so a document that was read
/// can be put back, twice too.
fn was_read_from(name: &str, value: &Value, before: &EntityType, catalog: &Catalog) -> bool {
    match name {
        "id" | "created_at" => document(before, catalog).get(name) == Some(value),
        "version" => value
            .as_i64()
            .is_some_and(|version| (1..=before.version.0).contains(&version)),
        "updated_at" => value
            .as_str()
            .and_then(Timestamp::parse)
            .is_some_and(|at| at <= before.updated_at),
        _ => value.is_object(),
    }
}

/// Takes a whole document apart. `present` is the type that it replaces.
pub(super) fn read(
    map: &Map<String, Value>,
    present: Option<(&EntityType, &Catalog)>,
    problems: &mut Problems,
) -> Draft {
    refuse_members(map, present, problems);
    let members = Members { map, pointer: "" };
    let name = members.text("name", problems);
    if name.is_none() && members.get("name").is_none() {
        problems.add("/name", "required", "a type needs a name");
    }
    Draft {
        name,
        title: members.text("title", problems),
        description: members.text("description", problems),
        tags: tags(&members, problems),
        metadata: members.object("metadata", problems).cloned(),
        label: members.text("label", problems).map(FieldRef::Name),
        fields: entries("fields", &members, present.is_some(), problems),
        links: entries("links", &members, present.is_some(), problems),
        keys: keys(&members, problems),
    }
}

/// Tags: texts that are not empty and do not repeat.
pub(super) fn tags(members: &Members<'_>, problems: &mut Problems) -> Vec<String> {
    let tags = members.texts("tags", problems).unwrap_or_default();
    for (index, tag) in tags.iter().enumerate() {
        let pointer = format!("{}/{index}", members.pointer("tags"));
        if tag.is_empty() {
            problems.add(pointer, "empty", "a tag must not be empty");
        } else if tags.iter().take(index).any(|other| other == tag) {
            problems.add(pointer, "duplicate", format!("tag {tag} is there twice"));
        }
    }
    tags
}

fn entries(
    section: &str,
    members: &Members<'_>,
    numbers_allowed: bool,
    problems: &mut Problems,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, value) in members.object(section, problems).into_iter().flatten() {
        let pointer = format!("/{section}/{}", pointer_token(name));
        let Value::Object(attributes) = value else {
            problems.add(pointer, "type", "must be an object");
            continue;
        };
        let mut attributes = attributes.clone();
        let number = attributes.shift_remove("number").and_then(|number| {
            let at = format!("{pointer}/number");
            if !numbers_allowed {
                problems.add(at, "read_only_field", "number is made by the server");
                return None;
            }
            let read = number
                .as_u64()
                .and_then(|number| u32::try_from(number).ok());
            if read.is_none() && !number.is_null() {
                problems.add(at, "unknown_number", "no field or link of this number");
            }
            read
        });
        if section == "fields" {
            take_index_state(&mut attributes, &pointer, numbers_allowed, problems);
        }
        entries.push(Entry {
            name_pointer: pointer.clone(),
            pointer,
            name: name.clone(),
            number,
            attributes: Some(attributes),
        });
    }
    entries
}

/// Takes the state of a field's index out of its attributes. A PUT may bring it back as it was read, now or earlier.
pub(super) fn take_index_state(
    attributes: &mut Map<String, Value>,
    pointer: &str,
    may_come_back: bool,
    problems: &mut Problems,
) {
    let Some(state) = attributes.shift_remove(INDEX_STATE) else {
        return;
    };
    let was_read = state
        .as_str()
        .is_some_and(|state| INDEX_STATES.contains(&state));
    if !(may_come_back && (was_read || state.is_null())) {
        problems.add(
            format!("{pointer}/{INDEX_STATE}"),
            "read_only_field",
            format!("{INDEX_STATE} is made by the server"),
        );
    }
}

fn keys(members: &Members<'_>, problems: &mut Problems) -> Vec<KeyEntry> {
    let mut keys = Vec::new();
    for (name, value) in members.object("keys", problems).into_iter().flatten() {
        let pointer = format!("/keys/{}", pointer_token(name));
        if let Some(parts) = texts(value, &pointer, problems) {
            keys.push(KeyEntry {
                pointer,
                name: name.clone(),
                parts: parts.into_iter().map(FieldRef::Name).collect(),
            });
        }
    }
    keys
}
