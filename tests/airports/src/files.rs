//! The files of an upload, and the types they are for.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

/// A row, by column.
pub(crate) type Row = HashMap<String, String>;

/// A folder of upload files.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    /// Removed with it.
    _converted: Option<TempDir>,
}

fn example() -> PathBuf {
    root().join("examples/airports")
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_path_buf()
}

impl Files {
    /// The sample of the project.
    pub fn sample() -> Self {
        Self {
            folder: example().join("sample"),
            _converted: None,
        }
    }

    /// The whole files, where they are: in the folder that `REGISTRY_AIRPORTS` names, or beside the checkout. A long run must have them.
    pub fn whole() -> Option<Self> {
        let named = std::env::var_os("REGISTRY_AIRPORTS").map(PathBuf::from);
        let demanded = named.is_some() || std::env::var_os("REGISTRY_LONG").is_some();
        let source = named.unwrap_or_else(|| root().join("../shared/data/airports"));
        if !source.join("airports.csv").exists() {
            assert!(!demanded, "no airport files in {}", source.display());
            return None;
        }
        let converted = tempfile::tempdir().unwrap();
        let status = Command::new(example().join("convert"))
            .args([&source, converted.path()])
            .status()
            .unwrap();
        assert!(status.success());
        Some(Self {
            folder: converted.path().to_path_buf(),
            _converted: Some(converted),
        })
    }

    /// The documents of the types, targets of links first.
    pub fn types(&self) -> Vec<Value> {
        ["country", "region", "airport", "runway"]
            .iter()
            .map(|name| {
                let path = example().join(format!("types/{name}.json"));
                serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
            })
            .collect()
    }

    /// The file of a type.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(format!("{name}.csv"))).unwrap()
    }

    /// Its rows.
    pub fn rows(&self, name: &str) -> Vec<Row> {
        let bytes = self.bytes(name);
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        reader.deserialize().map(Result::unwrap).collect()
    }

    /// The values of one of its columns.
    pub fn column(&self, name: &str, column: &str) -> BTreeSet<String> {
        let rows = self.rows(name).into_iter();
        rows.map(|mut row| row.remove(column).unwrap()).collect()
    }
}
