//! What the unit's site does not take is told again, minutes later each time, and given up to people in the end.

use serde_json::json;
use tests::nodes::{Ask, Fate, Outside, Town};
use tests::pair::{OUTER, wait_until};

/// Minutes from one try to the next.
const MINUTES: [u64; 5] = [1, 3, 5, 15, 30];
/// The most that passes on a loaded machine between a try and a look at it, in milliseconds.
const LOOK_MS_MAX: u64 = 30_000;

#[test]
fn a_payment_that_the_site_does_not_take_is_told_again_after_1_3_5_15_and_30_minutes_and_by_people() {
    let town = Town::open();
    town.site.say(Box::new(|_| None));
    let (_, unit_fen) = town.item();
    let order = town.order("C-1", None, unit_fen);
    town.wechat.arrange(&order, Fate::Once);
    town.wechat.pay(&order, unit_fen);
    let of = format!("FROM outer_callback WHERE kind = 'order' AND object = '{order}'");
    wait_until("the order to be paid", || town.number(OUTER, &format!("SELECT count(*) {of}")) == 1);
    for (tries, minutes) in (1..).zip(MINUTES) {
        wait_until("a try to fail", || town.number(OUTER, &format!("SELECT attempt {of}")) == tries);
        let left = town.number(OUTER, &format!("SELECT next_ms - CAST(strftime('%s', 'now') AS INTEGER) * 1000 {of}"));
        let due = minutes * 60_000;
        // The statement counts whole seconds.
        assert!((due.saturating_sub(LOOK_MS_MAX)..=due + 1_000).contains(&left), "{minutes} minutes: {left} ms");
        town.write(
            OUTER,
            &format!("UPDATE outer_callback SET next_ms = 1 {}", of.trim_start_matches("FROM outer_callback ")),
            &[],
        );
    }
    wait_until("the notification to be given up", || {
        town.number(OUTER, &format!("SELECT count(given_up_ms) {of}")) == 1
    });
    let li = town.outer.log_in("li");
    let listed = town.outer.get(&format!("/callbacks?progress=given-up&object={order}"), Ask::Token(&li));
    let one = &listed["callbacks"][0];
    assert_eq!((&one["attempt"], &one["state"]), (&json!(6), &json!(2)), "{listed}");
    assert!(town.site.heard().is_empty(), "it took nothing");
    town.site.say(Outside::received());
    town.outer.post("/callback/again", Ask::Token(&li), json!({ "callback_id": one["callback_id"] }));
    wait_until("the site to be told after all", || {
        town.site.heard().iter().any(|told| told["platform_order_no"] == json!(order) && told["state"] == 2)
    });
}
