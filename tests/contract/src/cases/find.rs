//! Filters: every node by its definition.

use registry_core::{
    Datum, EntityId, EntityType,
    query::{Count, Filter, Operand, Query, SystemField, Test},
};

use crate::{
    Harness, Subject,
    fixture::{
        Build as _, airport, airport_type, compare, country, country_type, encoded, entity, field,
        id, integer, is, not, query, text, texts,
    },
};

async fn assert_finds(subject: &Subject, of: &[&EntityType], filter: Filter, expected: &[u32]) {
    let query = Query {
        filter: filter.clone(),
        count: Count::Exact,
        ..query(of)
    };
    let found = subject.store.find(&query).await.unwrap();
    let ids: Vec<EntityId> = found.items.iter().map(|one| one.id).collect();
    let expected: Vec<EntityId> = expected.iter().map(|number| id(*number)).collect();
    assert_eq!(ids, expected, "{filter:?}");
    assert_eq!(found.total, Some(expected.len() as u64), "{filter:?}");
    assert!(!found.more, "{filter:?}");
}

/// Three countries; the third has nothing.
async fn countries(subject: &Subject) -> EntityType {
    let country = country_type();
    subject.define(&[&country]).await;
    let made = [
        entity(&country, 1)
            .with(country::CODE, text("FR"))
            .with(country::POPULATION, integer(68)),
        entity(&country, 2)
            .with(country::CODE, text("ES"))
            .with(country::POPULATION, integer(-48)),
        entity(&country, 3),
    ];
    subject.create(&[&country], made).await;
    country
}

pub async fn empty_and_is_true_and_empty_or_is_false(harness: impl Harness) {
    let subject = harness.open().await;
    let of = countries(&subject).await;
    let (all, none) = (Filter::And(vec![]), Filter::Or(vec![]));
    assert_finds(&subject, &[&of], all.clone(), &[1, 2, 3]).await;
    assert_finds(&subject, &[&of], none.clone(), &[]).await;
    assert_finds(&subject, &[&of], not(all.clone()), &[]).await;
    assert_finds(&subject, &[&of], not(none.clone()), &[1, 2, 3]).await;
    let nested = Filter::Or(vec![
        none.clone(),
        Filter::And(vec![all.clone(), all.clone()]),
    ]);
    assert_finds(&subject, &[&of], nested, &[1, 2, 3]).await;
    assert_finds(&subject, &[&of], Filter::And(vec![all, none]), &[]).await;
}

pub async fn and_or_and_not_combine(harness: impl Harness) {
    let subject = harness.open().await;
    let of = countries(&subject).await;
    let is_france = is(field(&of, country::CODE), "FR");
    let is_spain = is(field(&of, country::CODE), "ES");
    let either = Filter::Or(vec![is_france.clone(), is_spain.clone()]);
    let both = Filter::And(vec![is_france.clone(), is_spain.clone()]);
    assert_finds(&subject, &[&of], either.clone(), &[1, 2]).await;
    assert_finds(&subject, &[&of], both.clone(), &[]).await;
    assert_finds(&subject, &[&of], not(either.clone()), &[3]).await;
    assert_finds(&subject, &[&of], not(both), &[1, 2, 3]).await;
    assert_finds(&subject, &[&of], not(not(either.clone())), &[1, 2]).await;
    let not_france = Filter::And(vec![either, not(is_france)]);
    assert_finds(&subject, &[&of], not_france, &[2]).await;
    let mut deep = is_spain;
    for _ in 0..30 {
        deep = not(deep);
    }
    assert_finds(&subject, &[&of], deep, &[2]).await;
}

pub async fn a_missing_value_makes_every_comparison_false_and_its_not_true(harness: impl Harness) {
    let subject = harness.open().await;
    let of = countries(&subject).await;
    let code = || field(&of, country::CODE);
    let (low, high) = (encoded(""), encoded("\u{10ffff}"));
    let tests = [
        Test::Equal(encoded("XX")),
        Test::NotEqual(encoded("XX")),
        Test::Less(high.clone()),
        Test::AtMost(high.clone()),
        Test::Greater(low.clone()),
        Test::AtLeast(low.clone()),
        Test::Between(low, high),
        Test::In(vec![encoded("FR"), encoded("ES")]),
        Test::Contains(String::new()),
        Test::StartsWith(String::new()),
    ];
    for test in tests {
        let holds = compare(code(), test.clone());
        let expected: &[u32] = match test {
            Test::Equal(_) => &[],
            _ => &[1, 2],
        };
        assert_finds(&subject, &[&of], holds.clone(), expected).await;
        let others: &[u32] = match test {
            Test::Equal(_) => &[1, 2, 3],
            _ => &[3],
        };
        assert_finds(&subject, &[&of], not(holds), others).await;
    }
    assert_finds(&subject, &[&of], Filter::Present(code()), &[1, 2]).await;
    assert_finds(&subject, &[&of], not(Filter::Present(code())), &[3]).await;
    let empty = compare(code(), Test::In(Vec::new()));
    assert_finds(&subject, &[&of], empty.clone(), &[]).await;
    assert_finds(&subject, &[&of], not(empty), &[1, 2, 3]).await;
}

pub async fn some_element_of_a_list_is_enough(harness: impl Harness) {
    let subject = harness.open().await;
    let of = airport_type();
    subject.define(&[&country_type(), &of]).await;
    let made = [
        entity(&of, 1).with(airport::TAGS, texts(&["b", "a", "b"])),
        entity(&of, 2).with(airport::TAGS, texts(&["c"])),
        entity(&of, 3).with(airport::TAGS, Datum::Many(Vec::new())),
        entity(&of, 4),
    ];
    subject.create(&[&of], made).await;
    let tags = || field(&of, airport::TAGS);
    let on = |test| compare(tags(), test);
    assert_finds(&subject, &[&of], on(Test::Equal(encoded("a"))), &[1]).await;
    assert_finds(&subject, &[&of], on(Test::NotEqual(encoded("a"))), &[1, 2]).await;
    assert_finds(&subject, &[&of], on(Test::NotEqual(encoded("c"))), &[1]).await;
    assert_finds(
        &subject,
        &[&of],
        not(on(Test::Equal(encoded("a")))),
        &[2, 3, 4],
    )
    .await;
    assert_finds(&subject, &[&of], on(Test::Greater(encoded("a"))), &[1, 2]).await;
    let between = Test::Between(encoded("bb"), encoded("cc"));
    assert_finds(&subject, &[&of], on(between), &[2]).await;
    let either = Test::In(vec![encoded("a"), encoded("b"), encoded("c")]);
    assert_finds(&subject, &[&of], on(either), &[1, 2]).await;
    // Two comparisons may be satisfied by two elements.
    let both = Filter::And(vec![
        on(Test::Equal(encoded("a"))),
        on(Test::Equal(encoded("b"))),
    ]);
    assert_finds(&subject, &[&of], both, &[1]).await;
    assert_finds(&subject, &[&of], Filter::Present(tags()), &[1, 2]).await;
    assert_finds(&subject, &[&of], not(Filter::Present(tags())), &[3, 4]).await;
    assert_finds(&subject, &[&of], on(Test::Contains(String::new())), &[1, 2]).await;
    assert_finds(&subject, &[&of], on(Test::StartsWith("c".to_owned())), &[2]).await;
}

pub async fn a_text_is_found_by_its_characters_alone(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let names = [
        "100%",
        "100 percent",
        "a_b",
        "axb",
        "back\\slash",
        "backslash",
        "Caf\u{e9}",
        "Cafe\u{301}",
        "caf\u{e9}",
        "it's",
        "*?[a-z]",
        "",
        "\"q\"",
        "\u{1f600}",
    ];
    for (number, name) in (1..).zip(names) {
        let one = entity(&of, number).with(country::NAME, text(name));
        subject.create(&[&of], [one]).await;
    }
    let literals = [
        "%",
        "_",
        "\\",
        "100%",
        "a_b",
        "k\\s",
        "Caf",
        "caf",
        "\u{e9}",
        "e\u{301}",
        "\u{301}",
        "'",
        "*",
        "?",
        "[a-z]",
        "\"",
        "\u{1f600}",
        "",
        "a",
        "A",
        "slash",
        "%%",
        "\\\\",
    ];
    for literal in literals {
        let number_of = |passes: &dyn Fn(&str) -> bool| -> Vec<u32> {
            let numbered = (1..).zip(names);
            let found = numbered.filter(|(_, name)| passes(name));
            found.map(|(number, _)| number).collect()
        };
        let on = |test| compare(field(&of, country::NAME), test);
        let expected = number_of(&|name| name.contains(literal));
        let contains = on(Test::Contains(literal.to_owned()));
        assert_finds(&subject, &[&of], contains, &expected).await;
        let expected = number_of(&|name| name.starts_with(literal));
        let starts = on(Test::StartsWith(literal.to_owned()));
        assert_finds(&subject, &[&of], starts, &expected).await;
        let expected = number_of(&|name| name == literal);
        assert_finds(
            &subject,
            &[&of],
            on(Test::Equal(encoded(literal))),
            &expected,
        )
        .await;
        let expected = number_of(&|name| name < literal);
        assert_finds(
            &subject,
            &[&of],
            on(Test::Less(encoded(literal))),
            &expected,
        )
        .await;
    }
}

pub async fn several_types_are_searched_together(harness: impl Harness) {
    let subject = harness.open().await;
    let (country, airport) = (country_type(), airport_type());
    subject.define(&[&country, &airport]).await;
    let made = [
        entity(&country, 1).with(country::NAME, text("x")),
        entity(&airport, 2).with(airport::NAME, text("x")),
        entity(&country, 3),
        entity(&airport, 4),
    ];
    subject.create(&[&country, &airport], made).await;
    let both = [&country, &airport];
    let all = Filter::And(Vec::new());
    assert_finds(&subject, &both, all.clone(), &[1, 2, 3, 4]).await;
    assert_finds(&subject, &[&airport], all.clone(), &[2, 4]).await;
    assert_finds(&subject, &both, Filter::TypeIs(country.id), &[1, 3]).await;
    assert_finds(&subject, &both, not(Filter::TypeIs(country.id)), &[2, 4]).await;
    assert_finds(&subject, &[&country], Filter::TypeIs(airport.id), &[]).await;
    // The same number in two types is two fields: 2 is `name` in both.
    let of_country = is(field(&country, country::NAME), "x");
    assert_finds(&subject, &both, of_country.clone(), &[1]).await;
    assert_finds(&subject, &both, not(of_country.clone()), &[2, 3, 4]).await;
    assert_finds(&subject, &[&airport], of_country.clone(), &[]).await;
    let either = Filter::Or(vec![of_country, is(field(&airport, airport::NAME), "x")]);
    assert_finds(&subject, &both, either, &[1, 2]).await;
}

pub async fn entities_are_found_by_id(harness: impl Harness) {
    let subject = harness.open().await;
    let of = countries(&subject).await;
    let ids = |numbers: &[u32]| Filter::Ids(numbers.iter().map(|n| id(*n)).collect());
    assert_finds(&subject, &[&of], ids(&[3, 99, 1, 3]), &[1, 3]).await;
    assert_finds(&subject, &[&of], not(ids(&[3, 99, 1])), &[2]).await;
    assert_finds(&subject, &[&of], ids(&[]), &[]).await;
    assert_finds(&subject, &[&of], not(ids(&[])), &[1, 2, 3]).await;
    let many: Vec<u32> = (2..=1_001).collect();
    assert_finds(&subject, &[&of], ids(&many), &[2, 3]).await;
}

pub async fn system_fields_compare_in_their_encoded_form(harness: impl Harness) {
    let subject = harness.open().await;
    let of = country_type();
    subject.define(&[&of]).await;
    let [first, _, _] = subject
        .create(&[&of], [1, 2, 3].map(|number| entity(&of, number)))
        .await;
    let operations = vec![crate::fixture::update(&first, &first.next())];
    subject.write(&[&of], operations).await.unwrap();
    let second = subject.read(id(2)).await.unwrap();
    let changed = subject.read(id(1)).await.unwrap();
    for system in [
        SystemField::Id,
        SystemField::Version,
        SystemField::CreatedAt,
        SystemField::UpdatedAt,
        SystemField::CreatedBy,
        SystemField::UpdatedBy,
    ] {
        for literal in [system.value_of(&second), system.value_of(&changed)] {
            let entities = [&changed, &second, &subject.read(id(3)).await.unwrap()];
            for test in [
                Test::Equal(literal.clone()),
                Test::NotEqual(literal.clone()),
                Test::Less(literal.clone()),
                Test::AtMost(literal.clone()),
                Test::Greater(literal.clone()),
                Test::AtLeast(literal.clone()),
                Test::Between(literal.clone(), literal.clone()),
                Test::In(vec![literal.clone()]),
            ] {
                let passing = entities
                    .iter()
                    .zip(1..)
                    .filter(|(one, _)| test.passes(&system.value_of(one)));
                let expected: Vec<u32> = passing.map(|(_, number)| number).collect();
                let filter = compare(Operand::System(system), test);
                assert_finds(&subject, &[&of], filter, &expected).await;
            }
        }
        let present = Filter::Present(Operand::System(system));
        assert_finds(&subject, &[&of], present, &[1, 2, 3]).await;
    }
}
