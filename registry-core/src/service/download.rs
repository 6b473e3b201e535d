//! Downloads: every readable entity of a type that matches, as a file, from one snapshot.

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use crate::{
    Caller, Entity, Error,
    port::StoreError,
    problem::{Problem, Refusal},
    upload::{CsvReader, Format, WriteOptions, Writer},
};

use super::{Registry, SearchRequest, commit::store_error, search};

/// Entities written into one piece of a file, at most.
const PIECE_ENTITIES: usize = 256;

/// Downloads of files.
#[derive(Clone, Copy, Debug)]
pub struct Downloads<'a> {
    pub(super) registry: &'a Registry,
}

/// What to download: the parameters of the contract as text.
#[derive(Clone, Debug, Default)]
pub struct DownloadRequest {
    /// `format=`: `csv` (default), `ndjson`, `json`
    pub format: Option<String>,
    /// `spreadsheet=`: `true`, `false` (default); CSV alone
    pub spreadsheet: Option<String>,
    /// `null=`: the spelling of absent, so that it differs from the empty text; CSV alone
    pub null: Option<String>,
    /// What to look for; `limit`, `cursor`, `count` and `expand` have no meaning and are refused. `type_names` is not looked at.
    pub search: SearchRequest,
}

/// A file as it comes.
pub struct Download {
    /// Its format.
    pub format: Format,
    /// Its pieces. After an error the file is not whole.
    pub pieces: BoxStream<'static, Result<String, StoreError>>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl Downloads<'_> {
    /// Downloads the readable entities of a type that match, by id unless `sort` says otherwise. Uploading the file again changes nothing.
    ///
    /// Refuses with `not_found` for the type, `invalid_format`, `invalid_spreadsheet`, `unknown_parameter`, and as a search does.
    pub async fn download(
        &self,
        caller: &Caller,
        type_name: &str,
        request: &DownloadRequest,
    ) -> Result<Download, Error> {
        let (catalog, entity_type) = self.registry.entity_type(type_name).await?;
        let (format, reader) = parameters(request)?;
        let (query, select) =
            search::export(&catalog, &entity_type, caller.scope(), &request.search)?;
        let fields = entity_type
            .live_fields()
            .filter(|field| select.shows(&field.name))
            .map(|field| field.number);
        let options = WriteOptions {
            fields: Some(fields.collect()),
            null: request.null.clone(),
            reader,
        };
        let writer = Writer::new(format, &entity_type, options);
        let entities = self
            .registry
            .store
            .export(&query)
            .await
            .map_err(store_error)?;
        Ok(Download {
            format,
            pieces: pieces(writer, entities),
        })
    }
}

/// Head, entities in pieces, tail.
fn pieces(
    writer: Writer,
    entities: BoxStream<'static, Result<Entity, StoreError>>,
) -> BoxStream<'static, Result<String, StoreError>> {
    let head = stream::iter([Ok(writer.head())]);
    let state = Some((writer, entities.ready_chunks(PIECE_ENTITIES)));
    let rest = stream::unfold(state, |state| async {
        let (mut writer, mut entities) = state?;
        let Some(chunk) = entities.next().await else {
            return Some((Ok(writer.tail().to_owned()), None));
        };
        let mut piece = String::new();
        for entity in chunk {
            match entity {
                Ok(entity) => writer.entity(&entity, &mut piece),
                Err(error) => return Some((Err(error), None)),
            }
        }
        Some((Ok(piece), Some((writer, entities))))
    });
    head.chain(rest)
        .filter(|piece| {
            let keep = !matches!(piece, Ok(text) if text.is_empty());
            async move { keep }
        })
        .boxed()
}

fn parameters(request: &DownloadRequest) -> Result<(Format, CsvReader), Error> {
    let mut problems = Vec::new();
    let format = match request.format.as_deref() {
        None | Some("csv") => Format::Csv,
        Some("ndjson") => Format::Ndjson,
        Some("json") => Format::Json,
        Some(other) => {
            problems.push(
                Problem::parameter("format", "invalid_format", "must be csv, ndjson or json")
                    .with_value(other),
            );
            Format::Csv
        }
    };
    let reader = match request.spreadsheet.as_deref() {
        None | Some("false") => CsvReader::Program,
        Some("true") => CsvReader::Spreadsheet,
        Some(other) => {
            problems.push(
                Problem::parameter(
                    "spreadsheet",
                    "invalid_spreadsheet",
                    "must be true or false",
                )
                .with_value(other),
            );
            CsvReader::Program
        }
    };
    let csv_alone = [
        ("spreadsheet", request.spreadsheet.is_some()),
        ("null", request.null.is_some()),
    ];
    for (name, given) in csv_alone {
        if given && format != Format::Csv {
            problems.push(Problem::parameter(
                name,
                "unknown_parameter",
                "is for CSV files alone",
            ));
        }
    }
    let search = &request.search;
    let paging = [
        ("limit", &search.limit),
        ("cursor", &search.cursor),
        ("count", &search.count),
        ("expand", &search.expand),
    ];
    for (name, given) in paging {
        if given.is_some() {
            problems.push(Problem::parameter(
                name,
                "unknown_parameter",
                "a download is everything that matches, as it can be uploaded",
            ));
        }
    }
    if problems.is_empty() {
        Ok((format, reader))
    } else {
        Err(Error::problems(
            Refusal::Malformed,
            "invalid_parameters",
            problems,
        ))
    }
}
