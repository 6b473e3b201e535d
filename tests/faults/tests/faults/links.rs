//! One link of cardinality one, sixty-four who set it.

use futures::future::join_all;
use registry_fault_tests::{Answer, Client, Server, Site, code, rounds, thing, thing_types};
use serde_json::{Value, json};

const WRITERS: usize = 64;

fn id(answer: &Answer) -> String {
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn delete(client: &Client, thing: &str) {
    let path = format!("/entity/thing/{thing}");
    let answer = client.send("DELETE", &path, None).await.unwrap();
    assert_eq!(answer.status, 204, "{answer:?}");
}

/// PUTs all at once, by turns over the clients.
async fn put_all(clients: &[Client], paths: Vec<String>) -> Vec<Answer> {
    let tasks = paths.into_iter().zip(clients.iter().cycle());
    let tasks = tasks.map(|(path, client)| {
        let client = client.clone();
        tokio::spawn(async move { client.send("PUT", &path, None).await.unwrap() })
    });
    let answers = join_all(tasks).await;
    answers.into_iter().map(Result::unwrap).collect()
}

/// The place that a thing shows, which alone must show the thing.
async fn home_at_both_ends(client: &Client, thing: &str, places: &[String]) -> String {
    let shown = client.get(&format!("/entity/thing/{thing}")).await;
    let home = shown["links"]["home"].as_str().unwrap().to_owned();
    for place in places {
        let path = format!("/entity/place/{place}/links/things?count=exact");
        let things = client.get(&path).await;
        let expected = if *place == home {
            json!([thing])
        } else {
            json!([])
        };
        let ids = things["items"].as_array().unwrap().iter();
        let ids: Value = ids.map(|one| one["id"].clone()).collect();
        assert_eq!(ids, expected, "{place}, and {home} is shown");
    }
    home
}

async fn one_target_at_the_end(site: Site) {
    let mut servers = vec![site.start(0).await];
    if site.is_postgres() {
        servers.push(site.start(1).await);
    }
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let client = &clients[0];
    client.define(&thing_types()).await;
    let mut places = Vec::new();
    for number in 0..WRITERS {
        let body = json!({"fields": {"name": format!("place {number}")}});
        places.push(id(&client.must(201, "POST", "/entity/place", &body).await));
    }
    for round in 0..rounds(50) {
        let holder = thing(&format!("held {round}"));
        let holder = id(&client.must(201, "POST", "/entity/thing", &holder).await);
        let from_holder = |place: &String| format!("/entity/thing/{holder}/links/home/{place}");
        let answers = put_all(&clients, places.iter().map(from_holder).collect()).await;
        assert_eq!(code(&answers), vec![(204, String::new()); WRITERS]);
        home_at_both_ends(client, &holder, &places).await;
        delete(client, &holder).await;

        let other = thing(&format!("taken {round}"));
        let other = id(&client.must(201, "POST", "/entity/thing", &other).await);
        let from_place = |place: &String| format!("/entity/place/{place}/links/things/{other}");
        let answers = put_all(&clients, places.iter().map(from_place).collect()).await;
        let mut expected = vec![(409, "link_cardinality".to_owned()); WRITERS - 1];
        expected.insert(0, (204, String::new()));
        assert_eq!(code(&answers), expected);
        let winner = answers.iter().position(|one| one.status == 204).unwrap();
        let home = home_at_both_ends(client, &other, &places).await;
        assert_eq!(home, places[winner]);
        delete(client, &other).await;
    }
    site.tables().await.assert_agreement();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_target_at_the_end_on_sqlite() {
    one_target_at_the_end(Site::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_target_at_the_end_on_two_servers() {
    one_target_at_the_end(Site::postgres().await).await;
}
