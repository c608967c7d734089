//! The description of a node's interface (OpenAPI 3.0), out of its operations.

use serde_json::{Map, Value, json};

use super::api::{Access, Api, Operation};
use crate::failure::Kind;
use crate::message::Message;
use crate::service::Service;

/// Every way in which an operation can fail, in the order of their numbers.
const KINDS: [(Kind, &str); 7] = [
    (Kind::Bad, "What was asked is not right."),
    (Kind::Unknown, "Nobody knows who asks."),
    (Kind::Forbidden, "Whoever asks may not."),
    (Kind::Missing, "What was asked for is not there."),
    (Kind::Conflict, "The present state does not allow it."),
    (Kind::TooLarge, "What was sent is too large."),
    (Kind::Busy, "It may be tried again."),
];

impl<S: Service> Api<S> {
    /// The description.
    #[must_use]
    pub fn openapi(mut self, title: &str, version: &str) -> Value {
        let message = self.schemas.subschema_for::<Message>();
        let mut paths = Map::new();
        for operation in &self.operations {
            let entry = paths.entry(operation.path).or_insert_with(|| json!({}));
            entry[operation.method] = self.described(operation, &json!(message));
        }
        let mut schemas = self.schemas.take_definitions(true);
        schemas.insert("Failure".to_owned(), failure());
        json!({
            "openapi": "3.0.3",
            "info": { "title": title, "version": version },
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": { "session": { "type": "http", "scheme": "bearer" } },
            },
        })
    }

    fn described(&self, operation: &Operation, message: &Value) -> Value {
        let mut responses = Map::new();
        let schema = json!({ "type": "object", "required": ["data"], "properties": { "data": operation.yields } });
        responses.insert(
            "200".to_owned(),
            json!({
                "description": "What was asked.", "content": { "application/json": { "schema": schema } },
            }),
        );
        for (kind, description) in KINDS {
            let schema = json!({ "$ref": "#/components/schemas/Failure" });
            responses.insert(
                kind.status().as_str().to_owned(),
                json!({
                    "description": description, "content": { "application/json": { "schema": schema } },
                }),
            );
        }
        let mut described = json!({
            "summary": operation.summary,
            "operationId": format!("{}{}", operation.method, operation.path.replace(['/', '-'], "_")),
            "responses": responses,
        });
        let takes = match operation.access {
            Access::Client(permission) => {
                described["description"] = json!(format!(
                    "Clients with the permission {permission}. `data` is the base64 of: {}",
                    json!(operation.takes)
                ));
                message.clone()
            }
            Access::People(roles) => {
                let list = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
                described["description"] = json!(format!("People of the roles {list}."));
                described["security"] = json!([{ "session": [] }]);
                json!(operation.takes)
            }
            Access::Anyone => json!(operation.takes),
        };
        if operation.method == "get" {
            described["parameters"] = self.parameters(&takes);
        } else {
            described["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": takes } } });
        }
        described
    }

    /// The fields of a query, one parameter each.
    fn parameters(&self, takes: &Value) -> Value {
        let name = takes["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
        let schema = self.schemas.definitions().get(name).unwrap_or(takes);
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let none = Map::new();
        let fields = schema["properties"].as_object().unwrap_or(&none);
        let parameter = |(name, schema): (&String, &Value)| json!({ "name": name, "in": "query", "required": required.contains(&json!(name)), "schema": schema });
        fields.iter().map(parameter).collect()
    }
}

fn failure() -> Value {
    let text = json!({ "type": "string" });
    let fault = json!({
        "type": "object",
        "required": ["table", "key", "column", "rule", "message", "message_zh"],
        "properties": {
            "table": text, "key": text, "column": text, "rule": text, "message": text, "message_zh": text,
        },
    });
    json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["code", "message", "message_zh", "next", "next_zh", "faults"],
            "properties": {
                "code": text, "message": text, "message_zh": text, "next": text, "next_zh": text,
                "faults": { "type": "array", "items": fault },
            },
        } },
    })
}
