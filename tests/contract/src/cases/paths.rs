//! Filters across links, in both directions and over several.

use registry_core::{
    EntityId, EntityType,
    query::{Filter, Query, Test},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, compare, country, country_type, encoded, entity, exists,
        field, id, integer, is, linked, linked_elsewhere, not, query, text, to_holder, to_target,
    },
};

/// France 1, Spain 2, Italy 3; Paris 11 and Nice 12 in France, Madrid 13 in Spain, Oil rig 14 in no country; Paris serves all, Nice serves
/// Italy; Paris and Madrid are partners.
async fn world(subject: &Subject) -> (EntityType, EntityType) {
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let land = |number, code: &str, population| {
        entity(&country, number)
            .with(country::CODE, text(code))
            .with(country::POPULATION, integer(population))
    };
    let field = |number, name: &str, elevation| {
        entity(&airport, number)
            .with(airport::NAME, text(name))
            .with(airport::ELEVATION, integer(elevation))
    };
    let made = [
        land(1, "FR", 68),
        land(2, "ES", 48),
        land(3, "IT", 59),
        field(11, "Paris", 392)
            .linked(airport::COUNTRY, &[id(1)])
            .linked(airport::SERVES, &[id(1), id(2), id(3)])
            .linked(airport::PARTNERS, &[id(13)]),
        field(12, "Nice", 12)
            .linked(airport::COUNTRY, &[id(1)])
            .linked(airport::SERVES, &[id(3)]),
        field(13, "Madrid", 1_998)
            .linked(airport::COUNTRY, &[id(2)])
            .linked(airport::PARTNERS, &[id(11)]),
        entity(&airport, 14),
    ];
    subject.create(&[&country, &airport], made).await;
    (country, airport)
}

async fn assert_finds(subject: &Subject, of: &EntityType, filter: Filter, expected: &[u32]) {
    let query = Query {
        filter: filter.clone(),
        count: registry_core::query::Count::Exact,
        ..query(&[of])
    };
    let expected: Vec<EntityId> = expected.iter().map(|number| id(*number)).collect();
    let found = subject.store.find(&query).await.unwrap();
    let ids: Vec<EntityId> = found.items.iter().map(|one| one.id).collect();
    assert_eq!(ids, expected, "{filter:?}");
    assert_eq!(found.total, Some(expected.len() as u64), "{filter:?}");
}

pub async fn a_path_leads_to_targets(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = world(&subject).await;
    let via = |link| to_target(&airport, link);
    let coded = |code| is(field(&country, country::CODE), code);
    let small = compare(
        field(&country, country::POPULATION),
        Test::Less(registry_core::field::encode_integer(60)),
    );
    let of_country = |filter| exists(via(airport::COUNTRY), filter);
    let of_serves = |filter| exists(via(airport::SERVES), filter);
    assert_finds(&subject, &airport, of_country(coded("FR")), &[11, 12]).await;
    assert_finds(&subject, &airport, of_country(small.clone()), &[13]).await;
    assert_finds(&subject, &airport, of_serves(small.clone()), &[11, 12]).await;
    // A missing link gives no value.
    assert_finds(&subject, &airport, not(of_country(coded("FR"))), &[13, 14]).await;
    assert_finds(&subject, &airport, of_country(not(coded("FR"))), &[13]).await;
    let any = Filter::And(Vec::new());
    assert_finds(&subject, &airport, of_country(any.clone()), &[11, 12, 13]).await;
    assert_finds(&subject, &airport, of_country(Filter::Or(vec![])), &[]).await;
    // One linked entity that satisfies both, or two that satisfy one each.
    let both = Filter::And(vec![coded("FR"), small.clone()]);
    assert_finds(&subject, &airport, of_serves(both), &[]).await;
    let each = Filter::And(vec![of_serves(coded("FR")), of_serves(small)]);
    assert_finds(&subject, &airport, each, &[11]).await;
    // The links of one type are not those of another.
    assert_finds(&subject, &country, of_country(any), &[]).await;
}

pub async fn a_path_leads_to_holders(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = world(&subject).await;
    let via = |link| to_holder(&airport, link);
    let named = |name| is(field(&airport, airport::NAME), name);
    let low = compare(
        field(&airport, airport::ELEVATION),
        Test::Less(registry_core::field::encode_integer(100)),
    );
    let airports = |filter| exists(via(airport::COUNTRY), filter);
    let served_by = |filter| exists(via(airport::SERVES), filter);
    assert_finds(&subject, &country, airports(named("Paris")), &[1]).await;
    assert_finds(&subject, &country, airports(low.clone()), &[1]).await;
    assert_finds(&subject, &country, not(airports(low.clone())), &[2, 3]).await;
    assert_finds(&subject, &country, airports(not(low.clone())), &[1, 2]).await;
    assert_finds(&subject, &country, served_by(named("Paris")), &[1, 2, 3]).await;
    assert_finds(&subject, &country, served_by(low), &[3]).await;
    // Two holders of one target: it is found, and counted, once.
    let any = Filter::And(Vec::new());
    assert_finds(&subject, &country, airports(any.clone()), &[1, 2]).await;
    assert_finds(&subject, &airport, airports(any), &[]).await;
}

pub async fn a_path_leads_over_several_links(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = world(&subject).await;
    let named = |name| is(field(&airport, airport::NAME), name);
    let country_of = |filter| exists(to_target(&airport, airport::COUNTRY), filter);
    let airports = |filter| exists(to_holder(&airport, airport::COUNTRY), filter);
    let served_by = |filter| exists(to_holder(&airport, airport::SERVES), filter);
    let partners = |filter| exists(to_target(&airport, airport::PARTNERS), filter);
    // Airports whose country also has Nice: itself among them.
    let with_nice = country_of(airports(named("Nice")));
    assert_finds(&subject, &airport, with_nice, &[11, 12]).await;
    // Countries with an airport whose partner's country is served by Paris: over four links.
    let far = airports(partners(country_of(served_by(named("Paris")))));
    assert_finds(&subject, &country, far, &[1, 2]).await;
    let none = airports(partners(country_of(served_by(named("Nice")))));
    assert_finds(&subject, &country, none.clone(), &[]).await;
    assert_finds(&subject, &country, not(none), &[1, 2, 3]).await;
    let inner_not = airports(not(partners(Filter::And(vec![]))));
    assert_finds(&subject, &country, inner_not, &[1]).await;
}

pub async fn a_symmetric_link_is_followed_from_either_end(harness: impl Harness) {
    let subject = harness.open().await;
    let (_, airport) = world(&subject).await;
    let named = |name| is(field(&airport, airport::NAME), name);
    for step in [to_target, to_holder] {
        let partner = |name| exists(step(&airport, airport::PARTNERS), named(name));
        assert_finds(&subject, &airport, partner("Paris"), &[13]).await;
        assert_finds(&subject, &airport, partner("Madrid"), &[11]).await;
    }
}

pub async fn a_link_compares_ids_in_both_directions(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = world(&subject).await;
    let out = |ids: Option<&[EntityId]>| linked(to_target(&airport, airport::SERVES), ids);
    let back = |ids: Option<&[EntityId]>| linked(to_holder(&airport, airport::SERVES), ids);
    assert_finds(&subject, &airport, out(None), &[11, 12]).await;
    assert_finds(&subject, &airport, not(out(None)), &[13, 14]).await;
    assert_finds(&subject, &airport, out(Some(&[id(3)])), &[11, 12]).await;
    assert_finds(&subject, &airport, out(Some(&[id(1), id(2)])), &[11]).await;
    assert_finds(&subject, &airport, out(Some(&[id(99)])), &[]).await;
    assert_finds(&subject, &airport, out(Some(&[])), &[]).await;
    assert_finds(&subject, &airport, not(out(Some(&[]))), &[11, 12, 13, 14]).await;
    assert_finds(&subject, &country, back(None), &[1, 2, 3]).await;
    assert_finds(&subject, &country, back(Some(&[id(12)])), &[3]).await;
    assert_finds(&subject, &country, not(back(Some(&[id(12)]))), &[1, 2]).await;
    assert_finds(
        &subject,
        &country,
        back(Some(&[id(12), id(11)])),
        &[1, 2, 3],
    )
    .await;
    assert_finds(&subject, &country, back(Some(&[id(13)])), &[]).await;
    // The link of the other number leads elsewhere.
    let other = linked(to_target(&airport, airport::COUNTRY), Some(&[id(3)]));
    assert_finds(&subject, &airport, other, &[]).await;
}

pub async fn a_link_that_leads_elsewhere_leads_to_another_entity(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = world(&subject).await;
    let out = |number| linked_elsewhere(to_target(&airport, airport::SERVES), id(number));
    let back = |number| linked_elsewhere(to_holder(&airport, airport::SERVES), id(number));
    assert_finds(&subject, &airport, out(3), &[11]).await;
    assert_finds(&subject, &airport, out(1), &[11, 12]).await;
    assert_finds(&subject, &airport, out(99), &[11, 12]).await;
    assert_finds(&subject, &airport, not(out(3)), &[12, 13, 14]).await;
    assert_finds(&subject, &country, back(11), &[3]).await;
    assert_finds(&subject, &country, back(12), &[1, 2, 3]).await;
    assert_finds(&subject, &country, not(back(11)), &[1, 2]).await;
}

pub async fn a_type_is_asked_for_at_the_end_of_a_path(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = world(&subject).await;
    let mut note = crate::fixture::new_type(3, "note");
    note.links = vec![registry_core::entity_type::Link {
        to: registry_core::LinkTargets::Any,
        ..crate::fixture::link_of(1, "about", &country, "notes")
    }];
    subject.define(&[&note]).await;
    let made = [
        entity(&note, 21).linked(1, &[id(1)]),
        entity(&note, 22).linked(1, &[id(11), id(21)]),
        entity(&note, 23).linked(1, &[id(12), id(3)]),
    ];
    subject.create(&[&note], made).await;
    let about = |filter| exists(to_target(&note, 1), filter);
    let type_is = |of: &EntityType| Filter::TypeIs(of.id);
    assert_finds(&subject, &note, about(type_is(&country)), &[21, 23]).await;
    assert_finds(&subject, &note, about(type_is(&airport)), &[22, 23]).await;
    assert_finds(
        &subject,
        &note,
        about(not(type_is(&airport))),
        &[21, 22, 23],
    )
    .await;
    // The same number means another field on each type.
    let coded = compare(field(&country, country::CODE), Test::AtLeast(encoded("")));
    assert_finds(&subject, &note, about(coded), &[21, 23]).await;
    let notes = exists(to_holder(&note, 1), Filter::And(Vec::new()));
    assert_finds(&subject, &airport, notes, &[11, 12]).await;
}
