//! What a node is asked over HTTP, and by whom.
//!
//! Every answer is a JSON object: `{"data": …}`, or `{"error": {code, message, message_zh, next, next_zh, faults}}`.

mod api;
mod body;
mod caller;
mod connections;
mod example;
mod openapi;
mod peer;
mod serve;

pub use api::{Access, Api, Done, Empty};
pub use body::{ANYONE_BYTES_MAX, BODY_BYTES_MAX, BULK_BYTES_MAX};
pub use caller::{Caller, Who, token_digest};
pub use serve::{Bounds, Listen, serve, serve_within};
