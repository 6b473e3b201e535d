//! Loads, through uploads of small files: what becomes of each row, and what is stored then.

use std::{fmt::Write as _, sync::Arc};

use futures::TryStreamExt as _;
use registry_core::{
    Caller, Entity, EntityId, Error, JobId, Version,
    port::JobState,
    principal::Role,
    query::{Count, Filter, Query},
    service::{DownloadRequest, Registry, SearchRequest, UploadOutcome, UploadRequest},
    upload::{Format, Source},
};
use serde_json::{Value, json};

use crate::{
    Harness, Subject,
    fixture::{fail, id, principal},
};

/// A registry with countries, and airports that link to them and to each other.
struct Bench {
    subject: Subject,
    registry: Registry,
}

fn types() -> [Value; 2] {
    [
        json!({"name": "country", "fields": {
            "code": {"type": "text", "required": true, "unique": true},
            "name": {"type": "text"}}}),
        json!({"name": "airport", "fields": {
            "icao": {"type": "text", "required": true, "unique": true},
            "iata": {"type": "text", "unique": true},
            "name": {"type": "text"},
            "elevation": {"type": "integer", "max": 30000},
            "tags": {"type": "text", "list": true},
            "extra": {"type": "json"},
            "status": {"type": "text", "default": "open"}},
          "links": {
            "country": {"to": ["country"], "cardinality": "one", "inverse": "airports"},
            "serves": {"to": ["country"], "inverse": "served_by"},
            "partners": {"to": ["airport"], "inverse": "partners"},
            "twin": {"to": ["airport"], "cardinality": "one", "inverse": "twin"}},
          "keys": {"by_name": ["name", "status"]}}),
    ]
}

impl Bench {
    async fn open(harness: &impl Harness) -> Self {
        let subject = harness.open().await;
        let registry = Registry::new(Arc::clone(&subject.store), Arc::clone(&subject.jobs));
        for definition in types() {
            let Value::Object(definition) = definition else {
                fail("a definition is an object");
            };
            registry
                .types()
                .define(&admin(), &definition)
                .await
                .unwrap();
        }
        Self { subject, registry }
    }

    async fn send(
        &self,
        caller: &Caller,
        type_name: &str,
        parameters: &str,
        text: &str,
    ) -> Result<UploadOutcome, Error> {
        let source: Arc<[u8]> = Arc::from(text.as_bytes());
        let mut request = UploadRequest {
            type_name: type_name.to_owned(),
            source: Arc::new(source) as Arc<dyn Source>,
            format: Format::Csv,
            mode: None,
            key: None,
            atomic: None,
            dry_run: None,
            null: None,
            delimiter: None,
        };
        for (name, value) in parameters
            .split_whitespace()
            .filter_map(|p| p.split_once('='))
        {
            let value = Some(value.to_owned());
            match name {
                "format" => {
                    request.format = match value.as_deref() {
                        Some("ndjson") => Format::Ndjson,
                        Some("json") => Format::Json,
                        _ => Format::Csv,
                    }
                }
                "mode" => request.mode = value,
                "key" => request.key = value,
                "atomic" => request.atomic = value,
                "dry_run" => request.dry_run = value,
                "null" => request.null = value,
                "delimiter" => request.delimiter = value,
                _ => fail("unknown parameter"),
            }
        }
        self.registry.uploads().upload(caller, request).await
    }

    /// Uploads, and tells the outcome in one text: counts that are not zero, then the errors.
    async fn upload(&self, type_name: &str, parameters: &str, text: &str) -> String {
        told(&self.send(&admin(), type_name, parameters, text).await)
    }

    async fn entities(&self, type_name: &str) -> Vec<Entity> {
        let (_, entity_type) = self.registry.entity_type(type_name).await.unwrap();
        let query = Query {
            types: vec![entity_type.id],
            filter: Filter::And(Vec::new()),
            sort: Vec::new(),
            scope: admin().scope(),
            limit: 1_000,
            after: None,
            count: Count::None,
        };
        let entities = self.subject.store.export(&query).await.unwrap();
        entities.try_collect().await.unwrap()
    }

    async fn download(&self, type_name: &str, parameters: &str) -> String {
        let mut request = DownloadRequest {
            search: SearchRequest::default(),
            ..DownloadRequest::default()
        };
        for (name, value) in parameters
            .split_whitespace()
            .filter_map(|p| p.split_once('='))
        {
            let value = Some(value.to_owned());
            match name {
                "format" => request.format = value,
                "null" => request.null = value,
                "spreadsheet" => request.spreadsheet = value,
                "filter" => request.search.filter = value,
                "select" => request.search.select = value,
                _ => fail("unknown parameter"),
            }
        }
        let downloads = self.registry.downloads();
        let file = downloads
            .download(&admin(), type_name, &request)
            .await
            .unwrap();
        file.pieces.try_collect().await.unwrap()
    }

    async fn rejected(&self, job: JobId) -> String {
        let jobs = self.registry.upload_jobs();
        let mut file = jobs.rejected_file(&admin(), job).await.unwrap();
        let mut text = file.head.clone();
        // One by one: a page ends anywhere.
        while let Some(records) = jobs.rejected(&mut file, 1).await.unwrap() {
            text.push_str(&records);
        }
        text + file.tail()
    }

    /// Log rows so far.
    async fn changes(&self) -> usize {
        self.subject.log().await.len()
    }
}

fn admin() -> Caller {
    Caller::default_organisation()
}

fn writer(name: &str) -> Caller {
    Caller {
        actor: principal(name),
        default_owners: vec![principal(name)],
        principals: [principal(name)].into(),
        role: Role::Writer,
    }
}

/// An NDJSON file.
fn lines(items: &[Value]) -> String {
    let mut text = String::new();
    for item in items {
        writeln!(text, "{item}").unwrap();
    }
    text
}

fn told(outcome: &Result<UploadOutcome, Error>) -> String {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Error::Refused(refused)) => {
            let mut text = format!("{:?} {}", refused.class, refused.code);
            for problem in &refused.problems {
                write!(text, "; {:?} {}", problem.place, problem.code).unwrap();
            }
            return text;
        }
        Err(error) => return format!("{error:?}"),
    };
    let counts = outcome.job.counts;
    let sum =
        counts.created + counts.updated + counts.unchanged + counts.failed + counts.not_applied;
    assert_eq!(counts.read, sum, "{counts:?}");
    let mut text = match outcome.job.state {
        JobState::Succeeded => "done".to_owned(),
        other => format!("{other:?}"),
    };
    for (name, count) in [
        ("created", counts.created),
        ("updated", counts.updated),
        ("unchanged", counts.unchanged),
        ("failed", counts.failed),
        ("not applied", counts.not_applied),
    ] {
        if count > 0 {
            write!(text, ", {count} {name}").unwrap();
        }
    }
    for error in &outcome.errors {
        let line = error.line.to_string();
        let place = error.column.as_ref().or(error.pointer.as_ref());
        let parts = [Some(&line), place, Some(&error.code), error.value.as_ref()];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        write!(text, "; {}", parts.join(" ")).unwrap();
    }
    text
}

const COUNTRIES: &str = "code,name\nUS,United States\nFR,France\n";
const AIRPORTS: &str = "icao,name,country.code\nKJFK,Kennedy,US\nLFPG,de Gaulle,FR\n";

pub async fn links_are_found_by_key_and_the_same_file_again_changes_nothing(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    assert_eq!(
        bench.upload("country", "", COUNTRIES).await,
        "done, 2 created"
    );
    assert_eq!(
        bench.upload("airport", "", AIRPORTS).await,
        "done, 2 created"
    );
    let changes = bench.changes().await;
    for mode in ["mode=upsert key=icao", "mode=update key=icao atomic=false"] {
        assert_eq!(
            bench.upload("airport", mode, AIRPORTS).await,
            "done, 2 unchanged"
        );
    }
    assert_eq!(bench.changes().await, changes);
    assert_eq!(
        bench.upload("airport", "key=icao", AIRPORTS).await,
        "Failed, 2 failed; 2 icao key_taken KJFK; 3 icao key_taken LFPG"
    );
}

pub async fn with_all_it_must_apply_every_row_in_one_transaction_or_none(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    bench.upload("country", "", COUNTRIES).await;
    let changes = bench.changes().await;
    let file = "icao,elevation,country.code\nA,1,US\nB,high,US\nC,2,XX\n,3,US\nE,5\nF,6,FR\n";
    let refused = "4 failed, 2 not applied; 3 elevation type high; 4 country.code \
                   link_target_not_found XX; 5 icao required; 6 column_count";
    for parameters in ["", "dry_run=true"] {
        assert_eq!(
            bench.upload("airport", parameters, file).await,
            format!("Failed, {refused}")
        );
    }
    assert_eq!(bench.changes().await, changes);
    assert_eq!(bench.entities("airport").await, Vec::new());

    assert_eq!(
        bench
            .upload("airport", "atomic=false dry_run=true", file)
            .await,
        format!(
            "done, 2 created, {}",
            refused.replace(", 2 not applied", "")
        )
    );
    assert_eq!(bench.changes().await, changes);
    assert_eq!(
        bench.upload("airport", "atomic=false", file).await,
        format!(
            "done, 2 created, {}",
            refused.replace(", 2 not applied", "")
        )
    );
    assert_eq!(bench.entities("airport").await.len(), 2);
}

pub async fn rows_must_see_what_earlier_rows_made_and_never_what_refused_ones_would_have(
    harness: impl Harness,
) {
    for parameters in ["atomic=true", "atomic=false"] {
        let harness = fresh(&harness);
        let bench = Bench::open(&harness).await;
        let file = format!(
            "_id,icao,elevation,partners\n{},A,1,\n{},B,x,\n{},C,,[\"{0}\"]\n{},D,,[\"{1}\"]\n",
            id(1),
            id(2),
            id(3),
            id(4)
        )
        .replace("partners", "links.partners")
        .replace("[\"", "\"[\"\"")
        .replace("\"]", "\"\"]\"");
        let told = bench.upload("airport", parameters, &file).await;
        let errors = format!(
            "; 3 elevation type x; 5 links.partners link_target_not_found {}",
            id(2)
        );
        if parameters == "atomic=true" {
            assert_eq!(told, format!("Failed, 2 failed, 2 not applied{errors}"));
        } else {
            assert_eq!(told, format!("done, 2 created, 2 failed{errors}"));
            let entities = bench.entities("airport").await;
            let [a, c] = entities.as_slice() else {
                fail("two entities");
            };
            // Made and touched in one write: still its first version.
            assert_eq!((a.version, c.version), (Version(1), Version(1)));
            assert_eq!(a.links.values().collect::<Vec<_>>(), [&vec![id(3)]]);
            assert_eq!(c.links.values().collect::<Vec<_>>(), [&vec![id(1)]]);
        }
    }
}

fn fresh<H: Harness>(_like: &H) -> H {
    H::default()
}

pub async fn a_second_row_for_the_same_entity_is_refused_across_slices_too(harness: impl Harness) {
    for atomic in ["atomic=true", "atomic=false"] {
        let bench = Bench::open(&fresh(&harness)).await;
        let mut file = "icao,name\nA,first\nA,second\n".to_owned();
        for number in 0..5_000 {
            writeln!(file, "N{number},").unwrap();
        }
        file.push_str("A,third\nN7,again\nZ,last\n");
        let told = bench
            .upload("airport", &format!("mode=upsert key=icao {atomic}"), &file)
            .await;
        let errors = "3 failed";
        let places = "; 3 duplicate_row; 5004 duplicate_row; 5005 duplicate_row";
        if atomic == "atomic=true" {
            assert_eq!(told, format!("Failed, {errors}, 5002 not applied{places}"));
        } else {
            assert_eq!(told, format!("done, 5002 created, {errors}{places}"));
        }
    }
}

pub async fn each_mode_does_what_it_says(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let one =
        json!({"_id": id(1).to_string(), "fields": {"icao": "A", "name": "a", "elevation": 1}});
    let file = lines(&[one.clone(), json!({"fields": {"icao": "B"}})]);
    assert_eq!(
        bench.upload("airport", "format=ndjson", &file).await,
        "done, 2 created"
    );
    // Create: what is there fails.
    let taken = lines(&[one, json!({"fields": {"icao": "B"}})]);
    assert_eq!(
        bench
            .upload("airport", "format=ndjson atomic=false", &taken)
            .await,
        format!(
            "done, 2 failed; 1 /_id entity_exists {}; 2 /fields/icao key_taken B",
            id(1)
        )
    );
    // Update: what is not there fails.
    let update = lines(&[
        json!({"_id": id(1).to_string(), "fields": {"name": null}}),
        json!({"_id": id(2).to_string(), "fields": {"name": "x"}}),
        json!({"fields": {"name": "x"}}),
    ]);
    assert_eq!(
        bench
            .upload("airport", "format=ndjson mode=update atomic=false", &update)
            .await,
        format!(
            "done, 1 updated, 2 failed; 2 /_id not_found {}; 3 /_id required",
            id(2)
        )
    );
    // Upsert: merged when there, else created, with the id when one is given.
    let upsert = lines(&[
        json!({"_id": id(1).to_string(), "fields": {"icao": "A", "elevation": 2}}),
        json!({"_id": id(3).to_string(), "fields": {"icao": "C"}}),
        json!({"_id": id(4).to_string(), "fields": {"icao": "C"}}),
        json!({"_id": id(4).to_string(), "fields": {"elevation": 30001, "status": null}}),
    ]);
    assert_eq!(
        bench
            .upload("airport", "format=ndjson mode=upsert atomic=false", &upsert)
            .await,
        "done, 1 created, 1 updated, 2 failed; 3 /fields/icao key_taken C; 4 /fields/elevation out_of_range 30001"
    );
    let versions: Vec<(EntityId, Version)> = bench
        .entities("airport")
        .await
        .iter()
        .map(|entity| (entity.id, entity.version))
        .filter(|(entity, _)| *entity <= id(9))
        .collect();
    assert_eq!(versions, [(id(1), Version(3)), (id(3), Version(1))]);
    assert_eq!(
        bench
            .download(
                "airport",
                "filter=icao=\"A\" select=icao,name,elevation,status"
            )
            .await,
        format!(
            "_id,_owners,_readers,icao,name,elevation,status,links.country,links.serves,links.partners,links.twin\n\
             {},\"[\"\"org:default\"\"]\",[],A,,2,open,,,,\n",
            id(1)
        )
    );
}

pub async fn an_id_used_before_goes_on_counting(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let file = format!("_id,code\n{},US\n", id(1));
    bench.upload("country", "", &file).await;
    let entities = bench.registry.entities();
    entities
        .delete(&admin(), "country", id(1), None)
        .await
        .unwrap();
    assert_eq!(
        bench.upload("country", "mode=upsert", &file).await,
        "done, 1 created"
    );
    let versions: Vec<Version> = bench
        .entities("country")
        .await
        .iter()
        .map(|e| e.version)
        .collect();
    assert_eq!(versions, [Version(3)]);
}

pub async fn a_key_given_up_by_an_earlier_row_is_free(harness: impl Harness) {
    for atomic in ["atomic=true", "atomic=false"] {
        let bench = Bench::open(&fresh(&harness)).await;
        let start = format!("_id,icao,iata\n{},A,AAA\n{},B,BBB\n", id(1), id(2));
        bench.upload("airport", "", &start).await;
        let passed = format!("_id,icao,iata\n{},A,CCC\n{},B,AAA\n", id(1), id(2));
        assert_eq!(
            bench
                .upload("airport", &format!("mode=upsert {atomic}"), &passed)
                .await,
            "done, 2 updated"
        );
        let back = format!("_id,icao,iata\n{},A,AAA\n{},B,CCC\n", id(1), id(2));
        let told = bench
            .upload("airport", &format!("mode=upsert {atomic}"), &back)
            .await;
        assert!(told.contains("2 iata key_taken AAA"), "{told}");
    }
}

pub async fn the_other_end_of_a_symmetric_link_gets_one_new_version(harness: impl Harness) {
    for atomic in ["atomic=true", "atomic=false"] {
        let bench = Bench::open(&fresh(&harness)).await;
        let start = format!(
            "_id,icao\n{},HUB\n{},A\n{},B\n{},C\n",
            id(1),
            id(2),
            id(3),
            id(4)
        );
        bench.upload("airport", "", &start).await;
        let items: String = [2, 3, 4]
            .map(|number| {
                json!({"_id": id(number).to_string(), "links": {"partners": [{"icao": "HUB"}]}})
                    .to_string()
                    + "\n"
            })
            .concat();
        assert_eq!(
            bench
                .upload(
                    "airport",
                    &format!("format=ndjson mode=update {atomic}"),
                    &items
                )
                .await,
            "done, 3 updated"
        );
        let entities = bench.entities("airport").await;
        let hub = entities.first().unwrap();
        assert_eq!(hub.version, Version(2));
        assert_eq!(
            hub.links.values().collect::<Vec<_>>(),
            [&vec![id(2), id(3), id(4)]]
        );
        // Cardinality one holds at the other end too.
        let twins: String = [2, 3]
            .map(|number| {
                json!({"_id": id(number).to_string(), "links": {"twin": id(1).to_string()}})
                    .to_string()
                    + "\n"
            })
            .concat();
        let told = bench
            .upload(
                "airport",
                &format!("format=ndjson mode=update {atomic}"),
                &twins,
            )
            .await;
        assert!(told.contains("2 /links/twin link_cardinality"), "{told}");
        // Taking it off at one end takes it off at the other.
        let off = json!({"_id": id(1).to_string(), "links": {"partners": null}}).to_string();
        bench
            .upload("airport", "format=ndjson mode=update", &off)
            .await;
        let left = bench.entities("airport").await;
        assert!(left.iter().all(|entity| {
            entity
                .links
                .values()
                .all(|targets| !targets.contains(&id(4)))
        }));
    }
}

pub async fn rights_hold_for_every_row(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let (ann, bob) = (writer("user:ann"), writer("user:bob"));
    let own = format!(
        "_id,code,_readers\n{},A,\"[\"\"public\"\"]\"\n{},B,\n",
        id(1),
        id(2)
    );
    assert_eq!(
        told(&bench.send(&ann, "country", "", &own).await),
        "done, 2 created"
    );
    let file = format!(
        "_id,code,name,_owners\n{},A,x,\n{},B,x,\n{},C,x,\"[\"\"user:ann\"\"]\"\n{},D,,\"[\"\"public\"\"]\"\n{},E,,[]\n",
        id(1),
        id(2),
        id(3),
        id(4),
        id(5)
    );
    assert_eq!(
        told(
            &bench
                .send(&bob, "country", "mode=upsert atomic=false", &file)
                .await
        ),
        format!(
            "done, 5 failed; 2 forbidden; 3 _id entity_exists {}; 4 _owners forbidden user:ann; \
             4 _owners forbidden; 5 _owners public_owner public; 5 _owners forbidden; 6 _owners owners_empty",
            id(2)
        )
    );
    // What bob cannot read is not there for his links.
    let airports = format!("icao,links.country\nX,{}\nY,{}\n", id(1), id(2));
    assert_eq!(
        told(&bench.send(&bob, "airport", "atomic=false", &airports).await),
        format!(
            "done, 1 created, 1 failed; 3 links.country link_target_not_found {}",
            id(2)
        )
    );
    let reader = Caller {
        role: Role::Reader,
        ..bob
    };
    assert_eq!(
        told(&bench.send(&reader, "country", "", COUNTRIES).await),
        "Forbidden forbidden"
    );
}

pub async fn a_file_that_cannot_be_read_leaves_no_job_and_no_row(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let changes = bench.changes().await;
    for (parameters, file, answer) in [
        ("", "", "Malformed empty_file; Line(1) empty_file"),
        (
            "",
            "\u{feff}code,\"na",
            "Malformed unterminated_quote; Line(1) unterminated_quote",
        ),
        (
            "atomic=false",
            "code,name\nA,\"x\nB,y\n",
            "Malformed unterminated_quote; Line(2) unterminated_quote",
        ),
        (
            "",
            "code,,nope,code,links.x,a.b\n",
            "Malformed unreadable_file; Column(\"\") empty_column; Column(\"nope\") unknown_column; \
             Column(\"code\") duplicate_column; Column(\"links.x\") unknown_column; Column(\"a.b\") unknown_column",
        ),
        (
            "key=code",
            "name\nx\n",
            "Malformed missing_column; Column(\"code\") missing_column",
        ),
        (
            "mode=update",
            "name\nx\n",
            "Malformed missing_column; Column(\"_id\") missing_column",
        ),
        (
            "",
            "\0c\0o",
            "Malformed invalid_encoding; Line(1) invalid_encoding",
        ),
        (
            "format=ndjson",
            "[{}]",
            "Malformed not_ndjson; Line(1) not_ndjson",
        ),
        (
            "format=json atomic=false",
            "[{}, {}",
            "Malformed malformed_json; Line(2) malformed_json",
        ),
        (
            "mode=replace atomic=1",
            "code\n",
            "Malformed invalid_parameters; Parameter(\"mode\") invalid_mode; Parameter(\"atomic\") invalid_atomic",
        ),
        (
            "delimiter=\" null=x",
            "code\n",
            "Malformed invalid_delimiter; Parameter(\"delimiter\") invalid_delimiter",
        ),
        (
            "format=json null=x",
            "[]",
            "Malformed unknown_parameter; Parameter(\"null\") unknown_parameter",
        ),
        (
            "key=nope",
            "code\n",
            "Invalid unknown_key; Parameter(\"key\") unknown_key",
        ),
    ] {
        assert_eq!(
            bench.upload("country", parameters, file).await,
            answer,
            "{file:?}"
        );
    }
    assert_eq!(bench.upload("nope", "", "a\n").await, "NotFound not_found");
    assert_eq!(bench.changes().await, changes);
    assert_eq!(bench.subject.jobs.jobs(None, 10).await.unwrap(), Vec::new());
}

pub async fn bad_records_are_rows_that_failed_and_the_others_go_in(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let file = "icao;name;tags;extra\r\nA;\" a\r\nb;\";\"[\"\"x\"\"]\";{}\r\n\r\nB;5\" pipe;;\nC;\"c\"d;;\nD;d;e;\nE;e;;{\nF;;[1];\n";
    assert_eq!(
        bench
            .upload("airport", "atomic=false delimiter=;", file)
            .await,
        "done, 1 created, 5 failed; 5 malformed_csv 5\" pipe; 6 malformed_csv; 7 tags malformed_json e; \
         8 extra malformed_json {; 9 tags type [1]"
    );
    let file = "\n{\"fields\":{\"icao\":\"N\"}}\n{\"fields\":{\"icao\":\"O\"}\n{\"a\":1,\"a\":2}\n\
                7\n{\"fields\":{\"icao\":\"P\",\"nope\":1},\"id\":\"x\",\"links\":{\"nope\":1,\"serves\":{},\"country\":{\"name\":\"x\"}}}\n\
                {\"fields\":{\"icao\":\"Q\"}} {}\n";
    assert_eq!(
        bench
            .upload("airport", "atomic=false format=ndjson", file)
            .await,
        "done, 1 created, 5 failed; 3 malformed_json; 4 /a duplicate_member; 5 type; 6 /fields/nope unknown_field; \
         6 /id unknown_member; 6 /links/nope unknown_link; 6 /links/serves type; 6 /links/country unknown_key; 7 malformed_json"
    );
}

pub async fn rejected_rows_can_be_mended_and_sent_again(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let file = "icao,elevation\nA,1\nB,\"high, very\"\nC\n";
    let outcome = bench
        .send(&admin(), "airport", "atomic=false", file)
        .await
        .unwrap();
    let rejected = bench.rejected(outcome.job.id).await;
    let lines: Vec<&str> = rejected.lines().collect();
    let [header, b, c] = lines.as_slice() else {
        fail(&rejected);
    };
    assert_eq!(*header, "icao,elevation,_reason");
    assert!(b.starts_with("B,\"high, very\",\"elevation: "), "{b}");
    assert!(c.starts_with("C,,\"the row has 1 cells"), "{c}");
    let mended = rejected.replace("\"high, very\"", "x");
    let again = bench
        .send(&admin(), "airport", "atomic=false", &mended)
        .await
        .unwrap();
    assert_eq!(
        told(&Ok(again.clone())),
        "done, 1 created, 1 failed; 2 elevation type x"
    );
    let rejected = bench.rejected(again.job.id).await;
    assert!(
        rejected.starts_with("icao,elevation,_reason\nB,x,\"elevation: "),
        "{rejected}"
    );
    let mended = rejected.replace("x,\"", "7,\"");
    assert_eq!(
        bench.upload("airport", "", &mended).await,
        "done, 1 created"
    );

    let file = "{\"fields\": {\"icao\": \"D\", \"elevation\": \"x\"}}\n{}\n{\"fields\n";
    let outcome = bench
        .send(&admin(), "airport", "format=ndjson", file)
        .await
        .unwrap();
    let rejected = bench.rejected(outcome.job.id).await;
    let lines: Vec<&str> = rejected.lines().collect();
    let [d, empty, broken] = lines.as_slice() else {
        fail(&rejected);
    };
    assert!(
        d.starts_with("{\"fields\": {\"icao\": \"D\", \"elevation\": \"x\"},\"_reason\":\""),
        "{d}"
    );
    assert!(empty.starts_with("{\"_reason\":\""), "{empty}");
    assert!(broken.ends_with("\"_record\":\"{\\\"fields\"}"), "{broken}");
    let mended = d.replace("\"x\"", "9");
    assert_eq!(
        bench.upload("airport", "format=ndjson", &mended).await,
        "done, 1 created"
    );
    let array = format!("[{d}]");
    let outcome = bench
        .send(&admin(), "airport", "format=json", &array)
        .await
        .unwrap();
    let rejected = bench.rejected(outcome.job.id).await;
    let parsed: Value = serde_json::from_str(&rejected).unwrap();
    assert_eq!(parsed.as_array().map(Vec::len), Some(1), "{rejected}");
}

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

pub async fn jobs_are_seen_by_who_started_them_and_admins(harness: impl Harness) {
    let bench = Bench::open(&harness).await;
    let (ann, bob) = (writer("user:ann"), writer("user:bob"));
    let outcome = bench.send(&ann, "country", "", COUNTRIES).await.unwrap();
    let jobs = bench.registry.upload_jobs();
    let job = outcome.job.id;
    for caller in [&ann, &admin()] {
        assert_eq!(jobs.job(caller, job).await.unwrap(), outcome.job);
        let page = jobs.list(caller, 50, None).await.unwrap();
        assert_eq!(
            (page.items, page.next_cursor),
            (vec![outcome.job.clone()], None)
        );
    }
    assert_eq!(
        jobs.job(&bob, job).await.unwrap_err().to_string(),
        "not_found: no such job"
    );
    assert_eq!(jobs.list(&bob, 50, None).await.unwrap().items, Vec::new());
    assert_eq!(
        jobs.cancel(&ann, job).await.unwrap_err().to_string(),
        "job_ended: the job has ended"
    );
    assert_eq!(jobs.errors(&ann, job, 0, 10).await.unwrap(), Vec::new());
}

pub async fn a_type_that_changes_under_a_load_makes_it_stale_and_nothing_is_applied(
    harness: impl Harness,
) {
    use registry_core::port::{
        Atomicity, Effect, LoadEnd, LoadItem, LoadMode, LoadPlan, LoadRow, RandomIds, RowPatch,
    };
    for atomic in [Atomicity::All, Atomicity::Each] {
        let bench = Bench::open(&fresh(&harness)).await;
        let (catalog, entity_type) = bench.registry.entity_type("country").await.unwrap();
        let plan = LoadPlan {
            key: None,
            mode: LoadMode::Create,
            atomic,
            effect: Effect::Apply,
            caller: admin(),
            ids: Arc::new(RandomIds),
            at: bench.registry.now(),
            catalog,
            entity_type: Arc::clone(&entity_type),
        };
        let field = entity_type.field_named("code").unwrap().number;
        let row = LoadItem::Row(Box::new(LoadRow {
            line: 2,
            id: None,
            key: None,
            patch: RowPatch {
                fields: [(field, Some(crate::fixture::text("US")))].into(),
                ..RowPatch::default()
            },
            raw: "US".to_owned(),
        }));
        let registry = &bench.registry;
        let rows = Box::pin(futures::stream::once(async move {
            let Value::Object(patch) = json!({"title": "Countries"}) else {
                fail("a patch is an object");
            };
            let types = registry.types();
            types
                .change(&admin(), "country", &patch, None)
                .await
                .unwrap();
            Ok(row)
        }));
        let report = bench.subject.store.load(plan, rows, &Silent).await.unwrap();
        assert_eq!((report.end, report.position), (LoadEnd::Stale, None));
        assert_eq!(bench.entities("country").await, Vec::new());
    }
}

/// Nobody who listens.
#[derive(Debug)]
struct Silent;

#[async_trait::async_trait]
impl registry_core::port::LoadSink for Silent {
    async fn failed(
        &self,
        _failures: Vec<registry_core::port::RowFailure>,
    ) -> Result<(), registry_core::port::StoreError> {
        Ok(())
    }

    async fn writing(
        &self,
        _: registry_core::port::LoadMark,
    ) -> Result<(), registry_core::port::StoreError> {
        Ok(())
    }

    async fn progress(
        &self,
        _counts: &registry_core::port::JobCounts,
    ) -> Result<std::ops::ControlFlow<()>, registry_core::port::StoreError> {
        Ok(std::ops::ControlFlow::Continue(()))
    }
}
