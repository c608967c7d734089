//! A ledger that pulls the books by the number of the last change hears of every booking and of every change of one.

use std::sync::Arc;

use contract::rules::Decision;
use inner::api::{Booking, Looked, look, take_all};
use inner::wish::Wish;
use node::database::Database;
use node::http::{Caller, Who};
use node::testing::Bench;
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
