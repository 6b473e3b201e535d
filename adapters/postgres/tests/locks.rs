//! Writers that want the same rows in opposite orders: every write takes its locks in one order, so that they wait for each other in line
//! rather than in a circle.

use std::sync::Arc;

use futures::future::join_all;
use registry_contract::{
    Subject,
    draw::Draw,
    fixture::{Build as _, change_set, delete, entity, fail, id, new_type, text, update},
    fixture::{field_of, kind, link_of},
};
use registry_core::{
    Entity, EntityType, Version,
    change::Operation,
    entity_type::Field,
    port::{CommitError, Conflict},
};
use registry_postgres::{PostgresConfig, testing::Database};
use sqlx::{Connection as _, PgConnection};

const WRITERS: u32 = 24;
const ROUNDS: u32 = 40;
/// Entities that all writers want.
const WANTED: u32 = 6;

const FIRST: u32 = 1;
const SECOND: u32 = 2;
const PLAIN: u32 = 3;
const OTHERS: u32 = 4;

/// Two unique fields, a plain one, and a link to things of the same type.
fn thing() -> EntityType {
    let base = new_type(1, "thing");
    let unique = |number, name| Field {
        unique: true,
        ..field_of(number, name, kind("text"))
    };
    EntityType {
        fields: vec![
            unique(FIRST, "first"),
            unique(SECOND, "second"),
            field_of(PLAIN, "plain", kind("text")),
        ],
        links: vec![link_of(OTHERS, "others", &base, "held_by")],
        next_number: 5,
        ..base
    }
}

/// Two servers on one database.
struct World {
    url: String,
    handles: [Subject; 2],
    of: EntityType,
    _database: Database,
}

impl World {
    async fn new() -> Self {
        let database = Database::default();
        let url = database.url().await;
        let open = async || {
            let store = registry_postgres::open(PostgresConfig::url(url.clone())).await;
            Subject::of(&Arc::new(store.expect("the store opens")))
        };
        let handles = [open().await, open().await];
        let of = thing();
        handles[0].define(&[&of]).await;
        Self {
            url,
            handles,
            of,
            _database: database,
        }
    }

    /// Runs every writer for all its rounds at once; `write` makes one set from what is stored, or none. Returns how many were applied.
    async fn write_at_once<F>(&self, write: F) -> u32
    where
        F: Fn(&EntityType, &mut Draw, &[Option<Entity>], &[Version]) -> Vec<Operation>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        let writers = (0..WRITERS).map(|number| {
            let subject = self.handles[usize::from(number % 2 == 0)].clone();
            let of = self.of.clone();
            tokio::spawn(async move {
                let mut random = Draw(u64::from(number) + 1);
                let mut applied = 0;
                for _ in 0..ROUNDS {
                    let mut stored = Vec::new();
                    let mut versions = Vec::new();
                    for number in 1..=WANTED {
                        stored.push(subject.read(id(number)).await);
                        let last = subject.store.last_version(id(number)).await;
                        versions.push(last.expect("it reads").unwrap_or(Version(0)));
                    }
                    let operations = write(&of, &mut random, &stored, &versions);
                    match subject.write(&[&of], operations).await {
                        Ok(_) => applied += 1,
                        // Somebody was faster.
                        Err(CommitError::Conflict(
                            Conflict::Stale { .. }
                            | Conflict::EntityExists { .. }
                            | Conflict::KeyTaken { .. }
                            | Conflict::TargetMissing { .. }
                            | Conflict::StillLinked { .. },
                        )) => {}
                        Err(error) => fail(&format!("{error:?}")),
                    }
                }
                applied
            })
        });
        let outcomes = join_all(writers).await;
        let applied = outcomes.into_iter().map(|one| one.expect("it ends")).sum();
        self.handles[0].assert_agreement().await;
        applied
    }

    /// How many deadlocks the engine broke in this database; counted by its sessions when they end.
    async fn deadlocks(self) -> i64 {
        drop(self.handles);
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let mut connection = PgConnection::connect(&self.url).await.expect("it connects");
        sqlx::query_scalar(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
        )
        .fetch_one(&mut connection)
        .await
        .expect("it is counted")
    }
}

/// A number from 0 to below the bound.
fn below(random: &mut Draw, bound: u32) -> u32 {
    u32::try_from(random.below(bound as usize)).expect("a small number")
}

/// Two different numbers from 1 to [`WANTED`], in any order.
fn two(random: &mut Draw) -> [u32; 2] {
    let one = below(random, WANTED);
    let other = (one + 1 + below(random, WANTED - 1)) % WANTED;
    [one + 1, other + 1]
}

fn place(number: u32) -> usize {
    usize::try_from(number - 1).expect("a small number")
}

async fn fill(world: &World) {
    let made = (1..=WANTED).map(|number| {
        let name = format!("{number}");
        let made = entity(&world.of, number)
            .with(FIRST, text(&name))
            .with(SECOND, text(&name));
        Operation::Create(made)
    });
    let set = change_set(&[&world.of], made.collect());
    let made = world.handles[0].store.commit(set).await;
    made.expect("it is filled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_of_several_entities_in_any_order_do_not_deadlock() {
    let world = World::new().await;
    fill(&world).await;
    let applied = world
        .write_at_once(|_, random, stored, _| {
            let turn = random.below(1_000_000).to_string();
            let changed = two(random).into_iter().filter_map(|number| {
                let before = stored[place(number)].as_ref()?;
                Some(update(before, &before.next().with(PLAIN, text(&turn))))
            });
            changed.collect()
        })
        .await;
    assert!(applied > ROUNDS, "{applied}");
    assert_eq!(world.deadlocks().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn links_to_what_others_change_or_delete_do_not_deadlock() {
    let world = World::new().await;
    fill(&world).await;
    let applied = world
        .write_at_once(|of, random, stored, versions| {
            let [holder, target] = two(random);
            let made = |number: u32| {
                let version = versions[place(number)].next();
                Operation::Create(Entity {
                    version,
                    ..entity(of, number)
                })
            };
            match (&stored[place(holder)], &stored[place(target)]) {
                (Some(before), Some(_)) if random.below(3) > 0 => {
                    let after = before.next().linked(OTHERS, &[id(target)]);
                    vec![update(before, &after)]
                }
                (Some(one), Some(other)) => vec![delete(one), delete(other)],
                (None, None) => vec![made(holder), made(target)],
                (None, Some(_)) => vec![made(holder)],
                (Some(_), None) => vec![made(target)],
            }
        })
        .await;
    assert!(applied > ROUNDS, "{applied}");
    assert_eq!(world.deadlocks().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_that_are_swapped_moved_and_claimed_do_not_deadlock() {
    let world = World::new().await;
    fill(&world).await;
    let applied = world
        .write_at_once(|of, random, stored, _| {
            let [one, other] = two(random);
            let (Some(a), Some(b)) = (&stored[place(one)], &stored[place(other)]) else {
                return Vec::new();
            };
            let free = |random: &mut Draw| text(&format!("{}", 7 + random.below(6)));
            let keys =
                |entity: &Entity| [FIRST, SECOND].map(|key| entity.data[&key_field(key)].clone());
            let ([a1, a2], [b1, b2]) = (keys(a), keys(b));
            match random.below(4) {
                // Swapped.
                0 => vec![
                    update(a, &a.next().with(FIRST, b1).with(SECOND, b2)),
                    update(b, &b.next().with(FIRST, a1).with(SECOND, a2)),
                ],
                // Moved to what may be free.
                1 => {
                    let after = a
                        .next()
                        .with(FIRST, free(random))
                        .with(SECOND, free(random));
                    vec![update(a, &after)]
                }
                // Given up by one, claimed by the other, in one of them crosswise.
                2 => vec![
                    update(a, &a.next().with(FIRST, free(random))),
                    update(b, &b.next().with(FIRST, a1)),
                ],
                // Claimed by one that is new, two keys at once.
                _ => {
                    let number = 1_000 + below(random, 1_000_000);
                    let made = entity(of, number);
                    vec![Operation::Create(
                        made.with(FIRST, free(random)).with(SECOND, a2),
                    )]
                }
            }
        })
        .await;
    assert!(applied > ROUNDS, "{applied}");
    assert_eq!(world.deadlocks().await, 0);
}

fn key_field(number: u32) -> registry_core::FieldNumber {
    registry_core::FieldNumber(number)
}
