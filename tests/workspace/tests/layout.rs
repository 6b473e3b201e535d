//! Files as a whole: migrations stand side by side, and a file is one idea.

use std::collections::BTreeMap;

use registry_workspace_tests::{files, kind, read};

/// Lines that a source file may have without a reason.
const LONG: usize = 600;

/// Longer files, and why.
const REASONS: &[(&str, &str)] = &[(
    "registry-core/src/field/tests.rs",
    "one table of values for all kinds",
)];

#[test]
fn both_engines_have_the_same_migrations() {
    let all = files();
    let of = |folder: &str| -> Vec<String> {
        all.iter()
            .filter_map(|path| path.strip_prefix(folder))
            .map(str::to_owned)
            .collect()
    };
    let sqlite = of("migrations/sqlite/");
    assert_eq!(sqlite, of("migrations/postgres/"));
    assert!(!sqlite.is_empty());
    for (index, name) in sqlite.iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name}");
    }
}

#[test]
fn long_files_have_a_reason() {
    let long: BTreeMap<String, usize> = files()
        .into_iter()
        .filter(|path| ["rs", "sql"].contains(&kind(path)))
        .map(|path| {
            let lines = read(&path).lines().count();
            (path, lines)
        })
        .filter(|(_, lines)| *lines > LONG)
        .collect();
    let unreasoned: Vec<_> = long
        .iter()
        .filter(|(path, _)| !REASONS.iter().any(|(file, _)| file == path))
        .collect();
    assert_eq!(unreasoned, Vec::<(&String, &usize)>::new());
    for (file, _) in REASONS {
        assert!(
            long.contains_key(*file),
            "{file} is no longer long: drop it from the list"
        );
    }
}
