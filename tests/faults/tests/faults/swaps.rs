//! Keys that change hands, and the same entities written in opposite orders: no deadlock reaches anyone.

use std::{fmt::Write as _, sync::Arc};

use registry_contract::{
    Subject,
    fixture::{Build as _, country, country_type, entity, id, integer, text, update},
};
use registry_core::{
    Datum, Entity, EntityType, FieldNumber,
    change::Operation,
    port::{CommitError, Conflict},
};
use registry_fault_tests::{Client, Random, Server, Site, rounds, thing, thing_types};
use registry_postgres::PostgresConfig;
use registry_sqlite::SqliteConfig;
use serde_json::json;

/// Two handles on the store of a site; SQLite takes one.
async fn handles(site: &Site) -> Vec<Subject> {
    if !site.is_postgres() {
        let store = registry_sqlite::open(SqliteConfig::file(site.file())).await;
        return vec![Subject::of(&Arc::new(store.unwrap()))];
    }
    let mut handles = Vec::new();
    for _ in 0..2 {
        let store = registry_postgres::open(PostgresConfig::url(site.store())).await;
        handles.push(Subject::of(&Arc::new(store.unwrap())));
    }
    handles
}

/// Whether a change set was applied; what it read may be outdated, and nothing else may be the matter.
fn applied(outcome: Result<(), CommitError>) -> bool {
    match outcome {
        Ok(()) => true,
        Err(CommitError::Conflict(Conflict::Stale { .. })) => false,
        Err(error) => unreachable!("{error:?}"),
    }
}

async fn swap(subject: Subject, of: EntityType, times: u32) -> u32 {
    let code = FieldNumber(country::CODE);
    let mut swapped = 0;
    for _ in 0..times {
        let one = subject.read(id(1)).await.unwrap();
        let other = subject.read(id(2)).await.unwrap();
        if one.data[&code] == other.data[&code] {
            // Read on both sides of a swap.
            continue;
        }
        let mut operations = vec![
            update(
                &one,
                &one.next().with(country::CODE, other.data[&code].clone()),
            ),
            update(
                &other,
                &other.next().with(country::CODE, one.data[&code].clone()),
            ),
        ];
        if swapped % 2 == 0 {
            operations.reverse();
        }
        swapped += u32::from(applied(subject.write(&[&of], operations).await.map(drop)));
    }
    swapped
}

/// Every swap that was acknowledged took place.
async fn two_keys_are_swapped(site: Site) {
    let handles = handles(&site).await;
    let (subject, of) = (&handles[0], country_type());
    subject.define(&[&of]).await;
    let made = [1, 2].map(|number| {
        let code = text(["", "A", "B"][number as usize]);
        entity(&of, number).with(country::CODE, code)
    });
    subject.create(&[&of], made).await;
    let tasks = (0..8)
        .zip(handles.iter().cycle())
        .map(|(_, handle)| tokio::spawn(swap(handle.clone(), of.clone(), rounds(500))));
    let mut swapped = 0;
    for task in tasks.collect::<Vec<_>>() {
        swapped += task.await.unwrap();
    }
    assert!(swapped > rounds(100), "{swapped} swaps");
    let codes = if swapped % 2 == 0 {
        ["A", "B"]
    } else {
        ["B", "A"]
    };
    for (number, expected) in [1, 2].into_iter().zip(codes) {
        let stored = subject.read(id(number)).await.unwrap();
        assert_eq!(stored.data[&FieldNumber(country::CODE)], text(expected));
        assert_eq!(stored.version.0, i64::from(swapped) + 1);
    }
    site.tables().await.assert_agreement();
}

async fn write_in_order(subject: Subject, of: EntityType, backwards: bool, times: u32) -> u32 {
    let mut random = Random(7 + u64::from(backwards));
    let mut done = 0;
    for _ in 0..times {
        let ids: Vec<_> = (1..=8).map(id).collect();
        let everything = registry_core::Scope::Everything;
        let present = subject.store.entities(&ids, &everything).await.unwrap();
        let value = i64::try_from(random.below(1_000)).unwrap();
        let change = |one: &Entity| {
            let after = one.next().with(country::POPULATION, integer(value));
            update(one, &after)
        };
        let mut operations: Vec<Operation> = present.iter().map(change).collect();
        if backwards {
            operations.reverse();
        }
        done += u32::from(applied(subject.write(&[&of], operations).await.map(drop)));
    }
    done
}

async fn change_sets_in_opposite_orders(site: Site) {
    let handles = handles(&site).await;
    let (subject, of) = (&handles[0], country_type());
    subject.define(&[&of]).await;
    for number in 1..=8 {
        subject.create(&[&of], [entity(&of, number)]).await;
    }
    let tasks = (0..8).zip(handles.iter().cycle()).map(|(writer, handle)| {
        let written = write_in_order(handle.clone(), of.clone(), writer % 4 < 2, rounds(300));
        tokio::spawn(written)
    });
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        done += task.await.unwrap();
    }
    assert!(done > 0);
    let mut values: Vec<Datum> = Vec::new();
    for number in 1..=8 {
        let stored = subject.read(id(number)).await.unwrap();
        assert_eq!(stored.version.0, i64::from(done) + 1);
        values.push(stored.data[&FieldNumber(country::POPULATION)].clone());
    }
    values.dedup();
    assert_eq!(values.len(), 1, "a change set was applied in part");
    site.tables().await.assert_agreement();
}

/// Takes the codes of two things for each other, one request at a time: the key is free, or taken, and never anything else.
async fn take(client: Client, things: [String; 2], number: u64, times: u32) -> u32 {
    let mut random = Random(number + 1);
    let mut taken = 0;
    for _ in 0..times {
        let thing_id = &things[usize::try_from(random.below(2)).unwrap()];
        let body = thing(["A", "B", "C"][usize::try_from(random.below(3)).unwrap()]);
        let path = format!("/entity/thing/{thing_id}");
        let answer = client.json("PATCH", &path, &body).await.unwrap();
        match (answer.status, answer.code()) {
            (200, _) => taken += 1,
            (409, "key_taken") => {}
            (503, "contention") => assert!(answer.is_failure()),
            _ => unreachable!("{answer:?}"),
        }
    }
    taken
}

/// Servers over a site, two where the store takes more than one, with so many things of codes `A`, `B` and so on; their ids.
async fn things(site: &Site, count: u8) -> (Vec<Server>, Vec<Client>, Vec<String>) {
    let mut servers = vec![site.start(0).await];
    if site.is_postgres() {
        servers.push(site.start(1).await);
    }
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    clients[0].define(&thing_types()).await;
    let mut ids = Vec::new();
    for number in 0..count {
        let body = thing(&char::from(b'A' + number).to_string());
        let made = clients[0].must(201, "POST", "/entity/thing", &body).await;
        ids.push(made.body["id"].as_str().unwrap().to_owned());
    }
    (servers, clients, ids)
}

async fn keys_change_hands(site: Site) {
    let (_servers, clients, ids) = things(&site, 2).await;
    let mut takers = Vec::new();
    for (number, client) in (0..8).zip(clients.iter().cycle()) {
        let things = [ids[0].clone(), ids[1].clone()];
        let taking = take(client.clone(), things, number, rounds(1_000));
        takers.push(tokio::spawn(taking));
    }
    let mut taken = 0;
    for taker in takers {
        taken += taker.await.unwrap();
    }
    assert!(taken > 0);
    site.tables().await.assert_agreement();
}

/// Uploads of the same things in opposite orders: all of each, or what others did not change meanwhile.
async fn uploads_in_opposite_orders(site: Site) {
    let (_servers, clients, ids) = things(&site, 50).await;
    let mut uploads = Vec::new();
    for (number, client) in (0..4).zip(clients.iter().cycle()) {
        let (client, mut ids) = (client.clone(), ids.clone());
        if number % 2 == 1 {
            ids.reverse();
        }
        uploads.push(tokio::spawn(async move {
            let mut applied = 0;
            for round in 0..rounds(100) {
                let mut file = String::from("_id,count\n");
                for id in &ids {
                    writeln!(file, "{id},{}", round * 10 + number).unwrap();
                }
                let path = format!("/entity/thing/upload?mode=update&atomic={}", round % 2 == 0);
                let body = Some(("text/csv", file.into_bytes()));
                let answer = client.send("POST", &path, body).await.unwrap();
                let told = format!("{answer:?}");
                match (answer.status, answer.code()) {
                    (200, _) => {
                        let failed = &answer.body["counts"]["failed"];
                        let others = answer.body["error_counts"].get("conflict");
                        assert_eq!(failed, others.unwrap_or(&json!(0)), "{told}");
                        applied += 1;
                    }
                    // Others were always faster: an honest word, and not what a deadlock ends in.
                    (503, "contention") => assert!(answer.is_failure(), "{told}"),
                    _ => unreachable!("{told}"),
                }
            }
            applied
        }));
    }
    let mut applied = 0;
    for upload in uploads {
        applied += upload.await.unwrap();
    }
    assert!(applied > 0);
    site.tables().await.assert_agreement();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_are_swapped_on_sqlite() {
    two_keys_are_swapped(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_are_swapped_on_postgres() {
    two_keys_are_swapped(Site::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_sets_in_opposite_orders_on_sqlite() {
    change_sets_in_opposite_orders(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_sets_in_opposite_orders_on_postgres() {
    change_sets_in_opposite_orders(Site::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_in_opposite_orders_on_sqlite() {
    uploads_in_opposite_orders(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_in_opposite_orders_on_two_servers() {
    uploads_in_opposite_orders(Site::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_hands_on_sqlite() {
    keys_change_hands(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_hands_on_two_servers() {
    keys_change_hands(Site::postgres().await).await;
}
