//! What a caller may not do: 403 for what it knows of, 404 for what it may not see, in the bytes of what is absent.

use serde_json::{Value, json};

use super::ground;
use crate::{CALLER, Client};

const JSON: (&str, &str) = ("content-type", "application/json");
const ANN: (&str, &str) = (CALLER, "writer ann");
const EVE: (&str, &str) = (CALLER, "writer eve");
const READER: (&str, &str) = (CALLER, "reader rob");

async fn send(client: &mut Client, who: (&str, &str), method: &str, path: &str, body: &Value) {
    client
        .send(method, path, &[JSON, who], &body.to_string())
        .await;
}

pub async fn run(client: &mut Client) {
    ground(client).await;
    let fields =
        json!({"fields": {"code": "DE", "name": "Germany"}, "readers": ["user:eve", "user:rob"]});
    let made = client
        .send("POST", "/entity/country", &[JSON, ANN], &fields.to_string())
        .await;
    let germany = made.text("/id");
    let secret = json!({"fields": {"code": "XX", "name": "Secret"}});
    let secret = client
        .send("POST", "/entity/country", &[JSON, ANN], &secret.to_string())
        .await
        .text("/id");
    let path = format!("/entity/country/{germany}");
    let change = json!({"fields": {"population": 83}});
    // A reader writes nothing.
    let nothing = json!({});
    send(
        client,
        READER,
        "POST",
        "/entity/country",
        &json!({"fields": {"code": "AT", "name": "Austria"}}),
    )
    .await;
    send(client, READER, "PATCH", &path, &change).await;
    send(client, READER, "PUT", &path, &change).await;
    client.send("DELETE", &path, &[READER], "").await;
    client
        .send(
            "POST",
            "/entity/country/upload",
            &[("content-type", "text/csv"), READER],
            "code,name\nAT,Austria\n",
        )
        .await;
    // Types belong to admins.
    for who in [READER, ANN] {
        send(
            client,
            who,
            "POST",
            "/entityType",
            &json!({"name": "thing"}),
        )
        .await;
        send(
            client,
            who,
            "PATCH",
            "/entityType/country",
            &json!({"title": "x"}),
        )
        .await;
        send(
            client,
            who,
            "PUT",
            "/entityType/country",
            &json!({"name": "country"}),
        )
        .await;
        client
            .send("DELETE", "/entityType/country", &[who], "")
            .await;
    }
    // Who is not an owner reads at most.
    client.send("GET", &path, &[EVE], "").await;
    send(client, EVE, "PATCH", &path, &change).await;
    send(client, EVE, "PUT", &path, &change).await;
    client.send("DELETE", &path, &[EVE], "").await;
    send(client, ANN, "PATCH", &path, &change).await;
    // Ownership is given to oneself alone.
    send(
        client,
        ANN,
        "PATCH",
        &path,
        &json!({"owners": ["user:eve", "user:bob"]}),
    )
    .await;
    send(
        client,
        EVE,
        "POST",
        "/entity/country",
        &json!({"fields": {"code": "AT", "name": "Austria"}, "owners": ["user:ann"]}),
    )
    .await;
    // What is invisible is absent.
    let invisible = format!("/entity/country/{secret}");
    let absent = "/entity/country/01890000-0000-7000-8000-00000000000f";
    for path in [invisible.as_str(), absent] {
        let mut bodies = Vec::new();
        bodies.push(client.send("GET", path, &[EVE], "").await.body);
        send(client, EVE, "PATCH", path, &change).await;
        client.send("DELETE", path, &[EVE], "").await;
    }
    let seen = client.send("GET", &invisible, &[EVE], "").await;
    let unseen = client.send("GET", absent, &[EVE], "").await;
    assert_eq!(seen.body, unseen.body);
    // Links: of the holder's owner, to what it may see.
    let airport = json!({"fields": {"icao": "EDDF"}, "links": {"country": germany}});
    let airport = client
        .send(
            "POST",
            "/entity/airport",
            &[JSON, EVE],
            &airport.to_string(),
        )
        .await
        .text("/id");
    let link = format!("/entity/airport/{airport}/links/country");
    client
        .send("PUT", &format!("{link}/{germany}"), &[ANN], "")
        .await;
    client
        .send("PUT", &format!("{link}/{germany}"), &[READER], "")
        .await;
    client
        .send("PUT", &format!("{link}/{secret}"), &[EVE], "")
        .await;
    send(
        client,
        EVE,
        "PATCH",
        &format!("/entity/airport/{airport}"),
        &json!({"links": {"country": secret}}),
    )
    .await;
    let _ = nothing;
    // A delete that reaches what the caller may not write.
    client
        .json("POST", "/entityType", &json!({"name": "note", "links": {"about": {"to": ["country"], "on_delete": "cascade"}}}))
        .await;
    send(
        client,
        EVE,
        "POST",
        "/entity/note",
        &json!({"links": {"about": [germany]}}),
    )
    .await;
    client
        .send("DELETE", &format!("/entity/airport/{airport}"), &[EVE], "")
        .await;
    client.send("DELETE", &path, &[ANN], "").await;
    // Jobs are seen by who started them.
    let report = client
        .send(
            "POST",
            "/entity/country/upload",
            &[("content-type", "text/csv"), ANN],
            "code,name\nIT,Italy\n",
        )
        .await;
    let job = report.text("/job");
    client.send("GET", &format!("/job/{job}"), &[ANN], "").await;
    client.send("GET", &format!("/job/{job}"), &[EVE], "").await;
}
