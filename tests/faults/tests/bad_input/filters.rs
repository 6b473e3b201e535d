//! 4.3: filters, sorts, parameters of lists.

use std::fmt::Write as _;

use crate::{ABSENT, Case, check, entities};

/// A text as part of a URL.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        write!(encoded, "%{byte:02X}").unwrap();
    }
    encoded
}

/// A short filter in the URL, a long one in a body.
fn filter(text: &str) -> Case {
    let name: String = text.chars().take(50).collect();
    if text.len() <= 8 * 1024 {
        return Case::new(
            name,
            "GET",
            format!("/entity/thing?filter={}", encoded(text)),
        );
    }
    let body = serde_json::json!({"filter": text}).to_string();
    Case::new(name, "POST", "/entity/thing/search").json(body)
}

fn wrong(text: &str, place: &'static str) -> Case {
    filter(text).is(400, "invalid_filter", place)
}

fn list(query: &str) -> Case {
    Case::new(
        query.chars().take(60).collect::<String>(),
        "GET",
        format!("/entity/thing?{query}"),
    )
}

fn filters() -> Vec<Case> {
    let parens = |depth: usize| format!("{}n = 1{}", "(".repeat(depth), ")".repeat(depth));
    let any = |count: usize| vec!["n = 1"; count].join(" OR ");
    let values = |count: usize| format!("n IN ({})", vec!["1"; count].join(", "));
    vec![
        wrong("", ""),
        wrong("   ", ""),
        wrong("zip = 1", "@0"),
        wrong("home.zip = 1", "@5"),
        wrong("home.home.name = 1", ""),
        wrong("n == 1", "@2"),
        wrong("n <> 1", ""),
        wrong("n LIKE \"1\"", ""),
        wrong("n =~ \"1\"", ""),
        wrong("n ~ \"1\"", ""),
        wrong("b > true", ""),
        wrong("u < \"00000000-0000-7000-8000-0000000000ff\"", ""),
        wrong("any = 1", ""),
        wrong("state ~ \"o\"", ""),
        wrong("n =", "@3"),
        wrong("= 1", "@0"),
        wrong("n", ""),
        wrong("n = 1 AND", ""),
        wrong("n = 1 n = 2", ""),
        wrong("code = \"a", ""),
        wrong("(n = 1", ""),
        wrong("n = 1)", ""),
        wrong("n IN ()", ""),
        wrong("n IN (1,)", ""),
        wrong("n BETWEEN 1", ""),
        wrong("n = \"1\"", ""),
        wrong("code = 1", ""),
        wrong("b = 1", ""),
        wrong("day = \"2026-02-30\"", ""),
        wrong("at = \"2026-01-01T00:00:00\"", ""),
        wrong("u = \"x\"", ""),
        filter("state = \"none\"").succeeds(200),
        wrong("home = \"x\"", ""),
        wrong("code = \"\u{0}\"", ""),
        wrong("any.a = 1", ""),
        wrong("code.x = 1", ""),
        wrong("\"code\" = \"A\"", "@0"),
        wrong("code] = \"A\"", ""),
        wrong("NOT", ""),
        wrong("n = 1; DROP TABLE entity", ""),
        wrong("n = 1 -- x", ""),
        wrong("home.seen_by.home.seen_by.home.name = \"x\"", ""),
        wrong(&parens(33), ""),
        filter(&parens(31)).succeeds(200),
        wrong(&parens(4_000), ""),
        wrong(&parens(100_000), ""),
        wrong(&format!("{}n = 1", "NOT ".repeat(33)), ""),
        wrong(&format!("{}n = 1", "NOT ".repeat(100_000)), ""),
        wrong(&format!("{}n = 1", "home(".repeat(100_000)), ""),
        wrong(&any(201), ""),
        filter(&any(200)).succeeds(200),
        wrong(&any(100_000), ""),
        wrong(&values(1_001), ""),
        filter(&values(1_000)).succeeds(200),
        wrong(&format!("code ~ \"{}\"", "x".repeat(60_000)), ""),
        filter("n = 99999999999999999999999").succeeds(200),
        filter("n > 1e400").succeeds(200),
        filter("N = 1").is(400, "invalid_filter", "@0"),
        filter("n = 1 aNd x > 1").succeeds(200),
        filter("name ~ \"%\"").succeeds(200),
        filter("name ~ \"_\"").succeeds(200),
        filter("name ~ \"\\\\\"").succeeds(200),
        filter("name STARTS WITH \"a%\"").succeeds(200),
        filter("name ~ \"A\"").succeeds(200),
    ]
}

fn parameters() -> Vec<Case> {
    vec![
        list("n=1").is(400, "unknown_parameter", "?n"),
        list("limit=1&limit=2").is(400, "invalid_parameter", "?limit"),
        list("limit=0").is(400, "invalid_limit", "?limit"),
        list("limit=-1").is(400, "invalid_limit", "?limit"),
        list("limit=1001").is(400, "invalid_limit", "?limit"),
        list("limit=1e3").is(400, "invalid_limit", "?limit"),
        list("limit=abc").is(400, "invalid_limit", "?limit"),
        list("limit=").is(400, "invalid_limit", "?limit"),
        list("limit=18446744073709551616").is(400, "invalid_limit", "?limit"),
        list("limit=%2B5").is(400, "invalid_limit", "?limit"),
        list("limit=1000").succeeds(200),
        list("offset=1").is(400, "unknown_parameter", "?offset"),
        list("count=yes").is(400, "invalid_count", "?count"),
        list("filter=%ZZ").is(400, "invalid_encoding", ""),
        list("filter=%FF").is(400, "invalid_encoding", ""),
        list("filter=%").is(400, "invalid_encoding", ""),
        list("sort=").is(400, "invalid_sort", "?sort"),
        list("sort=zip").is(422, "unknown_field", "?sort"),
        list("sort=n,n").is(400, "invalid_sort", "?sort"),
        list("sort=n,-n").is(400, "invalid_sort", "?sort"),
        list("sort=n,x,d,code").is(400, "invalid_sort", "?sort"),
        list("sort=tags").is(400, "invalid_sort", "?sort"),
        list("sort=any").is(400, "invalid_sort", "?sort"),
        list("sort=home.name").is(400, "invalid_sort", "?sort"),
        list("sort=--n").is(400, "invalid_sort", "?sort"),
        list("select=zip").is(422, "unknown_field", "?select"),
        list("select=").is(400, "invalid_select", "?select"),
        list("select=home.name").is(400, "invalid_select", "?select"),
        list("expand=zip").is(422, "unknown_link", "?expand"),
        list("expand=home,seen,peers,home,seen,peers").is(400, "invalid_expand", "?expand"),
        list("expand=home.things").is(400, "invalid_expand", "?expand"),
        list("fields=n%3D").is(400, "invalid_filter", ""),
        list("fields=zip%3D1").is(400, "invalid_filter", ""),
        list("fields=n%3D1%2C").is(400, "invalid_filter", ""),
        list("fields=code%3D%22a").is(400, "invalid_filter", ""),
        list("fields=n%3Dx").is(400, "invalid_filter", ""),
        list("links=x").is(400, "invalid_links", "?links"),
        list(&format!("links=zip:{ABSENT}")).is(422, "unknown_link", "?links"),
        list(&format!("links={ABSENT}")).succeeds(200),
        list("uuids=x").is(400, "invalid_uuids", "?uuids"),
        list("uuids=").is(400, "invalid_uuids", "?uuids"),
        list("cursor=").is(400, "invalid_cursor", "?cursor"),
        list("cursor=x").is(400, "invalid_cursor", "?cursor"),
        list("cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is(
            400,
            "invalid_cursor",
            "?cursor",
        ),
        list(&format!("cursor={}", "A".repeat(10_240))).is(400, "invalid_cursor", "?cursor"),
        list(&format!("filter={}", "x".repeat(64 * 1024))).is(414, "uri_too_long", ""),
        list(&format!("select={}", vec!["n"; 1_000].join(","))).is(
            400,
            "invalid_select",
            "?select",
        ),
        Case::new(
            "unknown type in a search",
            "GET",
            "/entity/search?type=none",
        )
        .is(404, "not_found", ""),
        Case::new("key that is none", "GET", "/entity/thing/by/zip/1").is(404, "not_found", ""),
        Case::new(
            "key value with a bad escape",
            "GET",
            "/entity/thing/by/code/%ZZ",
        )
        .is(400, "invalid_encoding", ""),
    ]
}

fn search_bodies() -> Vec<Case> {
    let search =
        |name: &str, body: &str| Case::new(name, "POST", "/entity/thing/search").json(body);
    vec![
        search("array", "[]").is(400, "not_an_object", ""),
        search("unknown member", r#"{"what":1}"#).is(400, "unknown_member", "/what"),
        search("filter is a number", r#"{"filter":1}"#).is(400, "invalid_member", "/filter"),
        search("limit is a text", r#"{"limit":"5"}"#).succeeds(200),
        search("limit is 0", r#"{"limit":0}"#).is(400, "invalid_limit", ""),
        search("limit is 1e30", r#"{"limit":1e30}"#).is(400, "", ""),
        search("NUL", r#"{"filter":"code = \"\u0000\""}"#).is(400, "nul_character", ""),
        search("duplicate member", r#"{"limit":1,"limit":2}"#).is(400, "duplicate_member", ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_parameters() {
    let cases = [filters(), parameters(), search_bodies()].concat();
    check(&entities::types(), entities::setup(), cases).await;
}
