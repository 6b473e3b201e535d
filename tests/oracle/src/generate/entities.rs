//! Writes of single entities and their links.

use registry_core::{
    EntityId, EntityType, LinkTargets,
    entity_type::{Cardinality, Link},
};
use serde_json::{Value, json};

use super::{Generator, values};
use crate::{
    fixed::id,
    step::{Document, Op},
};

impl Generator {
    /// An id that no entity has; of one that was deleted now and then.
    fn free_id(&mut self) -> EntityId {
        for _ in 0..8 {
            let id = id(1 + self.draw.below(self.shape.ids()));
            if self.view.entities.iter().all(|one| one.id != id) {
                return id;
            }
        }
        id(1 + self.draw.below(self.shape.ids()))
    }

    /// An entity that is there, as type name and id; now and then one that is not, or of another type.
    pub(super) fn target(&mut self) -> (String, EntityId) {
        let id = match self.draw.any(&self.view.entities) {
            Some(entity) if !self.draw.once_in(25) => entity.id,
            _ => id(1 + self.draw.below(self.shape.ids())),
        };
        let known = self.view.entities.iter().find(|one| one.id == id);
        let of = known.and_then(|one| self.view.catalog.by_id(one.type_id));
        let of = match of {
            Some(of) if !self.draw.once_in(40) => Some(of.name.clone()),
            _ => self.entity_type().map(|of| of.name.clone()),
        };
        (of.unwrap_or_else(|| "nothing".to_owned()), id)
    }

    /// An entity that a link may lead to; now and then another.
    pub(super) fn end_of(&mut self, to: &LinkTargets) -> EntityId {
        let allowed: Vec<EntityId> = self
            .view
            .entities
            .iter()
            .filter(|one| to.allows(one.type_id))
            .map(|one| one.id)
            .collect();
        match self.draw.any(&allowed) {
            Some(id) if !self.draw.once_in(30) => *id,
            _ => id(1 + self.draw.below(self.shape.ids())),
        }
    }

    pub(super) fn field_value(&mut self, field: &registry_core::entity_type::Field) -> Value {
        if field.list {
            let count = self.draw.below(4);
            let values = (0..count).map(|_| values::value(&mut self.draw, &field.kind));
            return Value::Array(values.collect());
        }
        if field.unique
            && matches!(field.kind, registry_core::field::Kind::Text(_))
            && !self.draw.once_in(3)
        {
            return json!(format!("u{}", self.draw.below(self.shape.ids())));
        }
        if field.unique
            && matches!(field.kind, registry_core::field::Kind::Integer(_))
            && !self.draw.once_in(3)
        {
            return json!(self.draw.below(self.shape.ids()));
        }
        values::value(&mut self.draw, &field.kind)
    }

    fn link_value(&mut self, link: &Link) -> Value {
        match link.cardinality {
            Cardinality::One => json!(self.end_of(&link.to)),
            Cardinality::Many => {
                let count = self.draw.below(4);
                let ends = (0..count).map(|_| json!(self.end_of(&link.to)));
                Value::Array(ends.collect())
            }
        }
    }

    /// The body of a creation or replacement: most fields, some links.
    pub(super) fn body(&mut self, of: &EntityType) -> Document {
        let mut fields = Document::new();
        for field in of.live_fields() {
            if field.required || !self.draw.once_in(4) {
                let value = self.field_value(field);
                fields.insert(field.name.clone(), value);
            } else if self.draw.once_in(6) {
                fields.insert(field.name.clone(), Value::Null);
            }
        }
        let mut links = Document::new();
        for link in of.live_links() {
            let leads = self.view.entities.iter();
            let leads = leads.filter(|one| link.to.allows(one.type_id)).count() > 0;
            if link.required || leads && self.draw.once_in(2) {
                let value = self.link_value(link);
                links.insert(link.name.clone(), value);
            }
        }
        let mut body = Document::new();
        body.insert("fields".to_owned(), Value::Object(fields));
        body.insert("links".to_owned(), Value::Object(links));
        self.rights(&mut body);
        body
    }

    fn rights(&mut self, body: &mut Document) {
        if self.draw.once_in(3) {
            let owner = self.draw.text(&["org:a", "org:b", "org:default"]);
            body.insert("owners".to_owned(), json!([owner]));
        }
        if self.draw.once_in(2) {
            let readers = self.draw.some(&["public", "team:x", "org:a", "org:b"], 3);
            body.insert("readers".to_owned(), json!(readers));
        }
    }

    /// A body that changes one or two things.
    pub(super) fn patch_body(&mut self, of: &EntityType) -> Document {
        let mut body = Document::new();
        if let Some(field) = self.field_of(of)
            && !self.draw.once_in(5)
        {
            let mut fields = Document::new();
            for field in [Some(field), self.field_of(of)].into_iter().flatten() {
                let value = if self.draw.once_in(4) {
                    Value::Null
                } else {
                    self.field_value(&field)
                };
                fields.insert(field.name, value);
            }
            body.insert("fields".to_owned(), Value::Object(fields));
        }
        let links: Vec<Link> = of.live_links().cloned().collect();
        if let Some(link) = self.draw.any(&links)
            && self.draw.once_in(3)
        {
            let value = if self.draw.once_in(4) {
                Value::Null
            } else {
                self.link_value(link)
            };
            body.insert("links".to_owned(), json!({link.name.clone(): value}));
        }
        if self.draw.once_in(8) {
            self.rights(&mut body);
        }
        body
    }

    pub(super) fn create(&mut self) -> Op {
        let Some(of) = self.entity_type() else {
            return self.define();
        };
        let id = (!self.draw.once_in(6)).then(|| self.free_id());
        Op::Create {
            of: self.spelt(&of.name),
            id,
            body: self.body(&of),
        }
    }

    fn spelt(&mut self, name: &str) -> String {
        if self.draw.once_in(10) {
            name.to_ascii_uppercase()
        } else {
            name.to_owned()
        }
    }

    /// The version that a writer expects: none, the present one, or another.
    fn if_match(&mut self, of: EntityId) -> Option<i64> {
        let present = self.view.entities.iter().find(|one| one.id == of);
        let present = present.map(|one| one.version.0);
        match self.draw.below(12) {
            0 => present,
            1 => Some(99),
            _ => None,
        }
    }

    pub(super) fn put(&mut self) -> Op {
        let (of, id) = self.target();
        let id = if self.draw.once_in(6) {
            self.free_id()
        } else {
            id
        };
        let body = match self.view.catalog.by_name(&of).cloned() {
            Some(of) => self.body(&of),
            None => Document::new(),
        };
        Op::Put {
            if_match: self.if_match(id),
            of,
            id,
            body,
        }
    }

    pub(super) fn patch(&mut self) -> Op {
        let (of, id) = self.target();
        let body = match self.view.catalog.by_name(&of).cloned() {
            Some(of) => self.patch_body(&of),
            None => Document::new(),
        };
        Op::Patch {
            if_match: self.if_match(id),
            of,
            id,
            body,
        }
    }

    pub(super) fn delete(&mut self) -> Op {
        let (of, id) = self.target();
        Op::Delete {
            if_match: self.if_match(id),
            of,
            id,
        }
    }

    /// Two entities to link or unlink, from either end; the wrong ones now and then.
    pub(super) fn link_or_unlink(&mut self) -> Op {
        let linked: Vec<(EntityId, registry_core::LinkNumber, EntityId)> = self
            .view
            .entities
            .iter()
            .flat_map(|one| {
                one.links.iter().flat_map(move |(link, targets)| {
                    targets.iter().map(move |target| (one.id, *link, *target))
                })
            })
            .collect();
        let unlink = self.draw.once_in(2);
        let (holder, link, target) = match self.draw.any(&linked) {
            Some(found) if unlink => *found,
            _ => {
                let (_, id) = self.target();
                let of = self.type_of(id);
                let links: Vec<Link> = of.iter().flat_map(|of| of.live_links().cloned()).collect();
                let Some(link) = self.draw.any(&links).cloned() else {
                    return self.create();
                };
                (id, link.number, self.end_of(&link.to))
            }
        };
        let Some(of) = self.type_of(holder) else {
            return self.create();
        };
        let Some(link) = of.link(link) else {
            return self.create();
        };
        let (of, id, link, target) = if self.draw.once_in(2) {
            (of.name.clone(), holder, link.name.clone(), target)
        } else {
            let far = self.type_of(target);
            let far = far.map_or_else(|| "nothing".to_owned(), |far| far.name.clone());
            (far, target, link.inverse.clone(), holder)
        };
        if unlink {
            Op::Unlink {
                of,
                id,
                link,
                target,
            }
        } else {
            Op::Link {
                of,
                id,
                link,
                target,
            }
        }
    }
}
