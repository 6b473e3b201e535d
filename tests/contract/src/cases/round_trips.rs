//! Downloads that are uploaded again.

use serde_json::json;

use crate::{
    Harness,
    fixture::{
        id,
        upload::{Bench, fresh, lines},
    },
};

pub async fn upload_of_a_download_changes_nothing_and_into_an_empty_registry_gives_it_back(
    harness: impl Harness,
) {
    let bench = Bench::open(&harness).await;
    let countries = format!(
        "_id,code,name,_readers\n{},US,\"a \"\"b\"\"\r\nc, d\",\"[\"\"public\"\"]\"\n{},FR,=1+1,\n",
        id(1),
        id(2)
    );
    assert_eq!(
        bench.upload("country", "", &countries).await,
        "done, 2 created"
    );
    let airports = lines(&[
        json!({"_id": id(11).to_string(), "fields": {"icao": "A", "name": "", "elevation": -5, "tags": [], "status": null},
            "links": {"country": {"code": "US"}, "serves": [{"code": "FR"}, {"code": "US"}], "partners": [id(11).to_string()]},
            "owners": ["user:ann", "org:default"]}),
        json!({"_id": id(12).to_string(), "fields": {"icao": "\u{feff} ü\t", "tags": ["a,b", ""], "extra": {"b": [1.50, null], "a": "ü"}},
            "links": {"partners": [id(11).to_string()], "twin": {"icao": "A"}}}),
    ]);
    assert_eq!(
        bench.upload("airport", "format=ndjson", &airports).await,
        "done, 2 created"
    );
    let changes = bench.changes().await;
    for format in ["format=csv null=\\N", "format=ndjson", "format=json"] {
        for type_name in ["country", "airport"] {
            let file = bench.download(type_name, format).await;
            assert_eq!(
                bench
                    .upload(type_name, &format!("mode=upsert {format}"), &file)
                    .await,
                "done, 2 unchanged",
                "{file}"
            );
        }
        assert_eq!(bench.changes().await, changes);
    }
    let plain = bench.download("airport", "format=csv").await;
    assert_eq!(
        bench.upload("airport", "mode=upsert", &plain).await,
        "done, 2 unchanged"
    );
    let sheet = bench.download("country", "spreadsheet=true").await;
    assert!(
        sheet.starts_with("\u{feff}_id,") && sheet.contains(",'=1+1\n"),
        "{sheet}"
    );
}

pub async fn a_download_goes_into_an_empty_registry_whole(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let countries = format!(
        "_id,code,name,_readers\n{},US,\"a \"\"b\"\"\r\nc, d\",\"[\"\"public\"\"]\"\n{},FR,,\n",
        id(1),
        id(2)
    );
    bench.upload("country", "", &countries).await;
    let airports = format!(
        "{}\n{}\n",
        json!({"_id": id(11).to_string(), "fields": {"icao": "A", "name": "", "tags": [], "status": null},
            "links": {"country": {"code": "US"}, "serves": [{"code": "FR"}, {"code": "US"}]},
            "owners": ["user:ann", "org:default"]}),
        json!({"_id": id(12).to_string(), "fields": {"icao": "B", "tags": ["a,b", ""], "extra": {"b": [1.50, null]}}}),
    );
    assert_eq!(
        bench.upload("airport", "format=ndjson", &airports).await,
        "done, 2 created"
    );
    for format in ["format=csv null=\\N", "format=ndjson", "format=json"] {
        let other = Bench::open(&fresh(&harness)).await;
        for type_name in ["country", "airport"] {
            let file = bench.download(type_name, format).await;
            assert_eq!(
                other.upload(type_name, format, &file).await,
                "done, 2 created",
                "{file}"
            );
            assert_eq!(other.download(type_name, format).await, file);
        }
    }
}
