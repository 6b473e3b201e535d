//! Whether the tables agree with each other.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::{
    change::{key_rows, link_rows},
    port::StoreError,
};

use crate::{MemoryStore, commit::slot, state::State};

impl MemoryStore {
    /// What differs between the entities and the link and key rows made from them; empty when all is well. For tests.
    pub fn verify(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.state()?.differences())
    }
}

impl State {
    fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut links = BTreeSet::new();
        let mut keys = BTreeMap::new();
        for entity in self.entities.values() {
            let Some(entity_type) = self.types.get(&entity.type_id) else {
                found.push(format!("entity {} has no type", entity.id));
                continue;
            };
            for row in link_rows(entity_type, entity.id, &entity.links) {
                if !self.entities.contains_key(&row.target) {
                    found.push(format!("link {row:?} leads nowhere"));
                }
                links.insert(row);
            }
            for row in key_rows(entity_type, entity) {
                if let Some(other) = keys.insert(slot(&row), row.entity) {
                    found.push(format!("key {row:?} is held by {other} too"));
                }
            }
            if self.last_version(entity.id) != Some(entity.version) {
                found.push(format!("the log ends before entity {}", entity.id));
            }
        }
        if links != self.links.rows().collect() {
            found.push("link rows differ from the entities' copies".to_owned());
        }
        if keys != self.keys {
            found.push("key rows differ from the entities' values".to_owned());
        }
        found
    }
}
