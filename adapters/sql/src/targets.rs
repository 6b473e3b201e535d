//! Link targets: each must be there, inside the scope and of an allowed type, as it will be after the work.

use std::collections::HashMap;

use registry_core::{Entity, EntityId, TypeId, change::TargetCheck, port::Conflict};

use crate::work::Work;

/// What a work itself makes of the entities in it; the store decides about all others.
#[derive(Debug)]
pub(crate) struct Outcomes<'a> {
    work: &'a Work,
    /// The type of an entity that will be there, inside the scope; `None` where it will not.
    own: HashMap<EntityId, Option<TypeId>>,
}

impl<'a> Outcomes<'a> {
    /// Those of a work.
    pub(crate) fn of(work: &'a Work) -> Self {
        let batch = &work.batch;
        let mut own = HashMap::new();
        if !batch.targets.is_empty() {
            let seen = |entity: &Entity| work.scope.admits(&entity.owners, &entity.readers);
            let written = batch.created.iter().chain(&batch.updated);
            own.extend(written.map(|one| (one.id, seen(one).then_some(one.type_id))));
            own.extend(batch.deleted.iter().map(|(id, _, _)| (*id, None)));
        }
        Self { work, own }
    }

    /// The targets that the work does not write itself; a conflict where one that it writes is not what a link asks for.
    pub(crate) fn left_to_the_store(&self) -> Result<Vec<&'a TargetCheck>, Conflict> {
        let mut left = Vec::new();
        for check in &self.work.batch.targets {
            match self.own.get(&check.target) {
                Some(outcome) => judge(check, *outcome)?,
                None => left.push(check),
            }
        }
        Ok(left)
    }

    /// Checks all targets in their order; `stored` are the types of those that the store has inside the scope.
    pub(crate) fn check(&self, stored: &HashMap<EntityId, TypeId>) -> Result<(), Conflict> {
        for check in &self.work.batch.targets {
            let target = &check.target;
            let own = self.own.get(target).copied();
            judge(check, own.unwrap_or_else(|| stored.get(target).copied()))?;
        }
        Ok(())
    }
}

fn judge(check: &TargetCheck, outcome: Option<TypeId>) -> Result<(), Conflict> {
    let (operation, link, target) = (check.operation, check.link, check.target);
    match outcome {
        None => Err(Conflict::TargetMissing {
            operation,
            link,
            target,
        }),
        Some(type_id) if !check.to.allows(type_id) => Err(Conflict::TargetType {
            operation,
            link,
            target,
        }),
        Some(_) => Ok(()),
    }
}
