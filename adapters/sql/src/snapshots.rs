//! What is rendered, for both dialects side by side, with a hostile text wherever a value stands.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fmt::Write as _, sync::Arc};

use registry_contract::fixture::{
    Build as _, airport, airport_type, compare, country, country_type, encoded, entity, exists,
    field, id, is, linked, linked_elsewhere, not, principal, query, scope, sort, text, texts,
    to_holder, to_target, update,
};
use registry_core::{
    KeyNumber, Scope, Version,
    change::{ChangeSet, Operation},
    entity_type::EntityType,
    field::encode_integer,
    port::Position,
    query::{After, Count, Direction, Filter, Operand, Query, SystemField, Test},
};

use crate::{
    Dialect, Sql, Statement,
    apply::statement,
    entities, find,
    lead::{self, Lead},
    log, one_statement,
    range::ranges,
    work::Work,
    write::{self, Source, change_columns, entity_columns, key_columns},
};

const HOSTILE: &str = "'; DROP TABLE entity; -- \" $1 ?1 %";
const WHO: &str = "user:'; DROP TABLE entity; --";

/// Renders for both dialects, checks that no value is part of the text, and returns both.
fn both(name: &str, render: impl Fn(Dialect) -> Statement) -> String {
    let mut shown = format!("# {name}\n");
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let statement = render(dialect);
        assert!(
            !statement.text.contains("DROP"),
            "{name}: {}",
            statement.text
        );
        let mark = if dialect == Dialect::Sqlite { '?' } else { '$' };
        for number in 1..=statement.arguments.len() {
            let placeholder = format!("{mark}{number}");
            assert!(
                statement.text.contains(&placeholder),
                "{name}: {placeholder}"
            );
        }
        writeln!(shown, "{dialect:?}: {}", statement.text).unwrap();
    }
    shown.push('\n');
    shown
}

fn pages(name: &str, query: &Query) -> String {
    let stretches = ranges(&query.sort, query.after.as_ref());
    let many = stretches.len();
    let each = stretches.iter().enumerate().map(|(number, range)| {
        let name = if many == 1 {
            name.to_owned()
        } else {
            format!("{name}, stretch {}", number + 1)
        };
        both(&name, |dialect| {
            find::page(dialect, query, range, 51, &Lead::Order)
        })
    });
    each.collect()
}

fn filtered(filter: Filter) -> Query {
    Query {
        filter,
        ..query(&[&airport_type()])
    }
}

fn filters() -> Vec<(&'static str, Filter)> {
    let of = airport_type();
    let number = |number| field(&of, number);
    let value = || encoded(HOSTILE);
    let tests = || {
        vec![
            Test::Equal(value()),
            Test::NotEqual(value()),
            Test::Less(value()),
            Test::AtMost(value()),
            Test::Greater(value()),
            Test::AtLeast(value()),
            Test::Between(value(), value()),
            Test::In(vec![value(), value()]),
            Test::Contains(HOSTILE.to_owned()),
            Test::StartsWith(HOSTILE.to_owned()),
        ]
    };
    let each = |operand: &Operand| {
        Filter::And(
            tests()
                .into_iter()
                .map(|test| compare(operand.clone(), test))
                .collect(),
        )
    };
    let name = is(field(&country_type(), country::NAME), HOSTILE);
    vec![
        ("nothing", Filter::And(Vec::new())),
        ("no alternative", Filter::Or(Vec::new())),
        (
            "or",
            Filter::Or(vec![
                is(number(airport::NAME), HOSTILE),
                is(number(airport::STATUS), HOSTILE),
            ]),
        ),
        ("not", not(is(number(airport::NAME), HOSTILE))),
        ("type", Filter::TypeIs(of.id)),
        ("ids", Filter::Ids(vec![id(1), id(2)])),
        ("no ids", Filter::Ids(Vec::new())),
        ("every test of a field", each(&number(airport::NAME))),
        (
            "every test of an indexed field",
            each(&number(airport::ELEVATION)),
        ),
        (
            "every test of an indexed list",
            each(&number(airport::TAGS)),
        ),
        (
            "every test of a system field of text",
            each(&Operand::System(SystemField::CreatedBy)),
        ),
        (
            "id",
            compare(Operand::System(SystemField::Id), Test::Less(value())),
        ),
        (
            "version",
            compare(
                Operand::System(SystemField::Version),
                Test::In([7, 8].map(encode_integer).to_vec()),
            ),
        ),
        (
            "time",
            compare(
                Operand::System(SystemField::UpdatedAt),
                Test::AtLeast(encoded("2026-01-02T03:04:05.678901Z")),
            ),
        ),
        ("field of another type", name.clone()),
        ("present", Filter::Present(number(airport::NAME))),
        ("list present", Filter::Present(number(airport::TAGS))),
        ("linked", linked(to_target(&of, airport::COUNTRY), None)),
        (
            "linked with",
            linked(to_target(&of, airport::COUNTRY), Some(&[id(1), id(2)])),
        ),
        (
            "linked by",
            linked(to_holder(&of, airport::PARTNERS), Some(&[id(1)])),
        ),
        (
            "linked elsewhere",
            linked_elsewhere(to_target(&of, airport::COUNTRY), id(1)),
        ),
        (
            "across a link",
            exists(to_target(&of, airport::COUNTRY), name.clone()),
        ),
        (
            "across two",
            exists(
                to_holder(&of, airport::PARTNERS),
                exists(to_target(&of, airport::COUNTRY), name),
            ),
        ),
    ]
}

#[test]
fn every_filter() {
    let mut shown = String::new();
    for (name, filter) in filters() {
        let query = Query {
            scope: scope(&[WHO, "group:ops"]),
            ..filtered(filter)
        };
        shown += &pages(name, &query);
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn every_count() {
    let mut shown = both("all", |dialect| {
        find::count(dialect, &filtered(Filter::And(Vec::new())), None)
    });
    for (name, filter) in filters() {
        let query = filtered(filter);
        let candidates = lead::candidates(&query);
        let set = candidates.first();
        shown += &both(name, |dialect| find::count(dialect, &query, None));
        if set.is_some() {
            let name = format!("{name}, from a set");
            shown += &both(&name, |dialect| find::count(dialect, &query, set));
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn every_order() {
    let of = airport_type();
    let countries = country_type();
    let mut shown = pages("by id", &filtered(Filter::And(Vec::new())));
    let base = filtered(Filter::And(Vec::new()));
    let after = |values: &[Option<&str>]| {
        Some(After {
            values: values.iter().map(|one| one.map(encoded)).collect(),
            id: id(7),
        })
    };
    let by_id = Query {
        after: after(&[]),
        ..base.clone()
    };
    shown += &pages("by id, further", &by_id);
    for direction in [Direction::Ascending, Direction::Descending] {
        for (name, number) in [
            ("indexed", airport::ELEVATION),
            ("not indexed", airport::NAME),
        ] {
            let name = format!("{direction:?} by a field, {name}");
            let sorted = Query {
                sort: vec![
                    sort(field(&of, number), direction),
                    sort(Operand::System(SystemField::UpdatedAt), direction),
                ],
                ..base.clone()
            };
            shown += &pages(&name, &sorted);
            let further = Query {
                after: after(&[Some(HOSTILE), Some("2026-01-01T00:00:00Z")]),
                ..sorted.clone()
            };
            shown += &pages(&format!("{name}, further"), &further);
            let missing = Query {
                after: after(&[None, Some("2026-01-01T00:00:00Z")]),
                ..sorted
            };
            shown += &pages(&format!("{name}, among those without a value"), &missing);
        }
    }
    let narrowed = Query {
        filter: compare(
            field(&of, airport::ELEVATION),
            Test::AtLeast(encoded(HOSTILE)),
        ),
        sort: vec![sort(field(&of, airport::ELEVATION), Direction::Ascending)],
        ..base
    };
    shown += &pages("by the field that is filtered by", &narrowed);
    let several = Query {
        sort: vec![sort(field(&of, airport::NAME), Direction::Ascending)],
        ..query(&[&of, &countries])
    };
    shown += &pages("several types by a field of one", &several);
    insta::assert_snapshot!(shown);
}

#[test]
fn every_lead() {
    let of = airport_type();
    let mut shown = String::new();
    let range = |query: &Query| ranges(&query.sort, query.after.as_ref()).swap_remove(0);
    for (name, filter) in filters() {
        let query = Query {
            after: Some(After {
                values: Vec::new(),
                id: id(7),
            }),
            ..filtered(filter)
        };
        let candidates = lead::candidates(&query);
        let Some(first) = candidates.first() else {
            continue;
        };
        shown += &both(&format!("{name}, sizes"), |dialect| {
            lead::sizes(dialect, &candidates)
        });
        let set = Lead::Set(first.clone());
        shown += &both(&format!("{name}, from a set"), |dialect| {
            find::page(dialect, &query, &range(&query), 51, &set)
        });
        if let runs @ Lead::Runs(_) = lead::in_id_order(&query, &candidates) {
            shown += &both(&format!("{name}, from runs"), |dialect| {
                find::page(dialect, &query, &range(&query), 51, &runs)
            });
        }
    }
    let window = filtered(is(field(&of, airport::NAME), HOSTILE));
    shown += &both("a window", |dialect| {
        find::page(dialect, &window, &range(&window), 51, &Lead::Window)
    });
    let scoped = Query {
        scope: scope(&[WHO, "group:ops"]),
        count: Count::Exact,
        ..query(&[&of, &country_type()])
    };
    let candidates = lead::candidates(&scoped);
    let runs = lead::in_id_order(&scoped, &candidates);
    shown += &both("a scope, sizes", |dialect| {
        lead::sizes(dialect, &candidates)
    });
    shown += &both("a scope, from runs", |dialect| {
        find::page(dialect, &scoped, &range(&scoped), 51, &runs)
    });
    let types = query(&[&of, &country_type()]);
    let runs = lead::in_id_order(&types, &[]);
    shown += &both("several types, from runs", |dialect| {
        find::page(dialect, &types, &range(&types), 51, &runs)
    });
    insta::assert_snapshot!(shown);
}

#[test]
fn single_reads_and_the_log() {
    let of = airport_type();
    let scopes = [("all", Scope::Everything), ("a scope", scope(&[WHO]))];
    let mut shown = String::new();
    for (name, scope) in &scopes {
        shown += &both(&format!("by id, {name}"), |dialect| {
            entities::by_ids(dialect, &[id(1)], scope)
        });
        shown += &both(&format!("by ids, {name}"), |dialect| {
            entities::by_ids(dialect, &[id(1), id(2)], scope)
        });
        shown += &both(&format!("by key, {name}"), |dialect| {
            entities::by_key(
                dialect,
                of.id,
                KeyNumber(airport::ICAO),
                &encoded(HOSTILE),
                scope,
            )
        });
    }
    let place = Position {
        transaction: 5,
        sequence: 6,
    };
    shown += &both("head of the log", log::head);
    shown += &both("log from the beginning", |dialect| {
        log::after(dialect, None, 100)
    });
    shown += &both("log from a place", |dialect| {
        log::after(dialect, Some(place), 100)
    });
    shown += &both("history", |dialect| {
        log::of_entity(dialect, id(1), None, 100)
    });
    shown += &both("history before a version", |dialect| {
        log::of_entity(dialect, id(1), Some(Version(3)), 100)
    });
    insta::assert_snapshot!(shown);
}

fn change_set(of: &EntityType, operations: Vec<Operation>) -> ChangeSet {
    ChangeSet {
        actor: principal(WHO),
        scope: scope(&[WHO]),
        types: vec![Arc::new(of.clone())],
        ..registry_contract::fixture::change_set(&[], operations)
    }
}

fn works() -> (Work, Work) {
    let of = airport_type();
    let before = entity(&of, 10)
        .with(airport::ICAO, text(HOSTILE))
        .with(airport::TAGS, texts(&[HOSTILE, "b"]))
        .linked(airport::COUNTRY, &[id(1)])
        .owned_by(&[WHO]);
    let after = before
        .next()
        .with(airport::ICAO, text("another"))
        .with(airport::TAGS, texts(&["c"]))
        .linked(airport::COUNTRY, &[id(2)])
        .owned_by(&["user:bob"]);
    let create = change_set(&of, vec![Operation::Create(before.clone())]);
    let change = change_set(&of, vec![update(&before, &after)]);
    (Work::of(&create), Work::of(&change))
}

#[test]
fn whole_writes() {
    let (create, change) = works();
    assert!(one_statement::possible(&create) && one_statement::possible(&change));
    let mut shown = String::new();
    for (name, work) in [("create", &create), ("update", &change)] {
        let statement = one_statement::render(Dialect::Postgres, work);
        assert!(!statement.text.contains("DROP"), "{}", statement.text);
        writeln!(shown, "# {name}\n{}\n", statement.text).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn every_piece_of_a_write() {
    let (create, change) = works();
    let mut shown = String::new();
    let mut piece = |name: &str, render: &dyn Fn(&mut Sql)| {
        shown += &both(name, |dialect| statement(dialect, |sql| render(sql)));
    };
    piece("insert entities", &|sql| {
        write::insert_entities(sql, Source::Rows(entity_columns(&create.batch.created)));
    });
    piece("update entities", &|sql| {
        write::update_entities(sql, Source::Rows(entity_columns(&change.batch.updated)));
    });
    piece("delete entities", &|sql| {
        write::delete_entities(sql, [(id(1), Version(3))].into_iter());
    });
    piece("keys in", &|sql| {
        write::insert_keys(sql, Source::Rows(key_columns(&create.batch.keys_added)));
    });
    piece("keys out", &|sql| {
        write::delete_keys(sql, Source::Rows(key_columns(&change.batch.keys_removed)));
    });
    for (name, render, rows) in write::side_rows(&change.batch) {
        piece(name, &|sql| render(sql, Source::Rows(rows.clone())));
    }
    piece("changes", &|sql| {
        write::insert_changes(sql, Source::Rows(change_columns(&change.batch.changes)));
    });
    for (name, table, verb, render) in write::SIDE_PIECES {
        piece(&format!("{name}, staged"), &|sql| {
            let staged = Source::Staged {
                table,
                load: id(1).0,
                verb: Some(verb),
            };
            render(sql, staged);
        });
    }
    piece("insert entities, staged", &|sql| {
        let staged = Source::Staged {
            table: "staging_entity",
            load: id(1).0,
            verb: Some("create"),
        };
        write::insert_entities(sql, staged);
    });
    piece("changes, staged", &|sql| {
        let staged = Source::Staged {
            table: "staging_change",
            load: id(1).0,
            verb: None,
        };
        write::insert_changes(sql, staged);
    });
    insta::assert_snapshot!(shown);
}
