//! `docs/api.md` names every stable code, and none that the sources do not have.

use std::collections::{BTreeMap, BTreeSet};

use registry_workspace_tests::{files, kind, read};
use serde_json::Value;

/// Texts of the sources that look like a code and are none: members, metrics, names in examples.
const OTHERS: &[&str] = &[
    "append_only",
    "change_log_head",
    "created_at",
    "created_by",
    "current_version",
    "dry_run",
    "error_counts",
    "errors_truncated",
    "finished_at",
    "holder_type",
    "http_request_duration_seconds",
    "http_requests_total",
    "index_state",
    "inverse_links",
    "length_ft",
    "max_items",
    "max_length",
    "min_items",
    "min_length",
    "next_cursor",
    "on_delete",
    "registry_indexes_building",
    "request_id",
    "require_if_match",
    "snake_case",
    "updated_at",
    "updated_by",
    "wait_for",
];

/// Sources without their tests.
fn sources() -> Vec<String> {
    files()
        .into_iter()
        .filter(|path| {
            path.starts_with("registry-core/src/") || path.starts_with("registry-server/src/")
        })
        .filter(|path| {
            kind(path) == "rs"
                && !path.contains("tests")
                && !path.contains("/cli/")
                && !path.contains("fixture")
        })
        .map(|path| {
            let text = read(&path);
            let end = text
                .find("#[cfg(test)]\n#[expect")
                .or_else(|| text.find("#[cfg(test)]\nmod tests {"));
            match end {
                Some(end) if !path.ends_with("service/mod.rs") => text[..end].to_owned(),
                _ => text,
            }
        })
        .collect()
}

/// The quoted texts of a source that could be a code.
fn words(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').filter(|text| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && !text.starts_with('_')
            && !text.ends_with('_')
    })
}

/// Whatever a documented code can be seen at: a status, `row` or `job`.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document = read("docs/api.md");
    let (_, table) = document.split_once("## Codes").unwrap_or_default();
    let rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    rows.map(|(code, rest)| {
        let (places, _) = rest.split_once(" |").unwrap_or_default();
        let places = places.split(", ").map(str::to_owned).collect();
        (code.to_owned(), places)
    })
    .collect()
}

/// The codes in the transcripts of the HTTP scenarios, which every store's run is compared with, and where they were seen.
fn seen() -> BTreeMap<String, BTreeSet<String>> {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let transcripts = files()
        .into_iter()
        .filter(|path| path.starts_with("tests/http/src/snapshots/"));
    for path in transcripts {
        let mut status = String::new();
        let mut refused = None;
        for line in read(&path).lines() {
            if let Some(next) = line.strip_prefix("<<< ") {
                next.clone_into(&mut status);
                refused = None;
            } else if let Some(code) = line.strip_prefix("  \"code\": ") {
                let code = code.trim_matches('"');
                // The errors of a job are answered one a line.
                let place = if status == "200" { "row" } else { &status };
                note(&mut seen, code, place);
                refused = Some(code.to_owned());
            } else if let Some(reason) = line.strip_prefix("  \"reason\": \"") {
                note(&mut seen, reason.trim_matches('"'), "job");
            } else if line.starts_with("    {") || line.starts_with("{\"line\"") {
                let item: Value = serde_json::from_str(line).unwrap_or_default();
                let (Some(code), Some(_)) = (item["code"].as_str(), item["message"].as_str())
                else {
                    continue;
                };
                let of_row = refused
                    .as_deref()
                    .is_none_or(|code| code == "rows_rejected");
                note(&mut seen, code, if of_row { "row" } else { &status });
            }
        }
    }
    seen
}

fn note(seen: &mut BTreeMap<String, BTreeSet<String>>, code: &str, place: &str) {
    let places = seen.entry(code.to_owned()).or_default();
    places.insert(place.to_owned());
}

/// The functions that make a problem, and which of their arguments is the code.
const MAKERS: &[(&str, usize)] = &[
    ("Problem::at(", 1),
    ("Problem::line(", 1),
    ("Problem::parameter(", 1),
    ("Problem::whole(", 0),
    ("Error::refused(", 1),
    ("Error::problems(", 1),
    ("Failure::new(", 1),
    ("Failure::parameter(", 1),
    ("Failure::unavailable(", 0),
    ("Self::unavailable(", 0),
    (".problem(", 1),
    ("faults.invalid(", 1),
    ("problems.add(", 1),
    ("refuse(", 1),
    ("refuse_name(", 1),
];

/// The codes that a source gives to the functions that make problems, whatever they look like.
fn made(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (maker, place) in MAKERS {
        for (at, _) in source.match_indices(maker) {
            let Some(arguments) = source.get(at + maker.len()..) else {
                continue;
            };
            let code = argument(arguments, *place);
            let code = code.and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
            found.extend(code.filter(|code| is_word(code)).map(str::to_owned));
        }
    }
    found
}

/// One of the arguments of a call, of the text behind its parenthesis.
fn argument(text: &str, place: usize) -> Option<&str> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let (mut index, mut from) = (0, 0);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' | ')' if depth == 0 => {
                if index == place {
                    return text.get(from..at);
                }
                if character == ')' {
                    return None;
                }
                index += 1;
                from = at + 1;
            }
            _ => {}
        }
    }
    None
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[test]
fn every_code_is_documented() {
    let documented = documented();
    let sources = sources();
    let looks_like_one = sources
        .iter()
        .flat_map(|source| words(source))
        .filter(|word| word.contains('_') && !OTHERS.contains(word))
        .map(str::to_owned);
    let made = sources.iter().flat_map(|source| made(source));
    let missing: BTreeSet<String> = looks_like_one
        .chain(made)
        .filter(|code| !documented.contains_key(code))
        .collect();
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn every_documented_code_is_in_the_sources_and_in_order() {
    let document = read("docs/api.md");
    let (_, table) = document.split_once("## Codes").unwrap_or_default();
    let codes: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code)
        .collect();
    assert!(codes.is_sorted(), "the table is sorted by code");
    let sources = sources();
    let present: BTreeSet<&str> = sources.iter().flat_map(|source| words(source)).collect();
    let documented = documented();
    let ghosts: Vec<&String> = documented
        .keys()
        .filter(|code| !present.contains(code.as_str()))
        .collect();
    assert_eq!(ghosts, Vec::<&String>::new());
    let needless: Vec<&&str> = OTHERS
        .iter()
        .filter(|word| !present.contains(**word))
        .collect();
    assert_eq!(needless, Vec::<&&str>::new());
}

#[test]
fn every_code_was_seen_over_http_where_the_table_says() {
    let mut expected = documented();
    // Told by a test of its own, with a server that is killed: tests/http/tests/interrupted.rs.
    expected.remove("interrupted");
    assert_eq!(seen(), expected);
}
