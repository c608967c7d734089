//! A ledger that pulls the books by the number of the last change hears of every booking and of every change of one.

use std::sync::Arc;

use contract::rules::Decision;
use inner::api::{Booking, Looked, Summed, Total, look, look_at, sum, take_all};
use inner::report::Report;
use inner::wish::Wish;
use node::database::Database;
use node::http::{Caller, Who};
use node::testing::Bench;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::bench::{Bureau, of_police};

/// A ledger: what it holds of the books, and how far it has pulled.
#[derive(Default)]
struct Ledger {
    after: Option<i64>,
    lines: Vec<(String, i64)>,
}

impl Ledger {
    /// Pulls, and yields the payments that it heard of, with what was decided.
    async fn pull(&mut self, bureau: &Bureau) -> Vec<(String, i64)> {
        let asked = Looked { after: self.after, ..Looked::default() };
        let bookings = look(&bureau.bench.node, asked).await.unwrap().bookings;
        self.after = bookings.last().map(|last| last.seq).or(self.after);
        let of = |one: &Booking| (one.payment_id.clone(), one.decision);
        let heard: Vec<(String, i64)> = bookings.iter().map(of).collect();
        self.lines.retain(|(payment, _)| heard.iter().all(|(changed, _)| changed != payment));
        self.lines.extend(heard.clone());
        self.lines.sort();
        heard
    }
}

/// The books as they stand.
async fn books(bureau: &Bureau) -> Vec<(String, i64)> {
    let mut all = Ledger::default();
    all.pull(bureau).await;
    all.lines
}

#[tokio::test]
async fn what_is_decided_after_a_pull_is_pulled_again() {
    let bureau = Bureau::open().await;
    let (reviewed, police) = (bureau.issue().await, bureau.issue().await);
    bureau.bench.add(bureau.paid(1, Some(&reviewed), reviewed.total_fen + 1)).await;
    bureau.match_all().await;
    let client = bureau.client("police-1", "counter:police", None, None).await;
    let caller = Caller { who: Who::Client(client), address: "local".to_owned() };
    let taken = take_all(&bureau.bench.node, caller, vec![of_police(&police)]).await.unwrap().payments.remove(0);
    let mut ledger = Ledger::default();
    let first = ledger.pull(&bureau).await;
    let (under_review, offline) = (bureau.confirm_id(1), taken.payment_id.unwrap());
    let (book, review) = (Decision::Book.number(), Decision::Review.number());
    assert_eq!(first, [(under_review.clone(), review), (offline.clone(), book)]);
    assert_eq!(ledger.pull(&bureau).await, [], "nothing has changed");
    bureau.propose(Wish::Book { confirm_id: under_review.clone() }).await.unwrap();
    assert_eq!(ledger.pull(&bureau).await, [(under_review, book)]);
    // The online payment takes the place of the one to the police, whose line changes.
    bureau.bench.add(bureau.paid(2, Some(&police), police.total_fen)).await;
    bureau.match_all().await;
    let refund = Decision::RefundOffline.number();
    assert_eq!(ledger.pull(&bureau).await, [(offline, refund), (bureau.confirm_id(2), refund)]);
    assert_eq!(ledger.lines, books(&bureau).await);
}

/// A copy of a bureau's database, as a backup is made.
async fn backup(bureau: &Bureau) -> std::path::PathBuf {
    let path = bureau.bench.directory.path().join("backup.db");
    let mut connection = SqliteConnectOptions::new().filename(&bureau.bench.path).connect().await.unwrap();
    let copy = sqlx::query("VACUUM INTO ?1").bind(path.to_str().unwrap().to_owned());
    copy.execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    path
}

/// The bureau on its backup.
async fn restored(bureau: Bureau, path: std::path::PathBuf) -> Bureau {
    let Bench { directory, clock, node, .. } = bureau.bench;
    let database = Database::open(&path).await.unwrap();
    let node = node::Node { database, clock: Arc::<node::testing::SetClock>::clone(&clock), ..node };
    Bureau { bench: Bench { directory, path, clock, node }, generator: bureau.generator }
}

#[tokio::test]
async fn what_is_booked_after_a_backup_was_put_back_is_pulled() {
    let bureau = Bureau::open().await;
    bureau.bench.add(bureau.paid(1, None, 100)).await;
    bureau.match_all().await;
    let mut ledger = Ledger::default();
    ledger.pull(&bureau).await;
    let path = backup(&bureau).await;
    bureau.bench.clock.advance(1);
    for serial in [2, 3] {
        bureau.bench.add(bureau.paid(serial, None, 200)).await;
    }
    bureau.match_all().await;
    assert_eq!(ledger.pull(&bureau).await.len(), 2);
    let bureau = restored(bureau, path).await;
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_book").await, 1, "the backup knows the first one alone");
    bureau.bench.clock.advance(1);
    for serial in [4, 2, 3] {
        bureau.bench.add(bureau.paid(serial, None, 300)).await;
    }
    bureau.match_all().await;
    let heard: Vec<String> = ledger.pull(&bureau).await.into_iter().map(|(payment, _)| payment).collect();
    assert_eq!(heard, [4, 2, 3].map(|serial| bureau.confirm_id(serial)));
    assert_eq!(ledger.lines, books(&bureau).await);
}

#[tokio::test]
async fn people_see_what_was_paid_and_what_they_decide_about() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen + 7)).await;
    let mut broken = bureau.paid(2, None, 500);
    broken.truncate(1);
    bureau.bench.add(broken).await;
    bureau.match_all().await;
    let node = &bureau.bench.node;
    let bookings = look(node, Looked::default()).await.unwrap().bookings;
    let confirm = bureau.generator.confirmation(1).confirm;
    let first = &bookings[0];
    assert_eq!((first.diff_fen, first.biz_line.as_ref()), (7, Some(&confirm.biz_line)));
    assert_eq!(first.biz_ref, confirm.biz_ref.or(notice.biz_ref));
    let shown = look_at(node, first.book_no.clone()).await.unwrap();
    assert_eq!((&shown.booking, &shown.payment["confirm_id"]), (first, &json!(bureau.confirm_id(1))));
    assert_eq!((shown.lines[0]["amount_fen"].as_i64(), &shown.faults), (Some(first.amount_fen), &json!([])));
    assert!(!shown.payment.to_string().contains("f1:"), "nothing is shown as it is stored: {}", shown.payment);
    let other = look_at(node, bookings[1].book_no.clone()).await.unwrap();
    assert_eq!((other.lines.len(), &other.faults[0]["rule"]), (0, &json!("no-lines")));
    assert_eq!(look_at(node, "x".to_owned()).await.unwrap_err().code, "not-found");
    // Whoever decides sees by how much the amount differs.
    bureau.ask("li", Wish::RefundOnline { confirm_id: bureau.confirm_id(1) }).await.unwrap();
    let proposals = inner::api::proposals(node).await.unwrap();
    assert_eq!((proposals.proposals.len(), &proposals.bookings), (1, &vec![first.clone()]));
}

#[tokio::test]
async fn an_offline_payment_and_a_kept_report_are_seen() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let client = bureau.client("police-1", "counter:police", None, None).await;
    let caller = Caller { who: Who::Client(client), address: "local".to_owned() };
    let more = Report { amount_fen: notice.total_fen + 3, ..of_police(&notice) };
    let nobodys = Report { pay_code: "9".repeat(20), source_ref: "JJ-2".to_owned(), ..of_police(&notice) };
    take_all(&bureau.bench.node, caller, vec![more.clone(), nobodys.clone()]).await.unwrap();
    let node = &bureau.bench.node;
    let bookings = look(node, Looked::default()).await.unwrap().bookings;
    assert_eq!((bookings.len(), bookings[0].diff_fen), (1, 3));
    let shown = look_at(node, bookings[0].book_no.clone()).await.unwrap();
    assert_eq!(shown.payment["pay_time"], json!(more.pay_time));
    let problems = inner::api::problems(node).await.unwrap().problems;
    assert_eq!((problems.len(), problems[0].report.as_ref()), (1, Some(&nobodys)));
}

#[tokio::test]
async fn payments_without_a_notice_are_summed_up_by_agency() {
    let bureau = Bureau::open().await;
    let (one, two) = (bureau.generator.agency(1), bureau.generator.agency(2));
    let of = |serial: u64, agency_id: &str, fen: i64| {
        let mut confirm = bureau.generator.confirmation(serial).confirm;
        (confirm.pay_code, confirm.agency_id, confirm.amount_fen) = (None, agency_id.to_owned(), fen);
        vec![contract::Change::insert(&confirm)]
    };
    for (serial, agency, fen) in [(1, &one, 100), (2, &two, 50), (3, &one, 250)] {
        bureau.bench.add(of(serial, &agency.id, fen)).await;
    }
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(4, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let node = &bureau.bench.node;
    let without = Summed { match_state: Some(4), ..Summed::default() };
    let mut meant = [(one.id.clone(), Some(one.ele_name), 2, 350), (two.id.clone(), Some(two.ele_name), 1, 50)];
    meant.sort();
    let totals = async |asked: Summed| {
        let of = |one: Total| (one.agency_id, one.agency_name, one.count, one.amount_fen);
        sum(node, asked).await.unwrap().totals.into_iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(totals(without.clone()).await, meant);
    assert_eq!(totals(Summed { agency_id: Some(two.id), ..without.clone() }).await.len(), 1);
    assert_eq!(totals(Summed { after: Some(meant[0].0.clone()), ..without.clone() }).await, meant[1..]);
    assert_eq!(totals(Summed { to_date: Some("20000101".to_owned()), ..without }).await, []);
}
