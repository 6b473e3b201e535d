//! Upload jobs, their failures and rejected records.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use registry_core::{
    JobId, Timestamp,
    port::{
        Clock as _, ExplainedRecord, Job, JobFailure, JobState, Jobs, RejectedRecord, StoreError,
        SystemClock,
    },
};

use crate::{
    Argument, Column, ColumnType,
    ColumnType::{Int, Text},
    Dialect, Driver, Row, Sql, SqlStore,
    driver::Committing,
    write,
};

impl<D: Driver> SqlStore<D> {
    async fn read_jobs(
        &self,
        sql: Sql,
        columns: &'static [ColumnType],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.driver().fetch(sql.finish(columns)).await;
        rows.map_err(|error| error.into_store_error("reading jobs", Committing::No))
    }

    async fn write_jobs(&self, pieces: Vec<Sql>) -> Result<(), StoreError> {
        let failed =
            |error: crate::EngineError| error.into_store_error("writing jobs", Committing::No);
        let mut transaction = self.driver().begin().await.map_err(failed)?;
        for sql in pieces {
            self.driver()
                .execute_in(&mut transaction, sql.finish(&[]))
                .await
                .map_err(failed)?;
        }
        let committed = self.driver().commit(transaction).await;
        committed.map_err(|error| error.into_store_error("writing jobs", Committing::Yes))
    }

    /// Writes one job. A lost connection leaves open whether it is written; of entities, nothing is.
    async fn tend(&self, sql: Sql) -> Result<bool, StoreError> {
        let touched = self.driver().tend(sql.finish(&[])).await;
        let touched =
            touched.map_err(|error| error.into_store_error("writing jobs", Committing::No))?;
        Ok(touched > 0)
    }
}

/// How far a job is, in the column `running`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Ended,
    AtWork,
    Claimed,
}

impl Stage {
    fn number(self) -> Argument {
        Argument::Int(match self {
            Self::Ended => 0,
            Self::AtWork => 1,
            Self::Claimed => 2,
        })
    }
}

/// Touches a job that is at work. In a transaction that touches one row, nobody claims the job before it has committed.
pub(crate) fn touch(dialect: Dialect, id: JobId) -> Sql {
    let mut sql = Sql::new(dialect);
    sql.push("UPDATE job SET touched_at = ");
    now(&mut sql);
    one(&mut sql, id, Stage::AtWork);
    sql
}

/// Begins the update of a job to what it is now.
fn written(dialect: Dialect, job: &Job) -> Sql {
    let mut sql = Sql::new(dialect);
    sql.push("UPDATE job SET document = ")
        .bind(Argument::Text(write::json(job)))
        .push(", running = ")
        .bind(running(job));
    sql
}

/// Appends the condition that it is this job, and so far.
fn one(sql: &mut Sql, id: JobId, stage: Stage) {
    sql.push(" WHERE id = ")
        .bind(Argument::Id(id.0))
        .push(" AND running = ")
        .bind(stage.number());
}

#[async_trait]
impl<D: Driver> Jobs for SqlStore<D> {
    async fn put_job(&self, job: &Job) -> Result<(), StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("INSERT INTO job (id, created_at, document, running, touched_at) VALUES (")
            .bind(Argument::Id(job.id.0))
            .push(", ");
        sql.bind(Argument::Int(job.created_at.0))
            .push(", ")
            .bind(Argument::Text(write::json(job)));
        sql.push(", ").bind(running(job)).push(", ");
        now(&mut sql);
        sql.push(")");
        self.write_jobs(vec![sql]).await
    }

    async fn update_job(&self, job: &Job) -> Result<bool, StoreError> {
        let mut sql = written(D::DIALECT, job);
        sql.push(", touched_at = ");
        now(&mut sql);
        one(&mut sql, job.id, Stage::AtWork);
        self.tend(sql).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT document FROM job WHERE id = ")
            .bind(Argument::Id(id.0));
        self.read_jobs(sql, &[Text])
            .await?
            .into_iter()
            .next()
            .map(|mut row| row.json())
            .transpose()
    }

    async fn jobs(&self, before: Option<JobId>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT document FROM job WHERE TRUE");
        if let Some(before) = before {
            sql.push(" AND id < ").bind(Argument::Id(before.0));
        }
        sql.push(" ORDER BY id DESC LIMIT ").bind(bounded(limit));
        self.read_jobs(sql, &[Text])
            .await?
            .into_iter()
            .map(|mut row| row.json())
            .collect()
    }

    async fn add_failures(
        &self,
        id: JobId,
        failures: &[JobFailure],
        rejected: &[RejectedRecord],
    ) -> Result<(), StoreError> {
        let mut pieces = Vec::new();
        if !failures.is_empty() {
            // Numbered on from what the line has already, so that order of adding is kept within a line.
            let mut parts: BTreeMap<u64, i64> = BTreeMap::new();
            let part = |failure: &JobFailure| {
                let part = parts.entry(failure.line).or_default();
                *part += 1;
                *part
            };
            let numbers: Vec<i64> = failures.iter().map(part).collect();
            let mut sql = Sql::new(D::DIALECT);
            sql.push("INSERT INTO job_error (job, line, part, document) SELECT ")
                .bind(Argument::Id(id.0));
            sql.push(if D::DIALECT == Dialect::Postgres {
                "::uuid"
            } else {
                ""
            });
            sql.push(", r.line, r.part + coalesce((SELECT max(o.part) FROM job_error AS o WHERE o.job = ").bind(Argument::Id(id.0));
            sql.push(" AND o.line = r.line), 0), r.document FROM ");
            sql.rows(
                "r",
                vec![
                    Column::ints("line", failures.iter().map(|one| signed(one.line))),
                    Column::ints("part", numbers),
                    Column::texts("document", failures.iter().map(write::json)),
                ],
            );
            pieces.push(sql);
        }
        if !rejected.is_empty() {
            let mut sql = Sql::new(D::DIALECT);
            sql.push("INSERT INTO job_rejected (job, line, record) SELECT ")
                .bind(Argument::Id(id.0));
            sql.push(if D::DIALECT == Dialect::Postgres {
                "::uuid"
            } else {
                ""
            });
            sql.push(", r.line, r.record FROM ");
            sql.rows(
                "r",
                vec![
                    Column::ints("line", rejected.iter().map(|one| signed(one.line))),
                    Column::texts("record", rejected.iter().map(|one| write::json(&one.raw))),
                ],
            );
            sql.push(" WHERE TRUE ON CONFLICT (job, line) DO NOTHING");
            pieces.push(sql);
        }
        if pieces.is_empty() {
            Ok(())
        } else {
            self.write_jobs(pieces).await
        }
    }

    async fn clear_failures(&self, id: JobId) -> Result<(), StoreError> {
        let pieces = ["job_error", "job_rejected"].map(|table| {
            let mut sql = Sql::new(D::DIALECT);
            sql.push(&format!("DELETE FROM {table} WHERE job = "))
                .bind(Argument::Id(id.0));
            sql
        });
        self.write_jobs(pieces.into()).await
    }

    async fn request_cancel(&self, id: JobId) -> Result<(), StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("UPDATE job SET cancel_requested = 1 WHERE id = ")
            .bind(Argument::Id(id.0));
        self.tend(sql).await.map(drop)
    }

    async fn cancel_requested(&self, id: JobId) -> Result<bool, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT cancel_requested FROM job WHERE id = ")
            .bind(Argument::Id(id.0));
        let rows = self.read_jobs(sql, &[Int]).await?;
        Ok(rows
            .into_iter()
            .next()
            .map(|mut row| row.int())
            .transpose()?
            .is_some_and(|requested| requested != 0))
    }

    async fn failures(
        &self,
        id: JobId,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<JobFailure>, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT document FROM job_error WHERE job = ")
            .bind(Argument::Id(id.0))
            .push(" ORDER BY line, part LIMIT ");
        sql.bind(bounded(limit))
            .push(" OFFSET ")
            .bind(Argument::Int(signed(skip)));
        self.read_jobs(sql, &[Text])
            .await?
            .into_iter()
            .map(|mut row| row.json())
            .collect()
    }

    async fn rejected(
        &self,
        id: JobId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ExplainedRecord>, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT line, record FROM job_rejected WHERE job = ")
            .bind(Argument::Id(id.0));
        sql.push(" AND line > ")
            .bind(Argument::Int(signed(after)))
            .push(" ORDER BY line LIMIT ")
            .bind(bounded(limit));
        let mut found: Vec<ExplainedRecord> = Vec::new();
        for mut row in self.read_jobs(sql, &[Int, Text]).await? {
            let record = RejectedRecord {
                line: row.unsigned()?,
                raw: row.json()?,
            };
            found.push(ExplainedRecord {
                record,
                failures: Vec::new(),
            });
        }
        let (Some(first), Some(last)) = (found.first(), found.last()) else {
            return Ok(found);
        };
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT document FROM job_error WHERE job = ")
            .bind(Argument::Id(id.0));
        sql.push(" AND line BETWEEN ")
            .bind(Argument::Int(signed(first.record.line)))
            .push(" AND ")
            .bind(Argument::Int(signed(last.record.line)));
        sql.push(" ORDER BY line, part");
        let mut by_line: BTreeMap<u64, Vec<JobFailure>> = BTreeMap::new();
        for mut row in self.read_jobs(sql, &[Text]).await? {
            let failure: JobFailure = row.json()?;
            by_line.entry(failure.line).or_default().push(failure);
        }
        for one in &mut found {
            one.failures = by_line.remove(&one.record.line).unwrap_or_default();
        }
        Ok(found)
    }

    async fn touch_job(&self, id: JobId) -> Result<(), StoreError> {
        self.tend(touch(D::DIALECT, id)).await.map(drop)
    }

    async fn silent_jobs(&self, silence: Duration) -> Result<Vec<Job>, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("SELECT document FROM job WHERE ");
        silent(&mut sql, silence);
        self.read_jobs(sql, &[Text])
            .await?
            .into_iter()
            .map(|mut row| row.json())
            .collect()
    }

    async fn claim_job(&self, id: JobId, silence: Duration) -> Result<Option<Job>, StoreError> {
        let mut sql = Sql::new(D::DIALECT);
        sql.push("UPDATE job SET running = ")
            .bind(Stage::Claimed.number())
            .push(", touched_at = ");
        now(&mut sql);
        sql.push(" WHERE id = ")
            .bind(Argument::Id(id.0))
            .push(" AND ");
        silent(&mut sql, silence);
        sql.push(" RETURNING document");
        // Waits for a load that is committing: it has looked at the same row.
        let rows = self.driver().write(sql.finish(&[Text])).await;
        rows.map_err(|error| error.into_store_error("claiming a job", Committing::No))?
            .into_iter()
            .next()
            .map(|mut row| row.json())
            .transpose()
    }

    async fn end_claimed_job(&self, job: &Job) -> Result<bool, StoreError> {
        let mut sql = written(D::DIALECT, job);
        one(&mut sql, job.id, Stage::Claimed);
        self.tend(sql).await
    }

    fn one_process(&self) -> bool {
        D::DIALECT == Dialect::Sqlite
    }

    async fn expire_jobs(&self, before: Timestamp) -> Result<(), StoreError> {
        let belongings = ["job_error", "job_rejected"].map(|table| {
            let mut sql = Sql::new(D::DIALECT);
            sql.push(&format!(
                "DELETE FROM {table} WHERE job IN (SELECT id FROM job WHERE created_at < "
            ));
            sql.bind(Argument::Int(before.0)).push(" AND running = 0)");
            sql
        });
        let mut sql = Sql::new(D::DIALECT);
        sql.push("DELETE FROM job WHERE created_at < ")
            .bind(Argument::Int(before.0))
            .push(" AND running = 0");
        self.write_jobs(belongings.into_iter().chain([sql]).collect())
            .await
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn bounded(limit: usize) -> Argument {
    Argument::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}

fn running(job: &Job) -> Argument {
    let stage = if job.state == JobState::Running {
        Stage::AtWork
    } else {
        Stage::Ended
    };
    stage.number()
}

/// The store's own clock in microseconds: on PostgreSQL the server's, so that those of its clients need not agree.
fn now(sql: &mut Sql) {
    match sql.dialect {
        Dialect::Postgres => {
            sql.push("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
        }
        Dialect::Sqlite => {
            sql.bind(Argument::Int(SystemClock.now().0));
        }
    }
}

/// The condition that a job is running and was not touched for so long.
fn silent(sql: &mut Sql, silence: Duration) {
    sql.push("running <> 0");
    if silence.is_zero() {
        return;
    }
    let micros = i64::try_from(silence.as_micros()).unwrap_or(i64::MAX);
    sql.push(" AND touched_at <= ");
    now(sql);
    sql.push(" - ").bind(Argument::Int(micros));
}
