//! One seed: its steps are made on the reference store, asked of the others, and the answers compared.

use std::{collections::BTreeMap, fmt, fmt::Write as _, sync::Arc};

use registry_core::{
    port::{Jobs, Store},
    service::Registry,
};
use registry_memory::MemoryStore;
use registry_postgres::PostgresDriver;
use registry_sql::{Driver, SqlStore};
use registry_sqlite::SqliteDriver;

use crate::{
    answer::Asked,
    check::{Contents, contents, link_faults, log_faults, table_faults},
    generate::{Generator, STEPS, Shape},
    step::Step,
    store::{self, Subject},
};

/// The stores that a thread compares with the reference store.
#[derive(Debug)]
pub struct Bench {
    sqlite: Subject<SqliteDriver>,
    postgres: Subject<PostgresDriver>,
    _folder: tempfile::TempDir,
}

/// How often each operation was answered, by its name and `done` or the refusal's class and code.
pub type Tally = BTreeMap<String, usize>;

fn tally(told: &Told) -> Tally {
    let mut tally = Tally::from([("entities".to_owned(), told.contents.entities.len())]);
    for (step, answer) in told.steps.iter().zip(&told.answers) {
        let shown = format!("{:?}", step.op);
        let name = shown.split(|c: char| !c.is_alphanumeric()).next();
        let head = answer.lines().next().unwrap_or_default();
        let outcome = match head.split_once(": ") {
            Some((refusal, _)) if !refusal.contains(['"', '{']) => refusal,
            _ if head.contains("state: Failed") => "failed",
            _ => "done",
        };
        let entry = format!("{} {outcome}", name.unwrap_or_default());
        *tally.entry(entry).or_default() += 1;
    }
    tally
}

/// What the reference store answered.
#[derive(Debug)]
struct Told {
    steps: Vec<Step>,
    answers: Vec<String>,
    contents: Contents,
}

/// Where answers differ, or what may never be.
#[derive(Debug)]
pub struct Difference {
    store: &'static str,
    /// The step; past the last one: what is stored in the end.
    step: usize,
    expected: String,
    found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, step {}\n--- the reference store\n{}\n--- {}\n{}",
            self.store, self.step, self.expected, self.store, self.found
        )
    }
}

impl Bench {
    /// New stores.
    pub async fn open() -> Self {
        let (sqlite, folder) = store::sqlite().await;
        Self {
            sqlite,
            postgres: store::postgres().await,
            _folder: folder,
        }
    }

    /// Runs a seed.
    ///
    /// # Errors
    ///
    /// What to show of a seed that fails: its steps, made fewer as far as it goes, and where answers differ.
    pub async fn run(&self, seed: u64, shape: Shape) -> Result<Tally, String> {
        let (steps, failed) = match generate(seed, shape).await {
            Ok(told) => match self.compare(&told).await {
                Ok(()) => return Ok(tally(&told)),
                Err(difference) => (told.steps, difference),
            },
            Err((steps, difference)) => (steps, difference),
        };
        let (steps, failed) = self.shrink(steps, failed).await;
        let mut shown = format!("seed {seed}: {} steps remain\n", steps.len());
        for (index, step) in steps.iter().enumerate() {
            writeln!(shown, "{index}: {:?}: {:?}", step.who, step.op).unwrap();
        }
        Err(format!("{shown}{failed}"))
    }

    async fn compare(&self, told: &Told) -> Result<(), Difference> {
        let (sqlite, postgres) = tokio::join!(
            replay("SQLite", &self.sqlite, told),
            replay("PostgreSQL", &self.postgres, told),
        );
        sqlite.and(postgres)
    }

    /// Leaves out steps, in ever smaller runs, as long as the same store goes on to fail.
    async fn shrink(
        &self,
        mut steps: Vec<Step>,
        mut failed: Difference,
    ) -> (Vec<Step>, Difference) {
        steps.truncate(failed.step + 1);
        let mut width = steps.len().div_ceil(2);
        while width > 0 {
            let mut start = 0;
            while start < steps.len() {
                let end = (start + width).min(steps.len());
                let fewer: Vec<Step> = [&steps[..start], &steps[end..]].concat();
                let outcome = match tell(&fewer).await {
                    Ok(told) => self.compare(&told).await,
                    Err(difference) => Err(difference),
                };
                match outcome {
                    Err(difference) if difference.store == failed.store => {
                        steps = fewer;
                        failed = difference;
                    }
                    _ => start = end,
                }
            }
            width /= 2;
        }
        (steps, failed)
    }
}

fn memory() -> (Arc<MemoryStore>, Asked) {
    let store = Arc::new(MemoryStore::new());
    let registry = Registry::new(Arc::clone(&store) as _, Arc::clone(&store) as _);
    (store, Asked::of(registry))
}

fn never(step: usize, why: impl fmt::Display) -> Difference {
    Difference {
        store: "the reference store itself",
        step,
        expected: String::new(),
        found: why.to_string(),
    }
}

/// Makes the steps of a seed, on the reference store.
async fn generate(seed: u64, shape: Shape) -> Result<Told, (Vec<Step>, Difference)> {
    let (store, mut asked) = memory();
    let mut generator = Generator::new(seed, shape);
    let mut steps = Vec::with_capacity(STEPS);
    let mut answers = Vec::with_capacity(STEPS);
    for index in 0..STEPS {
        let looked = generator.look(&asked.registry).await;
        steps.push(generator.step());
        let answer = match looked {
            Ok(()) => asked.answer(&steps[index]).await,
            Err(why) => Err(why),
        };
        match answer {
            Ok(answer) => answers.push(answer),
            Err(why) => return Err((steps, never(index, why))),
        }
    }
    match end(&store, &mut asked).await {
        Ok(contents) => Ok(Told {
            steps,
            answers,
            contents,
        }),
        Err(why) => Err((steps, never(STEPS, why))),
    }
}

/// Asks known steps of the reference store.
async fn tell(steps: &[Step]) -> Result<Told, Difference> {
    let (store, mut asked) = memory();
    let mut answers = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let answer = asked.answer(step).await;
        answers.push(answer.map_err(|why| never(index, why))?);
    }
    let contents = end(&store, &mut asked).await;
    Ok(Told {
        steps: steps.to_vec(),
        answers,
        contents: contents.map_err(|why| never(steps.len(), why))?,
    })
}

/// What the reference store holds in the end, when that is in order.
async fn end(store: &MemoryStore, asked: &mut Asked) -> Result<Contents, String> {
    let mut faults = store.verify().map_err(|error| error.to_string())?;
    let contents = contents(&asked.registry).await?;
    let catalog = asked.registry.catalog().await;
    let catalog = catalog.map_err(|error| error.to_string())?;
    faults.extend(link_faults(&catalog, &contents.entities));
    faults.extend(log_faults(&contents));
    if faults.is_empty() {
        Ok(contents)
    } else {
        Err(faults.join("\n"))
    }
}

/// Asks the same of another store.
async fn replay<D: Driver>(
    name: &'static str,
    subject: &Subject<D>,
    told: &Told,
) -> Result<(), Difference>
where
    SqlStore<D>: Store + Jobs,
{
    let differ = |step: usize, expected: String, found: String| Difference {
        store: name,
        step,
        expected,
        found,
    };
    let last = told.steps.len();
    let broken = |error: String| differ(last, String::new(), error);
    subject
        .wipe()
        .await
        .map_err(|error| broken(format!("{error:?}")))?;
    let mut asked = Asked::of(subject.registry());
    for (index, (step, expected)) in told.steps.iter().zip(&told.answers).enumerate() {
        let found = asked.answer(step).await;
        let found = found.unwrap_or_else(|why| format!("never: {why}"));
        if found != *expected {
            return Err(differ(index, expected.clone(), found));
        }
    }
    let found = contents(&asked.registry).await.map_err(broken)?;
    if found != told.contents {
        let (expected, found) = first_difference(&told.contents, &found);
        return Err(differ(last, expected, found));
    }
    let registry = &asked.registry;
    let built = registry.indexing().run_pending().await;
    built.map_err(|error| broken(error.to_string()))?;
    let catalog = registry.catalog().await;
    let catalog = catalog.map_err(|error| broken(error.to_string()))?;
    let faults = table_faults(subject, &catalog, &found.entities)
        .await
        .map_err(broken)?;
    if faults.is_empty() {
        Ok(())
    } else {
        Err(differ(last, String::new(), faults.join("\n")))
    }
}

/// The first entity or row of the log that differs, or how many there are.
fn first_difference(expected: &Contents, found: &Contents) -> (String, String) {
    let entities = expected.entities.iter().zip(&found.entities);
    if let Some((one, other)) = entities.clone().find(|(one, other)| one != other) {
        return (format!("{one:?}"), format!("{other:?}"));
    }
    let log = expected.log.iter().zip(&found.log);
    if let Some((one, other)) = log.clone().find(|(one, other)| one != other) {
        return (format!("{one:?}"), format!("{other:?}"));
    }
    let counts = |of: &Contents| {
        format!(
            "{} entities, {} rows of the log",
            of.entities.len(),
            of.log.len()
        )
    };
    (counts(expected), counts(found))
}
