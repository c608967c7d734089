//! 交警: a fine is issued inside and paid outside; another one is paid to the police and online.

use node::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::acts::{Verdict, money};
use super::scene::{Scene, expect, expect_value};
use super::sight::absent;
use crate::demo::books::STREAMS;
use crate::demo::failure::Failure;
use crate::demo::lang::text;
use crate::demo::line::Who;

/// Fines that are issued one after the other: enough for the gate to change their order.
const FINES: u64 = 12;
/// WECHAT among the channels.
const WECHAT: usize = 0;
/// Fifteen days to pay (行政处罚法).
const TERM_MS: i64 = 15 * 86_400_000;
/// A pay code that nobody has minted.
const NOBODYS: &str = "99999999999999999999";
/// 相符, 入账.
const MATCHED: Verdict = (1, 1);
/// 重复, 线下退付.
const DUPLICATE: Verdict = (2, 3);
/// 已缴.
const NOTICE_PAID: i64 = 1;

/// Plays the story.
///
/// # Errors
/// When something does not come, or is not as it must be.
pub fn play(scene: &mut Scene<'_>) -> Result<(), Failure> {
    let pay_code = a_fine_crosses(scene)?;
    it_is_paid_online(scene, &pay_code)?;
    another_is_paid_twice(scene)
}

fn a_fine_crosses(scene: &mut Scene<'_>) -> Result<String, Failure> {
    let what = text!(
        "A payer mistypes a pay code outside. The outer node has all that the inner zone told it of, so it says that there is none.",
        "缴款人在外网输错缴款码。外网节点已有内网告知的全部数据，因此回答该缴款码不存在。"
    );
    scene.step(what, |scene| {
        scene.focus.pay_code = Some(NOBODYS.to_owned());
        scene.until(&text!("the pay code to be unknown", "回答缴款码不存在"), |scene| {
            Ok((scene.said_of(NOBODYS)? == "pay-code-unknown").then_some(()))
        })
    })?;
    let what = text!(
        "An officer issues {FINES} fines inside, one after the other, and hands the last one to a driver, who looks it up at once. \
         Files overtake each other in the gate; the outer node has later ones already, and says that this one may come yet.",
        "民警在内网逐一开具 {FINES} 份处罚通知书，最后一份交给司机，司机立即在外网查询。文件在网闸中互相超越，\
         外网节点已收到靠后的文件，因此回答尚未同步。"
    );
    let pay_code = scene.step(what, |scene| {
        loop {
            let pay_code = issue_some(scene)?;
            scene.focus.pay_code = Some(pay_code.clone());
            let said =
                scene.until(&text!("the outer node to know of the notice", "外网节点知悉通知书"), |scene| {
                    let said = scene.said_of(&pay_code)?;
                    Ok((said != "pay-code-unknown").then_some(said))
                })?;
            // Where the gate kept the order, the driver finds the fine at once; the next dozen will not be so lucky.
            if said == "not-yet-synchronised" {
                scene.focus.said = Some(absent(&said));
                return Ok(pay_code);
            }
            expect(said.is_empty(), text!("the outer node says {said}", "外网节点回答 {said}"))?;
        }
    })?;
    let what = text!("The driver tries again, and finds the fine.", "司机再次查询，查到该通知书。");
    scene.step(what, |scene| scene.found(&pay_code))?;
    Ok(pay_code)
}

/// Issues fines one after the other, each in a batch of its own. Yields the pay code of the last.
fn issue_some(scene: &mut Scene<'_>) -> Result<String, Failure> {
    let mut pay_code = String::new();
    for _ in 0..FINES {
        pay_code = issue(scene)?;
        scene.until(&text!("the notice to be cut into a batch", "通知书装入批次"), |scene| {
            Ok((scene.books.place(STREAMS[1])?.waiting == 0).then_some(()))
        })?;
    }
    Ok(pay_code)
}

fn issue(scene: &Scene<'_>) -> Result<String, Failure> {
    let expires = SystemClock.now().plus_ms(TERM_MS).date8();
    let drafts = json!({ "drafts": [scene.paper.draft(&expires)] });
    let issued = scene.town.inner.line.post(Who::Person(&scene.operator), "/notice/issue", &drafts)?;
    Ok(issued["pay_codes"][0].as_str().unwrap_or_default().to_owned())
}

fn it_is_paid_online(scene: &mut Scene<'_>, pay_code: &str) -> Result<(), Failure> {
    let total_fen = scene.paper.total_fen();
    let asked = scene.order_for("T-1", "交通违法罚款", pay_code);
    let what = text!(
        "At the site of the police, outside, the driver orders to pay the fine and chooses WeChat.",
        "司机在交警的外网网站下单缴款，选择微信支付。"
    );
    scene.step(what, |scene| {
        scene.order(&asked)?;
        scene.choose(WECHAT)
    })?;
    let amount = money(total_fen);
    let (en, zh) = (&amount.english, &amount.chinese);
    let what = text!(
        "WeChat takes {en} and says so twice. In one transaction the outer node marks the order as paid and writes a confirmation, \
         once.",
        "微信收款 {zh}，并重复通知一次。外网节点在同一事务中将订单置为支付成功并写入一笔缴款确认（仅一笔）。"
    );
    scene.step(what, |scene| scene.succeed(WECHAT, "WX-1", total_fen))?;
    let what = text!(
        "The confirmation crosses. The inner node matches it with the fine, books it, and tells the police's back-end.",
        "缴款确认过闸。内网节点与通知书匹配并入账，随后通知交警后台。"
    );
    scene.step(what, |scene| scene.booked(MATCHED))?;
    let what = text!(
        "The answer crosses back with the paid notice. The site is told of both, the payment and the booking.",
        "答复与已缴的通知书一同返回外网，网站收到缴款与入账两次通知。"
    );
    scene.step(what, |scene| {
        scene.answered(MATCHED)?;
        let path = format!("/notice?pay_code={pay_code}");
        scene.until(&text!("the notice to be paid outside", "外网通知书变为已缴"), |scene| {
            Ok((scene.town.outer.line.get(Who::Anyone, &path)?["state"] == NOTICE_PAID).then_some(()))
        })
    })?;
    let asked = scene.order_for("T-2", "交通违法罚款", pay_code);
    let what = text!(
        "By mistake the driver orders the same fine once more. The outer node refuses: it was paid.",
        "司机误将同一罚款再次下单。外网节点拒绝：已缴款。"
    );
    scene.step(what, |scene| {
        let answer = scene.town.outer.line.ask(Who::Client(&scene.town.site), "/order/create", Some(&asked))?;
        let code = answer.code();
        expect(code == "already-paid", text!("the outer node says {code}", "外网节点回答 {code}"))
    })
}

fn another_is_paid_twice(scene: &mut Scene<'_>) -> Result<(), Failure> {
    let total_fen = scene.paper.total_fen();
    let what = text!(
        "Second act. Another fine is issued inside and crosses; the driver orders it and chooses WeChat, but the page hangs.",
        "第二幕。内网开具另一份罚款通知书并过闸；司机下单并选择微信支付，但页面无响应。"
    );
    let pay_code = scene.step(what, |scene| {
        let pay_code = issue(scene)?;
        (scene.focus.order, scene.focus.confirm_id) = (None, None);
        scene.focus.pay_code = Some(pay_code.clone());
        scene.found(&pay_code)?;
        let asked = scene.order_for("T-3", "交通违法罚款", &pay_code);
        scene.order(&asked)?;
        scene.choose(WECHAT)?;
        Ok(pay_code)
    })?;
    let what = text!(
        "So the driver pays an officer in cash. The police report it inside; the notice is paid there, and outside nobody knows.",
        "司机遂向民警现金缴款。交警在内网上报，内网通知书变为已缴，外网尚不知情。"
    );
    let payment_id = scene.step(what, |scene| {
        let taken = report(scene, &pay_code, total_fen)?;
        expect_value("match_state", &taken["match_state"], &json!(MATCHED.0))?;
        let payment_id = taken["payment_id"].as_str().unwrap_or_default().to_owned();
        scene.focus.payment_id = Some(payment_id.clone());
        Ok(payment_id)
    })?;
    let what = text!(
        "And now WeChat says that it took the money after all. The order stands as paid.",
        "此时微信通知已经收款。订单为支付成功，依然有效。"
    );
    scene.step(what, |scene| scene.succeed(WECHAT, "WX-2", total_fen))?;
    let what = text!(
        "The confirmation crosses. The ledger finds the cash payment before it: DUPLICATE. The online payment stands, because the \
         cash has not reached the bureau; the cash is to go back.",
        "缴款确认过闸。收入账中已有现金缴款：DUPLICATE 重复。现金尚未汇缴到财政，因此线上缴款有效，现金应退还。"
    );
    scene.step(what, |scene| scene.booked(DUPLICATE))?;
    let what = text!(
        "The answer crosses back: outside the order is still paid, and the site is told what becomes of the cash.",
        "答复返回外网：订单仍为支付成功，网站得知现金将退还。"
    );
    scene.step(what, |scene| {
        scene.answered(DUPLICATE)?;
        let path = format!("/order?platform_order_no={}", scene.focus.order.as_deref().unwrap_or_default());
        expect_value("state", &scene.town.outer.line.get(Who::Anyone, &path)?["state"], &json!(2))
    })?;
    let what = text!(
        "The officer gives the cash back, a second person notes it inside, and that crosses, too.",
        "民警退还现金，复核员在内网登记，登记结果也过闸。"
    );
    scene.step(what, |scene| {
        let asked = json!({ "payment_id": payment_id });
        scene.town.inner.line.post(Who::Person(&scene.reviewer), "/offline/refunded", &asked)?;
        scene.until(&text!("the refund to be known outside", "外网得知已退付"), |scene| {
            let sql = "SELECT count(*) FROM offline_payment WHERE payment_id = ?1 AND refund_state = 2";
            Ok((scene.outer_database.number(sql, &[&payment_id])? == 1).then_some(()))
        })
    })
}

/// The police report a payment that was made to them. Yields what became of it.
fn report(scene: &Scene<'_>, pay_code: &str, amount_fen: i64) -> Result<Value, Failure> {
    let payment = json!({
        "pay_code": pay_code, "source": 2, "source_ref": "JJ-1", "amount_fen": amount_fen,
        "pay_time": SystemClock.now().time14(),
    });
    let asked = json!({ "payments": [payment] });
    let mut taken = scene.town.inner.line.post(Who::Client(&scene.town.police), "/offline/report", &asked)?;
    Ok(taken["payments"][0].take())
}
