//! Minting pay codes (缴款码): each is given once, also by a node whose database was put back.
//!
//! A serial number begins with the minute of the year. What was minted after the backup, and handed to a payer before its notice
//! crossed, is known to nobody after the loss; but it was minted in an earlier minute than anything that is minted then.

use console::Text;
use contract::pay_code::{SERIALS_MAX, first_serial, pay_code};
use contract::rows::PayNotice;
use contract::rules::Policy;
use node::rows::find_by;
use node::{Failure, Kind, Moment};
use sqlx::sqlite::SqliteConnection;

/// The code of the failure where minted codes do not fit the pattern that is configured.
pub(crate) const MISFIT: &str = "pay-code-pattern";
/// A region that is named where the codes of none fit: Beijing's.
const ANY_REGION: &str = "110000";
const MINUTE_MS: i64 = 60_000;

/// The next pay code of a region of 6 digits. The serial number is taken in the transaction of the notice.
///
/// # Errors
/// When the region has none left this year, or the database cannot be used.
pub async fn mint(connection: &mut SqliteConnection, region: &str, now: Moment) -> Result<String, Failure> {
    let today = now.date8();
    let year = &today[2..4];
    let left: Option<i64> = sqlx::query_scalar("SELECT next FROM inner_serial WHERE region = ?1 AND year = ?2")
        .bind(region.to_owned())
        .bind(year.to_owned())
        .fetch_optional(&mut *connection)
        .await?;
    let mut serial = u64::try_from(left.unwrap_or(0)).map_err(Failure::internal)?.max(first_of_minute(now)?);
    loop {
        if serial >= SERIALS_MAX {
            return Err(exhausted(region));
        }
        let code = pay_code(region, year, serial);
        serial += 1;
        // A ledger that pushes notices of its own may have taken a number of this form.
        if find_by::<PayNotice>(connection, &code).await?.is_none() {
            sqlx::query(
                "INSERT INTO inner_serial (region, year, next) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (region, year) DO UPDATE SET next = ?3",
            )
            .bind(region.to_owned())
            .bind(year.to_owned())
            .bind(i64::try_from(serial).map_err(Failure::internal)?)
            .execute(connection)
            .await?;
            return Ok(code);
        }
    }
}

/// The least serial number of a minute.
fn first_of_minute(now: Moment) -> Result<u64, Failure> {
    let year = &now.date8()[..4];
    let begin = Moment::of_time14(&format!("{year}0101000000"))
        .ok_or_else(|| Failure::internal(format!("the year {year} has no beginning")))?;
    let minute = u64::try_from((now.ms() - begin.ms()) / MINUTE_MS).map_err(Failure::internal)?;
    Ok(first_serial(minute))
}

fn exhausted(region: &str) -> Failure {
    Failure::new(
        Kind::Conflict,
        "no-pay-codes-left",
        console::text!("the region {region} has no pay codes left this year", "区划 {region} 本年度缴款码已用尽"),
        Text::fixed(
            "serial numbers begin anew with the year; until then issue from another region",
            "顺序号于新年度重新起算；此前请由其他区划开具",
        ),
    )
}

/// Looks that what is minted is taken: a region's first code of the year must fit the pattern that is configured.
///
/// # Errors
/// When it does not, with the code.
pub fn check_region(region: &str, policy: &Policy, now: Moment) -> Result<(), Failure> {
    check(&pay_code(region, &now.date8()[2..4], 0), policy)
}

/// Looks that a code that was minted fits the pattern. One that does not is a matter of this node's configuration, and no fault of
/// whoever asked: the request waits until the configuration is mended.
///
/// # Errors
/// When it does not.
pub(crate) fn check(code: &str, policy: &Policy) -> Result<(), Failure> {
    let Some(rule) = policy.pay_code.check(code) else { return Ok(()) };
    let (en, zh) = (rule.english(), rule.chinese());
    Err(Failure::new(
        Kind::Internal,
        MISFIT,
        console::text!(
            "{code} is minted here, and node.policy does not take it: {en}",
            "本节点生成的缴款码 {code} 不符合 node.policy：{zh}"
        ),
        Text::fixed(
            "configure a node.policy.pay_code_pattern that takes 6 digits of the region, 2 of the year, 11 of a number and a check digit",
            "请配置能容纳“区划 6 位、年度 2 位、顺序号 11 位、校验位 1 位”的 node.policy.pay_code_pattern",
        ),
    ))
}

/// Looks that the codes of every region that has an agency fit the pattern; before there are agencies, that those of some region do.
///
/// # Errors
/// When they do not, or the database cannot be read.
pub async fn check_all(connection: &mut SqliteConnection, policy: &Policy, now: Moment) -> Result<(), Failure> {
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT substr(mof_div_code, 1, 6) FROM base_agency WHERE is_enabled = 1 AND is_deleted = 0 ORDER BY 1",
    )
    .fetch_all(connection)
    .await?;
    if found.is_empty() {
        let mut checked = contract::regions().into_iter().map(|region| check_region(&region.code[..6], policy, now));
        return if checked.any(|one| one.is_ok()) { Ok(()) } else { check_region(ANY_REGION, policy, now) };
    }
    found.iter().try_for_each(|region| check_region(region, policy, now))
}
