//! What documents name exists: every path, and every command of the project.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use registry_workspace_tests::{files, kind, read, root};

/// Beginnings of what is a path of the workspace.
const FOLDERS: [&str; 9] = [
    "registry-core/",
    "registry-server/",
    "adapters/",
    "migrations/",
    "tests/",
    "examples/",
    "docs/",
    "./tests/",
    ".ci/",
];

fn documents() -> Vec<String> {
    files()
        .into_iter()
        .filter(|path| kind(path) == "md")
        .collect()
}

/// Inline code, and lines of fenced blocks.
fn quoted(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut inline, mut fenced, mut inside) = (Vec::new(), Vec::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            fenced.push(line.to_owned());
        } else {
            inline.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    (inline, fenced)
}

#[test]
fn the_documents_are_there() {
    let all = documents();
    for path in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "adapters/memory/README.md",
        "adapters/sql/README.md",
        "adapters/sqlite/README.md",
        "adapters/postgres/README.md",
        "migrations/README.md",
        "examples/README.md",
        "docs/api.md",
    ] {
        assert!(all.iter().any(|one| one == path), "{path}");
    }
}

#[test]
fn every_path_in_a_document_exists() {
    let mut missing = BTreeSet::new();
    for document in documents() {
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = read(&document);
        let (inline, fenced) = quoted(&text);
        let words = inline
            .iter()
            .chain(&fenced)
            .flat_map(|code| code.split_whitespace());
        for word in words {
            let word = word.trim_matches(|letter: char| ",;:()'\"".contains(letter));
            let is_path = FOLDERS.iter().any(|start| word.starts_with(start))
                && !word.contains(['<', '*', '{', '$', '…']);
            if is_path && !root().join(word).exists() && !root().join(folder).join(word).exists() {
                missing.insert(format!("{document}: {word}"));
            }
        }
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if !link.contains("://")
                && !link.starts_with('#')
                && !root().join(folder).join(link).exists()
            {
                missing.insert(format!("{document}: {link}"));
            }
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

/// `cargo … -p NAME`, `--example NAME`, `--test NAME`: the names must be those of a package and of its files.
#[test]
fn every_cargo_command_names_what_exists() {
    let packages: BTreeSet<String> = files()
        .iter()
        .filter(|path| path.ends_with("Cargo.toml") && *path != "Cargo.toml")
        .map(|path| {
            read(path).parse::<toml::Table>().unwrap()["package"]["name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let mut wrong = BTreeSet::new();
    for document in documents() {
        let (inline, fenced) = quoted(&read(&document));
        for code in inline.iter().chain(&fenced) {
            let words: Vec<&str> = code
                .split_whitespace()
                .skip_while(|word| *word != "cargo")
                .collect();
            for pair in words.windows(2) {
                let exists = match pair[0] {
                    "-p" | "--package" => packages.contains(pair[1]),
                    "--example" => root().join(format!("examples/{}.rs", pair[1])).exists(),
                    "--test" => files().iter().any(|path| {
                        path.ends_with(&format!("/tests/{}.rs", pair[1]))
                            || path.ends_with(&format!("/tests/{}/main.rs", pair[1]))
                    }),
                    _ => true,
                };
                if !exists && !pair[1].chars().all(char::is_uppercase) {
                    wrong.insert(format!("{document}: {code}"));
                }
            }
        }
    }
    assert_eq!(wrong, BTreeSet::new());
}

/// Flags that documents name are flags of the program.
#[test]
fn every_flag_in_a_document_exists() {
    let sources: String = files()
        .iter()
        .filter(|path| {
            path.starts_with("registry-server/src/cli/")
                || path.as_str() == "tests/load/src/main.rs"
        })
        .map(|path| read(path))
        .collect();
    let mut wrong = BTreeSet::new();
    for document in documents() {
        let (inline, fenced) = quoted(&read(&document));
        for code in inline.iter().chain(&fenced) {
            let of_ours = code.starts_with("registry ")
                || code.starts_with("$ registry ")
                || code.starts_with("--");
            for flag in code
                .split_whitespace()
                .filter(|word| of_ours && word.starts_with("--"))
            {
                let name = flag
                    .trim_start_matches('-')
                    .split('=')
                    .next()
                    .unwrap()
                    .replace('-', "_");
                let known =
                    ["long", "help", "example", "test", "all_targets"].contains(&name.as_str());
                if !known && !sources.contains(&format!("{name}:")) {
                    wrong.insert(format!("{document}: {code}"));
                }
            }
        }
    }
    assert_eq!(wrong, BTreeSet::new());
}
