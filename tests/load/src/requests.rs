//! One entity at a time, beside the bare server: reading and creating.

use std::cell::Cell;

use crate::{
    Engine, Failed,
    client::{Connection, Side, get, post},
    compare::{Measure, Plan, compare},
    data::{body, scatter},
    process::{Server, Store},
    report::{Bar, Report},
};

/// Rows that the bare server reads among; as many as the registry's smaller store has.
const BARE_ROWS: u64 = crate::FEW;
/// Numbers of airports that creations begin with: above all that are uploaded.
const FRESH: u64 = 2_000_000;

/// Measures both over stores of `FEW` entities.
pub(crate) async fn measure(
    report: &mut Report,
    plan: Plan,
    engine: Engine,
    registry: &Server,
    countries: &[String],
    [reading, creating]: [bool; 2],
) -> Result<(), Failed> {
    let store = Store::new(engine).await?;
    let bare = Server::bare(&store).await?;
    let bare_ids = fill(&bare, countries).await?;
    let ids = first_ids(registry).await?;
    let pick = |ids: &[String], number: u64| {
        let index = usize::try_from(scatter(number)).unwrap_or_default() % ids.len().max(1);
        ids.get(index).cloned().unwrap_or_default()
    };
    let ours = Side {
        server: registry,
        request: &|number, out| get(out, &format!("/entity/airport/{}", pick(&ids, number))),
        status: 200,
    };
    let other = Side {
        server: &bare,
        request: &|number, out| get(out, &format!("/bare/{}", pick(&bare_ids, number))),
        status: 200,
    };
    for connections in both(reading) {
        let bar = if *connections == 32 {
            Bar::Least(0.85)
        } else {
            Bar::None
        };
        compare(
            report,
            plan,
            &format!("get, {connections} at once"),
            *connections,
            [&ours, &other],
            Measure::Rate,
            bar,
        )
        .await?;
    }
    // One count for all, so that no key is taken twice.
    let fresh = Cell::new(FRESH);
    let new = || fresh.replace(fresh.get() + 1);
    let ours = Side {
        server: registry,
        request: &|_, out| post(out, "/entity/airport", &body(new(), countries)),
        status: 201,
    };
    let other = Side {
        server: &bare,
        request: &|_, out| post(out, "/bare", &body(new(), countries)),
        status: 201,
    };
    for connections in both(creating) {
        let bar = match (engine, *connections) {
            (Engine::Sqlite, 32) => Bar::Least(1.2),
            (Engine::Postgres, 32) => Bar::Least(0.8),
            (Engine::Postgres, _) => Bar::Least(0.5),
            (Engine::Sqlite, _) => Bar::None,
        };
        compare(
            report,
            plan,
            &format!("create, {connections} at once"),
            *connections,
            [&ours, &other],
            Measure::Rate,
            bar,
        )
        .await?;
    }
    drop(bare);
    store.remove().await
}

/// Connections with which something is measured, if it is.
fn both(wanted: bool) -> &'static [usize] {
    if wanted { &[32, 1] } else { &[] }
}

/// Creates the bare server's rows; their ids.
async fn fill(bare: &Server, countries: &[String]) -> Result<Vec<String>, Failed> {
    let mut connection = Connection::open(&bare.address).await?;
    let mut ids = Vec::new();
    let mut request = Vec::new();
    for number in 0..BARE_ROWS {
        request.clear();
        post(&mut request, "/bare", &body(number, countries));
        let document = connection.json(&request, 201).await?;
        ids.push(document["id"].as_str().unwrap_or_default().to_owned());
    }
    Ok(ids)
}

/// Ids of the registry's airports.
async fn first_ids(registry: &Server) -> Result<Vec<String>, Failed> {
    let mut ids = Vec::new();
    let walk = crate::pages::Walk::new("/entity/airport", "select=ident");
    walk.each(registry, |items, _| {
        let items = items.iter().filter_map(|item| item["id"].as_str());
        ids.extend(items.map(str::to_owned));
    })
    .await?;
    Ok(ids)
}
