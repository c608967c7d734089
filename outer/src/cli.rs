//! The verbs that only this node has.

use std::sync::Arc;

use clap::Subcommand;
use console::{Fault, Lang, Output, yuan};
use node::Failure;
use node::http::Caller;
use serde_json::json;

use crate::callback::{self, CallbackAsked, CallbacksAsked, Progress};
use crate::create::OrderShown;
use crate::exception::{self, ExceptionsAsked};
use crate::query::{self, OrdersAsked};
use crate::service::PayNode;

/// The verbs that only this node has.
#[derive(Debug, Subcommand)]
pub enum OuterVerb {
    /// Look at orders
    #[command(subcommand)]
    Order(OrderVerb),
    /// Look at what units are told
    #[command(subcommand)]
    Callback(CallbackVerb),
    /// Look at what channels said that does not fit
    #[command(subcommand)]
    Exception(ExceptionVerb),
}

/// What can be done with orders.
#[derive(Debug, Subcommand)]
pub enum OrderVerb {
    /// Show one order with its payments
    Show {
        /// The platform's number of the order
        #[arg(value_name = "NUMBER")]
        number: String,
    },
    /// List orders, the latest first
    List {
        /// Of this state, 0 to 7
        #[arg(long, value_parser = clap::value_parser!(i64).range(0..=7))]
        state: Option<i64>,
        /// Of this pay code
        #[arg(long)]
        pay_code: Option<String>,
        /// Before this number
        #[arg(long)]
        before: Option<String>,
    },
}

/// What can be done with notifications.
#[derive(Debug, Subcommand)]
pub enum CallbackVerb {
    /// List notifications, the latest first
    List {
        /// Only those that were given up
        #[arg(long)]
        given_up: bool,
        /// Before this number
        #[arg(long)]
        before: Option<i64>,
    },
    /// Send one again
    Again {
        /// The number of the notification
        #[arg(value_name = "NUMBER")]
        number: i64,
    },
}

/// What can be done with exceptions.
#[derive(Debug, Subcommand)]
pub enum ExceptionVerb {
    /// List exceptions, the latest first
    List {
        /// Those that are closed too
        #[arg(long)]
        all: bool,
        /// Before this number
        #[arg(long)]
        before: Option<i64>,
    },
}

/// The Chinese texts of the verbs: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[
    ("", "", "外网支付节点"),
    ("order", "", "查询订单"),
    ("order show", "", "查看一笔订单及其到账"),
    ("order show", "number", "平台订单号"),
    ("order list", "", "列出订单，最新的在前"),
    ("order list", "state", "订单状态，0 至 7"),
    ("order list", "pay_code", "缴款码"),
    ("order list", "before", "此编号之前的"),
    ("callback", "", "查询对执收单位的通知"),
    ("callback list", "", "列出通知，最新的在前"),
    ("callback list", "given_up", "仅列已放弃的"),
    ("callback list", "before", "此编号之前的"),
    ("callback again", "", "重新发送一条通知"),
    ("callback again", "number", "通知编号"),
    ("exception", "", "查询渠道结果异常"),
    ("exception list", "", "列出异常，最新的在前"),
    ("exception list", "all", "包括已处理的"),
    ("exception list", "before", "此编号之前的"),
];

/// Does what a verb asks.
///
/// # Errors
/// When the database cannot be read, or there is no such thing.
pub async fn obey(own: &Arc<PayNode>, verb: OuterVerb, caller: &Caller, lang: Lang) -> Result<Output, Fault> {
    let done = match verb {
        OuterVerb::Order(OrderVerb::Show { number }) => show_order(own, number, lang).await,
        OuterVerb::Order(OrderVerb::List { state, pay_code, before }) => {
            list_orders(own, OrdersAsked { state, pay_code, before, ..OrdersAsked::default() }, lang).await
        }
        OuterVerb::Callback(CallbackVerb::List { given_up, before }) => {
            let progress = if given_up { Progress::GivenUp } else { Progress::All };
            list_callbacks(own, CallbacksAsked { progress, before, object: None }, lang).await
        }
        OuterVerb::Callback(CallbackVerb::Again { number }) => {
            let done = callback::again(own, caller, CallbackAsked { callback_id: number }).await;
            done.map(|done| Output::new(said(lang, "the notification is sent again", "通知将重新发送"), json!(done)))
        }
        OuterVerb::Exception(ExceptionVerb::List { all, before }) => {
            list_exceptions(own, ExceptionsAsked { all, before }, lang).await
        }
    };
    done.map_err(|failure| failure.fault())
}

fn said(lang: Lang, en: &'static str, zh: &'static str) -> String {
    format!("{}\n", console::Text::fixed(en, zh).get(lang))
}

/// The lines, or a sentence where there are none.
fn lines(lines: Vec<String>, lang: Lang, en: &'static str, zh: &'static str) -> String {
    if lines.is_empty() { said(lang, en, zh) } else { lines.concat() }
}

fn order_line(order: &OrderShown, lang: Lang) -> String {
    let state = match lang {
        Lang::En => &order.state_text,
        Lang::Zh => &order.state_text_zh,
    };
    let amount = yuan(order.amount_fen.into());
    let pay_code = order.pay_code.as_deref().unwrap_or("-");
    format!("{}\t{state}\t{amount}\t{pay_code}\t{}\n", order.platform_order_no, order.order_time)
}

async fn show_order(own: &PayNode, number: String, lang: Lang) -> Result<Output, Failure> {
    let (order, txns, exceptions) = query::whole(own, number).await?;
    let shown = OrderShown::of(&order)?;
    let mut human = order_line(&shown, lang);
    let (paid, twice) = match lang {
        Lang::En => ("paid", "one too many"),
        Lang::Zh => ("到账", "重缴"),
    };
    for txn in &txns {
        let mark = if txn.is_duplicate { twice } else { paid };
        let amount = yuan(txn.amount_fen.into());
        human.push_str(&format!(
            "  {mark}\t{amount}\t{}\t{}\t{}\t{}\n",
            txn.channel, txn.channel_order_no, txn.paid_time, txn.confirm_id
        ));
    }
    for exception in &exceptions {
        human.push_str(&format!("  {}\t{}\t{}\n", exception.kind, exception.channel, exception.create_time));
    }
    let txns: Vec<_> = txns
        .iter()
        .map(|txn| {
            json!({ "channel": txn.channel, "channel_order_no": txn.channel_order_no, "amount_fen": txn.amount_fen,
                "fee_fen": txn.fee_fen, "channel_discount_fen": txn.channel_discount_fen, "paid_time": txn.paid_time,
                "evidence": txn.evidence, "confirm_id": txn.confirm_id, "is_duplicate": txn.is_duplicate })
        })
        .collect();
    let exceptions: Vec<_> =
        exceptions.iter().map(|one| json!({ "exception_id": one.exception_id, "kind": one.kind })).collect();
    Ok(Output::new(human, json!({ "order": shown, "payments": txns, "exceptions": exceptions })))
}

async fn list_orders(own: &PayNode, asked: OrdersAsked, lang: Lang) -> Result<Output, Failure> {
    let found = query::orders(own, asked).await?;
    let human = found.orders.iter().map(|order| order_line(order, lang)).collect();
    Ok(Output::new(lines(human, lang, "there are no orders", "没有订单"), json!(found)))
}

async fn list_callbacks(own: &PayNode, asked: CallbacksAsked, lang: Lang) -> Result<Output, Failure> {
    let found = callback::list(own, asked).await?;
    let line = |one: &callback::CallbackShown| {
        let progress = match (one.progress, lang) {
            (Progress::Received, Lang::En) => "received",
            (Progress::Received, Lang::Zh) => "已收到",
            (Progress::GivenUp, Lang::En) => "given up",
            (Progress::GivenUp, Lang::Zh) => "已放弃",
            (Progress::Waiting | Progress::All, Lang::En) => "waiting",
            (Progress::Waiting | Progress::All, Lang::Zh) => "待发送",
        };
        let error = one.last_error.as_deref().unwrap_or("-");
        format!(
            "{}\t{}\t{}\t{}\t{progress}\t{}\t{error}\n",
            one.callback_id, one.kind, one.object, one.client, one.attempt
        )
    };
    let human = found.callbacks.iter().map(line).collect();
    Ok(Output::new(lines(human, lang, "there are no notifications", "没有通知"), json!(found)))
}

async fn list_exceptions(own: &PayNode, asked: ExceptionsAsked, lang: Lang) -> Result<Output, Failure> {
    let found = exception::list(own, asked).await?;
    let line = |one: &exception::ExceptionShown| {
        let (maker, note) = (one.maker.as_deref().unwrap_or("-"), one.note.as_deref().unwrap_or("-"));
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{maker}\t{note}\n",
            one.exception_id, one.kind, one.channel, one.channel_order_no, one.platform_order_no, one.create_time
        )
    };
    let human = found.exceptions.iter().map(line).collect();
    Ok(Output::new(lines(human, lang, "there are no exceptions", "没有异常"), json!(found)))
}
