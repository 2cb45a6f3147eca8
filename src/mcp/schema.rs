//! Schemas as any client reads them.

use std::sync::Arc;

use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::JsonObject;
use rmcp::schemars::JsonSchema;
use serde_json::{Map, Value};

/// The schema of `T` in plain terms: a property that may be left out has the one type that it has
/// when it is there, and numbers have bounds but no formats, which only some validators know.
pub(super) fn of<T: JsonSchema + std::any::Any>() -> Arc<JsonObject> {
    let mut schema = Value::Object((*schema_for_type::<T>()).clone());
    simplify(&mut schema);
    match schema {
        Value::Object(schema) => Arc::new(schema),
        _ => Arc::default(),
    }
}

fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            simplify_fields(fields);
            fields.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

fn simplify_fields(fields: &mut Map<String, Value>) {
    let is_null =
        |schema: &Value| schema == "null" || schema.get("type").is_some_and(|t| t == "null");
    if fields.get("type").is_some_and(Value::is_string) {
        fields.remove("format");
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| !is_null(kind));
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".into(), only);
            fields.remove("format");
        }
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.retain(|choice| !is_null(choice));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            fields.remove("anyOf");
            fields.extend(only);
        }
    }
    if fields.get("default").is_some_and(Value::is_null) {
        fields.remove("default");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_left_out_has_one_type() {
        let mut schema = json!({
            "properties": {
                "count": { "type": ["integer", "null"], "format": "uint64", "minimum": 1, "default": null },
                "mode": { "description": "d", "anyOf": [{ "$ref": "#/$defs/M" }, { "type": "null" }] },
                "either": { "type": ["string", "integer"] },
                "format": { "type": "string" },
            },
        });
        simplify(&mut schema);
        let expected = json!({
            "properties": {
                "count": { "type": "integer", "minimum": 1 },
                "mode": { "description": "d", "$ref": "#/$defs/M" },
                "either": { "type": ["string", "integer"] },
                "format": { "type": "string" },
            },
        });
        assert_eq!(schema, expected);
    }
}
