//! All entity types at one moment, looked up by id, by name and by what leads to them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    EntityType, FieldNumber, TypeId, Version,
    entity_type::{Field, Link, LinkTargets},
};

/// A snapshot of all types.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Grows by one with every change of any type, and with every index that becomes ready.
    pub version: Version,
    building: BTreeSet<(TypeId, FieldNumber)>,
    types: Vec<Arc<EntityType>>,
    by_id: HashMap<TypeId, usize>,
    by_name: HashMap<String, usize>,
}

/// A link seen from a type that it leads to.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The type that declares it.
    pub holder: &'a Arc<EntityType>,
    /// The link.
    pub link: &'a Link,
}

impl Catalog {
    /// A catalog of these types, kept in order of their names; all of their indexes are ready.
    pub fn new(version: Version, mut types: Vec<Arc<EntityType>>) -> Self {
        types.sort_by_key(|one| one.name.to_ascii_lowercase());
        let by_id = types
            .iter()
            .enumerate()
            .map(|(index, one)| (one.id, index))
            .collect();
        let by_name = types
            .iter()
            .enumerate()
            .map(|(index, one)| (one.name.to_ascii_lowercase(), index))
            .collect();
        Self {
            version,
            building: BTreeSet::new(),
            types,
            by_id,
            by_name,
        }
    }

    /// The same with these indexes not ready.
    #[must_use]
    pub fn with_building(mut self, building: BTreeSet<(TypeId, FieldNumber)>) -> Self {
        self.building = building;
        self
    }

    /// The indexed fields whose values are not all in `field_value` yet.
    pub fn building(&self) -> &BTreeSet<(TypeId, FieldNumber)> {
        &self.building
    }

    /// Whether a query may use `field_value` for a field: it is indexed, and all of its values are there.
    pub fn index_ready(&self, type_id: TypeId, field: &Field) -> bool {
        field.indexed && !self.building.contains(&(type_id, field.number))
    }

    /// All types, by name.
    pub fn types(&self) -> &[Arc<EntityType>] {
        &self.types
    }

    /// The type of this id.
    pub fn by_id(&self, id: TypeId) -> Option<&Arc<EntityType>> {
        self.by_id.get(&id).and_then(|index| self.types.get(*index))
    }

    /// The type of this name, ignoring case.
    pub fn by_name(&self, name: &str) -> Option<&Arc<EntityType>> {
        self.by_name
            .get(&name.to_ascii_lowercase())
            .and_then(|index| self.types.get(*index))
    }

    /// The live links that lead to a type, symmetric ones left out: those the type declares itself.
    pub fn incoming(&self, id: TypeId) -> impl Iterator<Item = Incoming<'_>> {
        self.types.iter().flat_map(move |holder| {
            let links = holder
                .live_links()
                .filter(move |link| !link.symmetric() && link.to.allows(id));
            links.map(move |link| Incoming { holder, link })
        })
    }

    /// The live link that leads to a type under this inverse name.
    pub fn incoming_named(&self, id: TypeId, inverse: &str) -> Option<Incoming<'_>> {
        self.incoming(id).find(|one| one.link.inverse == inverse)
    }

    /// The types that a link may lead to.
    pub fn targets<'a>(&'a self, link: &'a Link) -> Vec<&'a Arc<EntityType>> {
        match &link.to {
            LinkTargets::Any => self.types.iter().collect(),
            LinkTargets::Types(ids) => ids.iter().filter_map(|id| self.by_id(*id)).collect(),
        }
    }
}
