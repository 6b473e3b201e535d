//! Files: what can be read as a whole ends without an error, its lines grow, and no row is lost without a word.

use std::{sync::Arc, sync::OnceLock};

use futures::StreamExt as _;
use registry_core::{
    port::{LoadItem, LoadMode},
    upload::{Options, Source, check, rows},
};
use tokio::runtime::Runtime;

use crate::fixture::{airport, catalog};

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let builder = tokio::runtime::Builder::new_current_thread().build();
        builder.expect("a runtime")
    })
}

/// The modes, by a byte of the input.
pub(crate) fn mode(byte: u8) -> LoadMode {
    match byte % 3 {
        0 => LoadMode::Create,
        1 => LoadMode::Upsert,
        _ => LoadMode::Update,
    }
}

/// Reads the bytes under these options, twice.
pub(crate) fn read(bytes: &[u8], options: &Options) {
    let bytes: Arc<[u8]> = bytes.into();
    let source: Arc<dyn Source> = Arc::new(bytes);
    if check(&*source, catalog(), airport(), options).is_err() {
        return;
    }
    let read = || {
        let items = runtime().block_on(async {
            let rows = rows(
                Arc::clone(&source),
                Arc::clone(catalog()),
                Arc::clone(airport()),
                options.clone(),
            );
            rows.collect::<Vec<_>>().await
        });
        let mut last = 0;
        items
            .into_iter()
            .map(|item| {
                let item = item.expect("a file that was checked can be read");
                let line = match &item {
                    LoadItem::Row(row) => row.line,
                    LoadItem::Rejected(failure) => {
                        assert!(!failure.errors.is_empty());
                        failure.line
                    }
                };
                assert!(line > last, "line {line} after {last}");
                last = line;
                format!("{item:?}")
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(read(), read());
}
