//! Refusals that need a state of their own: limits of links and deletes, keys, rights of readers.

use serde_json::json;

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    let (france, _) = ground(client).await;
    client
        .json(
            "POST",
            "/entity/country",
            &json!({"fields": {"code": "FR", "name": "Again"}}),
        )
        .await;
    client
        .json(
            "PATCH",
            &format!("/entity/country/{france}"),
            &json!({"fields": {"code": "IS"}}),
        )
        .await;
    client
        .json(
            "PATCH",
            &format!("/entity/country/{france}"),
            &json!({"fields": {"code": null}}),
        )
        .await;
    client
        .json(
            "PATCH",
            &format!("/entity/country/{france}"),
            &json!({"fields": {"population": 1.5}}),
        )
        .await;
    client
        .send(
            "PATCH",
            &format!("/entity/country/{france}"),
            &[("content-type", "application/json")],
            "{\"fields\":{\"population\":18446744073709551616}}",
        )
        .await;
    client
        .json(
            "PATCH",
            &format!("/entity/country/{france}"),
            &json!({"readers": ["public"], "owners": ["public"]}),
        )
        .await;
    client
        .json(
            "PATCH",
            "/entityType/country",
            &json!({"fields": {"name": {"unique": true}}}),
        )
        .await;
    client
        .json(
            "PATCH",
            "/entityType/country",
            &json!({"fields": {"note": {"type": "text", "indexed": true}}}),
        )
        .await;
    client
        .json(
            "PATCH",
            &format!("/entity/country/{france}"),
            &json!({"fields": {"note": "x".repeat(1_025)}}),
        )
        .await;
}
