//! Links from either end, and what stands around an entity.

use serde_json::json;

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    let (france, iceland) = ground(client).await;
    let mut airports = Vec::new();
    for icao in ["LFPG", "LFPO", "BIRK"] {
        let made = client
            .json(
                "POST",
                "/entity/airport",
                &json!({"fields": {"icao": icao}}),
            )
            .await;
        airports.push(made.text("/id"));
    }
    let [cdg, orly, reykjavik] = [&airports[0], &airports[1], &airports[2]];
    let country = format!("/entity/airport/{cdg}/links/country");
    client
        .send("PUT", &format!("{country}/{france}"), &[], "")
        .await;
    client
        .send("PUT", &format!("{country}/{france}"), &[], "")
        .await;
    client
        .send(
            "PUT",
            &format!("/entity/country/{france}/links/airports/{orly}"),
            &[],
            "",
        )
        .await;
    client
        .send(
            "PUT",
            &format!("/entity/country/{iceland}/links/airports/{orly}"),
            &[],
            "",
        )
        .await;
    client
        .send("PUT", &format!("{country}/{iceland}"), &[], "")
        .await;
    client
        .send(
            "PUT",
            &format!("/entity/airport/{cdg}/links/near/{orly}"),
            &[],
            "",
        )
        .await;
    client.get(&format!("/entity/airport/{orly}")).await;
    client.get(&format!("/entity/airport/{cdg}/links")).await;
    client
        .get(&format!("/entity/country/{iceland}/links"))
        .await;
    client
        .get(&format!(
            "/entity/country/{iceland}/links/airports?count=exact&select=icao"
        ))
        .await;
    client
        .get(&format!("/entity/airport/{cdg}/links/near?limit=1"))
        .await;
    client
        .get(&format!("/entity/country/{iceland}/graph"))
        .await;
    client
        .get(&format!("/entity/country/{iceland}/graph?depth=1&limit=1"))
        .await;
    for query in ["depth=0", "depth=6", "limit=0", "limit=1001", "x=1"] {
        client
            .get(&format!("/entity/country/{iceland}/graph?{query}"))
            .await;
    }
    // Refusals.
    client
        .send("PUT", &format!("{country}/{reykjavik}"), &[], "")
        .await;
    client
        .send(
            "PUT",
            &format!("{country}/01890000-0000-7000-8000-00000000000f"),
            &[],
            "",
        )
        .await;
    client.send("PUT", &format!("{country}/x"), &[], "").await;
    client
        .send(
            "PUT",
            &format!("/entity/airport/{cdg}/links/none/{france}"),
            &[],
            "",
        )
        .await;
    client
        .get(&format!("/entity/airport/{cdg}/links/none"))
        .await;
    client.get(&format!("/entity/airport/{france}/links")).await;
    // Unlinking from the other end shows on both.
    client
        .send(
            "DELETE",
            &format!("/entity/airport/{orly}/links/near/{cdg}"),
            &[],
            "",
        )
        .await;
    client
        .send(
            "DELETE",
            &format!("/entity/airport/{orly}/links/near/{cdg}"),
            &[],
            "",
        )
        .await;
    client.get(&format!("/entity/airport/{cdg}/links")).await;
    // A required link stays.
    client.json("POST", "/entityType", &json!({"name": "runway", "links": {"airport": {"to": ["airport"], "cardinality": "one", "required": true}}})).await;
    let runway = client
        .json(
            "POST",
            "/entity/runway",
            &json!({"links": {"airport": cdg}}),
        )
        .await
        .text("/id");
    client
        .send(
            "DELETE",
            &format!("/entity/runway/{runway}/links/airport/{cdg}"),
            &[],
            "",
        )
        .await;
    client.json("POST", "/entity/runway", &json!({})).await;
    client
        .send("DELETE", &format!("/entity/airport/{cdg}"), &[], "")
        .await;
}
