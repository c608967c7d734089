//! The program `inner-node`.

use std::future::Future;

use clap::Subcommand;
use console::{Fault, Lang, Output};
use contract::rules::Decision;
use node::Node;
use node::http::Caller;
use node::program::Program;
use tokio::sync::watch;

use crate::config::Config;
use crate::import_command::{self, ImportArgs};
use crate::{api, service};

/// The intranet node's program.
#[derive(Debug)]
pub struct InnerNode;

/// The verbs that only this node has.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Import base data from a file
    Import(ImportArgs),
    /// List what was booked, the latest change last
    Bookings(BookingsArgs),
}

/// Which bookings.
#[derive(Debug, clap::Args)]
pub struct BookingsArgs {
    /// Only those of this pay code
    #[arg(long)]
    pay_code: Option<String>,
    /// Only those of this agency's id
    #[arg(long)]
    agency_id: Option<String>,
    /// Only those of this match: 1 matched, 2 duplicate, 3 amount differs, 4 no notice
    #[arg(long)]
    match_state: Option<i64>,
    /// Only those of this decision: 1 book, 2 refund online, 3 refund offline, 4 review
    #[arg(long)]
    decision: Option<i64>,
    /// Only those under review
    #[arg(long, conflicts_with = "decision")]
    review: bool,
    /// Count and sum by agency instead
    #[arg(long, conflicts_with_all = ["pay_code", "after"])]
    totals: bool,
    /// Those that changed after this number
    #[arg(long)]
    after: Option<i64>,
}

impl BookingsArgs {
    async fn list(self, node: &Node) -> Result<Output, Fault> {
        let Self { pay_code, agency_id, match_state, review, after, totals, .. } = self;
        let decision = if review { Some(Decision::Review.number()) } else { self.decision };
        if totals {
            let asked = api::Summed { agency_id, decision, match_state, ..api::Summed::default() };
            return api::totals(node, asked).await;
        }
        api::bookings(node, api::Looked { pay_code, agency_id, decision, match_state, after }).await
    }
}

const CHINESE: &[(&str, &str, &str)] = &[
    ("", "", "内网非税节点：基础数据、缴款通知书、匹配入账。"),
    ("bookings", "", "列出入账记录，最近变更的在后"),
    ("bookings", "pay_code", "只列出此缴款码"),
    ("bookings", "agency_id", "只列出此执收单位（编号）"),
    ("bookings", "match_state", "只列出此匹配结果：1 相符，2 重复，3 金额不符，4 无通知书"),
    ("bookings", "decision", "只列出此处理决定：1 入账，2 线上退付，3 线下退付，4 人工核查"),
    ("bookings", "review", "只列出待人工核查的"),
    ("bookings", "totals", "改为按执收单位列出笔数和金额"),
    ("bookings", "after", "从此变更序号之后开始"),
];

/// Its tables, version by version.
pub const MIGRATIONS: &[&str] = &[concat!(include_str!("../../node/src/own.sql"), include_str!("tables.sql"))];

impl Program for InnerNode {
    const NAME: &'static str = "inner-node";
    const MIGRATIONS: &'static [&'static str] = MIGRATIONS;
    const PERMISSIONS: &'static [&'static str] = api::PERMISSIONS;
    type Config = Config;
    type Verb = Verb;
    const CHINESE: &'static [&'static [(&'static str, &'static str, &'static str)]] =
        &[CHINESE, import_command::CHINESE];

    fn serve(node: Node, config: Config, end: watch::Receiver<bool>) -> impl Future<Output = Result<(), Fault>> + Send {
        service::run(node, config, end)
    }

    async fn obey(node: Node, _: Config, verb: Verb, caller: Caller, lang: Lang) -> Result<Output, Fault> {
        match verb {
            Verb::Import(args) => import_command::run(&node, &caller, args, lang).await,
            Verb::Bookings(args) => args.list(&node).await,
        }
    }

    fn openapi() -> serde_json::Value {
        api::operations().openapi("Ferry inner node", env!("CARGO_PKG_VERSION"))
    }
}

#[cfg(test)]
mod tests {
    use console::chinese::missing;

    use super::InnerNode;

    #[test]
    fn every_verb_and_every_argument_has_a_chinese_text() {
        let command = node::program::command::<InnerNode>(console::Lang::En);
        assert_eq!(missing(&command, &node::program::text_of::<InnerNode>), [""; 0]);
    }
}
