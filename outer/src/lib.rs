//! The extranet payment node (外网支付节点): payers look notices up and pay them, units make orders and ask for notices, channels say
//! what became of orders, and every payment becomes a confirmation that crosses the gap.
//!
//! Of the contract's tables it writes `pay_confirm`, `notice_request` and their lines; the others are replicas that it reads.
#![warn(missing_docs)]

pub mod api;
pub mod attempt;
pub mod attested;
pub mod callback;
pub mod cli;
pub mod closing;
pub mod config;
pub mod content;
pub mod create;
pub mod day_cut;
pub mod evidence;
pub mod exception;
pub mod expire;
pub mod income;
mod kept;
pub mod notice;
pub mod order;
pub mod pay;
pub mod program;
pub mod query;
pub mod relay;
pub mod request;
pub mod result;
pub mod returned;
pub mod service;
pub mod settle;

pub use config::OuterConfig;
pub use program::Outer;
pub use service::PayNode;
