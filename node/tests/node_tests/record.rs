//! The record of acts is append-only, is searched by text and time, and shows that it was tampered with.

use node::record::{self, Act, Search};
use node::testing::Bench;
use node::{Failure, OWN_SQL};

async fn note(bench: &Bench, who: &str, what: &str, object: &str) {
    let time = bench.node.clock.now().time17();
    let act = Act {
        time,
        who: who.to_owned(),
        address: "10.0.0.1".to_owned(),
        what: what.to_owned(),
        object: object.to_owned(),
        was: None,
        is_now: Some("{\"名称\":\"交警支队\"}".to_owned()),
    };
    let done =
        bench.node.database.write(move |connection| Box::pin(async move { record::note(connection, &act).await }));
    done.await.expect("the entry is written");
}

async fn found(bench: &Bench, search: Search) -> Result<Vec<String>, Failure> {
    let read =
        bench.node.database.read(move |connection| Box::pin(async move { record::search(connection, &search).await }));
    Ok(read.await?.into_iter().map(|(_, act)| act.object).collect())
}

async fn first_broken(bench: &Bench) -> Option<i64> {
    bench.node.database.read(|connection| Box::pin(record::first_broken(connection))).await.expect("the record is read")
}

#[tokio::test]
async fn entries_are_found_by_text_and_time() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    note(&bench, "li", "base-edit", "base_agency/1").await;
    bench.clock.advance(24 * 3_600 * 1_000);
    note(&bench, "zhao", "proposal-decide", "inner_proposal/1").await;
    let search = |text: Option<&str>, from: Option<&str>, to: Option<&str>| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        found(&bench, Search { text: own(text), from: own(from), to: own(to), before: None })
    };
    assert_eq!(search(None, None, None).await.unwrap(), ["inner_proposal/1", "base_agency/1"]);
    assert_eq!(search(Some("zhao"), None, None).await.unwrap(), ["inner_proposal/1"]);
    assert_eq!(search(Some("交警"), None, Some("20260302")).await.unwrap(), ["base_agency/1"]);
    assert_eq!(search(None, Some("20260303"), None).await.unwrap(), ["inner_proposal/1"]);
    assert_eq!(search(Some("' OR 1=1 --"), None, None).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn what_was_changed_or_taken_out_shows() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    for number in 1..=5 {
        note(&bench, "li", "base-edit", &format!("base_agency/{number}")).await;
    }
    assert_eq!(first_broken(&bench).await, None);
    for sql in ["UPDATE node_act SET who = 'zhao' WHERE id = 3", "DELETE FROM node_act WHERE id = 3"] {
        let refused = bench.node.database.write(move |connection| {
            Box::pin(async move {
                sqlx::query(sql).execute(connection).await?;
                Ok(())
            })
        });
        assert_eq!(refused.await.unwrap_err().code, "constraint", "{sql}");
    }
    bench.sql("DROP TRIGGER node_act_stays; UPDATE node_act SET who = 'zhao' WHERE id = 3").await;
    assert_eq!(first_broken(&bench).await, Some(3));
    bench.sql("DROP TRIGGER node_act_remains; DELETE FROM node_act WHERE id = 3").await;
    assert_eq!(first_broken(&bench).await, Some(4));
}
