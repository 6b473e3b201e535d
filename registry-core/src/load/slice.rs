//! Cutting the stream of rows into slices of bounded size.

use futures::StreamExt;

use crate::{
    limits::{SLICE_BYTES, SLICE_ROWS, SLICE_TARGETS},
    port::{LoadItem, LoadRow, RowFailure, RowStream, StoreError},
};

/// Rows in line order, and those that could not be read between them.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub(super) rows: Vec<LoadRow>,
    pub(super) rejected: Vec<RowFailure>,
    bytes: usize,
    targets: usize,
}

impl Slice {
    /// Reads the next slice; `None` at the end of the rows.
    pub(super) async fn read(rows: &mut RowStream<'_>) -> Result<Option<Self>, StoreError> {
        let mut slice = Self::default();
        while !slice.is_full() {
            match rows.next().await.transpose()? {
                Some(LoadItem::Row(row)) => slice.add(*row),
                Some(LoadItem::Rejected(failure)) => {
                    slice.bytes += failure.raw.len();
                    slice.rejected.push(failure);
                }
                None => break,
            }
        }
        let empty = slice.rows.is_empty() && slice.rejected.is_empty();
        Ok((!empty).then_some(slice))
    }

    fn add(&mut self, row: LoadRow) {
        self.bytes += row.raw.len();
        self.targets += row
            .patch
            .links
            .iter()
            .map(|link| link.targets.len())
            .sum::<usize>();
        self.rows.push(row);
    }

    fn is_full(&self) -> bool {
        self.rows.len() + self.rejected.len() >= SLICE_ROWS
            || self.bytes >= SLICE_BYTES
            || self.targets >= SLICE_TARGETS
    }
}
