//! Walking the pages of a search while rows come and go.

use std::{collections::BTreeMap, fmt::Write as _};

use registry_core::{EntityId, service::SearchRequest};

use crate::{
    answer::{Asked, Fault, page_text, seen},
    step::{Step, Who},
};

/// More pages than any walk has.
const PAGES: usize = 500;

/// Every page, and the answers of the steps between. A row that was there all the time, at one version, must be seen exactly once.
pub(crate) async fn answer(
    asked: &mut Asked,
    who: Who,
    request: &SearchRequest,
    between: &[Step],
) -> Result<String, Fault> {
    let caller = who.caller();
    let mut told = String::new();
    let mut stayed = seen(&asked.registry, &caller, request)
        .await
        .map_err(Fault::of)?;
    let mut times: BTreeMap<EntityId, usize> = BTreeMap::new();
    let mut steps = between.iter();
    let mut page_request = request.clone();
    for _ in 0..PAGES {
        let search = asked.registry.search();
        let page = search.search(&caller, &page_request).await;
        let page = page.map_err(Fault::of)?;
        writeln!(told, "{}", page_text(&page)).unwrap();
        for entity in &page.items {
            *times.entry(entity.id).or_default() += 1;
        }
        let Some(cursor) = page.next_cursor else {
            let wrong: Vec<_> = stayed
                .keys()
                .filter(|id| times.get(id) != Some(&1))
                .map(|id| (id, times.get(id).copied().unwrap_or_default()))
                .collect();
            return if wrong.is_empty() {
                Ok(told)
            } else {
                Err(Fault::Never(format!(
                    "rows that stayed were seen so many times: {wrong:?}\n{told}"
                )))
            };
        };
        page_request.cursor = Some(cursor);
        if let Some(step) = steps.next() {
            let answer = Box::pin(asked.answer(step)).await.map_err(Fault::Never)?;
            writeln!(told, "{answer}").unwrap();
            let now = seen(&asked.registry, &caller, request).await;
            let now = now.map_err(Fault::of)?;
            stayed.retain(|id, version| now.get(id) == Some(version));
        }
    }
    Err(Fault::Never(format!("a walk without end\n{told}")))
}
