//! What a change of a type means for the entities stored under it: what they must satisfy, and which rows go and come.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Cardinality, EntityType, Field, Key, Link, LinkTargets, fields};
use crate::{
    Data, Entity, FieldNumber, KeyNumber, LinkNumber,
    change::{KeyRow, TypeChange, key_rows},
    problem::Place,
};

/// The code of data that the change would drop.
const WOULD_DROP: &str = "would_drop";
/// The code of data that the new rules forbid.
const CONFLICT: &str = "type_change_conflict";
/// The code of entities of a type that is removed.
const IN_USE: &str = "type_in_use";

/// Rows that a change of a type makes void, by number, within the type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsToDrop {
    /// Keys whose `unique_key` rows go.
    pub keys: Vec<KeyNumber>,
    /// Fields whose `field_value` rows go; an index of theirs that is being built is not built any further.
    pub values: Vec<FieldNumber>,
    /// Links whose `link` rows go; the holders' copies stay, hidden, for history.
    pub links: Vec<LinkNumber>,
}

impl TypeChange {
    /// Whether the store must look at the stored entities before it writes the type; see [`Self::violations`].
    pub fn looks_at_entities(&self) -> bool {
        self.after.is_none()
            || self.check_entities
            || !self.must_be_unused.is_empty()
            || !self.must_have_no_values.is_empty()
    }

    /// Everything for which one stored entity stands in the way: the name of the field, link or key (empty for the type itself) and
    /// `would_drop`, `type_change_conflict` or `type_in_use`; each pair once.
    ///
    /// It does not see other entities: duplicates of new keys come to light when their rows are built, and targets of
    /// [`Self::narrowed_links`] must be looked up.
    pub fn violations(&self, entity: &Entity) -> Vec<(String, &'static str)> {
        let Some(after) = &self.after else {
            return vec![(String::new(), IN_USE)];
        };
        let Some(before) = &self.before else {
            return Vec::new();
        };
        let mut found: BTreeSet<(String, &'static str)> = BTreeSet::new();
        for (numbers, code) in [
            (&self.must_be_unused, WOULD_DROP),
            (&self.must_have_no_values, CONFLICT),
        ] {
            let used = numbers.iter().filter(|number| holds(entity, **number));
            found.extend(used.map(|number| (name_of(before, *number), code)));
        }
        if self.check_entities {
            let broken = violated_fields(after, &entity.data).into_iter();
            let fields = broken.filter(|number| !self.must_have_no_values.contains(&number.0));
            found.extend(fields.map(|number| (name_of(after, number.0), CONFLICT)));
            let links = after.live_links().filter(|link| breaks(link, entity));
            found.extend(links.map(|link| (link.name.clone(), CONFLICT)));
        }
        found.into_iter().collect()
    }

    /// The rows that the change makes void. Those of a type that is removed are not among them: it has no entities.
    pub fn rows_to_drop(&self) -> RowsToDrop {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return RowsToDrop::default();
        };
        let kept: BTreeSet<KeyNumber> = after.all_keys().map(|key| key.number).collect();
        let removed_links = before
            .live_links()
            .filter(|old| after.link(old.number).is_none_or(|new| new.removed));
        RowsToDrop {
            keys: before
                .all_keys()
                .map(|key| key.number)
                .filter(|number| !kept.contains(number))
                .collect(),
            values: indexed(before)
                .difference(&indexed(after))
                .copied()
                .collect(),
            links: removed_links.map(|link| link.number).collect(),
        }
    }

    /// Keys that get `unique_key` rows, made from every stored entity of the type. Two entities with the same value are a violation with the
    /// key's name and `type_change_conflict`.
    pub fn keys_to_build(&self) -> Vec<Key> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return Vec::new();
        };
        let known: BTreeSet<KeyNumber> = before.all_keys().map(|key| key.number).collect();
        after
            .all_keys()
            .filter(|key| !known.contains(&key.number))
            .collect()
    }

    /// The rows of [`Self::keys_to_build`] that one stored entity gets.
    pub fn keys_of(&self, entity: &Entity) -> Vec<KeyRow> {
        let Some(after) = &self.after else {
            return Vec::new();
        };
        let wanted = self.keys_to_build();
        key_rows(after, entity)
            .filter(|row| wanted.iter().any(|key| key.number == row.key))
            .collect()
    }

    /// Fields that become indexed: where the type has entities, the change leaves their index to be
    /// [built](crate::port::Store::build_index).
    pub fn indexes_to_build(&self) -> Vec<FieldNumber> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return Vec::new();
        };
        indexed(after)
            .difference(&indexed(before))
            .copied()
            .collect()
    }

    /// Links that lead to fewer types than before, with those still allowed: a stored link of that number to an entity of another type is
    /// a violation with the link's name and `type_change_conflict`.
    pub fn narrowed_links(&self) -> Vec<(LinkNumber, LinkTargets)> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return Vec::new();
        };
        pairs_of_links(before, after)
            .filter(|(old, new)| narrowed(&old.to, &new.to))
            .map(|(_, new)| (new.number, new.to.clone()))
            .collect()
    }

    /// Fields and links that the change removes: number and name before.
    pub fn removed(&self) -> impl Iterator<Item = (u32, &str)> {
        let fields = self.before.iter().flat_map(|before| before.live_fields());
        let links = self.before.iter().flat_map(|before| before.live_links());
        fields
            .map(|field| (field.number.0, field.name.as_str()))
            .chain(links.map(|link| (link.number.0, link.name.as_str())))
            .filter(|(number, _)| {
                self.after
                    .as_ref()
                    .is_some_and(|after| gone(after, *number))
            })
    }
}

/// Whether a field or link of this number is not live any more.
fn gone(after: &EntityType, number: u32) -> bool {
    after
        .field(FieldNumber(number))
        .is_none_or(|field| field.removed)
        && after
            .link(LinkNumber(number))
            .is_none_or(|link| link.removed)
}

fn holds(entity: &Entity, number: u32) -> bool {
    entity.data.contains_key(&FieldNumber(number))
        || entity
            .links
            .get(&LinkNumber(number))
            .is_some_and(|targets| !targets.is_empty())
}

/// The fields whose rules, or those of a key they are part of, the data breaks.
fn violated_fields(after: &EntityType, data: &Data) -> BTreeSet<FieldNumber> {
    let problems = fields::check(after, data).err().unwrap_or_default();
    problems
        .iter()
        .filter_map(|problem| {
            let Place::Pointer(pointer) = &problem.place else {
                return None;
            };
            // Names have no letter that a pointer escapes.
            let name = pointer.strip_prefix("/fields/")?.split('/').next()?;
            after.field_named(name).map(|field| field.number)
        })
        .collect()
}

fn name_of(entity_type: &EntityType, number: u32) -> String {
    let field = entity_type.field(FieldNumber(number)).map(|one| &one.name);
    let link = entity_type.link(LinkNumber(number)).map(|one| &one.name);
    field.or(link).cloned().unwrap_or_default()
}

fn breaks(link: &Link, entity: &Entity) -> bool {
    let count = entity.links.get(&link.number).map_or(0, Vec::len);
    (link.required && count == 0) || (link.cardinality == Cardinality::One && count > 1)
}

fn indexed(entity_type: &EntityType) -> BTreeSet<FieldNumber> {
    entity_type
        .live_fields()
        .filter(|field| field.indexed)
        .map(|field| field.number)
        .collect()
}

fn pairs_of_fields<'a>(
    before: &'a EntityType,
    after: &'a EntityType,
) -> impl Iterator<Item = (&'a Field, &'a Field)> {
    after
        .live_fields()
        .filter_map(|new| Some((before.field(new.number)?, new)))
}

fn pairs_of_links<'a>(
    before: &'a EntityType,
    after: &'a EntityType,
) -> impl Iterator<Item = (&'a Link, &'a Link)> {
    after
        .live_links()
        .filter_map(|new| Some((before.link(new.number)?, new)))
}

/// Fields and links whose stored values cannot be read under the type after: those of another kind, those that became a list or ceased to
/// be one, links that became symmetric or ceased to be.
pub(super) fn incompatible(before: &EntityType, after: &EntityType) -> BTreeSet<u32> {
    let fields = pairs_of_fields(before, after)
        .filter(|(old, new)| old.kind.name() != new.kind.name() || old.list != new.list)
        .map(|(_, new)| new.number.0);
    let links = pairs_of_links(before, after)
        .filter(|(old, new)| old.symmetric() != new.symmetric())
        .map(|(_, new)| new.number.0);
    fields.chain(links).collect()
}

/// Whether an entity that was right under the type before could be wrong under the one after.
pub(super) fn tightens(before: &EntityType, after: &EntityType) -> bool {
    let new_required_field = after
        .live_fields()
        .any(|field| field.required && before.field(field.number).is_none());
    let new_required_link = after
        .live_links()
        .any(|link| link.required && before.link(link.number).is_none());
    let known: BTreeSet<KeyNumber> = before.all_keys().map(|key| key.number).collect();
    let new_key = after.all_keys().any(|key| !known.contains(&key.number));
    new_required_field
        || new_required_link
        || new_key
        || pairs_of_fields(before, after).any(|(old, new)| field_tightens(old, new))
        || pairs_of_links(before, after).any(|(old, new)| link_tightens(old, new))
}

fn field_tightens(old: &Field, new: &Field) -> bool {
    let raised = new.min_items.unwrap_or(0) > old.min_items.unwrap_or(0);
    let lowered = new.max_items.unwrap_or(u64::MAX) < old.max_items.unwrap_or(u64::MAX);
    old.kind.name() != new.kind.name()
        || old.list != new.list
        || (new.required && !old.required)
        || (new.unique && !old.unique)
        // Indexed values may be 1,024 bytes long, others more.
        || (new.indexed && !old.indexed)
        || raised
        || lowered
        || rules_tighten(&old.kind.attributes(), &new.kind.attributes())
}

/// Whether the rules of a kind may have become narrower: all but bounds that were moved outwards, choices that were added, and rules that
/// were taken away.
fn rules_tighten(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    new.iter().any(|(name, rule)| match (old.get(name), rule) {
        (Some(before), after) if before == after => false,
        (Some(Value::Array(before)), Value::Array(after)) => {
            before.iter().any(|choice| !after.contains(choice))
        }
        (Some(Value::Number(before)), Value::Number(after)) => {
            let (Some(before), Some(after)) = (before.as_f64(), after.as_f64()) else {
                return true;
            };
            let outwards = if name.starts_with("min") {
                after < before
            } else {
                name.starts_with("max") && after > before
            };
            !outwards
        }
        _ => true,
    })
}

fn link_tightens(old: &Link, new: &Link) -> bool {
    (new.required && !old.required)
        || (old.cardinality == Cardinality::Many && new.cardinality == Cardinality::One)
        || narrowed(&old.to, &new.to)
        || old.symmetric() != new.symmetric()
}

fn narrowed(old: &LinkTargets, new: &LinkTargets) -> bool {
    match (old, new) {
        (_, LinkTargets::Any) => false,
        (LinkTargets::Any, LinkTargets::Types(_)) => true,
        (LinkTargets::Types(old), LinkTargets::Types(new)) => {
            old.iter().any(|one| !new.contains(one))
        }
    }
}
