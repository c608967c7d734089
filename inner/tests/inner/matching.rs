//! Confirmations are booked once, answered, and judged as the rules say.

use contract::Change;
use contract::rules::{Decision, MatchState};
use inner::wish::Wish;

use super::bench::Bureau;

#[tokio::test]
async fn a_confirmation_is_booked_once_and_its_notice_is_paid() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let result = bureau.result(1).await;
    assert_eq!((result.match_state, result.decision), (MatchState::Matched.number(), Decision::Book.number()));
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
    // The same row once more, as a load brings it: deleted and added again.
    bureau.bench.sql("INSERT INTO inner_arrived (confirm_id) SELECT confirm_id FROM pay_confirm").await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 1);
}

#[tokio::test]
async fn a_second_payment_is_a_duplicate_that_names_the_first() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    for serial in [1, 2] {
        bureau.bench.add(bureau.paid(serial, Some(&notice), notice.total_fen)).await;
    }
    bureau.match_all().await;
    let second = bureau.result(2).await;
    assert_eq!(
        (second.match_state, second.decision),
        (MatchState::Duplicate.number(), Decision::RefundOnline.number())
    );
    assert_eq!(second.other_ref, Some(bureau.confirm_id(1)));
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book WHERE match_state = 1").await, 1);
}

#[tokio::test]
async fn a_second_payment_of_what_began_at_a_site_goes_back_too() {
    let bureau = Bureau::open().await;
    for serial in [1, 2] {
        bureau.bench.add(bureau.paid(serial, None, 500)).await;
    }
    let marked = "UPDATE pay_confirm SET is_duplicate = 1 WHERE rowid = (SELECT max(rowid) FROM pay_confirm)";
    bureau.bench.sql(marked).await;
    bureau.match_all().await;
    let first = bureau.result(1).await;
    assert_eq!((first.match_state, first.decision), (MatchState::NoNotice.number(), Decision::Book.number()));
    let second = bureau.result(2).await;
    assert_eq!(
        (second.match_state, second.decision),
        (MatchState::Duplicate.number(), Decision::RefundOnline.number())
    );
}

#[tokio::test]
async fn another_amount_a_void_notice_and_no_notice_are_told_apart() {
    let bureau = Bureau::open().await;
    let (notice, void) = (bureau.issue().await, bureau.issue().await);
    bureau.bench.sql("UPDATE pay_notice SET state = 2 WHERE rowid = (SELECT max(rowid) FROM pay_notice)").await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen + 1)).await;
    bureau.bench.add(bureau.paid(2, Some(&void), void.total_fen)).await;
    bureau.bench.add(bureau.paid(3, None, 500)).await;
    let unknown = contract::rows::PayNotice { pay_code: "99".repeat(10), ..notice.clone() };
    bureau.bench.add(bureau.paid(4, Some(&unknown), 500)).await;
    bureau.match_all().await;
    let mut said = Vec::new();
    for serial in 1..=4 {
        let result = bureau.result(serial).await;
        said.push((result.match_state, result.decision, result.diff_fen));
    }
    let (diff, none) = (MatchState::AmountDiff.number(), MatchState::NoNotice.number());
    let (book, review) = (Decision::Book.number(), Decision::Review.number());
    assert_eq!(said, [(diff, review, 1), (none, review, 0), (none, book, 0), (none, review, 0)]);
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 0);
}

/// A confirmation that came without its lines.
fn without_lines(bureau: &Bureau, serial: u64, notice: Option<&contract::rows::PayNotice>, fen: i64) -> Vec<Change> {
    let mut changes = bureau.paid(serial, notice, fen);
    changes.truncate(1);
    changes
}

#[tokio::test]
async fn a_confirmation_that_is_not_right_in_itself_is_reviewed_before_it_counts() {
    let bureau = Bureau::open().await;
    let (notice, twice) = (bureau.issue().await, bureau.issue().await);
    bureau.bench.add(without_lines(&bureau, 1, Some(&notice), notice.total_fen)).await;
    bureau.bench.add(without_lines(&bureau, 2, None, 500)).await;
    bureau.bench.add(bureau.paid(3, Some(&twice), twice.total_fen)).await;
    bureau.bench.add(without_lines(&bureau, 4, Some(&twice), twice.total_fen)).await;
    bureau.match_all().await;
    let (diff, none, second) =
        (MatchState::AmountDiff.number(), MatchState::NoNotice.number(), MatchState::Duplicate.number());
    let (review, refund) = (Decision::Review.number(), Decision::RefundOnline.number());
    let mut said = Vec::new();
    for serial in [1, 2, 4] {
        let result = bureau.result(serial).await;
        said.push((result.match_state, result.decision, result.diff_fen));
    }
    assert_eq!(said, [(diff, review, 0), (none, review, 0), (second, refund, 0)]);
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 0, "it counts for nothing yet");
    for serial in [1, 2] {
        bureau.propose(Wish::Book { confirm_id: bureau.confirm_id(serial) }).await.unwrap();
    }
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
    // After a backup was put back agencies are told the same once more.
    let told = "SELECT group_concat(push_no, ' ' ORDER BY push_no) FROM inner_push";
    let before = bureau.bench.text(told).await;
    bureau
        .bench
        .sql(
            "DELETE FROM inner_push; DELETE FROM inner_book; \
             INSERT INTO inner_arrived (confirm_id) SELECT confirm_id FROM pay_confirm",
        )
        .await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.text(told).await, before);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book WHERE counts = 1").await, 2);
}

#[tokio::test]
async fn many_are_matched_in_rounds() {
    let bureau = Bureau::open().await;
    for serial in 0..450 {
        bureau.bench.add(bureau.paid(serial, None, 100)).await;
    }
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT count(*) FROM confirm_result").await, 450);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_arrived").await, 0);
}

#[tokio::test]
async fn one_that_cannot_be_booked_waits_and_the_others_go_on() {
    let bureau = Bureau::open().await;
    bureau.bench.add(bureau.paid(1, None, 100)).await;
    bureau.bench.add(bureau.paid(2, None, 100)).await;
    bureau
        .bench
        .sql(
            "CREATE TRIGGER refuses BEFORE INSERT ON inner_book WHEN NEW.amount_fen = 100 AND NEW.payment_id = \
        (SELECT min(confirm_id) FROM pay_confirm) BEGIN SELECT RAISE(ABORT, 'on purpose'); END",
        )
        .await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 1);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_arrived WHERE problem IS NOT NULL").await, 1);
    bureau.bench.sql("DROP TRIGGER refuses").await;
    let id = bureau.bench.text("SELECT confirm_id FROM inner_arrived").await;
    inner::api::again(&bureau.bench.node, &node::http::Caller::local("li"), id.clone()).await.unwrap();
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT count(*) FROM confirm_result").await, 2);
    let again = inner::api::again(&bureau.bench.node, &node::http::Caller::local("li"), id).await;
    assert_eq!(again.unwrap_err().code, "not-found");
}

#[tokio::test]
async fn what_waits_for_people_is_listed_and_counted() {
    let bureau = Bureau::open().await;
    bureau.bench.add(bureau.paid(1, None, 100)).await;
    bureau
        .bench
        .sql("CREATE TRIGGER refuses BEFORE INSERT ON inner_book BEGIN SELECT RAISE(ABORT, 'on purpose'); END")
        .await;
    bureau.match_all().await;
    let service = std::sync::Arc::new(inner::service::Inner::new(bureau.bench.node.clone()));
    let health = node::desk::health(&*service).await.unwrap();
    assert_eq!((health.is_well, health.problems), (true, 1));
    let listed = bureau
        .bench
        .node
        .database
        .read(|connection| Box::pin(async move { inner::waiting::problems(connection, 10).await }))
        .await
        .unwrap();
    assert_eq!((listed[0].of, listed[0].id.as_str()), ("confirmation", bureau.confirm_id(1).as_str()));
    bureau.bench.sql("DROP TRIGGER refuses").await;
    inner::api::again(&bureau.bench.node, &node::http::Caller::local("li"), bureau.confirm_id(1)).await.unwrap();
    bureau.match_all().await;
    assert_eq!(node::desk::health(&*service).await.unwrap().problems, 0);
}

#[tokio::test]
async fn one_that_panics_waits_and_the_others_go_on() {
    use sqlx::sqlite::SqliteConnection;
    static QUEUE: inner::waiting::Queue = inner::waiting::Queue {
        of: "confirmation",
        table: "inner_arrived",
        id: "confirm_id",
        at_once: 10,
        deal: |connection: &mut SqliteConnection, node, id, now| {
            assert!(!id.ends_with("-1"), "on purpose");
            (inner::matching::QUEUE.deal)(connection, node, id, now)
        },
    };
    let bureau = Bureau::open().await;
    bureau.bench.add(bureau.paid(1, None, 100)).await;
    bureau.bench.sql("INSERT INTO inner_arrived (confirm_id) VALUES ('panics-1')").await;
    assert_eq!(inner::waiting::round(&bureau.bench.node, &QUEUE).await.unwrap(), node::rounds::Round::More);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 1);
    assert_eq!(bureau.bench.text("SELECT confirm_id FROM inner_arrived WHERE problem IS NOT NULL").await, "panics-1");
}
