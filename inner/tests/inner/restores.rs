//! A backup is put back, and ferry returns what this zone had written since: the books follow, and nobody is told under another number.

use inner::api::take_all;
use inner::report::{Became, Report};
use inner::wish::Wish;
use node::http::{Caller, Who};

use super::bench::Bureau;

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
    let report = Report {
        pay_code: police.pay_code.clone(),
        source: 2,
        source_ref: "JJ-1".to_owned(),
        amount_fen: police.total_fen,
        pay_time: "20260302093000".to_owned(),
    };
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
    let report = Report {
        pay_code: notice.pay_code.clone(),
        source: 2,
        source_ref: "JJ-1".to_owned(),
        amount_fen: notice.total_fen,
        pay_time: "20260302093000".to_owned(),
    };
    take_all(&bureau.bench.node, caller, vec![report]).await.unwrap();
    // The backup is from before the online payment; what comes back says that the offline one gives way.
    bureau.bench.sql("UPDATE offline_payment SET refund_state = 1").await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT decision * 10 + counts FROM inner_book").await, 30);
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    assert_eq!(bureau.bench.number("SELECT sum(counts) FROM inner_book").await, 1);
}
