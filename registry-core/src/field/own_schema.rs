//! Own JSON Schemas of json fields: which ones are taken. JSON Schema 2020-12, self-contained, of bounded cost.
//!
//! Measured on jsonschema 0.60: a chain of references is followed on the stack, and 24 levels of `anyOf` of two references each cost half
//! a second per validation. So the schema is walked before it is compiled, through its references, and refused beyond the bounds below.

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::pattern::schema_options;
use crate::problem::{Problem, pointer_token};

/// Bytes of its compact text.
const BYTES: usize = 64 * 1024;
/// Nesting of the document, and of subschemas and references on one path.
const DEPTH: usize = 32;
/// Subschemas looked at when every reference is followed.
const NODES: usize = 10_000;
/// The only `$schema`.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// How a keyword holds subschemas.
#[derive(Clone, Copy)]
enum Holds {
    /// None.
    Nothing,
    /// It is one.
    One,
    /// A list.
    Many,
    /// An object of them.
    Named,
    /// Something that would leave the schema, or change its meaning from elsewhere.
    Refused,
    /// A reference.
    Reference,
    /// The dialect.
    Dialect,
}

/// The keywords of 2020-12; `None` for any other.
fn keyword(name: &str) -> Option<Holds> {
    Some(match name {
        "items"
        | "contains"
        | "additionalProperties"
        | "propertyNames"
        | "not"
        | "if"
        | "then"
        | "else"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "contentSchema" => Holds::One,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::Many,
        "properties" | "patternProperties" | "dependentSchemas" | "$defs" => Holds::Named,
        "$ref" => Holds::Reference,
        "$schema" => Holds::Dialect,
        "$id" | "$anchor" | "$dynamicRef" | "$dynamicAnchor" | "$vocabulary" => Holds::Refused,
        "type" | "enum" | "const" | "multipleOf" | "maximum" | "exclusiveMaximum" | "minimum"
        | "exclusiveMinimum" | "maxLength" | "minLength" | "pattern" | "maxItems" | "minItems"
        | "uniqueItems" | "maxContains" | "minContains" | "maxProperties" | "minProperties"
        | "required" | "dependentRequired" | "format" | "contentEncoding" | "contentMediaType"
        | "title" | "description" | "default" | "deprecated" | "readOnly" | "writeOnly"
        | "examples" | "$comment" => Holds::Nothing,
        name if name.starts_with("x-") => Holds::Nothing,
        _ => return None,
    })
}

/// Everything that keeps a schema from being taken; pointers are relative to it.
pub(super) fn check(schema: &Value) -> Vec<Problem> {
    if !schema.is_object() {
        return vec![Problem::at(
            "",
            "type",
            "must be a JSON Schema in an object",
        )];
    }
    if deeper_than(schema, DEPTH) {
        let message = format!("is nested more than {DEPTH} deep");
        return vec![Problem::at("", "schema", message)];
    }
    if schema.to_string().len() > BYTES {
        let message = format!("must have at most {BYTES} bytes");
        return vec![Problem::at("", "too_long", message)];
    }
    let mut walk = Walk {
        root: schema,
        nodes: 0,
        active: Vec::new(),
        problems: Vec::new(),
        ended: false,
    };
    walk.schema(schema, &mut String::new(), 1, First::Visit);
    walk.problems
}

/// Compiles a schema that [`check`] has nothing against.
pub(super) fn compile(schema: &Value) -> Result<Validator, Problem> {
    schema_options().build(schema).map_err(|error| {
        // The error's own place is one in the schema, seen as an instance of its metaschema.
        let message = match error.kind() {
            jsonschema::error::ValidationErrorKind::Format { format } if format == "regex" => {
                "holds a pattern that is not a regular expression".to_owned()
            }
            kind => format!("is not a valid JSON Schema (`{}`)", kind.keyword()),
        };
        Problem::at(error.instance_path().as_str(), "schema", message)
    })
}

/// Whether a schema refers to a part of itself.
pub(super) fn has_reference(schema: &Map<String, Value>) -> bool {
    schema.iter().any(|(name, value)| {
        let subschema = |value: &Value| value.as_object().is_some_and(has_reference);
        match keyword(name) {
            Some(Holds::Reference) => true,
            Some(Holds::One) => subschema(value),
            Some(Holds::Many) => value
                .as_array()
                .is_some_and(|all| all.iter().any(subschema)),
            Some(Holds::Named) => value
                .as_object()
                .is_some_and(|all| all.values().any(subschema)),
            _ => false,
        }
    })
}

/// Whether a value is nested deeper; looks no further than that.
pub(super) fn deeper_than(value: &Value, depth: usize) -> bool {
    match (value, depth.checked_sub(1)) {
        (Value::Array(items), Some(left)) => items.iter().any(|item| deeper_than(item, left)),
        (Value::Object(members), Some(left)) => {
            members.values().any(|member| deeper_than(member, left))
        }
        (Value::Array(_) | Value::Object(_), None) => true,
        _ => false,
    }
}

/// Whether a subschema is met where it stands or through a reference: what is wrong with it is told once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Visit,
    Again,
}

struct Walk<'a> {
    root: &'a Value,
    nodes: usize,
    /// References being followed.
    active: Vec<&'a str>,
    problems: Vec<Problem>,
    /// A bound was passed: nothing more is looked at.
    ended: bool,
}

impl<'a> Walk<'a> {
    fn problem(&mut self, pointer: &str, code: &'static str, message: &str) {
        self.problems.push(Problem::at(pointer, code, message));
    }

    fn end(&mut self, pointer: &str, message: &str) {
        self.ended = true;
        self.problem(pointer, "schema", message);
    }

    fn schema(&mut self, schema: &'a Value, pointer: &mut String, depth: usize, first: First) {
        self.nodes += 1;
        if self.ended {
            return;
        }
        if self.nodes > NODES {
            return self.end(
                "",
                "has more than 10000 subschemas when its references are followed",
            );
        }
        if depth > DEPTH {
            return self.end(pointer, "nests subschemas and references more than 32 deep");
        }
        let Value::Object(members) = schema else {
            if !schema.is_boolean() && first == First::Visit {
                self.problem(
                    pointer,
                    "schema",
                    "must be a JSON Schema: an object or a boolean",
                );
            }
            return;
        };
        for (name, value) in members {
            let length = pointer.len();
            pointer.push('/');
            pointer.push_str(&pointer_token(name));
            self.keyword(name, value, pointer, depth, first);
            pointer.truncate(length);
        }
    }

    fn keyword(
        &mut self,
        name: &str,
        value: &'a Value,
        pointer: &mut String,
        depth: usize,
        first: First,
    ) {
        match (keyword(name), value) {
            (Some(Holds::Reference), Value::String(reference)) => {
                self.reference(reference, pointer, depth, first);
            }
            (Some(Holds::One), value) => self.schema(value, pointer, depth + 1, first),
            (Some(Holds::Many), Value::Array(all)) => {
                for (index, value) in all.iter().enumerate() {
                    self.step(&index.to_string(), value, pointer, depth, first);
                }
            }
            (Some(Holds::Named), Value::Object(all)) => {
                for (name, value) in all {
                    self.step(name, value, pointer, depth, first);
                }
            }
            (Some(Holds::Nothing), _) => {}
            // The rest is told where the subschema stands.
            _ if first == First::Again => {}
            (Some(Holds::Dialect), Value::String(dialect))
                if dialect == DIALECT && pointer == "/$schema" => {}
            (Some(Holds::Dialect), _) => {
                let message = format!("must be {DIALECT}, at the root");
                self.problem(pointer, "schema", &message);
            }
            (Some(Holds::Refused), _) => {
                self.problem(pointer, "schema", "is not allowed here");
            }
            (Some(Holds::Reference | Holds::Many | Holds::Named), _) => {
                self.problem(pointer, "schema", "has the wrong type");
            }
            (None, _) => {
                let message = "is not a keyword of JSON Schema 2020-12; own ones begin with `x-`";
                self.problem(pointer, "unknown_member", message);
            }
        }
    }

    fn step(
        &mut self,
        token: &str,
        value: &'a Value,
        pointer: &mut String,
        depth: usize,
        first: First,
    ) {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&pointer_token(token));
        self.schema(value, pointer, depth + 1, first);
        pointer.truncate(length);
    }

    fn reference(&mut self, reference: &'a str, pointer: &mut String, depth: usize, first: First) {
        let Some(path) = reference.strip_prefix('#') else {
            if first == First::Visit {
                self.problem(
                    pointer,
                    "schema",
                    "must refer to a part of this schema: #/…",
                );
            }
            return;
        };
        if path.is_empty() || self.active.contains(&reference) {
            return self.end(pointer, "refers to itself");
        }
        let target = percent_decoded(path)
            .filter(|path| path.starts_with('/'))
            .and_then(|path| self.root.pointer(&path));
        let Some(target) = target else {
            if first == First::Visit {
                self.problem(pointer, "schema", "refers to nothing in this schema");
            }
            return;
        };
        self.active.push(reference);
        self.schema(target, pointer, depth + 1, First::Again);
        self.active.pop();
    }
}

/// The pointer in a URI fragment (RFC 6901 section 6).
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(schema: &Value) -> Vec<Problem> {
        let problems = check(schema);
        if problems.is_empty() {
            compile(schema).err().into_iter().collect()
        } else {
            problems
        }
    }

    fn only(schema: &Value) -> (String, &'static str) {
        let problems = problems(schema);
        assert_eq!(problems.len(), 1, "{problems:?} of {schema}");
        match &problems[0].place {
            crate::problem::Place::Pointer(pointer) => (pointer.clone(), problems[0].code),
            _ => (String::new(), "no pointer"),
        }
    }

    #[test]
    fn self_contained_schemas_are_taken() {
        for schema in [
            json!({}),
            json!({"$schema": DIALECT, "type": ["object", "null"], "x-unit": "m"}),
            json!({"$ref": "#/$defs/a%20b~1c", "$defs": {"a b/c": {"type": "string"}}}),
            json!({"properties": {"$ref": {"type": "string"}, "nonsense": true}}),
            json!({"const": {"$ref": "http://example.org", "nonsense": 1}}),
            json!({"pattern": "(a+)+$", "format": "date-time"}),
        ] {
            assert_eq!(problems(&schema), [], "{schema}");
        }
    }

    #[test]
    fn references_that_leave_or_return_are_refused() {
        for reference in [
            "http://example.org/a",
            "https://example.org/a",
            "file:///etc/hostname",
            "a.json",
            "#",
            "#a",
            "#/$defs/none",
            "urn:x:y",
            "#/%zz",
        ] {
            let schema = json!({"properties": {"a": {"$ref": reference}}});
            assert_eq!(
                only(&schema),
                ("/properties/a/$ref".to_owned(), "schema"),
                "{reference}"
            );
        }
        let cycle = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
        assert_eq!(only(&cycle).1, "schema");
        let tree = json!({"$defs": {"t": {"properties": {"left": {"$ref": "#/$defs/t"}}}}});
        assert_eq!(only(&tree).1, "schema");
        let relative =
            json!({"properties": {"a": {"properties": {"b": {"$ref": "#/properties/a"}}}}});
        assert_eq!(only(&relative).1, "schema");
    }

    #[test]
    fn bombs_are_refused_quickly() {
        let started = std::time::Instant::now();
        let mut defs = Map::new();
        defs.insert("d0".to_owned(), json!({"type": "string"}));
        for level in 1..24 {
            let reference = format!("#/$defs/d{}", level - 1);
            defs.insert(
                format!("d{level}"),
                json!({"anyOf": [{"$ref": reference}, {"$ref": reference}]}),
            );
        }
        assert_eq!(
            only(&json!({"$ref": "#/$defs/d23", "$defs": defs})).1,
            "schema"
        );
        let mut chain = Map::new();
        for level in 0..40 {
            chain.insert(
                format!("c{level}"),
                json!({"$ref": format!("#/$defs/c{}", level + 1)}),
            );
        }
        chain.insert("c40".to_owned(), json!(true));
        assert_eq!(only(&json!({"$defs": chain})).1, "schema");
        let mut nested = json!({});
        for _ in 0..17 {
            nested = json!({"allOf": [nested]});
        }
        assert_eq!(only(&nested), (String::new(), "schema"));
        assert_eq!(
            only(&json!({"enum": vec!["a"; 40_000]})),
            (String::new(), "too_long")
        );
        assert!(started.elapsed() < std::time::Duration::from_secs(2));
    }

    #[test]
    fn keywords_are_known_and_well_formed() {
        for (schema, pointer, code) in [
            (json!([]), "", "type"),
            (json!({"minLenght": 1}), "/minLenght", "unknown_member"),
            (json!({"$id": "https://example.org/a"}), "/$id", "schema"),
            (json!({"$anchor": "a"}), "/$anchor", "schema"),
            (json!({"$dynamicRef": "#a"}), "/$dynamicRef", "schema"),
            (
                json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
                "/$schema",
                "schema",
            ),
            (
                json!({"items": {"$schema": DIALECT}}),
                "/items/$schema",
                "schema",
            ),
            (json!({"items": 1}), "/items", "schema"),
            (json!({"allOf": {}}), "/allOf", "schema"),
            (json!({"minLength": 1.5}), "/minLength", "schema"),
            (json!({"minLength": -1}), "/minLength", "schema"),
            (json!({"type": "nonsense"}), "/type", "schema"),
            (json!({"pattern": "("}), "/pattern", "schema"),
            (json!({"pattern": "(a{1000}){1000}"}), "/pattern", "schema"),
            (json!({"pattern": "(?=a)"}), "/pattern", "schema"),
            (
                json!({"patternProperties": {"(a)\\1": {}}}),
                "/patternProperties/(a)\\1",
                "schema",
            ),
            (json!({"format": "nonsense"}), "/format", "schema"),
        ] {
            assert_eq!(only(&schema), (pointer.to_owned(), code), "{schema}");
        }
    }
}
