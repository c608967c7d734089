//! The reckoning that the pilots and the kills end with notices what it must: each mistake is made here on purpose.

use tests::nodes::accounts::Accounts;
use tests::nodes::{Fate, Town};
use tests::pair::{INNER, OUTER};

#[track_caller]
fn notices(town: &Town, sentence: &str) {
    let findings = Accounts::read(town).findings();
    assert!(findings.iter().any(|one| one.contains(sentence)), "{sentence}: {findings:?}");
}

#[test]
fn money_that_is_paid_and_not_told_lost_repeated_or_made_up_is_noticed() {
    let town = Town::open();
    let (pay_code, total) = town.issue(3);
    let order = town.order("R-1", Some(&pay_code), total);
    town.wechat.arrange(&order, Fate::Doubled);
    town.wechat.pay(&order, total);
    let accounts = Accounts::at_rest(&town);
    assert_eq!(accounts.sums_fen(), [u64::try_from(total).unwrap(); 4]);
    let confirm_id = accounts.outside[0].confirm_id.clone();

    // A channel takes money and says nothing.
    let silent = town.order("R-2", None, total);
    town.wechat.arrange(&silent, Fate::Held);
    town.wechat.pay(&silent, total);
    notices(&town, "has 0 confirmations");
    town.wechat.let_go(&silent);
    Accounts::at_rest(&town);

    // A line of the ledger that nobody paid.
    let copy = "INSERT INTO inner_book (book_no, source, payment_id, pay_code, agency_id, amount_fen, pay_date, match_state, decision, \
        counts, book_time) SELECT 'B-2', source, 'C-2', pay_code, agency_id, amount_fen, pay_date, match_state, decision, 0, \
        book_time FROM inner_book WHERE payment_id = ?1";
    assert_eq!(town.write(INNER, copy, &[&confirm_id]), 1);
    notices(&town, "the booking B-2 is of no payment");
    assert_eq!(town.write(INNER, "DELETE FROM inner_book WHERE book_no = 'B-2'", &[]), 1);
    notices(&town, "inside inner_book C-2 was written 2 times");

    // A confirmation that is applied twice: the tables are as they were. Ferry's own fence is away for a moment.
    let fence = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'pay_confirm' AND name LIKE '%replica_update%'";
    let fence = town.text(INNER, fence);
    let sql = town.text(INNER, &format!("SELECT sql FROM sqlite_schema WHERE name = '{fence}'"));
    town.write(INNER, &format!("DROP TRIGGER \"{fence}\""), &[]);
    let again = "UPDATE pay_confirm SET update_time = update_time WHERE confirm_id = ?1";
    assert_eq!(town.write(INNER, again, &[&confirm_id]), 1);
    town.write(INNER, &sql, &[]);
    notices(&town, &format!("inside pay_confirm {confirm_id} was written 2 times"));

    // A line of the ledger that is gone.
    assert_eq!(town.write(INNER, "DELETE FROM inner_book WHERE payment_id = ?1", &[&confirm_id]), 1);
    notices(&town, &format!("{confirm_id} has 0 bookings"));
    notices(&town, "paid, confirmed outside, confirmed inside, booked");
    notices(&town, &format!("0 payments count for the notice {pay_code}"));

    // An order that is paid is paid for good; the database itself keeps it so.
    assert_eq!(town.number(OUTER, "SELECT count(*) FROM outer_order WHERE state = 2"), 2);
}
