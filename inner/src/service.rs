//! The intranet node as a service: its rounds and its operations.

use std::sync::Arc;
use std::time::Duration;

use console::Fault;
use node::http::{Listen, serve};
use node::post::Post;
use node::rounds::{Round, rounds};
use node::{Node, Service};
use tokio::sync::watch;

use crate::config::Config;
use crate::{api, matching, push, request};

/// How often what has come is looked for: a confirmation is to be answered within seconds, and a look is one read of an index.
const EVERY: Duration = Duration::from_millis(200);
/// How often it is looked whether somebody is to be told.
const PUSH_EVERY: Duration = Duration::from_secs(1);

/// The intranet node.
#[derive(Debug)]
pub struct Inner {
    node: Node,
}

impl Inner {
    /// A node on what it works with.
    #[must_use]
    pub const fn new(node: Node) -> Self {
        Self { node }
    }
}

impl Service for Inner {
    fn node(&self) -> &Node {
        &self.node
    }
}

/// Serves until `end` says so.
///
/// # Errors
/// When an address cannot be had or the node's key cannot be read.
pub async fn run(node: Node, config: Config, end: watch::Receiver<bool>) -> Result<(), Fault> {
    let signer = config.signer()?;
    let (listen, health) = (Listen::on(config.node.listen).await?, Listen::on(config.node.health).await?);
    let service = Arc::new(Inner::new(node.clone()));
    let (for_matching, for_requests, for_push) = (node.clone(), node.clone(), node);
    let matched = rounds("matching", EVERY, end.clone(), move || {
        let node = for_matching.clone();
        async move { matching::round(&node).await }
    });
    let answered = rounds("requests", EVERY, end.clone(), move || {
        let node = for_requests.clone();
        async move { request::round(&node).await }
    });
    let (post, signer) = (Post::new(), signer.map(Arc::new));
    let told = rounds("push", PUSH_EVERY, end.clone(), move || {
        let (node, post, signer) = (for_push.clone(), post.clone(), signer.clone());
        async move {
            match signer {
                Some(signer) => push::round(&node, &post, &signer).await,
                None => Ok(Round::Rest),
            }
        }
    });
    let people = serve(listen, api::operations().router(Arc::clone(&service)), ended(end.clone()));
    let machine = serve(health, node::desk::health_only().router(service), ended(end));
    let (people, machine, (), (), ()) = tokio::join!(people, machine, matched, answered, told);
    people.and(machine).map_err(|failure| failure.fault())
}

async fn ended(mut end: watch::Receiver<bool>) {
    // The sender gone means the end, too.
    let _last = end.wait_for(|is_over| *is_over).await;
}
