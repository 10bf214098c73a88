//! JSON Schema as far as our own schemas use it, for the tests that hold them against what is really
//! said.
//!
//! Stricter than the standard: a member that a schema does not name is a fault, so that schemas stay
//! complete while readers must still put up with more; and a keyword that is not known here is one,
//! so that none is silently passed over.

use serde_json::{Map, Value};

/// Faults of a value against a schema that may refer to parts of `root` by `#/...`; with their place.
pub(crate) fn faults(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut check = Check {
        root,
        place: String::from("$"),
        faults: Vec::new(),
    };
    check.value(schema, value);
    check.faults
}

struct Check<'s> {
    root: &'s Value,
    place: String,
    faults: Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value) {
        let Some(rules) = schema.as_object() else {
            return self.fault("a schema that is no object", schema);
        };
        for (rule, wish) in rules {
            let holds = match rule.as_str() {
                // Words for people.
                "$schema" | "description" | "default" => true,
                "$ref" => {
                    let part = wish.as_str().and_then(|path| path.strip_prefix('#'));
                    let part = part.and_then(|path| self.root.pointer(path));
                    match part.cloned() {
                        Some(part) => self.value(&part, value),
                        None => self.fault("a reference to nothing", wish),
                    }
                    true
                }
                "anyOf" => {
                    let mut ways = wish.as_array().into_iter().flatten();
                    ways.any(|way| faults(self.root, way, value).is_empty())
                }
                "type" => match wish {
                    Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
                    kind => is(kind, value),
                },
                "const" => value == wish,
                "enum" => wish.as_array().is_some_and(|all| all.contains(value)),
                "minimum" => value.as_f64() >= wish.as_f64(),
                "maximum" => value.as_f64() <= wish.as_f64(),
                "minItems" => value.as_array().map(Vec::len) >= number(wish),
                "maxItems" => value.as_array().map(Vec::len) <= number(wish),
                "minProperties" => value.as_object().map(Map::len) >= number(wish),
                "maxProperties" => value.as_object().map(Map::len) <= number(wish),
                "items" => {
                    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.within(&format!("[{n}]"), wish, item);
                    }
                    true
                }
                "required" => {
                    let mut names = wish.as_array().into_iter().flatten();
                    let has = |name: &Value| value.get(name.as_str().unwrap_or("")).is_some();
                    value.is_null() || names.all(has)
                }
                "properties" => {
                    self.members(rules, value);
                    true
                }
                "additionalProperties" => {
                    if !rules.contains_key("properties") {
                        self.members(rules, value);
                    }
                    true
                }
                _ => false,
            };
            if !holds {
                self.fault(rule, value);
            }
        }
    }

    fn members(&mut self, rules: &Map<String, Value>, value: &Value) {
        for (name, member) in value.as_object().into_iter().flatten() {
            let place = format!(".{name}");
            let known = rules.get("properties").and_then(|all| all.get(name));
            match known.or(rules.get("additionalProperties")) {
                Some(Value::Bool(true)) => {}
                Some(Value::Object(schema)) => {
                    self.within(&place, &Value::Object(schema.clone()), member);
                }
                _ => self.within(&place, &Value::Null, member),
            }
        }
    }

    fn within(&mut self, place: &str, schema: &Value, value: &Value) {
        let length = self.place.len();
        self.place += place;
        match schema {
            Value::Null => self.fault("not in the schema", value),
            schema => self.value(schema, value),
        }
        self.place.truncate(length);
    }

    fn fault(&mut self, rule: &str, value: &Value) {
        self.faults.push(format!("{}: {rule}: {value}", self.place));
    }
}

fn number(wish: &Value) -> Option<usize> {
    wish.as_u64().and_then(|n| usize::try_from(n).ok())
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_found_at_its_place() {
        let root = json!({ "defs": { "n": { "type": "integer", "minimum": 3, "maximum": 5 } } });
        let schema = json!({
            "type": ["object", "null"], "required": ["a"],
            "properties": {
                "a": { "type": "array", "maxItems": 2, "items": { "$ref": "#/defs/n" } },
                "b": { "anyOf": [{ "const": 1 }, { "enum": ["x", null] }] },
                "c": { "additionalProperties": { "type": "string" }, "minProperties": 1 },
            },
        });
        let count = |value: Value| faults(&root, &schema, &value).len();
        assert_eq!(
            count(json!({ "a": [3, 5], "b": null, "c": { "d": "e" } })),
            0
        );
        assert_eq!(count(json!(null)), 0);
        for bad in [
            json!(1),
            json!({}),
            json!({ "a": [2] }),
            json!({ "a": [6] }),
            json!({ "a": [3.5] }),
            json!({ "a": [3, 3, 3] }),
            json!({ "a": [], "b": 2 }),
            json!({ "a": [], "c": { "d": 1 } }),
            json!({ "a": [], "c": {} }),
            json!({ "a": [], "more": 1 }),
        ] {
            assert!(count(bad.clone()) > 0, "{bad}");
        }
        let found = faults(&root, &schema, &json!({ "a": [3, 9] }));
        assert_eq!(found, ["$.a[1]: maximum: 9"]);
        assert_eq!(faults(&root, &json!({ "oneOf": [] }), &json!(1)).len(), 1);
        assert_eq!(
            faults(&root, &json!({ "$ref": "#/no" }), &json!(1)).len(),
            1
        );
    }
}
