//! Types that change while entities of them are stored.

use serde_json::json;

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    ground(client).await;
    // A rename touches no data; names in one change are read before it.
    client
        .json(
            "PATCH",
            "/entityType/country",
            &json!({"fields": {"name": {"name": "title"}, "population": {"name": "name"}}}),
        )
        .await;
    client.get("/entity/country/by/code/FR").await;
    client
        .json(
            "PATCH",
            "/entityType?name=country",
            &json!({"description": "A state", "fields": {"area": {"type": "decimal"}}}),
        )
        .await;
    client
        .json(
            "PATCH",
            "/entityType/country",
            &json!({"description": "A state"}),
        )
        .await;
    client
        .json(
            "PATCH",
            "/entityType/country",
            &json!({"fields": {"motto": {"type": "text", "required": true}}}),
        )
        .await;
    client
        .json(
            "PATCH",
            "/entityType/country",
            &json!({"fields": {"title": {"type": "integer"}}}),
        )
        .await;
    client
        .json("PATCH", "/entityType/country", &json!({"name": "airport"}))
        .await;
    let whole = json!({"name": "country", "fields": {"code": {"type": "text", "required": true, "unique": true}}});
    client.json("PUT", "/entityType/country", &whole).await;
    client
        .json("PUT", "/entityType/country?drop=title,name", &whole)
        .await;
    let json_type = ("content-type", "application/json");
    client
        .send(
            "PATCH",
            "/entityType/country",
            &[json_type, ("if-match", "\"1-0123456789abcdef\"")],
            "{}",
        )
        .await;
    client
        .send(
            "PATCH",
            "/entityType/country",
            &[json_type, ("if-match", "\"1-1\"")],
            "{}",
        )
        .await;
    client
        .json(
            "PUT",
            "/entityType/town",
            &json!({"fields": {"name": {"type": "text"}}}),
        )
        .await;
    client.json("PATCH", "/entityType/none", &json!({})).await;
    client.send("DELETE", "/entityType/country", &[], "").await;
    client
        .send("DELETE", "/entityType/airport?cascade=maybe", &[], "")
        .await;
    client
        .send("DELETE", "/entityType/airport?cascade=true", &[], "")
        .await;
    client
        .send("DELETE", "/entityType/country?cascade=true", &[], "")
        .await;
    client.get("/entity/country").await;
}
