//! One of sixty-four writes at once that is refused, or meets an error of the engine; and a full disk.

use std::sync::Arc;

use futures::future::join_all;
use registry_contract::{
    Subject,
    fixture::{Build as _, country, country_type, entity, text},
};
use registry_core::{
    change::Operation,
    port::{CommitError, StoreErrorKind},
};
use registry_fault_tests::{Answer, Client, Site, rounds, thing, thing_types};
use registry_sql::{Driver, Plan, Statement};
use registry_sqlite::{SqliteConfig, SqliteStore};
use serde_json::{Value, json};
use uuid::Uuid;

const WRITERS: usize = 64;

async fn create_all(client: &Client, bodies: Vec<Value>) -> Vec<Answer> {
    let tasks = bodies.into_iter().map(|body| {
        let client = client.clone();
        tokio::spawn(async move { client.json("POST", "/entity/thing", &body).await.unwrap() })
    });
    let answers = join_all(tasks).await;
    answers.into_iter().map(Result::unwrap).collect()
}

/// All but one succeed, and that one is told what was wrong with it.
fn assert_one_loser(answers: &[Answer], at: usize, status: u16, code: &str) {
    for (index, answer) in answers.iter().enumerate() {
        let expected = if index == at {
            (status, code)
        } else {
            (201, "")
        };
        assert_eq!(
            (answer.status, answer.code()),
            expected,
            "{index}: {answer:?}"
        );
    }
}

async fn one_is_refused(site: Site) {
    let server = site.start(0).await;
    let client = server.client();
    client.define(&thing_types()).await;
    let total = rounds(100);
    for round in 0..total {
        let bad = (round as usize * 23) % WRITERS;
        let mut bodies: Vec<Value> = (0..WRITERS)
            .map(|number| thing(&format!("{round} {number}")))
            .collect();
        bodies[bad]["links"] = json!({"home": Uuid::new_v4()});
        let answers = create_all(&client, bodies).await;
        assert_one_loser(&answers, bad, 404, "link_target_not_found");
    }
    let tables = site.tables().await;
    tables.assert_agreement();
    assert_eq!(tables.entities.len(), total as usize * (WRITERS - 1));
}

async fn one_meets_an_error_of_the_engine(site: Site) {
    let server = site.start(0).await;
    let client = server.client();
    client.define(&thing_types()).await;
    let trigger = if site.is_postgres() {
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF NEW.data->>'1' LIKE 'broken%' THEN RAISE EXCEPTION 'injected'; END IF; \
           IF NEW.data->>'1' = 'full' THEN RAISE EXCEPTION 'injected' USING ERRCODE = '53100'; END IF; \
           RETURN NEW; END $$; \
         CREATE TRIGGER fail BEFORE INSERT ON entity FOR EACH ROW EXECUTE FUNCTION fail();"
    } else {
        "CREATE TRIGGER fail BEFORE INSERT ON entity WHEN NEW.data LIKE '%\"broken%' \
         BEGIN SELECT RAISE(ABORT, 'injected'); END;"
    };
    site.execute(trigger).await;
    let total = rounds(100);
    for round in 0..total {
        let bad = (round as usize * 23) % WRITERS;
        let mut bodies: Vec<Value> = (0..WRITERS)
            .map(|number| thing(&format!("{round} {number}")))
            .collect();
        bodies[bad] = thing(&format!("broken {round}"));
        let answers = create_all(&client, bodies).await;
        assert_one_loser(&answers, bad, 500, "internal");
        assert!(!answers[bad].body.to_string().contains("injected"));
    }
    if site.is_postgres() {
        let full = client
            .must(507, "POST", "/entity/thing", &thing("full"))
            .await;
        assert_eq!(full.code(), "storage_full");
    }
    let tables = site.tables().await;
    tables.assert_agreement();
    assert_eq!(tables.entities.len(), total as usize * (WRITERS - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_refused_on_sqlite() {
    one_is_refused(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_refused_on_postgres() {
    one_is_refused(Site::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_meets_an_error_of_sqlite() {
    one_meets_an_error_of_the_engine(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_meets_an_error_of_postgres() {
    one_meets_an_error_of_the_engine(Site::postgres().await).await;
}

/// Bounds the file to its present size and so many pages more.
async fn bound(store: &SqliteStore, more: u64) {
    let driver = store.driver();
    let mut transaction = driver.begin().await.unwrap();
    let statement = |text: String, columns| Statement {
        text,
        arguments: Vec::new(),
        columns,
        plan: Plan::Fresh,
    };
    let count = statement(
        "PRAGMA page_count".to_owned(),
        &[registry_sql::ColumnType::Int],
    );
    let rows = driver.fetch_in(&mut transaction, count).await.unwrap();
    let pages = rows.into_iter().next().unwrap().unsigned().unwrap() + more;
    let bound = statement(format!("PRAGMA max_page_count = {pages}"), &[]);
    driver.fetch_in(&mut transaction, bound).await.unwrap();
    driver.commit(transaction).await.unwrap();
}

/// While there is no room, writes are refused whole and reads go on; once there is, everything works without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_takes_nothing_by_half() {
    let site = Site::sqlite();
    let store = registry_sqlite::open(SqliteConfig::file(site.file())).await;
    let store = Arc::new(store.unwrap());
    let subject = Subject::of(&store);
    let of = country_type();
    subject.define(&[&of]).await;
    let total = rounds(50);
    let mut taken = 0;
    for round in 0..total {
        bound(&store, 6).await;
        let first = 1 + round * 1_000;
        let made = (first..first + 64).map(|number| {
            let code = format!("{number}{}", "x".repeat(600));
            entity(&of, number).with(country::CODE, text(&code))
        });
        let tasks = made.map(|one| {
            let (subject, of) = (subject.clone(), of.clone());
            tokio::spawn(async move {
                let id = one.id;
                (
                    id,
                    subject.write(&[&of], vec![Operation::Create(one)]).await,
                )
            })
        });
        let mut refused = 0;
        for outcome in join_all(tasks).await {
            let (id, outcome) = outcome.unwrap();
            let stored = subject.read(id).await.is_some();
            match outcome {
                Ok(_) => {
                    assert!(stored);
                    taken += 1;
                }
                Err(CommitError::Store(error)) if error.kind == StoreErrorKind::Full => {
                    assert!(!stored);
                    refused += 1;
                }
                Err(error) => unreachable!("{error:?}"),
            }
        }
        assert!(refused > 0, "the disk was never full");
        bound(&store, 100_000).await;
        let after = entity(&of, first + 500);
        subject.create(&[&of], [after]).await;
        taken += 1;
    }
    let tables = site.tables().await;
    tables.assert_agreement();
    assert_eq!(tables.entities.len(), taken);
}
