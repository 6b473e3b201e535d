//! Rows of a CSV file.

use serde_json::Value;

use crate::{
    Catalog, EntityType, LinkNumber, Principal, Problem,
    entity_type::{Cardinality, Field, Link},
    field::Kind,
    json,
    port::{LoadItem, LoadRow, RowFailure, RowLink, RowPatch, RowTarget},
    write,
};

use super::{
    Options,
    columns::{Column, Columns, REASON},
    csv_records::{cells, shorten},
    references::{TargetKey, by_id},
    source::{FileFault, Record, utf8},
    values,
};
use crate::problem::Refusal;

/// Reads the rows of one CSV file.
#[derive(Debug)]
pub(super) struct CsvRows {
    columns: Columns,
    options: Options,
    header: String,
    /// Where a row names its entity.
    naming: Vec<String>,
}

impl CsvRows {
    /// Reads the header.
    pub(super) fn open(
        catalog: &Catalog,
        entity_type: &EntityType,
        options: &Options,
        header: Option<&Record>,
    ) -> Result<Self, FileFault> {
        let Some(header) = header else {
            return Err(FileFault::line(
                1,
                "empty_file",
                "a CSV file begins with a header",
            ));
        };
        let refused = |problems| FileFault::Refused {
            class: Refusal::Malformed,
            problems,
        };
        let at_line = |problem: Problem| {
            refused(vec![Problem::line(
                header.line,
                problem.code,
                problem.message,
            )])
        };
        let text = utf8(header).map_err(at_line)?;
        let names = cells(text, options.delimiter).map_err(at_line)?;
        let columns = Columns::read(
            catalog,
            entity_type,
            &names,
            options.mode,
            options.key.as_ref(),
        )
        .map_err(refused)?;
        let header = match (columns.columns.last(), names.last()) {
            // A file of rejected rows that was mended: its last column is ours.
            (Some(Column::Reason), Some(last)) => without_last(text, last.start),
            _ => text,
        };
        Ok(Self {
            header: header.to_owned(),
            columns,
            options: options.clone(),
            naming: super::naming_pointers(entity_type, options),
        })
    }

    /// The columns.
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The header of the file of rejected rows.
    pub(super) fn rejected_header(&self) -> String {
        format!(
            "{}{}{REASON}",
            self.header,
            char::from(self.options.delimiter)
        )
    }

    /// Reads a row.
    pub(super) fn row(&self, record: &Record) -> LoadItem {
        let width = self.columns.columns.len();
        let failed = |raw: String, errors| {
            LoadItem::Rejected(RowFailure {
                line: record.line,
                raw,
                errors,
            })
        };
        let text = match utf8(record) {
            Ok(text) => text,
            Err(problem) => {
                let lossy = String::from_utf8_lossy(&record.bytes);
                return failed(self.padded(&lossy, width), vec![problem]);
            }
        };
        let cells = match cells(text, self.options.delimiter) {
            Ok(cells) => cells,
            Err(problem) => return failed(self.padded(text, width), vec![problem]),
        };
        if cells.len() != width {
            let problem = Problem::whole(
                "column_count",
                format!("the row has {} cells, the header {width}", cells.len()),
            );
            return failed(self.padded(text, cells.len()), vec![problem]);
        }
        let kept = match (self.columns.columns.last(), cells.last()) {
            (Some(Column::Reason), Some(last)) => without_last(text, last.start),
            _ => text,
        };
        let raw = format!("{kept}{}", char::from(self.options.delimiter));
        let mut row = LoadRow {
            line: record.line,
            id: None,
            key: None,
            patch: RowPatch::default(),
            raw,
        };
        let mut problems = Vec::new();
        for (column, cell) in self.columns.columns.iter().zip(&cells) {
            self.cell(&mut row, column, &cell.text, &mut problems);
        }
        row.patch.faults = problems;
        row.key = super::row_key(&self.options, &row.patch);
        super::item_of(row, &self.naming)
    }

    /// The record as the file of rejected rows has it: cells up to the last column, then the reason's delimiter.
    fn padded(&self, text: &str, cells: usize) -> String {
        let own = match self.columns.columns.last() {
            Some(Column::Reason) => self.columns.columns.len() - 1,
            _ => self.columns.columns.len(),
        };
        let missing = own.saturating_sub(cells) + 1;
        let delimiter = char::from(self.options.delimiter).to_string();
        format!("{text}{}", delimiter.repeat(missing))
    }

    fn cell(&self, row: &mut LoadRow, column: &Column, text: &str, problems: &mut Vec<Problem>) {
        let null = self.options.null.as_deref().filter(|null| !null.is_empty());
        let absent = null == Some(text);
        if let Column::Field(field) = column {
            let empty_text = null.is_some() && matches!(field.kind, Kind::Text(_)) && !field.list;
            if absent || (text.is_empty() && !empty_text) {
                row.patch.blank.insert(field.number);
                return;
            }
            match field_cell(field, text) {
                Ok(datum) => {
                    row.patch.fields.insert(field.number, Some(datum));
                }
                Err(wrong) => problems.extend(wrong),
            }
            return;
        }
        if absent || text.is_empty() {
            return;
        }
        match column {
            Column::Id => match text.parse() {
                Ok(id) => row.id = Some(id),
                Err(_) => problems.push(
                    Problem::at("/_id", "invalid_id", "is not a UUID").with_value(shorten(text)),
                ),
            },
            Column::Owners => {
                row.patch.owners = principals_cell("owners", text, problems);
            }
            Column::Readers => {
                row.patch.readers = principals_cell("readers", text, problems);
            }
            Column::Ids(link) => {
                let found = match link.cardinality {
                    Cardinality::Many if text.starts_with('[') => {
                        list(link, text, |value| match value {
                            Value::String(id) => by_id(id),
                            _ => Err(Problem::at("", "type", "an id is a text")),
                        })
                    }
                    Cardinality::Many | Cardinality::One => single(link, by_id(text)),
                };
                take(row, link.number, found, problems);
            }
            Column::Keys(link, key) => {
                let found = keys(link, key, text);
                take(row, link.number, found, problems);
            }
            Column::Field(_) | Column::Reason => {}
        }
    }
}

fn without_last(text: &str, start: usize) -> &str {
    text.get(..start.saturating_sub(1)).unwrap_or(text)
}

fn field_cell(field: &Field, text: &str) -> Result<crate::Datum, Vec<Problem>> {
    let place = format!("/fields/{}", field.name);
    values::cell(field, text).map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| shown(problem.under(&place), text))
            .collect()
    })
}

fn shown(problem: Problem, text: &str) -> Problem {
    if problem.value.is_some() {
        problem
    } else {
        problem.with_value(shorten(text))
    }
}

fn take(
    row: &mut LoadRow,
    link: LinkNumber,
    found: Result<Vec<RowTarget>, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) {
    match found {
        Ok(targets) => row.patch.links.push(RowLink { link, targets }),
        Err(wrong) => problems.extend(wrong),
    }
}

fn keys(link: &Link, key: &TargetKey, text: &str) -> Result<Vec<RowTarget>, Vec<Problem>> {
    match link.cardinality {
        Cardinality::One => single(link, key.cell(text)),
        Cardinality::Many => list(link, text, |value| key.json(value)),
    }
}

fn single(link: &Link, found: Result<RowTarget, Problem>) -> Result<Vec<RowTarget>, Vec<Problem>> {
    let place = format!("/links/{}", link.name);
    found
        .map(|target| vec![target])
        .map_err(|problem| vec![problem.under(&place)])
}

fn list(
    link: &Link,
    text: &str,
    read: impl Fn(&Value) -> Result<RowTarget, Problem>,
) -> Result<Vec<RowTarget>, Vec<Problem>> {
    let place = format!("/links/{}", link.name);
    let Ok(Value::Array(values)) = json::read(text.as_bytes()) else {
        return Err(vec![
            Problem::at(&place, "type", "the cell must be a JSON list").with_value(shorten(text)),
        ]);
    };
    let mut targets = Vec::with_capacity(values.len());
    let mut problems = Vec::new();
    for (index, value) in values.iter().enumerate() {
        match read(value) {
            Ok(target) => targets.push(target),
            Err(problem) => problems.push(problem.under(&format!("{place}/{index}"))),
        }
    }
    if problems.is_empty() {
        Ok(targets)
    } else {
        Err(problems)
    }
}

fn principals_cell(
    member: &str,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Principal>> {
    let Ok(value) = json::read(text.as_bytes()) else {
        let problem = Problem::at(format!("/{member}"), "type", "the cell must be a JSON list");
        problems.push(problem.with_value(shorten(text)));
        return None;
    };
    write::principals(member, &value, problems)
}
