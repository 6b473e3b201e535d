//! A hundred thousand levels of nesting, and of 65: a refusal, and the process lives. A stack overflow would end it, and every later
//! request with it.

use crate::{Case, THING, check, entities};

const DEEP: usize = 100_000;

fn lists(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

fn objects(levels: usize) -> String {
    format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for levels in [65, 127, 128, 1_000, DEEP] {
        for (shape, nested) in [
            ("lists", lists(levels)),
            ("objects", objects(levels)),
            ("open", "[".repeat(levels)),
        ] {
            let name = |what: &str| format!("{what}: {levels} {shape}");
            let code = if shape == "open" { "" } else { "too_deep" };
            let at = |what: &str, method, path: &str, body: String| {
                Case::new(name(what), method, path)
                    .json(body)
                    .is(400, code, "")
            };
            let thing = format!("/entity/thing/{THING}");
            cases.extend([
                at("body", "POST", "/entity/thing", nested.clone()),
                at(
                    "field",
                    "POST",
                    "/entity/thing",
                    format!(r#"{{"fields":{{"any":{nested}}}}}"#),
                ),
                at(
                    "unknown field",
                    "POST",
                    "/entity/thing",
                    format!(r#"{{"fields":{{"zip":{nested}}}}}"#),
                ),
                at(
                    "link",
                    "POST",
                    "/entity/thing",
                    format!(r#"{{"links":{{"home":{nested}}}}}"#),
                ),
                at(
                    "replacement",
                    "PUT",
                    &thing,
                    format!(r#"{{"fields":{{"any":{nested}}}}}"#),
                ),
                at(
                    "patch",
                    "PATCH",
                    &thing,
                    format!(r#"{{"fields":{{"any":{nested}}}}}"#),
                ),
                at(
                    "type",
                    "POST",
                    "/entityType",
                    format!(r#"{{"name":"made","metadata":{nested}}}"#),
                ),
                at(
                    "schema",
                    "POST",
                    "/entityType",
                    format!(
                        r#"{{"name":"made","fields":{{"f":{{"type":"json","schema":{nested}}}}}}}"#
                    ),
                ),
                at(
                    "default",
                    "POST",
                    "/entityType",
                    format!(
                        r#"{{"name":"made","fields":{{"f":{{"type":"json","default":{nested}}}}}}}"#
                    ),
                ),
                at(
                    "change of a type",
                    "PATCH",
                    "/entityType/thing",
                    format!(r#"{{"fields":{{"any":{nested}}}}}"#),
                ),
                at(
                    "search",
                    "POST",
                    "/entity/thing/search",
                    format!(r#"{{"filter":{nested}}}"#),
                ),
            ]);
        }
    }
    let cursor: String = "W".repeat(DEEP / 2);
    let search =
        |name: &str, body: String| Case::new(name, "POST", "/entity/thing/search").json(body);
    cases.extend([
        search("cursor of brackets", format!(r#"{{"cursor":"{cursor}"}}"#)).is(
            400,
            "invalid_cursor",
            "",
        ),
        search(
            "cursor of text",
            format!(r#"{{"cursor":"{}"}}"#, "[".repeat(DEEP)),
        )
        .is(400, "invalid_cursor", ""),
        search(
            "filter of parentheses",
            format!(r#"{{"filter":"{}"}}"#, "(".repeat(DEEP)),
        )
        .is(400, "invalid_filter", ""),
        search(
            "filter of negations",
            format!(r#"{{"filter":"{}"}}"#, "not ".repeat(DEEP)),
        )
        .is(400, "invalid_filter", ""),
        search(
            "filter of links",
            format!(r#"{{"filter":"{}"}}"#, "peers(".repeat(DEEP)),
        )
        .is(400, "invalid_filter", ""),
        search(
            "filter of a path",
            format!(r#"{{"filter":"{}n = 1"}}"#, "peers.".repeat(DEEP)),
        )
        .is(400, "invalid_filter", ""),
        search(
            "fields of parentheses",
            format!(r#"{{"fields":"n={}"}}"#, "(".repeat(DEEP)),
        )
        .is(400, "", ""),
        Case::new("it lives", "GET", format!("/entity/thing/{THING}")).succeeds(200),
    ]);
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn nesting_is_refused_and_ends_nothing() {
    check(&entities::types(), entities::setup(), cases()).await;
}
