//! Declared keys from a draft.

use super::{
    EntityType, Key,
    draft::{FieldRef, KeyEntry},
    field_entry::keyable,
    names,
    problems::Problems,
};
use crate::{FieldNumber, KeyNumber};

/// The fields of a draft with the name each has after the change; in a faulty draft two may share one.
#[derive(Debug, Default)]
pub(super) struct FieldNames<'a>(pub(super) Vec<(&'a str, FieldNumber)>);

impl FieldNames<'_> {
    /// The field that a draft means; `None` and a problem when there is none after the change.
    pub(super) fn find(
        &self,
        field: &FieldRef,
        pointer: &str,
        problems: &mut Problems,
    ) -> Option<FieldNumber> {
        let found = self.0.iter().find(|(name, number)| match field {
            FieldRef::Name(wanted) => name == wanted,
            FieldRef::Number(wanted, _) => number == wanted,
        });
        if found.is_none() {
            problems.add(
                pointer,
                "unknown_field",
                format!("no field {}", field.name()),
            );
        }
        found.map(|(_, number)| *number)
    }
}

/// Reads the keys of a draft over a type whose fields are there already. A key of the same parts as one before keeps its number.
pub(super) fn read(
    entries: &[KeyEntry],
    fields: &FieldNames<'_>,
    after: &EntityType,
    before: Option<&EntityType>,
    next: &mut u32,
    problems: &mut Problems,
) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    let mut free: Vec<&Key> = before
        .map(|one| one.keys.iter().collect())
        .unwrap_or_default();
    let parts: Vec<Option<Vec<FieldNumber>>> = entries
        .iter()
        .map(|entry| parts(entry, fields, after, problems))
        .collect();
    // A key that kept name and parts goes before one that took over the parts of another.
    let mut numbers: Vec<Option<KeyNumber>> = vec![None; entries.len()];
    for by_name in [true, false] {
        for ((entry, parts), number) in entries.iter().zip(&parts).zip(&mut numbers) {
            let same = |key: &&Key| {
                Some(&key.fields) == parts.as_ref() && (!by_name || key.name == entry.name)
            };
            if number.is_none()
                && let Some(index) = free.iter().position(same)
            {
                *number = Some(free.remove(index).number);
            }
        }
    }
    for ((entry, parts), number) in entries.iter().zip(parts).zip(numbers) {
        names::check_member_name(&entry.name, &entry.pointer, problems);
        let unique = after.live_fields().filter(|field| field.unique);
        let mut others = unique
            .map(|field| &field.name)
            .chain(keys.iter().map(|key| &key.name));
        if others.any(|other| other.eq_ignore_ascii_case(&entry.name)) {
            problems.add(
                &entry.pointer,
                "name_taken",
                format!("{} is already the name of a key", entry.name),
            );
        }
        keys.push(Key {
            number: number.unwrap_or_else(|| {
                let number = KeyNumber(*next);
                *next += 1;
                number
            }),
            name: entry.name.clone(),
            fields: parts.unwrap_or_default(),
        });
    }
    keys
}

fn parts(
    entry: &KeyEntry,
    fields: &FieldNames<'_>,
    after: &EntityType,
    problems: &mut Problems,
) -> Option<Vec<FieldNumber>> {
    if entry.parts.is_empty() {
        problems.add(&entry.pointer, "empty", "a key has one part at least");
        return None;
    }
    let mut parts: Vec<FieldNumber> = Vec::with_capacity(entry.parts.len());
    for (index, part) in entry.parts.iter().enumerate() {
        let pointer = format!("{}/{index}", entry.pointer);
        let Some(number) = fields.find(part, &pointer, problems) else {
            continue;
        };
        if parts.contains(&number) {
            problems.add(
                &pointer,
                "duplicate",
                format!("{} is there twice", part.name()),
            );
            continue;
        }
        if after.field(number).is_some_and(|field| !keyable(field)) {
            problems.add(
                &pointer,
                "not_key_kind",
                "a list, json or number field cannot be part of a key",
            );
        }
        parts.push(number);
    }
    (parts.len() == entry.parts.len()).then_some(parts)
}
