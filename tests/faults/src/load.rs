//! A writer that knows what it was told is stored, and what may be.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Client, Random, Tables};

/// Most things of one writer: more are deleted again.
const MOST: usize = 16;
/// Rows of one upload.
const ROWS: u64 = 5;

/// A thing as its writer knows it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Thing {
    code: String,
    count: Option<i64>,
    tags: Vec<String>,
    home: Option<Uuid>,
    peers: BTreeSet<Uuid>,
}

type Things = BTreeMap<Uuid, Thing>;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was acknowledged.
    Done,
    /// It was refused with 503: nothing was written.
    Refused,
    /// Nobody knows: no answer came, or the one that says so.
    Unknown,
}

/// A writer of things of its own, one request after the other.
#[derive(Debug)]
pub struct Writer {
    number: usize,
    random: Random,
    places: Vec<Uuid>,
    codes: u64,
    known: Things,
    /// What is stored if the last request was carried out, while that is not known.
    pending: Option<Things>,
    /// The latest requests and what was answered, for whoever must understand a failure.
    told: VecDeque<String>,
    /// How many requests were acknowledged.
    pub acknowledged: u64,
    /// How many were refused with 503.
    pub refused: u64,
    /// How many had no known outcome.
    pub unknown: u64,
}

/// A request and what is stored when it was carried out.
struct Step {
    method: &'static str,
    path: String,
    body: Option<(&'static str, Vec<u8>)>,
    after: Things,
}

impl Writer {
    /// One over these places.
    pub fn new(number: usize, places: &[Uuid]) -> Self {
        Self {
            number,
            random: Random(0x9E37_79B9_7F4A_7C15 ^ (number as u64 + 1)),
            places: places.to_vec(),
            codes: 0,
            known: Things::new(),
            pending: None,
            told: VecDeque::new(),
            acknowledged: 0,
            refused: 0,
            unknown: 0,
        }
    }

    /// Makes places and writers over them.
    pub async fn several(client: &Client, count: usize) -> Vec<Self> {
        let mut places = Vec::new();
        for number in 0..4 {
            let body = json!({"fields": {"name": format!("place {number}")}});
            let made = client.must(201, "POST", "/entity/place", &body).await;
            places.push(made.body["id"].as_str().unwrap().parse().unwrap());
        }
        (0..count)
            .map(|number| Self::new(number, &places))
            .collect()
    }

    fn new_code(&mut self) -> String {
        self.codes += 1;
        format!("w{}-{}", self.number, self.codes)
    }

    fn one_place(&mut self) -> Uuid {
        let index = self.random.below(self.places.len() as u64);
        self.places[usize::try_from(index).unwrap()]
    }

    fn one_thing(&mut self) -> Uuid {
        let index = usize::try_from(self.random.below(self.known.len() as u64)).unwrap();
        *self.known.keys().nth(index).unwrap()
    }

    fn content(&mut self) -> (Option<i64>, Vec<String>) {
        let count = i64::try_from(self.random.below(1_000)).unwrap() - 500;
        let tags = self.random.below(4);
        let tags = (0..tags).map(|tag| format!("tag {tag} of {count}"));
        ((count != 0).then_some(count), tags.collect())
    }

    fn create(&mut self) -> Step {
        let (id, home) = (Uuid::new_v4(), self.one_place());
        let (count, tags) = self.content();
        let thing = Thing {
            code: self.new_code(),
            count,
            tags,
            home: Some(home),
            peers: BTreeSet::new(),
        };
        let body = json!({
            "fields": {"code": thing.code, "count": thing.count, "tags": some(&thing.tags)},
            "links": {"home": home},
        });
        let mut after = self.known.clone();
        after.insert(id, thing);
        step("POST", format!("/entity/thing/{id}"), Some(&body), after)
    }

    fn upload(&mut self) -> Step {
        let mut after = self.known.clone();
        let mut lines = String::new();
        for _ in 0..ROWS {
            let (id, code) = (Uuid::new_v4(), self.new_code());
            let line = json!({"_id": id, "fields": {"code": code, "count": 7}});
            writeln!(lines, "{line}").unwrap();
            let thing = Thing {
                code,
                count: Some(7),
                ..Thing::default()
            };
            after.insert(id, thing);
        }
        Step {
            method: "POST",
            path: "/entity/thing/upload?mode=create".to_owned(),
            body: Some(("application/x-ndjson", lines.into_bytes())),
            after,
        }
    }

    fn patch(&mut self) -> Step {
        let id = self.one_thing();
        let (count, tags) = self.content();
        let mut after = self.known.clone();
        let thing = after.get_mut(&id).unwrap();
        let mut fields = json!({"count": count, "tags": some(&tags)});
        (thing.count, thing.tags) = (count, tags);
        if self.random.below(2) == 0 {
            let code = self.new_code();
            fields["code"] = json!(code);
            thing.code = code;
        }
        let body = json!({"fields": fields});
        step("PATCH", format!("/entity/thing/{id}"), Some(&body), after)
    }

    fn relink(&mut self) -> Step {
        let (id, home) = (self.one_thing(), self.one_place());
        let mut after = self.known.clone();
        let thing = after.get_mut(&id).unwrap();
        if thing.home == Some(home) {
            thing.home = None;
            let path = format!("/entity/thing/{id}/links/home/{home}");
            return step("DELETE", path, None, after);
        }
        thing.home = Some(home);
        let path = format!("/entity/thing/{id}/links/home/{home}");
        step("PUT", path, None, after)
    }

    fn pair(&mut self) -> Step {
        let (one, other) = (self.one_thing(), self.one_thing());
        let mut after = self.known.clone();
        let linked = self.known[&one].peers.contains(&other);
        for (from, to) in [(one, other), (other, one)] {
            let peers = &mut after.get_mut(&from).unwrap().peers;
            if linked {
                peers.remove(&to);
            } else {
                peers.insert(to);
            }
        }
        let method = if linked { "DELETE" } else { "PUT" };
        let path = format!("/entity/thing/{one}/links/peers/{other}");
        step(method, path, None, after)
    }

    fn delete(&mut self) -> Step {
        let id = self.one_thing();
        let mut after = self.known.clone();
        after.remove(&id);
        for thing in after.values_mut() {
            thing.peers.remove(&id);
        }
        step("DELETE", format!("/entity/thing/{id}"), None, after)
    }

    fn next(&mut self) -> Step {
        if self.known.len() < 2 {
            return self.create();
        }
        if self.known.len() > MOST {
            return self.delete();
        }
        match self.random.below(12) {
            0..3 => self.create(),
            3..6 => self.patch(),
            6..8 => self.relink(),
            8..10 => self.pair(),
            10 => self.delete(),
            _ => self.upload(),
        }
    }

    /// One request.
    pub async fn step(&mut self, client: &Client) -> Outcome {
        assert!(
            self.pending.is_none(),
            "what the last request came to is not settled"
        );
        let step = self.next();
        let told = format!("{} {}", step.method, step.path);
        let answer = client.send(step.method, &step.path, step.body).await;
        let came = match &answer {
            Ok(answer) => format!("{} {}", answer.status, answer.code()),
            Err(error) => format!("{error:?}"),
        };
        self.told.push_back(format!("{told}: {came}"));
        if self.told.len() > 20 {
            self.told.pop_front();
        }
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                self.known = step.after;
                self.acknowledged += 1;
                Outcome::Done
            }
            Ok(answer) => {
                assert!(answer.is_failure(), "{told}: {answer:?}");
                if answer.status == 503 {
                    self.refused += 1;
                    return Outcome::Refused;
                }
                self.unknown += 1;
                self.pending = Some(step.after);
                Outcome::Unknown
            }
            Err(_) => {
                self.unknown += 1;
                self.pending = Some(step.after);
                Outcome::Unknown
            }
        }
    }

    /// Requests until one has no known outcome, or until told to stop.
    pub async fn run(mut self, client: Client, stop: Arc<AtomicBool>) -> Self {
        while !stop.load(Ordering::Relaxed) {
            match self.step(&client).await {
                Outcome::Done => {}
                Outcome::Refused => tokio::time::sleep(Duration::from_millis(20)).await,
                Outcome::Unknown => break,
            }
        }
        self
    }

    /// Compares what is stored with what was acknowledged: nothing else may be there but the one request whose outcome is not known, whole.
    pub fn settle(&mut self, tables: &Tables) {
        let stored = stored(tables, &format!("w{}-", self.number));
        if let Some(pending) = self.pending.take()
            && stored == pending
        {
            self.known = pending;
        }
        assert_eq!(
            stored, self.known,
            "writer {}: left is what is stored, right what was acknowledged, by {:#?}",
            self.number, self.told
        );
    }

    /// The same, where a request without an answer must not have been carried out.
    pub fn settle_as_unanswered(&mut self, tables: &Tables) {
        self.pending = None;
        self.settle(tables);
    }

    /// Whether the outcome of its last request is open.
    pub fn is_open(&self) -> bool {
        self.pending.is_some()
    }

    /// Compares what the server shows of one of its things, from both ends of its links.
    pub async fn look(&mut self, client: &Client) {
        if self.known.is_empty() {
            return;
        }
        let id = self.one_thing();
        let thing = &self.known[&id];
        let shown = client.get(&format!("/entity/thing/{id}")).await;
        let mut fields = json!({"code": thing.code});
        if let Some(count) = thing.count {
            fields["count"] = json!(count);
        }
        if !thing.tags.is_empty() {
            fields["tags"] = json!(thing.tags);
        }
        assert_eq!(shown["fields"], fields);
        let home = thing.home.map_or(Value::Null, |home| json!(home));
        assert_eq!(shown["links"]["home"], home);
        let path = format!("/entity/thing/by/code/{}", thing.code);
        assert_eq!(client.get(&path).await, shown);
        for peer in &thing.peers {
            let other = client.get(&format!("/entity/thing/{peer}")).await;
            let peers = other["links"]["peers"].as_array().unwrap();
            assert!(peers.contains(&json!(id)), "{peer} does not show {id}");
        }
        if let Some(home) = thing.home {
            let path =
                format!("/entity/place/{home}/links/things?limit=1&filter=_id%20%3D%20%22{id}%22");
            let things = client.get(&path).await;
            assert_eq!(things["items"][0]["id"], json!(id));
        }
    }
}

fn step(method: &'static str, path: String, body: Option<&Value>, after: Things) -> Step {
    Step {
        method,
        path,
        body: body.map(|body| ("application/json", body.to_string().into_bytes())),
        after,
    }
}

/// A list as it is sent: none instead of an empty one.
fn some(list: &[String]) -> Value {
    if list.is_empty() {
        Value::Null
    } else {
        json!(list)
    }
}

/// The things whose code begins so, decoded from their rows.
fn stored(tables: &Tables, prefix: &str) -> Things {
    let number = |name: &str| tables.number("thing", name).to_string();
    let (code, count, tags) = (number("code"), number("count"), number("tags"));
    let (home, peers) = (number("home"), number("peers"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| -> Vec<String> {
        let values = value.as_array().into_iter().flatten();
        values.map(text).collect()
    };
    let id = |text: String| -> Uuid { text.parse().unwrap() };
    let rows = tables.entities.iter().filter(|(_, row)| {
        let code = row.data[&code].as_str();
        code.is_some_and(|code| code.starts_with(prefix))
    });
    rows.map(|(entity, row)| {
        // Order-preserving: 16 hex digits of the bits with the sign turned.
        let bits = |text: &str| u64::from_str_radix(text, 16).unwrap() ^ (1 << 63);
        let thing = Thing {
            code: text(&row.data[&code]),
            count: row.data[&count].as_str().map(|one| bits(one).cast_signed()),
            tags: list(&row.data[&tags]),
            home: list(&row.links[&home]).pop().map(id),
            peers: list(&row.links[&peers]).into_iter().map(id).collect(),
        };
        (*entity, thing)
    })
    .collect()
}
