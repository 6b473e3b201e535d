//! The rules of one write, however it comes in: a document sent alone, and the same as a row of a file.

use std::sync::Arc;

use futures::TryStreamExt as _;
use registry_core::{
    principal::Role,
    service::{DownloadRequest, UploadOutcome, UploadRequest},
    upload::{Format, Source},
};
use serde_json::{Value, json};

use super::support::{admin, caller, create, id, object, registry};
use registry_core::{Caller, Error, problem::Place, service::Registry};

async fn upload(
    registry: &Registry,
    caller: &Caller,
    type_name: &str,
    text: &str,
    atomic: Option<&str>,
) -> UploadOutcome {
    let source: Arc<[u8]> = Arc::from(text.as_bytes());
    let request = UploadRequest {
        type_name: type_name.to_owned(),
        source: Arc::new(source) as Arc<dyn Source>,
        format: Format::Ndjson,
        mode: None,
        key: None,
        atomic: atomic.map(str::to_owned),
        dry_run: None,
        null: None,
        delimiter: None,
    };
    registry.uploads().upload(caller, request).await.unwrap()
}

/// Place, code and words of every problem.
fn problems(error: &Error) -> Vec<[String; 3]> {
    let Error::Refused(refused) = error else {
        unreachable!("{error}");
    };
    let told = refused.problems.iter().map(|one| {
        let Place::Pointer(at) = &one.place else {
            unreachable!("{one:?}");
        };
        [at.clone(), one.code.to_owned(), one.message.clone()]
    });
    told.collect()
}

#[tokio::test]
async fn what_is_refused_alone_is_refused_in_a_file_in_the_same_words() {
    let registry = registry().await;
    let (ann, bob) = (caller("ann", Role::Writer), caller("bob", Role::Writer));
    let country = json!({"fields": {"code": "FR"}, "readers": ["public"]});
    create(&registry, &bob, "country", 1, country).await;
    let person = json!({"fields": {"name": "B"}, "readers": ["public"]});
    create(&registry, &bob, "person", 2, person).await;
    for (type_name, document) in [
        (
            "airport",
            json!({"fields": {"icao": "A"}, "version": 1, "wings": 2}),
        ),
        (
            "airport",
            json!({"fields": {"elevation": "high", "wings": 2, "tags": ["a", 1]},
                "links": {"country": 5, "serves": "x", "moon": null}, "owners": [], "readers": ["Nobody", 1]}),
        ),
        (
            "airport",
            json!({"fields": {"icao": "A"}, "owners": ["public"], "links": {"serves": ["x"]}}),
        ),
        (
            "airport",
            json!({"fields": {"icao": "A"}, "owners": ["user:bob"]}),
        ),
        (
            "airport",
            json!({"fields": {"icao": "A"}, "links": {"country": id(9), "serves": [id(1), id(8), id(9)]}}),
        ),
        (
            "airport",
            json!({"fields": {"icao": "A"}, "links": {"country": id(2), "serves": [id(1), id(2)]}}),
        ),
        ("runway", json!({"fields": {}})),
        (
            "runway",
            json!({"fields": {"ident": "1"}, "links": {"airport": "x"}}),
        ),
        (
            "person",
            json!({"fields": {"name": "A"}, "links": {"friends": [id(2)]}}),
        ),
    ] {
        let created = registry
            .entities()
            .create(&ann, type_name, None, &object(&document))
            .await;
        let alone = problems(&created.unwrap_err());
        let outcome = upload(&registry, &ann, type_name, &document.to_string(), None).await;
        let in_file: Vec<[String; 3]> = outcome
            .errors
            .into_iter()
            .map(|one| [one.pointer.unwrap_or_default(), one.code, one.message])
            .collect();
        assert_eq!(in_file, alone, "{document}");
    }
}

#[tokio::test]
async fn a_type_that_links_to_itself_is_downloaded_and_uploaded_into_an_empty_registry() {
    let (from, to) = (registry().await, registry().await);
    let person = |number: u128, links: Value| {
        let body =
            json!({"_id": id(number), "fields": {"name": number.to_string()}, "links": links});
        format!("{body}\n")
    };
    // Spouses and friends name each other: every row but the last leads to a later one.
    let file = person(1, json!({"spouse": id(4), "friends": [id(2), id(3)]}))
        + &person(2, json!({"friends": [id(1), id(3)]}))
        + &person(3, json!({"friends": [id(1), id(2)]}))
        + &person(4, json!({"spouse": id(1)}));
    for (registry, file) in [(&from, Some(file)), (&to, None)] {
        let file = match file {
            Some(file) => file,
            None => download(&from).await,
        };
        let outcome = upload(registry, &admin(), "person", &file, None).await;
        assert_eq!((outcome.job.counts.created, outcome.errors), (4, vec![]));
    }
    assert_eq!(download(&to).await, download(&from).await);
}

async fn download(registry: &Registry) -> String {
    let request = DownloadRequest {
        format: Some("ndjson".to_owned()),
        ..DownloadRequest::default()
    };
    let downloads = registry.downloads();
    let file = downloads.download(&admin(), "person", &request).await;
    file.unwrap().pieces.try_collect().await.unwrap()
}

#[tokio::test]
async fn errors_are_listed_by_line_though_rows_that_waited_are_decided_last() {
    let registry = registry().await;
    let waits = json!({"_id": id(1), "fields": {"name": "A"}, "links": {"spouse": id(9)}});
    let wrong = json!({"_id": id(2), "fields": {"name": 5}});
    let good = json!({"_id": id(3), "fields": {"name": "C"}});
    let file = format!("{waits}\n{wrong}\n{good}\n");
    for atomic in ["true", "false"] {
        let outcome = upload(&registry, &admin(), "person", &file, Some(atomic)).await;
        let told: Vec<_> = outcome
            .errors
            .iter()
            .map(|one| (one.line, one.code.as_str()))
            .collect();
        assert_eq!(told, [(1, "link_target_not_found"), (2, "type")]);
        let counts = outcome.job.counts;
        let good = (counts.created, counts.not_applied);
        let expected = if atomic == "true" { (0, 1) } else { (1, 0) };
        assert_eq!((counts.read, counts.failed, good), (3, 2, expected));
    }
}
