//! A thousand clients at the payment node: they look notices up and pay them, first as fast as they are answered, then two hundred
//! payments a second. Everything is the shipped program over HTTP with signed messages; the zone's daemon runs beside it and
//! seals what is paid. A payment is an order, its beginning, and the channel's result, which is answered when the confirmation is
//! committed.
//!
//! The baseline writes the same rows with the same triggers into a copy of the database through SQLite alone: once with the node's
//! three transactions a payment, and once with those of many payments in one, as the node's writer has them.
//!
//! It ends with an error, and says why, when a request failed in any part, when one channel's result of the steady part took longer than
//! the budget, or when p99 of those did in the part without a pace, where a thousand payments wait for each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tests::bench::{
    Budget, Connection, Percentiles, Replay, Stopwatch, document, judge, number_from_environment, per_second,
    print_machine, print_processor_time, processor_seconds,
};
use tests::nodes::{Ask, CHANNEL, Town, UNIT};
use tests::pair::OUTER;

/// `FERRY_BENCH_CLIENTS` takes another number.
const CLIENTS: u64 = 1_000;
/// Payments of each client as fast as it is answered; `FERRY_BENCH_EACH` takes another number.
const EACH: u64 = 5;
/// Look-ups of each client.
const LOOKS: u64 = 20;
/// Payments a second of the steady part, and its length.
const PACE: u64 = 200;
const SECONDS: u64 = 20;
/// Notices issued at once: as many as the inner node takes.
const DRAFTS: u64 = 500;
/// Payments of which the baseline writes rows in one transaction.
const TOGETHER: u64 = 60;
/// The budget between a channel's result and the committed confirmation.
const BUDGET_MS: f64 = 2_000.0;
/// At the pace that is aimed at every result keeps to it.
const STEADY: Budget = Budget { percent: 100, ms: BUDGET_MS };
/// Without a pace a few may wait longer: all clients pay at once.
const FAST: Budget = Budget { percent: 99, ms: BUDGET_MS };

/// What clients measured, by what they did; and what was answered with something else than success, how often.
#[derive(Default)]
struct Measured {
    times: BTreeMap<&'static str, Vec<Duration>>,
    errors: BTreeMap<String, u64>,
}

type Shared = Arc<Mutex<Measured>>;

fn main() -> ExitCode {
    let clients = number_from_environment("FERRY_BENCH_CLIENTS", CLIENTS);
    let each = number_from_environment("FERRY_BENCH_EACH", EACH);
    print_machine();
    let (fast, steady) = (clients * each, PACE * SECONDS);
    let town = Town::open();
    let pay_codes = Arc::new(issue(&town, fast + steady));
    let address: SocketAddr = town.outer.line().url("").trim_start_matches("http://").parse().expect("an address");
    let copy = town.pair.dir.path().join("copy.db");
    Replay::copy(&town.pair.database(OUTER), &copy);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let before = processor_seconds(town.outer.process());

    let mut faults = Vec::new();
    let all = runtime.block_on(async {
        let all = connect(address, clients).await;
        println!("{clients} clients are connected");
        let all = look(all, &pay_codes, &mut faults).await;
        pay_fast(all, &pay_codes, (each, fast), &town, &mut faults).await
    });
    runtime.block_on(pay_steadily(all, &pay_codes, fast, &town, &mut faults));
    print_processor_time("outer-node", town.outer.process(), &before);
    let confirmed = town.number(OUTER, "SELECT count(*) FROM pay_confirm");
    assert_eq!(confirmed, fast + steady, "every payment is confirmed");

    let mut replay = Replay::of(&town.pair.database(OUTER), &copy, fast + steady);
    println!("SQLite alone, three transactions a payment: {:.0} payments/s", replay.write(0..fast, 1));
    println!(
        "SQLite alone, three transactions for {TOGETHER} payments: {:.0} payments/s",
        replay.write(fast..fast + steady, TOGETHER)
    );
    replay.close();
    faults.iter().for_each(|fault| eprintln!("error: {fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Issues notices inside and waits until the last one is known outside.
fn issue(town: &Town, count: u64) -> Vec<String> {
    let (item_code, unit_fen) = town.item();
    let li = town.inner.log_in("li");
    let mut pay_codes: Vec<String> = Vec::new();
    while (pay_codes.len() as u64) < count {
        let number = DRAFTS.min(count - pay_codes.len() as u64);
        let draft = json!({
            "agency_id": town.agency_id(), "biz_line": "TRAFFIC", "payer_type": 1, "payer_name": "王芳",
            "lines": [{ "item_code": item_code, "quantity": 1, "unit_fen": unit_fen }],
        });
        let drafts = json!({ "drafts": vec![draft; usize::try_from(number).expect("a small number")] });
        let issued = town.inner.post("/notice/issue", Ask::Token(&li), drafts);
        let issued = issued["pay_codes"].as_array().expect("notices have pay codes");
        pay_codes.extend(issued.iter().map(|code| code.as_str().expect("a pay code is a text").to_owned()));
    }
    let there = "SELECT count(*) FROM pay_notice";
    town.pair.carry_until("all notices to be outside", || town.number(OUTER, there) >= count);
    pay_codes
}

async fn connect(address: SocketAddr, clients: u64) -> Vec<Connection> {
    let mut all = Vec::new();
    for _ in 0..clients {
        all.push(Connection::open(address).await.expect("the node takes as many connections"));
    }
    all
}

/// Every client looks notices up, one after the other.
async fn look(all: Vec<Connection>, pay_codes: &Arc<Vec<String>>, faults: &mut Vec<String>) -> Vec<Connection> {
    let shared = Shared::default();
    let watch = Stopwatch::start();
    let mut tasks = Vec::new();
    for (client, mut connection) in all.into_iter().enumerate() {
        let (shared, pay_codes) = (Arc::clone(&shared), Arc::clone(pay_codes));
        tasks.push(tokio::spawn(async move {
            for turn in 0..usize::try_from(LOOKS).expect("a small number") {
                let path = format!("/notice?pay_code={}", pay_codes[(client * 7 + turn * 1_009) % pay_codes.len()]);
                measure(&shared, "look a notice up", connection.get(&path)).await;
            }
            connection
        }));
    }
    let all = joined(tasks).await;
    report("look-ups", (all.len() as u64 * LOOKS, watch.elapsed()), &shared, None, faults);
    all
}

/// Every client pays as fast as it is answered.
async fn pay_fast(
    all: Vec<Connection>,
    pay_codes: &Arc<Vec<String>>,
    (each, count): (u64, u64),
    town: &Town,
    faults: &mut Vec<String>,
) -> Vec<Connection> {
    let shared = Shared::default();
    let amount_fen = town.item().1;
    let watch = Stopwatch::start();
    let mut tasks = Vec::new();
    for (client, mut connection) in (0..).zip(all) {
        let (shared, pay_codes) = (Arc::clone(&shared), Arc::clone(pay_codes));
        tasks.push(tokio::spawn(async move {
            for turn in 0..each {
                let number = usize::try_from(client * each + turn).expect("a small number");
                pay(&mut connection, &shared, number, &pay_codes[number], amount_fen).await;
            }
            connection
        }));
    }
    let all = joined(tasks).await;
    report("payments as fast as they are answered", (count, watch.elapsed()), &shared, Some(FAST), faults);
    all
}

/// So many payments a second, each by the next client, whatever became of those before.
async fn pay_steadily(
    all: Vec<Connection>,
    pay_codes: &Arc<Vec<String>>,
    first: u64,
    town: &Town,
    faults: &mut Vec<String>,
) {
    let shared = Shared::default();
    let amount_fen = town.item().1;
    let (clients, count) = (all.len() as u64, PACE * SECONDS);
    let all: Vec<_> = all.into_iter().map(|connection| Arc::new(tokio::sync::Mutex::new(connection))).collect();
    let watch = Stopwatch::start();
    let mut tasks = Vec::new();
    for number in 0..count {
        let due = Duration::from_micros(1_000_000 * number / PACE);
        tokio::time::sleep(due.saturating_sub(watch.elapsed())).await;
        let connection = Arc::clone(&all[usize::try_from(number % clients).expect("a small number")]);
        let (shared, pay_codes) = (Arc::clone(&shared), Arc::clone(pay_codes));
        tasks.push(tokio::spawn(async move {
            let number = usize::try_from(first + number).expect("a small number");
            pay(&mut *connection.lock().await, &shared, number, &pay_codes[number], amount_fen).await;
        }));
    }
    joined(tasks).await;
    report(&format!("payments, {PACE} a second"), (count, watch.elapsed()), &shared, Some(STEADY), faults);
}

/// One payment: the notice, the order, its beginning, and the channel's result.
async fn pay(connection: &mut Connection, shared: &Shared, number: usize, pay_code: &str, amount_fen: i64) {
    measure(shared, "look a notice up", connection.get(&format!("/notice?pay_code={pay_code}"))).await;
    let asked = json!({
        "biz_order_no": format!("B-{number}"), "title": "罚款", "amount_fen": amount_fen, "pay_code": pay_code,
    });
    let made = measure(shared, "make an order", connection.post("/order/create", document(UNIT, &asked))).await;
    let order = made["data"]["platform_order_no"].as_str().unwrap_or_default().to_owned();
    let asked = json!({ "platform_order_no": order, "channel": "WECHAT" });
    measure(shared, "begin to pay", connection.post("/order/pay", asked.to_string())).await;
    let told = json!({
        "platform_order_no": order, "outcome": "success", "channel_order_no": format!("WX-{number}"),
        "amount_fen": amount_fen, "paid_time": node::Clock::now(&node::SystemClock).time14(),
    });
    measure(shared, RESULT, connection.post("/channel/result", document(CHANNEL, &told))).await;
}

/// What is answered when the confirmation is committed.
const RESULT: &str = "the channel's result";

/// Measures one request; what is not answered with success is counted by what it was answered with.
async fn measure(
    shared: &Shared,
    what: &'static str,
    asking: impl Future<Output = Result<(u16, Value), String>>,
) -> Value {
    let watch = Stopwatch::start();
    let answered = asking.await;
    let took = watch.elapsed();
    let mut measured = shared.lock().expect("nobody failed here");
    measured.times.entry(what).or_default().push(took);
    match answered {
        Ok((200, answer)) => answer,
        Ok((status, answer)) => {
            *measured.errors.entry(format!("{what}: {status} {}", answer["error"]["code"])).or_default() += 1;
            answer
        }
        Err(why) => {
            *measured.errors.entry(format!("{what}: {why}")).or_default() += 1;
            Value::Null
        }
    }
}

async fn joined<T: 'static>(tasks: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.expect("no client fails"));
    }
    all
}

/// Prints a part, and adds what is wrong with it.
fn report(
    part: &str,
    (count, took): (u64, Duration),
    shared: &Shared,
    budget: Option<Budget>,
    faults: &mut Vec<String>,
) {
    let measured = std::mem::take(&mut *shared.lock().expect("nobody failed here"));
    println!("{part}: {count} in {:.1} s, {:.0} a second", took.as_secs_f64(), per_second(count, took));
    let mut results = None;
    for (what, times) in measured.times {
        let answered = times.len();
        let times = Percentiles::of(times);
        let of = |percent| times.milliseconds(percent);
        println!("  {what}: {answered}, p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms", of(50), of(99), of(100));
        if what == RESULT {
            results = Some(times);
        }
    }
    let errors: u64 = measured.errors.values().sum();
    println!("  errors: {errors}");
    measured.errors.iter().for_each(|(error, times)| println!("    {times} times {error}"));
    judge(part, budget.zip(results.as_ref()), errors, faults);
}
