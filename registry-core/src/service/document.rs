//! Reading what a client sends for an entity: `fields`, `links`, `owners`, `readers`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    EntityId, EntityType, Error, LinkNumber, Principal,
    entity_type::{Cardinality, Link},
    limits,
    problem::{Place, Problem, Refusal, pointer_token},
};

/// Members that the server makes.
const READ_ONLY: [&str; 8] = [
    "id",
    "type",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "expanded",
];

/// Everything that is wrong with a document, by class: the first class that has any is answered, with all of its problems.
#[derive(Debug, Default)]
pub(super) struct Faults {
    malformed: Vec<Problem>,
    pub(super) invalid: Vec<Problem>,
    conflict: Vec<Problem>,
}

impl Faults {
    /// The refusal, if there is anything to refuse.
    pub(super) fn check(self) -> Result<(), Error> {
        if !self.malformed.is_empty() {
            return Err(Error::problems(
                Refusal::Malformed,
                "invalid_entity",
                self.malformed,
            ));
        }
        if !self.invalid.is_empty() {
            return Err(Error::problems(
                Refusal::Invalid,
                "invalid_entity",
                self.invalid,
            ));
        }
        if !self.conflict.is_empty() {
            return Err(Error::problems(
                Refusal::Conflict,
                "invalid_entity",
                self.conflict,
            ));
        }
        Ok(())
    }

    /// What was read, or nothing and the reasons why not.
    pub(super) fn or_default<T: Default>(&mut self, read: Result<T, Vec<Problem>>) -> T {
        read.unwrap_or_else(|problems| {
            self.invalid.extend(problems);
            T::default()
        })
    }

    /// Whether something at this pointer or below it is wrong already.
    pub(super) fn has_below(&self, pointer: &str) -> bool {
        self.invalid.iter().chain(&self.conflict).any(|problem| {
            let Place::Pointer(at) = &problem.place else {
                return false;
            };
            at.strip_prefix(pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn invalid(&mut self, pointer: String, code: &'static str, message: impl Into<String>) {
        self.invalid.push(Problem::at(pointer, code, message));
    }
}

/// What a document says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Document<'a> {
    /// As it came.
    pub(super) fields: Option<&'a Map<String, Value>>,
    /// The links named, each with its targets from now on: sorted, without repetition, empty when taken off.
    pub(super) links: BTreeMap<LinkNumber, Vec<EntityId>>,
    /// In the order given, without repetition; at least one.
    pub(super) owners: Option<Vec<Principal>>,
    /// In the order given, without repetition.
    pub(super) readers: Option<Vec<Principal>>,
}

/// Reads a document. An id that a list names twice counts once: links are a set.
pub(super) fn read<'a>(
    entity_type: &EntityType,
    body: &'a Map<String, Value>,
    faults: &mut Faults,
) -> Document<'a> {
    let mut document = Document::default();
    for (member, value) in body {
        match member.as_str() {
            "fields" => match value {
                Value::Object(fields) => document.fields = Some(fields),
                _ => faults.invalid("/fields".to_owned(), "type", "must be an object"),
            },
            "links" => match value {
                Value::Object(links) => document.links = read_links(entity_type, links, faults),
                _ => faults.invalid("/links".to_owned(), "type", "must be an object"),
            },
            "owners" => document.owners = read_principals("owners", value, faults),
            "readers" => document.readers = read_principals("readers", value, faults),
            other => {
                let pointer = format!("/{}", pointer_token(other));
                faults.malformed.push(if READ_ONLY.contains(&other) {
                    Problem::at(pointer, "read_only_field", "the server makes this member")
                } else {
                    Problem::at(pointer, "unknown_member", "no such member")
                });
            }
        }
    }
    document
}

fn read_links(
    entity_type: &EntityType,
    links: &Map<String, Value>,
    faults: &mut Faults,
) -> BTreeMap<LinkNumber, Vec<EntityId>> {
    let mut read = BTreeMap::new();
    for (name, value) in links {
        let pointer = format!("/links/{}", pointer_token(name));
        let Some(link) = entity_type.link_named(name) else {
            faults.invalid(pointer, "unknown_link", "no such link");
            continue;
        };
        if let Some(targets) = read_targets(link, value, &pointer, faults) {
            read.insert(link.number, targets);
        }
    }
    read
}

fn read_targets(
    link: &Link,
    value: &Value,
    pointer: &str,
    faults: &mut Faults,
) -> Option<Vec<EntityId>> {
    match (link.cardinality, value) {
        (_, Value::Null) => Some(Vec::new()),
        (Cardinality::One, value) => {
            read_id(value, pointer.to_owned(), faults).map(|target| vec![target])
        }
        (Cardinality::Many, Value::Array(values)) => {
            let before = faults.invalid.len();
            let targets: BTreeSet<EntityId> = values
                .iter()
                .enumerate()
                .filter_map(|(index, value)| read_id(value, format!("{pointer}/{index}"), faults))
                .collect();
            if targets.len() > limits::LINK_TARGETS {
                faults
                    .conflict
                    .push(too_many(pointer.to_owned(), targets.len()));
                return None;
            }
            (faults.invalid.len() == before).then(|| targets.into_iter().collect())
        }
        (Cardinality::Many, _) => {
            faults.invalid(pointer.to_owned(), "type", "must be a list of ids");
            None
        }
    }
}

fn read_id(value: &Value, pointer: String, faults: &mut Faults) -> Option<EntityId> {
    let Value::String(text) = value else {
        faults.invalid(pointer, "type", "must be the id of an entity");
        return None;
    };
    let id = text.parse().ok();
    if id.is_none() {
        faults.invalid(pointer, "invalid_id", "is not a UUID");
    }
    id
}

fn read_principals(
    member: &'static str,
    value: &Value,
    faults: &mut Faults,
) -> Option<Vec<Principal>> {
    let Value::Array(values) = value else {
        faults.invalid(format!("/{member}"), "type", "must be a list of principals");
        return None;
    };
    let before = faults.invalid.len();
    let mut read: Vec<Principal> = Vec::with_capacity(values.len());
    let mut seen = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let pointer = format!("/{member}/{index}");
        match value.as_str().map(Principal::parse) {
            None => faults.invalid(pointer, "type", "must be text"),
            Some(None) => faults.invalid(
                pointer,
                "invalid_principal",
                "must be kind:value, as in user:ann",
            ),
            Some(Some(one)) if one.is_public() && member == "owners" => {
                faults.invalid(pointer, "public_owner", "public may stand in readers only");
            }
            Some(Some(one)) => {
                if seen.insert(one.clone()) {
                    read.push(one);
                }
            }
        }
    }
    if values.is_empty() && member == "owners" {
        faults.invalid(
            "/owners".to_owned(),
            "owners_empty",
            "there must be an owner",
        );
    }
    (faults.invalid.len() == before).then_some(read)
}

/// More targets than one outgoing link may have.
pub(super) fn too_many(pointer: String, count: usize) -> Problem {
    Problem::at(
        pointer,
        "too_many_links",
        format!(
            "{count} targets; a link has at most {}. Declare it at the other end for more",
            limits::LINK_TARGETS
        ),
    )
}
