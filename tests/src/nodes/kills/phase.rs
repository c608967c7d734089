//! Where a payment stands between the result, which is the channel's or that of two people, and the answer.

use super::followed::Followed;
use crate::demo::clock::Clock;
use crate::demo::database::Database;
use crate::nodes::Town;
use crate::pair::{INNER, OUTER};

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The channel has the money, the result is on its way, and the outer zone has no confirmation.
    Taken,
    /// The outer zone has the confirmation, and the channel's result is not answered.
    Confirmed,
    /// The result is answered, and the inner zone has no confirmation.
    Answered,
    /// The inner zone has the confirmation, and it is not booked.
    Crossed,
    /// It is booked, and the outer zone has no answer.
    Booked,
    /// The outer zone has the answer.
    Done,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Taken, Self::Confirmed, Self::Answered, Self::Crossed, Self::Booked, Self::Done];
    /// Those from the result until the booking: kills are aimed at these, and these kills are counted.
    pub const BETWEEN: [Self; 4] = [Self::Taken, Self::Confirmed, Self::Answered, Self::Crossed];

    /// What it is, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Taken => "the result was on its way",
            Self::Confirmed => "the confirmation was outside, the result not answered",
            Self::Answered => "the result was answered, the confirmation not inside",
            Self::Crossed => "the confirmation was inside, not booked",
            Self::Booked => "it was booked, the answer not outside",
            Self::Done => "the answer was outside",
        }
    }
}

/// The longest that a confirmation is watched for: a node under load takes it within two seconds.
const WATCHED_MS_MAX: u64 = 5_000;

/// Looks without a pause until the outer zone has the confirmation of an order: from then to the answer is less than a millisecond.
pub fn watch_for_confirmation(outer: &mut Database, order: &str) {
    let clock = Clock::start();
    let sql = "SELECT count(*) FROM pay_confirm WHERE platform_order_no = ?1";
    let mut count = || outer.number(sql, &[order]).expect("the statement yields a number");
    while count() == 0 && clock.now_ms() < WATCHED_MS_MAX {}
}

/// Where a payment stands. What is furthest is looked up first: the payment goes on meanwhile, so it stood there or before.
pub fn stand(town: &Town, followed: &Followed) -> Phase {
    let order = followed.order.as_str();
    let [mut inner, mut outer] =
        [INNER, OUTER].map(|zone| Database::open(&town.pair.database(zone)).expect("the zone has a database"));
    let confirm = "FROM pay_confirm WHERE platform_order_no = ?1";
    let there =
        |database: &mut Database, sql: &str| database.number(sql, &[order]).expect("the statement yields a number") > 0;
    let answer = format!("SELECT count(*) FROM confirm_result WHERE confirm_id IN (SELECT confirm_id {confirm})");
    let book = format!("SELECT count(*) FROM inner_book WHERE payment_id IN (SELECT confirm_id {confirm})");
    let count = format!("SELECT count(*) {confirm}");
    let phase = if there(&mut outer, &answer) {
        Phase::Done
    } else if there(&mut inner, &book) {
        Phase::Booked
    } else if there(&mut inner, &count) {
        Phase::Crossed
    } else if followed.is_answered(town) {
        Phase::Answered
    } else if there(&mut outer, &count) {
        Phase::Confirmed
    } else {
        Phase::Taken
    };
    inner.close();
    outer.close();
    phase
}
