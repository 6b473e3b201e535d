//! Files out: exactly the columns and members that a file in may have, in the type's order, values unaltered.

use serde_json::{Map, Value};

use crate::{
    Entity, EntityType, FieldNumber, Principal,
    entity_type::{Cardinality, Field, Link, fields},
};

use super::Format;

/// What a cell may begin with that makes a spreadsheet take it for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// How a file is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// The fields to write; all of them when `None`.
    pub fields: Option<Vec<FieldNumber>>,
    /// The spelling of absent in a CSV file, so that it differs from the empty text.
    pub null: Option<String>,
    /// For whom a CSV file is.
    pub reader: CsvReader,
}

/// For whom a CSV file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsvReader {
    /// A program: values as they are.
    #[default]
    Program,
    /// A spreadsheet: with a byte order mark, and an apostrophe before what would be taken for a formula.
    Spreadsheet,
}

/// Writes entities of one type into a file, one by one.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    options: WriteOptions,
    fields: Vec<Field>,
    links: Vec<Link>,
    first: bool,
}

impl Writer {
    /// A writer of entities of this type.
    pub fn new(format: Format, entity_type: &EntityType, options: WriteOptions) -> Self {
        let wanted = |field: &&Field| {
            options
                .fields
                .as_ref()
                .is_none_or(|fields| fields.contains(&field.number))
        };
        Self {
            format,
            fields: entity_type.live_fields().filter(wanted).cloned().collect(),
            links: entity_type.live_links().cloned().collect(),
            options,
            first: true,
        }
    }

    /// What the file begins with.
    pub fn head(&self) -> String {
        match self.format {
            Format::Csv => {
                let system = ["_id", "_owners", "_readers"].map(str::to_owned);
                let fields = self.fields.iter().map(|field| field.name.clone());
                let links = self.links.iter().map(|link| format!("links.{}", link.name));
                let mut head = match self.options.reader {
                    CsvReader::Spreadsheet => "\u{feff}".to_owned(),
                    CsvReader::Program => String::new(),
                };
                line(&mut head, system.into_iter().chain(fields).chain(links));
                head
            }
            Format::Ndjson => String::new(),
            Format::Json => "[".to_owned(),
        }
    }

    /// One entity.
    pub fn entity(&mut self, entity: &Entity, out: &mut String) {
        match self.format {
            Format::Csv => {
                let cells = self.cells(entity);
                let guard = self.options.reader == CsvReader::Spreadsheet;
                line(
                    out,
                    cells.into_iter().map(|cell| {
                        if guard && cell.starts_with(FORMULA) {
                            format!("'{cell}")
                        } else {
                            cell
                        }
                    }),
                );
            }
            Format::Ndjson => {
                out.push_str(&self.item(entity).to_string());
                out.push('\n');
            }
            Format::Json => {
                out.push_str(if std::mem::take(&mut self.first) {
                    "\n"
                } else {
                    ",\n"
                });
                out.push_str(&self.item(entity).to_string());
            }
        }
    }

    /// What the file ends with.
    pub fn tail(&self) -> &'static str {
        match self.format {
            Format::Json => "\n]\n",
            Format::Csv | Format::Ndjson => "",
        }
    }

    fn cells(&self, entity: &Entity) -> Vec<String> {
        let absent = || self.options.null.clone().unwrap_or_default();
        let mut cells = vec![
            entity.id.to_string(),
            principals(&entity.owners).to_string(),
            principals(&entity.readers).to_string(),
        ];
        for field in &self.fields {
            cells.push(match entity.data.get(&field.number) {
                None => absent(),
                Some(datum) => fields::cell(field, datum),
            });
        }
        for link in &self.links {
            cells.push(match entity.links.get(&link.number) {
                None => absent(),
                Some(_) => match targets(link, entity) {
                    Value::String(id) => id,
                    list => list.to_string(),
                },
            });
        }
        cells
    }

    fn item(&self, entity: &Entity) -> Value {
        let mut values = Map::new();
        for field in &self.fields {
            match entity.data.get(&field.number) {
                Some(datum) => {
                    values.insert(field.name.clone(), fields::present_datum(field, datum));
                }
                // Left out, it would get its default when it is created elsewhere.
                None if field.default.is_some() => {
                    values.insert(field.name.clone(), Value::Null);
                }
                None => {}
            }
        }
        let links: Map<String, Value> = self
            .links
            .iter()
            .filter(|link| entity.links.contains_key(&link.number))
            .map(|link| (link.name.clone(), targets(link, entity)))
            .collect();
        serde_json::json!({
            "_id": entity.id.to_string(),
            "fields": values,
            "links": links,
            "owners": principals(&entity.owners),
            "readers": principals(&entity.readers),
        })
    }
}

fn targets(link: &Link, entity: &Entity) -> Value {
    let mut ids = entity
        .links
        .get(&link.number)
        .into_iter()
        .flatten()
        .map(|id| Value::String(id.to_string()));
    match link.cardinality {
        Cardinality::One => ids.next().unwrap_or(Value::Null),
        Cardinality::Many => ids.collect(),
    }
}

fn principals(principals: &[Principal]) -> Value {
    principals
        .iter()
        .map(|principal| Value::String(principal.to_string()))
        .collect()
}

/// Writes one line of a CSV file, cells quoted where RFC 4180 needs it.
fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            out.push_str(&quoted(&cell));
        } else {
            out.push_str(&cell);
        }
    }
    out.push('\n');
}

/// A cell in quotes.
pub(super) fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}
