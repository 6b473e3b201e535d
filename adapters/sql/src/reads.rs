//! Group reads: entities that are read one by one at the same time share a statement. A read that finds the line empty runs at once, none
//! waits for company: those that come while all turns are taken go together when one ends.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use registry_core::{
    Entity, EntityId, Scope,
    port::{StoreError, StoreErrorKind},
};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{Cell, Driver, Row, driver::Committing, entities};

/// Most reads that share a statement.
const GROUP: usize = 64;

/// The line before the store.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    line: Arc<Mutex<Line>>,
}

#[derive(Debug, Default)]
struct Line {
    /// Statements under way.
    running: usize,
    waiting: VecDeque<Waiting>,
}

/// A read in the line.
#[derive(Debug)]
struct Waiting {
    id: EntityId,
    reply: oneshot::Sender<Reply>,
}

/// What whoever waits is told.
#[derive(Debug)]
enum Reply {
    /// It reads, for these others too.
    Lead(Turn, Vec<Waiting>),
    /// Somebody read for it.
    Read(Result<Option<Row>, StoreError>),
}

/// The right to run one statement; goes to whoever waits when it is dropped, so also when its holder goes away.
#[derive(Debug)]
struct Turn {
    line: Arc<Mutex<Line>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut line = lock(&self.line);
        while let Some(first) = line.waiting.pop_front() {
            if first.reply.is_closed() {
                continue;
            }
            let company = line.waiting.len().min(GROUP - 1);
            let company = line.waiting.drain(..company).collect();
            let turn = Self {
                line: Arc::clone(&self.line),
            };
            // Unlocked first: when the first has gone just now, its turn is dropped here.
            drop(line);
            if let Err(Reply::Lead(turn, company)) = first.reply.send(Reply::Lead(turn, company)) {
                let mut line = lock(&self.line);
                for waiting in company.into_iter().rev() {
                    line.waiting.push_front(waiting);
                }
                drop(line);
                drop(turn);
            }
            return;
        }
        line.running -= 1;
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reads {
    /// The entity of an id, if it is inside the scope.
    pub(crate) async fn read<D: Driver>(
        &self,
        driver: &D,
        id: EntityId,
        scope: &Scope,
    ) -> Result<Option<Entity>, StoreError> {
        let row = self.row(driver, id).await?;
        let entity = row.map(entities::read).transpose()?;
        Ok(entity.filter(|entity| scope.admits(&entity.owners, &entity.readers)))
    }

    async fn row<D: Driver>(&self, driver: &D, id: EntityId) -> Result<Option<Row>, StoreError> {
        loop {
            let (turn, company) = match self.enter::<D>(id) {
                Ok(turn) => (turn, Vec::new()),
                Err(reply) => match reply.await {
                    Ok(Reply::Lead(turn, company)) => (turn, company),
                    Ok(Reply::Read(row)) => return row,
                    // Whoever was to read for it went away.
                    Err(_) => continue,
                },
            };
            let mut ids: Vec<EntityId> = vec![id];
            ids.extend(company.iter().map(|waiting| waiting.id));
            ids.sort_unstable();
            ids.dedup();
            let rows = driver
                .fetch(entities::by_ids(D::DIALECT, &ids, &Scope::Everything))
                .await;
            drop(turn);
            let rows =
                rows.map_err(|error| error.into_store_error("reading entities", Committing::No));
            return share(rows, id, company);
        }
    }

    /// A turn, when one is free, else a place in the line.
    fn enter<D: Driver>(&self, id: EntityId) -> Result<Turn, oneshot::Receiver<Reply>> {
        let mut line = lock(&self.line);
        if line.running < D::READERS {
            line.running += 1;
            return Ok(Turn {
                line: Arc::clone(&self.line),
            });
        }
        let (reply, answer) = oneshot::channel();
        line.waiting.push_back(Waiting { id, reply });
        Err(answer)
    }
}

/// Gives everybody what they asked for; returns the row of the one who led.
fn share(
    rows: Result<Vec<Row>, StoreError>,
    own: EntityId,
    company: Vec<Waiting>,
) -> Result<Option<Row>, StoreError> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            let cause = error.source.as_ref().map(ToString::to_string);
            let cause = cause.unwrap_or_default();
            for waiting in company {
                let error = StoreError::new(error.kind, error.subject, cause.clone());
                // Who went away needs no answer.
                let _ = waiting.reply.send(Reply::Read(Err(error)));
            }
            return Err(error);
        }
    };
    let mut of_id: HashMap<Uuid, Row> = HashMap::with_capacity(rows.len());
    for row in rows {
        match row.0.as_slice().first() {
            Some(Cell::Id(id)) => of_id.insert(*id, row),
            _ => {
                return Err(StoreError::new(
                    StoreErrorKind::Internal,
                    "reading entities",
                    "a row without an id",
                ));
            }
        };
    }
    let row = |id: EntityId| of_id.get(&id.0).map(|row| Row(row.0.clone()));
    for waiting in company {
        let _ = waiting.reply.send(Reply::Read(Ok(row(waiting.id))));
    }
    Ok(of_id.remove(&own.0))
}
