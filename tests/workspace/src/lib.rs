//! The workspace as data, for tests that look at it as a whole: dependencies, migrations, documents, stable codes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// What `cargo metadata` says of the workspace and everything it depends on.
///
/// # Panics
///
/// When cargo cannot tell.
#[expect(clippy::unwrap_used, reason = "test code: it fails by panicking")]
pub fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A file of the workspace.
///
/// # Panics
///
/// When it cannot be read.
#[expect(clippy::unwrap_used, reason = "test code: it fails by panicking")]
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path))
        .map_err(|error| format!("{path}: {error}"))
        .unwrap()
}

/// Every file under version control or about to be, with `/` between the parts of its path.
///
/// # Panics
///
/// When a folder cannot be read.
pub fn files() -> Vec<String> {
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    found.sort();
    found
}

/// What stands after the last point of a path.
pub fn kind(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, kind)| kind)
}

#[expect(clippy::unwrap_used, reason = "test code: it fails by panicking")]
fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            // Not ours: what git ignores, and git's own folder.
            let ours = !matches!(
                path.as_str(),
                ".git"
                    | "target"
                    | "registry-data"
                    | "fuzz/target"
                    | "fuzz/corpus"
                    | "fuzz/artifacts"
                    | "fuzz/coverage"
            );
            if ours {
                walk(&entry.path(), &format!("{path}/"), found);
            }
        } else {
            found.push(path);
        }
    }
}
