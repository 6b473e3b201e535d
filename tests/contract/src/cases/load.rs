//! Loads: what becomes of the rows of a stream.

use registry_core::{
    Entity, EntityType, KeyNumber, Version,
    change::{Change, ChangeOperation, Earlier, Stamp},
    port::{Atomicity, Effect, JobCounts, LoadEnd, LoadMode, LoadPlan, LoadReport, LoadRow},
};

use crate::{
    Harness, Subject,
    fixture::{
        AT, Build as _, LATER, airport, airport_type, country, country_type, entity, id, integer,
        load::{BuildRow as _, Remember, by_id, by_key, counts, plan, row, rows},
        principal, text, texts,
    },
};

/// Loads rows; the report without its place, and the failures.
async fn load(
    subject: &Subject,
    plan: LoadPlan,
    of: Vec<LoadRow>,
) -> (JobCounts, Vec<(u64, Vec<&'static str>)>) {
    let sink = Remember::default();
    let report = subject.store.load(plan, rows(of), &sink).await.unwrap();
    assert_eq!(report.end, LoadEnd::Complete);
    let written = report.counts.created + report.counts.updated > 0;
    assert!(written || report.position.is_none(), "{report:?}");
    (report.counts, sink.failures())
}

/// An entity as a load makes it.
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

/// The next version of an entity, as a load makes it.
fn reloaded(before: &Entity) -> Entity {
    Entity {
        updated_by: principal("org:default"),
        ..before.next()
    }
}

const BOTH: [Atomicity; 2] = [Atomicity::All, Atomicity::Each];

pub async fn rows_make_entities<H: Harness>(_: H) {
    for atomic in BOTH {
        let subject = H::default().open().await;
        let (country, airport) = (country_type(), airport_type());
        subject.define(&[&country, &airport]).await;
        let [france] = subject
            .create(
                &[&country],
                [entity(&country, 1).with(country::CODE, text("FR"))],
            )
            .await;
        let plan = LoadPlan {
            atomic,
            ..plan(&subject, &airport, LoadMode::Create, 100).await
        };
        let of_france = by_key(&country, country::CODE, "FR");
        let made = vec![
            row(2)
                .set(airport::ICAO, text("LFPG"))
                .set(airport::TAGS, texts(&["b", "a"]))
                .to(airport::COUNTRY, vec![of_france]),
            row(3).about(7).set(airport::ELEVATION, integer(12)),
            row(4).to(airport::SERVES, vec![by_id(france.id)]),
        ];
        let sink = Remember::default();
        let report = subject.store.load(plan, rows(made), &sink).await.unwrap();
        let expected = [
            france,
            loaded(&airport, 7).with(airport::ELEVATION, integer(12)),
            loaded(&airport, 100)
                .with(airport::ICAO, text("LFPG"))
                .with(airport::TAGS, texts(&["b", "a"]))
                .linked(airport::COUNTRY, &[id(1)]),
            loaded(&airport, 101).linked(airport::SERVES, &[id(1)]),
        ];
        let contents = subject.contents().await;
        assert_eq!(contents.entities, expected, "{atomic:?}");
        assert_eq!(contents.log.len(), 2 + 1 + 3);
        let expected = LoadReport {
            counts: counts([3, 0, 0, 0, 0]),
            position: contents.log.last().map(|row| row.position),
            end: LoadEnd::Complete,
        };
        assert_eq!((report, sink.failures()), (expected, vec![]), "{atomic:?}");
        subject.assert_agreement().await;
    }
}

pub async fn rows_are_merged_into_what_is_there<H: Harness>(_: H) {
    for atomic in BOTH {
        let subject = H::default().open().await;
        let of = country_type();
        subject.define(&[&of]).await;
        let coded = |number, code| entity(&of, number).with(country::CODE, text(code));
        let made = [
            coded(1, "FR").with(country::NAME, text("France")),
            coded(2, "ES").with(country::NAME, text("Spain")),
            coded(3, "IT"),
        ];
        let [france, spain, italy] = subject.create(&[&of], made).await;
        let plan = LoadPlan {
            atomic,
            key: Some(KeyNumber(country::CODE)),
            ..plan(&subject, &of, LoadMode::Upsert, 100).await
        };
        let coded = |line, code| row(line).found_by(code).set(country::CODE, text(code));
        let made = vec![
            coded(2, "FR").set(country::POPULATION, integer(68)),
            coded(3, "ES").clear(country::NAME),
            coded(4, "IT").clear(country::NAME),
            coded(5, "PT").set(country::NAME, text("Portugal")),
        ];
        let outcome = load(&subject, plan, made).await;
        assert_eq!(outcome, (counts([1, 2, 1, 0, 0]), vec![]), "{atomic:?}");
        let expected = [
            reloaded(&france).with(country::POPULATION, integer(68)),
            reloaded(&spain).without(country::NAME),
            italy,
            loaded(&of, 100)
                .with(country::CODE, text("PT"))
                .with(country::NAME, text("Portugal")),
        ];
        assert_eq!(subject.contents().await.entities, expected, "{atomic:?}");
        subject.assert_agreement().await;
    }
}

pub async fn a_load_writes_the_change_log_as_a_commit_does(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let first = entity(&of, 1).with(country::NAME, text("France"));
    subject.create(&[&of], [first]).await;
    let plan = plan(&subject, &of, LoadMode::Upsert, 100).await;
    let given = vec![row(1).about(1).set(country::NAME, text("F")), row(2)];
    load(&subject, plan, given).await;
    let log = subject.log().await;
    let changes: Vec<Change> = log.into_iter().skip(2).map(|row| row.change).collect();
    let creation = Change {
        entity: id(100),
        type_id: of.id,
        version: Version(1),
        operation: ChangeOperation::Create,
        earlier: Earlier::default(),
        actor: principal("org:default"),
        at: LATER,
    };
    let field = registry_core::FieldNumber(country::NAME);
    let update = Change {
        entity: id(1),
        version: Version(2),
        operation: ChangeOperation::Update,
        earlier: Earlier {
            fields: [(field, Some(text("France")))].into(),
            stamp: Some(Stamp {
                type_version: Version(1),
                at: AT,
                by: principal("user:ann"),
                created: None,
            }),
            ..Earlier::default()
        },
        ..creation.clone()
    };
    assert_eq!(changes, [update, creation]);
}

/// Rows of which three are bad, and what becomes of them.
async fn mixed(subject: &Subject, atomic: Atomicity) -> (JobCounts, Vec<(u64, Vec<&'static str>)>) {
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let made = [entity(&airport, 1).with(airport::ICAO, text("KJFK"))];
    subject.create(&[&airport], made).await;
    let plan = LoadPlan {
        atomic,
        ..plan(subject, &airport, LoadMode::Create, 100).await
    };
    let made = vec![
        row(2).set(airport::ICAO, text("A")),
        row(3).set(airport::ICAO, text("KJFK")),
        row(4).to(
            airport::COUNTRY,
            vec![by_key(&country, country::CODE, "XX")],
        ),
        row(5).set(airport::ICAO, text("B")),
        row(6).set(airport::ICAO, text("A")),
        row(7),
    ];
    load(subject, plan, made).await
}

pub async fn with_all_it_must_apply_every_row_in_one_transaction_or_none(harness: impl Harness) {
    let subject = harness.open().await;
    let (counted, failures) = mixed(&subject, Atomicity::All).await;
    assert_eq!(counted, counts([0, 0, 0, 3, 3]));
    let codes = [
        (3, vec!["key_taken"]),
        (4, vec!["link_target_not_found"]),
        (6, vec!["key_taken"]),
    ];
    assert_eq!(failures, codes);
    let contents = subject.contents().await;
    let ids: Vec<_> = contents.entities.iter().map(|one| one.id).collect();
    assert_eq!((ids, contents.log.len()), (vec![id(1)], 3));
}

pub async fn with_each_it_must_apply_every_good_row(harness: impl Harness) {
    let subject = harness.open().await;
    let (counted, failures) = mixed(&subject, Atomicity::Each).await;
    assert_eq!(counted, counts([3, 0, 0, 3, 0]));
    let codes = [
        (3, vec!["key_taken"]),
        (4, vec!["link_target_not_found"]),
        (6, vec!["key_taken"]),
    ];
    assert_eq!(failures, codes);
    let contents = subject.contents().await;
    let icaos: Vec<_> = contents
        .entities
        .iter()
        .map(|one| {
            one.data
                .get(&registry_core::FieldNumber(airport::ICAO))
                .cloned()
        })
        .collect();
    let expected = [Some(text("KJFK")), Some(text("A")), Some(text("B")), None];
    assert_eq!(icaos, expected);
    subject.assert_agreement().await;
}

pub async fn a_dry_run_counts_and_writes_nothing<H: Harness>(_: H) {
    for atomic in BOTH {
        let subject = H::default().open().await;
        let of = country_type();
        subject.define(&[&of]).await;
        let coded = |number, code| entity(&of, number).with(country::CODE, text(code));
        subject
            .create(&[&of], [coded(1, "FR"), coded(2, "ES")])
            .await;
        let before = subject.contents().await;
        let plan = LoadPlan {
            atomic,
            effect: Effect::DryRun,
            ..plan(&subject, &of, LoadMode::Upsert, 100).await
        };
        let made = vec![
            row(1).about(1).set(country::NAME, text("France")),
            row(2).about(2).set(country::CODE, text("ES")),
            row(3).set(country::CODE, text("IT")),
        ];
        let outcome = load(&subject, plan.clone(), made.clone()).await;
        let (report, failures) = outcome;
        assert_eq!(report, counts([1, 1, 1, 0, 0]), "{atomic:?}");
        assert_eq!(failures, []);
        assert_eq!(subject.contents().await, before);
        // What was checked is applied all the same afterwards.
        let plan = LoadPlan {
            effect: Effect::Apply,
            ..plan
        };
        let (report, _) = load(&subject, plan, made).await;
        assert_eq!(report, counts([1, 1, 1, 0, 0]), "{atomic:?}");
    }
}

pub async fn rows_must_see_what_earlier_rows_made<H: Harness>(_: H) {
    for atomic in BOTH {
        let subject = H::default().open().await;
        let airport = airport_type();
        subject.define(&[&country_type(), &airport]).await;
        let plan = LoadPlan {
            atomic,
            ..plan(&subject, &airport, LoadMode::Create, 100).await
        };
        let named = |icao| by_key(&airport, airport::ICAO, icao);
        let made = vec![
            row(1).set(airport::ICAO, text("A")),
            row(2)
                .set(airport::ICAO, text("B"))
                .to(airport::PARTNERS, vec![named("A")]),
            // A later row is not there yet.
            row(3)
                .set(airport::ICAO, text("C"))
                .to(airport::PARTNERS, vec![named("D")]),
            row(4)
                .set(airport::ICAO, text("D"))
                .to(airport::PARTNERS, vec![named("A"), named("B")]),
        ];
        let bad = vec![(3, vec!["link_target_not_found"])];
        let outcome = load(&subject, plan.clone(), made.clone()).await;
        if atomic == Atomicity::All {
            assert_eq!(outcome, (counts([0, 0, 0, 1, 3]), bad));
            let good = made.into_iter().filter(|row| row.line != 3).collect();
            let outcome = load(&subject, plan, good).await;
            assert_eq!(outcome, (counts([3, 0, 0, 0, 0]), vec![]));
        } else {
            assert_eq!(outcome, (counts([3, 0, 0, 1, 0]), bad));
        }
        let contents = subject.contents().await;
        let partners: Vec<usize> = contents
            .entities
            .iter()
            .map(|one| one.links.values().map(Vec::len).sum())
            .collect();
        assert_eq!(partners, [2, 2, 2], "{atomic:?}");
        subject.assert_agreement().await;
    }
}

pub async fn a_second_row_about_one_entity_fails<H: Harness>(_: H) {
    for atomic in BOTH {
        let subject = H::default().open().await;
        let of = country_type();
        subject.define(&[&of]).await;
        let first = entity(&of, 1).with(country::CODE, text("FR"));
        subject.create(&[&of], [first]).await;
        let plan = LoadPlan {
            atomic,
            ..plan(&subject, &of, LoadMode::Upsert, 100).await
        };
        let made = vec![
            row(1).about(1).set(country::NAME, text("a")),
            row(2).about(2).set(country::NAME, text("b")),
            row(3).about(1).set(country::NAME, text("c")),
            row(4).about(2).set(country::NAME, text("d")),
            row(5).about(1),
        ];
        let (_, failures) = load(&subject, plan, made).await;
        let codes = [3, 4, 5].map(|line| (line, vec!["duplicate_row"]));
        assert_eq!(failures, codes, "{atomic:?}");
    }
}

pub async fn an_update_without_its_entity_and_a_creation_with_one_fail<H: Harness>(_: H) {
    for atomic in BOTH {
        let subject = H::default().open().await;
        let of = country_type();
        subject.define(&[&of]).await;
        let first = entity(&of, 1).with(country::CODE, text("FR"));
        subject.create(&[&of], [first]).await;
        let before = subject.contents().await;
        let with = async |mode| LoadPlan {
            atomic,
            ..plan(&subject, &of, mode, 100).await
        };
        let absent = vec![row(1).about(2), row(2)];
        let (_, failures) = load(&subject, with(LoadMode::Update).await, absent).await;
        assert_eq!(failures, [(1, vec!["not_found"]), (2, vec!["required"])]);
        let present = vec![row(1).about(1)];
        let (_, failures) = load(&subject, with(LoadMode::Create).await, present).await;
        assert_eq!(failures, [(1, vec!["entity_exists"])]);
        assert_eq!(subject.contents().await, before, "{atomic:?}");
    }
}

pub async fn a_key_may_pass_from_one_row_to_a_later_one<H: Harness>(_: H) {
    for atomic in BOTH {
        let subject = H::default().open().await;
        let of = country_type();
        subject.define(&[&of]).await;
        let coded = |number, code| entity(&of, number).with(country::CODE, text(code));
        let made = [coded(1, "A"), coded(2, "B")];
        let [one, two] = subject.create(&[&of], made).await;
        let plan = LoadPlan {
            atomic,
            ..plan(&subject, &of, LoadMode::Upsert, 100).await
        };
        let early = row(1).about(2).set(country::CODE, text("A"));
        let made = vec![
            row(2).about(1).set(country::CODE, text("C")),
            row(3).about(2).set(country::CODE, text("A")),
            row(4).set(country::CODE, text("B")),
        ];
        // `A` is still taken when a row before all of them asks for it.
        let dry = LoadPlan {
            atomic,
            effect: Effect::DryRun,
            ..self::plan(&subject, &of, LoadMode::Upsert, 500).await
        };
        let (_, failures) = load(&subject, dry, [vec![early], made.clone()].concat()).await;
        assert_eq!(failures.first(), Some(&(1, vec!["key_taken"])));
        let outcome = load(&subject, plan, made).await;
        assert_eq!(outcome, (counts([1, 2, 0, 0, 0]), vec![]), "{atomic:?}");
        let expected = [
            reloaded(&one).with(country::CODE, text("C")),
            reloaded(&two).with(country::CODE, text("A")),
            loaded(&of, 100).with(country::CODE, text("B")),
        ];
        assert_eq!(subject.contents().await.entities, expected);
        subject.assert_agreement().await;
    }
}

pub async fn an_id_that_was_used_before_goes_on_counting_in_a_load<H: Harness>(_: H) {
    for atomic in BOTH {
        let subject = H::default().open().await;
        let of = country_type();
        subject.define(&[&of]).await;
        let [first] = subject.create(&[&of], [entity(&of, 1)]).await;
        let deleted = vec![crate::fixture::delete(&first)];
        subject.write(&[&of], deleted).await.unwrap();
        let plan = LoadPlan {
            atomic,
            ..plan(&subject, &of, LoadMode::Create, 100).await
        };
        let (report, _) = load(&subject, plan, vec![row(1).about(1)]).await;
        assert_eq!(report, counts([1, 0, 0, 0, 0]));
        let read = subject.read(id(1)).await.unwrap();
        assert_eq!(read.version, Version(3), "{atomic:?}");
    }
}
