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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::{
        sync::{Semaphore, watch},
        task::JoinHandle,
    };

    use crate::{Argument, ColumnType, Dialect, EngineError, Failure, Outcome, Statement};

    use super::*;

    /// An engine of which each statement waits to be let go; it holds an entity for each id but [`ABSENT`].
    #[derive(Debug)]
    struct Held {
        /// The ids of the statements that came, in their order.
        asked: watch::Sender<Vec<Vec<u128>>>,
        go: Semaphore,
        failing: AtomicBool,
    }

    const ABSENT: u128 = 9;

    impl Driver for Held {
        const DIALECT: Dialect = Dialect::Postgres;
        const READERS: usize = 1;

        type Transaction = ();

        async fn fetch(&self, statement: Statement) -> Result<Vec<Row>, EngineError> {
            let ids: Vec<u128> = match statement.arguments.as_slice() {
                [Argument::Id(id)] => vec![id.as_u128()],
                [Argument::Ids(ids)] => ids.iter().map(Uuid::as_u128).collect(),
                other => panic!("not a read by id: {other:?}"),
            };
            self.asked.send_modify(|asked| asked.push(ids.clone()));
            self.go.acquire().await.unwrap().forget();
            if self.failing.load(Ordering::Relaxed) {
                return Err(EngineError {
                    failure: Failure::Unavailable,
                    source: "gone".into(),
                });
            }
            Ok(ids
                .into_iter()
                .filter(|id| *id != ABSENT)
                .map(row)
                .collect())
        }

        async fn write(&self, _: Statement) -> Result<Vec<Row>, EngineError> {
            panic!("a read writes")
        }

        async fn tend(&self, _: Statement) -> Result<u64, EngineError> {
            panic!("a read tends")
        }

        async fn begin(&self) -> Result<(), EngineError> {
            panic!("a read begins")
        }

        async fn snapshot(&self) -> Result<(), EngineError> {
            panic!("a read begins")
        }

        async fn fetch_in(&self, (): &mut (), _: Statement) -> Result<Vec<Row>, EngineError> {
            panic!("a read begins")
        }

        async fn execute_in(&self, (): &mut (), _: Statement) -> Result<u64, EngineError> {
            panic!("a read begins")
        }

        async fn script_in(
            &self,
            (): &mut (),
            _: Statement,
            _: &[&'static [ColumnType]],
        ) -> Result<Vec<Outcome>, EngineError> {
            panic!("a read begins")
        }

        async fn commit(&self, (): ()) -> Result<(), EngineError> {
            panic!("a read commits")
        }

        async fn rollback(&self, (): ()) {}

        fn groups(&self) -> usize {
            1
        }

        fn pool_sizes(&self) -> (usize, usize) {
            (1, 1)
        }
    }

    fn row(id: u128) -> Row {
        let text = |text: &str| Cell::Text(text.to_owned());
        let cells = vec![
            Cell::Id(Uuid::from_u128(id)),
            Cell::Id(Uuid::from_u128(1)),
            Cell::Int(1),
            Cell::Int(1),
            text("{}"),
            text("{}"),
            text(r#"["user:ann"]"#),
            text("[]"),
            Cell::Int(1),
            text("user:ann"),
            Cell::Int(1),
            text("user:ann"),
        ];
        Row(cells.into_iter())
    }

    type Answer = Result<Option<u128>, StoreErrorKind>;

    struct Bench {
        reads: Arc<Reads>,
        engine: Arc<Held>,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                reads: Arc::default(),
                engine: Arc::new(Held {
                    asked: watch::Sender::default(),
                    go: Semaphore::new(0),
                    failing: AtomicBool::new(false),
                }),
            }
        }

        /// Reads on a task of its own; returns once the read runs or waits.
        async fn read(&self, id: u128) -> JoinHandle<Answer> {
            let places = |reads: &Reads| {
                let line = lock(&reads.line);
                line.running + line.waiting.len()
            };
            let before = places(&self.reads);
            let (reads, engine) = (Arc::clone(&self.reads), Arc::clone(&self.engine));
            let task = tokio::spawn(async move {
                let id = EntityId(Uuid::from_u128(id));
                let read = reads.read(&*engine, id, &Scope::Everything).await;
                read.map(|found| found.map(|entity| entity.id.0.as_u128()))
                    .map_err(|error| error.kind)
            });
            while places(&self.reads) == before {
                tokio::task::yield_now().await;
            }
            task
        }

        /// Waits until as many statements have come, and tells their ids.
        async fn asked(&self, count: usize) -> Vec<Vec<u128>> {
            let mut asked = self.engine.asked.subscribe();
            let all = asked.wait_for(|asked| asked.len() >= count).await.unwrap();
            all.clone()
        }

        fn go(&self) {
            self.engine.go.add_permits(1);
        }

        fn running(&self) -> usize {
            lock(&self.reads.line).running
        }
    }

    #[tokio::test]
    async fn an_idle_line_lets_a_read_run_at_once() {
        let bench = Bench::new();
        for (count, id) in [(1, 5), (2, 6)] {
            let read = bench.read(id).await;
            assert_eq!(bench.asked(count).await.last(), Some(&vec![id]));
            bench.go();
            assert_eq!(read.await.unwrap(), Ok(Some(id)));
            assert_eq!(bench.running(), 0);
        }
    }

    #[tokio::test]
    async fn reads_that_wait_share_a_statement_and_each_gets_its_own() {
        let bench = Bench::new();
        let first = bench.read(5).await;
        bench.asked(1).await;
        let mut others = Vec::new();
        for id in [7, 6, 7, ABSENT] {
            others.push(bench.read(id).await);
        }
        bench.go();
        assert_eq!(first.await.unwrap(), Ok(Some(5)));
        assert_eq!(bench.asked(2).await, [vec![5], vec![6, 7, ABSENT]]);
        bench.go();
        let mut answers = Vec::new();
        for other in others {
            answers.push(other.await.unwrap());
        }
        let expected: [Answer; 4] = [Ok(Some(7)), Ok(Some(6)), Ok(Some(7)), Ok(None)];
        assert_eq!(answers, expected);
        assert_eq!(bench.running(), 0);
    }

    #[tokio::test]
    async fn an_error_is_everybodys() {
        let bench = Bench::new();
        let first = bench.read(5).await;
        bench.asked(1).await;
        let others = [bench.read(6).await, bench.read(7).await];
        bench.go();
        assert_eq!(first.await.unwrap(), Ok(Some(5)));
        bench.asked(2).await;
        bench.engine.failing.store(true, Ordering::Relaxed);
        bench.go();
        for other in others {
            assert_eq!(other.await.unwrap(), Err(StoreErrorKind::Unavailable));
        }
        assert_eq!(bench.running(), 0);
    }

    #[tokio::test]
    async fn those_whose_leader_goes_away_read_again() {
        let bench = Bench::new();
        let first = bench.read(5).await;
        bench.asked(1).await;
        let leader = bench.read(6).await;
        let others = [bench.read(7).await, bench.read(8).await];
        bench.go();
        assert_eq!(first.await.unwrap(), Ok(Some(5)));
        assert_eq!(bench.asked(2).await.last(), Some(&vec![6, 7, 8]));
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        // One of them leads now; the other waits, or leads after it.
        bench.asked(3).await;
        bench.engine.go.add_permits(2);
        for (other, id) in others.into_iter().zip([7, 8]) {
            assert_eq!(other.await.unwrap(), Ok(Some(id)));
        }
        assert_eq!(bench.running(), 0);
    }

    #[tokio::test]
    async fn who_goes_away_in_the_line_leaves_its_turn_to_the_next() {
        let bench = Bench::new();
        let first = bench.read(5).await;
        bench.asked(1).await;
        let gone = bench.read(6).await;
        let next = bench.read(7).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        bench.go();
        assert_eq!(first.await.unwrap(), Ok(Some(5)));
        assert_eq!(bench.asked(2).await.last(), Some(&vec![7]));
        bench.go();
        assert_eq!(next.await.unwrap(), Ok(Some(7)));
        assert_eq!(bench.running(), 0);
    }
}
