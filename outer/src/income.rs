//! What an agency may collect (单位项目), as the replica of base data says.

use console::Text;
use contract::rows::{BaseAgency, BaseIncomeItem, BaseItemStandard};
use contract::rules::{AMOUNT_FEN_MAX, Fault, Rule};
use node::client::Client;
use node::rows::{find_by, select, text};
use node::{Failure, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

/// A line that a unit asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedLine {
    /// 收入项目编码.
    pub item_code: String,
    /// 数量, from 1.
    pub quantity: i64,
    /// 收缴标准, in fen.
    pub unit_fen: i64,
    /// 金额, in fen: quantity times unit.
    pub amount_fen: i64,
}

/// A client that belongs to an agency speaks for that agency alone.
///
/// # Errors
/// When it speaks for another one.
pub fn judge_client(client: &Client, agency_id: &str) -> Result<(), Failure> {
    if client.agency_id.as_deref().is_none_or(|own| own == agency_id) {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Forbidden,
        "other-agency",
        Text::fixed("this client belongs to another agency", "该接入系统属于其他单位"),
        Text::fixed("send it from the agency's own system", "请由该单位自己的系统提交"),
    ))
}

/// The agency, or what is wrong with it on a day, yyyyMMdd. `table` is the paper that names it.
///
/// # Errors
/// When the database cannot be read.
pub async fn agency(
    connection: &mut SqliteConnection,
    table: &'static str,
    id: &str,
    today: &str,
) -> Result<Result<BaseAgency, Fault>, Failure> {
    let refuse = |rule| Fault::refusal(table, "", "agency_id", rule);
    let Some(agency) = find_by::<BaseAgency>(connection, id).await?.filter(|agency| !agency.is_deleted) else {
        return Ok(Err(refuse(Rule::NoSuch { table: "base_agency", id: id.to_owned() })));
    };
    let is_in_force = agency.is_enabled
        && agency.start_date.as_str() <= today
        && agency.end_date.as_deref().is_none_or(|end| today <= end);
    Ok(if is_in_force { Ok(agency) } else { Err(refuse(Rule::NotInForce)) })
}

/// The names of the items of some lines, or what is wrong with the lines on a day.
///
/// # Errors
/// When the database cannot be read.
pub async fn items(
    connection: &mut SqliteConnection,
    table: &'static str,
    agency_id: &str,
    lines: &[AskedLine],
    today: &str,
) -> Result<Result<Vec<String>, Vec<Fault>>, Failure> {
    let (mut names, mut faults) = (Vec::new(), Vec::new());
    for (line_no, line) in (1_i64..).zip(lines) {
        let refuse = |column, rule| Fault::refusal(table, line_no.to_string(), column, rule);
        match item(connection, agency_id, &line.item_code, today).await? {
            Err(rule) => faults.push(refuse("item_code", rule)),
            Ok(item) => {
                let rule = outside(connection, &item.id, line.unit_fen, today).await?;
                faults.extend(rule.map(|rule| refuse("unit_fen", rule)));
                names.push(item.ele_name);
            }
        }
    }
    Ok(if faults.is_empty() { Ok(names) } else { Err(faults) })
}

/// The item of a code that the agency collects on a day, or what is wrong.
async fn item(
    connection: &mut SqliteConnection,
    agency_id: &str,
    code: &str,
    today: &str,
) -> Result<Result<BaseIncomeItem, Rule>, Failure> {
    let found: Vec<BaseIncomeItem> = select(
        connection,
        "WHERE ele_code = ?1 AND is_deleted = 0 AND id IN (SELECT item_id FROM base_agency_item WHERE agency_id = ?2 \
         AND is_enabled = 1 AND is_deleted = 0 AND start_date <= ?3 AND ifnull(end_date, '99991231') >= ?3) ORDER BY id",
        &[text(code), text(agency_id), text(today)],
    )
    .await?;
    let Some(item) = found.into_iter().next() else { return Ok(Err(Rule::NotCollected)) };
    let is_in_force =
        item.is_enabled && item.start_date.as_str() <= today && item.end_date.as_deref().is_none_or(|end| today <= end);
    Ok(if is_in_force { Ok(item) } else { Err(Rule::NotInForce) })
}

/// 金额上下限, and 定额.
const LIMITS: i64 = 2;
const FIXED: i64 = 3;

/// What a unit amount breaks of the item's standards (项目标准) in force. One that allows it is enough, and an item without any
/// allows all; so do 无限制, and 比例, whose base an order does not carry.
async fn outside(
    connection: &mut SqliteConnection,
    item_id: &str,
    unit_fen: i64,
    today: &str,
) -> Result<Option<Rule>, Failure> {
    let standards: Vec<BaseItemStandard> = select(
        connection,
        "WHERE item_id = ?1 AND is_enabled = 1 AND is_deleted = 0 AND start_date <= ?2 \
         AND ifnull(end_date, '99991231') >= ?2 ORDER BY std_no",
        &[text(item_id), text(today)],
    )
    .await?;
    let mut broken = None;
    for standard in standards {
        let (least, most) = match standard.std_type {
            LIMITS => (standard.min_fen.unwrap_or(0), standard.max_fen.unwrap_or(AMOUNT_FEN_MAX)),
            FIXED => (standard.unit_fen.unwrap_or(0), standard.unit_fen.unwrap_or(AMOUNT_FEN_MAX)),
            _ => return Ok(None),
        };
        if (least..=most).contains(&unit_fen) {
            return Ok(None);
        }
        broken = broken.or(Some(Rule::OutsideStandard { least, most }));
    }
    Ok(broken)
}
