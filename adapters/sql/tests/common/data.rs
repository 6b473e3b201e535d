//! Many airports in 250 countries, put into the tables by the set: what a plan is judged on, a reader must be able to count in the head.

use registry_contract::fixture::{airport, airport_type, country, country_type, id};
use registry_core::TypeId;
use registry_sql::{Dialect, Driver, SqlStore};

use super::recording::Recording;

/// Countries; the last ten of them have three airports together.
pub(crate) const COUNTRIES: u32 = 250;
/// Number of the first airport.
pub(crate) const FIRST: u32 = 1_000_000;

/// Fills a new store with the two types, the countries and this many airports:
/// - `elevation` (indexed): a permutation of 0.. that has nothing to do with the order of ids,
/// - `tags` (indexed, list): one of `t000` to `t099`; the last twentieth has `late` too,
/// - `country`: one of the first 240, but for three airports in the last one,
/// - scope: everybody's, every second one's `user:half`, a hundred ones' `user:few`.
#[expect(clippy::too_many_lines, reason = "one statement per table")]
pub(crate) async fn fill<D: Driver>(store: &SqlStore<Recording<D>>, airports: u32) {
    let driver = store.driver();
    let dialect = D::DIALECT;
    let (airport_id, country_id) = (airport_type().id, country_type().id);
    let (airport_type, country_type) = (literal(dialect, airport_id), literal(dialect, country_id));
    let hex = |digits: u32, expression: &str| match dialect {
        Dialect::Sqlite => format!("printf('%0{digits}x', {expression})"),
        Dialect::Postgres => format!("lpad(to_hex({expression}), {digits}, '0')"),
    };
    let json = |text: String| match dialect {
        Dialect::Sqlite => text,
        Dialect::Postgres => format!("({text})::jsonb"),
    };
    let entity_id = |number: &str| match dialect {
        Dialect::Sqlite => format!(
            "unhex('01900000000070008000' || {})",
            hex(12, &format!("({number})"))
        ),
        Dialect::Postgres => format!(
            "('01900000-0000-7000-8000-' || {})::uuid",
            hex(12, &format!("({number})"))
        ),
    };
    assert!(id(1).to_string().starts_with("01900000-0000-7000-8000-"));
    let numbers = |count: u32| match dialect {
        Dialect::Sqlite => format!(
            "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < {count}) SELECT n FROM s) AS s"
        ),
        Dialect::Postgres => format!("generate_series(0, {count} - 1) AS s(n)"),
    };
    let cell = |text: &str| match dialect {
        Dialect::Sqlite => format!("({text})"),
        Dialect::Postgres => format!("({text})::text"),
    };
    let n = cell("s.n");
    let few = format!("s.n % ({airports} / 100) = 0");
    let half = "s.n % 2 = 0";
    let insert = |of: &str, id: &str, data: String, links: String, count: u32| {
        let readers = if count == airports {
            format!(
                "CASE WHEN {few} THEN '[\"user:few\",\"user:half\"]' WHEN {half} THEN '[\"user:half\"]' ELSE '[]' END"
            )
        } else {
            "'[]'".to_owned()
        };
        format!(
            "INSERT INTO entity SELECT {id}, {of}, 1, 1, {}, {}, {}, {}, 1767225600123456 + s.n, 'user:ann', 1767225600123456 + s.n, 'user:ann' FROM {}",
            json(data),
            json(links),
            json("'[\"org:default\"]'".to_owned()),
            json(readers),
            numbers(count)
        )
    };
    let data = format!(
        "'{{\"{}\":\"C' || {n} || '\",\"{}\":\"c' || {} || '\"}}'",
        country::CODE,
        country::NAME,
        cell("s.n % 50")
    );
    let statement = insert(
        &country_type,
        &entity_id("s.n"),
        data,
        "'{}'".to_owned(),
        COUNTRIES,
    );
    driver.run(&statement).await;

    let of_country = format!("(CASE WHEN s.n % ({airports} / 3) = 1 THEN 249 ELSE s.n % 240 END)");
    let elevation = format!("'8' || {}", hex(15, &format!("(s.n * 7919) % {airports}")));
    let tag = format!("'t' || {}", hex(3, "s.n % 100"));
    let late = format!("s.n >= {airports} - {airports} / 20");
    let data = format!(
        "'{{\"{}\":\"K' || {n} || '\",\"{}\":\"Airport ' || {n} || '\",\"{}\":\"' || {elevation} || '\",\"{}\":[\"' || {tag} || (CASE WHEN {late} THEN '\",\"late' ELSE '' END) || '\"],\"{}\":\"open\"}}'",
        airport::ICAO,
        airport::NAME,
        airport::ELEVATION,
        airport::TAGS,
        airport::STATUS,
    );
    let me = entity_id(&format!("s.n + {FIRST}"));
    let target = entity_id(&of_country);
    let target_text = match dialect {
        Dialect::Sqlite => format!("'01900000-0000-7000-8000-' || {}", hex(12, &of_country)),
        Dialect::Postgres => format!("{target}::text"),
    };
    let links = format!(
        "'{{\"{}\":[\"' || {target_text} || '\"]}}'",
        airport::COUNTRY
    );
    driver
        .run(&insert(&airport_type, &me, data, links, airports))
        .await;
    let all = numbers(airports);
    let value = |field: u32, value: &str, when: &str| {
        format!(
            "INSERT INTO field_value (type, field, value, entity) SELECT {airport_type}, {field}, {value}, {me} FROM {all} WHERE {when}"
        )
    };
    let owner = |principal: &str, when: &str| {
        format!(
            "INSERT INTO owner (principal, type, entity) SELECT '{principal}', {airport_type}, {me} FROM {all} WHERE {when}"
        )
    };
    for statement in [
        value(airport::ELEVATION, &elevation, "TRUE"),
        value(airport::TAGS, &tag, "TRUE"),
        value(airport::TAGS, "'late'", &late),
        format!(
            "INSERT INTO unique_key (type, key, value, entity) SELECT {airport_type}, {}, 'K' || {n}, {me} FROM {all}",
            airport::ICAO
        ),
        format!(
            "INSERT INTO link (holder, link, target, holder_type) SELECT {me}, {}, {target}, {airport_type} FROM {all}",
            airport::COUNTRY
        ),
        owner("org:default", "TRUE"),
        owner("user:half", half),
        owner("user:few", &few),
        format!(
            "INSERT INTO owner (principal, type, entity) SELECT 'org:default', {country_type}, {} FROM {}",
            entity_id("s.n"),
            numbers(COUNTRIES)
        ),
    ] {
        driver.run(&statement).await;
    }
    if dialect == Dialect::Postgres {
        driver.run("ANALYZE").await;
    }
}

fn literal(dialect: Dialect, of: TypeId) -> String {
    match dialect {
        Dialect::Sqlite => format!("x'{}'", of.0.simple()),
        Dialect::Postgres => format!("'{}'::uuid", of.0),
    }
}
