//! A driver that remembers what it was asked to run.

use std::sync::Mutex;

use registry_sql::{ColumnType, Dialect, Driver, EngineError, Outcome, Plan, Row, Statement};

/// An engine's driver; keeps the statements that it fetched.
#[derive(Debug)]
pub(crate) struct Recording<D> {
    inner: D,
    fetched: Mutex<Vec<Statement>>,
}

impl<D: Driver> Recording<D> {
    /// Around a driver.
    pub(crate) fn new(inner: D) -> Self {
        Self {
            inner,
            fetched: Mutex::default(),
        }
    }

    /// The statements fetched since the last call.
    pub(crate) fn take(&self) -> Vec<Statement> {
        std::mem::take(&mut self.fetched.lock().unwrap())
    }

    /// Runs one statement without arguments, of a test's own.
    pub(crate) async fn run(&self, text: &str) {
        let statement = Statement {
            text: text.to_owned(),
            arguments: Vec::new(),
            columns: &[],
            plan: Plan::Kept,
        };
        let mut transaction = self.inner.begin().await.unwrap();
        if D::DIALECT == Dialect::Postgres {
            let unbounded = Statement {
                text: "SET LOCAL statement_timeout = 0".to_owned(),
                ..statement.clone()
            };
            self.inner
                .execute_in(&mut transaction, unbounded)
                .await
                .unwrap();
        }
        self.inner
            .execute_in(&mut transaction, statement)
            .await
            .unwrap();
        self.inner.commit(transaction).await.unwrap();
    }

    /// How the engine runs a statement, as it tells it itself: on PostgreSQL with the rows that it really met.
    pub(crate) async fn plan(&self, statement: &Statement) -> String {
        let (prefix, columns): (&str, &'static [ColumnType]) = match D::DIALECT {
            Dialect::Sqlite => (
                "EXPLAIN QUERY PLAN ",
                &[
                    ColumnType::Int,
                    ColumnType::Int,
                    ColumnType::Int,
                    ColumnType::Text,
                ],
            ),
            Dialect::Postgres => (
                "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) ",
                &[ColumnType::Text],
            ),
        };
        let explained = Statement {
            text: format!("{prefix}{}", statement.text),
            arguments: statement.arguments.clone(),
            columns,
            plan: Plan::Fresh,
        };
        let rows = self.inner.fetch(explained).await.unwrap();
        let lines = rows.into_iter().map(|mut row| match D::DIALECT {
            Dialect::Sqlite => {
                for _ in 0..3 {
                    row.int().unwrap();
                }
                row.text().unwrap()
            }
            Dialect::Postgres => row.text().unwrap(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl<D: Driver> Driver for Recording<D> {
    const DIALECT: Dialect = D::DIALECT;
    const READERS: usize = D::READERS;

    type Transaction = D::Transaction;

    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>, EngineError> {
        self.fetched.lock().unwrap().push(statement.clone());
        self.inner.fetch(statement).await
    }

    async fn write(&self, statement: Statement) -> Result<Vec<Row>, EngineError> {
        self.inner.write(statement).await
    }

    async fn tend(&self, statement: Statement) -> Result<u64, EngineError> {
        self.inner.tend(statement).await
    }

    async fn begin(&self) -> Result<Self::Transaction, EngineError> {
        self.inner.begin().await
    }

    async fn snapshot(&self) -> Result<Self::Transaction, EngineError> {
        self.inner.snapshot().await
    }

    async fn fetch_in(
        &self,
        transaction: &mut Self::Transaction,
        statement: Statement,
    ) -> Result<Vec<Row>, EngineError> {
        self.inner.fetch_in(transaction, statement).await
    }

    async fn execute_in(
        &self,
        transaction: &mut Self::Transaction,
        statement: Statement,
    ) -> Result<u64, EngineError> {
        self.inner.execute_in(transaction, statement).await
    }

    async fn script_in(
        &self,
        transaction: &mut Self::Transaction,
        script: Statement,
        columns: &[&'static [ColumnType]],
    ) -> Result<Vec<Outcome>, EngineError> {
        self.inner.script_in(transaction, script, columns).await
    }

    async fn commit(&self, transaction: Self::Transaction) -> Result<(), EngineError> {
        self.inner.commit(transaction).await
    }

    async fn rollback(&self, transaction: Self::Transaction) {
        self.inner.rollback(transaction).await;
    }

    fn groups(&self) -> usize {
        self.inner.groups()
    }

    fn pool_sizes(&self) -> (usize, usize) {
        self.inner.pool_sizes()
    }
}
