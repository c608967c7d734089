//! The configuration of the intranet node.

use std::path::PathBuf;

use console::Fault;
use node::config::NodeConfig;
use serde::Deserialize;

use crate::courier::Signer;

/// The configuration, as its file has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What every node is told.
    pub node: NodeConfig,
    /// Who this node is to the agencies' systems that it tells of bookings; without it nobody is told.
    pub push: Option<PushConfig>,
}

/// Who this node is to agencies' systems.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushConfig {
    /// The id under which they know it.
    pub id: String,
    /// The file of its SM2 private key, PKCS#8 in PEM.
    pub key: PathBuf,
}

impl AsRef<NodeConfig> for Config {
    fn as_ref(&self) -> &NodeConfig {
        &self.node
    }
}

impl Config {
    /// Who signs what agencies are told.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub fn signer(&self) -> Result<Option<Signer>, Fault> {
        let Some(push) = &self.push else { return Ok(None) };
        let key = node::message::read_key("push.key", &push.key)?;
        Ok(Some(Signer { id: push.id.clone(), key }))
    }
}
