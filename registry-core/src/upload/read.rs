//! Reading a file: once whole to see that it can be read, then row by row on a thread of its own.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::{
    Catalog, EntityType, Error,
    port::{LoadItem, RowStream, Rows, StoreError},
};

use super::{
    Format, Options,
    array_records::ArrayRecords,
    columns::Columns,
    csv::CsvRows,
    csv_records::CsvRecords,
    item, naming_pointers,
    ndjson_records::NdjsonRecords,
    source::{FileFault, Records, Source, text, unreadable},
};

/// Rows that travel together from the reading thread.
const BATCH_ROWS: usize = 256;
/// Bytes of records after which a batch travels though it has fewer rows.
const BATCH_BYTES: usize = 1024 * 1024;

/// What is known of a file that can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The header of the file of its rejected rows; CSV alone.
    pub rejected_header: Option<String>,
    columns: Option<Columns>,
}

impl Checked {
    /// The header of the column at fault, from a failure's pointer; CSV alone.
    pub fn column(&self, pointer: &str) -> Option<&str> {
        self.columns.as_ref()?.name_of(pointer)
    }
}

/// Looks a whole file over: its encoding, its header, what holds its records together, and their sizes. Blocks.
///
/// # Errors
/// `unterminated_quote`, `invalid_encoding`, `malformed_json`, `not_ndjson`, `empty_file`, `unknown_column`, `duplicate_column`,
/// `empty_column`, `missing_column` (all 400, with line or column), `row_too_large` (413).
pub fn check(
    source: &dyn Source,
    catalog: &Catalog,
    entity_type: &EntityType,
    options: &Options,
) -> Result<Checked, Error> {
    let mut file = File::open(source, catalog, entity_type, options)?;
    while file.records.next()?.is_some() {}
    Ok(Checked {
        rejected_header: file.csv.as_ref().map(CsvRows::rejected_header),
        columns: file.csv.map(|csv| csv.columns().clone()),
    })
}

struct File {
    records: Box<dyn Records>,
    csv: Option<CsvRows>,
}

impl File {
    fn open(
        source: &dyn Source,
        catalog: &Catalog,
        entity_type: &EntityType,
        options: &Options,
    ) -> Result<Self, FileFault> {
        let input = text(source)?;
        let mut records: Box<dyn Records> = match options.format {
            Format::Csv => Box::new(CsvRecords::new(input, options.delimiter)),
            Format::Ndjson => Box::new(NdjsonRecords::new(input)),
            Format::Json => Box::new(ArrayRecords::new(input)),
        };
        let csv = match options.format {
            Format::Csv => {
                let header = records.next()?;
                Some(CsvRows::open(
                    catalog,
                    entity_type,
                    options,
                    header.as_ref(),
                )?)
            }
            Format::Ndjson | Format::Json => None,
        };
        Ok(Self { records, csv })
    }
}

/// The rows of a file that was checked, read on a blocking thread a few hundred ahead of the reader. Must be called on a tokio runtime.
///
/// A fault of the file as a whole ends the stream with an error: it can only come up when the file is not the one that was checked.
pub fn rows(
    source: Arc<dyn Source>,
    catalog: Arc<Catalog>,
    entity_type: Arc<EntityType>,
    options: Options,
) -> Rows<'static> {
    Rows::new(move || {
        let (source, catalog) = (Arc::clone(&source), Arc::clone(&catalog));
        stream_of(source, catalog, Arc::clone(&entity_type), options.clone())
    })
}

fn stream_of(
    source: Arc<dyn Source>,
    catalog: Arc<Catalog>,
    entity_type: Arc<EntityType>,
    options: Options,
) -> RowStream<'static> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let last = match send(&*source, &catalog, &entity_type, &options, &sender) {
            Ok(()) => Message::End,
            Err(error) => Message::Broken(error),
        };
        // Where nobody listens any more, the load has ended for another reason.
        let _ = sender.blocking_send(last);
    });
    let batches = stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        let (items, rest) = match receiver.recv().await {
            Some(Message::Batch(items)) => (
                items.into_iter().map(Ok).collect::<Vec<_>>(),
                Some(receiver),
            ),
            Some(Message::End) => return None,
            Some(Message::Broken(error)) => (vec![Err(error)], None),
            // Without its last word the thread has failed: what came so far must not pass for the whole file.
            None => {
                let error =
                    StoreError::internal("read the uploaded file", "the reading thread failed");
                (vec![Err(error)], None)
            }
        };
        Some((stream::iter(items), rest))
    });
    batches.flatten().boxed()
}

/// What the reading thread says.
enum Message {
    Batch(Vec<LoadItem>),
    /// That was the whole file.
    End,
    Broken(StoreError),
}

fn send(
    source: &dyn Source,
    catalog: &Catalog,
    entity_type: &EntityType,
    options: &Options,
    sender: &mpsc::Sender<Message>,
) -> Result<(), StoreError> {
    let mut file = File::open(source, catalog, entity_type, options).map_err(broken)?;
    let naming = naming_pointers(entity_type, options);
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(record) = file.records.next().map_err(broken)? {
        bytes += record.bytes.len();
        batch.push(match &file.csv {
            Some(csv) => csv.row(&record),
            None => item::row(catalog, entity_type, options, &naming, &record),
        });
        if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
            bytes = 0;
            if sender
                .blocking_send(Message::Batch(std::mem::take(&mut batch)))
                .is_err()
            {
                return Ok(());
            }
        }
    }
    let _ = sender.blocking_send(Message::Batch(batch));
    Ok(())
}

fn broken(fault: FileFault) -> StoreError {
    match fault {
        FileFault::Io(error) => unreadable(error),
        FileFault::Refused { problems, .. } => StoreError::internal(
            "read the uploaded file",
            format!("it changed after it was checked: {problems:?}"),
        ),
    }
}
