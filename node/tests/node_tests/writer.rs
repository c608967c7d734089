//! One writer for all: jobs share a commit, and one that fails takes nothing with it.

use node::testing::Bench;
use node::{Failure, Kind, OWN_SQL};

const TABLES: &[&str] = &[OWN_SQL, "CREATE TABLE tally (n INTEGER NOT NULL PRIMARY KEY) STRICT"];

async fn add(bench: &Bench, n: i64, fails: bool) -> Result<i64, Failure> {
    bench
        .node
        .database
        .write(move |connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO tally (n) VALUES (?1)").bind(n).execute(connection).await?;
                if fails {
                    let text = console::Text::fixed("on purpose", "故意");
                    return Err(Failure::new(Kind::Bad, "on-purpose", text.clone(), text));
                }
                Ok(n)
            })
        })
        .await
}

#[tokio::test]
async fn a_job_that_fails_leaves_nothing_and_the_others_stay() {
    let bench = Bench::of("node", TABLES).await;
    let jobs = (0..300).map(|n| add(&bench, n, n % 3 == 0));
    let done = futures_of(jobs).await;
    for (n, result) in (0..).zip(done) {
        assert_eq!(result.map_err(|failure| failure.code), if n % 3 == 0 { Err("on-purpose") } else { Ok(n) });
    }
    assert_eq!(bench.number("SELECT count(*) FROM tally").await, 200);
    assert_eq!(add(&bench, 1, false).await.unwrap_err().code, "constraint");
    assert_eq!(add(&bench, 1_000, false).await, Ok(1_000));
}

/// All at once.
async fn futures_of<F: Future<Output = Result<i64, Failure>>>(
    jobs: impl Iterator<Item = F>,
) -> Vec<Result<i64, Failure>> {
    let mut jobs: Vec<_> = jobs.map(Box::pin).collect();
    let mut done: Vec<Option<Result<i64, Failure>>> = jobs.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (job, done) in jobs.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(result) = job.as_mut().poll(context) {
                *done = Some(result);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_database_that_another_program_holds_is_told_as_busy_or_waited_for() {
    use sqlx::Connection as _;
    let bench = Bench::of("node", TABLES).await;
    let url = format!("sqlite://{}", bench.path.display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let waiting = add(&bench, 1, false);
    let freed = async {
        sqlx::query("INSERT INTO tally (n) VALUES (7)").execute(&mut other).await.unwrap();
        sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    };
    let (written, ()) = tokio::join!(waiting, freed);
    assert_eq!(written, Ok(1));
    assert_eq!(bench.number("SELECT count(*) FROM tally").await, 2);
}

#[tokio::test]
async fn readers_cannot_write() {
    let bench = Bench::of("node", TABLES).await;
    let read = bench.node.database.read(|connection| {
        Box::pin(async move {
            sqlx::query("INSERT INTO tally (n) VALUES (1)").execute(connection).await?;
            Ok(())
        })
    });
    assert_eq!(read.await.unwrap_err().kind, Kind::Internal);
}

#[tokio::test]
async fn a_schema_of_a_later_program_and_a_database_without_the_contract_are_refused() {
    let bench = Bench::of("node", TABLES).await;
    bench.sql("UPDATE node_schema SET version = 9").await;
    assert_eq!(bench.node.database.migrate("node", TABLES).await.unwrap_err().code, "schema-version");
    let path = bench.directory.path().join("empty.db");
    assert_eq!(node::Database::open(&path).await.unwrap_err().code, "no-database");
    bench.sql("DROP TABLE pay_confirm_item; DROP TABLE pay_confirm").await;
    assert_eq!(bench.node.database.migrate("node", TABLES).await.unwrap_err().code, "no-contract-tables");
}

#[tokio::test]
async fn a_job_that_panics_fails_alone() {
    let bench = Bench::of("node", TABLES).await;
    let panics = async {
        let done = bench.node.database.write(|connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO tally (n) VALUES (5)").execute(connection).await?;
                let given: Result<i64, &str> = "no number".parse().map_err(|_| "on purpose");
                Ok(given.unwrap())
            })
        });
        done.await
    };
    // All three are in one transaction.
    let (before, panicked, after) = tokio::join!(add(&bench, 1, false), panics, add(&bench, 2, false));
    assert_eq!((before, after), (Ok(1), Ok(2)));
    assert_eq!(panicked.unwrap_err().kind, Kind::Internal);
    assert_eq!(bench.number("SELECT sum(n) FROM tally").await, 3);
    assert_eq!(add(&bench, 3, false).await, Ok(3));
    assert!(bench.node.database.is_open());
}

#[tokio::test]
async fn a_transaction_that_cannot_be_committed_costs_its_own_jobs_alone() {
    let bench = Bench::of("node", TABLES).await;
    bench
        .sql("CREATE TABLE child (n INTEGER NOT NULL REFERENCES tally (n) DEFERRABLE INITIALLY DEFERRED) STRICT")
        .await;
    let orphan = bench.node.database.write(|connection| {
        Box::pin(async move {
            sqlx::query("INSERT INTO child (n) VALUES (9)").execute(connection).await?;
            Ok(9)
        })
    });
    let (with_it, orphan) = tokio::join!(add(&bench, 1, false), orphan);
    assert_eq!(with_it.unwrap_err().code, "not-committed");
    assert_eq!(orphan.unwrap_err().code, "not-committed");
    assert_eq!(bench.number("SELECT count(*) FROM tally").await, 0);
    assert_eq!(add(&bench, 1, false).await, Ok(1));
}

#[tokio::test]
async fn a_broken_connection_is_replaced_and_nobody_is_told_that_it_was_written() {
    use sqlx::Connection as _;
    let bench = Bench::of("node", TABLES).await;
    let breaks = bench.node.database.write(|connection| {
        Box::pin(async move {
            // The database's end of the connection is gone, and the transaction with it.
            *connection = sqlx::SqliteConnection::connect("sqlite::memory:").await?;
            Ok(0)
        })
    });
    let (before, broke, after) = tokio::join!(add(&bench, 1, false), breaks, add(&bench, 2, false));
    for told in [before, broke, after] {
        assert_eq!(told.unwrap_err().code, "commit-unknown");
    }
    assert_eq!(add(&bench, 3, false).await, Ok(3));
    assert_eq!(bench.number("SELECT sum(n) FROM tally").await, 3);
}
