//! `docs/api.md` names every stable code, and none that the sources do not have.

use std::collections::BTreeSet;

use registry_workspace_tests::{files, kind, read};

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
                .or_else(|| text.find("#[cfg(test)]\nmod tests"));
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

fn documented() -> Vec<String> {
    let document = read("docs/api.md");
    let (_, table) = document.split_once("## Codes").unwrap_or_default();
    table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code.to_owned())
        .collect()
}

#[test]
fn every_code_is_documented() {
    let documented = documented();
    let known: BTreeSet<&str> = documented
        .iter()
        .map(String::as_str)
        .chain(OTHERS.iter().copied())
        .collect();
    let sources = sources();
    let missing: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| words(source))
        .filter(|word| word.contains('_') && !known.contains(word))
        .collect();
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn every_documented_code_is_in_the_sources_and_in_order() {
    let documented = documented();
    assert!(documented.is_sorted(), "the table is sorted by code");
    let sources = sources();
    let present: BTreeSet<&str> = sources.iter().flat_map(|source| words(source)).collect();
    let ghosts: Vec<&String> = documented
        .iter()
        .filter(|code| !present.contains(code.as_str()))
        .collect();
    assert_eq!(ghosts, Vec::<&String>::new());
    let needless: Vec<&&str> = OTHERS
        .iter()
        .filter(|word| !present.contains(**word))
        .collect();
    assert_eq!(needless, Vec::<&&str>::new());
}
