//! A type from a draft.

use super::{
    EntityType, Field, Link,
    draft::{Draft, Entry},
    field_entry,
    key_entries::{self, FieldNames},
    link_entry::{self, Holder},
    names::{self, NamePointers},
    numbers,
    problems::Problems,
};
use crate::{Catalog, FieldNumber, Timestamp, TypeId, Version, limits};

/// The type before the change, or what a new one is made with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin<'a> {
    /// A new type.
    New(TypeId, Timestamp),
    /// A change of this one.
    Present(&'a EntityType),
}

impl<'a> Origin<'a> {
    fn before(self) -> Option<&'a EntityType> {
        match self {
            Self::New(..) => None,
            Self::Present(before) => Some(before),
        }
    }
}

/// The type that a draft describes, at the version and time of the one before; meaningless when there are problems.
pub(super) fn build(
    draft: &Draft,
    origin: Origin<'_>,
    catalog: &Catalog,
    problems: &mut Problems,
) -> EntityType {
    let before = origin.before();
    let id = match origin {
        Origin::New(id, _) => id,
        Origin::Present(before) => before.id,
    };
    if let Some(name) = &draft.name {
        names::check_type_name(name, problems);
    }
    let name = draft.name.clone().unwrap_or_default();
    check_counts(draft, before, catalog, problems);
    let mut next = before.map_or(1, |before| before.next_number);
    let field_numbers = {
        let present: Vec<(u32, &str)> = before
            .into_iter()
            .flat_map(EntityType::live_fields)
            .map(|field| (field.number.0, field.name.as_str()))
            .collect();
        numbers::assign(&draft.fields, &present, &mut next, problems)
    };
    let link_numbers = {
        let present: Vec<(u32, &str)> = before
            .into_iter()
            .flat_map(EntityType::live_links)
            .map(|link| (link.number.0, link.name.as_str()))
            .collect();
        numbers::assign(&draft.links, &present, &mut next, problems)
    };
    let (created_at, updated_at, version) = match origin {
        Origin::New(_, now) => (now, now, Version::FIRST),
        Origin::Present(before) => (before.created_at, before.updated_at, before.version),
    };
    let mut after = EntityType {
        version,
        title: draft.title.clone(),
        description: draft.description.clone(),
        tags: draft.tags.clone(),
        metadata: draft.metadata.clone(),
        label: None,
        fields: fields(draft, &field_numbers, before, problems),
        links: links(
            draft,
            &link_numbers,
            before,
            Holder { id, name: &name },
            catalog,
            problems,
        ),
        id,
        name,
        keys: Vec::new(),
        next_number: next,
        created_at,
        updated_at,
    };
    let mut names = FieldNames::default();
    for (entry, number) in draft.fields.iter().zip(&field_numbers) {
        names.0.push((&entry.name, FieldNumber(*number)));
    }
    if let Some(label) = &draft.label {
        after.label = names.find(label, "/label", problems);
    }
    after.keys = key_entries::read(&draft.keys, &names, &after, before, &mut next, problems);
    after.next_number = next;
    let pointers = NamePointers(
        draft
            .fields
            .iter()
            .zip(field_numbers)
            .chain(draft.links.iter().zip(link_numbers))
            .map(|(entry, number)| (number, entry.name_pointer.clone()))
            .collect(),
    );
    names::check_namespaces(&after, &pointers, catalog, problems);
    check_type_is_free(&after, catalog, problems);
    after
}

fn check_counts(
    draft: &Draft,
    before: Option<&EntityType>,
    catalog: &Catalog,
    problems: &mut Problems,
) {
    let mut at_most = |count: usize, most: usize, pointer: &str, code, what: &str| {
        if count > most {
            problems.add(pointer, code, format!("at most {most} {what}"));
        }
    };
    let types = catalog.types().len() + usize::from(before.is_none());
    at_most(
        types,
        limits::TYPES,
        "",
        "too_many_types",
        "types in one registry",
    );
    let fields = draft.fields.len();
    at_most(
        fields,
        limits::FIELDS,
        "/fields",
        "too_many_fields",
        "fields in one type",
    );
    let links = draft.links.len();
    at_most(
        links,
        limits::LINKS,
        "/links",
        "too_many_links",
        "links in one type",
    );
}

fn check_type_is_free(after: &EntityType, catalog: &Catalog, problems: &mut Problems) {
    if let Some(other) = catalog.by_name(&after.name)
        && other.id != after.id
    {
        problems.add(
            "/name",
            "type_exists",
            format!("there is a type {} already", other.name),
        );
    }
}

fn check_names(entries: &[Entry], problems: &mut Problems) {
    for entry in entries {
        names::check_member_name(&entry.name, &entry.name_pointer, problems);
    }
}

fn fields(
    draft: &Draft,
    numbers: &[u32],
    before: Option<&EntityType>,
    problems: &mut Problems,
) -> Vec<Field> {
    check_names(&draft.fields, problems);
    let mut fields: Vec<Field> = Vec::new();
    for (entry, number) in draft.fields.iter().zip(numbers) {
        let field = match &entry.attributes {
            Some(attributes) => field_entry::read(entry, attributes, *number, problems),
            None => before
                .and_then(|before| before.field(FieldNumber(*number)))
                .cloned(),
        };
        fields.extend(field);
    }
    for old in before.into_iter().flat_map(|before| &before.fields) {
        if !numbers.contains(&old.number.0) {
            fields.push(Field {
                removed: true,
                ..old.clone()
            });
        }
    }
    fields
}

fn links(
    draft: &Draft,
    numbers: &[u32],
    before: Option<&EntityType>,
    holder: Holder<'_>,
    catalog: &Catalog,
    problems: &mut Problems,
) -> Vec<Link> {
    check_names(&draft.links, problems);
    let mut links: Vec<Link> = Vec::new();
    for (entry, number) in draft.links.iter().zip(numbers) {
        let link = match &entry.attributes {
            Some(attributes) => {
                link_entry::read(entry, attributes, *number, holder, catalog, problems)
            }
            None => before
                .and_then(|before| before.links.iter().find(|link| link.number.0 == *number))
                .cloned(),
        };
        links.extend(link);
    }
    for old in before.into_iter().flat_map(|before| &before.links) {
        if !numbers.contains(&old.number.0) {
            links.push(Link {
                removed: true,
                ..old.clone()
            });
        }
    }
    links
}
