//! Filters from the grammar: every operator on every kind, lists, missing values, paths over links both ways.

use std::sync::Arc;

use registry_core::{Entity, EntityId, EntityType, field::Kind};
use serde_json::Value;

use super::{Generator, values};
use crate::fixed::id;

const COMPARISONS: [&str; 7] = ["=", "!=", ">", ">=", "<", "<=", "~"];

/// What a path ends at.
enum End {
    Field(Kind),
    Id,
    Version,
    Time,
    Person,
}

impl Generator {
    /// An expression over a type, at most so deep.
    pub(super) fn filter(&mut self, of: &Arc<EntityType>, depth: usize) -> String {
        match self.draw.below(if depth == 0 { 8 } else { 14 }) {
            0..=7 => self.comparison(of, depth),
            8 | 9 => {
                let inner = self.filter(of, depth - 1);
                if self.draw.once_in(3) {
                    format!("not {inner}")
                } else {
                    format!("NOT ({inner})")
                }
            }
            10 | 11 => format!("{} AND {}", self.group(of, depth), self.group(of, depth)),
            12 => format!("{} OR {}", self.group(of, depth), self.group(of, depth)),
            _ => format!("({})", self.filter(of, depth - 1)),
        }
    }

    fn group(&mut self, of: &Arc<EntityType>, depth: usize) -> String {
        let inner = self.filter(of, depth - 1);
        if self.draw.once_in(2) {
            format!("({inner})")
        } else {
            inner
        }
    }

    /// A link or inverse name of a type, and the types at its other end.
    fn hop(&mut self, of: &Arc<EntityType>) -> Option<(String, Vec<Arc<EntityType>>)> {
        let catalog = Arc::clone(&self.view.catalog);
        let out = of.live_links().map(|link| {
            let far = catalog.targets(link).into_iter().map(Arc::clone).collect();
            (link.name.clone(), far)
        });
        let back = catalog
            .incoming(of.id)
            .map(|one| (one.link.inverse.clone(), vec![Arc::clone(one.holder)]));
        let hops: Vec<(String, Vec<Arc<EntityType>>)> = out.chain(back).collect();
        self.draw.any(&hops).cloned()
    }

    /// The entities that a link leads to from one, either way, with the name that it has there.
    fn ends_of(&self, from: &Entity) -> Vec<(String, EntityId)> {
        let Some(of) = self.view.catalog.by_id(from.type_id) else {
            return Vec::new();
        };
        let mut ends = Vec::new();
        for link in of.live_links() {
            let targets = from.links.get(&link.number).into_iter().flatten();
            ends.extend(targets.map(|target| (link.name.clone(), *target)));
        }
        for one in self.view.catalog.incoming(of.id) {
            for holder in &self.view.entities {
                let targets = holder.links.get(&one.link.number);
                if holder.type_id == one.holder.id
                    && targets.is_some_and(|all| all.contains(&from.id))
                {
                    ends.push((one.link.inverse.clone(), holder.id));
                }
            }
        }
        ends
    }

    /// A comparison that some entity of the type satisfies, for one who may see all of its path.
    fn witness(&mut self, of: &Arc<EntityType>) -> Option<String> {
        let all = self.view.entities.iter();
        let all: Vec<Entity> = all.filter(|one| one.type_id == of.id).cloned().collect();
        let mut at = self.draw.any(&all)?.clone();
        let mut path = String::new();
        for _ in 0..4 {
            if self.draw.once_in(4) {
                break;
            }
            let ends = self.ends_of(&at);
            let Some((name, id)) = self.draw.any(&ends).cloned() else {
                break;
            };
            at = self.view.entities.iter().find(|one| one.id == id)?.clone();
            path.push_str(&name);
            path.push('.');
        }
        if !path.is_empty() && self.draw.once_in(4) {
            return Some(format!("{} = \"{}\"", path.trim_end_matches('.'), at.id));
        }
        let of = Arc::clone(self.view.catalog.by_id(at.type_id)?);
        let field = self.field_of(&of)?;
        let value = at.data.get(&field.number)?.values().first()?;
        let literal = match field.kind.decode(value.as_str()) {
            Value::String(text) => values::quoted(&text),
            other => other.to_string(),
        };
        let name = &field.name;
        Some(match field.kind {
            Kind::Json(_) => format!("{path}{name} IS NOT NULL"),
            Kind::Enum(_) | Kind::Boolean(_) | Kind::Uuid(_) => format!("{path}{name} = {literal}"),
            _ => {
                let operator = self.draw.text(&["=", "<=", ">=", "="]);
                format!("{path}{name} {operator} {literal}")
            }
        })
    }

    fn comparison(&mut self, of: &Arc<EntityType>, depth: usize) -> String {
        if self.draw.once_in(2)
            && let Some(filter) = self.witness(of)
        {
            return filter;
        }
        let mut path = String::new();
        let mut of = Arc::clone(of);
        for _ in 0..3 {
            if !self.draw.once_in(3) {
                break;
            }
            let Some((name, far)) = self.hop(&of) else {
                break;
            };
            path.push_str(&name);
            match self.draw.any(&far).cloned() {
                Some(next) if !self.draw.once_in(5) => of = next,
                _ => return self.at_link(&path),
            }
            if depth > 0 && self.draw.once_in(3) {
                let inner = self.filter(&of, depth - 1);
                return format!("{path}({inner})");
            }
            path.push('.');
        }
        let (name, end) = self.end(&of);
        path.push_str(&name);
        self.test(&path, &end)
    }

    /// A link by itself: ids are compared, or whether there is any.
    fn at_link(&mut self, path: &str) -> String {
        let end = End::Id;
        self.test(path, &end)
    }

    fn end(&mut self, of: &Arc<EntityType>) -> (String, End) {
        match (self.draw.below(8), self.field_of(of)) {
            (0, _) | (_, None) => match self.draw.below(6) {
                0 | 1 => ("_id".to_owned(), End::Id),
                2 => ("_version".to_owned(), End::Version),
                3 => (self.draw.text(&["_created_at", "_updated_at"]), End::Time),
                4 => (self.draw.text(&["_created_by", "_updated_by"]), End::Person),
                _ => ("unknown".to_owned(), End::Version),
            },
            (_, Some(field)) => (field.name.clone(), End::Field(field.kind)),
        }
    }

    fn literal(&mut self, end: &End) -> String {
        match end {
            End::Field(kind) => values::literal(&mut self.draw, kind),
            End::Id => {
                let known = self.draw.any(&self.view.entities).map(|one| one.id);
                let id = known.unwrap_or_else(|| id(1 + self.draw.below(self.shape.ids())));
                format!("\"{id}\"")
            }
            End::Version => self.draw.text(&["1", "2", "3", "1.5", "1e400"]),
            End::Time => {
                let second = 5 + self.draw.below(54);
                format!("\"2026-01-02T03:04:{second:02}Z\"")
            }
            End::Person => self
                .draw
                .text(&["\"user:ann\"", "\"user:\"", "\"user:bob\"", "\"b\""]),
        }
    }

    /// A test that the end allows; now and then one that it does not.
    fn test(&mut self, path: &str, end: &End) -> String {
        let any = self.draw.once_in(30);
        let texts = any
            || matches!(end, End::Person)
            || matches!(end, End::Field(kind) if kind.encoded_as_text());
        let equal_alone = !any
            && matches!(
                end,
                End::Id | End::Field(Kind::Enum(_) | Kind::Boolean(_) | Kind::Uuid(_))
            );
        let none = !any && matches!(end, End::Field(Kind::Json(_)));
        if none || self.draw.once_in(8) {
            let negated = self.draw.text(&["NULL", "NOT NULL", "not null"]);
            return format!("{path} IS {negated}");
        }
        match self.draw.below(10) {
            0 | 1 if !matches!(end, End::Field(Kind::Boolean(_))) => {
                let count = 1 + self.draw.below(3);
                let values: Vec<String> = (0..count).map(|_| self.literal(end)).collect();
                let negated = self.draw.text(&["", "NOT "]);
                format!("{path} {negated}IN ({})", values.join(", "))
            }
            2 | 3 if !equal_alone => {
                format!(
                    "{path} BETWEEN {} AND {}",
                    self.literal(end),
                    self.literal(end)
                )
            }
            4 if texts => format!("{path} STARTS WITH {}", self.literal(end)),
            _ => {
                let most = match (equal_alone, texts) {
                    (true, _) => 2,
                    (false, false) => 6,
                    (false, true) => 7,
                };
                let operator = self.draw.of(&COMPARISONS[..most]);
                format!("{path} {operator} {}", self.literal(end))
            }
        }
    }

    /// A sort over some types: up to three own fields or system fields.
    pub(super) fn sort(&mut self, of: &[Arc<EntityType>]) -> Option<String> {
        let mut terms: Vec<String> = Vec::new();
        for _ in 0..self.draw.below(4) {
            let field = self.draw.any(of).cloned().and_then(|of| self.field_of(&of));
            let name = match field {
                Some(field) if !self.draw.once_in(4) && !field.list && field.kind.comparable() => {
                    field.name
                }
                _ => self
                    .draw
                    .text(&["_id", "_version", "_created_at", "_updated_by"]),
            };
            if terms
                .iter()
                .all(|term| term.trim_start_matches('-') != name)
            {
                let sign = self.draw.text(&["", "-"]);
                terms.push(format!("{sign}{name}"));
            }
        }
        (!terms.is_empty()).then(|| terms.join(","))
    }

    /// The `fields` parameter.
    pub(super) fn fields_parameter(&mut self, of: &EntityType) -> Option<String> {
        let field = self.field_of(of)?;
        if !field.kind.comparable() {
            return None;
        }
        let operator = self.draw.text(&["=", "!=", ">=", "<"]);
        let value = match self.field_value(&field) {
            Value::String(text) => values::quoted(&text),
            other => other.to_string(),
        };
        Some(format!("{}{operator}{value}", field.name))
    }

    /// The `links` parameter.
    pub(super) fn links_parameter(&mut self, of: &Arc<EntityType>) -> String {
        let (_, id) = self.target();
        match self.hop(of) {
            Some((name, _)) if self.draw.once_in(2) => format!("{name}:{id}"),
            _ => id.to_string(),
        }
    }
}
