//! The background task that builds indexes.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;

use crate::http::App;

/// Time between two looks for indexes to be built; also what a first failure is waited for.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest wait after failures.
const LONGEST: Duration = Duration::from_mins(1);

/// Builds whatever indexes the catalog asks for, at once and then within a second of a change of a type, until it is dropped. A pass that
/// fails, or panics, is made again after a wait that doubles up to a minute.
pub(crate) async fn keep_building(app: Arc<App>) {
    let mut failures = 0;
    loop {
        let indexing = app.registry.indexing();
        let pass = AssertUnwindSafe(indexing.run_pending());
        let why = match pass.catch_unwind().await {
            Ok(Ok(built)) => {
                if built > 0 {
                    tracing::info!(built, "indexes are ready");
                }
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("a panic".to_owned()),
        };
        failures = why.as_ref().map_or(0, |_| failures + 1);
        let wait = pause(failures);
        if let Some(why) = why {
            tracing::warn!(why, failures, wait = ?wait, "indexes could not be built and are tried again");
        }
        tokio::time::sleep(wait).await;
    }
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (PERIOD * 2_u32.pow(doublings)).min(LONGEST)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use registry_core::{Caller, service::Registry};
    use registry_memory::MemoryStore;
    use serde_json::json;

    use super::*;
    use crate::http::HttpSettings;

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let waits = [0, 1, 2, 3, 6, 7, 8, u32::MAX].map(|failures| pause(failures).as_secs());
        assert_eq!(waits, [1, 1, 2, 4, 32, 60, 60, 60]);
    }

    #[tokio::test]
    async fn an_index_that_is_asked_for_becomes_ready() {
        let store = Arc::new(MemoryStore::new());
        let registry = Registry::new(Arc::clone(&store) as _, store);
        let app = Arc::new(App::new(registry, HttpSettings::default()));
        let task = tokio::spawn(keep_building(Arc::clone(&app)));
        let (registry, caller) = (&app.registry, &Caller::default_organisation());
        let object = |value: serde_json::Value| value.as_object().unwrap().clone();
        let thing = object(json!({"name": "thing", "fields": {"f": {"type": "text"}}}));
        registry.types().define(caller, &thing).await.unwrap();
        let body = object(json!({"fields": {"f": "x"}}));
        let entities = registry.entities();
        entities.create(caller, "thing", None, &body).await.unwrap();
        let patch = object(json!({"fields": {"f": {"indexed": true}}}));
        let changed = registry.types().change(caller, "thing", &patch, None).await;
        assert_eq!(changed.unwrap().catalog.building().len(), 1);
        let ready = async {
            while !registry.catalog().await.unwrap().building().is_empty() {
                tokio::time::sleep(PERIOD / 10).await;
            }
        };
        tokio::time::timeout(PERIOD * 10, ready).await.unwrap();
        task.abort();
    }
}
