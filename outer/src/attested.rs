//! What a channel said of payments that two people had confirmed (渠道印证).
//!
//! People confirm what a channel did not say in time. When it speaks after all, under the number that they confirmed, or under one
//! that people find to be the same money, the two are one payment. Until then the next thing that it says of the order may be that
//! money once more, and is not confirmed without people.

use node::rows::text;
use node::{Failure, Moment};
use sqlx::sqlite::SqliteConnection;

use crate::kept::kept;
use crate::order::{Order, int};
use crate::settle::{Basis, Txn};

kept! {
    /// A number under which a channel spoke of a payment.
    Attested in "outer_attested" {
        /// 支付渠道.
        channel: String,
        /// 渠道订单号.
        channel_order_no: String,
        /// 确认单号 of the payment.
        confirm_id: String,
        /// 登记时间: yyyyMMddHHmmssSSS.
        create_time: String,
    }
}

/// The payment that a channel spoke of under a number which people found to be the same money.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_number(
    connection: &mut SqliteConnection,
    channel: &str,
    channel_order_no: &str,
) -> Result<Option<Txn>, Failure> {
    let rest =
        "WHERE confirm_id = (SELECT confirm_id FROM outer_attested WHERE channel = ?1 AND channel_order_no = ?2)";
    Ok(Txn::select(connection, rest, &[text(channel), text(channel_order_no)]).await?.into_iter().next())
}

/// Writes down that the channel spoke of a payment under a number; what is there stays.
///
/// # Errors
/// When the database refuses it.
pub async fn attest(
    connection: &mut SqliteConnection,
    channel: &str,
    channel_order_no: &str,
    confirm_id: &str,
    now: Moment,
) -> Result<(), Failure> {
    sqlx::query(
        "INSERT INTO outer_attested (channel, channel_order_no, confirm_id, create_time) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (channel, channel_order_no) DO NOTHING",
    )
    .bind(channel.to_owned())
    .bind(channel_order_no.to_owned())
    .bind(confirm_id.to_owned())
    .bind(now.time17())
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether two people confirmed a payment and no channel has spoken of it.
///
/// # Errors
/// When the database cannot be read.
pub async fn is_missing(connection: &mut SqliteConnection, txn: &Txn) -> Result<bool, Failure> {
    let key = [text(&txn.confirm_id)];
    let spoken = Attested::select(connection, "WHERE confirm_id = ?1 LIMIT 1", &key).await?;
    Ok(txn.evidence == Basis::TwoPeople.number() && spoken.is_empty())
}

/// The payments of an order's debt that two people confirmed and no channel has spoken of. Those of other orders for the same pay
/// code are among them: whoever read the statement may have taken one order for the other. Those whose money goes back by a decision of
/// the inner zone stand in the way of their own order alone, so that the debt can be paid by another one.
///
/// # Errors
/// When the database cannot be read.
pub async fn missing(connection: &mut SqliteConnection, order: &Order) -> Result<Vec<Txn>, Failure> {
    let rest = "WHERE platform_order_no IN (SELECT ?1 UNION ALL SELECT o.platform_order_no FROM outer_order AS o WHERE o.pay_code = ?2) \
                AND (platform_order_no = ?1 OR NOT EXISTS (SELECT 1 FROM outer_released AS r WHERE r.confirm_id = outer_txn.confirm_id)) \
                AND evidence = ?3 AND NOT EXISTS (SELECT 1 FROM outer_attested AS a WHERE a.confirm_id = outer_txn.confirm_id) \
                ORDER BY create_time, confirm_id";
    let key = [text(&order.platform_order_no), (&order.pay_code).into(), int(Basis::TwoPeople.number())];
    Txn::select(connection, rest, &key).await
}
