//! A backup is put back, and ferry returns what this zone had written since: the books follow, and nobody is told under another number.

use contract::Change;
use contract::rows::{ConfirmResult, OfflinePayment, PayNotice};
use contract::rules::{Decision, MatchState};
use inner::api::take_all;
use inner::report::{Became, Report, Taken};
use inner::waiting::QUEUES;
use inner::wish::Wish;
use node::client::Client;
use node::http::{Caller, Who};
use node::rounds::Round;

use super::bench::{Bureau, of_police};

/// The books and all that the node keeps are those of an empty backup; the tables of the contract are as they were.
const EMPTY_BACKUP: &str = "DELETE FROM inner_push; DELETE FROM inner_book; DELETE FROM inner_report; \
    INSERT INTO inner_arrived (confirm_id) SELECT confirm_id FROM pay_confirm; \
    INSERT INTO inner_returned (payment_id) SELECT payment_id FROM offline_payment";

async fn told(bureau: &Bureau) -> String {
    bureau.bench.text("SELECT group_concat(push_no, ' ' ORDER BY push_no) FROM inner_push").await
}

async fn books(bureau: &Bureau) -> String {
    bureau
        .bench
        .text(
            "SELECT group_concat(book_no || source || payment_id || agency_id || amount_fen || match_state || decision \
             || counts, ' ' ORDER BY book_no) FROM inner_book",
        )
        .await
}

async fn take(bureau: &Bureau, client: &Client, report: &Report) -> Taken {
    let caller = Caller { who: Who::Client(client.clone()), address: "local".to_owned() };
    take_all(&bureau.bench.node, caller, vec![report.clone()]).await.unwrap().payments.remove(0)
}

/// A bureau with a notice that was paid to the police, and then online; its agency's system is told.
async fn paid_twice() -> (Bureau, PayNotice, Client) {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.client("unit-1", "agency", Some(&notice.agency_id), Some("http://127.0.0.1:9/told")).await;
    let client = bureau.client("police-1", "counter:police", None, None).await;
    take(&bureau, &client, &of_police(&notice)).await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.result(1).await.decision, Decision::RefundOffline.number());
    (bureau, notice, client)
}

/// What counts is the online payment, as it was answered, and the one to the police is to go back; nothing waits for people.
async fn the_police_give_way(bureau: &Bureau, notice: &PayNotice) {
    assert_eq!(problems(bureau).await, 0);
    let lines = "SELECT group_concat(source || decision || counts, ' ' ORDER BY source) FROM inner_book";
    assert_eq!(bureau.bench.text(lines).await, "ONLINE31 POLICE_BATCH30");
    assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 1);
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_push WHERE push_no LIKE 'refund-due/%'").await, 1);
}

async fn problems(bureau: &Bureau) -> u64 {
    let read = bureau.bench.node.database.read(|connection| Box::pin(inner::waiting::count_problems(connection)));
    read.await.unwrap()
}

/// The answer that a confirmation counts, as ferry returns it.
fn counted(bureau: &Bureau, serial: u64) -> Change {
    let time = "20260302095900000".to_owned();
    Change::insert(&ConfirmResult {
        confirm_id: bureau.confirm_id(serial),
        match_state: MatchState::Matched.number(),
        decision: Decision::Book.number(),
        book_no: format!("book-{serial}"),
        book_time: time.clone(),
        other_ref: None,
        diff_fen: 0,
        update_time: time,
    })
}

#[tokio::test]
async fn the_books_are_as_they_were_and_agencies_are_told_under_the_same_numbers() {
    let bureau = Bureau::open().await;
    let (online, reviewed, police) = (bureau.issue().await, bureau.issue().await, bureau.issue().await);
    bureau.client("unit-1", "agency", Some(&online.agency_id), Some("http://127.0.0.1:9/told")).await;
    bureau.bench.add(bureau.paid(1, Some(&online), online.total_fen)).await;
    bureau.bench.add(bureau.paid(2, Some(&reviewed), reviewed.total_fen + 1)).await;
    bureau.match_all().await;
    bureau.propose(Wish::Book { confirm_id: bureau.confirm_id(2) }).await.unwrap();
    let client = bureau.client("police-1", "counter:police", None, None).await;
    let report = of_police(&police);
    let take = async || {
        let caller = Caller { who: Who::Client(client.clone()), address: "local".to_owned() };
        take_all(&bureau.bench.node, caller, vec![report.clone()]).await.unwrap().payments.remove(0)
    };
    let first = take().await;
    let (books_before, told_before) = (books(&bureau).await, told(&bureau).await);
    bureau.bench.sql(EMPTY_BACKUP).await;
    bureau.match_all().await;
    assert_eq!(books(&bureau).await, books_before);
    assert_eq!(told(&bureau).await, told_before);
    // The counter reports once more, and nothing is booked twice.
    let again = take().await;
    assert_eq!((again.became, again.repeated, &again.payment_id), (Became::Booked, true, &first.payment_id));
    assert_eq!(books(&bureau).await, books_before);
    // Nor is what counted before paid again.
    bureau.bench.add(bureau.paid(3, Some(&reviewed), reviewed.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.result(3).await.decision, 2);
}

#[tokio::test]
async fn what_was_decided_since_the_backup_is_not_decided_anew() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen + 1)).await;
    bureau.match_all().await;
    let wish = Wish::RefundOnline { confirm_id: bureau.confirm_id(1) };
    let id = bureau.ask("li", wish.clone()).await.unwrap();
    // Ferry returns the answer as two people had decided it, while the books and the proposal are those of the backup.
    bureau.bench.sql("UPDATE confirm_result SET decision = 2").await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT decision FROM inner_book").await, 2);
    assert_eq!(bureau.decide("zhao", id, true).await, Err("not-under-review"));
    assert_eq!(bureau.decide("zhao", id, false).await, Ok(()));
    assert_eq!(bureau.result(1).await.decision, 2);
}

#[tokio::test]
async fn an_offline_payment_that_was_to_go_back_still_is() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let client = bureau.client("police-1", "counter:police", None, None).await;
    let caller = Caller { who: Who::Client(client), address: "local".to_owned() };
    let report = of_police(&notice);
    take_all(&bureau.bench.node, caller, vec![report]).await.unwrap();
    // The backup is from before the online payment; what comes back says that the offline one gives way.
    bureau.bench.sql("UPDATE offline_payment SET refund_state = 1").await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT decision * 10 + counts FROM inner_book").await, 30);
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT sum(counts) FROM inner_book").await, 1);
}

#[tokio::test]
async fn a_notice_that_came_back_unpaid_is_paid_where_the_answer_that_came_back_counts() {
    let bureau = Bureau::open().await;
    let (matched, reviewed, refunded) = (bureau.issue().await, bureau.issue().await, bureau.issue().await);
    bureau.bench.add(bureau.paid(1, Some(&matched), matched.total_fen)).await;
    for (serial, notice) in [(2, &reviewed), (3, &refunded)] {
        bureau.bench.add(bureau.paid(serial, Some(notice), notice.total_fen + 1)).await;
    }
    bureau.match_all().await;
    bureau.propose(Wish::Book { confirm_id: bureau.confirm_id(2) }).await.unwrap();
    bureau.propose(Wish::RefundOnline { confirm_id: bureau.confirm_id(3) }).await.unwrap();
    bureau.bench.sql(EMPTY_BACKUP).await;
    bureau.bench.sql("UPDATE pay_notice SET state = 0").await;
    bureau.match_all().await;
    let mut states = Vec::new();
    for notice in [&matched, &reviewed, &refunded] {
        states.push(bureau.notice(&notice.pay_code).await.state);
    }
    assert_eq!(states, [1, 1, 0]);
    assert_eq!(bureau.bench.number("SELECT sum(counts) FROM inner_book").await, 2);
}

#[tokio::test]
async fn an_offline_payment_that_came_back_pays_its_notice() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let client = bureau.client("police-1", "counter:police", None, None).await;
    take(&bureau, &client, &of_police(&notice)).await;
    bureau.bench.sql(EMPTY_BACKUP).await;
    bureau.bench.sql("UPDATE pay_notice SET state = 0").await;
    bureau.match_all().await;
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
}

#[tokio::test]
async fn a_payment_to_the_police_that_counts_in_the_backup_gives_way_to_an_answer_that_came_back_alone() {
    let (bureau, notice, _) = paid_twice().await;
    bureau
        .bench
        .sql(
            "DELETE FROM inner_push; DELETE FROM inner_book WHERE source = 'ONLINE'; \
             UPDATE inner_book SET counts = 1, decision = 1; UPDATE offline_payment SET refund_state = 0; \
             UPDATE pay_notice SET state = 0; INSERT INTO inner_arrived (confirm_id) SELECT confirm_id FROM pay_confirm",
        )
        .await;
    bureau.match_all().await;
    the_police_give_way(&bureau, &notice).await;
}

#[tokio::test]
async fn a_payment_to_the_police_that_came_back_without_its_change_gives_way_whatever_comes_first() {
    for payment_first in [false, true] {
        let (bureau, notice, _) = paid_twice().await;
        bureau.bench.sql(EMPTY_BACKUP).await;
        bureau.bench.sql("UPDATE offline_payment SET refund_state = 0; UPDATE pay_notice SET state = 0").await;
        if payment_first {
            let queue = QUEUES.into_iter().find(|queue| queue.of == "returned").unwrap();
            assert_eq!(inner::waiting::round(&bureau.bench.node, queue).await.unwrap(), Round::More);
        }
        bureau.match_all().await;
        the_police_give_way(&bureau, &notice).await;
    }
}

#[tokio::test]
async fn a_payment_to_the_police_that_comes_back_after_the_answer_that_names_it_gives_way() {
    let (bureau, notice, _) = paid_twice().await;
    let payment: OfflinePayment = {
        let read = bureau.bench.node.database.read(|connection| Box::pin(node::rows::select(connection, "", &[])));
        read.await.unwrap().remove(0)
    };
    bureau.bench.sql(EMPTY_BACKUP).await;
    bureau.bench.sql("DELETE FROM offline_payment; UPDATE pay_notice SET state = 0").await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 1);
    bureau.bench.add(vec![Change::insert(&OfflinePayment { refund_state: 0, ..payment })]).await;
    bureau.match_all().await;
    the_police_give_way(&bureau, &notice).await;
}

#[tokio::test]
async fn an_offline_payment_that_has_gone_back_stays_so_where_the_answer_did_not_come_back() {
    for is_booked in [true, false] {
        let (bureau, notice, _) = paid_twice().await;
        if is_booked {
            bureau.bench.sql("DELETE FROM inner_push; DELETE FROM inner_book WHERE source = 'ONLINE'").await;
            bureau.bench.sql("UPDATE inner_book SET counts = 1, decision = 1").await;
            bureau.bench.sql("INSERT INTO inner_arrived (confirm_id) SELECT confirm_id FROM pay_confirm").await;
        } else {
            bureau.bench.sql(EMPTY_BACKUP).await;
        }
        bureau.bench.sql("DELETE FROM confirm_result; UPDATE offline_payment SET refund_state = 2").await;
        bureau.match_all().await;
        assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 2, "booked: {is_booked}");
        assert_eq!(bureau.bench.text("SELECT source FROM inner_book WHERE counts = 1").await, "ONLINE");
        assert_eq!((problems(&bureau).await, bureau.notice(&notice.pay_code).await.state), (0, 1));
        let told = "SELECT count(*) FROM inner_push WHERE push_no LIKE 'refund%'";
        assert_eq!(bureau.bench.number(told).await, 2, "that it is to go back, and that it has");
    }
}

#[tokio::test]
async fn a_notice_that_came_back_paid_without_its_answer_is_paid_by_the_payment_that_is_judged_anew() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    bureau.bench.sql(EMPTY_BACKUP).await;
    bureau.bench.sql("DELETE FROM confirm_result").await;
    bureau.match_all().await;
    let result = bureau.result(1).await;
    assert_eq!((result.match_state, result.decision), (MatchState::Matched.number(), Decision::Book.number()));
    assert_eq!(bureau.bench.number("SELECT sum(counts) FROM inner_book").await, 1);
}

#[tokio::test]
async fn what_was_answered_is_booked_before_an_earlier_payment_is_judged_anew() {
    let bureau = Bureau::open().await;
    let (notice, reviewed) = (bureau.issue().await, bureau.issue().await);
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.bench.add(bureau.paid(2, Some(&reviewed), reviewed.total_fen + 1)).await;
    bureau.match_all().await;
    bureau.propose(Wish::Book { confirm_id: bureau.confirm_id(2) }).await.unwrap();
    for (serial, notice) in [(3, &notice), (4, &reviewed)] {
        bureau.bench.add(bureau.paid(serial, Some(notice), notice.total_fen)).await;
    }
    // One answer is not in the books, the other one is there as it was under review; those of the later payments did not come back.
    bureau.bench.sql("DELETE FROM inner_book WHERE match_state = 1").await;
    bureau.bench.sql("UPDATE inner_book SET decision = 4, counts = 0").await;
    bureau.bench.sql("INSERT INTO inner_arrived (confirm_id) SELECT confirm_id FROM confirm_result").await;
    bureau.match_all().await;
    for (first, second) in [(1, 3), (2, 4)] {
        let result = bureau.result(second).await;
        assert_eq!(result.decision, Decision::RefundOnline.number());
        assert_eq!(result.other_ref, Some(bureau.confirm_id(first)));
    }
    assert_eq!(problems(&bureau).await, 0);
}

#[tokio::test]
async fn what_was_answered_is_booked_before_a_counter_reports_once_more() {
    let (bureau, notice, client) = paid_twice().await;
    bureau.bench.sql(EMPTY_BACKUP).await;
    // What the police reported never left the zone.
    bureau.bench.sql("DELETE FROM inner_returned; DELETE FROM offline_payment; UPDATE pay_notice SET state = 0").await;
    let taken = take(&bureau, &client, &of_police(&notice)).await;
    assert_eq!((taken.match_state, taken.refund_state), (Some(MatchState::Duplicate.number()), Some(1)));
    bureau.match_all().await;
    assert_eq!(bureau.bench.text("SELECT source FROM inner_book WHERE counts = 1").await, "ONLINE");
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 1);
}

#[tokio::test]
async fn an_answer_that_comes_back_too_late_takes_the_place_of_an_offline_payment_and_not_of_another_confirmation() {
    let bureau = Bureau::open().await;
    let (police, online, reviewed) = (bureau.issue().await, bureau.issue().await, bureau.issue().await);
    let client = bureau.client("police-1", "counter:police", None, None).await;
    take(&bureau, &client, &of_police(&police)).await;
    bureau.bench.add(bureau.paid(1, Some(&online), online.total_fen)).await;
    bureau.bench.add(bureau.paid(2, Some(&reviewed), reviewed.total_fen + 1)).await;
    bureau.bench.add(bureau.paid(3, Some(&reviewed), reviewed.total_fen)).await;
    bureau.match_all().await;
    for (serial, notice) in [(4, &police), (5, &online)] {
        bureau.bench.add(bureau.paid(serial, Some(notice), notice.total_fen)).await;
        bureau.bench.add(vec![counted(&bureau, serial)]).await;
    }
    bureau.bench.sql("UPDATE confirm_result SET decision = 1 WHERE match_state = 3").await;
    bureau.match_all().await;
    assert_eq!(problems(&bureau).await, 0);
    assert_eq!(bureau.bench.number("SELECT refund_state FROM offline_payment").await, 1);
    assert_eq!(bureau.result(4).await.decision, Decision::Book.number());
    for (serial, other) in [(5, 1), (2, 3)] {
        let result = bureau.result(serial).await;
        assert_eq!(result.decision, Decision::Review.number(), "two people decide");
        assert_eq!(result.other_ref, Some(bureau.confirm_id(other)));
        let confirm_id = bureau.confirm_id(serial);
        let book = Wish::Book { confirm_id: confirm_id.clone() };
        assert_eq!(bureau.propose(book).await, Err("already-counted"));
        assert_eq!(bureau.propose(Wish::RefundOnline { confirm_id }).await, Ok(()));
        assert_eq!(bureau.result(serial).await.decision, Decision::RefundOnline.number());
    }
    assert_eq!(bureau.bench.number("SELECT sum(counts) FROM inner_book").await, 3);
}

#[tokio::test]
async fn an_offline_payment_that_comes_back_before_its_notice_waits_for_it() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let client = bureau.client("police-1", "counter:police", None, None).await;
    let taken = take(&bureau, &client, &of_police(&notice)).await;
    bureau.bench.sql(EMPTY_BACKUP).await;
    bureau.bench.sql("DELETE FROM pay_notice_item; DELETE FROM pay_notice").await;
    bureau.match_all().await;
    assert_eq!(problems(&bureau).await, 1);
    bureau.bench.add(vec![Change::insert(&notice)]).await;
    inner::api::again(&bureau.bench.node, &Caller::local("li"), taken.payment_id.unwrap()).await.unwrap();
    bureau.match_all().await;
    assert_eq!((problems(&bureau).await, bureau.notice(&notice.pay_code).await.state), (0, 1));
    assert_eq!(bureau.bench.number("SELECT sum(counts) FROM inner_book").await, 1);
}
