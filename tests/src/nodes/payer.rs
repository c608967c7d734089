//! A payer, and the unit's site that makes the order: both try again while the outer node is away.

use serde_json::{Value, json};

use super::line::{Ask, Line};
use super::town::UNIT;

/// A payer of one agency's item.
#[derive(Debug, Clone)]
pub struct Payer {
    /// A line to the outer node.
    pub outer: Line,
    /// The agency.
    pub agency_id: String,
    /// The item.
    pub item_code: String,
    /// What one of it costs, in fen.
    pub unit_fen: i64,
}

impl Payer {
    /// An order of a number, for a notice or for so much of the item. Yields 平台订单号.
    pub fn order(&self, number: &str, pay_code: Option<&str>, amount_fen: i64) -> String {
        let made = self.outer.insist("/order/create", UNIT, &self.document(number, pay_code, amount_fen));
        made["platform_order_no"].as_str().expect("an order has a number").to_owned()
    }

    /// What the unit's site asks for.
    #[must_use]
    pub fn document(&self, number: &str, pay_code: Option<&str>, amount_fen: i64) -> Value {
        if let Some(pay_code) = pay_code {
            return json!({ "biz_order_no": number, "title": "罚款", "amount_fen": amount_fen, "pay_code": pay_code });
        }
        let quantity = amount_fen / self.unit_fen;
        json!({
            "biz_order_no": number, "title": "签证费", "amount_fen": amount_fen, "agency_id": self.agency_id,
            "biz_line": "IMMIGRATION", "biz_ref": format!("签证-{number}"), "payer_type": 1, "payer_name": "欧阳明",
            "lines": [{
                "item_code": self.item_code, "quantity": quantity, "unit_fen": self.unit_fen, "amount_fen": amount_fen,
            }],
        })
    }

    /// Begins to pay an order in a channel.
    pub fn begin(&self, order: &str, channel: &str) {
        self.outer.insist("/order/pay", Ask::Anyone, &json!({ "platform_order_no": order, "channel": channel }));
    }
}
