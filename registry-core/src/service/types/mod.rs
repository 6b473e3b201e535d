//! Entity types: define, read, list, change, replace, delete.

mod violation;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Caller, Catalog, EntityId, EntityType, Error, Problem, Scope, TypeId,
    change::{ChangeSet, TypeChange},
    entity_type,
    limits::OPERATIONS,
    port::{CommitError, Conflict, Position, TypeViolation},
    principal::Role,
    problem::Refusal,
    query::{Count, Direction, Filter, Operand, Query, SortTerm, SystemField},
};

use super::{IfMatch, Outcome, Registry, commit::store_error, rights::forbidden};

use violation::refuse_violation;

/// How often a change is decided again when another change of a type came first.
const TRIES: usize = 3;

/// Operations on entity types. Changing them needs the role admin.
#[derive(Clone, Copy, Debug)]
pub struct Types<'a> {
    pub(super) registry: &'a Registry,
}

/// A type as a write left it.
#[derive(Clone, Debug)]
pub struct WrittenType {
    /// The type.
    pub entity_type: Arc<EntityType>,
    /// All types, this one included as it is now.
    pub catalog: Arc<Catalog>,
    /// What happened.
    pub outcome: Outcome,
    /// Place of the change in the log; `None` when unchanged.
    pub position: Option<Position>,
}

/// Some types in order of their names.
#[derive(Clone, Debug)]
pub struct TypePage {
    /// The types.
    pub items: Vec<Arc<EntityType>>,
    /// All types, as they were when the page was read.
    pub catalog: Arc<Catalog>,
    /// The name to go on after; `None` on the last page.
    pub next: Option<String>,
    /// How many match in all.
    pub total: usize,
}

/// What to do about the entities of a type that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeDelete {
    /// Refuse while there are any.
    Empty,
    /// Delete them first, as each could be deleted by itself: what links to them restricts, is unlinked, or goes along.
    Cascade,
}

impl Types<'_> {
    /// Defines a type. 409 `type_exists` when the name is taken.
    pub async fn define(
        &self,
        caller: &Caller,
        document: &Map<String, Value>,
    ) -> Result<WrittenType, Error> {
        require_admin(caller)?;
        let id = TypeId(self.registry.ids.next());
        self.write(caller, |catalog| {
            let now = self.registry.now();
            entity_type::define(document, catalog, id, now).map(Decision::Change)
        })
        .await
    }

    /// Brings the type of this name to exactly this document, or defines it. The document's `name` is that of the path when left out;
    /// another one renames a type that exists. Fields and links that it leaves out must hold no data unless `drop` names them.
    pub async fn replace(
        &self,
        caller: &Caller,
        name: &str,
        document: &Map<String, Value>,
        if_match: Option<&IfMatch>,
        drop: &[String],
    ) -> Result<WrittenType, Error> {
        require_admin(caller)?;
        let id = TypeId(self.registry.ids.next());
        self.write(caller, |catalog| {
            let now = self.registry.now();
            let before = catalog.by_name(name);
            IfMatch::check(if_match, before.map(|before| before.version))?;
            let Some(before) = before else {
                let document = named(document, name)?;
                return entity_type::define(&document, catalog, id, now).map(Decision::Change);
            };
            let document = match document.get("name") {
                None | Some(Value::Null) => &named(document, &before.name)?,
                Some(_) => document,
            };
            let change = entity_type::replace(before, document, drop, catalog, now)?;
            Ok(Decision::of(change, before))
        })
        .await
    }

    /// Changes a type by a merge patch.
    pub async fn change(
        &self,
        caller: &Caller,
        name: &str,
        patch: &Map<String, Value>,
        if_match: Option<&IfMatch>,
    ) -> Result<WrittenType, Error> {
        require_admin(caller)?;
        self.write(caller, |catalog| {
            let before = present(catalog, name)?;
            IfMatch::check(if_match, Some(before.version))?;
            let change = entity_type::change(before, patch, catalog, self.registry.now())?;
            Ok(Decision::of(change, before))
        })
        .await
    }

    /// Deletes a type. 409 `type_in_use` while links of other types name it, or while it has entities.
    ///
    /// With [`TypeDelete::Cascade`] its entities go first, newest first, up to 10,000 at a time: each of those steps happens whole or not
    /// at all, and a refusal leaves what the steps before it did.
    pub async fn delete(
        &self,
        caller: &Caller,
        name: &str,
        if_match: Option<&IfMatch>,
        mode: TypeDelete,
    ) -> Result<Position, Error> {
        require_admin(caller)?;
        self.registry.invalidate();
        let mut tries = 0;
        loop {
            let catalog = self.registry.catalog().await?;
            let before = present(&catalog, name)?;
            IfMatch::check(if_match, Some(before.version))?;
            let change = entity_type::remove(before, &catalog)?;
            if mode == TypeDelete::Cascade {
                self.delete_entities(caller, before.id).await?;
            }
            tries += 1;
            match self.commit(caller, &change).await {
                // Entities that were created since the last of them was deleted.
                Err(Failed::Violation(violation))
                    if mode == TypeDelete::Empty || tries == TRIES =>
                {
                    return Err(refuse_violation(&change, violation));
                }
                Err(Failed::Violation(_)) => {}
                Err(Failed::Outdated) if tries < TRIES => {}
                Err(Failed::Outdated) => return Err(Error::Contention),
                Err(Failed::Error(error)) => return Err(error),
                Ok(position) => return Ok(position),
            }
        }
    }

    /// The type of this name, ignoring case.
    pub async fn read(&self, name: &str) -> Result<(Arc<Catalog>, Arc<EntityType>), Error> {
        self.registry.entity_type(name).await
    }

    /// The JSON Schema 2020-12 of the `fields` of a type's entities.
    pub async fn schema(&self, name: &str) -> Result<Value, Error> {
        let (_, entity_type) = self.read(name).await?;
        Ok(entity_type::schema::json_schema(&entity_type))
    }

    /// The types that carry a tag, or all, after a name and in order of names; at most `limit` (from 1).
    pub async fn list(
        &self,
        tag: Option<&str>,
        limit: usize,
        after: Option<&str>,
    ) -> Result<TypePage, Error> {
        let catalog = self.registry.catalog().await?;
        let tagged = |one: &&Arc<EntityType>| {
            tag.is_none_or(|tag| one.tags.iter().any(|other| other == tag))
        };
        let after = after.map(str::to_ascii_lowercase);
        let follows = |one: &&Arc<EntityType>| {
            after
                .as_ref()
                .is_none_or(|after| one.name.to_ascii_lowercase() > *after)
        };
        let total = catalog.types().iter().filter(tagged).count();
        let mut rest = catalog.types().iter().filter(tagged).filter(follows);
        let items: Vec<Arc<EntityType>> = rest.by_ref().take(limit).cloned().collect();
        let more = rest.next().is_some();
        Ok(TypePage {
            next: items.last().filter(|_| more).map(|last| last.name.clone()),
            items,
            total,
            catalog,
        })
    }

    /// Deletes every entity of a type, newest first, since links mostly lead from newer entities to older ones.
    async fn delete_entities(&self, caller: &Caller, type_id: TypeId) -> Result<(), Error> {
        let mut step = OPERATIONS;
        loop {
            let found = self
                .registry
                .store
                .find(&Query {
                    types: vec![type_id],
                    filter: Filter::And(Vec::new()),
                    sort: vec![SortTerm {
                        by: Operand::System(SystemField::Id),
                        direction: Direction::Descending,
                    }],
                    scope: Scope::Everything,
                    limit: step,
                    after: None,
                    count: Count::None,
                })
                .await
                .map_err(store_error)?;
            if found.items.is_empty() {
                return Ok(());
            }
            let ids: Vec<EntityId> = found.items.iter().map(|entity| entity.id).collect();
            match self.registry.entities().delete_many(caller, &ids).await {
                Ok(_) => {}
                // Others go along: fewer at a time may still be few enough.
                Err(Error::Refused(refused))
                    if refused.code == "too_many_affected" && ids.len() > 1 =>
                {
                    step = ids.len() / 2;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Decides under the present catalog and commits, again when another change of a type came between.
    async fn write(
        &self,
        caller: &Caller,
        decide: impl Fn(&Catalog) -> Result<Decision, Error>,
    ) -> Result<WrittenType, Error> {
        self.registry.invalidate();
        for _ in 0..TRIES {
            let catalog = self.registry.catalog().await?;
            let change = match decide(&catalog)? {
                Decision::Unchanged(entity_type) => {
                    return Ok(WrittenType {
                        entity_type,
                        catalog,
                        outcome: Outcome::Unchanged,
                        position: None,
                    });
                }
                Decision::Change(change) => change,
            };
            match self.commit(caller, &change).await {
                Ok(position) => return self.written(change, position).await,
                Err(Failed::Outdated) => {}
                Err(Failed::Violation(violation)) => {
                    return Err(refuse_violation(&change, violation));
                }
                Err(Failed::Error(error)) => return Err(error),
            }
        }
        Err(Error::Contention)
    }

    async fn written(&self, change: TypeChange, position: Position) -> Result<WrittenType, Error> {
        let Some(entity_type) = change.after else {
            return Err(Error::Internal(
                "a written type has no definition".to_owned(),
            ));
        };
        Ok(WrittenType {
            entity_type,
            catalog: self.registry.catalog_for_telling().await?,
            outcome: match change.before {
                None => Outcome::Created,
                Some(_) => Outcome::Updated,
            },
            position: Some(position),
        })
    }

    async fn commit(&self, caller: &Caller, change: &TypeChange) -> Result<Position, Failed> {
        let set = ChangeSet {
            actor: caller.actor.clone(),
            at: change
                .after
                .as_ref()
                .map_or_else(|| self.registry.now(), |after| after.updated_at),
            scope: Scope::Everything,
            types: Vec::new(),
            operations: Vec::new(),
            type_change: Some(change.clone()),
        };
        let result = self.registry.store.commit(set).await;
        // Whatever came of it, the catalog in memory may be old now.
        self.registry.invalidate();
        result.map(|receipt| receipt.position).map_err(Failed::of)
    }
}

/// What to do, decided from a document and a catalog.
enum Decision {
    Change(TypeChange),
    Unchanged(Arc<EntityType>),
}

impl Decision {
    fn of(change: Option<TypeChange>, before: &Arc<EntityType>) -> Self {
        change.map_or_else(|| Self::Unchanged(Arc::clone(before)), Self::Change)
    }
}

/// Why a commit of a type change came to nothing.
enum Failed {
    /// Another change of a type came first.
    Outdated,
    Violation(TypeViolation),
    Error(Error),
}

impl Failed {
    fn of(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(Conflict::CatalogChanged | Conflict::TypeChanged { .. }) => {
                Self::Outdated
            }
            CommitError::Conflict(Conflict::Violation(violation)) => Self::Violation(violation),
            CommitError::Conflict(other) => Self::Error(Error::Internal(format!(
                "a change of a type met a conflict about entities: {other}"
            ))),
            CommitError::Store(error) => Self::Error(store_error(error)),
        }
    }
}

fn require_admin(caller: &Caller) -> Result<(), Error> {
    if caller.role == Role::Admin {
        return Ok(());
    }
    Err(forbidden("changing entity types needs the role admin"))
}

fn present<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Arc<EntityType>, Error> {
    catalog
        .by_name(name)
        .ok_or_else(|| Error::not_found("entity type"))
}

/// The document with the name of its path, which it may not contradict.
fn named(document: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, Error> {
    let mut document = document.clone();
    match document.get("name") {
        None | Some(Value::Null) => {
            document.insert("name".to_owned(), Value::String(name.to_owned()));
        }
        Some(Value::String(given)) if !given.eq_ignore_ascii_case(name) => {
            let message = format!("there is no type {name} to rename to {given}");
            let problem = Problem::at("/name", "name_mismatch", message);
            let mut error = Error::problems(Refusal::Invalid, "invalid_type", vec![problem]);
            if let Error::Refused(refused) = &mut error {
                // As for every document that breaks the rules of types.
                refused.code = "invalid_type";
            }
            return Err(error);
        }
        Some(_) => {}
    }
    Ok(document)
}
