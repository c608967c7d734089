//! Orders, results of channels and evidence that do not fit.

use serde_json::{Value, json};
use tests::nodes::{CHANNEL, UNIT};
use tests::pair::OUTER;

use super::access::client;
use super::case::Case;
use super::place::Place;

/// The cases.
pub fn cases(place: &Place) -> Vec<Case> {
    [by_pay_code(place), by_lines(place), paying(place), results(place), evidence(place)]
        .into_iter()
        .flatten()
        .collect()
}

fn by_pay_code(place: &Place) -> Vec<Case> {
    let make = |name, change: &dyn Fn(&mut Value)| {
        Case::send(OUTER, name, "/order/create", client(UNIT), place.order(|order| change(order)))
    };
    vec![
        make("an order for a notice that is paid", &|order| {
            (order["pay_code"], order["amount_fen"]) = (place.paid_code.as_str().into(), place.town.item().1.into());
        })
        .ends(409, "already-paid"),
        make("an order of another amount than the notice", &|order| order["amount_fen"] = 1.into())
            .ends(400, "amount-differs")
            .naming(place.total_fen.to_string()),
        make("a pay code of two digits", &|order| order["pay_code"] = "12".into())
            .ends(400, "pay-code-form")
            .naming("[0-9]{20}"),
        make("an order by pay code with its own payer", &|order| order["payer_name"] = "王芳".into())
            .ends(400, "both-ways"),
        make("a number that was used for something else", &|order| order["biz_order_no"] = "R-1".into())
            .ends(409, "biz-order-taken")
            .naming("R-1"),
        make("a title wider than the interface allows", &|order| order["title"] = "长".repeat(33).into())
            .ends(400, "field-form")
            .naming("title"),
        make("a number of an order with a NUL", &|order| order["biz_order_no"] = "R\0".into())
            .ends(400, "field-form")
            .naming("biz_order_no"),
        make("a passback with an escape", &|order| order["passback"] = "\u{1b}[2J".into())
            .ends(400, "field-form")
            .naming("passback"),
        make("an order that ends at once", &|order| order["expire_minutes"] = 0.into())
            .ends(400, "expire-minutes")
            .naming("0"),
        make("a notification to another host", &|order| order["notify_url"] = "http://10.0.0.1/".into())
            .ends(403, "notify-url-host")
            .naming("notify_url"),
        make("a notification to no URL", &|order| order["notify_url"] = "file:///etc/passwd".into())
            .ends(400, "notify-url")
            .naming("notify_url"),
        make("a discount as large as the order", &|order| order["biz_discount_fen"] = place.total_fen.into())
            .ends(400, "rules-broken")
            .naming("biz_discount_fen"),
        make("a negative discount", &|order| order["biz_discount_fen"] = (-1).into())
            .ends(400, "rules-broken")
            .naming("biz_discount_fen"),
        Case::get(OUTER, "a pay code with letters", "/notice?pay_code=61010026000000000abc", None)
            .ends(400, "pay-code-form"),
    ]
}

fn by_lines(place: &Place) -> Vec<Case> {
    let make = |name, change: &dyn Fn(&mut Value)| {
        Case::send(OUTER, name, "/order/create", client(UNIT), place.own_order(|order| change(order)))
    };
    let wrong = |name, column: &str, rule: &str, change: &dyn Fn(&mut Value)| {
        make(name, change).ends(400, "rules-broken").naming(column).naming(rule)
    };
    vec![
        make("an order without pay code and lines", &|order| {
            order.as_object_mut().unwrap().remove("payer_name");
        })
        .ends(400, "pay-code-or-lines")
        .naming("payer_name"),
        wrong("lines that do not add up to the order", "amount_fen", "line-sum", &|order| {
            order["amount_fen"] = 1.into()
        }),
        wrong("a line that is not its product", "amount_fen", "line-amount", &|order| {
            order["lines"][0]["amount_fen"] = 1.into()
        }),
        wrong("an item that the agency does not collect", "item_code", "not-collected", &|order| {
            order["lines"][0]["item_code"] = "999999".into();
        }),
        wrong("an order of twelve digits", "original_fen", "amount-too-large", &|order| {
            order["amount_fen"] = 100_000_000_000_i64.into();
        }),
        wrong("an order below nothing", "original_fen", "negative", &|order| order["amount_fen"] = (-5).into()),
        wrong("an order for a name that is too wide", "payer_name", "too-wide", &|order| {
            order["payer_name"] = "王".repeat(200).into();
        }),
    ]
}

fn paying(place: &Place) -> Vec<Case> {
    let pay = |name, order: &str, channel: &str| {
        Case::post(OUTER, name, "/order/pay", None, &json!({ "platform_order_no": order, "channel": channel }))
    };
    vec![
        pay("an order that is closed", &place.closed_order, "WECHAT").ends(409, "order-state"),
        pay("an order that there is not", "nothing", "WECHAT").ends(404, "not-found").naming("nothing"),
        pay("a channel that there is not", &place.open_order, "PIGEON").ends(400, "channel-unknown").naming("WECHAT"),
        Case::get(
            OUTER,
            "an order that is looked for by a statement",
            "/order?platform_order_no=%27%20OR%201=1%20--",
            None,
        )
        .ends(404, "not-found")
        .naming("' OR 1=1 --"),
        Case::get(OUTER, "a request that there is not", "/request?request_id=nothing", None)
            .ends(404, "not-found")
            .naming("nothing"),
    ]
}

fn results(place: &Place) -> Vec<Case> {
    let say = |name, change: &dyn Fn(&mut Value)| {
        Case::send(OUTER, name, "/channel/result", client(CHANNEL), place.result(|result| change(result)))
    };
    let wrong = |name, column: &str, rule: &str, change: &dyn Fn(&mut Value)| {
        say(name, change).ends(400, "rules-broken").naming(column).naming(rule).noting(&["node_act"])
    };
    vec![
        // What a channel says and does not fit is money perhaps: it is kept for people. Whatever is turned away is in the record.
        say("a payment of another amount", &|result| result["amount_fen"] = 1.into())
            .ends(409, "amount-differs")
            .noting(&["outer_exception", "node_act"]),
        say("a payment of an order that there is not", &|result| result["platform_order_no"] = "nothing".into())
            .ends(409, "order-unknown")
            .noting(&["outer_exception", "node_act"]),
        say("a payment of tomorrow", &|result| result["paid_time"] = "29991231235959".into())
            .ends(409, "time-ahead")
            .noting(&["outer_exception", "node_act"]),
        wrong("a negative payment", "amount_fen", "negative", &|result| result["amount_fen"] = (-1).into()),
        wrong("a payment of twelve digits", "amount_fen", "amount-too-large", &|result| {
            result["amount_fen"] = 100_000_000_000_i64.into();
        }),
        wrong("a time that there is not", "pay_time", "not-a-time", &|result| {
            result["paid_time"] = "20260302250000".into()
        }),
        wrong("a success without an amount", "amount_fen", "missing", &|result| {
            result.as_object_mut().unwrap().remove("amount_fen");
        }),
        wrong("a number of a channel with a NUL", "channel_order_no", "control-character", &|result| {
            result["channel_order_no"] = "WX\0".into();
        }),
        say("an outcome that there is not", &|result| result["outcome"] = "perhaps".into())
            .ends(400, "document")
            .naming("perhaps"),
    ]
}

fn evidence(place: &Place) -> Vec<Case> {
    let operator = Some(place.tokens[OUTER].operator.as_str());
    let fen = place.town.item().1;
    let give = |name, change: &dyn Fn(&mut Value)| {
        Case::post(OUTER, name, "/order/confirm-ask", operator, &place.evidence(fen, |evidence| change(evidence)))
    };
    vec![
        give("evidence without a document", &|evidence| evidence["file_digest"] = "9f".into())
            .ends(400, "file-digest")
            .naming("file_digest"),
        give("evidence without a reason", &|evidence| evidence["reason"] = "".into())
            .ends(400, "field-form")
            .naming("reason"),
        give("evidence for an order that there is not", &|evidence| evidence["platform_order_no"] = "nothing".into())
            .ends(404, "not-found")
            .naming("nothing"),
        give("evidence of a channel that there is not", &|evidence| evidence["channel"] = "PIGEON".into())
            .ends(400, "channel-unknown"),
    ]
}
