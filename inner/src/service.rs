//! The intranet node as a service: its rounds and its operations.

use std::sync::Arc;
use std::time::Duration;

use console::{ExitCode, Fault};
use node::http::{Listen, serve};
use node::rounds::{Round, rounds};
use node::supervisor::supervised;
use node::{Failure, Kind, Node, Service};
use tokio::sync::watch;

use crate::config::Config;
use crate::courier::Courier;
use crate::waiting::{self, QUEUES, Queue};
use crate::{api, mint, push, receipt};

/// How often what has come is looked for: a confirmation is to be answered within seconds, and a look is one read of an index.
const EVERY: Duration = Duration::from_millis(200);
/// How often it is looked whether somebody is to be told.
const PUSH_EVERY: Duration = Duration::from_secs(1);
/// How often what has had its time is forgotten: the tables stay small, and a look costs one write.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

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

    async fn problems(&self) -> Result<u64, Failure> {
        let count = self.node.database.read(|connection| {
            Box::pin(
                async move { Ok(waiting::count_problems(connection).await? + push::count_untold(connection).await?) },
            )
        });
        count.await
    }
}

/// Looks whether the node could issue notices as it is configured.
///
/// # Errors
/// When codes that are minted do not fit the pattern of pay codes, or the database cannot be read.
pub async fn check(node: &Node) -> Result<(), Fault> {
    let (policy, now) = (Arc::clone(&node.policy), node.clock.now());
    let checked = node
        .database
        .read(move |connection| Box::pin(async move { mint::check_all(connection, &policy, now).await }))
        .await;
    checked.map_err(|failure| {
        // What is configured is wrong before anything is asked.
        if failure.kind == Kind::Internal && failure.code == mint::MISFIT {
            Fault::new("config", ExitCode::Config, failure.message, failure.next)
        } else {
            failure.fault()
        }
    })
}

/// Serves until `end` says so.
///
/// # Errors
/// When an address cannot be had, the node's key cannot be read, or the configuration allows no notices.
pub async fn run(node: Node, config: Config, end: watch::Receiver<bool>) -> Result<(), Fault> {
    check(&node).await?;
    let (signer, post) = (config.signer()?, config.node.post()?);
    let listen = Listen::on(config.node.listen).await?.behind(&config.node.trusted_gateways);
    let health = Listen::on(config.node.health).await?;
    let service = Arc::new(Inner::new(node.clone()));
    let queues = QUEUES.map(|queue| tokio::spawn(dealt_with(node.clone(), queue, end.clone())));
    let courier = signer.map(|signer| Courier::new(node.clone(), post, Arc::new(signer)));
    let told = rounds("push", PUSH_EVERY, end.clone(), move || {
        let courier = courier.clone();
        async move {
            match courier {
                Some(courier) => courier.round().await,
                None => Ok(Round::Rest),
            }
        }
    });
    let for_pruning = node.clone();
    let pruned = rounds("forgetting what is over", PRUNE_EVERY, end.clone(), move || {
        let node = for_pruning.clone();
        async move { prune(&node).await.map(|()| Round::Rest) }
    });
    let people = serve(listen, api::operations().router(Arc::clone(&service)), ended(end.clone()));
    let machine = serve(health, node::desk::health_only().router(service), ended(end.clone()));
    let watched = supervised(node.database, end);
    let (people, machine, (), (), ()) = tokio::join!(people, machine, told, pruned, watched);
    for queue in queues {
        queue.await.map_err(Fault::internal)?;
    }
    people.and(machine).map_err(|failure| failure.fault())
}

/// A queue in rounds until the program is told to end.
async fn dealt_with(node: Node, queue: &'static Queue, end: watch::Receiver<bool>) {
    rounds(queue.of, EVERY, end, move || {
        let node = node.clone();
        async move { waiting::round(&node, queue).await }
    })
    .await;
}

/// Forgets sessions and the like, and answers that are older than they are kept.
async fn prune(node: &Node) -> Result<(), Failure> {
    node::prune::prune(node).await?;
    let now = node.clock.now();
    node.database.write(move |connection| Box::pin(receipt::prune(connection, now))).await
}

async fn ended(mut end: watch::Receiver<bool>) {
    // The sender gone means the end, too.
    let _last = end.wait_for(|is_over| *is_over).await;
}
