//! What is done in every story: base data crosses, an order is made and paid, its confirmation is booked and answered.

use node::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::scene::{Scene, expect, expect_value};
use crate::demo::base::BaseData;
use crate::demo::books::STREAMS;
use crate::demo::failure::Failure;
use crate::demo::folder::Folder;
use crate::demo::lang::{Text, text};
use crate::demo::line::Who;

/// How a payment stands to the ledger, and what is to be done: the numbers of 匹配结果 and 处理决定.
pub type Verdict = (i64, i64);

impl Scene<'_> {
    /// The first two steps: base data is imported inside, and crosses.
    ///
    /// # Errors
    /// When it does not.
    pub fn base_data_crosses(&mut self, base: &BaseData, folder: &Folder, unit: &str) -> Result<(), Failure> {
        let what = text!(
            "The finance bureau imports eighteen files of base data into the inner node: regions, agencies, items, standards.",
            "财政部门将十八个基础数据文件导入内网节点：行政区划、执收单位、收入项目、项目标准等。"
        );
        self.step(what, |scene| {
            let directory = folder.directory("base-data")?;
            let imported = base.import(&scene.town.inner, &directory, || scene.stop.check())?;
            let (found, wanted) = (imported.inserted, base.rows());
            expect(
                found == wanted,
                text!("{found} rows were imported of {wanted}", "应导入 {wanted} 行，实际 {found} 行"),
            )
        })?;
        let what = text!(
            "The inner daemon puts what was committed into files, the gate carries them in any order, and the outer daemon applies \
             them in theirs; then the outer node knows {unit} and what it collects.",
            "内网守护进程把已提交的数据装入文件，网闸不按顺序搬运，外网守护进程按原顺序应用；此后外网节点认识{unit}及其收费项目。"
        );
        self.step(what, |scene| {
            scene.until(&text!("all base data to cross", "全部基础数据过闸"), |scene| {
                let place = scene.books.place(STREAMS[0])?;
                Ok((place.waiting == 0 && place.batches > 0 && place.is_same).then_some(()))
            })?;
            let path = format!("/items?agency_id={}", scene.paper.agency_id);
            let items = scene.town.outer.line.get(Who::Anyone, &path)?;
            let code = scene.paper.lines[0].item_code.as_str();
            let is_listed =
                items["items"].as_array().is_some_and(|items| items.iter().any(|item| item["code"] == code));
            expect(is_listed, text!("the outer node does not list the item {code}", "外网节点未列出收入项目 {code}"))
        })
    }

    /// The site makes an order, which the story is about from then on.
    ///
    /// # Errors
    /// When the outer node refuses.
    pub fn order(&mut self, asked: &Value) -> Result<(), Failure> {
        let made = self.town.outer.line.post(Who::Client(&self.town.site), "/order/create", asked)?;
        expect_value("state", &made["state"], &json!(0))?;
        self.focus.order = made["platform_order_no"].as_str().map(str::to_owned);
        self.focus.confirm_id = None;
        Ok(())
    }

    /// The payer chooses a channel, by its place.
    ///
    /// # Errors
    /// When the outer node refuses.
    pub fn choose(&mut self, channel: usize) -> Result<(), Failure> {
        let asked = json!({ "platform_order_no": self.focus.order, "channel": self.town.channels[channel].id });
        let paid = self.town.outer.line.post(Who::Anyone, "/order/pay", &asked)?;
        expect_value("state", &paid["state"], &json!(1))
    }

    /// The channel says twice that the order was paid; it is confirmed once.
    ///
    /// # Errors
    /// When that is not so.
    pub fn succeed(&mut self, channel: usize, number: &str, amount_fen: i64) -> Result<(), Failure> {
        let told = json!({
            "platform_order_no": self.focus.order, "outcome": "success", "channel_order_no": number, "amount_fen": amount_fen,
            "paid_time": SystemClock.now().time14(),
        });
        let say = || self.town.outer.line.post(Who::Client(&self.town.channels[channel]), "/channel/result", &told);
        let (first, second) = (say()?, say()?);
        expect_value("state", &first["state"], &json!(2))?;
        expect(
            first == second,
            text!("twice told is {first} and then {second}", "重复通知先得 {first}，后得 {second}"),
        )?;
        self.focus.confirm_id = first["confirm_id"].as_str().map(str::to_owned);
        Ok(())
    }

    /// Waits until the ledger has booked the confirmation and told the unit's system, and looks at what it made of it.
    ///
    /// # Errors
    /// When that is not so.
    pub fn booked(&mut self, verdict: Verdict) -> Result<Value, Failure> {
        let confirm_id = self.focus.confirm_id.clone().unwrap_or_default();
        let of = confirm_id.clone();
        let booking =
            self.until(&text!("the confirmation to be booked", "缴款确认入账"), |scene| scene.booking(&of))?;
        expect_value("match_state", &booking["match_state"], &json!(verdict.0))?;
        expect_value("decision", &booking["decision"], &json!(verdict.1))?;
        let told = self.until(&text!("the unit's system to be told", "单位后台收到入账通知"), |scene| {
            Ok(scene.office.heard().into_iter().find(|told| told["payment_id"] == confirm_id.as_str()))
        })?;
        expect_value("book_no", &told["book_no"], &booking["book_no"])?;
        Ok(told)
    }

    /// Waits until the answer is outside, and the site was told of the payment and of the answer.
    ///
    /// # Errors
    /// When that is not so.
    pub fn answered(&mut self, verdict: Verdict) -> Result<(), Failure> {
        let confirm_id = self.focus.confirm_id.clone().unwrap_or_default();
        let path = format!("/confirm?confirm_id={confirm_id}");
        let answer = self.until(&text!("the answer to come outside", "答复到达外网"), |scene| {
            let shown = scene.town.outer.line.get(Who::Anyone, &path)?;
            Ok((shown["is_pending"] == false).then_some(shown))
        })?;
        expect_value("match_state", &answer["match_state"], &json!(verdict.0))?;
        expect_value("decision", &answer["decision"], &json!(verdict.1))?;
        self.until(
            &text!("the site to be told of payment and answer", "单位网站收到缴款通知与答复"),
            |scene| {
                let told: Vec<Value> =
                    scene.site.heard().into_iter().filter(|told| told["confirm_id"] == confirm_id.as_str()).collect();
                let is_told = |kind: &str| told.iter().any(|told| told["kind"] == kind);
                Ok((is_told("order") && is_told("confirm")).then_some(()))
            },
        )
    }

    /// What the outer node says of a pay code: nothing but that it is there, or the code of why not.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn said_of(&self, pay_code: &str) -> Result<String, Failure> {
        let answer = self.town.outer.line.ask(Who::Anyone, &format!("/notice?pay_code={pay_code}"), None)?;
        Ok(answer.code().to_owned())
    }

    /// Waits until a notice can be paid outside.
    ///
    /// # Errors
    /// When it cannot.
    pub fn found(&mut self, pay_code: &str) -> Result<(), Failure> {
        self.until(&text!("the notice to be found outside", "外网查到通知书"), |scene| {
            Ok(scene.said_of(pay_code)?.is_empty().then_some(()))
        })?;
        let shown = self.town.outer.line.get(Who::Anyone, &format!("/notice?pay_code={pay_code}"))?;
        expect_value("may_be_paid", &shown["may_be_paid"], &json!(true))
    }

    /// What an order for a pay code says.
    #[must_use]
    pub fn order_for(&self, number: &str, title: &str, pay_code: &str) -> Value {
        json!({ "biz_order_no": number, "title": title, "amount_fen": self.paper.total_fen(), "pay_code": pay_code })
    }
}

/// An amount, for the sentences of a story.
#[must_use]
pub fn money(amount_fen: i64) -> Text {
    let amount = crate::demo::columns::yuan(u64::try_from(amount_fen).unwrap_or(0));
    text!("{amount} yuan", "{amount} 元")
}
