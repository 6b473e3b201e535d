//! One unique value, sixty-four who want it.

use futures::future::join_all;
use registry_fault_tests::{Answer, Client, Server, Site, code, rounds, thing, thing_types};
use serde_json::{Value, json};

const WRITERS: usize = 64;

/// Servers over a site: two where the store takes more than one.
async fn servers(site: &Site) -> (Vec<Server>, Vec<Client>) {
    let mut servers = vec![site.start(0).await];
    servers[0].client().define(&thing_types()).await;
    if site.is_postgres() {
        servers.push(site.start(1).await);
    }
    let clients = servers.iter().map(Server::client).collect();
    (servers, clients)
}

/// Sends all at once, by turns over the clients.
async fn at_once(clients: &[Client], requests: Vec<(&str, String, Value)>) -> Vec<Answer> {
    let requests = requests.into_iter().zip(clients.iter().cycle());
    let tasks = requests.map(|((method, path, body), client)| {
        let (method, client) = (method.to_owned(), client.clone());
        tokio::spawn(async move { client.json(&method, &path, &body).await.unwrap() })
    });
    let answers = join_all(tasks).await;
    answers.into_iter().map(Result::unwrap).collect()
}

/// One of these answers is a success, all others name the field.
fn assert_one_winner(answers: &[Answer], success: &[u16]) {
    let mut winners = 0;
    for answer in answers {
        if success.contains(&answer.status) {
            winners += 1;
            continue;
        }
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(answer.code(), "key_taken");
        assert_eq!(answer.body["errors"][0]["pointer"], "/fields/code");
        assert_eq!(answer.body["errors"][0]["code"], "key_taken");
    }
    assert_eq!(winners, 1, "{:?}", code(answers));
}

async fn of_many_creations_one_succeeds(site: Site) {
    let (_servers, clients) = servers(&site).await;
    for round in 0..rounds(200) {
        let body = thing(&format!("wanted {round}"));
        let request = ("POST", "/entity/thing".to_owned(), body);
        let answers = at_once(&clients, vec![request; WRITERS]).await;
        assert_one_winner(&answers, &[201]);
    }
    let tables = site.tables().await;
    tables.assert_agreement();
    assert_eq!(tables.entities.len(), rounds(200) as usize);
}

async fn of_creations_and_updates_one_succeeds(site: Site) {
    let (_servers, clients) = servers(&site).await;
    let create = |code: String| ("POST", "/entity/thing".to_owned(), thing(&code));
    let mut others = Vec::new();
    for number in 0..WRITERS / 2 {
        others.push(create(format!("other {number}")));
    }
    let others = at_once(&clients, others).await;
    let others: Vec<&str> = others
        .iter()
        .map(|one| one.body["id"].as_str().unwrap())
        .collect();
    for round in 0..rounds(100) {
        let wanted = format!("wanted {round}");
        let mut requests = Vec::new();
        for id in &others {
            requests.push(("PATCH", format!("/entity/thing/{id}"), thing(&wanted)));
            requests.push(create(wanted.clone()));
        }
        let answers = at_once(&clients, requests).await;
        assert_one_winner(&answers, &[200, 201]);
        let found = clients[0]
            .get(&format!("/entity/thing/by/code/wanted%20{round}"))
            .await;
        assert_eq!(found["fields"]["code"], wanted);
    }
    site.tables().await.assert_agreement();
}

/// Within one upload, and between uploads and creations.
async fn of_many_rows_one_succeeds(site: Site) {
    let (_servers, clients) = servers(&site).await;
    for round in 0..rounds(50) {
        let alone = format!("alone {round}");
        let file = format!("code\n{}", format!("{alone}\n").repeat(WRITERS));
        let path = "/entity/thing/upload?atomic=false";
        let body = Some(("text/csv", file.into_bytes()));
        let report = clients[0].send("POST", path, body).await.unwrap();
        assert_eq!(report.status, 200, "{report:?}");
        assert_eq!(report.body["counts"]["created"], 1);
        assert_eq!(report.body["counts"]["failed"], WRITERS - 1);
        assert_eq!(
            report.body["error_counts"],
            json!({"key_taken": WRITERS - 1})
        );

        let wanted = format!("wanted {round}");
        let mut tasks = Vec::new();
        for (number, client) in (0..16).zip(clients.iter().cycle()) {
            let (client, wanted) = (client.clone(), wanted.clone());
            tasks.push(tokio::spawn(async move {
                if number % 2 == 0 {
                    let made = client.json("POST", "/entity/thing", &thing(&wanted)).await;
                    return u64::from(made.unwrap().status == 201);
                }
                let file = format!("code\n{wanted}\n{wanted} beside {number}\n");
                let path = format!("/entity/thing/upload?atomic={}", number % 4 == 1);
                let body = Some(("text/csv", file.into_bytes()));
                let report = client.send("POST", &path, body).await.unwrap();
                assert!([200, 422].contains(&report.status), "{report:?}");
                let failed = report.body["counts"]["failed"].as_u64().unwrap();
                assert!(failed <= 1, "{report:?}");
                1 - failed
            }));
        }
        let mut winners = 0;
        for task in tasks {
            winners += task.await.unwrap();
        }
        assert_eq!(winners, 1);
    }
    site.tables().await.assert_agreement();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_creations_one_succeeds_on_sqlite() {
    of_many_creations_one_succeeds(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_creations_one_succeeds_on_two_servers() {
    of_many_creations_one_succeeds(Site::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_creations_and_updates_one_succeeds_on_sqlite() {
    of_creations_and_updates_one_succeeds(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_creations_and_updates_one_succeeds_on_two_servers() {
    of_creations_and_updates_one_succeeds(Site::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rows_one_succeeds_on_sqlite() {
    of_many_rows_one_succeeds(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rows_one_succeeds_on_two_servers() {
    of_many_rows_one_succeeds(Site::postgres().await).await;
}
