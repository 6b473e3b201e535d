//! Loads whose rows link to rows after them.

use registry_core::{
    Entity, EntityType, LinkNumber,
    entity_type::{Cardinality, Link},
    limits,
    port::{Atomicity, Effect, LoadEnd, LoadMode, LoadPlan, LoadRow, Rows},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, LATER, entity, field_of, id, kind, link_of,
        load::{BuildRow as _, Remember, by_id, counts, plan, row, row_stream, rows, rows_once},
        new_type, principal, text,
    },
};

const NAME: u32 = 1;
const PARENT: u32 = 2;
const FRIENDS: u32 = 3;

const BOTH: [Atomicity; 2] = [Atomicity::All, Atomicity::Each];

/// Nodes with one parent and many friends, all of them nodes.
fn node_type() -> EntityType {
    let base = new_type(7, "node");
    EntityType {
        fields: vec![registry_core::entity_type::Field {
            unique: true,
            ..field_of(NAME, "name", kind("text"))
        }],
        links: vec![
            Link {
                cardinality: Cardinality::One,
                ..link_of(PARENT, "parent", &base, "children")
            },
            link_of(FRIENDS, "friends", &base, "friends"),
        ],
        next_number: 4,
        ..base
    }
}

/// The row of a node, on the line of its number.
fn node(number: u32) -> LoadRow {
    row(u64::from(number)).about(number)
}

fn child(number: u32, parent: u32) -> LoadRow {
    node(number).to(PARENT, vec![by_id(id(parent))])
}

/// A node as a load makes it.
fn loaded(of: &EntityType, number: u32) -> Entity {
    let org = principal("org:default");
    Entity {
        created_at: LATER,
        created_by: org.clone(),
        updated_at: LATER,
        updated_by: org,
        ..entity(of, number)
    }
}

async fn start(harness: &impl Harness, atomic: Atomicity) -> (Subject, EntityType, LoadPlan) {
    let subject = harness.open().await;
    let of = node_type();
    subject.define(&[&of]).await;
    let plan = LoadPlan {
        atomic,
        ..plan(&subject, &of, LoadMode::Create, 100_000).await
    };
    (subject, of, plan)
}

/// The counts, and the lines that failed with their codes.
async fn load(subject: &Subject, plan: LoadPlan, of: Rows<'_>) -> ([u64; 5], Vec<(u64, String)>) {
    let sink = Remember::default();
    let report = subject.store.load(plan, of, &sink).await.unwrap();
    assert_eq!(report.end, LoadEnd::Complete);
    let told = report.counts;
    let found = [
        told.created,
        told.updated,
        told.unchanged,
        told.failed,
        told.not_applied,
    ];
    assert_eq!(told, counts(found));
    let failures = sink.failures().into_iter();
    (
        found,
        failures
            .map(|(line, codes)| (line, codes.join(" ")))
            .collect(),
    )
}

pub async fn a_row_may_link_to_a_later_one_of_any_slice<H: Harness>(_: H) {
    let count = u32::try_from(limits::SLICE_ROWS).unwrap() + 3;
    for atomic in BOTH {
        let (subject, of, plan) = start(&H::default(), atomic).await;
        let mut made: Vec<LoadRow> = (1..count).map(|number| child(number, number + 1)).collect();
        made.push(node(count));
        let outcome = load(&subject, plan, rows(made)).await;
        assert_eq!(
            outcome,
            ([u64::from(count), 0, 0, 0, 0], vec![]),
            "{atomic:?}"
        );
        let stored = subject.contents().await.entities;
        let parents: Vec<_> = stored
            .iter()
            .map(|one| one.links.get(&LinkNumber(PARENT)).cloned())
            .collect();
        let expected = (1..=count).map(|number| (number < count).then(|| vec![id(number + 1)]));
        assert_eq!(parents, expected.collect::<Vec<_>>(), "{atomic:?}");
        assert_eq!(stored[0], loaded(&of, 1).linked(PARENT, &[id(2)]));
    }
}

pub async fn rows_may_link_to_each_other<H: Harness>(_: H) {
    for (atomic, effect) in [
        (Atomicity::All, Effect::Apply),
        (Atomicity::Each, Effect::Apply),
        (Atomicity::All, Effect::DryRun),
    ] {
        let (subject, of, plan) = start(&H::default(), atomic).await;
        let plan = LoadPlan { effect, ..plan };
        let made = vec![child(1, 3), child(2, 1), child(3, 2), child(4, 3)];
        let outcome = load(&subject, plan, rows(made)).await;
        assert_eq!(outcome, ([4, 0, 0, 0, 0], vec![]), "{atomic:?}");
        let ends = [(1, 3), (2, 1), (3, 2), (4, 3)];
        let expected: Vec<Entity> = ends
            .iter()
            .filter(|_| effect == Effect::Apply)
            .map(|(number, parent)| loaded(&of, *number).linked(PARENT, &[id(*parent)]))
            .collect();
        assert_eq!(subject.contents().await.entities, expected, "{atomic:?}");
        subject.assert_agreement().await;
    }
}

pub async fn rows_of_different_slices_link_to_each_other_when_all_are_applied_at_once<
    H: Harness,
>(
    _: H,
) {
    let count = u32::try_from(limits::SLICE_ROWS).unwrap() + 1;
    for (atomic, expected) in [
        (Atomicity::All, ([u64::from(count), 0, 0, 0, 0], vec![])),
        (
            Atomicity::Each,
            (
                [0, 0, 0, u64::from(count), 0],
                (1..=count)
                    .map(|line| (u64::from(line), "link_target_not_found".to_owned()))
                    .collect(),
            ),
        ),
    ] {
        let (subject, _, plan) = start(&H::default(), atomic).await;
        let made: Vec<LoadRow> = (1..=count)
            .map(|number| child(number, if number == count { 1 } else { number + 1 }))
            .collect();
        let outcome = load(&subject, plan, rows(made)).await;
        assert_eq!(outcome, expected, "{atomic:?}");
    }
}

pub async fn a_row_whose_target_never_comes_fails_with_those_that_wait_for_it<H: Harness>(_: H) {
    for (atomic, expected) in [
        (Atomicity::All, [0, 0, 0, 5, 3]),
        (Atomicity::Each, [3, 0, 0, 5, 0]),
    ] {
        let (subject, of, plan) = start(&H::default(), atomic).await;
        let made = vec![
            child(1, 2),
            child(2, 99),
            child(3, 4),
            node(4),
            node(5).set(NAME, text("a")),
            // Wrong in two ways: both are told.
            child(6, 98).set(NAME, text("a")),
            child(7, 8),
            node(8).set(NAME, text("a")),
        ];
        let missing = "link_target_not_found";
        let failures = [
            (8, "key_taken"),
            (1, missing),
            (2, missing),
            (6, "link_target_not_found key_taken"),
            (7, missing),
        ];
        let failures = failures.map(|(line, codes)| (line, codes.to_owned()));
        let outcome = load(&subject, plan, rows(made)).await;
        assert_eq!(outcome, (expected, failures.to_vec()), "{atomic:?}");
        let stored = match atomic {
            Atomicity::All => vec![],
            Atomicity::Each => vec![
                loaded(&of, 3).linked(PARENT, &[id(4)]),
                loaded(&of, 4),
                loaded(&of, 5).with(NAME, text("a")),
            ],
        };
        assert_eq!(subject.contents().await.entities, stored, "{atomic:?}");
    }
}

pub async fn a_symmetric_link_to_a_later_row_is_held_by_both_ends<H: Harness>(_: H) {
    for atomic in BOTH {
        let (subject, of, plan) = start(&H::default(), atomic).await;
        let friends = |row: LoadRow, number| row.to(FRIENDS, vec![by_id(id(number))]);
        let made = vec![
            // The other end does not name it, and waits itself.
            friends(node(1), 2),
            child(2, 3),
            node(3),
            // Both name each other.
            friends(node(4), 5),
            friends(node(5), 4),
        ];
        let outcome = load(&subject, plan, rows(made)).await;
        assert_eq!(outcome, ([5, 0, 0, 0, 0], vec![]), "{atomic:?}");
        let expected = vec![
            loaded(&of, 1).linked(FRIENDS, &[id(2)]),
            loaded(&of, 2)
                .linked(PARENT, &[id(3)])
                .linked(FRIENDS, &[id(1)]),
            loaded(&of, 3),
            loaded(&of, 4).linked(FRIENDS, &[id(5)]),
            loaded(&of, 5).linked(FRIENDS, &[id(4)]),
        ];
        assert_eq!(subject.contents().await.entities, expected, "{atomic:?}");
        subject.assert_agreement().await;
    }
}

pub async fn rows_of_several_slices_may_be_linked_to_one_that_comes_after_them<H: Harness>(_: H) {
    let count = u32::try_from(limits::SLICE_ROWS).unwrap() + 2;
    let (subject, of, plan) = start(&H::default(), Atomicity::All).await;
    // The last but one is named by rows of two slices, names none of them, and waits itself.
    let (named, last) = (count - 1, count);
    let friends = |number| node(number).to(FRIENDS, vec![by_id(id(named))]);
    let waits = |number| child(number, last);
    let mut made: Vec<LoadRow> = (1..=count).map(waits).collect();
    made[0] = friends(1);
    made[5_000 - 1] = friends(5_000);
    made.insert(5_000, friends(count + 1));
    made.pop();
    made.push(node(last));
    let made = made.into_iter().zip(1..).map(|(row, line)| LoadRow {
        line,
        raw: format!("raw {line}"),
        ..row
    });
    let outcome = load(&subject, plan, rows(made.collect())).await;
    assert_eq!(outcome, ([u64::from(count) + 1, 0, 0, 0, 0], vec![]));
    let stored = subject.contents().await.entities;
    let found = stored.into_iter().find(|one| one.id == id(named));
    let expected = loaded(&of, named)
        .linked(PARENT, &[id(last)])
        .linked(FRIENDS, &[id(1), id(5_000), id(count + 1)]);
    assert_eq!(found, Some(expected));
    subject.assert_agreement().await;
}

pub async fn an_update_waits_for_nobody<H: Harness>(_: H) {
    let (subject, of, plan) = start(&H::default(), Atomicity::Each).await;
    subject.create(&[&of], [entity(&of, 1)]).await;
    let plan = LoadPlan {
        mode: LoadMode::Update,
        ..plan
    };
    // Rows that can be read but once.
    let made = rows_once(row_stream(vec![child(1, 2)]));
    let failures = vec![(1, "link_target_not_found".to_owned())];
    assert_eq!(
        load(&subject, plan, made).await,
        ([0, 0, 0, 1, 0], failures)
    );
}

pub async fn a_row_that_fails_takes_a_long_chain_of_rows_along<H: Harness>(_: H) {
    let count = u32::try_from(limits::SLICE_ROWS).unwrap();
    for (atomic, expected) in [
        (Atomicity::All, [0, 0, 0, u64::from(count), 1]),
        (Atomicity::Each, [1, 0, 0, u64::from(count), 0]),
    ] {
        let (subject, _, plan) = start(&H::default(), atomic).await;
        let mut made: Vec<LoadRow> = (1..=count)
            .map(|number| child(number, number + 1))
            .collect();
        // The end of the chain wants the name that a row has which waits for nobody.
        let end = made.pop().unwrap().set(NAME, text("a"));
        made.extend([end, node(count + 1).set(NAME, text("a"))]);
        let (found, mut failures) = load(&subject, plan, rows(made)).await;
        assert_eq!(found, expected, "{atomic:?}");
        let code = |line| {
            if line == count {
                "key_taken"
            } else {
                "link_target_not_found"
            }
        };
        let expected = (1..=count).map(|line| (u64::from(line), code(line).to_owned()));
        failures.sort_unstable();
        assert_eq!(failures, expected.collect::<Vec<_>>(), "{atomic:?}");
    }
}
