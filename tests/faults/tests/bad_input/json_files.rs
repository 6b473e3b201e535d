//! 4.6 and 4.7: NDJSON files, JSON arrays and forms.

use crate::{Case, THING, check, entities};

fn ndjson(name: &str, body: impl Into<Vec<u8>>) -> Case {
    Case::new(name, "POST", "/entity/thing/upload").body("application/x-ndjson", body)
}

fn array(name: &str, body: impl Into<Vec<u8>>) -> Case {
    Case::new(name, "POST", "/entity/thing/upload").body("application/json", body)
}

fn deep(levels: usize) -> String {
    format!(
        "{{\"fields\":{{\"any\":{}{}}}}}",
        "[".repeat(levels),
        "]".repeat(levels)
    )
}

fn lines() -> Vec<Case> {
    let good = |code: &str| format!("{{\"fields\":{{\"code\":\"{code}\"}}}}");
    vec![
        ndjson("empty", "").succeeds(200),
        ndjson("blank lines", format!("\n{}\n\n", good("l1"))).succeeds(200),
        ndjson("no line end", good("l2")).succeeds(200),
        ndjson("CRLF", format!("{}\r\n", good("l3"))).succeeds(200),
        ndjson("byte order mark", format!("\u{FEFF}{}\n", good("l4"))).succeeds(200),
        ndjson("a bad line", format!("{}\nx\n", good("l5"))).is(422, "malformed_json", "line 2"),
        ndjson(
            "two objects on one line",
            format!("{}{}\n", good("l6"), good("l7")),
        )
        .is(422, "malformed_json", "line 1"),
        ndjson("pretty-printed", "{\n  \"fields\": {}\n}\n").is(400, "not_ndjson", ""),
        ndjson("an array", "[{}]\n").is(400, "not_ndjson", ""),
        ndjson("truncated", "{\"fields\":{\"code\":").is(422, "malformed_json", "line 1"),
        ndjson("a scalar", "5\n").is(422, "type", "line 1"),
        ndjson("null", "null\n").is(422, "type", "line 1"),
        ndjson("a list on a later line", format!("{}\n[]\n", good("l8"))).is(422, "type", "line 2"),
        ndjson("duplicate member", "{\"fields\":{},\"fields\":{}}\n").is(
            422,
            "duplicate_member",
            "line 1",
        ),
        ndjson("unknown member", "{\"what\":1}\n").is(422, "unknown_member", "line 1"),
        ndjson("read only member", "{\"version\":1}\n").is(422, "read_only_field", "line 1"),
        ndjson("unknown field", "{\"fields\":{\"zip\":1}}\n").is(422, "unknown_field", "line 1"),
        ndjson("NUL", "{\"fields\":{\"code\":\"\\u0000\"}}\n").is(422, "nul_character", "line 1"),
        ndjson("not UTF-8", b"{\"fields\":{\"code\":\"\xFF\"}}\n".to_vec()).is(
            422,
            "invalid_encoding",
            "line 1",
        ),
        ndjson("65 levels", format!("{}\n", deep(65))).is(422, "too_deep", "line 1"),
        ndjson("100,000 levels", format!("{}\n", deep(100_000))).is(422, "too_deep", "line 1"),
        ndjson(
            "a line of more than 1 MiB",
            format!(
                "{{\"fields\":{{\"any\":\"{}\"}}}}\n",
                "x".repeat(1024 * 1024)
            ),
        )
        .is(413, "row_too_large", "line 1"),
        ndjson("an endless line", "x".repeat(8 * 1024 * 1024)).is(413, "row_too_large", "line 1"),
        ndjson("an id that exists", format!("{{\"_id\":\"{THING}\"}}\n")).is(
            422,
            "entity_exists",
            "line 1",
        ),
        ndjson(
            "a link by an unknown field",
            "{\"links\":{\"home\":{\"zip\":\"x\"}}}\n",
        )
        .is(422, "unknown_key", "line 1"),
        ndjson(
            "a link by two fields",
            "{\"links\":{\"home\":{\"name\":\"x\",\"zip\":\"x\"}}}\n",
        )
        .is(422, "type", "line 1"),
        ndjson("a link by nothing", "{\"links\":{\"home\":{}}}\n").is(422, "type", "line 1"),
        ndjson("null= is for CSV", "{}").is(200, "", ""),
        Case::new("null= with NDJSON", "POST", "/entity/thing/upload?null=x")
            .body("application/x-ndjson", "{}\n")
            .is(400, "unknown_parameter", "?null"),
    ]
}

fn arrays() -> Vec<Case> {
    vec![
        array("empty body", "").is(400, "malformed_json", ""),
        array("empty array", "[]").succeeds(200),
        array("space around", " [ {} , {} ] ").succeeds(200),
        array("byte order mark", "\u{FEFF}[{}]").succeeds(200),
        array("an object", "{}").is(400, "", ""),
        array("a scalar", "5").is(400, "", ""),
        array("NDJSON", "{}\n{}\n").is(400, "", ""),
        array("trailing comma", "[{},]").is(400, "malformed_json", ""),
        array("leading comma", "[,{}]").is(400, "malformed_json", ""),
        array("two commas", "[{},,{}]").is(400, "malformed_json", ""),
        array("unclosed", "[{}").is(400, "malformed_json", ""),
        array("unclosed object", "[{").is(400, "malformed_json", ""),
        array("two arrays", "[{}][{}]").is(400, "malformed_json", ""),
        array("trailing text", "[{}] x").is(400, "malformed_json", ""),
        array("a scalar item", "[{},5]").is(422, "type", "line 2"),
        array("a bad item", "[{},{\"fields\":{\"n\":\"x\"}}]").is(422, "type", "line 2"),
        array("duplicate member", "[{\"fields\":{},\"fields\":{}}]").is(
            422,
            "duplicate_member",
            "line 1",
        ),
        array("100,000 levels of one item", format!("[{}]", deep(100_000)))
            .is(422, "too_deep", "line 1"),
        array("100,000 arrays", "[".repeat(100_000)).is(400, "", ""),
        array(
            "an item of more than 1 MiB",
            format!(
                "[{{\"fields\":{{\"any\":\"{}\"}}}}]",
                "x".repeat(1024 * 1024)
            ),
        )
        .is(413, "row_too_large", "line 1"),
        array("not UTF-8", b"[{\"fields\":{\"code\":\"\xFF\"}}]".to_vec()).is(
            422,
            "invalid_encoding",
            "line 1",
        ),
    ]
}

fn forms() -> Vec<Case> {
    let form = |name: &str, parts: &str| {
        Case::new(name, "POST", "/entity/thing/upload").body(
            "multipart/form-data; boundary=b",
            parts.replace('\n', "\r\n"),
        )
    };
    let file = |name: &str, code: &str| {
        format!(
            "--b\nContent-Disposition: form-data; name=\"{name}\"; filename=\"../../x\"\nContent-Type: text/csv\n\ncode\n{code}\n\n"
        )
    };
    let boundary = format!("multipart/form-data; boundary={}", "b".repeat(12_000));
    vec![
        form(
            "a file with a path for its name",
            &format!("{}--b--\n", file("file", "f1")),
        )
        .succeeds(200),
        form("no parts", "--b--\n").is(400, "malformed_form", ""),
        form("another part", &format!("{}--b--\n", file("other", "f2"))).is(
            400,
            "malformed_form",
            "",
        ),
        form(
            "two files",
            &format!("{}{}--b--\n", file("file", "f3"), file("file", "f4")),
        )
        .is(400, "malformed_form", ""),
        form("no end", &file("file", "f5")).is(400, "", ""),
        form(
            "10,000 parts",
            &format!("{}--b--\n", file("other", "f").repeat(10_000)),
        )
        .is(400, "malformed_form", ""),
        Case::new("no boundary", "POST", "/entity/thing/upload")
            .body("multipart/form-data", "x")
            .is(400, "malformed_form", ""),
        Case::new("a boundary of 12,000 bytes", "POST", "/entity/thing/upload")
            .body(&boundary, "x")
            .is(400, "malformed_form", ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn json_files() {
    check(
        &entities::types(),
        entities::setup(),
        [lines(), arrays(), forms()].concat(),
    )
    .await;
}
