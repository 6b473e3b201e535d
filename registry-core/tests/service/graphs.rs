use registry_core::{principal::Role, service::Graph};
use serde_json::{Value, json};

use crate::support::{admin, caller, country, create, id, person, refusal, registry};

fn drawn(graph: &Graph) -> Value {
    serde_json::to_value(graph).unwrap()
}

#[tokio::test]
async fn a_graph_grows_breadth_first_in_both_directions() {
    let registry = registry().await;
    country(&registry, 9, "FR").await;
    let airport = json!({"fields": {"icao": "A"}, "links": {"country": id(9)}});
    create(&registry, &admin(), "airport", 2, airport).await;
    let runway = json!({"fields": {"ident": "09L"}, "links": {"airport": id(2)}});
    create(&registry, &admin(), "runway", 1, runway).await;
    let tour = json!({"links": {"stops": [id(1), id(9)]}});
    create(&registry, &admin(), "tour", 3, tour).await;
    let links = registry.links();
    let node = |number: u128, type_name: &str, label: &str| json!({"id": id(number), "type": type_name, "label": label});
    let edge =
        |from: u128, to: u128, link: &str| json!({"from": id(from), "to": id(to), "link": link});
    let tour_label = id(3).to_string();
    let near = links.graph(&admin(), "airport", id(2), 1, 1_000).await;
    assert_eq!(
        drawn(&near.unwrap()),
        json!({
            "nodes": [node(2, "airport", "A"), node(1, "runway", "09L"), node(9, "country", "Country FR")],
            "edges": [edge(2, 9, "country"), edge(1, 2, "airport")],
            "truncated": false})
    );
    let far = links.graph(&admin(), "airport", id(2), 2, 4).await;
    assert_eq!(
        drawn(&far.unwrap()),
        json!({
            "nodes": [
                node(2, "airport", "A"), node(1, "runway", "09L"), node(9, "country", "Country FR"),
                node(3, "tour", &tour_label)],
            "edges": [
                edge(2, 9, "country"), edge(1, 2, "airport"), edge(3, 1, "stops"), edge(3, 9, "stops")],
            "truncated": false})
    );
    let cut = links.graph(&admin(), "airport", id(2), 5, 2).await;
    assert_eq!(
        drawn(&cut.unwrap()),
        json!({
            "nodes": [node(2, "airport", "A"), node(1, "runway", "09L")],
            "edges": [edge(1, 2, "airport")],
            "truncated": true})
    );
    let alone = links.graph(&admin(), "airport", id(2), 1, 1).await;
    assert!(alone.unwrap().truncated);
}

#[tokio::test]
async fn only_readable_entities_are_nodes_and_a_symmetric_link_is_one_edge() {
    let registry = registry().await;
    let ann = caller("ann", Role::Writer);
    person(&registry, 3).await;
    for (number, friends) in [(1, json!([])), (2, json!([id(1)]))] {
        let body = json!({"fields": {"name": "P"}, "links": {"friends": friends}});
        create(&registry, &ann, "person", number, body).await;
    }
    registry
        .links()
        .put(&admin(), "person", id(1), "friends", id(3))
        .await
        .unwrap();
    let graph = registry.links().graph(&ann, "person", id(1), 3, 10).await;
    assert_eq!(
        drawn(&graph.unwrap()),
        json!({
            "nodes": [
                {"id": id(1), "type": "person", "label": "P"}, {"id": id(2), "type": "person", "label": "P"}],
            "edges": [{"from": id(1), "to": id(2), "link": "friends"}],
            "truncated": false})
    );
}

#[tokio::test]
async fn depth_and_limit_have_bounds() {
    let registry = registry().await;
    person(&registry, 1).await;
    for (depth, limit, expected) in [
        (0, 1, "depth"),
        (6, 1, "depth"),
        (1, 0, "limit"),
        (1, 1_001, "limit"),
    ] {
        let graph = registry
            .links()
            .graph(&admin(), "person", id(1), depth, limit)
            .await;
        let code = format!("invalid_{expected}");
        assert_eq!(
            refusal(graph),
            json!(["Malformed", code, [[format!("?{expected}"), code]]])
        );
    }
}
