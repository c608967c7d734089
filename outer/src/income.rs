//! What an agency may collect (单位项目), as the replica of base data says.

use console::Text;
use contract::rows::{BaseAgency, BaseIncomeItem};
use contract::rules::{Fault, Rule, agency_in_force, item_in_force, outside_standards};
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
    let found = find_by::<BaseAgency>(connection, id).await?;
    Ok(agency_in_force(found, id, today).map_err(|rule| Fault::refusal(table, "", "agency_id", rule)))
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
                let standards = select(connection, "WHERE item_id = ?1 ORDER BY std_no", &[text(&item.id)]).await?;
                let rule = outside_standards(&standards, line.unit_fen, today);
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
    Ok(item_in_force(found, today))
}
