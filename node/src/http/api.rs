//! The operations of a node: each stands once, with who may call it, what it takes and what it yields. Routing, checks and the
//! interface's description all follow from that.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::{get, post};
use console::Text;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::body::{self, ANYONE_BYTES_MAX, BODY_BYTES_MAX, BULK_BYTES_MAX};
use super::caller::{self, Caller, Who};
use super::peer::Peer;
use super::serve::Place;
use crate::failure::{Failure, Kind};
use crate::message::Message;
use crate::people::Role;
use crate::service::Service;
use crate::writer::unwound;

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody who reaches the node.
    Anyone,
    /// People of these roles.
    People(&'static [Role]),
    /// Clients with this permission, by signed messages.
    Client(&'static str),
}

/// Takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// Says that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// Always true.
    pub done: bool,
}

impl Done {
    /// It is done.
    pub const YES: Self = Self { done: true };
}

/// One operation, as it is described.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    pub access: Access,
    /// The largest body, in bytes.
    pub bytes_max: usize,
    pub takes: Schema,
    pub yields: Schema,
}

/// The operations of a node.
pub struct Api<S> {
    router: Router<Arc<S>>,
    pub(super) operations: Vec<Operation>,
    pub(super) schemas: SchemaGenerator,
}

impl<S> std::fmt::Debug for Api<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("operations", &self.operations.len()).finish_non_exhaustive()
    }
}

impl<S: Service> Default for Api<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Service> Api<S> {
    /// No operations.
    #[must_use]
    pub fn new() -> Self {
        let schemas = schemars::generate::SchemaSettings::openapi3().into_generator();
        Self { router: Router::new(), operations: Vec::new(), schemas }
    }

    /// An operation that reads: `GET`, with what it takes in the query.
    #[must_use]
    pub fn get<B, R, F, O>(mut self, path: &'static str, access: Access, summary: &'static str, operation: F) -> Self
    where
        B: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + Send + 'static,
        F: Fn(Arc<S>, Caller, B) -> O + Clone + Send + Sync + 'static,
        O: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let described = self.operation::<B, R>("get", path, access, summary);
        self.operations.push(described);
        let handler = move |State(service): State<Arc<S>>, request: Request| {
            let operation = operation.clone();
            async move { answer(by_query(service, access, request, operation).await) }
        };
        self.router = self.router.route(path, get(handler));
        self
    }

    /// An operation that changes something: `POST`, with what it takes as a document, or in a signed message from a client.
    #[must_use]
    pub fn post<B, R, F, O>(self, path: &'static str, access: Access, summary: &'static str, operation: F) -> Self
    where
        B: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + Send + 'static,
        F: Fn(Arc<S>, Caller, B) -> O + Clone + Send + Sync + 'static,
        O: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let bytes_max = match access {
            Access::Anyone => ANYONE_BYTES_MAX,
            Access::People(_) | Access::Client(_) => BODY_BYTES_MAX,
        };
        self.taking(bytes_max, path, access, summary, operation)
    }

    /// The same for an operation that takes many rows at once, and so a larger body.
    #[must_use]
    pub fn bulk<B, R, F, O>(self, path: &'static str, access: Access, summary: &'static str, operation: F) -> Self
    where
        B: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + Send + 'static,
        F: Fn(Arc<S>, Caller, B) -> O + Clone + Send + Sync + 'static,
        O: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        self.taking(BULK_BYTES_MAX, path, access, summary, operation)
    }

    fn taking<B, R, F, O>(
        mut self,
        bytes_max: usize,
        path: &'static str,
        access: Access,
        summary: &'static str,
        operation: F,
    ) -> Self
    where
        B: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + Send + 'static,
        F: Fn(Arc<S>, Caller, B) -> O + Clone + Send + Sync + 'static,
        O: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let described = self.operation::<B, R>("post", path, access, summary);
        self.operations.push(Operation { bytes_max, ..described });
        let handler = move |State(service): State<Arc<S>>, request: Request| {
            let operation = operation.clone();
            async move { answer(by_document(service, access, bytes_max, request, operation).await) }
        };
        self.router = self.router.route(path, post(handler));
        self
    }

    /// The operations as they are served.
    pub fn router(self, service: Arc<S>) -> Router {
        self.router.fallback(nothing).method_not_allowed_fallback(wrong_method).with_state(service)
    }

    fn operation<B: JsonSchema, R: JsonSchema>(
        &mut self,
        method: &'static str,
        path: &'static str,
        access: Access,
        summary: &'static str,
    ) -> Operation {
        let (takes, yields) = (self.schemas.subschema_for::<B>(), self.schemas.subschema_for::<R>());
        Operation { method, path, summary, access, bytes_max: 0, takes, yields }
    }
}

async fn by_query<S, B, R, F, O>(service: Arc<S>, access: Access, request: Request, operation: F) -> Result<R, Failure>
where
    S: Service,
    B: DeserializeOwned,
    F: Fn(Arc<S>, Caller, B) -> O,
    O: Future<Output = Result<R, Failure>>,
{
    let (parts, _) = request.into_parts();
    let caller = caller_of(&*service, access, &parts).await?;
    let asked = body::parse_query(parts.uri.query().unwrap_or_default())?;
    operation(service, caller, asked).await
}

async fn by_document<S, B, R, F, O>(
    service: Arc<S>,
    access: Access,
    bytes_max: usize,
    request: Request,
    operation: F,
) -> Result<R, Failure>
where
    S: Service,
    B: DeserializeOwned + Send + 'static,
    R: Send + 'static,
    F: Fn(Arc<S>, Caller, B) -> O + Send + 'static,
    O: Future<Output = Result<R, Failure>> + Send + 'static,
{
    let (parts, document) = request.into_parts();
    let address = address(&parts);
    let Access::Client(permission) = access else {
        let caller = caller_of(&*service, access, &parts).await?;
        body::judge_type(&parts.headers)?;
        let read = body::read(document, bytes_max, &address).await?;
        return operation(service, caller, body::parse(&read.bytes)?).await;
    };
    body::judge_type(&parts.headers)?;
    let read = body::read(document, bytes_max, &address).await?;
    let place = parts.extensions.get::<Place>().cloned();
    // A nonce that is taken is given back where the operation fails. Neither may end half way because whoever asked has gone, or the
    // time for an answer is over: both go on without a connection, in the place of the request.
    let done = tokio::spawn(async move {
        let result = by_message(service, permission, &read.bytes, address, operation).await;
        drop((read, place));
        result
    });
    done.await.map_err(Failure::internal)?
}

async fn by_message<S, B, R, F, O>(
    service: Arc<S>,
    permission: &'static str,
    bytes: &[u8],
    address: String,
    operation: F,
) -> Result<R, Failure>
where
    S: Service,
    B: DeserializeOwned,
    F: Fn(Arc<S>, Caller, B) -> O,
    O: Future<Output = Result<R, Failure>>,
{
    let message: Message = body::parse(bytes)?;
    let client = caller::client(service.node(), &message, permission).await?;
    let asked = body::parse(&message.document()?)?;
    let id = client.id.clone();
    let done = operation(Arc::clone(&service), Caller { who: Who::Client(client), address }, asked);
    let failure = match unwound(done).await.and_then(|done| done) {
        Ok(done) => return Ok(done),
        Err(failure) => failure,
    };
    // The nonce was committed before. A client whose message failed through the node's fault sends the same message again.
    if matches!(failure.kind, Kind::Busy | Kind::Internal) {
        caller::let_repeat(service.node(), id, message.nonce).await;
    }
    Err(failure)
}

/// Who asks, if it is somebody who may.
async fn caller_of<S: Service>(service: &S, access: Access, parts: &Parts) -> Result<Caller, Failure> {
    let address = address(parts);
    let Access::People(roles) = access else { return Ok(Caller { who: Who::Anyone, address }) };
    let person = caller::person(service.node(), &parts.headers).await?;
    if !roles.contains(&person.role) {
        let list = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Failure::new(
            Kind::Forbidden,
            "not-permitted",
            console::text!("this is for people of the roles {list}", "该操作仅限角色：{list}"),
            Text::fixed("ask somebody of such a role", "请由相应角色人员操作"),
        ));
    }
    Ok(Caller { who: Who::Person(person), address })
}

/// The address that the request comes from, as [`Peer`] has it.
fn address(parts: &Parts) -> String {
    parts.extensions.get::<Peer>().map_or_else(|| "unknown".to_owned(), |peer| peer.0.to_string())
}

fn answer<R: Serialize>(result: Result<R, Failure>) -> Response {
    match result.and_then(|yielded| serde_json::to_value(yielded).map_err(Failure::internal)) {
        Ok(data) => Json(json!({ "data": data })).into_response(),
        Err(failure) => failure.into_response(),
    }
}

async fn nothing() -> Failure {
    Failure::new(
        Kind::Missing,
        "no-operation",
        Text::fixed("there is no such operation", "没有该接口"),
        Text::fixed("look into the interface's description", "请查阅接口说明"),
    )
}

async fn wrong_method() -> Response {
    let mut response = nothing().await.into_response();
    *response.status_mut() = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    response
}
