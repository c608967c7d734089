//! Payments at a counter and to the police, and what they mean for those that come online.

use contract::rules::{Decision, MatchState};
use inner::api::take_all;
use inner::offline::{Report, Taken};
use inner::proposal::{self, Asked, Wish};
use node::Failure;
use node::http::Caller;

use super::bench::Bureau;

async fn take(bureau: &Bureau, pay_code: &str, source: i64, number: &str, fen: i64) -> Result<Taken, Failure> {
    let report = Report {
        pay_code: pay_code.to_owned(),
        source,
        source_ref: number.to_owned(),
        amount_fen: fen,
        pay_time: "20260302093000".to_owned(),
    };
    take_all(&bureau.bench.node, Caller::local("li"), vec![report]).await.map(|taken| taken.payments[0].clone())
}

#[tokio::test]
async fn the_online_payment_stands_and_what_the_police_took_goes_back() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let taken = take(&bureau, &notice.pay_code, 2, "JJ-1", notice.total_fen).await.unwrap();
    assert_eq!((taken.match_state, taken.refund_state), (MatchState::Matched.number(), 0));
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let result = bureau.result(1).await;
    assert_eq!(
        (result.match_state, result.decision),
        (MatchState::Duplicate.number(), Decision::RefundOffline.number())
    );
    assert_eq!(result.other_ref, Some(taken.payment_id.clone()));
    assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 1);
    // A third payment is one online too many.
    bureau.bench.add(bureau.paid(2, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.result(2).await.decision, Decision::RefundOnline.number());
    let refunded = |id: String| {
        let node = bureau.bench.node.clone();
        async move { inner::api::refund(&node, &Caller::local("zhao"), id).await }
    };
    refunded(taken.payment_id.clone()).await.unwrap();
    assert_eq!(refunded(taken.payment_id).await.unwrap_err().code, "not-to-be-refunded");
    assert_eq!(refunded("x".to_owned()).await.unwrap_err().code, "not-found");
}

#[tokio::test]
async fn what_was_paid_at_a_bank_stands_and_the_online_payment_goes_back() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    take(&bureau, &notice.pay_code, 1, "GM-1", notice.total_fen).await.unwrap();
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.result(1).await.decision, Decision::RefundOnline.number());
    assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 0);
}

#[tokio::test]
async fn an_offline_payment_that_comes_second_goes_back_itself() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let taken = take(&bureau, &notice.pay_code, 1, "GM-1", notice.total_fen).await.unwrap();
    assert_eq!((taken.match_state, taken.refund_state), (MatchState::Duplicate.number(), 1));
}

#[tokio::test]
async fn the_same_report_is_answered_as_the_first_time_and_another_one_is_refused() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let first = take(&bureau, &notice.pay_code, 1, "GM-1", notice.total_fen).await.unwrap();
    let again = take(&bureau, &notice.pay_code, 1, "GM-1", notice.total_fen).await.unwrap();
    assert_eq!((again.repeated, &again.payment_id), (true, &first.payment_id));
    let code = |taken: Result<Taken, Failure>| taken.unwrap_err().code;
    assert_eq!(code(take(&bureau, &notice.pay_code, 1, "GM-1", 1).await), "source-ref-taken");
    assert_eq!(code(take(&bureau, &"9".repeat(20), 1, "GM-2", 1).await), "not-found");
    assert_eq!(code(take(&bureau, &notice.pay_code, 3, "GM-3", 1).await), "rules-broken");
    assert_eq!(code(take(&bureau, &notice.pay_code, 1, "GM-4", 0).await), "rules-broken");
    assert_eq!(code(take(&bureau, &notice.pay_code, 1, "GM-5", -5).await), "rules-broken");
    assert_eq!(bureau.bench.number("SELECT count(*) FROM offline_payment").await, 1);
}

#[tokio::test]
async fn an_offline_payment_under_review_counts_for_nothing_until_two_people_say_so() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let short = take(&bureau, &notice.pay_code, 1, "GM-1", notice.total_fen - 1).await.unwrap();
    assert_eq!(short.match_state, MatchState::AmountDiff.number());
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.result(1).await.decision, Decision::Book.number(), "the full payment stands");
    let wish = |payment_id: &str| Wish::BookOffline { payment_id: payment_id.to_owned() };
    assert_eq!(propose(&bureau, wish(&short.payment_id)).await, Err("already-counted"));
    assert_eq!(propose(&bureau, Wish::RefundOffline { payment_id: short.payment_id.clone() }).await, Ok(()));
    assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 1);
    assert_eq!(propose(&bureau, wish(&short.payment_id)).await, Err("not-under-review"));
}

#[tokio::test]
async fn a_reviewed_payment_that_is_booked_counts_for_its_notice() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen + 5)).await;
    bureau.match_all().await;
    propose(&bureau, Wish::Book { confirm_id: bureau.confirm_id(1) }).await.unwrap();
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
    let second = take(&bureau, &notice.pay_code, 1, "GM-1", notice.total_fen).await.unwrap();
    assert_eq!((second.match_state, second.refund_state), (MatchState::Duplicate.number(), 1));
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book WHERE counts = 1").await, 1);
}

/// One person asks, another allows.
async fn propose(bureau: &Bureau, wish: Wish) -> Result<(), &'static str> {
    let (now, database) = (bureau.bench.node.clock.now(), bureau.bench.node.database.clone());
    let asked = Asked { wish, reason: "核对无误".to_owned() };
    let act = Caller::local("li").act(now.time17(), "proposal-ask", String::new());
    let id =
        database.write(move |connection| Box::pin(async move { proposal::ask(connection, asked, act).await })).await;
    let id = id.map_err(|failure| failure.code)?;
    let act = Caller::local("zhao").act(now.time17(), "proposal-decide", String::new());
    let decided = database
        .write(move |connection| Box::pin(async move { proposal::decide(connection, id, true, act, now).await }));
    decided.await.map_err(|failure| failure.code)
}
