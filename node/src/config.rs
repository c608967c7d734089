//! The configuration of a node: a TOML file that is read and checked whole at start.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use console::{ExitCode, Fault, Text};
use contract::rules::{PAY_CODE_PATTERN, PayCodePattern, Policy, Weight};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::post::Post;

/// A configuration is a few kilobytes; what is larger is another file.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// What every node is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// The zone's database, which `ferry init` made.
    pub database: PathBuf,
    /// Where people and clients reach the node, such as `10.1.2.3:8810`.
    pub listen: SocketAddr,
    /// Where the machine itself asks for the node's health: an address of the loopback.
    pub health: SocketAddr,
    /// The gateways in front of `listen`, by address. What one of them appends to `X-Forwarded-For` is taken for the address of whoever
    /// asks; nobody else's header is read.
    #[serde(default)]
    pub trusted_gateways: Vec<IpAddr>,
    /// The key of sensitive columns.
    pub field_key: PathBuf,
    /// The certificates of the authorities whose systems are told over TLS, in PEM; without it no `https` address is reached.
    pub ca: Option<PathBuf>,
    /// What the finance department decided.
    #[serde(default)]
    pub policy: PolicyConfig,
}

/// What the finance department decided.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// What pay codes look like: a regular expression for whole codes.
    pub pay_code_pattern: String,
    /// Whether their last digit must be the check digit of the simulation.
    pub pay_code_check: bool,
    /// A wrong check character of a unified social credit code.
    pub uscc_check: WeightConfig,
    /// A division that GB/T 2260 does not have.
    pub region_unknown: WeightConfig,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            pay_code_pattern: PAY_CODE_PATTERN.to_owned(),
            pay_code_check: false,
            uscc_check: WeightConfig::Warn,
            region_unknown: WeightConfig::Warn,
        }
    }
}

/// Warn or reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightConfig {
    /// The row counts.
    Warn,
    /// The row does not count.
    Reject,
}

impl From<WeightConfig> for Weight {
    fn from(config: WeightConfig) -> Self {
        match config {
            WeightConfig::Warn => Self::Warn,
            WeightConfig::Reject => Self::Reject,
        }
    }
}

impl NodeConfig {
    /// Looks at what reading cannot, and makes the policy.
    ///
    /// # Errors
    /// What is wrong, with the field.
    pub fn policy(&self) -> Result<Policy, Fault> {
        if !self.health.ip().is_loopback() {
            let address = self.health;
            return Err(wrong(
                console::text!(
                    "node.health is {address}, which is no address of the loopback",
                    "node.health 为 {address}，不是环回地址"
                ),
                Text::fixed("take 127.0.0.1 with a port", "请使用 127.0.0.1 及端口"),
            ));
        }
        let pattern = PayCodePattern::new(&self.policy.pay_code_pattern, self.policy.pay_code_check);
        let pay_code = pattern.map_err(|error| {
            wrong(
                console::text!("node.policy.pay_code_pattern: {error}", "node.policy.pay_code_pattern 有误：{error}"),
                Text::fixed("take another pattern, such as ^[0-9]{20}$", "请更换，例如 ^[0-9]{20}$"),
            )
        })?;
        Ok(Policy {
            uscc_check: self.policy.uscc_check.into(),
            region_unknown: self.policy.region_unknown.into(),
            pay_code,
        })
    }
}

impl NodeConfig {
    /// Sends messages to other systems.
    ///
    /// # Errors
    /// When the authorities' certificates cannot be read.
    pub fn post(&self) -> Result<Post, Fault> {
        self.ca.as_deref().map_or_else(|| Ok(Post::new()), Post::trusting)
    }
}

fn wrong(message: Text, next: Text) -> Fault {
    Fault::new("config", ExitCode::Config, message, next)
}

/// Reads a configuration.
///
/// # Errors
/// When it is not there, cannot be read, or is not right; the message names line and field.
pub fn read<C: DeserializeOwned>(path: &Path) -> Result<C, Fault> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        wrong(
            console::text!("the configuration {shown} cannot be read: {error}", "配置文件 {shown} 无法读取：{error}"),
            Text::fixed("name it with --config", "请用 --config 指明"),
        )
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > CONFIG_BYTES_MAX {
        return Err(wrong(
            console::text!("{shown} is larger than a configuration can be", "{shown} 过大，不是配置文件"),
            Text::fixed("name the right file with --config", "请用 --config 指明正确的文件"),
        ));
    }
    toml::from_str(&text).map_err(|error| {
        wrong(
            console::text!("{shown}: {error}", "{shown} 有误：{error}"),
            Text::fixed(
                "mend the line; docs/nodes.md lists every field",
                "请更正该行；docs/nodes.zh-CN.md 列有全部字段",
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{NodeConfig, read};

    fn said(text: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("node.toml");
        #[expect(clippy::disallowed_methods, reason = "a test's file")]
        std::fs::write(&path, text).unwrap();
        match read::<NodeConfig>(&path).and_then(|config| config.policy()) {
            Ok(_) => "ok".to_owned(),
            Err(fault) => fault.message.to_string(),
        }
    }

    const GOOD: &str = "database = \"a.db\"\nlisten = \"127.0.0.1:1\"\nhealth = \"127.0.0.1:2\"\nfield_key = \"k\"\n";

    #[test]
    fn what_is_wrong_is_told_with_line_and_field() {
        assert_eq!(said(GOOD), "ok");
        assert!(said(&format!("{GOOD}more = 1\n")).contains("unknown field `more`"));
        assert!(said(&GOOD.replace("127.0.0.1:1", "here")).contains("line 2"));
        assert!(said(&GOOD.replace("127.0.0.1:2", "10.0.0.1:2")).contains("node.health"));
        assert!(said(&format!("{GOOD}[policy]\npay_code_pattern = \"[\"\n")).contains("pay_code_pattern"));
        assert!(said(&format!("{GOOD}[policy]\nuscc_check = \"shout\"\n")).contains("line 6"));
        assert_eq!(said(&format!("{GOOD}trusted_gateways = [\"10.0.0.1\", \"2001:db8::1\"]\n")), "ok");
        assert!(said(&format!("{GOOD}trusted_gateways = [\"gateway\"]\n")).contains("line 5"));
        assert!(said("").contains("missing field `database`"));
    }
}
