//! The tables, read past the server, and whether they agree with each other.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::EntityType;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row, SqliteConnection};
use uuid::Uuid;

/// A row of `entity`.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityRow {
    /// Its type.
    pub type_id: Uuid,
    /// Its version.
    pub version: i64,
    /// The version of the type that it was written under.
    pub type_version: i64,
    /// Encoded values by field number.
    pub data: Value,
    /// Targets by link number.
    pub links: Value,
    /// Who owns it.
    pub owners: Value,
    /// Who else reads it.
    pub readers: Value,
}

/// All rows of the tables that hold entities, as of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    /// By id.
    pub types: BTreeMap<Uuid, EntityType>,
    /// By id.
    pub entities: BTreeMap<Uuid, EntityRow>,
    /// Holder, link, target.
    pub links: BTreeSet<(Uuid, i64, Uuid)>,
    /// Type, key, value, entity.
    pub keys: BTreeSet<(Uuid, i64, String, Uuid)>,
    /// Type, field, value, entity.
    pub values: BTreeSet<(Uuid, i64, String, Uuid)>,
    /// Principal, type, entity.
    pub owners: BTreeSet<(String, Uuid, Uuid)>,
    /// Version and operation of each change, by entity, in order of the version; those of types apart.
    pub changes: BTreeMap<Uuid, Vec<(i64, String)>>,
}

const TYPES: &str = "SELECT id, document FROM entity_type";
const ENTITIES: &str = "SELECT id, type, version, type_version, CAST(data AS TEXT), CAST(links AS TEXT), \
     CAST(owners AS TEXT), CAST(readers AS TEXT) FROM entity";
const LINKS: &str = "SELECT holder, link, target FROM link";
const KEYS: &str = "SELECT type, key, value, entity FROM unique_key";
const VALUES: &str = "SELECT type, field, value, entity FROM field_value";
const OWNERS: &str = "SELECT principal, type, entity FROM owner";
const CHANGES: &str =
    "SELECT entity, version, operation FROM change WHERE operation <> 'type' ORDER BY version";

/// Reads through either driver: the rows' types are not the same, their columns are.
macro_rules! read_all {
    ($connection:expr) => {{
        let connection = $connection;
        let mut tables = Tables {
            types: BTreeMap::new(),
            entities: BTreeMap::new(),
            links: BTreeSet::new(),
            keys: BTreeSet::new(),
            values: BTreeSet::new(),
            owners: BTreeSet::new(),
            changes: BTreeMap::new(),
        };
        for row in connection.fetch_all(TYPES).await.unwrap() {
            let document: String = row.get(1);
            let document = serde_json::from_str(&document).unwrap();
            tables.types.insert(row.get(0), document);
        }
        let json = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
        for row in connection.fetch_all(ENTITIES).await.unwrap() {
            let entity = EntityRow {
                type_id: row.get(1),
                version: row.get(2),
                type_version: row.get(3),
                data: json(row.get(4)),
                links: json(row.get(5)),
                owners: json(row.get(6)),
                readers: json(row.get(7)),
            };
            tables.entities.insert(row.get(0), entity);
        }
        for row in connection.fetch_all(LINKS).await.unwrap() {
            tables.links.insert((row.get(0), row.get(1), row.get(2)));
        }
        for row in connection.fetch_all(KEYS).await.unwrap() {
            let key = (row.get(0), row.get(1), row.get(2), row.get(3));
            tables.keys.insert(key);
        }
        for row in connection.fetch_all(VALUES).await.unwrap() {
            let value = (row.get(0), row.get(1), row.get(2), row.get(3));
            tables.values.insert(value);
        }
        for row in connection.fetch_all(OWNERS).await.unwrap() {
            tables.owners.insert((row.get(0), row.get(1), row.get(2)));
        }
        for row in connection.fetch_all(CHANGES).await.unwrap() {
            let of_entity = tables.changes.entry(row.get(0)).or_default();
            of_entity.push((row.get(1), row.get(2)));
        }
        tables
    }};
}

pub(crate) async fn execute(store: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if store.starts_with("postgres://") {
        let mut connection = PgConnection::connect(store).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = SqliteConnection::connect(store).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Tables {
    pub(crate) async fn read(store: &str) -> Self {
        if store.starts_with("postgres://") {
            let mut connection = PgConnection::connect(store).await.unwrap();
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            let mut transaction = connection.begin_with(begin).await.unwrap();
            let tables = read_all!(&mut *transaction);
            drop(transaction);
            connection.close().await.unwrap();
            tables
        } else {
            let mut connection = SqliteConnection::connect(store).await.unwrap();
            let mut transaction = connection.begin().await.unwrap();
            let tables = read_all!(&mut *transaction);
            drop(transaction);
            connection.close().await.unwrap();
            tables
        }
    }

    /// The type of this name.
    pub fn type_named(&self, name: &str) -> &EntityType {
        self.types.values().find(|one| one.name == name).unwrap()
    }

    /// The number of a field or link.
    pub fn number(&self, type_name: &str, name: &str) -> u32 {
        let of = self.type_named(type_name);
        let fields = of.fields.iter().filter(|field| !field.removed);
        let links = of.links.iter().filter(|link| !link.removed);
        fields
            .map(|field| (field.name.as_str(), field.number.0))
            .chain(links.map(|link| (link.name.as_str(), link.number.0)))
            .find(|(known, _)| *known == name)
            .unwrap()
            .1
    }

    /// Checks that every table says what the entities say, by rules written here anew rather than taken from the core.
    pub fn assert_agreement(&self) {
        let mut expected = Self {
            links: BTreeSet::new(),
            keys: BTreeSet::new(),
            values: BTreeSet::new(),
            owners: BTreeSet::new(),
            ..self.clone()
        };
        for (id, entity) in &self.entities {
            expected.add_rows_of(&self.types[&entity.type_id], *id, entity);
        }
        assert_eq!(self.links, expected.links, "link rows and entities differ");
        assert_eq!(self.keys, expected.keys, "key rows and entities differ");
        assert_eq!(
            self.values, expected.values,
            "value rows and entities differ"
        );
        assert_eq!(
            self.owners, expected.owners,
            "owner rows and entities differ"
        );
        for (holder, link, target) in &self.links {
            let of = &self.types[&self.entities[holder].type_id];
            assert!(
                self.entities.contains_key(target),
                "{holder} links to {target}, which is not there"
            );
            let declared = of.links.iter().find(|one| i64::from(one.number.0) == *link);
            if declared.unwrap().inverse == declared.unwrap().name {
                assert!(
                    self.links.contains(&(*target, *link, *holder)),
                    "{target} does not hold the symmetric link of {holder}"
                );
            }
        }
        for (id, changes) in &self.changes {
            let versions: Vec<i64> = changes.iter().map(|(version, _)| *version).collect();
            let all: Vec<i64> = (1..).take(versions.len()).collect();
            assert_eq!(versions, all, "the log skips versions of {id}");
            let deleted = changes.last().unwrap().1 == "delete";
            let present = self.entities.get(id).map(|one| one.version);
            let expected = (!deleted).then(|| *versions.last().unwrap());
            assert_eq!(present, expected, "{id} is not at the log's last version");
        }
        for id in self.entities.keys() {
            assert!(self.changes.contains_key(id), "the log does not know {id}");
        }
    }

    fn add_rows_of(&mut self, of: &EntityType, id: Uuid, entity: &EntityRow) {
        let values = |number: u32| -> Vec<String> {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            match &entity.data[number.to_string()] {
                Value::Array(values) => values.iter().map(text).collect(),
                Value::Null => Vec::new(),
                value => vec![text(value)],
            }
        };
        for field in of.fields.iter().filter(|field| !field.removed) {
            let number = field.number.0;
            for value in values(number) {
                let row = (entity.type_id, i64::from(number), value, id);
                if field.indexed {
                    self.values.insert(row.clone());
                }
                if field.unique {
                    self.keys.insert(row);
                }
            }
        }
        for link in of.links.iter().filter(|link| !link.removed) {
            let number = link.number.0;
            if let Value::Array(targets) = &entity.links[number.to_string()] {
                for target in targets {
                    let target = target.as_str().unwrap().parse().unwrap();
                    self.links.insert((id, i64::from(number), target));
                }
            }
        }
        for list in [&entity.owners, &entity.readers] {
            for principal in list.as_array().unwrap() {
                let principal = principal.as_str().unwrap().to_owned();
                self.owners.insert((principal, entity.type_id, id));
            }
        }
    }
}
