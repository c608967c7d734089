//! Keeping people: the last administrator stays, and whoever is disabled is out at once.

use node::desk::{ChangedPerson, NewPerson, add_person, change_person, list_people};
use node::http::{Caller, Who};
use node::people::Role;
use node::session::{Login, NewPassword, change_password, login};
use node::testing::Bench;
use node::{Failure, OWN_SQL};

const PASSWORD: &str = "Correct-Horse-7";

async fn add(bench: &Bench, name: &str, role: Role, password: &str) -> Result<(), Failure> {
    let person = NewPerson { name: name.to_owned(), title: "王芳".to_owned(), role, password: password.to_owned() };
    add_person(&bench.node, &Caller::local("setup"), person).await
}

fn changed(name: &str) -> ChangedPerson {
    ChangedPerson { name: name.to_owned(), title: None, role: None, password: None, is_enabled: None, unlock: false }
}

async fn change(bench: &Bench, asked: ChangedPerson) -> Result<(), &'static str> {
    change_person(&bench.node, &Caller::local("admin"), asked).await.map_err(|failure| failure.code)
}

async fn log_in(bench: &Bench, name: &str, password: &str) -> Result<Role, &'static str> {
    let asked = Login { name: name.to_owned(), password: password.to_owned() };
    login(&bench.node, Caller::local(name), asked).await.map(|session| session.role).map_err(|failure| failure.code)
}

#[tokio::test]
async fn names_and_passwords_are_judged() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let code = async |name: &str, password: &str| add(&bench, name, Role::Operator, password).await.unwrap_err().code;
    assert_eq!(code("Li", PASSWORD).await, "name-form");
    assert_eq!(code("", PASSWORD).await, "name-form");
    assert_eq!(code("li", "short").await, "password-weak");
    add(&bench, "li", Role::Operator, PASSWORD).await.unwrap();
    assert_eq!(code("li", PASSWORD).await, "name-taken");
}

#[tokio::test]
async fn the_last_administrator_stays_and_who_is_disabled_is_out() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    add(&bench, "admin", Role::Administrator, PASSWORD).await.unwrap();
    add(&bench, "li", Role::Operator, PASSWORD).await.unwrap();
    assert_eq!(
        change(&bench, ChangedPerson { is_enabled: Some(false), ..changed("admin") }).await,
        Err("last-administrator")
    );
    assert_eq!(
        change(&bench, ChangedPerson { role: Some(Role::Auditor), ..changed("admin") }).await,
        Err("last-administrator")
    );
    assert_eq!(change(&bench, changed("nobody")).await, Err("not-found"));
    assert_eq!(log_in(&bench, "li", PASSWORD).await, Ok(Role::Operator));
    assert_eq!(bench.number("SELECT count(*) FROM node_session").await, 1);
    assert_eq!(change(&bench, ChangedPerson { is_enabled: Some(false), ..changed("li") }).await, Ok(()));
    assert_eq!(bench.number("SELECT count(*) FROM node_session").await, 0);
    assert_eq!(log_in(&bench, "li", PASSWORD).await, Err("wrong-password"));
    assert_eq!(log_in(&bench, "nobody", PASSWORD).await, Err("wrong-password"));
    let another = "Battery-Staple-9";
    let asked = ChangedPerson { is_enabled: Some(true), password: Some(another.to_owned()), ..changed("li") };
    assert_eq!(change(&bench, asked).await, Ok(()));
    assert_eq!(log_in(&bench, "li", another).await, Ok(Role::Operator));
    let people = list_people(&bench.node).await.unwrap();
    assert_eq!(people.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["admin", "li"]);
}

#[tokio::test]
async fn a_person_has_a_few_sessions_at_once() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    add(&bench, "admin", Role::Administrator, PASSWORD).await.unwrap();
    for _ in 0..5 {
        log_in(&bench, "admin", PASSWORD).await.unwrap();
        bench.clock.advance(1_000);
    }
    assert_eq!(bench.number("SELECT count(*) FROM node_session").await, 3);
}

/// A person changes her own password.
async fn change_own(bench: &Bench, name: &str, old: &str, new: &str) -> Result<(), &'static str> {
    let id = name.to_owned();
    let read =
        bench.node.database.read(move |connection| Box::pin(async move { node::people::find(connection, &id).await }));
    let caller = Caller { who: Who::Person(read.await.unwrap().unwrap()), address: "local".to_owned() };
    let asked = NewPassword { old: old.to_owned(), new: new.to_owned() };
    change_password(&bench.node, &caller, asked).await.map_err(|failure| failure.code)
}

#[tokio::test]
async fn a_person_who_knows_the_present_password_may_take_another() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    add(&bench, "li", Role::Operator, PASSWORD).await.unwrap();
    let another = "Battery-Staple-9";
    log_in(&bench, "li", PASSWORD).await.unwrap();
    assert_eq!(change_own(&bench, "li", "wrong", another).await, Err("wrong-password"));
    assert_eq!(change_own(&bench, "li", PASSWORD, "short").await, Err("password-weak"));
    assert_eq!(change_own(&bench, "li", PASSWORD, PASSWORD).await, Err("password-same"));
    assert_eq!(bench.number("SELECT count(*) FROM node_session").await, 1);
    assert_eq!(change_own(&bench, "li", PASSWORD, another).await, Ok(()));
    assert_eq!(bench.number("SELECT count(*) FROM node_session").await, 0, "whoever had the old one is out");
    assert_eq!(log_in(&bench, "li", PASSWORD).await, Err("wrong-password"));
    assert_eq!(log_in(&bench, "li", another).await, Ok(Role::Operator));
    assert_eq!(bench.number("SELECT count(*) FROM node_act WHERE what = 'password-change'").await, 1);
    // Guessing at this door locks out as guessing at the other one does.
    for _ in 0..5 {
        assert_eq!(change_own(&bench, "li", "wrong", PASSWORD).await, Err("wrong-password"));
    }
    assert_eq!(change_own(&bench, "li", another, PASSWORD).await, Err("wrong-password"));
}

#[tokio::test]
async fn what_has_had_its_time_is_forgotten_and_nothing_else() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    add(&bench, "li", Role::Operator, PASSWORD).await.unwrap();
    log_in(&bench, "li", PASSWORD).await.unwrap();
    let now = node::testing::MORNING_MS;
    bench
        .sql(
            "INSERT INTO node_nonce (client, nonce, expires_ms) VALUES ('a', 'old', 1772416800000 - 1), ('a', 'new', 1772416800000); \
             UPDATE node_person SET locked_until_ms = 1772416800000 - 1",
        )
        .await;
    assert_eq!(now, 1_772_416_800_000, "the times above are those of the test's clock");
    node::prune::prune(&bench.node).await.unwrap();
    assert_eq!(bench.text("SELECT group_concat(nonce) FROM node_nonce").await, "new");
    assert_eq!(bench.number("SELECT count(*) FROM node_session").await, 1);
    assert_eq!(bench.number("SELECT locked_until_ms FROM node_person").await, 0);
    bench.clock.advance(31 * 60 * 1_000);
    node::prune::prune(&bench.node).await.unwrap();
    assert_eq!(bench.number("SELECT count(*) FROM node_session").await, 0);
    assert_eq!(bench.number("SELECT count(*) FROM node_nonce").await, 0);
}

#[tokio::test]
async fn guesses_at_somebody_who_is_locked_out_leave_no_entries() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    add(&bench, "li", Role::Operator, PASSWORD).await.unwrap();
    let entries = "SELECT count(*) FROM node_act WHERE what = 'login-failed'";
    for _ in 0..7 {
        assert_eq!(log_in(&bench, "li", "wrong").await, Err("wrong-password"));
    }
    assert_eq!(log_in(&bench, "li", PASSWORD).await, Err("wrong-password"), "she is locked out");
    assert_eq!(bench.number(entries).await, 5, "the one that locked is the last");
    assert_eq!(bench.number("SELECT failed FROM node_person").await, 0, "the lock does not grow either");
    bench.clock.advance(16 * 60 * 1_000);
    assert_eq!(log_in(&bench, "li", "wrong").await, Err("wrong-password"));
    assert_eq!(bench.number(entries).await, 6);
    assert_eq!(log_in(&bench, "li", PASSWORD).await, Ok(Role::Operator));
}
