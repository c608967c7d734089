//! What tests of nodes need: a zone's database in a scratch directory, a clock that is set, keys, a node that is served. No program
//! is built with it.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use contract::NONTAX_SQLITE_SQL;
use serde_json::Value;
use sm2::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::{Clock, Moment};
use crate::database::Database;
use crate::entropy::SystemEntropy;
use crate::field_key::FieldKey;
use crate::http::{Bounds, Listen, serve_within};
use crate::message::ClientKey;
use crate::service::Node;

/// 2026-03-02 10:00:00 in China, when tests begin.
pub const MORNING_MS: i64 = 1_772_416_800_000;

/// A clock that stands where it is set.
#[derive(Debug)]
pub struct SetClock(AtomicI64);

impl Default for SetClock {
    fn default() -> Self {
        Self(AtomicI64::new(MORNING_MS))
    }
}

impl SetClock {
    /// Lets time go on.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Moment {
        Moment::of_ms(self.0.load(Ordering::Relaxed)).expect("a test stays in its century")
    }
}

/// A node on a database of its own.
#[derive(Debug)]
pub struct Bench {
    /// The scratch directory.
    pub directory: tempfile::TempDir,
    /// The database's file.
    pub path: PathBuf,
    /// The clock.
    pub clock: Arc<SetClock>,
    /// What every part works with.
    pub node: Node,
}

impl Bench {
    /// A node with the contract's tables and those of a program.
    pub async fn of(program: &'static str, migrations: &'static [&'static str]) -> Self {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let path = directory.path().join("zone.db");
        make_database(&path).await;
        let database = Database::open(&path).await.expect("the database opens");
        database.migrate(program, migrations).await.expect("the tables are made");
        let clock = Arc::new(SetClock::default());
        let node = Node {
            database,
            clock: Arc::<SetClock>::clone(&clock),
            entropy: Arc::new(SystemEntropy::new()),
            field_key: Arc::new(FieldKey::new(&[7; 16])),
            policy: Arc::new(contract::rules::Policy::default()),
        };
        Self { directory, path, clock, node }
    }

    /// Runs statements.
    pub async fn sql(&self, sql: &'static str) {
        let done = self.node.database.write(move |connection| {
            Box::pin(async move {
                connection.execute(sql).await?;
                Ok(())
            })
        });
        done.await.expect("the statements are right");
    }

    /// One number out of the database.
    pub async fn number(&self, sql: &'static str) -> i64 {
        let read = self
            .node
            .database
            .read(move |connection| Box::pin(async move { Ok(sqlx::query_scalar(sql).fetch_one(connection).await?) }));
        read.await.expect("the statement yields a number")
    }

    /// One text out of the database.
    pub async fn text(&self, sql: &'static str) -> String {
        let read = self
            .node
            .database
            .read(move |connection| Box::pin(async move { Ok(sqlx::query_scalar(sql).fetch_one(connection).await?) }));
        read.await.expect("the statement yields a text")
    }

    /// Adds rows, as the other zone's would come.
    pub async fn add(&self, changes: Vec<contract::Change>) {
        let done = self.node.database.write(move |connection| {
            Box::pin(async move {
                for change in &changes {
                    let table = contract::rows::table(change.shape.table).expect("a table of the contract");
                    crate::rows::insert_cells(connection, table, &change.cells).await?;
                }
                Ok(())
            })
        });
        done.await.expect("the rows fit");
    }
}

/// Makes a database with the contract's tables.
pub async fn make_database(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.expect("a database can be made");
    connection.execute(NONTAX_SQLITE_SQL).await.expect("the contract's tables are made");
    connection.close().await.expect("the database closes");
}

/// A pair of keys of a client; another for each seed, which is not 0.
#[must_use]
pub fn pair(seed: u8) -> (ClientKey, String) {
    let public = secret(seed).public_key().to_public_key_pem(LineEnding::LF).expect("a key has a PEM");
    (ClientKey::from_pem(&private_pem(seed)).expect("the PEM is a key's"), public)
}

/// The private key of a pair in PEM.
#[must_use]
pub fn private_pem(seed: u8) -> String {
    secret(seed).to_pkcs8_pem(LineEnding::LF).expect("a key has a PEM").to_string()
}

fn secret(seed: u8) -> sm2::SecretKey {
    sm2::SecretKey::from_slice(&[seed; 32]).expect("the seed is a key")
}

/// A router that is served on the loopback until it is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where.
    pub address: SocketAddr,
    end: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Served {
    /// Serves.
    pub async fn on(router: Router) -> Self {
        Self::within(router, Bounds::default()).await
    }

    /// Serves within other bounds.
    pub async fn within(router: Router, bounds: Bounds) -> Self {
        Self::behind(&[], router, bounds).await
    }

    /// Serves behind gateways that are trusted.
    pub async fn behind(gateways: &[IpAddr], router: Router, bounds: Bounds) -> Self {
        let listen = Listen::on(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port is free").behind(gateways);
        let address = listen.address().expect("a port has a number");
        let (end, mut over) = watch::channel(false);
        let task = tokio::spawn(async move {
            let ended = async move {
                let _last = over.wait_for(|is_over| *is_over).await;
            };
            serve_within(listen, router, bounds, ended).await.expect("serving goes on");
        });
        Self { address, end, task }
    }

    /// Ends, when what is in work is answered.
    pub async fn stop(self) {
        let _ended = self.end.send(true);
        self.task.await.expect("serving ends");
    }

    /// Asks, and yields status and document.
    pub async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        self.ask_raw(method, path, token, body.map(|body| body.to_string().into_bytes())).await
    }

    /// Asks with any bytes.
    pub async fn ask_raw(&self, method: &str, path: &str, token: Option<&str>, body: Option<Vec<u8>>) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        let (method, token) = (method.to_owned(), token.map(|token| format!("Bearer {token}")));
        let asked = tokio::task::spawn_blocking(move || {
            let config = ureq::Agent::config_builder().http_status_as_error(false).build();
            let agent: ureq::Agent = config.into();
            let answer = if method == "GET" {
                let request = agent.get(&url);
                let request = token.iter().fold(request, |request, token| request.header("Authorization", token));
                request.call()
            } else {
                let request = agent.post(&url).header("Content-Type", "application/json");
                let request = token.iter().fold(request, |request, token| request.header("Authorization", token));
                request.send(body.unwrap_or_default())
            };
            let mut answer = answer.expect("the node answers");
            let status = answer.status().as_u16();
            let text = answer.body_mut().read_to_string().expect("the answer is text");
            (status, serde_json::from_str(&text).expect("the answer is JSON"))
        });
        asked.await.expect("asking ends")
    }
}
