//! The intranet node (内网非税节点, 非税收入收缴管理): the finance bureau's ledger side of the gap.
//!
//! It keeps base data, issues notices and mints their pay codes, takes payments that were made offline, matches what the outer
//! zone confirms, answers it, and tells the collecting agency's system. It knows neither keys of the gap nor the other zone: what it
//! commits, ferry carries.
#![warn(missing_docs)]

pub mod api;
pub mod base;
mod base_sets;
mod book;
pub mod config;
pub mod courier;
pub mod import;
pub mod import_command;
pub mod issue;
mod keys;
pub mod matching;
mod mint;
pub mod offline;
mod plain;
pub mod program;
pub mod proposal;
pub mod push;
mod receipt;
pub mod report;
pub mod request;
mod returned;
pub mod service;
pub mod waiting;
pub mod wish;
