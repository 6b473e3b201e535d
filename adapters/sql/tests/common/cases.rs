//! The lists that a registry is asked for, by name.

use registry_contract::fixture::{
    airport, airport_type, compare, country, country_type, encoded, exists, field, id, is, linked,
    not, query, scope, sort, to_holder, to_target,
};
use registry_core::{
    Encoded, EntityId, Scope,
    query::{After, Count, Direction, Filter, Query, Test},
};

use super::data::FIRST;

/// The encoded form of an elevation.
pub(crate) fn elevation(value: u32) -> Encoded {
    registry_core::field::encode_integer(i64::from(value))
}

fn page() -> Query {
    Query {
        limit: 50,
        ..query(&[&airport_type()])
    }
}

fn filtered(filter: Filter) -> Query {
    Query { filter, ..page() }
}

/// The same from the middle of the order of ids.
fn middle(query: Query, airports: u32) -> Query {
    Query {
        after: Some(After {
            values: Vec::new(),
            id: airport_id(airports / 2),
        }),
        ..query
    }
}

fn airport_id(number: u32) -> EntityId {
    id(FIRST + number)
}

/// The lists, for a store of so many airports.
#[expect(clippy::too_many_lines, reason = "a list")]
pub(crate) fn cases(airports: u32) -> Vec<(&'static str, Query)> {
    let of = airport_type();
    let high = || field(&of, airport::ELEVATION);
    let tags = || field(&of, airport::TAGS);
    let tag = |text: &str| is(tags(), text);
    let above = |value| compare(high(), Test::AtLeast(elevation(value)));
    let to_country = || to_target(&of, airport::COUNTRY);
    let within =
        |number, name: &str| exists(to_country(), is(field(&country_type(), number), name));
    let few = || scope(&["user:few", "group:none"]);
    let half = || scope(&["user:half", "group:none"]);
    let half_way = airports / 2;
    let by_elevation = |query: Query, direction| Query {
        sort: vec![sort(high(), direction)],
        ..query
    };
    let from = |query: Query, value| Query {
        after: Some(After {
            values: vec![Some(elevation(value))],
            id: airport_id(0),
        }),
        ..query
    };
    let within_scope = |query: Query, scope: Scope| Query { scope, ..query };
    let counted = |query: Query| Query {
        count: Count::Exact,
        limit: 1,
        ..query
    };
    let in_country = |number| linked(to_country(), Some(&[id(number)]));
    let up = Direction::Ascending;
    vec![
        ("all, first", page()),
        ("all, middle", middle(page(), airports)),
        ("half by range, first", filtered(above(half_way))),
        (
            "half by range, middle",
            middle(filtered(above(half_way)), airports),
        ),
        (
            "none of the first by range",
            filtered(compare(
                tags(),
                Test::Between(encoded("late"), encoded("latf")),
            )),
        ),
        ("20 by range", filtered(above(airports - 20))),
        ("1 by equality", filtered(is(high(), &elevation(77).0))),
        (
            "1% by element, middle",
            middle(filtered(tag("t005")), airports),
        ),
        ("5% by element, late", filtered(tag("late"))),
        (
            "2% by two elements",
            filtered(compare(
                tags(),
                Test::In(vec![encoded("t005"), encoded("t006")]),
            )),
        ),
        (
            "half by range and 1% by element",
            filtered(Filter::And(vec![above(half_way), tag("t005")])),
        ),
        (
            "one or the other",
            filtered(Filter::Or(vec![
                above(airports - 20),
                is(high(), &elevation(3).0),
            ])),
        ),
        ("not half", filtered(not(above(half_way)))),
        ("sorted, first", by_elevation(page(), up)),
        ("sorted, middle", from(by_elevation(page(), up), half_way)),
        (
            "sorted down, middle",
            from(by_elevation(page(), Direction::Descending), half_way),
        ),
        (
            "sorted, half by range",
            by_elevation(filtered(above(half_way)), up),
        ),
        (
            "sorted, 1% by element",
            by_elevation(filtered(tag("t005")), up),
        ),
        ("one target, first", filtered(in_country(5))),
        (
            "one target, middle",
            middle(filtered(in_country(5)), airports),
        ),
        ("target without holders", filtered(in_country(245))),
        (
            "target of a name, 2%",
            filtered(within(country::NAME, "c7")),
        ),
        (
            "target of a code, 3 holders",
            filtered(within(country::CODE, "C249")),
        ),
        (
            "countries of one airport",
            Query {
                limit: 50,
                filter: exists(
                    to_holder(&of, airport::COUNTRY),
                    is(high(), &elevation(77).0),
                ),
                ..query(&[&country_type()])
            },
        ),
        ("100 in scope", within_scope(page(), few())),
        (
            "100 in scope, half by range",
            within_scope(filtered(above(half_way)), few()),
        ),
        (
            "100 in scope, sorted",
            within_scope(by_elevation(page(), up), few()),
        ),
        ("half in scope, first", within_scope(page(), half())),
        (
            "half in scope, middle",
            within_scope(middle(page(), airports), half()),
        ),
        (
            "half in scope, 1% by element",
            within_scope(filtered(tag("t005")), half()),
        ),
        ("count all", counted(page())),
        ("count half by range", counted(filtered(above(half_way)))),
        ("count 1% by element", counted(filtered(tag("t005")))),
        ("count one target", counted(filtered(in_country(5)))),
        ("count 100 in scope", counted(within_scope(page(), few()))),
    ]
}
