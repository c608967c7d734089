//! Payments at a counter and to the police, and what they mean for those that come online.

use contract::rules::{Decision, MatchState};
use inner::api::take_all;
use inner::report::{Became, Report, Taken};
use inner::wish::Wish;
use node::http::{Caller, Who};

use super::bench::Bureau;

/// A bank's counter and a police office that report.
async fn open() -> Bureau {
    let bureau = Bureau::open().await;
    for (id, permission) in [("bank-1", "counter:bank"), ("police-1", "counter:police"), ("police-2", "counter:police")]
    {
        bureau.client(id, permission, None, None).await;
    }
    bureau
}

fn report(pay_code: &str, source: i64, number: &str, fen: i64) -> Report {
    Report {
        pay_code: pay_code.to_owned(),
        source,
        source_ref: number.to_owned(),
        amount_fen: fen,
        pay_time: "20260302093000".to_owned(),
    }
}

async fn take_many(bureau: &Bureau, who: &str, reports: Vec<Report>) -> Vec<Taken> {
    let id = who.to_owned();
    let read = bureau
        .bench
        .node
        .database
        .read(move |connection| Box::pin(async move { node::client::find(connection, &id).await }));
    let client = read.await.unwrap().unwrap();
    let caller = Caller { who: Who::Client(client), address: "local".to_owned() };
    take_all(&bureau.bench.node, caller, reports).await.unwrap().payments
}

async fn take(bureau: &Bureau, who: &str, report: Report) -> Taken {
    take_many(bureau, who, vec![report]).await.remove(0)
}

/// The bank reports.
async fn bank(bureau: &Bureau, pay_code: &str, number: &str, fen: i64) -> Taken {
    take(bureau, "bank-1", report(pay_code, 1, number, fen)).await
}

fn code(taken: &Taken) -> &str {
    taken.error.as_ref().map_or("", |error| error["code"].as_str().unwrap())
}

#[tokio::test]
async fn the_online_payment_stands_and_what_the_police_took_goes_back() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    let taken = take(&bureau, "police-1", report(&notice.pay_code, 2, "JJ-1", notice.total_fen)).await;
    assert_eq!((taken.match_state, taken.refund_state), (Some(MatchState::Matched.number()), Some(0)));
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let result = bureau.result(1).await;
    assert_eq!(
        (result.match_state, result.decision),
        (MatchState::Duplicate.number(), Decision::RefundOffline.number())
    );
    assert_eq!(result.other_ref, taken.payment_id);
    assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 1);
    // A third payment is one online too many.
    bureau.bench.add(bureau.paid(2, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.result(2).await.decision, Decision::RefundOnline.number());
    let refunded = |id: String| {
        let node = bureau.bench.node.clone();
        async move { inner::api::refund(&node, &Caller::local("zhao"), id).await }
    };
    let payment_id = taken.payment_id.unwrap();
    refunded(payment_id.clone()).await.unwrap();
    assert_eq!(refunded(payment_id).await.unwrap_err().code, "not-to-be-refunded");
    assert_eq!(refunded("x".to_owned()).await.unwrap_err().code, "not-found");
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_returned").await, 0, "the books follow by themselves");
}

#[tokio::test]
async fn what_was_paid_at_a_bank_stands_and_the_online_payment_goes_back() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    bank(&bureau, &notice.pay_code, "GM-1", notice.total_fen).await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.result(1).await.decision, Decision::RefundOnline.number());
    assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 0);
}

#[tokio::test]
async fn an_offline_payment_that_comes_second_goes_back_itself() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let taken = bank(&bureau, &notice.pay_code, "GM-1", notice.total_fen).await;
    assert_eq!((taken.match_state, taken.refund_state), (Some(MatchState::Duplicate.number()), Some(1)));
}

#[tokio::test]
async fn the_same_report_is_answered_as_the_first_time_and_another_one_of_its_number_is_refused() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    let first = bank(&bureau, &notice.pay_code, "GM-1", notice.total_fen).await;
    let again = bank(&bureau, &notice.pay_code, "GM-1", notice.total_fen).await;
    assert_eq!((first.repeated, again.repeated), (false, true));
    assert_eq!(Taken { repeated: false, ..again }, first);
    let other = bank(&bureau, &notice.pay_code, "GM-1", 1).await;
    assert_eq!((other.became, code(&other)), (Became::Refused, "source-ref-taken"));
    assert_eq!(bureau.bench.number("SELECT count(*) FROM offline_payment").await, 1);
}

#[tokio::test]
async fn two_offices_that_count_alike_are_two() {
    let bureau = open().await;
    let (one, two) = (bureau.issue().await, bureau.issue().await);
    for (who, notice) in [("police-1", &one), ("police-2", &two)] {
        let taken = take(&bureau, who, report(&notice.pay_code, 2, "JJ-1", notice.total_fen)).await;
        assert_eq!((taken.became, taken.repeated), (Became::Booked, false), "{taken:?}");
    }
    assert_eq!(bureau.bench.number("SELECT count(DISTINCT source_ref) FROM offline_payment").await, 2);
}

#[tokio::test]
async fn one_report_that_is_not_right_keeps_no_other_back() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    let good = |number: &str| report(&notice.pay_code, 1, number, notice.total_fen);
    let at = |number: &str, pay_time: &str| Report { pay_time: pay_time.to_owned(), ..good(number) };
    let reports = vec![
        Report { amount_fen: 0, ..good("1") },
        Report { amount_fen: -5, ..good("2") },
        Report { source: 2, ..good("3") },
        Report { source: 3, ..good("4") },
        // The clock of the test stands at 2026-03-02 10:00:00.
        at("5", "20260302100501"),
        at("6", "20241231235959"),
        at("7", "20260230000000"),
        good(&"8".repeat(64)),
        at("9", "20260302100500"),
    ];
    let taken = take_many(&bureau, "bank-1", reports).await;
    let codes: Vec<&str> = taken.iter().map(code).collect();
    let rules = "rules-broken";
    assert_eq!(codes, [rules, rules, "source-not-bound", rules, "pay-time", "pay-time", rules, rules, ""], "{taken:?}");
    assert!(taken[..8].iter().all(|taken| taken.became == Became::Refused));
    assert_eq!(taken[8].became, Became::Booked);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 1);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_report").await, 1, "what was refused is not kept");
}

#[tokio::test]
async fn money_of_a_pay_code_that_nobody_knows_is_kept_until_two_people_say_whose_it_is() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    let taken = bank(&bureau, &"9".repeat(20), "GM-1", notice.total_fen).await;
    assert_eq!((taken.became, code(&taken), taken.repeated), (Became::Kept, "not-found", false));
    let again = bank(&bureau, &"9".repeat(20), "GM-1", notice.total_fen).await;
    assert_eq!((again.became, again.repeated), (Became::Kept, true));
    let report_id = "bank-1/GM-1".to_owned();
    inner::api::again(&bureau.bench.node, &Caller::local("li"), report_id.clone()).await.unwrap();
    bureau.match_all().await;
    assert_eq!(bureau.bench.text("SELECT report_id FROM inner_reported WHERE problem IS NOT NULL").await, report_id);
    let assign = |pay_code: &str| Wish::AssignReport {
        report_id: report_id.clone(),
        pay_code: pay_code.to_owned(),
        report: None,
    };
    assert_eq!(bureau.propose(assign("1")).await, Err("not-found"));
    let both = [bureau.ask("li", assign(&notice.pay_code)).await, bureau.ask("li", assign(&notice.pay_code)).await];
    assert_eq!(bureau.decide("zhao", both[0].unwrap(), true).await, Ok(()));
    assert_eq!(bureau.decide("zhao", both[1].unwrap(), true).await, Err("not-kept"), "it is booked once");
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_reported").await, 0);
    // The counter that asks once more learns what became of it.
    let last = bank(&bureau, &"9".repeat(20), "GM-1", notice.total_fen).await;
    assert_eq!((last.became, last.match_state), (Became::Booked, Some(MatchState::Matched.number())));
}

#[tokio::test]
async fn money_that_is_nobodys_goes_back_by_two_people_and_is_never_booked() {
    let bureau = open().await;
    bank(&bureau, &"9".repeat(20), "GM-1", 100).await;
    let report_id = "bank-1/GM-1".to_owned();
    let wish = Wish::ReturnReport { report_id, report: None };
    bureau.propose(wish.clone()).await.unwrap();
    assert_eq!(bureau.propose(wish).await, Err("not-kept"));
    assert_eq!(bank(&bureau, &"9".repeat(20), "GM-1", 100).await.became, Became::Returned);
    assert_eq!(code(&bank(&bureau, &"9".repeat(20), "GM-1", 101).await), "source-ref-taken");
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 0);
}

#[tokio::test]
async fn a_kept_report_that_is_told_rightly_at_last_is_booked() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    bank(&bureau, &"9".repeat(20), "GM-1", notice.total_fen).await;
    let taken = bank(&bureau, &notice.pay_code, "GM-1", notice.total_fen).await;
    assert_eq!((taken.became, taken.repeated), (Became::Booked, false));
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_reported").await, 0);
}

#[tokio::test]
async fn another_payment_of_the_number_of_a_kept_report_is_refused_and_what_is_kept_stays() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    let first = report(&"9".repeat(20), 1, "GM-1", notice.total_fen + 200);
    assert_eq!(take(&bureau, "bank-1", first.clone()).await.became, Became::Kept);
    let later = Report { pay_time: "20260302094500".to_owned(), ..first.clone() };
    let less = Report { pay_code: notice.pay_code.clone(), amount_fen: notice.total_fen, ..first.clone() };
    for other in [later, less] {
        let taken = take(&bureau, "bank-1", other.clone()).await;
        assert_eq!((taken.became, code(&taken)), (Became::Refused, "source-ref-taken"));
        // What was known and what is said now are on record.
        let (was, is_now) = last_act(&bureau).await;
        assert_eq!(was["report"], serde_json::json!(first));
        assert_eq!((&is_now["report"], &is_now["taken"]["became"]), (&serde_json::json!(other), &"refused".into()));
    }
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 0);
    let kept = bureau.bench.text("SELECT report FROM inner_report JOIN inner_reported USING (report_id)").await;
    assert_eq!(serde_json::from_str::<Report>(&kept).unwrap(), first);
}

/// What the record says of the last report: before, and now.
async fn last_act(bureau: &Bureau) -> (serde_json::Value, serde_json::Value) {
    let both =
        "SELECT json_array(json(was), json(is_now)) FROM node_act WHERE what = 'offline-take' ORDER BY id DESC LIMIT 1";
    serde_json::from_str(&bureau.bench.text(both).await).unwrap()
}

#[tokio::test]
async fn what_is_allowed_is_the_report_that_was_asked_about() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    bank(&bureau, &"9".repeat(20), "GM-1", notice.total_fen).await;
    let (report_id, pay_code) = ("bank-1/GM-1".to_owned(), notice.pay_code.clone());
    let first = report(&"9".repeat(20), 1, "GM-1", notice.total_fen);
    let meant = |report: Option<Report>| Wish::AssignReport {
        report_id: report_id.clone(),
        pay_code: pay_code.clone(),
        report,
    };
    let another = Report { amount_fen: 1, ..first.clone() };
    assert_eq!(bureau.ask("li", meant(Some(another))).await, Err("report-changed"));
    let id = bureau.ask("li", meant(None)).await.unwrap();
    let wish: Wish = serde_json::from_str(&bureau.bench.text("SELECT wish FROM inner_proposal").await).unwrap();
    assert_eq!(wish, meant(Some(first)), "whoever allows it sees the payment");
    // The counter tells it again with another pay code that nobody knows.
    assert_eq!(bank(&bureau, &"8".repeat(20), "GM-1", notice.total_fen).await.became, Became::Kept);
    assert_eq!(bureau.decide("zhao", id, true).await, Err("report-changed"));
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 0);
    assert_eq!(bureau.decide("zhao", id, false).await, Ok(()));
    bureau.propose(meant(None)).await.unwrap();
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
}

#[tokio::test]
async fn a_counter_of_an_agency_reports_for_that_agency_alone() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    bureau.client("bank-1", "counter:bank", Some("another"), None).await;
    let taken = bank(&bureau, &notice.pay_code, "GM-1", notice.total_fen).await;
    assert_eq!((taken.became, code(&taken)), (Became::Kept, "agency-not-bound"));
    bureau.client("bank-1", "counter:bank", Some(&notice.agency_id), None).await;
    assert_eq!(bank(&bureau, &notice.pay_code, "GM-2", notice.total_fen).await.became, Became::Booked);
    // Whose money the first one is two people say.
    let (report_id, pay_code) = ("bank-1/GM-1".to_owned(), notice.pay_code.clone());
    let wish = Wish::AssignReport { report_id, pay_code, report: None };
    bureau.propose(wish).await.unwrap();
    assert_eq!(bureau.bench.number("SELECT sum(counts) FROM inner_book").await, 1);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM offline_payment WHERE refund_state = 1").await, 1);
}

#[tokio::test]
async fn what_a_person_enters_is_booked_by_another_one_and_is_the_counters_own_report() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    let payment = report(&notice.pay_code, 2, "JJ-1", notice.total_fen);
    let enter = |payment: Report| Wish::EnterOffline { payment, client: Some("police-1".to_owned()) };
    let code = bureau.ask("li", enter(Report { pay_code: "9".repeat(20), ..payment.clone() })).await;
    assert_eq!(code, Err("not-found"));
    assert_eq!(bureau.ask("li", enter(Report { source: 1, ..payment.clone() })).await, Err("source-not-bound"));
    let id = bureau.ask("li", enter(payment.clone())).await.unwrap();
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 0, "one person books nothing");
    assert_eq!(bureau.decide("li", id, true).await, Err("same-person"));
    assert_eq!(bureau.decide("zhao", id, true).await, Ok(()));
    assert_eq!(bureau.propose(enter(payment.clone())).await, Err("reported"));
    let taken = take(&bureau, "police-1", payment).await;
    assert_eq!((taken.became, taken.repeated), (Became::Booked, true));
    let desk = Wish::EnterOffline { payment: report(&notice.pay_code, 1, "JJ-1", notice.total_fen), client: None };
    bureau.propose(desk).await.unwrap();
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 2);
}

#[tokio::test]
async fn an_offline_payment_under_review_counts_for_nothing_until_two_people_say_so() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    let short = bank(&bureau, &notice.pay_code, "GM-1", notice.total_fen - 1).await;
    assert_eq!(short.match_state, Some(MatchState::AmountDiff.number()));
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.result(1).await.decision, Decision::Book.number(), "the full payment stands");
    let payment_id = short.payment_id.unwrap();
    let wish = || Wish::BookOffline { payment_id: payment_id.clone() };
    assert_eq!(bureau.propose(wish()).await, Err("already-counted"));
    assert_eq!(bureau.propose(Wish::RefundOffline { payment_id: payment_id.clone() }).await, Ok(()));
    assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 1);
    assert_eq!(bureau.propose(wish()).await, Err("not-under-review"));
}

#[tokio::test]
async fn a_reviewed_payment_that_is_booked_counts_for_its_notice() {
    let bureau = open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen + 5)).await;
    bureau.match_all().await;
    bureau.propose(Wish::Book { confirm_id: bureau.confirm_id(1) }).await.unwrap();
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
    let second = bank(&bureau, &notice.pay_code, "GM-1", notice.total_fen).await;
    assert_eq!((second.match_state, second.refund_state), (Some(MatchState::Duplicate.number()), Some(1)));
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book WHERE counts = 1").await, 1);
}
