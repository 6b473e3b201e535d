//! `deny.toml`, proved over `cargo metadata`: who depends on what, under which licence, from where.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use registry_workspace_tests::{files, metadata, read};
use serde_json::Value;

fn policy() -> toml::Table {
    read("deny.toml").parse().unwrap()
}

fn packages(metadata: &Value) -> &Vec<Value> {
    metadata["packages"].as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Packages of the workspace, with the names of what they depend on; `dev` too or not.
fn dependencies(metadata: &Value, dev: bool) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<&str> = metadata["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    packages(metadata)
        .iter()
        .filter(|package| members.contains(text(&package["id"])))
        .map(|package| {
            let names = package["dependencies"].as_array().unwrap().iter();
            let names = names.filter(|one| dev || one["kind"] != "dev");
            let names = names.map(|one| text(&one["name"]).to_owned()).collect();
            (text(&package["name"]).to_owned(), names)
        })
        .collect()
}

#[test]
fn banned_packages_are_used_by_their_wrappers_alone() {
    let metadata = metadata();
    let policy = policy();
    let ours = dependencies(&metadata, true);
    let mut wrong = Vec::new();
    for ban in policy["bans"]["deny"].as_array().unwrap() {
        let name = ban["crate"].as_str().unwrap();
        let Some(wrappers) = ban.get("wrappers") else {
            if packages(&metadata).iter().any(|one| one["name"] == name) {
                wrong.push(format!("{name} is in the tree"));
            }
            continue;
        };
        let wrappers: Vec<&str> = wrappers
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap())
            .collect();
        for (package, dependencies) in &ours {
            if dependencies.contains(name) && !wrappers.contains(&package.as_str()) {
                wrong.push(format!("{package} depends on {name}"));
            }
        }
        for wrapper in wrappers {
            let uses = ours.get(wrapper).is_some_and(|one| one.contains(name));
            if !uses {
                wrong.push(format!(
                    "{wrapper} does not depend on {name}: the exception is not needed"
                ));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_core_depends_on_nothing_that_does_input_or_output() {
    let metadata = metadata();
    let ours = dependencies(&metadata, false);
    let known = [
        "async-trait",
        "base64",
        "email_address",
        "futures",
        "getrandom",
        "hmac",
        "indexmap",
        "jsonschema",
        "serde",
        "serde_json",
        "sha2",
        "thiserror",
        "time",
        "tokio",
        "tracing",
        "url",
        "uuid",
    ];
    let used: Vec<&str> = ours["registry-core"].iter().map(String::as_str).collect();
    assert_eq!(used, known, "look whether it belongs into the core");
    // tokio is there for its locks and its sleep.
    let forbidden = [
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::io::stdin",
        "tokio::fs",
        "tokio::net",
        "tokio::process",
        "tokio::spawn",
        "println!",
        "eprintln!",
    ];
    for path in files()
        .iter()
        .filter(|path| path.starts_with("registry-core/src/") && !path.contains("tests"))
    {
        let source = read(path);
        let found: Vec<&str> = forbidden
            .iter()
            .copied()
            .filter(|one| source.contains(one))
            .collect();
        assert_eq!(found, Vec::<&str>::new(), "{path}");
    }
    for (adapter, dependencies) in &ours {
        if [
            "registry-memory",
            "registry-sql",
            "registry-sqlite",
            "registry-postgres",
        ]
        .contains(&adapter.as_str())
        {
            assert!(!dependencies.contains("registry-server"), "{adapter}");
        }
    }
}

#[test]
fn only_the_server_names_both_engines() {
    let ours = dependencies(&metadata(), false);
    let both: Vec<&str> = ours
        .iter()
        .filter(|(_, names)| {
            names.contains("registry-sqlite") && names.contains("registry-postgres")
        })
        .map(|(package, _)| package.as_str())
        .collect();
    assert_eq!(
        both,
        [
            "registry-fault-tests",
            "registry-http-tests",
            "registry-oracle-tests",
            "registry-server"
        ]
    );
}

#[test]
fn every_licence_is_allowed() {
    let policy = policy();
    let allowed: BTreeSet<&str> = policy["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    let wrong: Vec<String> = packages(&metadata())
        .iter()
        .filter(|package| {
            let licence = package["license"].as_str().unwrap_or_default();
            !satisfied(licence, &allowed)
        })
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn everything_comes_from_crates_io() {
    let policy = policy();
    let registry = policy["sources"]["allow-registry"][0].as_str().unwrap();
    let wrong: Vec<String> = packages(&metadata())
        .iter()
        .filter_map(|package| package["source"].as_str())
        .filter(|source| *source != format!("registry+{registry}"))
        .map(str::to_owned)
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether an SPDX expression can be satisfied with the allowed licences alone. `/` is how older packages write OR.
fn satisfied(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut tokens = spaced.split_whitespace().peekable();
    let result = either(&mut tokens, allowed);
    result && tokens.next().is_none()
}

type Tokens<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(tokens: &mut Tokens<'_>, allowed: &BTreeSet<&str>) -> bool {
    let mut result = both(tokens, allowed);
    while tokens.next_if_eq(&"OR").is_some() {
        result |= both(tokens, allowed);
    }
    result
}

fn both(tokens: &mut Tokens<'_>, allowed: &BTreeSet<&str>) -> bool {
    let mut result = one(tokens, allowed);
    while tokens.next_if_eq(&"AND").is_some() {
        result &= one(tokens, allowed);
    }
    result
}

fn one(tokens: &mut Tokens<'_>, allowed: &BTreeSet<&str>) -> bool {
    match tokens.next() {
        Some("(") => {
            let result = either(tokens, allowed);
            result & (tokens.next() == Some(")"))
        }
        Some(name) if tokens.next_if_eq(&"WITH").is_some() => {
            let exception = tokens.next().unwrap_or_default();
            allowed.contains(format!("{name} WITH {exception}").as_str())
        }
        Some(name) => allowed.contains(name),
        None => false,
    }
}

#[test]
fn licence_expressions() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]);
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(MIT OR GPL-3.0) AND Apache-2.0", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ("MIT WITH LLVM-exception", false),
        ("", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    }
}
