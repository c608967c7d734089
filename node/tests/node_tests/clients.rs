//! Clients are written down with addresses and agencies that there can be.

use contract::rows::BaseAgency;
use contract::{Generator, Row as _, Size};
use node::desk::{ClientKept, ClientShown, list_clients, put_client};
use node::http::Caller;
use node::testing::{Bench, pair};
use node::{Failure, OWN_SQL};

/// The columns of ferry's table that a node reads.
const STREAMS: &str = "CREATE TABLE ferry_stream_state (stream TEXT, direction TEXT, applied_seq INTEGER, lag_ms INTEGER, \
     known_at_ms INTEGER, health TEXT, updated_at_ms INTEGER)";

async fn put(bench: &Bench, agency: Option<&str>, url: Option<&str>) -> Result<ClientKept, Failure> {
    let asked = ClientShown {
        id: "unit".to_owned(),
        title: "交警支队".to_owned(),
        public_key: pair(1).1,
        permission: "unit".to_owned(),
        agency_id: agency.map(str::to_owned),
        notify_url: url.map(str::to_owned),
        is_enabled: true,
    };
    put_client(&bench.node, &Caller::local("console"), asked, &["unit"]).await
}

#[tokio::test]
async fn an_address_that_nobody_can_be_told_at_is_refused() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let long = format!("http://unit.example/{}", "a".repeat(100_000));
    for bad in ["unit.example/told", "ftp://unit.example/", "", long.as_str()] {
        assert_eq!(put(&bench, None, Some(bad)).await.unwrap_err().code, "notify-url");
    }
    assert!(list_clients(&bench.node).await.unwrap().is_empty());
    put(&bench, None, Some("https://unit.example/told")).await.unwrap();
    assert_eq!(list_clients(&bench.node).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_agency_is_looked_up_and_one_that_may_still_come_is_a_warning() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let code = async |agency: &str| put(&bench, Some(agency), None).await.map(|kept| kept.warning).map_err(|f| f.code);
    for bad in ["", "a\nb", "a".repeat(39).as_str()] {
        assert_eq!(code(bad).await, Err("agency-id"));
    }
    let warned = code("no-such-agency").await.unwrap().unwrap();
    assert!(warned.contains("no-such-agency") && warned.contains("still to come"), "{warned}");
    // What an agency names comes before it.
    let generator = Generator::new(1, Size::S);
    let id = generator.agency(0).id;
    let mut rows = Vec::new();
    for change in generator.base() {
        let is_agency = change.shape.table == BaseAgency::SHAPE.table;
        rows.push(change);
        if is_agency {
            break;
        }
    }
    bench.add(rows).await;
    assert_eq!(code(&id).await, Ok(None));
    assert_eq!(code("no-such-agency").await, Err("not-found"));
    // Where base data comes from the other zone and that has more, this one may be among it.
    bench.sql(STREAMS).await;
    bench.sql("INSERT INTO ferry_stream_state VALUES ('base', 'in', 5, 90000, 1, 'ok', 1772416800000)").await;
    assert!(code("no-such-agency").await.unwrap().is_some());
    bench.sql("UPDATE ferry_stream_state SET lag_ms = 0").await;
    assert_eq!(code("no-such-agency").await, Err("not-found"));
    assert_eq!(bench.number("SELECT count(*) FROM node_act WHERE what = 'client-put'").await, 3);
}
