//! What has had its time is forgotten: sessions that ended, nonces whose messages are too old to be taken, locks that are over.

use crate::failure::Failure;
use crate::service::Node;
use crate::{client, people};

/// Forgets what has had its time.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(node: &Node) -> Result<(), Failure> {
    let now = node.clock.now();
    node.database
        .write(move |connection| {
            Box::pin(async move {
                people::prune(connection, now).await?;
                client::prune(connection, now).await
            })
        })
        .await
}
