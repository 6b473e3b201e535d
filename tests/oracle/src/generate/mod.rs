//! Steps by chance, fit for what is stored: decided by looking at the reference store, so that most of them are good.

mod entities;
mod filters;
mod loads;
mod reads;
mod types;
mod values;

use std::sync::Arc;

use registry_contract::draw::Draw;
use registry_core::{
    Catalog, Entity, EntityId, EntityType, Scope,
    port::Store,
    query::{Count, Filter, Query},
    service::Registry,
};

use crate::step::{Op, Step, Who};

/// What is stored, as far as it is looked at.
#[derive(Debug, Default)]
struct View {
    catalog: Arc<Catalog>,
    entities: Vec<Entity>,
}

/// Makes steps, one after the other.
#[derive(Debug)]
pub(crate) struct Generator {
    draw: Draw,
    view: View,
    made: usize,
    shape: Shape,
}

/// What kind of sequence is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A few dozen entities, and everything that can be done with them.
    Small,
    /// Thousands of entities, more than any bound of a plan, loaded once; then reads alone.
    Large,
}

/// Steps of one sequence.
pub(crate) const STEPS: usize = 60;

impl Shape {
    /// Ids that are chosen from.
    fn ids(self) -> usize {
        match self {
            Self::Small => 48,
            Self::Large => 20_000,
        }
    }

    /// Rows of an upload, from 1.
    fn rows(self) -> usize {
        match self {
            Self::Small => 6,
            Self::Large => 2_500,
        }
    }
}

impl Generator {
    pub(crate) fn new(seed: u64, shape: Shape) -> Self {
        Self {
            shape,
            draw: Draw(seed),
            view: View::default(),
            made: 0,
        }
    }

    /// Looks at what is stored now; at some of it where it is much.
    pub(crate) async fn look(&mut self, registry: &Registry) -> Result<(), String> {
        let said = |error: &dyn std::fmt::Debug| format!("{error:?}");
        let catalog = registry.catalog().await.map_err(|error| said(&error))?;
        let entities = if catalog.types().is_empty() {
            Vec::new()
        } else {
            let query = Query {
                types: catalog.types().iter().map(|one| one.id).collect(),
                filter: Filter::And(Vec::new()),
                sort: Vec::new(),
                scope: Scope::Everything,
                limit: 1_000,
                after: None,
                count: Count::None,
            };
            let found = Store::find(&**registry.store(), &query).await;
            found.map_err(|error| said(&error))?.items
        };
        self.view = View { catalog, entities };
        Ok(())
    }

    /// The next step: types first, then entities, then anything.
    pub(crate) fn step(&mut self) -> Step {
        self.made += 1;
        if self.shape == Shape::Large {
            return self.large_step();
        }
        let (who, op) = match self.made {
            1..=3 => (Who::Admin, self.define()),
            4..=12 => (Who::Admin, self.create()),
            13 => (Who::Admin, self.upload()),
            _ => match self.draw.below(40) {
                0..=2 => (self.changer(), self.change_type()),
                3 if self.draw.once_in(3) => (Who::Admin, self.delete_type()),
                3 => (Who::Admin, self.define()),
                4 => (Who::Admin, Op::BuildIndexes),
                5..=8 => (self.writer(), self.create()),
                9 | 10 => (self.writer(), self.put()),
                11..=13 => (self.writer(), self.patch()),
                14 | 15 => (self.writer(), self.delete()),
                16..=19 => (self.writer(), self.link_or_unlink()),
                20..=22 => (self.writer(), self.upload()),
                23..=25 => (self.anybody(), self.walk()),
                _ => (self.anybody(), self.read()),
            },
        };
        Step { who, op }
    }

    /// Two types, ten files into them, and reads.
    fn large_step(&mut self) -> Step {
        let (who, op) = match self.made {
            1 | 2 => (Who::Admin, self.define()),
            3..=12 => (Who::Admin, self.upload()),
            13 => (Who::Admin, Op::BuildIndexes),
            _ => {
                let who = self.anybody();
                let op = match self.read() {
                    Op::ListTypes => Op::BuildIndexes,
                    op => op,
                };
                (who, op)
            }
        };
        Step { who, op }
    }

    /// A page's size.
    fn limit(&mut self, most: usize) -> String {
        let scale = match self.shape {
            Shape::Small => 1,
            Shape::Large => 20,
        };
        ((1 + self.draw.below(most)) * scale).to_string()
    }

    fn entity_type(&mut self) -> Option<Arc<EntityType>> {
        self.draw.any(self.view.catalog.types()).cloned()
    }

    fn type_of(&self, id: EntityId) -> Option<Arc<EntityType>> {
        let entity = self.view.entities.iter().find(|one| one.id == id)?;
        self.view.catalog.by_id(entity.type_id).cloned()
    }

    fn changer(&mut self) -> Who {
        if self.draw.once_in(20) {
            Who::Ann
        } else {
            Who::Admin
        }
    }

    fn writer(&mut self) -> Who {
        *self.draw.of(&[
            Who::Admin,
            Who::Admin,
            Who::Admin,
            Who::Admin,
            Who::Ann,
            Who::Bob,
        ])
    }

    fn anybody(&mut self) -> Who {
        *self
            .draw
            .of(&[Who::Admin, Who::Admin, Who::Ann, Who::Bob, Who::Cid])
    }
}
