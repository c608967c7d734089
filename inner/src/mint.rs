//! Minting pay codes (缴款码): each is given once, also by a node whose database was put back.
//!
//! A serial number begins with the minute of the year. What was minted after the backup, and handed to a payer before its notice
//! crossed, is known to nobody after the loss; but it was minted in an earlier minute than anything that is minted then.

use contract::pay_code::{SERIALS_MAX, first_serial, pay_code};
use contract::rows::PayNotice;
use node::rows::find_by;
use node::{Failure, Kind, Moment};
use sqlx::sqlite::SqliteConnection;

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
        console::Text::fixed("configure another pattern of pay codes", "请更换缴款码规则"),
    )
}
