//! Examples of documents: what a field is called says what stands in it, and its schema does where the name does not.

use serde_json::{Map, Value, json};

/// Fields that an example shows although they may be left out: without them it would say nothing.
const SHOWN: [&str; 6] = ["pay_code", "channel_order_no", "amount_fen", "paid_time", "biz_ref", "biz_order_no"];
/// How deep documents are; schemas that name themselves would never end.
const DEPTH_MAX: usize = 8;

/// An example of what a schema takes.
pub(super) fn example(schema: &Value, definitions: &Map<String, Value>) -> Value {
    of(schema, definitions, 0)
}

/// An example of a field by its name, where the name says enough.
pub(super) fn named(name: &str) -> Option<Value> {
    Some(match name {
        "pay_code" => json!("61010026000000000017"),
        "platform_order_no" | "confirm_id" | "payment_id" | "request_id" | "evidence_id" => {
            json!("019c2f6e-8a10-7d3b-9b1e-5f0c2d7a4e61")
        }
        "agency_id" => json!("019c2f6e-0000-7000-8000-000000000001"),
        "biz_order_no" => json!("JJ-20260302-000123"),
        "channel_order_no" => json!("4200002026030212345678"),
        "request_no" => json!("R-20260302-0001"),
        "source_ref" => json!("JJ-20260302-0007"),
        "biz_line" => json!("TRAFFIC"),
        "biz_ref" => json!("决定书〔2026〕1号"),
        "payer_type" | "quantity" | "line_no" | "source" | "id" => json!(1),
        "payer_name" => json!("王芳"),
        "item_code" => json!("103050101"),
        "amount_fen" | "unit_fen" | "total_fen" => json!(20_000),
        "late_fee_fen" | "fee_fen" | "biz_discount_fen" | "channel_discount_fen" => json!(0),
        "pay_time" | "paid_time" => json!("20260302100000"),
        "expire_date" => json!("20260401"),
        "title" => json!("交通违法罚款"),
        "channel" => json!("WECHAT"),
        "name" => json!("li"),
        "password" => json!("Correct-Horse-7"),
        "kind" => json!("FUND_NATURE"),
        "values" => json!({ "ele_code": "01", "ele_name": "一般公共预算" }),
        "reason" | "note" => json!("已与银行回单核对"),
        "file_digest" => json!("9f".repeat(32)),
        "permission" => json!("unit"),
        "public_key" => json!("-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n"),
        _ => return None,
    })
}

fn of(schema: &Value, definitions: &Map<String, Value>, depth: usize) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return definitions.get(name).map_or(Value::Null, |schema| of(schema, definitions, depth + 1));
    }
    if let Some(first) = ["allOf", "oneOf", "anyOf"].iter().find_map(|list| schema[list].get(0)) {
        return with_fields(of(first, definitions, depth + 1), schema, definitions, depth);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str().unwrap_or_default() {
        "object" => with_fields(json!({}), schema, definitions, depth),
        "array" => json!([of(&schema["items"], definitions, depth + 1)]),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "string" => json!("…"),
        _ => Value::Null,
    }
}

/// The fields that a schema has beside those of its parts.
fn with_fields(mut document: Value, schema: &Value, definitions: &Map<String, Value>, depth: usize) -> Value {
    let (Some(fields), Some(into)) = (schema["properties"].as_object(), document.as_object_mut()) else {
        return document;
    };
    let is_required = |name: &str| schema["required"].as_array().is_some_and(|list| list.contains(&json!(name)));
    for (name, field) in fields.iter().filter(|(name, _)| is_required(name) || SHOWN.contains(&name.as_str())) {
        let is_of_type = |value: &Value| field["type"].as_str().is_none_or(|of| of == type_of(value));
        let value = named(name).filter(is_of_type).filter(|_| field["$ref"].is_null() && field["enum"].is_null());
        into.insert(name.clone(), value.unwrap_or_else(|| of(field, definitions, depth + 1)));
    }
    document
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::example;

    #[test]
    fn an_example_has_what_is_required_under_its_names() {
        let mut definitions = Map::new();
        let line = json!({ "type": "object", "required": ["quantity"], "properties": {
            "quantity": { "type": "integer" }, "text": { "type": "string" },
        } });
        definitions.insert("Line".to_owned(), line);
        let wish = json!({ "oneOf": [{ "type": "object", "required": ["what"], "properties": { "what": { "enum": ["book"] } } }],
            "required": ["reason", "id", "lines"], "properties": {
                "reason": { "type": "string" }, "id": { "type": "string" }, "pay_code": { "type": "string" },
                "lines": { "type": "array", "items": { "$ref": "#/components/schemas/Line" } },
        } });
        let expected = json!({ "what": "book", "reason": "已与银行回单核对", "id": "…", "pay_code": "61010026000000000017",
            "lines": [{ "quantity": 1 }] });
        assert_eq!(example(&wish, &definitions), expected);
    }
}
