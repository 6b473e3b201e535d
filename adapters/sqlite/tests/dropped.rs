//! Whoever goes away in the middle of something leaves no connection behind that the next one cannot use.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use registry_sql::{ColumnType, Dialect, Driver as _, Sql, Statement};
use registry_sqlite::{SqliteConfig, SqliteDriver};

async fn driver(folder: &tempfile::TempDir) -> SqliteDriver {
    let config = SqliteConfig {
        readers: 1,
        statement_timeout: Duration::from_secs(5),
        ..SqliteConfig::file(folder.path().join("registry.db"))
    };
    SqliteDriver::connect(config)
        .await
        .expect("the database opens")
}

/// Lets a future begin, and drops it as soon as it waits.
async fn abandon<T>(future: impl Future<Output = T>) {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let _ = future.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}

fn statement(text: &str) -> Statement {
    let mut sql = Sql::new(Dialect::Sqlite);
    sql.push(text);
    sql.finish(&[ColumnType::Int])
}

async fn can_write(driver: &SqliteDriver, round: i32) {
    let mut transaction = driver.begin().await.expect("a transaction begins");
    let write = statement(&format!("INSERT INTO setting VALUES ('round{round}', 'x')"));
    let written = driver.execute_in(&mut transaction, write).await;
    assert_eq!(written.expect("a row is written"), 1);
    driver.commit(transaction).await.expect("it is committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_begin_commit_or_rollback_leaves_the_writer_usable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let driver = driver(&folder).await;
    abandon(driver.begin()).await;
    can_write(&driver, 1).await;
    let transaction = driver.begin().await.expect("a transaction begins");
    abandon(driver.commit(transaction)).await;
    can_write(&driver, 2).await;
    let transaction = driver.begin().await.expect("a transaction begins");
    abandon(driver.rollback(transaction)).await;
    can_write(&driver, 3).await;
    drop(driver.begin().await.expect("a transaction begins"));
    can_write(&driver, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_read_is_interrupted_and_costs_the_next_reader_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let driver = driver(&folder).await;
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    abandon(driver.fetch(statement(endless))).await;
    let begun = std::time::Instant::now();
    let mut rows = driver
        .fetch(statement("SELECT 7"))
        .await
        .expect("the next statement runs")
        .into_iter();
    let seven = rows.next().and_then(|mut row| row.int().ok());
    assert_eq!(seven, Some(7));
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}
