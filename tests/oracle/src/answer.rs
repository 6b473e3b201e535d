//! Asking one registry: the whole answer to a step, as text.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use futures::TryStreamExt as _;
use registry_core::{
    Caller, Error, Version,
    entity_type::document,
    service::{
        DownloadRequest, IfMatch, Registry, SearchPage, SearchRequest, TypeDelete, UploadRequest,
        Written, WrittenType, entity_json,
    },
};

use crate::{
    fixed::{CountingIds, StepClock},
    step::{Op, Step, Upload},
    walk,
};

/// A registry that steps are asked of.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) registry: Registry,
    clock: StepClock,
    step: usize,
}

impl Asked {
    /// Over an empty store.
    pub(crate) fn of(registry: Registry) -> Self {
        let clock = StepClock::default();
        Self {
            registry: registry
                .with_clock(Arc::new(clock.clone()))
                .with_ids(Arc::new(CountingIds::default())),
            clock,
            step: 0,
        }
    }

    /// The answer to a step.
    ///
    /// # Errors
    ///
    /// What no registry may ever answer: a failure of the store, a defect, a walk that loses or repeats a row.
    pub(crate) async fn answer(&mut self, step: &Step) -> Result<String, String> {
        self.step += 1;
        self.clock.set(self.step);
        let answer = if let Op::Walk { request, between } = &step.op {
            walk::answer(self, step.who, request, between).await
        } else {
            plain(&self.registry, &step.who.caller(), &step.op)
                .await
                .map_err(Fault::of)
        };
        match answer {
            Ok(answer) => Ok(answer),
            Err(Fault::Refused(told)) => Ok(told),
            Err(Fault::Never(why)) => Err(why),
        }
    }
}

/// What is no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A refusal, told as an answer is.
    Refused(String),
    /// What may not be.
    Never(String),
}

impl Fault {
    pub(crate) fn of(error: Error) -> Self {
        match error {
            Error::Refused(refused) => {
                let mut told = format!("{:?} {}: {}", refused.class, refused.code, refused.detail);
                for problem in &refused.problems {
                    write!(told, "\n  {problem:?}").unwrap();
                }
                for extra in &refused.extra {
                    write!(told, "\n  {extra:?}").unwrap();
                }
                if let Some(current) = refused.current {
                    write!(told, "\n  current {current}").unwrap();
                }
                Self::Refused(told)
            }
            other => Self::Never(format!("{other}: {other:?}")),
        }
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm per operation of the contract"
)]
async fn plain(registry: &Registry, caller: &Caller, op: &Op) -> Result<String, Error> {
    let types = registry.types();
    let entities = registry.entities();
    let links = registry.links();
    Ok(match op {
        Op::Define(document) => type_text(&types.define(caller, document).await?),
        Op::ReplaceType {
            name,
            document,
            drop,
        } => type_text(&types.replace(caller, name, document, None, drop).await?),
        Op::ChangeType { name, patch } => {
            type_text(&types.change(caller, name, patch, None).await?)
        }
        Op::DeleteType { name, cascade } => {
            let mode = if *cascade {
                TypeDelete::Cascade
            } else {
                TypeDelete::Empty
            };
            types.delete(caller, name, None, mode).await?;
            "deleted".to_owned()
        }
        Op::ListTypes => {
            let page = types.list(None, 1_000, None).await?;
            let documents = page.items.iter();
            documents
                .map(|one| serde_json::to_string(&document(one, &page.catalog)).unwrap())
                .collect::<Vec<_>>()
                .join("\n")
        }
        // How much there is to build or take away is the store's own matter.
        Op::BuildIndexes => {
            registry.indexing().run_pending().await?;
            "built".to_owned()
        }
        Op::Create { of, id, body } => {
            written(registry, entities.create(caller, of, *id, body).await?).await?
        }
        Op::Put {
            of,
            id,
            body,
            if_match,
        } => {
            let done = entities.put(caller, of, *id, body, expected(*if_match));
            written(registry, done.await?).await?
        }
        Op::Patch {
            of,
            id,
            body,
            if_match,
        } => {
            let done = entities.patch(caller, of, *id, body, expected(*if_match));
            written(registry, done.await?).await?
        }
        Op::Delete { of, id, if_match } => {
            entities
                .delete(caller, of, *id, expected(*if_match))
                .await?;
            "deleted".to_owned()
        }
        Op::Link {
            of,
            id,
            link,
            target,
        } => match links.put(caller, of, *id, link, *target).await? {
            Some(_) => "linked".to_owned(),
            None => "linked already".to_owned(),
        },
        Op::Unlink {
            of,
            id,
            link,
            target,
        } => match links.delete(caller, of, *id, link, *target).await? {
            Some(_) => "unlinked".to_owned(),
            None => "not linked".to_owned(),
        },
        Op::Upload(upload) => uploaded(registry, caller, upload).await?,
        Op::Get { of, id } => {
            let read = entities.get(caller, of, *id).await?;
            let all = registry_core::service::Select::ALL;
            entity_json(&read.catalog, &read.entity_type, &read.entity, &all, &[])
        }
        Op::ByKey { of, key, value } => {
            let read = entities.by_key(caller, of, key, value).await?;
            let all = registry_core::service::Select::ALL;
            entity_json(&read.catalog, &read.entity_type, &read.entity, &all, &[])
        }
        Op::Links { of, id } => {
            let list = links.list(caller, of, *id).await?;
            serde_json::to_string(&list).unwrap()
        }
        Op::Linked {
            of,
            id,
            link,
            request,
        } => {
            let page = registry
                .search()
                .linked(caller, of, *id, link, request)
                .await?;
            page_text(&page)
        }
        Op::Graph {
            of,
            id,
            depth,
            limit,
        } => {
            let graph = links.graph(caller, of, *id, *depth, *limit).await?;
            format!("{graph:?}")
        }
        Op::Search(request) => page_text(&registry.search().search(caller, request).await?),
        Op::Download {
            of,
            format,
            null,
            search,
        } => {
            let request = DownloadRequest {
                format: Some(format.clone()),
                null: null.clone(),
                search: search.clone(),
                ..DownloadRequest::default()
            };
            download(registry, caller, of, &request).await?
        }
        Op::Walk { .. } => unreachable!("a walk does not stand within a walk"),
    })
}

fn expected(version: Option<i64>) -> Option<IfMatch> {
    version.map(|version| IfMatch::OneOf(vec![Version(version)]))
}

fn type_text(done: &WrittenType) -> String {
    let document = document(&done.entity_type, &done.catalog);
    let document = serde_json::to_string(&document).unwrap();
    let logged = done.position.is_some();
    format!("{:?} {logged} {document}", done.outcome)
}

async fn written(registry: &Registry, done: Written) -> Result<String, Error> {
    let catalog = registry.catalog().await?;
    let all = registry_core::service::Select::ALL;
    let entity = entity_json(&catalog, &done.entity_type, &done.entity, &all, &[]);
    let logged = done.position.is_some();
    Ok(format!("{:?} {logged} {entity}", done.outcome))
}

/// A page: its documents, whether there are more, and the total. Cursors are signed with the store's own secret, and not shown.
pub(crate) fn page_text(page: &SearchPage) -> String {
    let mut told = String::new();
    for (index, entity) in page.items.iter().enumerate() {
        let entity_type = page.catalog.by_id(entity.type_id).unwrap();
        let expanded = page
            .expanded
            .get(index)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let expanded: Vec<_> = expanded.iter().cloned().map(without_cursor).collect();
        let document = entity_json(&page.catalog, entity_type, entity, &page.select, &expanded);
        writeln!(told, "{document}").unwrap();
    }
    let more = page.next_cursor.is_some();
    write!(told, "more {more}, total {:?}", page.total).unwrap();
    told
}

fn without_cursor(
    (name, shown): (String, registry_core::service::Expanded),
) -> (String, registry_core::service::Expanded) {
    use registry_core::service::Expanded;
    let shown = match shown {
        Expanded::Many { items, next_cursor } => Expanded::Many {
            items,
            next_cursor: next_cursor.map(|_| "…".to_owned()),
        },
        one @ Expanded::One(_) => one,
    };
    (name, shown)
}

async fn uploaded(registry: &Registry, caller: &Caller, upload: &Upload) -> Result<String, Error> {
    let bytes: Arc<[u8]> = upload.text.as_bytes().into();
    let request = UploadRequest {
        type_name: upload.of.clone(),
        source: Arc::new(bytes),
        format: upload.format,
        mode: upload.mode.clone(),
        key: upload.key.clone(),
        atomic: upload.atomic.clone(),
        dry_run: upload.dry_run.clone(),
        null: upload.null.clone(),
        delimiter: None,
    };
    let outcome = registry.uploads().upload(caller, request).await?;
    let jobs = registry.upload_jobs();
    let mut told = format!("{:?} {}", outcome.job, outcome.position.is_some());
    for error in &outcome.errors {
        write!(told, "\n  {error:?}").unwrap();
    }
    let mut file = jobs.rejected_file(caller, outcome.job.id).await?;
    write!(told, "\n{}", file.head).unwrap();
    while let Some(piece) = jobs.rejected(&mut file, 3).await? {
        told.push_str(&piece);
    }
    told.push_str(file.tail());
    Ok(told)
}

async fn download(
    registry: &Registry,
    caller: &Caller,
    of: &str,
    request: &DownloadRequest,
) -> Result<String, Error> {
    let file = registry.downloads().download(caller, of, request).await?;
    let pieces: Vec<String> = file.pieces.try_collect().await?;
    Ok(pieces.concat())
}

/// What a caller sees of a search, all at once: versions by id, and the ids in their order.
pub(crate) async fn seen(
    registry: &Registry,
    caller: &Caller,
    request: &SearchRequest,
) -> Result<BTreeMap<registry_core::EntityId, Version>, Error> {
    let whole = SearchRequest {
        limit: Some("1000".to_owned()),
        count: None,
        expand: None,
        select: None,
        cursor: None,
        ..request.clone()
    };
    let page = registry.search().search(caller, &whole).await?;
    let items = page.items.iter();
    Ok(items.map(|entity| (entity.id, entity.version)).collect())
}
