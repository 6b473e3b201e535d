//! Entities: create, read, replace, merge, delete.

use serde_json::json;

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    let (france, iceland) = ground(client).await;
    let body = json!({"fields": {"icao": "LFPG", "name": "Charles de Gaulle, Paris", "elevation": 392}, "links": {"country": france}, "readers": ["public"]});
    let made = client.json("POST", "/entity/airport", &body).await;
    let path = format!("/entity/airport/{}", made.text("/id"));
    client.get(&path).await;
    client
        .get(&format!("{path}?select=icao,elevation&expand=country,near"))
        .await;
    client.get(&format!("{path}?expand=nothing")).await;
    client.get(&format!("{path}?select=nothing")).await;
    client.get("/entity/airport/by/icao/LFPG").await;
    client
        .get("/entity/airport/by/by_name/Charles%20de%20Gaulle%2C%20Paris,open")
        .await;
    client.get("/entity/airport/by/icao/XXXX").await;
    client.get("/entity/airport/by/nothing/XXXX").await;
    client.get("/entity/airport/by/by_name/one").await;
    // Merge: null clears, unchanged makes no new version.
    client
        .json(
            "PATCH",
            &path,
            &json!({"fields": {"elevation": null, "status": "closed"}}),
        )
        .await;
    client
        .json("PATCH", &path, &json!({"fields": {"status": "closed"}}))
        .await;
    client
        .json("PATCH", &path, &json!({"links": {"country": null}}))
        .await;
    // Replace: what is left out goes, owners and readers stay; defaults are for creations.
    client
        .json(
            "PUT",
            &path,
            &json!({"fields": {"icao": "LFPG"}, "links": {"country": iceland}}),
        )
        .await;
    let id = "01890000-0000-7000-8000-000000000001";
    client
        .json(
            "PUT",
            &format!("/entity/airport/{id}"),
            &json!({"fields": {"icao": "BIRK"}}),
        )
        .await;
    client
        .json(
            "POST",
            &format!("/entity/airport/{id}"),
            &json!({"fields": {"icao": "BIKF"}}),
        )
        .await;
    client
        .json(
            "POST",
            "/entity/airport/01890000-0000-7000-8000-000000000002",
            &json!({"fields": {"icao": "BIKF"}}),
        )
        .await;
    // Refusals, all at once.
    client
        .json(
            "POST",
            "/entity/airport",
            &json!({"fields": {"icao": "BIRK"}}),
        )
        .await;
    client.json("POST", "/entity/airport", &json!({"fields": {"name": 3, "elevation": "13", "status": "Open", "zip": 1}, "links": {"town": id, "country": "x"}})).await;
    client
        .json(
            "POST",
            "/entity/airport",
            &json!({"fields": {"icao": "TOOLONG"}}),
        )
        .await;
    client
        .json(
            "POST",
            "/entity/airport",
            &json!({"fields": {"icao": "A"}, "what": 1}),
        )
        .await;
    client
        .json(
            "POST",
            "/entity/airport",
            &json!({"fields": {"icao": "A"}, "version": 1}),
        )
        .await;
    client
        .json(
            "POST",
            "/entity/airport",
            &json!({"fields": {"icao": "A"}, "owners": []}),
        )
        .await;
    client
        .json(
            "POST",
            "/entity/airport",
            &json!({"fields": {"icao": "A"}, "owners": ["nobody"], "readers": ["a:"]}),
        )
        .await;
    client
        .json(
            "POST",
            "/entity/airport",
            &json!({"fields": {"icao": "A"}, "links": {"country": id}}),
        )
        .await;
    client.json("POST", "/entity/airport", &json!({"fields": {"icao": "A"}, "links": {"country": "01890000-0000-7000-8000-00000000000f"}})).await;
    client.json("POST", "/entity/none", &json!({})).await;
    client.get(&format!("/entity/country/{id}")).await;
    client
        .json("PATCH", &format!("/entity/country/{id}"), &json!({}))
        .await;
    // Deletes.
    client
        .send("DELETE", &format!("/entity/country/{iceland}"), &[], "")
        .await;
    client
        .send("DELETE", &path, &[("if-match", "\"1-1\"")], "")
        .await;
    client.send("DELETE", &path, &[], "").await;
    client.send("DELETE", &path, &[], "").await;
    client
        .send("DELETE", &format!("/entity/country/{iceland}"), &[], "")
        .await;
    // A new life starts after the deletion.
    client
        .json("PUT", &path, &json!({"fields": {"icao": "LFPG"}}))
        .await;
}
