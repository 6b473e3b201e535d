//! Whole trees.

use crate::query::{Filter, Operand, SystemField, Test};

use super::catalog::*;

#[test]
fn own_fields_and_the_system_fields() {
    let filter =
        r#"(name = "a" OR NOT elevation > 5) AND tags IN ("x", "y") AND _created_by = "user:a""#;
    let expected = Filter::And(vec![
        Filter::Or(vec![
            compare(AIRPORT, 1, equal("a")),
            not(compare(AIRPORT, 2, above(5))),
        ]),
        compare(AIRPORT, 3, Test::In(vec![encoded("x"), encoded("y")])),
        system(SystemField::CreatedBy, equal("user:a")),
    ]);
    assert_eq!(resolved(&[AIRPORT], filter), Ok(expected));
}

#[test]
fn ids_are_looked_up_as_such() {
    for (filter, expected) in [
        (format!(r#"_id = "{ID_TEXT}""#), Filter::Ids(vec![ID])),
        (format!(r#"_id != "{ID_TEXT}""#), not(Filter::Ids(vec![ID]))),
        (
            format!(r#"_id IN ("{}", "{OTHER_TEXT}")"#, ID_TEXT.to_uppercase()),
            Filter::Ids(vec![ID, OTHER]),
        ),
        (
            format!(r#"_id NOT IN ("{ID_TEXT}")"#),
            not(Filter::Ids(vec![ID])),
        ),
        ("_id IS NOT NULL".to_owned(), Filter::And(vec![])),
        ("_version IS NULL".to_owned(), not(Filter::And(vec![]))),
    ] {
        assert_eq!(resolved(&[AIRPORT], &filter), Ok(expected), "{filter}");
    }
}

#[test]
fn negations_stand_outside_the_path() {
    let code = |test| exists(out(AIRPORT), compare(COUNTRY, 1, test));
    let present = Filter::Present(operand(COUNTRY, 1));
    let present = exists(out(AIRPORT), present);
    for (filter, expected) in [
        (
            r#"country.code != "FR""#,
            code(Test::NotEqual(encoded("FR"))),
        ),
        (r#"NOT country.code = "FR""#, not(code(equal("FR")))),
        (
            r#"country.code NOT IN ("FR")"#,
            not(code(Test::In(vec![encoded("FR")]))),
        ),
        ("country.code IS NOT NULL", present.clone()),
        ("country.code IS NULL", not(present)),
        (
            r#"country.code BETWEEN "A" AND "B""#,
            code(Test::Between(encoded("A"), encoded("B"))),
        ),
        (
            r#"country.code STARTS WITH "F%""#,
            code(Test::StartsWith("F%".to_owned())),
        ),
        (
            r#"country.code ~ "\\_""#,
            code(Test::Contains("\\_".to_owned())),
        ),
    ] {
        assert_eq!(resolved(&[AIRPORT], filter), Ok(expected), "{filter}");
    }
}

#[test]
fn paths_cross_links_in_both_directions() {
    let filter = r#"airports.runways.length_ft > 9000 AND neighbours.neighbours.code = "FR""#;
    let expected = Filter::And(vec![
        exists(
            back(AIRPORT),
            exists(back(RUNWAY), compare(RUNWAY, 1, above(9000))),
        ),
        exists(
            out(COUNTRY),
            exists(out(COUNTRY), compare(COUNTRY, 1, equal("FR"))),
        ),
    ]);
    assert_eq!(resolved(&[COUNTRY], filter), Ok(expected));
}

#[test]
fn a_group_asks_for_one_entity() {
    let filter =
        format!(r#"runways(length_ft > 9000 AND NOT (surface = "ASP" OR airport = "{ID_TEXT}"))"#);
    let expected = exists(
        back(RUNWAY),
        Filter::And(vec![
            compare(RUNWAY, 1, above(9000)),
            not(Filter::Or(vec![
                compare(RUNWAY, 2, equal("ASP")),
                linked(out(RUNWAY), &[ID]),
            ])),
        ]),
    );
    assert_eq!(resolved(&[AIRPORT], &filter), Ok(expected));
}

#[test]
fn a_link_alone_compares_ids() {
    let any = |step| Filter::Linked { step, ids: None };
    let elsewhere = |step| Filter::LinkedElsewhere { step, id: ID };
    for (filter, expected) in [
        (
            format!(r#"country = "{ID_TEXT}""#),
            linked(out(AIRPORT), &[ID]),
        ),
        (
            format!(r#"country != "{ID_TEXT}""#),
            elsewhere(out(AIRPORT)),
        ),
        (
            format!(r#"country IN ("{ID_TEXT}", "{OTHER_TEXT}")"#),
            linked(out(AIRPORT), &[ID, OTHER]),
        ),
        (
            format!(r#"country NOT IN ("{ID_TEXT}")"#),
            not(linked(out(AIRPORT), &[ID])),
        ),
        ("country IS NOT NULL".to_owned(), any(out(AIRPORT))),
        ("country IS NULL".to_owned(), not(any(out(AIRPORT)))),
        (
            format!(r#"runways = "{ID_TEXT}""#),
            linked(back(RUNWAY), &[ID]),
        ),
        (
            format!(r#"runways != "{ID_TEXT}""#),
            elsewhere(back(RUNWAY)),
        ),
        (
            format!(r#"country.neighbours = "{ID_TEXT}""#),
            exists(out(AIRPORT), linked(out(COUNTRY), &[ID])),
        ),
        // With a system field behind it, the entity at the other end must be readable.
        (
            format!(r#"country._id = "{ID_TEXT}""#),
            exists(out(AIRPORT), Filter::Ids(vec![ID])),
        ),
    ] {
        assert_eq!(resolved(&[AIRPORT], &filter), Ok(expected), "{filter}");
    }
}

#[test]
fn a_link_to_any_type_asks_those_that_have_the_field() {
    let filter = r#"about.name = "x""#;
    let expected = exists(
        out(NOTE),
        Filter::Or(vec![
            typed(AIRPORT, compare(AIRPORT, 1, equal("x"))),
            typed(COUNTRY, compare(COUNTRY, 2, equal("x"))),
        ]),
    );
    assert_eq!(resolved(&[NOTE], filter), Ok(expected));
    let one = exists(out(NOTE), typed(RUNWAY, compare(RUNWAY, 1, above(1))));
    assert_eq!(resolved(&[NOTE], "about.length_ft > 1"), Ok(one));
}

#[test]
fn every_way_is_written_for_the_types_it_leads_to() {
    // `airports` is known to countries alone and `text` to notes alone: the step and the type keep them apart.
    let filter = r#"about(airports.name = "x" OR text = "y")"#;
    let expected = exists(
        out(NOTE),
        Filter::Or(vec![
            exists(back(AIRPORT), compare(AIRPORT, 1, equal("x"))),
            typed(NOTE, compare(NOTE, 1, equal("y"))),
        ]),
    );
    assert_eq!(resolved(&[NOTE], filter), Ok(expected));
    let notes = exists(back(NOTE), compare(NOTE, 1, equal("y")));
    assert_eq!(resolved(&[RUNWAY], r#"notes.text = "y""#), Ok(notes));
}

#[test]
fn several_types_at_the_root_follow_the_same_rule() {
    let name = Filter::Or(vec![
        typed(COUNTRY, compare(COUNTRY, 2, equal("x"))),
        typed(AIRPORT, compare(AIRPORT, 1, equal("x"))),
    ]);
    assert_eq!(
        resolved(&[COUNTRY, AIRPORT, RUNWAY], r#"name = "x""#),
        Ok(name)
    );
    let version = system(SystemField::Version, above(3));
    assert_eq!(resolved(&[COUNTRY, AIRPORT], "_version > 3"), Ok(version));
    let none = Filter::Or(vec![
        typed(COUNTRY, Filter::Present(operand(COUNTRY, 2))),
        typed(AIRPORT, Filter::Present(operand(AIRPORT, 1))),
    ]);
    assert_eq!(resolved(&[COUNTRY, AIRPORT], "name IS NULL"), Ok(not(none)));
}

#[test]
fn json_answers_whether_it_is_there() {
    let Filter::Not(inner) = resolved(&[AIRPORT], "meta IS NULL").unwrap() else {
        unreachable!("a NOT")
    };
    let Filter::Present(Operand::Field { field, .. }) = *inner else {
        unreachable!("a presence")
    };
    assert_eq!(field.0, 4);
}
