//! 4.2: creating and changing entities.

use serde_json::{Value, json};

use crate::{ABSENT, Case, OTHER_PLACE, OTHER_THING, PLACE, THING, check};

/// A field of every kind.
pub(crate) fn types() -> Vec<Value> {
    vec![
        json!({"name": "place", "fields": {"name": {"type": "text", "unique": true}}}),
        json!({
            "name": "thing",
            "fields": {
                "name": {"type": "text", "max_length": 5},
                "code": {"type": "text", "unique": true},
                "n": {"type": "integer", "max": 1_000_000_000_000_000_000_i64},
                "x": {"type": "number"},
                "d": {"type": "decimal", "precision": 5, "scale": 2},
                "b": {"type": "boolean"},
                "day": {"type": "date"},
                "at": {"type": "datetime"},
                "u": {"type": "uuid"},
                "mail": {"type": "email"},
                "web": {"type": "url"},
                "state": {"type": "enum", "choices": ["open", "closed"]},
                "tags": {"type": "text", "list": true, "min_items": 1, "max_items": 3},
                "any": {"type": "json"},
                "note": {"type": "text", "indexed": true},
            },
            "links": {
                "home": {"to": ["place"], "cardinality": "one", "inverse": "things"},
                "seen": {"to": ["place"], "inverse": "seen_by"},
                "peers": {"to": ["thing"], "inverse": "peers"},
            },
        }),
        json!({
            "name": "strict",
            "fields": {"must": {"type": "text", "required": true}},
            "links": {"base": {"to": ["place"], "cardinality": "one", "required": true, "inverse": "bases"}},
        }),
    ]
}

/// Two places, two things.
pub(crate) fn setup() -> Vec<Case> {
    let made = |path: String, body: &str| {
        Case::new(path.clone(), "POST", path)
            .json(body)
            .succeeds(201)
    };
    vec![
        made(
            format!("/entity/place/{PLACE}"),
            r#"{"fields":{"name":"one"}}"#,
        ),
        made(
            format!("/entity/place/{OTHER_PLACE}"),
            r#"{"fields":{"name":"two"}}"#,
        ),
        made(
            format!("/entity/thing/{THING}"),
            &format!(
                r#"{{"fields":{{"code":"A","name":"a%b_c","n":1,"x":1.5}},"links":{{"home":"{PLACE}"}}}}"#
            ),
        ),
        made(
            format!("/entity/thing/{OTHER_THING}"),
            r#"{"fields":{"code":"B","name":"a\\b"}}"#,
        ),
    ]
}

fn create(name: &str, body: impl Into<Vec<u8>>) -> Case {
    Case::new(name, "POST", "/entity/thing").json(body)
}

/// One field with this JSON text as its value.
fn value(field: &'static str, text: &str) -> Case {
    let shown: String = text.chars().take(40).collect();
    create(
        &format!("{field} = {shown}"),
        format!(r#"{{"fields":{{"{field}":{text}}}}}"#),
    )
}

fn bodies() -> Vec<Case> {
    let mut bom = b"\xEF\xBB\xBF".to_vec();
    bom.extend(br#"{"fields":{}}"#);
    vec![
        create("empty body", "").is(400, "malformed_json", ""),
        create("null", "null").is(400, "not_an_object", ""),
        create("array", "[]").is(400, "not_an_object", ""),
        create("scalar", "5").is(400, "not_an_object", ""),
        create("trailing bytes", r#"{"fields":{}} x"#).is(400, "malformed_json", ""),
        create("two documents", "{}{}").is(400, "malformed_json", ""),
        create("byte order mark", bom).is(400, "malformed_json", ""),
        create("not UTF-8", b"{\"fields\":{\"name\":\"\xFF\"}}".to_vec()).is(
            400,
            "malformed_json",
            "",
        ),
        create("lone surrogate", r#"{"fields":{"name":"\ud800"}}"#).is(400, "malformed_json", ""),
        create("NUL", r#"{"fields":{"name":"\u0000"}}"#).is(400, "nul_character", ""),
        create("raw control character", "{\"fields\":{\"name\":\"\u{1}\"}}").is(
            400,
            "malformed_json",
            "",
        ),
        create("duplicate member", r#"{"fields":{},"fields":{}}"#).is(400, "duplicate_member", ""),
        create("duplicate field", r#"{"fields":{"n":1,"n":2}}"#).is(400, "duplicate_member", ""),
        create("unknown member", r#"{"what":1}"#).is(400, "unknown_member", "/what"),
        create("fields is a list", r#"{"fields":[]}"#).is(422, "type", "/fields"),
        create("links is a text", r#"{"links":"x"}"#).is(422, "type", "/links"),
        create("id", format!(r#"{{"id":"{ABSENT}"}}"#)).is(400, "read_only_field", "/id"),
        create("version", r#"{"version":1}"#).is(400, "read_only_field", "/version"),
        create("created_at", r#"{"created_at":"2026-01-01T00:00:00Z"}"#).is(
            400,
            "read_only_field",
            "/created_at",
        ),
        create("updated_by", r#"{"updated_by":"user:x"}"#).is(
            400,
            "read_only_field",
            "/updated_by",
        ),
        create("type", r#"{"type":"thing"}"#).is(400, "read_only_field", "/type"),
        create("unknown field", r#"{"fields":{"zip":1}}"#).is(422, "unknown_field", "/fields/zip"),
        create("system field", r#"{"fields":{"_id":1}}"#).is(422, "unknown_field", "/fields/_id"),
        create("__proto__", r#"{"fields":{"__proto__":1}}"#).is(
            422,
            "unknown_field",
            "/fields/__proto__",
        ),
        create("name with other case", r#"{"fields":{"NAME":"x"}}"#).is(
            422,
            "unknown_field",
            "/fields/NAME",
        ),
        create("name with slash and tilde", r#"{"fields":{"a/b~c":1}}"#).is(
            422,
            "unknown_field",
            "/fields/a~1b~0c",
        ),
        create("no owners", r#"{"owners":[]}"#).is(422, "owners_empty", "/owners"),
        create("owner of no kind", r#"{"owners":["x"]}"#).is(422, "invalid_principal", "/owners/0"),
        create("owner is a number", r#"{"owners":[1]}"#).is(422, "type", "/owners/0"),
        create("all errors at once", r#"{"fields":{"n":"x","zip":1}}"#).is(
            422,
            "unknown_field",
            "/fields/zip",
        ),
        Case::new("missing required field", "POST", "/entity/strict")
            .json("{}")
            .is(422, "required", "/fields/must"),
        Case::new("required field is null", "POST", "/entity/strict")
            .json(r#"{"fields":{"must":null}}"#)
            .is(422, "required", "/fields/must"),
        Case::new("missing required link", "POST", "/entity/strict")
            .json(r#"{"fields":{"must":"x"}}"#)
            .is(422, "required_link", "/links/base"),
        Case::new("unknown type", "POST", "/entity/none")
            .json("{}")
            .is(404, "not_found", ""),
        create("body of 2 MiB and a byte", vec![b' '; 2 * 1024 * 1024 + 1]).is(
            413,
            "body_too_large",
            "",
        ),
        create("body of 2 MiB", vec![b' '; 2 * 1024 * 1024]).is(400, "malformed_json", ""),
    ]
}

fn values() -> Vec<Case> {
    let long = format!("\"{}\"", "x".repeat(1024 * 1024 + 1));
    let digits = "9".repeat(100_000);
    vec![
        value("n", r#""5""#).is(422, "type", "/fields/n"),
        value("n", "5.5").is(422, "type", "/fields/n"),
        value("n", "5.0").succeeds(201),
        value("n", "1e400").is(400, "malformed_json", ""),
        value("n", "NaN").is(400, "malformed_json", ""),
        value("n", "-Infinity").is(400, "malformed_json", ""),
        value("n", "9007199254740993").succeeds(201),
        value("n", "18446744073709551616").is(422, "out_of_range", "/fields/n"),
        value("n", "1000000000000000001").is(422, "out_of_range", "/fields/n"),
        value("n", &digits).is(400, "malformed_json", ""),
        value("n", "01").is(400, "malformed_json", ""),
        value("n", "true").is(422, "type", "/fields/n"),
        value("n", "[1]").is(422, "type", "/fields/n"),
        value("x", "1e400").is(400, "malformed_json", ""),
        value("x", "-0").succeeds(201),
        value("x", &digits).is(400, "malformed_json", ""),
        value("x", "9007199254740993").is(422, "out_of_range", "/fields/x"),
        value("d", "1.5").is(422, "type", "/fields/d"),
        value("d", r#""1e3""#).is(422, "format", "/fields/d"),
        value("d", r#""1.234""#).is(422, "scale", "/fields/d"),
        value("d", r#""123456""#).is(422, "precision", "/fields/d"),
        value("d", r#""1,5""#).is(422, "format", "/fields/d"),
        value("b", r#""true""#).is(422, "type", "/fields/b"),
        value("b", "1").is(422, "type", "/fields/b"),
        value("name", "5").is(422, "type", "/fields/name"),
        value("name", r#""123456""#).is(422, "too_long", "/fields/name"),
        value("name", r#""🙂🙂🙂🙂🙂""#).succeeds(201),
        value("name", r#""🙂🙂🙂🙂🙂🙂""#).is(422, "too_long", "/fields/name"),
        value("name", r#""👩‍👩‍👧""#).succeeds(201),
        value("name", r#""👩‍👩‍👧x""#).is(422, "too_long", "/fields/name"),
        value("code", r#""é""#).succeeds(201),
        value("code", r#""e\u0301""#).succeeds(201),
        value("code", r#""A""#).is(409, "key_taken", "/fields/code"),
        value("note", &format!("\"{}\"", "x".repeat(1_025))).is(
            422,
            "too_long_to_index",
            "/fields/note",
        ),
        value("note", &format!("\"{}\"", "x".repeat(1_024))).succeeds(201),
        value("any", &long).is(422, "too_long", "/fields/any"),
        value("day", r#""2026-02-30""#).is(422, "format", "/fields/day"),
        value("day", r#""0000-01-01""#).is(422, "format", "/fields/day"),
        value("day", r#""10000-01-01""#).is(422, "format", "/fields/day"),
        value("day", r#""2026-1-2""#).is(422, "format", "/fields/day"),
        value("day", r#""2026-01-02T00:00:00Z""#).is(422, "format", "/fields/day"),
        value("at", r#""2026-01-02T24:00:00Z""#).is(422, "format", "/fields/at"),
        value("at", r#""2026-01-02T00:00:00""#).is(422, "format", "/fields/at"),
        value("at", r#""2026-01-02T00:00:00+25:00""#).is(422, "format", "/fields/at"),
        value("at", r#""0000-01-02T00:00:00Z""#).is(422, "format", "/fields/at"),
        value("at", r#""10000-01-02T00:00:00Z""#).is(422, "format", "/fields/at"),
        value("at", r#""2026-01-02 00:00:00Z""#).is(422, "format", "/fields/at"),
        value(
            "at",
            &format!("\"Mon, 02 Jan 2026 00:00:00 {}GMT\"", "(".repeat(10_000)),
        )
        .is(422, "format", "/fields/at"),
        value("u", r#""{00000000-0000-7000-8000-0000000000ff}""#).is(422, "format", "/fields/u"),
        value("u", r#""0000000000007000800000000000ff""#).is(422, "format", "/fields/u"),
        value("u", r#""00000000-0000-7000-8000-0000000000FF""#).succeeds(201),
        value("mail", r#""a@example.org\nb@example.org""#).is(422, "format", "/fields/mail"),
        value("mail", r#""a""#).is(422, "format", "/fields/mail"),
        value("web", r#""javascript:alert(1)""#).is(422, "format", "/fields/web"),
        value("web", r#""//example.org""#).is(422, "format", "/fields/web"),
        value("web", r#""http://""#).is(422, "format", "/fields/web"),
        value("web", r#""http://a b""#).is(422, "format", "/fields/web"),
        value("state", r#""OPEN""#).is(422, "not_a_choice", "/fields/state"),
        value("state", r#""""#).is(422, "not_a_choice", "/fields/state"),
        value("tags", "[]").is(422, "too_few_items", "/fields/tags"),
        value("tags", r#"["a","b","c"]"#).succeeds(201),
        value("tags", r#"["a","b","c","d"]"#).is(422, "too_many_items", "/fields/tags"),
        value("tags", r#""a""#).is(422, "type", "/fields/tags"),
        value("tags", r#"[["a"]]"#).is(422, "type", "/fields/tags/0"),
        value("tags", r#"["a",null]"#).is(422, "type", "/fields/tags/1"),
        value("any", r#"{"a":{"a":1,"a":2}}"#).is(400, "duplicate_member", ""),
        value("any", r#"{"\u0000":1}"#).is(400, "nul_character", ""),
        value("any", "1e400").is(400, "malformed_json", ""),
    ]
}

fn ids() -> Vec<Case> {
    let put =
        |name: &str, id: &str| Case::new(name, "PUT", format!("/entity/thing/{id}")).json("{}");
    vec![
        Case::new("id taken", "POST", format!("/entity/thing/{THING}"))
            .json("{}")
            .is(409, "entity_exists", ""),
        Case::new(
            "id of another type",
            "POST",
            format!("/entity/thing/{PLACE}"),
        )
        .json("{}")
        .is(409, "entity_exists", ""),
        put("PUT with the id of another type", PLACE).is(409, "entity_exists", ""),
        put("an id that is none", "x").is(400, "invalid_id", ""),
        put(
            "an id in braces",
            "%7B00000000-0000-7000-8000-0000000000fe%7D",
        )
        .is(400, "invalid_id", ""),
        put("an id of 512 bytes", &"a".repeat(512)).is(400, "invalid_id", ""),
        Case::new(
            "read of another type's",
            "GET",
            format!("/entity/thing/{PLACE}"),
        )
        .is(404, "not_found", ""),
        Case::new(
            "read of an absent one",
            "GET",
            format!("/entity/thing/{ABSENT}"),
        )
        .is(404, "not_found", ""),
        Case::new(
            "id with other case",
            "GET",
            format!("/entity/thing/{}", THING.to_uppercase()),
        )
        .succeeds(200),
    ]
}

fn patches() -> Vec<Case> {
    let patch = |name: &str, body: &str| {
        Case::new(name, "PATCH", format!("/entity/thing/{THING}")).json(body)
    };
    let matching = |name: &str, tag: &str| patch(name, "{}").header("if-match", tag);
    vec![
        patch("null", "null").is(400, "not_an_object", ""),
        patch(
            "JSON Patch",
            r#"[{"op":"replace","path":"/fields/n","value":1}]"#,
        )
        .is(400, "not_an_object", ""),
        Case::new(
            "JSON Patch by its name",
            "PATCH",
            format!("/entity/thing/{THING}"),
        )
        .body("application/json-patch+json", "[]")
        .is(415, "unsupported_media_type", ""),
        patch("fields is null", r#"{"fields":null}"#).is(422, "type", "/fields"),
        patch("system member", r#"{"version":7}"#).is(400, "read_only_field", "/version"),
        patch("unknown field is null", r#"{"fields":{"zip":null}}"#).is(
            422,
            "unknown_field",
            "/fields/zip",
        ),
        patch("owners is null", r#"{"owners":null}"#).is(422, "type", "/owners"),
        patch("a taken key", r#"{"fields":{"code":"B"}}"#).is(409, "key_taken", "/fields/code"),
        Case::new("absent", "PATCH", format!("/entity/thing/{ABSENT}"))
            .json("{}")
            .is(404, "not_found", ""),
        matching("If-Match: *", "*").is(400, "invalid_if_match", ""),
        matching("If-Match: weak", "W/\"1-1\"").is(400, "invalid_if_match", ""),
        matching("If-Match: list", "\"1-1\", \"2-1\"").is(400, "invalid_if_match", ""),
        matching("If-Match: garbage", "x").is(400, "invalid_if_match", ""),
        matching("If-Match: other version", "\"7-1\"").is(412, "version_mismatch", ""),
        matching("If-Match: huge", "\"99999999999999999999-1\"").is(400, "invalid_if_match", ""),
    ]
}

fn media() -> Vec<Case> {
    let post = |name: &str| Case::new(name, "POST", "/entity/thing");
    let mut missing = post("no Content-Type");
    missing.body = b"{}".to_vec();
    vec![
        missing.is(415, "unsupported_media_type", ""),
        post("text/plain")
            .body("text/plain", "{}")
            .is(415, "unsupported_media_type", ""),
        post("UTF-16")
            .body("application/json; charset=utf-16", "{}")
            .is(415, "unsupported_media_type", ""),
        post("UTF-8")
            .body("application/json; charset=utf-8", "{}")
            .succeeds(201),
        post("two encodings")
            .json("{}")
            .header("content-encoding", "br, gzip")
            .is(415, "unsupported_media_type", ""),
        post("gzip")
            .json("{}")
            .header("content-encoding", "gzip")
            .is(415, "unsupported_media_type", ""),
        post("Accept")
            .json("{}")
            .header("accept", "image/png")
            .is(406, "not_acceptable", ""),
        Case::new("method", "PATCH", "/entity/thing")
            .json("{}")
            .is(405, "method_not_allowed", ""),
        Case::new("unknown parameter", "POST", "/entity/thing?what=1")
            .json("{}")
            .is(400, "unknown_parameter", "?what"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn entities() {
    let cases = [bodies(), values(), ids(), patches(), media()].concat();
    check(&types(), setup(), cases).await;
}
