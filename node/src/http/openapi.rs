//! The description of a node's interface (OpenAPI 3.0), out of its operations.

use serde_json::{Map, Value, json};

use super::api::{Access, Api, Operation};
use super::example::{example, named};
use crate::failure::Kind;
use crate::message::Message;
use crate::service::Service;

/// What every client must know, before the operations.
const GUIDE: &str = include_str!("guide.md");

/// Every way in which an operation can fail, in the order of their numbers, with a code for example.
const KINDS: [(Kind, &str, &str, &str); 10] = [
    (
        Kind::Bad,
        "Bad",
        "rules-broken",
        "What was asked is not right: the document, a query, or a row that breaks rules.",
    ),
    (
        Kind::Unknown,
        "Unknown",
        "not-logged-in",
        "Nobody knows who asks: no session, or a message whose client, time, nonce or signature is none.",
    ),
    (Kind::Forbidden, "Forbidden", "not-permitted", "Whoever asks may not."),
    (Kind::Missing, "Missing", "not-found", "What was asked for is not there."),
    (Kind::TooSlow, "TooSlow", "body-too-slow", "The body did not arrive in time."),
    (
        Kind::Conflict,
        "Conflict",
        "replayed",
        "The present state does not allow it, or the nonce of the message was used before.",
    ),
    (Kind::TooLarge, "TooLarge", "body-too-large", "The body is too large."),
    (Kind::WrongForm, "WrongForm", "content-type", "The body is not application/json."),
    (Kind::Internal, "Internal", "internal", "The node itself failed; its log says why."),
    (
        Kind::Busy,
        "Busy",
        "busy",
        "Too much is asked at once, or the database is busy: it may be tried again in a moment.",
    ),
];

/// How an operation can fail.
fn kinds(operation: &Operation) -> Vec<Kind> {
    let mut kinds = vec![Kind::Bad, Kind::Missing, Kind::Internal, Kind::Busy];
    match operation.access {
        Access::Anyone => {}
        Access::People(_) | Access::Client(_) => kinds.push(Kind::Forbidden),
    }
    if operation.access != Access::Anyone || operation.path == "/login" {
        kinds.push(Kind::Unknown);
    }
    if operation.method == "post" {
        kinds.extend([Kind::Conflict, Kind::TooSlow, Kind::TooLarge, Kind::WrongForm]);
    }
    kinds
}

impl<S: Service> Api<S> {
    /// The description.
    #[must_use]
    pub fn openapi(mut self, title: &str, version: &str) -> Value {
        let message = json!(self.schemas.subschema_for::<Message>());
        let definitions = self.schemas.definitions().clone();
        let mut paths = Map::new();
        for operation in &self.operations {
            let entry = paths.entry(operation.path).or_insert_with(|| json!({}));
            entry[operation.method] = described(operation, &message, &definitions);
        }
        let mut schemas = self.schemas.take_definitions(true);
        schemas.insert("Failure".to_owned(), failure());
        let response = |(kind, name, code, description): (Kind, &str, &str, &str)| {
            let schema = json!({ "$ref": "#/components/schemas/Failure" });
            let content = json!({ "application/json": { "schema": schema, "example": failed(kind, code) } });
            (name.to_owned(), json!({ "description": description, "content": content }))
        };
        json!({
            "openapi": "3.0.3",
            "info": { "title": title, "version": version, "description": GUIDE },
            "servers": [{ "url": "/", "description": "As the gateway of the network publishes the node." }],
            "tags": [
                { "name": "anyone", "description": "For everybody who reaches the node." },
                { "name": "people", "description": "For people with a session, by role." },
                { "name": "clients", "description": "For systems by signed messages (接入系统), by permission." },
            ],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": KINDS.into_iter().map(response).collect::<Map<_, _>>(),
                "securitySchemes": { "session": {
                    "type": "http", "scheme": "bearer", "description": "The token that `POST /login` yields.",
                } },
            },
        })
    }
}

fn described(operation: &Operation, message: &Value, definitions: &Map<String, Value>) -> Value {
    let takes = json!(operation.takes);
    let mut described = json!({
        "summary": operation.summary,
        "operationId": format!("{}{}", operation.method, operation.path.replace(['/', '-'], "_")),
        "responses": responses(operation),
    });
    match operation.access {
        Access::Client(permission) => {
            described["tags"] = json!(["clients"]);
            described["description"] = json!(format!(
                "For clients with the permission `{permission}`, by a signed message.{}",
                room(operation)
            ));
            described["x-permission"] = json!(permission);
            described["x-data"] = takes.clone();
            described["x-data-example"] = example(&takes, definitions);
        }
        Access::People(roles) => {
            let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            let list = names.join(", ");
            described["tags"] = json!(["people"]);
            described["description"] = json!(format!("For people of the roles {list}.{}", room(operation)));
            described["security"] = json!([{ "session": [] }]);
            described["x-roles"] = json!(names);
        }
        Access::Anyone => {
            described["tags"] = json!(["anyone"]);
            described["description"] = json!(format!("For everybody.{}", room(operation)));
        }
    }
    if operation.method == "get" {
        described["parameters"] = parameters(&takes, definitions);
    } else {
        let content = match operation.access {
            Access::Client(_) => enveloped(message, &takes, definitions),
            Access::People(_) | Access::Anyone => {
                json!({ "schema": takes, "example": example(&takes, definitions) })
            }
        };
        described["requestBody"] = json!({ "required": true, "content": { "application/json": content } });
    }
    described
}

/// How large a body may be, as a sentence.
fn room(operation: &Operation) -> String {
    if operation.bytes_max == 0 {
        return String::new();
    }
    format!(" The body has at most {} bytes.", operation.bytes_max)
}

fn responses(operation: &Operation) -> Map<String, Value> {
    let mut responses = Map::new();
    let schema = json!({ "type": "object", "required": ["data"], "properties": { "data": operation.yields } });
    let content = json!({ "application/json": { "schema": schema } });
    responses.insert("200".to_owned(), json!({ "description": "What was asked.", "content": content }));
    let of_operation = kinds(operation);
    for (kind, name, ..) in KINDS.into_iter().filter(|(kind, ..)| of_operation.contains(kind)) {
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        responses.insert(kind.status().as_str().to_owned(), reference);
    }
    responses
}

/// A signed message, with the document that is in it.
fn enveloped(message: &Value, takes: &Value, definitions: &Map<String, Value>) -> Value {
    let inside = example(takes, definitions).to_string();
    let data = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &inside);
    let value = json!({
        "version": "1.0.0", "devId": "client-1", "timestamp": "20260302100000", "nonce": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "data": data, "sign": "MEUCIQ…",
    });
    let description = format!("`data` is the base64 of `{inside}`; `sign` is cut short here.");
    json!({ "schema": message, "examples": { "message": {
        "summary": "A signed message", "description": description, "value": value,
    } } })
}

/// The fields of a query, one parameter each.
fn parameters(takes: &Value, definitions: &Map<String, Value>) -> Value {
    let name = takes["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
    let schema = definitions.get(name).unwrap_or(takes);
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let none = Map::new();
    let fields = schema["properties"].as_object().unwrap_or(&none);
    let parameter = |(name, schema): (&String, &Value)| {
        let is_required = required.contains(&json!(name));
        let mut parameter = json!({ "name": name, "in": "query", "required": is_required, "schema": schema });
        if let Some(description) = schema.get("description") {
            parameter["description"] = description.clone();
        }
        if let Some(example) = named(name).filter(|value| value.is_string() && schema["type"] == "string") {
            parameter["example"] = example;
        }
        parameter
    };
    fields.iter().map(parameter).collect()
}

/// The document of a failure for example.
fn failed(kind: Kind, code: &str) -> Value {
    let fault = json!({
        "table": "pay_notice", "key": "61010026000000000017", "column": "payer_name", "rule": "missing",
        "message": "must be given", "message_zh": "不得为空",
    });
    let faults = if kind == Kind::Bad { json!([fault]) } else { json!([]) };
    json!({ "error": {
        "code": code, "message": "what is wrong", "message_zh": "问题所在", "next": "what to do next", "next_zh": "下一步",
        "faults": faults,
    } })
}

fn failure() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let fault = json!({
        "type": "object",
        "description": "A rule of the contract that a row breaks.",
        "required": ["table", "key", "column", "rule", "message", "message_zh"],
        "properties": {
            "table": text("The table."), "key": text("The row's key; empty where it has none yet."),
            "column": text("The column."), "rule": text("The rule's stable id."),
            "message": text("What is wrong, in English."), "message_zh": text("The same in Chinese."),
        },
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "description": "A failure: what is wrong, and what to do next.",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["code", "message", "message_zh", "next", "next_zh", "faults"],
            "properties": {
                "code": text("The stable id, in kebab case: what a program goes by."),
                "message": text("What is wrong, in English."), "message_zh": text("The same in Chinese."),
                "next": text("What to do next, in English."), "next_zh": text("The same in Chinese."),
                "faults": { "type": "array", "items": fault },
            },
            "additionalProperties": false,
        } },
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::GUIDE;
    use crate::message::Message;

    /// What stands in the guide between fences of a language.
    fn block(language: &str) -> &'static str {
        let after = GUIDE.split_once(&format!("```{language}\n")).unwrap().1;
        after.split_once("```").unwrap().0
    }

    #[test]
    fn the_message_of_the_guide_is_signed_as_the_guide_says() {
        let message: Message = serde_json::from_str(block("json")).unwrap();
        assert_eq!(message.signed(), block("text").trim_end());
        message.verify(block("pem")).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&message.document().unwrap()).unwrap();
        assert!(document["biz_order_no"].is_string());
    }
}
