//! What names and types refuse, with the place.

use std::sync::Arc;

use uuid::Uuid;

use super::catalog::*;
use crate::{
    Catalog, LinkTargets, TypeId, Version,
    query::{FilterError, parse_filter, resolve},
};

fn error(ids: &[TypeId], filter: &str) -> (usize, String) {
    let FilterError { offset, message } = resolved(ids, filter).unwrap_err();
    (offset, message)
}

#[test]
fn wrong_names_are_refused_with_their_offset() {
    for (filter, offset, message) in [
        ("nope = 1", 0, "unknown name nope"),
        ("gone = 1", 0, "unknown name gone"),
        ("owner = 1", 0, "unknown name owner"),
        ("owner.code = 1", 0, "unknown name owner"),
        ("Name = 1", 0, "unknown name Name"),
        ("_nope = 1", 0, "unknown name _nope"),
        (
            "name = \"x\" AND (country.nope = 1)",
            24,
            "unknown name nope",
        ),
        ("country.airports.gone IS NULL", 17, "unknown name gone"),
        ("runways(nope = 1)", 8, "unknown name nope"),
        ("nope(name = 1)", 0, "unknown name nope"),
        ("name.x = 1", 0, "name is a field and leads nowhere"),
        ("_id.x = 1", 0, "_id is a field and leads nowhere"),
        ("name(x = 1)", 0, "name is a field and leads nowhere"),
        (
            "country.name(x = 1)",
            8,
            "name is a field and leads nowhere",
        ),
        ("country = \"x\"", 10, "not an id"),
        ("country = 5", 10, "not an id"),
        ("country IN (\"x\")", 12, "not an id"),
        ("_id = true", 6, "not an id"),
        (
            "country > \"x\"",
            8,
            "ids compare by = != IN and IS NULL alone",
        ),
        (
            "country ~ \"x\"",
            8,
            "ids compare by = != IN and IS NULL alone",
        ),
        (
            "country BETWEEN \"a\" AND \"b\"",
            0,
            "ids compare by = != IN and IS NULL alone",
        ),
        (
            "_id STARTS WITH \"x\"",
            0,
            "ids compare by = != IN and IS NULL alone",
        ),
    ] {
        assert_eq!(
            error(&[AIRPORT], filter),
            (offset, message.to_owned()),
            "{filter}"
        );
    }
    let long = error(&[COUNTRY], &format!("{} = 1", "a".repeat(500)));
    assert_eq!(long, (0, format!("unknown name {}…", "a".repeat(48))));
    let hidden = error(&[COUNTRY], "owns = 1");
    assert_eq!(hidden, (0, "unknown name owns".to_owned()));
}

#[test]
fn fields_of_different_kinds_do_not_mix() {
    let disagree = |name: &str| format!("{name} is not of one kind in the types that have it here");
    assert_eq!(error(&[NOTE], "about.code = 1"), (6, disagree("code")));
    assert_eq!(error(&[NOTE], "about.size IS NULL"), (6, disagree("size")));
    assert_eq!(error(&[COUNTRY, RUNWAY], "code = 1"), (0, disagree("code")));
    let both = "country is a field of one type here and a link of another".to_owned();
    assert_eq!(error(&[NOTE], "about.country = 1"), (6, both));
}

#[test]
fn a_path_crosses_at_most_four_links() {
    let too_many = "more than 4 links in a path".to_owned();
    let near = "neighbours.".repeat(4);
    assert!(resolved(&[COUNTRY], &format!("{near}code = \"x\"")).is_ok());
    let far = "neighbours.".repeat(5);
    assert_eq!(
        error(&[COUNTRY], &format!("{far}code = \"x\"")),
        (44, too_many.clone())
    );
    // A link at the end is a link of the path; groups count on.
    let alone = format!("{near}neighbours IS NULL");
    assert_eq!(error(&[COUNTRY], &alone), (44, too_many.clone()));
    let grouped = "neighbours.neighbours(neighbours(neighbours(code IS NULL)))";
    assert!(resolved(&[COUNTRY], grouped).is_ok());
    let grouped = "neighbours.neighbours(neighbours(neighbours.neighbours(code IS NULL)))";
    assert_eq!(error(&[COUNTRY], grouped), (44, too_many));
}

#[test]
fn links_that_multiply_are_bounded() {
    let many: Vec<_> = (1..=40)
        .map(|number| {
            let id = TypeId(Uuid::from_u128(number));
            let any = link(10, "to", LinkTargets::Any, &format!("from{number}"));
            entity_type(
                id,
                &format!("t{number}"),
                vec![field(1, "name", text())],
                vec![any],
            )
        })
        .collect();
    let catalog = Catalog::new(Version::FIRST, many);
    let types = [Arc::clone(&catalog.types()[0])];
    let ask = |filter: &str| resolve(&catalog, &types, &parse_filter(filter).unwrap());
    assert!(ask("to.to.name IS NULL").is_ok());
    let message =
        "too many types and links to look through; ask for fewer types, or a shorter path";
    assert_eq!(
        ask("to.to.to.to.name IS NULL"),
        Err(FilterError {
            offset: 12,
            message: message.to_owned()
        })
    );
}
