//! What every part of a node works with.

use std::sync::Arc;

use crate::clock::Clock;
use crate::database::Database;
use crate::entropy::Entropy;
use crate::failure::Failure;
use crate::field_key::FieldKey;

/// What every part of a node works with.
#[derive(Clone)]
pub struct Node {
    /// The zone's database.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The key of sensitive columns.
    pub field_key: Arc<FieldKey>,
    /// What the finance department decided.
    pub policy: Arc<contract::rules::Policy>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("database", &self.database).finish_non_exhaustive()
    }
}

/// A node's program, as the HTTP operations see it.
pub trait Service: Send + Sync + 'static {
    /// What every part works with.
    fn node(&self) -> &Node;

    /// How much waits for people because it could not be dealt with.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn problems(&self) -> impl Future<Output = Result<u64, Failure>> + Send {
        async { Ok(0) }
    }
}
