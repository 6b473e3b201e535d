//! Definitions of types, and their changes.

use registry_core::{
    EntityType, FieldNumber,
    entity_type::{Cardinality, Field},
    field::Kind,
};
use serde_json::{Value, json};

use super::{Generator, values};
use crate::step::{Document, Op};

pub(super) const TYPES: [&str; 5] = ["city", "Road", "person", "thing", "note"];
const FIELDS: [&str; 12] = [
    "code", "name", "size", "state", "born", "seen", "mail", "site", "price", "tags", "extra",
    "flag",
];
const LINKS: [&str; 6] = ["near", "owner_of", "part_of", "likes", "home", "next"];

impl Generator {
    /// A type that is not there yet; now and then one that is.
    pub(super) fn define(&mut self) -> Op {
        let free: Vec<&str> = TYPES
            .into_iter()
            .filter(|name| self.view.catalog.by_name(name).is_none())
            .collect();
        let name = match self.draw.any(&free) {
            Some(name) if !self.draw.once_in(20) => (*name).to_owned(),
            _ => self.draw.text(&TYPES),
        };
        Op::Define(self.definition(&name))
    }

    fn definition(&mut self, name: &str) -> Document {
        let mut fields = Document::new();
        for _ in 0..2 + self.draw.below(5) {
            let field = self.draw.text(&FIELDS);
            let definition = self.field();
            fields.insert(field, definition);
        }
        let mut links = Document::new();
        for _ in 0..self.draw.below(4) {
            let link = self.draw.text(&LINKS);
            let definition = self.link(&link, name);
            links.insert(link, definition);
        }
        let mut document = Document::new();
        document.insert("name".to_owned(), json!(name));
        let keys = self.keys(&fields);
        document.insert("fields".to_owned(), Value::Object(fields));
        document.insert("links".to_owned(), Value::Object(links));
        if !keys.is_empty() {
            document.insert("keys".to_owned(), Value::Object(keys));
        }
        document
    }

    /// A key of two or three fields, if there are fields for it.
    fn keys(&mut self, fields: &Document) -> Document {
        let mut keys = Document::new();
        let able: Vec<String> = fields
            .iter()
            .filter(|(_, definition)| {
                definition["list"] != json!(true)
                    && !["json", "number"].contains(&definition["type"].as_str().unwrap_or("json"))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if able.len() >= 2 && self.draw.once_in(2) {
            let start = self.draw.below(able.len() - 1);
            let parts: Vec<_> = able.iter().skip(start).take(3).rev().collect();
            keys.insert("pair".to_owned(), json!(parts));
        }
        keys
    }

    pub(super) fn field(&mut self) -> Value {
        let draw = &mut self.draw;
        let kind = draw.text(&Kind::NAMES);
        let mut definition = json!({"type": kind});
        let list = draw.once_in(5);
        let mut set = |name: &str, value: Value| {
            definition[name] = value;
        };
        if list {
            set("list", json!(true));
        }
        let able = !list && !["json", "number"].contains(&kind.as_str());
        // Of few values there are soon none left.
        let many = !["boolean", "enum"].contains(&kind.as_str());
        if able && (many && draw.once_in(5) || draw.once_in(60)) {
            set("unique", json!(true));
        } else if !list && draw.once_in(10) {
            set("required", json!(true));
        }
        if kind != "json" && draw.once_in(2) {
            set("indexed", json!(true));
        }
        if kind == "enum" {
            let most = 2 + draw.below(values::CHOICES.len() - 1);
            set("choices", json!(values::CHOICES.get(..most)));
        }
        let known = Kind::from_definition(
            &kind,
            &if kind == "enum" {
                Document::from_iter([("choices".to_owned(), json!(["open"]))])
            } else {
                Document::new()
            },
            "",
        );
        if let Ok(known) = known
            && draw.once_in(5)
        {
            let value = values::value(draw, &known);
            set("default", if list { json!([value]) } else { value });
        }
        definition
    }

    pub(super) fn link(&mut self, own: &str, holder: &str) -> Value {
        let mut others: Vec<String> = self
            .view
            .catalog
            .types()
            .iter()
            .map(|one| one.name.clone())
            .collect();
        others.push(holder.to_owned());
        let draw = &mut self.draw;
        if draw.once_in(5) {
            let cardinality = draw.text(&["one", "many"]);
            return json!({"to": [holder], "inverse": own, "cardinality": cardinality, "on_delete": "unlink"});
        }
        let to: Vec<String> = match draw.below(6) {
            0 => vec!["*".to_owned()],
            1 => draw.some(&others, 2),
            _ => vec![draw.of(&others).clone()],
        };
        let mut link = json!({"to": to, "cardinality": draw.text(&["one", "many"])});
        if draw.once_in(8) {
            link["required"] = json!(true);
            link["on_delete"] = json!(draw.text(&["restrict", "cascade"]));
        } else if draw.once_in(2) {
            link["on_delete"] = json!(draw.text(&["restrict", "unlink", "cascade", "cascade"]));
        }
        if draw.once_in(4) {
            link["inverse"] = json!(format!("{own}_by"));
        }
        link
    }

    /// A change of a type that is there.
    pub(super) fn change_type(&mut self) -> Op {
        let Some(of) = self.entity_type() else {
            return self.define();
        };
        let field = self
            .draw
            .any(&of.live_fields().cloned().collect::<Vec<Field>>())
            .cloned();
        let link = self
            .draw
            .any(&of.live_links().cloned().collect::<Vec<_>>())
            .cloned();
        let fields = |name: &str, value: Value| json!({"fields": {name: value}});
        let patch = match (self.draw.below(22), field, link) {
            (0, Some(field), _) => {
                let name = self.draw.text(&FIELDS);
                fields(&field.name, json!({"name": name}))
            }
            (1, Some(field), _) => fields(&field.name, Value::Null),
            (2 | 3, _, _) => {
                let name = self.draw.text(&FIELDS);
                let definition = self.field();
                fields(&name, definition)
            }
            (4..=6, Some(field), _) => fields(&field.name, json!({"indexed": !field.indexed})),
            (7, Some(field), _) => fields(&field.name, json!({"unique": !field.unique})),
            (8, Some(field), _) => fields(&field.name, json!({"required": !field.required})),
            (9, Some(field), _) if matches!(field.kind, Kind::Enum(_)) => {
                let most = 1 + self.draw.below(values::CHOICES.len());
                fields(&field.name, json!({"choices": values::CHOICES.get(..most)}))
            }
            (10, _, _) => {
                let known: Document = of
                    .live_fields()
                    .map(|field| {
                        (
                            field.name.clone(),
                            json!({"type": field.kind.name(), "list": field.list}),
                        )
                    })
                    .collect();
                let keys = self.keys(&known);
                json!({"keys": if keys.is_empty() { json!({"pair": null}) } else { Value::Object(keys) }})
            }
            (11, _, _) => {
                let name = self.draw.text(&LINKS);
                let definition = self.link(&name, &of.name);
                json!({"links": {name: definition}})
            }
            (12, _, Some(link)) => json!({"links": {link.name: null}}),
            (13, _, Some(link)) => {
                let other = match link.cardinality {
                    Cardinality::One => "many",
                    Cardinality::Many => "one",
                };
                json!({"links": {link.name: {"cardinality": other}}})
            }
            (14, _, Some(link)) => {
                let rule = self.draw.text(&["restrict", "unlink", "cascade"]);
                json!({"links": {link.name: {"on_delete": rule, "required": self.draw.once_in(4)}}})
            }
            (15, _, _) => json!({"name": self.draw.text(&TYPES)}),
            (16 | 18 | 19 | 20, _, _) => return self.replace_type(&of),
            (17, Some(field), _) => {
                // Two names change places.
                let other = of.live_fields().find(|other| other.number != field.number);
                match other {
                    Some(other) => json!({"fields": {
                        field.name.clone(): {"name": other.name}, other.name.clone(): {"name": field.name}
                    }}),
                    None => json!({"title": "alone"}),
                }
            }
            _ => json!({"title": self.draw.text(&["a", "b"]), "tags": ["x"]}),
        };
        let Value::Object(patch) = patch else {
            unreachable!("every patch is an object")
        };
        Op::ChangeType {
            name: of.name.clone(),
            patch,
        }
    }

    /// The whole document of a type, with something left out, renamed or added.
    fn replace_type(&mut self, of: &EntityType) -> Op {
        let mut document = registry_core::entity_type::document(of, &self.view.catalog);
        for made in ["id", "version", "created_at", "updated_at", "inverse_links"] {
            document.remove(made);
        }
        let mut drop = Vec::new();
        if let Some(Value::Object(fields)) = document.get_mut("fields") {
            for (_, field) in fields.iter_mut() {
                if let Value::Object(field) = field {
                    field.remove("index_state");
                }
            }
            let names: Vec<String> = fields.keys().cloned().collect();
            match (self.draw.below(4), self.draw.any(&names)) {
                (0, Some(name)) => {
                    fields.shift_remove(name);
                    if self.draw.once_in(2) {
                        drop.push(name.clone());
                    }
                }
                (1, Some(name)) => {
                    let new = self.draw.text(&FIELDS);
                    if let Some(field) = fields.shift_remove(name) {
                        fields.entry(new).or_insert(field);
                    }
                }
                _ => {
                    let new = self.draw.text(&FIELDS);
                    let field = self.field();
                    fields.entry(new).or_insert(field);
                }
            }
        }
        Op::ReplaceType {
            name: of.name.clone(),
            document,
            drop,
        }
    }

    pub(super) fn delete_type(&mut self) -> Op {
        let name = match self.entity_type() {
            Some(of) => of.name.clone(),
            None => "nothing".to_owned(),
        };
        Op::DeleteType {
            name,
            cascade: self.draw.once_in(2),
        }
    }

    /// The fields of a type that have a number; for those who want one by chance.
    pub(super) fn field_of(&mut self, of: &EntityType) -> Option<Field> {
        let numbers: Vec<FieldNumber> = of.live_fields().map(|field| field.number).collect();
        let number = self.draw.any(&numbers)?;
        of.field(*number).cloned()
    }
}
