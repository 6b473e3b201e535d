//! Entities: create, read, replace, merge, delete.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Caller, Catalog, Entity, EntityId, EntityType, Error, Scope, Version,
    port::{EntityRef, Position, RowPatch},
    problem::{Refusal, Refused},
    write::{self, Context, Made, NoTarget, Start},
};

use super::{
    Registry,
    commit::{entity_exists, store_error},
    key_value,
    rights::{may_read, require_write, require_writer, visible},
    write::{Decision, Write},
};

/// Operations on entities.
#[derive(Clone, Copy, Debug)]
pub struct Entities<'a> {
    pub(super) registry: &'a Registry,
}

/// The version that a writer expects (RFC 9110 section 13.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any, but there must be one.
    Any,
    /// One of these; empty never matches.
    OneOf(Vec<Version>),
}

impl IfMatch {
    /// Refuses with `version_mismatch` and the present version unless that is one of the expected.
    pub(super) fn check(expected: Option<&Self>, current: Option<Version>) -> Result<(), Error> {
        let holds = match (expected, current) {
            (None, _) | (Some(Self::Any), Some(_)) => true,
            (Some(Self::OneOf(versions)), Some(current)) => versions.contains(&current),
            (Some(_), None) => false,
        };
        if holds {
            return Ok(());
        }
        Err(Error::Refused(Box::new(Refused {
            class: Refusal::VersionMismatch,
            code: "version_mismatch",
            detail: current.map_or_else(
                || "there is none yet".to_owned(),
                |current| format!("the present version is {current}"),
            ),
            problems: Vec::new(),
            current,
            extra: Vec::new(),
        })))
    }
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new entity.
    Created,
    /// A new version.
    Updated,
    /// Nothing differed: no new version.
    Unchanged,
}

/// An entity as a write left it.
#[derive(Clone, Debug)]
pub struct Written {
    /// The entity.
    pub entity: Entity,
    /// Its type.
    pub entity_type: Arc<EntityType>,
    /// What happened.
    pub outcome: Outcome,
    /// Place of the change in the log; `None` when unchanged.
    pub position: Option<Position>,
}

/// An entity that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The entity.
    pub entity: Entity,
    /// Its type.
    pub entity_type: Arc<EntityType>,
    /// All types, as they were when it was read.
    pub catalog: Arc<Catalog>,
}

impl Entities<'_> {
    /// Creates an entity from a document `{fields, links, owners, readers}`, under this id or a new one. An id used before goes on counting
    /// its versions.
    ///
    /// Refuses with `entity_exists` when any entity of any type has the id; see [`Entities::put`] for the rest.
    pub async fn create(
        &self,
        caller: &Caller,
        type_name: &str,
        id: Option<EntityId>,
        body: &Map<String, Value>,
    ) -> Result<Written, Error> {
        let registry = self.registry;
        let mut write = Write::new(registry, caller, id);
        loop {
            let (_, entity_type) = registry.entity_type(type_name).await?;
            require_writer(caller)?;
            let _held = registry.locks.hold(write.touched()).await;
            let taken = match id {
                Some(id) => self.stored(id).await?.is_some(),
                None => false,
            };
            let version = match id {
                Some(id) if !taken => self.next_version(id).await?,
                _ => Version::FIRST,
            };
            let id = id.unwrap_or_else(|| registry.next_entity_id());
            let at = registry.now();
            let context = Context {
                caller,
                entity_type: &entity_type,
                at,
            };
            let patch = write::read(&entity_type, body, &write::id_alone);
            // A document that is wrong by itself is told so first, whether or not the id is free.
            let made = match decide(context, Start::New, &patch) {
                Err(error) if registry.refused_in_vain(&error, &entity_type).await? => continue,
                decided => decided?,
            };
            if taken {
                return Err(entity_exists(id));
            }
            let decision = Decision::Create(context.create(id, version, made));
            if let Some(written) = write
                .commit(&entity_type, at, decision, &patch.links)
                .await?
            {
                return Ok(written);
            }
        }
    }

    /// Creates the entity, or replaces its fields and links whole; owners and readers stay when left out. Nothing is written when nothing
    /// differs.
    ///
    /// Refuses what cannot be read (`unknown_member`, `read_only_field`), what breaks the type's rules (`unknown_field`, `required_link`,
    /// `owners_empty` and the codes of the field kinds), what the caller may not do (`forbidden`), and what stands against the store
    /// (`entity_exists` for an id of another type or an invisible one, `key_taken`, `link_target_not_found`, `link_target_type`,
    /// `link_cardinality`, `too_many_links`, `version_mismatch`).
    pub async fn put(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        body: &Map<String, Value>,
        if_match: Option<IfMatch>,
    ) -> Result<Written, Error> {
        let registry = self.registry;
        let mut write = Write::new(registry, caller, Some(id));
        loop {
            let (_, entity_type) = registry.entity_type(type_name).await?;
            require_writer(caller)?;
            let _held = registry.locks.hold(write.touched()).await;
            let before = self.stored(id).await?;
            let at = registry.now();
            let context = Context {
                caller,
                entity_type: &entity_type,
                at,
            };
            let patch = write::read(&entity_type, body, &write::id_alone);
            let decision = match before {
                Some(before) if before.type_id == entity_type.id && may_read(caller, &before) => {
                    let made = match decide(context, Start::Replace(&before), &patch) {
                        Err(error) if registry.refused_in_vain(&error, &entity_type).await? => {
                            continue;
                        }
                        decided => decided?,
                    };
                    IfMatch::check(if_match.as_ref(), Some(before.version))?;
                    let after = context.change(&before, made);
                    Decision::of(before, after)
                }
                taken => {
                    let version = match taken {
                        Some(_) => Version::FIRST,
                        None => self.next_version(id).await?,
                    };
                    let made = match decide(context, Start::New, &patch) {
                        Err(error) if registry.refused_in_vain(&error, &entity_type).await? => {
                            continue;
                        }
                        decided => decided?,
                    };
                    IfMatch::check(if_match.as_ref(), None)?;
                    if taken.is_some() {
                        return Err(entity_exists(id));
                    }
                    Decision::Create(context.create(id, version, made))
                }
            };
            if let Some(written) = write
                .commit(&entity_type, at, decision, &patch.links)
                .await?
            {
                return Ok(written);
            }
        }
    }

    /// Merges a document into the entity (RFC 7396): only what is named changes, null clears. Lists and many links are replaced.
    ///
    /// Refuses as [`Entities::put`] does, and with `not_found` when there is no such entity.
    pub async fn patch(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        body: &Map<String, Value>,
        if_match: Option<IfMatch>,
    ) -> Result<Written, Error> {
        let registry = self.registry;
        let mut write = Write::new(registry, caller, Some(id));
        loop {
            let (_, entity_type) = registry.entity_type(type_name).await?;
            require_writer(caller)?;
            let _held = registry.locks.hold(write.touched()).await;
            let before = of_type(&entity_type, self.stored(id).await?);
            let before = visible(caller, before)?;
            let at = registry.now();
            let context = Context {
                caller,
                entity_type: &entity_type,
                at,
            };
            let patch = write::read(&entity_type, body, &write::id_alone);
            let made = match decide(context, Start::Merge(&before), &patch) {
                Err(error) if registry.refused_in_vain(&error, &entity_type).await? => continue,
                decided => decided?,
            };
            IfMatch::check(if_match.as_ref(), Some(before.version))?;
            let after = context.change(&before, made);
            let decision = Decision::of(before, after);
            if let Some(written) = write
                .commit(&entity_type, at, decision, &patch.links)
                .await?
            {
                return Ok(written);
            }
        }
    }

    /// The entity of this type and id; `not_found` when it is absent, invisible, or of another type.
    pub async fn get(&self, caller: &Caller, type_name: &str, id: EntityId) -> Result<Read, Error> {
        let (catalog, entity_type) = self.registry.entity_type(type_name).await?;
        let read = self.registry.read(&[id], &caller.scope()).await?;
        let entity = of_type(&entity_type, read.into_iter().next())
            .ok_or_else(|| Error::not_found("entity"))?;
        Ok(Read {
            entity,
            entity_type,
            catalog,
        })
    }

    /// The entity that holds a key. `value` is the path segment as it came in, still percent-encoded: its parts are separated by `,`.
    ///
    /// Refuses with `not_found` when the type has no such key or no readable entity has the value, and with `invalid_key_value` when the
    /// segment is no value of the key's fields.
    pub async fn by_key(
        &self,
        caller: &Caller,
        type_name: &str,
        key: &str,
        value: &str,
    ) -> Result<Read, Error> {
        let (catalog, entity_type) = self.registry.entity_type(type_name).await?;
        let key = entity_type
            .key_named(key)
            .ok_or_else(|| Error::not_found("key"))?;
        let value = key_value::read(&entity_type, &key, value)?
            .ok_or_else(|| Error::not_found("entity"))?;
        let entity = self
            .registry
            .store
            .by_key(entity_type.id, key.number, &value, &caller.scope())
            .await
            .map_err(store_error)?
            .ok_or_else(|| Error::not_found("entity"))?;
        Ok(Read {
            entity,
            entity_type,
            catalog,
        })
    }

    /// The entity of an id, whoever may read it: only for deciding.
    async fn stored(&self, id: EntityId) -> Result<Option<Entity>, Error> {
        let read = self.registry.read(&[id], &Scope::Everything).await?;
        Ok(read.into_iter().next())
    }

    /// The version with which an id begins: after the deletion of its last life.
    async fn next_version(&self, id: EntityId) -> Result<Version, Error> {
        let last = self
            .registry
            .store
            .last_version(id)
            .await
            .map_err(store_error)?;
        Ok(last.map_or(Version::FIRST, Version::next))
    }
}

/// The entity, if it is of this type: under any other it is not there.
pub(super) fn of_type(entity_type: &EntityType, entity: Option<Entity>) -> Option<Entity> {
    entity.filter(|entity| entity.type_id == entity_type.id)
}

/// What a document makes of an entity. Its link targets are looked at by the commit.
fn decide(context: Context<'_>, start: Start<'_>, patch: &RowPatch) -> Result<Made, Error> {
    if let Start::Replace(before) | Start::Merge(before) = start {
        require_write(context.caller, before)?;
    }
    let data = write::data(context.entity_type, start, patch);
    let find = |_: &_, reference: &EntityRef| match reference {
        EntityRef::Id(id) => Ok(*id),
        EntityRef::Key(_) => Err(NoTarget::Missing),
    };
    write::decide(context, start, patch, data, &find).map_err(Error::refused_write)
}
