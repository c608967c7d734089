//! Issuing notices (缴款书开具): checked against base data, with a pay code that is minted here and nowhere else.

use std::collections::BTreeSet;

use contract::rows::{BaseAgency, BaseIncomeItem, PayNotice, PayNoticeItem, Row as _};
use contract::rules::{Fault, Rule, agency_in_force, check_notice, item_in_force, outside_standards};
use node::rows::{find_by, insert, select, text};
use node::{Failure, Moment, Node};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::mint::{check, mint};
use crate::plain::plain;

/// A line of a notice that is to be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// 收入项目编码: one that the agency collects.
    pub item_code: String,
    /// 数量, from 1.
    pub quantity: i64,
    /// 收缴标准, in fen.
    pub unit_fen: i64,
}

/// A notice that is to be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// 执收单位: the id of an agency.
    pub agency_id: String,
    /// 业务条线: GENERAL, TRAFFIC, IMMIGRATION, SCHOOL or EXAM.
    pub biz_line: String,
    /// 业务号.
    pub biz_ref: Option<String>,
    /// 缴款人类型: 1 个人, 2 单位.
    pub payer_type: i64,
    /// 缴款人全称.
    pub payer_name: String,
    /// 缴款人证件号, in the clear; it is encrypted before it is stored.
    pub payer_id_no: Option<String>,
    /// 缴款人手机号, the same way.
    pub payer_phone: Option<String>,
    /// 滞纳金, in fen.
    #[serde(default)]
    pub late_fee_fen: i64,
    /// 缴款期限, yyyyMMdd.
    pub expire_date: Option<String>,
    /// The lines, at most 999.
    pub lines: Vec<Line>,
}

/// A draft whose sensitive values are encrypted, from whom it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The draft, its sensitive values as they are stored.
    pub draft: Draft,
    /// The request of the outer zone that asks for it.
    pub request_id: Option<String>,
}

impl Draft {
    /// Encrypts the sensitive values.
    ///
    /// # Errors
    /// When one is too long, is encrypted already, or holds what people do not see.
    pub fn seal(self, node: &Node) -> Result<Sealed, Failure> {
        let table = PayNotice::TABLE.shape.table;
        let seal = |column: &'static str, given: Option<String>| {
            let refused = |rule| Failure::of_faults(vec![Fault::refusal(table, "", column, rule)]);
            let text = given.as_deref().map(plain).transpose().map_err(refused)?.flatten();
            text.map(|text| node.field_key.seal((table, column), text, &*node.entropy)).transpose()
        };
        let (payer_id_no, payer_phone) =
            (seal("payer_id_no", self.payer_id_no)?, seal("payer_phone", self.payer_phone)?);
        Ok(Sealed { draft: Self { payer_id_no, payer_phone, ..self }, request_id: None })
    }
}

/// Issues a notice in the caller's transaction.
///
/// # Errors
/// Every rule that it breaks.
pub async fn issue(
    connection: &mut SqliteConnection,
    node: &Node,
    sealed: Sealed,
    now: Moment,
) -> Result<PayNotice, Failure> {
    let Sealed { draft, request_id } = sealed;
    let today = now.date8();
    let agency = agency(connection, &draft.agency_id, &today).await?;
    let code = mint(connection, &agency.mof_div_code[..6], now).await?;
    check(&code, &node.policy)?;
    let mut items = Vec::with_capacity(draft.lines.len().min(contract::rules::LINES_MAX));
    let mut accounts = BTreeSet::new();
    let mut faults = Vec::new();
    for (line_no, line) in (1..).zip(draft.lines.iter().take(contract::rules::LINES_MAX + 1)) {
        match item(connection, &agency, line, &code, line_no, &today).await? {
            Ok(item) => {
                accounts.extend(account(connection, &agency, &item.item_id, &today).await?);
                items.push(item);
            }
            Err(fault) => faults.push(fault),
        }
    }
    let amount_fen = items.iter().fold(0_i64, |sum, item| sum.saturating_add(item.amount_fen));
    let time = now.time17();
    let notice = PayNotice {
        pay_code: code,
        mof_div_code: agency.mof_div_code,
        fiscal_year: today[..4].to_owned(),
        agency_id: agency.id,
        bill_date: today,
        expire_date: draft.expire_date,
        payer_type: draft.payer_type,
        payer_name: draft.payer_name,
        payer_id_no: draft.payer_id_no,
        payer_phone: draft.payer_phone,
        amount_fen,
        late_fee_fen: draft.late_fee_fen,
        total_fen: amount_fen.saturating_add(draft.late_fee_fen),
        state: 0,
        biz_line: draft.biz_line,
        biz_ref: draft.biz_ref,
        // Lines that go to several accounts name none: the money is parted when it is settled.
        account_id: accounts.pop_first().filter(|_| accounts.is_empty()),
        request_id,
        create_time: time.clone(),
        update_time: time,
    };
    if faults.is_empty() {
        faults = check_notice(&notice, &items, &node.policy);
    }
    if !faults.is_empty() {
        return Err(Failure::of_faults(faults));
    }
    insert(connection, &notice).await?;
    for item in &items {
        insert(connection, item).await?;
    }
    Ok(notice)
}

/// The agency of an id, if it is in force on a day.
async fn agency(connection: &mut SqliteConnection, id: &str, today: &str) -> Result<BaseAgency, Failure> {
    let found: Option<BaseAgency> = find_by(connection, id).await?;
    agency_in_force(found, id, today)
        .map_err(|rule| Failure::of_faults(vec![Fault::refusal("pay_notice", "", "agency_id", rule)]))
}

/// The account (收款账户) into which an agency has an item paid, if both it and what names it are in force on a day.
async fn account(
    connection: &mut SqliteConnection,
    agency: &BaseAgency,
    item_id: &str,
    today: &str,
) -> Result<Option<String>, Failure> {
    let found = sqlx::query_scalar(
        "SELECT a.id FROM base_agency_item AS i JOIN base_account AS a ON a.id = i.account_id \
         WHERE i.agency_id = ?1 AND i.item_id = ?2 AND i.is_enabled = 1 AND i.is_deleted = 0 AND i.start_date <= ?3 \
         AND ifnull(i.end_date, '99991231') >= ?3 AND a.is_enabled = 1 AND a.is_deleted = 0 AND a.start_date <= ?3 \
         AND ifnull(a.end_date, '99991231') >= ?3 ORDER BY a.id LIMIT 1",
    );
    let found = found.bind(agency.id.clone()).bind(item_id.to_owned()).bind(today.to_owned());
    Ok(found.fetch_optional(connection).await?)
}

/// A line out of base data, or what it breaks.
async fn item(
    connection: &mut SqliteConnection,
    agency: &BaseAgency,
    line: &Line,
    code: &str,
    line_no: i64,
    today: &str,
) -> Result<Result<PayNoticeItem, Fault>, Failure> {
    let key = line_no.to_string();
    let refuse = |rule| Ok(Err(Fault::refusal("pay_notice_item", key.as_str(), "item_code", rule)));
    let found: Vec<BaseIncomeItem> = select(
        connection,
        "WHERE ele_code = ?1 AND id IN (SELECT item_id FROM base_agency_item WHERE agency_id = ?2 AND is_enabled = 1 \
         AND is_deleted = 0 AND start_date <= ?3 AND ifnull(end_date, '99991231') >= ?3) ORDER BY id",
        &[text(&line.item_code), text(&agency.id), text(today)],
    )
    .await?;
    let item = match item_in_force(found, today) {
        Ok(item) => item,
        Err(rule) => return refuse(rule),
    };
    let standards = select(connection, "WHERE item_id = ?1 ORDER BY std_no", &[text(&item.id)]).await?;
    if let Some(rule) = outside_standards(&standards, line.unit_fen, today) {
        return Ok(Err(Fault::refusal("pay_notice_item", key.as_str(), "unit_fen", rule)));
    }
    let subject: Option<String> = sqlx::query_scalar(
        "SELECT s.ele_code FROM base_item_subject AS i JOIN base_budget_subject AS s ON s.id = i.subject_id \
         WHERE i.item_id = ?1 AND i.is_enabled = 1 AND i.is_deleted = 0 AND i.start_date <= ?2 AND ifnull(i.end_date, '99991231') >= ?2 \
         AND s.is_enabled = 1 AND s.is_deleted = 0 AND s.start_date <= ?2 AND ifnull(s.end_date, '99991231') >= ?2 \
         ORDER BY i.share_level IS NOT NULL, s.ele_code LIMIT 1",
    )
    .bind(item.id.clone())
    .bind(today.to_owned())
    .fetch_optional(connection)
    .await?;
    let Some(subj_code) = subject else {
        return refuse(Rule::NoSuch { table: "base_item_subject", id: item.id });
    };
    Ok(Ok(PayNoticeItem {
        pay_code: code.to_owned(),
        line_no,
        item_id: item.id,
        item_code: item.ele_code,
        item_name: item.ele_name,
        subj_code,
        quantity: line.quantity,
        unit_fen: line.unit_fen,
        amount_fen: line.quantity.saturating_mul(line.unit_fen),
    }))
}
