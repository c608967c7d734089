//! The program: what it serves, and what it does again and again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use console::{Fault, Lang, Output};
use node::desk;
use node::http::{Caller, Listen, serve};
use node::program::Program;
use node::rounds::{Round, rounds};
use node::supervisor::supervised;
use node::{Failure, Node};
use tokio::sync::watch;

use crate::api::{self, PERMISSIONS};
use crate::cli::{self, OuterVerb};
use crate::config::OuterConfig;
use crate::service::PayNode;
use crate::{callback, expire, relay, returned};

/// The node's own tables.
pub const TABLES_SQL: &str = include_str!("tables.sql");
/// How often notifications are looked for: a unit hears of a payment within seconds.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How often orders whose time is over are looked for; minutes are what an order is timed in.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);
/// How often confirmations are looked for that came back without their orders. What needs one of them does not wait for that.
const RETURN_EVERY: Duration = Duration::from_secs(5);
/// How often what is forgotten is taken away.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// The program of the extranet payment node.
#[derive(Debug, Clone, Copy)]
pub struct Outer;

impl Program for Outer {
    const NAME: &'static str = "outer-node";
    const MIGRATIONS: &'static [&'static str] = &[node::OWN_SQL, TABLES_SQL];
    const PERMISSIONS: &'static [&'static str] = PERMISSIONS;
    type Config = OuterConfig;
    type Verb = OuterVerb;
    const CHINESE: &'static [&'static [(&'static str, &'static str, &'static str)]] = &[cli::CHINESE];

    async fn serve(node: Node, config: OuterConfig, end: watch::Receiver<bool>) -> Result<(), Fault> {
        let own = Arc::new(PayNode { post: config.node.post()?, ..PayNode::new(node, config.settings()?) });
        let listen = Listen::on(config.node.listen).await?.behind(&config.node.trusted_gateways);
        let health = Listen::on(config.node.health).await?;
        let failed = |failure: Failure| failure.fault();
        let served = async {
            serve(listen, api::operations().router(Arc::clone(&own)), ended(end.clone())).await.map_err(failed)
        };
        let healthy = async {
            serve(health, desk::health_only().router(Arc::clone(&own)), ended(end.clone())).await.map_err(failed)
        };
        let told = every("relaying answers", TELL_EVERY, &end, &own, relay::relay);
        let sent = every("telling units", TELL_EVERY, &end, &own, callback::send);
        let expired = every("closing orders", EXPIRE_EVERY, &end, &own, expire::expire);
        let returned = every("restoring payments", RETURN_EVERY, &end, &own, returned::round);
        let pruned = every("forgetting sessions", PRUNE_EVERY, &end, &own, forget);
        let watched = async {
            supervised(own.node.database.clone(), end.clone()).await;
            Ok(())
        };
        tokio::try_join!(served, healthy, told, sent, expired, returned, pruned, watched)?;
        Ok(())
    }

    async fn obey(
        node: Node,
        config: OuterConfig,
        verb: OuterVerb,
        caller: Caller,
        lang: Lang,
    ) -> Result<Output, Fault> {
        let own = Arc::new(PayNode { post: config.node.post()?, ..PayNode::new(node, config.settings()?) });
        cli::obey(&own, verb, &caller, lang).await
    }

    fn openapi() -> serde_json::Value {
        api::operations().openapi("Ferry outer node (外网支付节点)", env!("CARGO_PKG_VERSION"))
    }
}

async fn forget(own: Arc<PayNode>) -> Result<Round, Failure> {
    node::prune::prune(&own.node).await.map(|()| Round::Rest)
}

/// Ends when the program is told to.
async fn ended(mut end: watch::Receiver<bool>) {
    // An error says that nobody can tell any more, which is an end too.
    drop(end.wait_for(|is_over| *is_over).await);
}

/// Does a job of the node again and again; it ends without a fault.
async fn every<F, O>(
    name: &'static str,
    pause: Duration,
    end: &watch::Receiver<bool>,
    own: &Arc<PayNode>,
    job: F,
) -> Result<(), Fault>
where
    F: Fn(Arc<PayNode>) -> O + Send + Sync,
    O: Future<Output = Result<Round, Failure>> + Send,
{
    rounds(name, pause, end.clone(), || job(Arc::clone(own))).await;
    Ok(())
}
