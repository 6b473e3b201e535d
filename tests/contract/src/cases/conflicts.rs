//! What a change set may find other than it expects: each refusal names its operation, and nothing is applied.

use registry_core::{
    Entity, EntityType, KeyNumber, LinkNumber, LinkTargets, Version, change::Operation,
    port::Conflict,
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, change_set, country, country_type, delete, entity, id,
        scope, text, update,
    },
};

struct World {
    subject: Subject,
    country: EntityType,
    airport: EntityType,
    france: Entity,
    paris: Entity,
}

impl World {
    /// France, and Paris in it.
    async fn open(harness: &impl Harness) -> Self {
        let subject = harness.open().await;
        let (country, airport) = (country_type(), airport_type());
        subject.define(&[&country, &airport]).await;
        let france = entity(&country, 1).with(country::CODE, text("FR"));
        let paris = entity(&airport, 2)
            .with(airport::ICAO, text("LFPG"))
            .linked(airport::COUNTRY, &[france.id]);
        let [france, paris] = subject.create(&[&country, &airport], [france, paris]).await;
        Self {
            subject,
            country,
            airport,
            france,
            paris,
        }
    }

    /// The conflict of an operation that stands between two good ones.
    async fn refused(&self, bad: Operation) -> Conflict {
        let operations = vec![
            Operation::Create(entity(&self.country, 100).with(country::CODE, text("ES"))),
            bad,
            Operation::Create(entity(&self.airport, 101).linked(airport::SERVES, &[id(100)])),
        ];
        let types = [&self.country, &self.airport];
        self.subject.refused(&types, operations).await
    }
}

pub async fn a_taken_id_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let same = Operation::Create(entity(&world.country, 1));
    let expected = Conflict::EntityExists { operation: 1 };
    assert_eq!(world.refused(same).await, expected);
    // Ids are taken across types.
    let other = Operation::Create(entity(&world.airport, 1));
    assert_eq!(world.refused(other).await, expected);
    // The same entity once more, with the key that it holds: its id is taken, not its key by another.
    assert_eq!(
        world.refused(Operation::Create(world.france.clone())).await,
        expected
    );
}

pub async fn an_update_of_another_version_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let second = world.france.next().with(country::NAME, text("France"));
    let operations = vec![update(&world.france, &second)];
    let written = world.subject.write(&[&world.country], operations).await;
    written.unwrap();
    let late = world.france.next().with(country::NAME, text("FRANCE"));
    let expected = Conflict::Stale {
        operation: 1,
        current: Some(Version(2)),
    };
    assert_eq!(world.refused(update(&world.france, &late)).await, expected);
    let third = second.next();
    let early = update(&third, &third.next());
    assert_eq!(world.refused(early).await, expected);
}

pub async fn an_update_or_deletion_of_what_is_gone_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let absent = entity(&world.country, 50);
    let expected = Conflict::Stale {
        operation: 1,
        current: None,
    };
    let changed = update(&absent, &absent.next());
    assert_eq!(world.refused(changed).await, expected);
    assert_eq!(world.refused(delete(&absent)).await, expected);
}

pub async fn a_deletion_of_another_version_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let expected = Conflict::Stale {
        operation: 1,
        current: Some(Version(1)),
    };
    assert_eq!(world.refused(delete(&world.paris.next())).await, expected);
}

pub async fn a_link_to_what_is_absent_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let expected = Conflict::TargetMissing {
        operation: 1,
        link: LinkNumber(airport::COUNTRY),
        target: id(50),
    };
    let made = entity(&world.airport, 3).linked(airport::COUNTRY, &[id(50)]);
    assert_eq!(world.refused(Operation::Create(made)).await, expected);
    let changed = world.paris.next().linked(airport::COUNTRY, &[id(50)]);
    assert_eq!(
        world.refused(update(&world.paris, &changed)).await,
        expected
    );
}

pub async fn a_link_to_what_is_outside_the_scope_is_refused_as_absent(harness: impl Harness) {
    let world = World::open(&harness).await;
    let hidden = entity(&world.country, 3).owned_by(&["org:other"]);
    let open = hidden.clone().readable_by(&["public"]);
    let open = Entity { id: id(4), ..open };
    world
        .subject
        .create(&[&world.country], [hidden, open])
        .await;
    let linking = |target| {
        let made = entity(&world.airport, 5).linked(airport::SERVES, &[target]);
        let mut set = change_set(&[&world.airport], vec![Operation::Create(made)]);
        set.scope = scope(&["org:default", "public"]);
        set
    };
    assert_eq!(
        world.subject.refused_set(linking(id(3))).await,
        Conflict::TargetMissing {
            operation: 0,
            link: LinkNumber(airport::SERVES),
            target: id(3),
        }
    );
    world.subject.store.commit(linking(id(4))).await.unwrap();
}

pub async fn a_link_that_was_there_before_needs_no_readable_target(harness: impl Harness) {
    let world = World::open(&harness).await;
    let after = world.paris.next().with(airport::NAME, text("Paris"));
    let mut set = change_set(&[&world.airport], vec![update(&world.paris, &after)]);
    set.scope = scope(&["org:other"]);
    world.subject.store.commit(set).await.unwrap();
    assert_eq!(world.subject.read(after.id).await, Some(after));
}

pub async fn a_link_to_another_type_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let made = entity(&world.airport, 3).linked(airport::COUNTRY, &[world.paris.id]);
    assert_eq!(
        world.refused(Operation::Create(made)).await,
        Conflict::TargetType {
            operation: 1,
            link: LinkNumber(airport::COUNTRY),
            target: world.paris.id,
        }
    );
}

pub async fn a_link_to_any_type_takes_every_target(harness: impl Harness) {
    let world = World::open(&harness).await;
    let mut note = crate::fixture::new_type(3, "note");
    note.links = vec![registry_core::entity_type::Link {
        to: LinkTargets::Any,
        ..crate::fixture::link_of(1, "about", &world.country, "notes")
    }];
    world.subject.define(&[&note]).await;
    let made = entity(&note, 3).linked(1, &[world.france.id, world.paris.id, id(3)]);
    world.subject.create(&[&note], [made]).await;
    world.subject.assert_agreement().await;
}

pub async fn a_link_to_what_the_same_change_set_deletes_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let [spain] = world
        .subject
        .create(&[&world.country], [entity(&world.country, 3)])
        .await;
    let made = entity(&world.airport, 4).linked(airport::SERVES, &[spain.id]);
    let operations = vec![delete(&spain), Operation::Create(made)];
    let types = [&world.country, &world.airport];
    assert_eq!(
        world.subject.refused(&types, operations).await,
        Conflict::TargetMissing {
            operation: 1,
            link: LinkNumber(airport::SERVES),
            target: spain.id,
        }
    );
}

pub async fn a_taken_key_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let expected = Conflict::KeyTaken {
        operation: 1,
        key: KeyNumber(country::CODE),
    };
    let made = entity(&world.country, 3).with(country::CODE, text("FR"));
    assert_eq!(world.refused(Operation::Create(made)).await, expected);
    // The good operation before it claims `ES`.
    let made = entity(&world.country, 3).with(country::CODE, text("ES"));
    assert_eq!(world.refused(Operation::Create(made)).await, expected);
    let [italy] = world
        .subject
        .create(&[&world.country], [entity(&world.country, 4)])
        .await;
    let changed = italy.next().with(country::CODE, text("FR"));
    assert_eq!(world.refused(update(&italy, &changed)).await, expected);
}

pub async fn a_taken_key_of_several_parts_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let named = |number, status| {
        entity(&world.airport, number)
            .with(airport::NAME, text("London"))
            .with(airport::STATUS, text(status))
    };
    let made = [named(3, "open"), named(4, "closed")];
    world.subject.create(&[&world.airport], made).await;
    assert_eq!(
        world.refused(Operation::Create(named(5, "open"))).await,
        Conflict::KeyTaken {
            operation: 1,
            key: KeyNumber(airport::BY_NAME),
        }
    );
}

pub async fn what_is_still_linked_is_not_deleted(harness: impl Harness) {
    let world = World::open(&harness).await;
    let expected = Conflict::StillLinked { operation: 1 };
    assert_eq!(world.refused(delete(&world.france)).await, expected);
    // A holder that the set changes, and that still holds the link, is in the way too.
    let changed = world.paris.next().with(airport::NAME, text("Paris"));
    let operations = vec![update(&world.paris, &changed), delete(&world.france)];
    let types = [&world.country, &world.airport];
    assert_eq!(world.subject.refused(&types, operations).await, expected);
}

pub async fn a_holder_unlinked_or_deleted_in_the_same_change_set_is_not_in_the_way(
    harness: impl Harness,
) {
    let world = World::open(&harness).await;
    let types = [&world.country, &world.airport];
    let made = entity(&world.airport, 3).linked(airport::COUNTRY, &[world.france.id]);
    let [orly] = world.subject.create(&types, [made]).await;
    let unlinked = world.paris.next().linked(airport::COUNTRY, &[]);
    let operations = vec![
        delete(&world.france),
        update(&world.paris, &unlinked),
        delete(&orly),
    ];
    world.subject.write(&types, operations).await.unwrap();
    let contents = world.subject.contents().await;
    assert_eq!(contents.entities, [unlinked]);
    assert_eq!(contents.links, []);
}

pub async fn it_must_not_apply_under_a_type_version_other_than_the_sets(harness: impl Harness) {
    let world = World::open(&harness).await;
    let newer = EntityType {
        version: Version(2),
        ..world.country.clone()
    };
    let made = || vec![Operation::Create(entity(&world.country, 3))];
    let expected = Conflict::TypeChanged {
        type_id: world.country.id,
    };
    assert_eq!(world.subject.refused(&[&newer], made()).await, expected);
    let change = world
        .subject
        .type_change(Some(&world.country), Some(&newer));
    let change = change.await;
    world.subject.change_type(change).await.unwrap();
    let old = [&world.country];
    assert_eq!(world.subject.refused(&old, made()).await, expected);
    // A type of the set that no operation is about counts as well.
    let made_airport = vec![Operation::Create(entity(&world.airport, 3))];
    let both = [&world.airport, &world.country];
    assert_eq!(world.subject.refused(&both, made_airport).await, expected);
    world.subject.write(&[&newer], made()).await.unwrap();
}

pub async fn a_change_set_of_an_unknown_type_is_refused(harness: impl Harness) {
    let world = World::open(&harness).await;
    let unknown = crate::fixture::new_type(9, "ghost");
    let made = vec![Operation::Create(entity(&unknown, 3))];
    assert_eq!(
        world.subject.refused(&[&unknown], made).await,
        Conflict::TypeChanged {
            type_id: unknown.id
        }
    );
}
