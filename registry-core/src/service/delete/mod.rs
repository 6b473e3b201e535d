//! Deletes: what goes along, what is unlinked, what forbids it.

mod reach;

use std::collections::BTreeSet;

use crate::{
    Caller, Catalog, Entity, EntityId, Error, Scope,
    change::LinkRow,
    limits,
    port::{Conflict, Position},
    problem::Refusal,
};

use super::{
    Entities, IfMatch,
    commit::{Retry, Unapplied, store_error},
    entities::of_type,
    rights::{require_write, require_writer, visible},
};

use reach::Reach;

/// Targets whose holders are read at once.
const SLICE: usize = 1_000;
/// Link rows read at once while counting what a delete reaches.
const ROWS: usize = 2 * limits::OPERATIONS;
/// Link rows read at most: past them the count of a refusal is a lower bound.
const MOST_ROWS: usize = 64 * ROWS;

impl Entities<'_> {
    /// Deletes the entity and, as `on_delete` of the links that lead to it says, deletes or unlinks their holders, in one transaction.
    ///
    /// Refuses with `restricted` when a link forbids it, `too_many_affected` above 10,000 entities, `forbidden` when one of those that
    /// would be deleted may not be written, `version_mismatch`, `not_found`.
    pub async fn delete(
        &self,
        caller: &Caller,
        type_name: &str,
        id: EntityId,
        if_match: Option<IfMatch>,
    ) -> Result<Position, Error> {
        let registry = self.registry;
        let mut retry = Retry::default();
        let mut touched = vec![id];
        loop {
            let (catalog, entity_type) = registry.entity_type(type_name).await?;
            require_writer(caller)?;
            let _held = registry.locks.hold(touched.iter().copied()).await;
            let read = registry.read(&[id], &Scope::Everything).await?;
            let entity = visible(caller, of_type(&entity_type, read.into_iter().next()))?;
            require_write(caller, &entity)?;
            IfMatch::check(if_match.as_ref(), Some(entity.version))?;
            match self
                .delete_roots(caller, &catalog, vec![entity], &mut touched)
                .await
            {
                Ok(position) => return Ok(position),
                Err(Unapplied::Refused(error)) => return Err(error),
                Err(Unapplied::Again(conflict)) => retry.after(registry, &conflict).await?,
            }
        }
    }

    /// Deletes these entities, of any types, and whatever their going takes along, in one transaction. Absent ones are passed over;
    /// `None` when nothing was left to delete. They do not forbid each other's deletion.
    ///
    /// Refuses as [`Entities::delete`] does; the caller must be allowed to write each.
    pub async fn delete_many(
        &self,
        caller: &Caller,
        ids: &[EntityId],
    ) -> Result<Option<Position>, Error> {
        let registry = self.registry;
        require_writer(caller)?;
        let mut retry = Retry::default();
        let mut touched = ids.to_vec();
        loop {
            let catalog = registry.catalog().await?;
            let _held = registry.locks.hold(touched.iter().copied()).await;
            let present = registry.read(ids, &Scope::Everything).await?;
            if present.is_empty() {
                return Ok(None);
            }
            match self
                .delete_roots(caller, &catalog, present, &mut touched)
                .await
            {
                Ok(position) => return Ok(Some(position)),
                Err(Unapplied::Refused(error)) => return Err(error),
                Err(Unapplied::Again(conflict)) => retry.after(registry, &conflict).await?,
            }
        }
    }

    async fn delete_roots(
        &self,
        caller: &Caller,
        catalog: &Catalog,
        roots: Vec<Entity>,
        touched: &mut Vec<EntityId>,
    ) -> Result<Position, Unapplied> {
        let registry = self.registry;
        let ids: Vec<EntityId> = roots.iter().map(|entity| entity.id).collect();
        let reach = self.reach(catalog, &ids).await?;
        reach.check(catalog)?;
        *touched = reach.touched();
        let known: BTreeSet<EntityId> = ids.into_iter().collect();
        let others: Vec<EntityId> = touched
            .iter()
            .copied()
            .filter(|id| !known.contains(id))
            .collect();
        let mut entities = roots;
        if !others.is_empty() {
            entities.extend(registry.read(&others, &Scope::Everything).await?);
        }
        let at = registry.now();
        let Some(plan) = reach.decide(caller, catalog, at, entities)? else {
            return Err(stale());
        };
        let receipt = registry
            .commit(caller, at, plan.types, plan.operations)
            .await?;
        Ok(receipt.position)
    }

    /// Walks the links towards the roots, level by level.
    async fn reach(&self, catalog: &Catalog, roots: &[EntityId]) -> Result<Reach, Unapplied> {
        let mut reach = Reach::of(roots);
        let mut frontier = roots.to_vec();
        while !frontier.is_empty() && !reach.partial {
            let mut next = Vec::new();
            for slice in frontier.chunks(SLICE) {
                let rows = self.holders(slice).await?;
                reach.partial = rows.len() >= MOST_ROWS || reach.count() >= MOST_ROWS;
                // Another server may have defined the type or link after this catalog was read.
                let Some(doomed) = reach.take(catalog, rows) else {
                    return Err(Unapplied::Again(Conflict::CatalogChanged));
                };
                next.extend(doomed);
                if reach.partial {
                    break;
                }
            }
            frontier = next;
        }
        reach.close();
        if reach.partial && reach.count() <= limits::OPERATIONS && reach.restricting.is_empty() {
            return Err(Unapplied::Refused(
                Error::refused(
                    Refusal::Conflict,
                    "too_many_affected",
                    "too many links lead to what would be deleted",
                )
                .with("count", reach.count()),
            ));
        }
        Ok(reach)
    }

    /// All links that lead to these, as long as they are fewer than [`MOST_ROWS`].
    async fn holders(&self, targets: &[EntityId]) -> Result<Vec<LinkRow>, Error> {
        let mut limit = ROWS;
        loop {
            let store = &self.registry.store;
            let rows = store.holders(targets, limit).await.map_err(store_error)?;
            if rows.len() < limit || limit >= MOST_ROWS {
                return Ok(rows);
            }
            limit *= 8;
        }
    }
}

fn stale() -> Unapplied {
    Unapplied::Again(Conflict::Stale {
        operation: 0,
        current: None,
    })
}
