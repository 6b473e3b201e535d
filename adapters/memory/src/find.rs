//! Queries, by the definition of each node.

use std::{
    cell::RefCell,
    cmp::{Ordering, Reverse},
    collections::HashMap,
};

use registry_core::{
    Encoded, Entity, EntityId, Scope,
    port::Found,
    query::{After, Count, Direction, Filter, LinkEnd, LinkStep, Query, SortTerm},
};

use crate::state::State;

impl State {
    pub(crate) fn find(&self, query: &Query) -> Found {
        let judge = Judge {
            state: self,
            scope: &query.scope,
            told: RefCell::default(),
        };
        let mut matches: Vec<(After, &Entity)> = self
            .entities
            .values()
            .filter(|entity| query.types.contains(&entity.type_id))
            .filter(|entity| query.scope.admits(&entity.owners, &entity.readers))
            .filter(|entity| judge.holds(&query.filter, entity))
            .map(|entity| (After::entity(entity, &query.sort), entity))
            .collect();
        matches.sort_by(|(a, _), (b, _)| compare(&query.sort, a, b));
        let total = (query.count == Count::Exact).then_some(matches.len() as u64);
        let mut page = matches.into_iter().filter(|(place, _)| {
            query
                .after
                .as_ref()
                .is_none_or(|after| compare(&query.sort, place, after) == Ordering::Greater)
        });
        let items: Vec<Entity> = page
            .by_ref()
            .take(query.limit)
            .map(|(_, entity)| entity.clone())
            .collect();
        Found {
            items,
            more: page.next().is_some(),
            total,
        }
    }

    /// The other ends whose ids show: a holder shows its targets, readable or not; a target shows the holders that are readable.
    fn shown_ends<'a>(
        &'a self,
        step: &LinkStep,
        entity: &Entity,
        scope: &'a Scope,
    ) -> impl Iterator<Item = EntityId> + use<'a> {
        let to = step.to;
        let ends = self.other_ends(step, entity).into_iter();
        ends.filter(move |id| match to {
            LinkEnd::Target => true,
            LinkEnd::Holder => self.readable(*id, scope).is_some(),
        })
    }

    fn other_ends(&self, step: &LinkStep, entity: &Entity) -> Vec<EntityId> {
        match step.to {
            LinkEnd::Target if entity.type_id == step.holder_type => {
                self.links.targets(entity.id, step.link).collect()
            }
            LinkEnd::Target => Vec::new(),
            LinkEnd::Holder => self
                .links
                .leading_to(entity.id)
                .filter(|row| (row.holder_type, row.link) == (step.holder_type, step.link))
                .map(|row| row.holder)
                .collect(),
        }
    }
}

/// Decides filters over one state under one scope.
struct Judge<'a> {
    state: &'a State,
    scope: &'a Scope,
    /// What was told of the ends of links, by the place of the filter and the entity.
    told: RefCell<HashMap<(*const Filter, EntityId), bool>>,
}

impl Judge<'_> {
    /// Whether a filter holds of an entity.
    fn holds(&self, filter: &Filter, entity: &Entity) -> bool {
        match filter {
            Filter::And(all) => all.iter().all(|one| self.holds(one, entity)),
            Filter::Or(any) => any.iter().any(|one| self.holds(one, entity)),
            Filter::Not(inner) => !self.holds(inner, entity),
            Filter::TypeIs(type_id) => entity.type_id == *type_id,
            Filter::Ids(ids) => ids.contains(&entity.id),
            Filter::Compare(compare) => compare
                .operand
                .values_of(entity)
                .iter()
                .any(|value| compare.test.passes(value)),
            Filter::Present(operand) => !operand.values_of(entity).is_empty(),
            Filter::Linked { step, ids } => self
                .state
                .shown_ends(step, entity, self.scope)
                .any(|id| ids.as_ref().is_none_or(|ids| ids.contains(&id))),
            Filter::LinkedElsewhere { step, id } => self
                .state
                .shown_ends(step, entity, self.scope)
                .any(|other| other != *id),
            Filter::Exists { step, filter } => self
                .state
                .other_ends(step, entity)
                .into_iter()
                .filter_map(|id| self.state.readable(id, self.scope))
                .any(|other| self.holds_of_end(filter, other)),
        }
    }

    /// The same of the other end of a link, told once: many entities lead to the same end, and without it each further link of a path would
    /// multiply the work.
    fn holds_of_end(&self, filter: &Filter, other: &Entity) -> bool {
        let asked = (std::ptr::from_ref(filter), other.id);
        if let Some(told) = self.told.borrow().get(&asked) {
            return *told;
        }
        let holds = self.holds(filter, other);
        self.told.borrow_mut().insert(asked, holds);
        holds
    }
}

/// The order of two places: missing values last in either direction, ties by id in the direction of the last term.
fn compare(sort: &[SortTerm], a: &After, b: &After) -> Ordering {
    let terms = sort.iter().zip(a.values.iter().zip(&b.values));
    let by_terms = terms
        .map(|(term, (a, b))| compare_values(term.direction, a.as_ref(), b.as_ref()))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal);
    by_terms.then_with(|| match sort.last().map(|term| term.direction) {
        Some(Direction::Descending) => Reverse(a.id).cmp(&Reverse(b.id)),
        Some(Direction::Ascending) | None => a.id.cmp(&b.id),
    })
}

fn compare_values(direction: Direction, a: Option<&Encoded>, b: Option<&Encoded>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => match direction {
            Direction::Ascending => a.cmp(b),
            Direction::Descending => b.cmp(a),
        },
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}
