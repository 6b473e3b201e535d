//! The header of a CSV file: what each column is. A header is right as a whole or the file is refused before a row is read.

use std::collections::BTreeMap;

use crate::{
    Catalog, EntityType, LinkNumber, Problem,
    entity_type::{Field, Key, Link},
    port::LoadMode,
};

use super::{csv_records::Cell, references::TargetKey};

/// Name of the column, and the member, that tells in a file of rejected rows why each was. Passed over when the file is sent again.
pub(super) const REASON: &str = "_reason";

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Column {
    Id,
    Owners,
    Readers,
    Reason,
    Field(Box<Field>),
    /// Ids of a link's targets.
    Ids(Box<Link>),
    /// Keys of a link's targets.
    Keys(Box<Link>, Box<TargetKey>),
}

impl Column {
    fn named(catalog: &Catalog, entity_type: &EntityType, name: &str) -> Option<Self> {
        match name {
            "_id" => return Some(Self::Id),
            "_owners" => return Some(Self::Owners),
            "_readers" => return Some(Self::Readers),
            REASON => return Some(Self::Reason),
            _ => {}
        }
        let Some((link, field)) = name.split_once('.') else {
            return entity_type
                .field_named(name)
                .map(|field| Self::Field(Box::new(field.clone())));
        };
        if link == "links"
            && let Some(link) = entity_type.link_named(field)
        {
            return Some(Self::Ids(Box::new(link.clone())));
        }
        let link = entity_type.link_named(link)?;
        let key = TargetKey::find(catalog, link, field)?;
        Some(Self::Keys(Box::new(link.clone()), Box::new(key)))
    }

    fn link(&self) -> Option<LinkNumber> {
        match self {
            Self::Ids(link) | Self::Keys(link, _) => Some(link.number),
            Self::Id | Self::Owners | Self::Readers | Self::Reason | Self::Field(_) => None,
        }
    }

    /// Where an item has what the column holds.
    fn pointer(&self) -> String {
        match self {
            Self::Id => "/_id".to_owned(),
            Self::Owners => "/owners".to_owned(),
            Self::Readers => "/readers".to_owned(),
            Self::Reason => format!("/{REASON}"),
            Self::Field(field) => format!("/fields/{}", field.name),
            Self::Ids(link) | Self::Keys(link, _) => format!("/links/{}", link.name),
        }
    }
}

/// The columns of a file, in order, and their headers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    /// Headers by pointer, for failures.
    pub(super) names: BTreeMap<String, String>,
}

impl Columns {
    /// Reads a header, all that is wrong with it at once.
    pub(super) fn read(
        catalog: &Catalog,
        entity_type: &EntityType,
        header: &[Cell],
        mode: LoadMode,
        key: Option<&Key>,
    ) -> Result<Self, Vec<Problem>> {
        let mut columns: Vec<Column> = Vec::new();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut problems = Vec::new();
        for (index, cell) in header.iter().enumerate() {
            let name = cell.text.as_str();
            if name.is_empty() {
                problems.push(Problem::column(
                    "",
                    "empty_column",
                    format!("column {} has no header", index + 1),
                ));
                continue;
            }
            let Some(column) = Column::named(catalog, entity_type, name) else {
                problems.push(Problem::column(
                    name,
                    "unknown_column",
                    format!("`{}` has no column `{name}`", entity_type.name),
                ));
                continue;
            };
            match names.entry(column.pointer()) {
                std::collections::btree_map::Entry::Vacant(vacant) => {
                    vacant.insert(name.to_owned());
                    columns.push(column);
                }
                std::collections::btree_map::Entry::Occupied(first) => {
                    let message = if column.link().is_some() && first.get() != name {
                        format!("the column `{}` is about the same link", first.get())
                    } else {
                        "the header is repeated".to_owned()
                    };
                    problems.push(Problem::column(name, "duplicate_column", message));
                }
            }
        }
        if problems.is_empty() {
            problems.extend(missing(entity_type, &names, mode, key));
        }
        if problems.is_empty() {
            Ok(Self { columns, names })
        } else {
            Err(problems)
        }
    }

    /// The column of an item's pointer.
    pub(super) fn name_of(&self, pointer: &str) -> Option<&str> {
        let mut places = pointer.match_indices('/').map(|(at, _)| at).skip(1);
        let (second, third) = (places.next(), places.next());
        let end = if pointer.starts_with("/fields/") || pointer.starts_with("/links/") {
            third
        } else {
            second
        };
        let place = pointer.get(..end.unwrap_or(pointer.len()))?;
        self.names.get(place).map(String::as_str)
    }
}

/// Columns without which no row could find its entity.
fn missing(
    entity_type: &EntityType,
    names: &BTreeMap<String, String>,
    mode: LoadMode,
    key: Option<&Key>,
) -> Vec<Problem> {
    let problem = |name: &str, what: &str| {
        Problem::column(
            name,
            "missing_column",
            format!("rows find their entity by {what}, which has no column"),
        )
    };
    match key {
        Some(key) => key
            .fields
            .iter()
            .filter_map(|number| entity_type.field(*number))
            .filter(|field| !names.contains_key(&format!("/fields/{}", field.name)))
            .map(|field| problem(&field.name, &format!("the key `{}`", key.name)))
            .collect(),
        None if mode == LoadMode::Update && !names.contains_key("/_id") => {
            vec![problem("_id", "their id")]
        }
        None => Vec::new(),
    }
}
