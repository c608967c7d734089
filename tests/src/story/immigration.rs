//! 出入境: an order begins at the unit's own site and has no notice; for another one the site asks for a notice first.

use serde_json::{Value, json};

use super::acts::{Verdict, money};
use super::scene::{Scene, expect_value};
use crate::demo::failure::Failure;
use crate::demo::lang::text;
use crate::demo::line::Who;

/// ALIPAY and UNIONPAY among the channels.
const ALIPAY: usize = 1;
const UNIONPAY: usize = 2;
/// 无通知书, 入账.
const NO_NOTICE: Verdict = (4, 1);
/// 相符, 入账.
const MATCHED: Verdict = (1, 1);

/// Plays the story.
///
/// # Errors
/// When something does not come, or is not as it must be.
pub fn play(scene: &mut Scene<'_>) -> Result<(), Failure> {
    a_fee_is_paid_without_a_notice(scene)?;
    a_notice_is_asked_for(scene)
}

fn a_fee_is_paid_without_a_notice(scene: &mut Scene<'_>) -> Result<(), Failure> {
    let (amount_fen, reference) = (scene.paper.lines_fen(), scene.paper.biz_ref.clone());
    let what = text!(
        "At the site of the immigration office, outside, somebody applies for a passport. The site makes an order at the outer node; \
         there is no notice, so the order itself says who pays what for what.",
        "申请人在出入境的外网网站申办证件。网站向外网节点下单；没有通知书，因此订单自带执收单位、缴款人和明细。"
    );
    scene.step(what, |scene| {
        let asked = scene.paper.order("V-1");
        scene.order(&asked)
    })?;
    let amount = money(amount_fen);
    let (en, zh) = (&amount.english, &amount.chinese);
    let what = text!(
        "The applicant pays {en} with Alipay, which says so twice. In one transaction the outer node marks the order as paid and \
         writes a confirmation, once.",
        "申请人用支付宝缴款 {zh}，支付宝重复通知一次。外网节点在同一事务中将订单置为支付成功并写入一笔缴款确认（仅一笔）。"
    );
    scene.step(what, |scene| {
        scene.choose(ALIPAY)?;
        scene.succeed(ALIPAY, "ZFB-1", amount_fen)
    })?;
    let what = text!(
        "The confirmation crosses. The inner node finds no notice for it, which is in order here: NO_NOTICE is booked for the unit, and \
         the office's back-end is told, with its own reference.",
        "缴款确认过闸。内网没有对应的通知书，属正常情况：按 NO_NOTICE 为该单位入账，并带其业务号通知出入境后台。"
    );
    scene.step(what, |scene| {
        let told = scene.booked(NO_NOTICE)?;
        expect_value("biz_ref", &told["biz_ref"], &json!(reference))
    })?;
    let what = text!(
        "The answer crosses back. The site is told of both, the payment and the booking.",
        "答复返回外网，网站收到缴款与入账两次通知。"
    );
    scene.step(what, |scene| scene.answered(NO_NOTICE))?;
    let what = text!(
        "The bureau lists what was booked for the office without a notice: this payment and no other.",
        "财政部门列出该单位无通知书的入账：只有这一笔。"
    );
    scene.step(what, |scene| {
        let path = format!("/bookings?agency_id={}&match_state=4", scene.paper.agency_id);
        let page = scene.town.inner.line.get(Who::Person(&scene.operator), &path)?;
        let booked: Vec<&Value> = page["bookings"].as_array().into_iter().flatten().collect();
        expect_value("bookings", &json!(booked.len()), &json!(1))?;
        expect_value("payment_id", &booked[0]["payment_id"], &json!(scene.focus.confirm_id))?;
        expect_value("amount_fen", &booked[0]["amount_fen"], &json!(amount_fen))
    })
}

fn a_notice_is_asked_for(scene: &mut Scene<'_>) -> Result<(), Failure> {
    let what = text!(
        "Second act. For the next applicant the site asks for a notice: pay codes are minted inside and nowhere else.",
        "第二幕。网站为下一位申请人申请开具通知书：缴款码只在内网生成。"
    );
    let request_id = scene.step(what, |scene| {
        (scene.focus.order, scene.focus.confirm_id) = (None, None);
        let asked = scene.paper.request("R-1");
        let made = scene.town.outer.line.post(Who::Client(&scene.town.site), "/request/create", &asked)?;
        let request_id = made["request_id"].as_str().unwrap_or_default().to_owned();
        scene.focus.request_id = Some(request_id.clone());
        Ok(request_id)
    })?;
    let what = text!(
        "The request crosses. The inner node issues the notice and answers in one transaction; both come back, and the site is told.",
        "申请过闸。内网节点在同一事务中开具通知书并答复，二者一同返回，网站收到通知。"
    );
    let pay_code = scene.step(what, |scene| {
        let path = format!("/request?request_id={request_id}");
        let pay_code = scene.until(&text!("the request to be answered", "开具申请得到答复"), |scene| {
            let shown = scene.town.outer.line.get(Who::Anyone, &path)?;
            Ok(shown["pay_code"].as_str().map(str::to_owned))
        })?;
        scene.focus.pay_code = Some(pay_code.clone());
        scene.found(&pay_code)?;
        scene.until(&text!("the site to be told of the notice", "单位网站收到开具结果"), |scene| {
            let is_told = |told: &Value| told["kind"] == "request" && told["pay_code"] == pay_code.as_str();
            Ok(scene.site.heard().iter().any(is_told).then_some(()))
        })?;
        Ok(pay_code)
    })?;
    let total_fen = scene.paper.lines_fen();
    let what = text!(
        "The applicant pays the notice with UnionPay, which says so twice, too.",
        "申请人用银联缴纳该通知书，银联同样重复通知一次。"
    );
    scene.step(what, |scene| {
        let asked = scene.order_for("V-2", "出入境证件费", &pay_code);
        scene.order(&asked)?;
        scene.choose(UNIONPAY)?;
        scene.succeed(UNIONPAY, "YL-1", total_fen)
    })?;
    let what = text!(
        "The confirmation crosses, and there is a notice for it: MATCHED, booked, the back-end told.",
        "缴款确认过闸，有对应的通知书：MATCHED 相符，入账，通知后台。"
    );
    scene.step(what, |scene| scene.booked(MATCHED).map(|_| ()))?;
    let what = text!("The answer crosses back, and the site is told.", "答复返回外网，网站收到通知。");
    scene.step(what, |scene| scene.answered(MATCHED))
}
