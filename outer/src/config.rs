//! The configuration of the node, and what is made of it at start.

use std::collections::BTreeMap;
use std::path::PathBuf;

use console::{ExitCode, Fault, Text};
use contract::rows::PayConfirm;
use contract::rules::check_value;
use contract::{Cell, Row as _};
use node::config::NodeConfig;
use node::message::{ClientKey, read_key};
use node::url::is_url;
use serde::Deserialize;

use crate::day_cut::DayCut;

/// The configuration of the node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OuterConfig {
    /// What every node is told.
    pub node: NodeConfig,
    /// Orders.
    #[serde(default)]
    pub orders: OrdersConfig,
    /// Who signs what units are told.
    pub callbacks: CallbacksConfig,
    /// The channels (支付渠道).
    #[serde(default)]
    pub channel: Vec<ChannelConfig>,
}

impl AsRef<NodeConfig> for OuterConfig {
    fn as_ref(&self) -> &NodeConfig {
        &self.node
    }
}

/// How orders are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrdersConfig {
    /// How long an order may be paid where the client does not say, in minutes.
    pub expire_minutes: i64,
    /// 日切: the time of the day, HH:mm, from which on a payment belongs to the next business day; 24:00 is midnight.
    pub day_cut: String,
}

impl Default for OrdersConfig {
    fn default() -> Self {
        Self { expire_minutes: EXPIRE_MINUTES, day_cut: "24:00".to_owned() }
    }
}

/// Who signs what units are told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbacksConfig {
    /// The id (`devId`) under which units know this node.
    pub id: String,
    /// The file of its SM2 private key in PKCS#8 PEM, readable by its owner alone.
    pub key: PathBuf,
}

/// A channel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// Its id: the `devId` of its messages, and the channel that confirmations name.
    pub id: String,
    /// Where it says what became of an order; none where it cannot be asked.
    pub query_url: Option<String>,
}

/// How long an order may be paid where nobody says otherwise: the two hours of the merchant interface.
pub const EXPIRE_MINUTES: i64 = 120;
/// The longest that an order may be paid, in minutes: a month, after which the debt itself has changed.
pub const EXPIRE_MINUTES_MAX: i64 = 31 * 24 * 60;
/// Who signs what units and channels are sent.
#[derive(Debug)]
pub struct Signer {
    /// The id under which the other side knows this node.
    pub id: String,
    /// The key.
    pub key: ClientKey,
}

/// What the configuration came to.
#[derive(Debug)]
pub struct Settings {
    /// How long an order may be paid where the client does not say, in minutes.
    pub expire_minutes: i64,
    /// 日切.
    pub day_cut: DayCut,
    /// The channels, and where each can be asked.
    pub channels: BTreeMap<String, Option<String>>,
    /// Who signs.
    pub signer: Signer,
}

impl OuterConfig {
    /// Looks at what reading cannot, and reads the key.
    ///
    /// # Errors
    /// What is wrong, with the field.
    pub fn settings(&self) -> Result<Settings, Fault> {
        let minutes = self.orders.expire_minutes;
        if !(1..=EXPIRE_MINUTES_MAX).contains(&minutes) {
            return Err(wrong(
                console::text!(
                    "orders.expire_minutes is {minutes}, which is not 1 to {EXPIRE_MINUTES_MAX}",
                    "orders.expire_minutes 为 {minutes}，应在 1 至 {EXPIRE_MINUTES_MAX} 之间"
                ),
                Text::fixed("take 120, as the merchant interface does", "可取商户接口的 120"),
            ));
        }
        let cut = &self.orders.day_cut;
        let day_cut = DayCut::parse(cut).ok_or_else(|| {
            wrong(
                console::text!("orders.day_cut is {cut}, which is no HH:mm", "orders.day_cut 为 {cut}，不是 HH:mm"),
                Text::fixed("take 00:01 to 24:00, such as 22:00", "请取 00:01 至 24:00，例如 22:00"),
            )
        })?;
        let key = read_key("callbacks.key", &self.callbacks.key)?;
        let signer = Signer { id: self.callbacks.id.clone(), key };
        Ok(Settings { expire_minutes: minutes, day_cut, channels: channels(&self.channel)?, signer })
    }
}

fn channels(list: &[ChannelConfig]) -> Result<BTreeMap<String, Option<String>>, Fault> {
    let mut channels = BTreeMap::new();
    for channel in list {
        let id = &channel.id;
        let column = PayConfirm::TABLE.column("channel");
        if let Some(rule) = column.and_then(|column| check_value(column, &Cell::Text(id.clone()))) {
            let (en, zh) = (rule.english(), rule.chinese());
            return Err(wrong(
                Text::new(format!("the id of the channel {id} {en}"), format!("channel 的 id {id}：{zh}")),
                Text::fixed("take another id; confirmations carry it", "请更换 id；缴款确认将带有该值"),
            ));
        }
        if let Some(url) = channel.query_url.as_ref().filter(|url| !is_url(url)) {
            return Err(wrong(
                console::text!(
                    "query_url {url} of the channel {id} is no URL",
                    "渠道 {id} 的 query_url {url} 不是网址"
                ),
                Text::fixed("take http://host/path", "请使用 http://主机/路径"),
            ));
        }
        if channels.insert(id.clone(), channel.query_url.clone()).is_some() {
            return Err(wrong(
                console::text!("the channel {id} stands twice", "渠道 {id} 重复"),
                Text::fixed("leave one of them", "请保留其一"),
            ));
        }
    }
    Ok(channels)
}

fn wrong(message: Text, next: Text) -> Fault {
    Fault::new("config", ExitCode::Config, message, next)
}
