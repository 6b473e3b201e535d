//! Files that cannot be read, records that cannot, and those handed back.

use serde_json::Value;

use crate::{
    Harness,
    fixture::{
        fail,
        upload::{Bench, admin, told},
    },
};

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
         6 /id read_only_field; 6 /links/nope unknown_link; 6 /links/serves type; 6 /links/country unknown_key; 7 malformed_json"
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
