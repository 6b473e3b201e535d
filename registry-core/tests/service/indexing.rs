//! Indexes of filled types, over two registries on one store.

use registry_core::service::{Registry, SearchRequest};
use serde_json::json;

use crate::support::{admin, country, numbers, object, pair, request};

/// Fields whose index is not ready, as this registry sees them now.
async fn building(registry: &Registry) -> usize {
    registry.invalidate();
    registry.catalog().await.unwrap().building().len()
}

async fn found(registry: &Registry) -> Vec<u128> {
    let asked = SearchRequest {
        filter: Some("name >= \"Country B\"".to_owned()),
        sort: Some("-name".to_owned()),
        ..request("country")
    };
    let page = registry.search().search(&admin(), &asked).await.unwrap();
    numbers(&page)
}

#[tokio::test]
async fn queries_answer_alike_before_during_and_after() {
    let (one, two) = pair().await;
    for (number, code) in [(1, "AA"), (2, "BB"), (3, "CC")] {
        country(&one, number, code).await;
    }
    assert_eq!(found(&two).await, [3, 2]);
    let patch = object(&json!({"fields": {"name": {"indexed": true}, "code": {"indexed": true}}}));
    let types = one.types();
    let written = types.change(&admin(), "country", &patch, None).await;
    assert_eq!(written.unwrap().catalog.building().len(), 2);
    assert_eq!((building(&one).await, building(&two).await), (2, 2));
    assert_eq!(found(&two).await, [3, 2]);
    // The document tells; putting it back changes nothing.
    let (catalog, entity_type) = types.read("country").await.unwrap();
    let document = registry_core::entity_type::document(&entity_type, &catalog);
    assert_eq!(document["fields"]["name"]["index_state"], "building");
    assert_eq!(two.indexing().run_pending().await.unwrap(), 2);
    assert_eq!((building(&one).await, building(&two).await), (0, 0));
    assert_eq!(found(&one).await, [3, 2]);
    assert_eq!(one.indexing().run_pending().await.unwrap(), 0);
    let again = types
        .replace(&admin(), "country", &document, None, &[])
        .await
        .unwrap();
    assert!(again.position.is_none());
}
