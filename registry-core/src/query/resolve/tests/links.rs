//! The `links` and `sort` parameters, and the list at the end of a link.

use super::catalog::*;
use crate::{
    Catalog, Error, FieldNumber, TypeId,
    query::{
        Direction, Filter, LinkedTo, Operand, SortName, SortTerm, SystemField, linked_query,
        parse_filter, resolve, resolve_links, resolve_sort,
    },
};

fn code_and_detail<T: std::fmt::Debug>(result: Result<T, Error>) -> (&'static str, String) {
    match result.unwrap_err() {
        Error::Refused(refused) => (refused.code, refused.detail),
        other => unreachable!("{other}"),
    }
}

fn asked(id: TypeId, link: Option<&str>) -> Result<Filter, Error> {
    let catalog = world();
    let link = link.map(str::to_owned);
    resolve_links(
        &catalog,
        &types(&catalog, &[id]),
        &[LinkedTo { link, id: ID }],
    )
}

#[test]
fn any_link_in_either_direction() {
    let to = |step| exists(step, Filter::Ids(vec![ID]));
    // By name of the holding type; the symmetric link once; the link to anything from either of its ends.
    let country = vec![to(back(AIRPORT)), to(out(COUNTRY)), to(back(NOTE))];
    assert_eq!(
        asked(COUNTRY, None).unwrap(),
        Filter::And(vec![Filter::Or(country)])
    );
    let note = vec![to(out(NOTE)), to(back(NOTE))];
    assert_eq!(
        asked(NOTE, None).unwrap(),
        Filter::And(vec![Filter::Or(note)])
    );
}

#[test]
fn the_named_link_alone() {
    let to = |step| Filter::And(vec![exists(step, Filter::Ids(vec![ID]))]);
    assert_eq!(asked(AIRPORT, Some("country")).unwrap(), to(out(AIRPORT)));
    assert_eq!(asked(AIRPORT, Some("runways")).unwrap(), to(back(RUNWAY)));
    assert_eq!(
        asked(COUNTRY, Some("neighbours")).unwrap(),
        to(out(COUNTRY))
    );
    for name in ["owner", "name", "airports", "nope"] {
        let expected = ("unknown_link", format!("unknown name {name}"));
        assert_eq!(code_and_detail(asked(AIRPORT, Some(name))), expected);
    }
}

#[test]
fn the_list_at_the_end_of_a_link() {
    let catalog = world();
    let ask = |id, name| linked_query(&catalog, catalog.by_id(id).unwrap(), ID, name);
    assert_eq!(
        ask(AIRPORT, "country"),
        Some((vec![COUNTRY], linked(back(AIRPORT), &[ID])))
    );
    assert_eq!(
        ask(COUNTRY, "airports"),
        Some((vec![AIRPORT], linked(out(AIRPORT), &[ID])))
    );
    assert_eq!(
        ask(COUNTRY, "neighbours"),
        Some((vec![COUNTRY], linked(out(COUNTRY), &[ID])))
    );
    let anything = vec![AIRPORT, COUNTRY, NOTE, RUNWAY];
    assert_eq!(
        ask(NOTE, "about"),
        Some((anything, linked(back(NOTE), &[ID])))
    );
    assert_eq!(
        ask(RUNWAY, "notes"),
        Some((vec![NOTE], linked(out(NOTE), &[ID])))
    );
    for name in ["owner", "name", "Country"] {
        assert_eq!(ask(AIRPORT, name), None, "{name}");
    }
    assert_eq!(ask(COUNTRY, "owns"), None);
}

fn sorted(ids: &[TypeId], name: &str) -> Result<Vec<SortTerm>, Error> {
    let direction = Direction::Descending;
    let name = name.to_owned();
    let catalog = world();
    resolve_sort(
        &catalog,
        &types(&catalog, ids),
        &[SortName { name, direction }],
    )
}

#[test]
fn sorts_are_own_single_values() {
    let direction = Direction::Descending;
    let term = |by| vec![SortTerm { by, direction }];
    assert_eq!(
        sorted(&[AIRPORT], "name").unwrap(),
        term(operand(AIRPORT, 1))
    );
    let created = term(Operand::System(SystemField::CreatedAt));
    assert_eq!(sorted(&[AIRPORT, COUNTRY], "_created_at").unwrap(), created);
    for (ids, name, message) in [
        (&[AIRPORT][..], "nope", "unknown name nope"),
        (&[AIRPORT], "gone", "unknown name gone"),
        (&[AIRPORT], "owner", "unknown name owner"),
        (&[AIRPORT], "tags", "tags is a list and has no order"),
        (&[AIRPORT], "meta", "meta is json and has no order"),
        (&[AIRPORT], "country", "country is a link and has no order"),
        (&[AIRPORT], "airports", "unknown name airports"),
        (
            &[AIRPORT, COUNTRY],
            "name",
            "name is no system field; several types sort by these alone",
        ),
    ] {
        let code = if message.starts_with("unknown") {
            "unknown_field"
        } else {
            "invalid_sort"
        };
        let expected = (code, message.to_owned());
        assert_eq!(code_and_detail(sorted(ids, name)), expected, "{name}");
    }
}

#[test]
fn an_index_that_is_not_ready_is_not_used() {
    let ready = world();
    let building = ready
        .clone()
        .with_building([(AIRPORT, FieldNumber(1))].into());
    let uses = |catalog: &Catalog| {
        let types = types(catalog, &[AIRPORT]);
        let name = SortName {
            name: "name".to_owned(),
            direction: Direction::Ascending,
        };
        let filter = resolve(catalog, &types, &parse_filter("name = \"x\"").unwrap()).unwrap();
        let sort = resolve_sort(catalog, &types, &[name]).unwrap();
        let Filter::Compare(compare) = filter else {
            return None;
        };
        let used = |operand: &Operand| matches!(operand, Operand::Field { indexed: true, .. });
        Some((used(&compare.operand), used(&sort[0].by)))
    };
    assert_eq!(uses(&ready), Some((true, true)));
    assert_eq!(uses(&building), Some((false, false)));
}
