//! A type changed again and again while sixteen writers write its entities through two servers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use registry_fault_tests::{Answer, Client, EntityRow, Random, Site, Tables, rounds};
use serde_json::{Value, json};
use uuid::Uuid;

const LOW: i64 = 50;
const HIGH: i64 = 100;
/// Entities of each writer.
const EACH: usize = 4;

/// What a writer was told is stored: an even number under `even`, the next odd one under `odd`, and a level.
type Known = BTreeMap<Uuid, (i64, i64)>;

fn item() -> Value {
    json!({"name": "item", "fields": {
        "even": {"type": "integer", "indexed": true},
        "odd": {"type": "integer"},
        "level": {"type": "integer", "max": HIGH},
    }})
}

async fn write(client: Client, number: u64, stop: Arc<AtomicBool>) -> Known {
    let mut random = Random(1 + number);
    let mut known = Known::new();
    while !stop.load(Ordering::Relaxed) {
        let even = 2 * i64::try_from(random.below(1_000)).unwrap();
        // Seldom too high for the narrow type, so that narrowing succeeds now and then.
        let level = i64::try_from(if random.below(60) == 0 {
            80
        } else {
            random.below(50)
        })
        .unwrap();
        let mut fields = json!({"even": even, "odd": even + 1, "level": level});
        if random.below(2) == 0 {
            fields["extra"] = json!("x");
        }
        let body = json!({"fields": fields});
        let (id, answer) = if known.len() < EACH {
            let id = Uuid::new_v4();
            (
                id,
                client
                    .json("POST", &format!("/entity/item/{id}"), &body)
                    .await,
            )
        } else {
            let index = usize::try_from(random.below(EACH as u64)).unwrap();
            let id = *known.keys().nth(index).unwrap();
            (
                id,
                client
                    .json("PATCH", &format!("/entity/item/{id}"), &body)
                    .await,
            )
        };
        let answer = answer.unwrap();
        match (answer.status, answer.code()) {
            (200 | 201, _) => {
                known.insert(id, (even, level));
            }
            (
                422,
                "out_of_range" | "too_large" | "max" | "required" | "unknown_field"
                | "invalid_entity",
            ) => {}
            (503, "type_changing" | "contention") => assert!(answer.is_failure()),
            _ => unreachable!("{body}: {answer:?}"),
        }
    }
    known
}

/// The numbers of `even` and `odd` in each version of the type.
type Names = Arc<Mutex<BTreeMap<i64, (String, String)>>>;

fn learn(names: &Names, answer: &Answer) {
    let number = |name: &str| answer.body["fields"][name]["number"].to_string();
    let version = answer.body["version"].as_i64().unwrap();
    let mut names = names.lock().unwrap();
    names.insert(version, (number("even"), number("odd")));
}

fn integer(value: &Value) -> i64 {
    let bits = u64::from_str_radix(value.as_str().unwrap(), 16).unwrap();
    (bits ^ (1 << 63)).cast_signed()
}

/// Even and level of a row, read under the version of the type that it carries.
fn content(row: &EntityRow, names: &Names, level: u32) -> (i64, i64) {
    let names = names.lock().unwrap();
    let (even, odd) = &names[&row.type_version];
    let (even, odd) = (integer(&row.data[even]), integer(&row.data[odd]));
    assert_eq!(odd, even + 1, "written under another type: {row:?}");
    assert_eq!(even % 2, 0, "written under another type: {row:?}");
    (even, integer(&row.data[level.to_string()]))
}

/// In one moment every entity satisfies the type as it is then, whatever version it was written under.
fn assert_satisfied(tables: &Tables, names: &Names) {
    let of = tables.type_named("item");
    let document = serde_json::to_value(of).unwrap();
    let fields = document["fields"].as_array().unwrap();
    let live = |name: &str| {
        let mut fields = fields.iter();
        fields.find(|field| field["name"] == name && field["removed"] == false)
    };
    let level = live("level").unwrap();
    let most = level["kind"]["max"].as_i64().unwrap();
    let required = live("extra").filter(|extra| extra["required"] == true);
    for (id, row) in &tables.entities {
        assert!(row.type_version <= of.version.0);
        let (_, value) = content(row, names, tables.number("item", "level"));
        assert!(
            value <= most,
            "{id} has {value}, the type says {most}: {row:?}"
        );
        if let Some(extra) = required {
            let value = &row.data[extra["number"].to_string()];
            assert!(value.is_string(), "{id} has no extra: {row:?}");
        }
    }
}

/// Changes that the type goes through, over and over.
fn change(step: u32) -> Value {
    let fields = match step % 7 {
        0 | 4 => json!({"level": {"max": LOW}}),
        1 | 5 => json!({"even": {"name": "odd"}, "odd": {"name": "even"}}),
        2 => json!({"extra": {"type": "text", "default": "y"}}),
        3 => json!({"extra": {"required": true}, "level": {"max": HIGH}}),
        _ => json!({"extra": null, "level": {"max": HIGH}}),
    };
    json!({"fields": fields})
}

#[tokio::test(flavor = "multi_thread")]
async fn no_entity_is_written_under_a_stale_type() {
    let site = Site::postgres().await;
    let servers = [site.start(0).await, site.start(1).await];
    let clients = [servers[0].client(), servers[1].client()];
    let names = Names::default();
    learn(
        &names,
        &clients[0].must(201, "POST", "/entityType", &item()).await,
    );
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..16)
        .zip(clients.iter().cycle())
        .map(|(number, client)| tokio::spawn(write(client.clone(), number, Arc::clone(&stop))))
        .collect();
    let (mut narrowed, mut refused) = (0, 0);
    let steps = 7 * rounds(100);
    for (step, client) in (0..steps).zip(clients.iter().cycle()) {
        let body = change(step);
        let mut tries = 0;
        loop {
            let answer = client
                .json("PATCH", "/entityType/item", &body)
                .await
                .unwrap();
            match (answer.status, answer.code()) {
                (200, _) => {
                    learn(&names, &answer);
                    narrowed += u32::from(step % 7 == 0 || step % 7 == 4);
                    break;
                }
                // Some entity is in the way.
                (409, "type_change_conflict") => {
                    refused += 1;
                    tries += 1;
                    if tries == 5 {
                        break;
                    }
                }
                // The field was not made required, or not added, before.
                (422, _) => break,
                _ => assert!(
                    answer.is_failure() && answer.status == 503,
                    "{body}: {answer:?}"
                ),
            }
        }
        // A version that another answer names first is known by the time its rows are read.
        let tables = site.tables().await;
        tables.assert_agreement();
        assert_satisfied(&tables, &names);
    }
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Known::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    assert!(
        narrowed > 0 && refused > 0,
        "{narrowed} narrowed, {refused} refused: it proves nothing"
    );
    let tables = site.tables().await;
    tables.assert_agreement();
    assert_satisfied(&tables, &names);
    let level = tables.number("item", "level");
    let rows = tables.entities.iter();
    let stored: Known = rows
        .map(|(id, row)| (*id, content(row, &names, level)))
        .collect();
    assert_eq!(
        stored, acknowledged,
        "left is what is stored, right what was acknowledged"
    );
}
