//! Lists and searches, by query string and by body.

use serde_json::json;

use super::ground;
use crate::Client;

pub async fn run(client: &mut Client) {
    let (france, iceland) = ground(client).await;
    let rows = [
        ("LFPG", 392.0, &france),
        ("LFPO", 291.0, &france),
        ("BIRK", 48.0, &iceland),
    ];
    for (icao, elevation, country) in rows {
        client.json("POST", "/entity/airport", &json!({"fields": {"icao": icao, "elevation": elevation}, "links": {"country": country}})).await;
    }
    let list = "/entity/airport?select=icao&";
    for query in [
        "sort=-elevation&count=exact",
        "fields=icao=%22LFPG%22,elevation%3E100",
        "fields=icao=LFPO",
        "filter=country.code+=+%22IS%22",
        "filter=NOT+(elevation+%3E+100+AND+icao+STARTS+WITH+%22LF%22)",
        "filter=icao+IN+(%22BIRK%22,%22LFPO%22)&sort=icao",
        "filter=name+IS+NULL&expand=country",
    ] {
        client.get(&format!("{list}{query}")).await;
    }
    client.get(&format!("{list}links={france}")).await;
    client.get(&format!("{list}links=country:{iceland}")).await;
    client
        .get(&format!("{list}links=01890000-0000-7000-8000-00000000000f"))
        .await;
    client.get(&format!("{list}uuids={france}")).await;
    // Pages.
    let page = client.get(&format!("{list}sort=icao&limit=2")).await;
    let cursor = page.text("/next_cursor");
    assert_eq!(
        page.headers["link"].to_str().unwrap(),
        format!("<{list}sort=icao&limit=2&cursor={cursor}>; rel=\"next\"")
    );
    client
        .get(&format!("{list}sort=icao&limit=2&cursor={cursor}"))
        .await;
    client
        .get(&format!("{list}sort=-icao&limit=2&cursor={cursor}"))
        .await;
    // By body.
    let body = json!({"filter": "elevation > 100", "sort": ["icao"], "limit": 1, "count": "exact", "select": ["icao"]});
    client.json("POST", "/entity/airport/search", &body).await;
    client
        .json("POST", "/entity/airport/search", &json!({"what": 1}))
        .await;
    client
        .json("POST", "/entity/airport/search", &json!({"q": "paris"}))
        .await;
    client
        .json("POST", "/entity/airport/search", &json!({"filter": 3}))
        .await;
    // Across types.
    client
        .get("/entity/search?select=icao,code&type=airport,country&sort=_id")
        .await;
    client.get("/entity/search?count=exact&limit=1").await;
    client.get("/entity/search?type=none").await;
    client.get("/entity/search?type=,").await;
    // Refusals.
    for query in [
        "filter=",
        "filter=icao",
        "filter=none+=+1",
        "filter=elevation+=+%22x%22",
        "filter=icao+IN+()",
        "filter=(icao+=+%22a%22",
        "filter=status+%3E+%22open%22",
        "fields=none=1",
        "fields=icao",
        "links=x",
        "uuids=x",
        "sort=none",
        "sort=icao,icao",
        "select=none",
        "expand=none",
        "limit=-1",
        "cursor=",
    ] {
        client.get(&format!("/entity/airport/search?{query}")).await;
    }
    client.get("/entity/none").await;
}
