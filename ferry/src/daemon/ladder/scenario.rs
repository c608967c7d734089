//! What happens in every run: rows both ways, a gate that misbehaves a little, a kill and a stop, and the end.

use super::world::{Mischief, World};

/// The longest that a run may take after the last thing happened.
const SETTLE_MS_MAX: u64 = 180_000;
/// In the end batches lose their rows so soon; then only their heads are in the archive.
const RETENTION_MS: u64 = 1_500;

/// One thing that happens.
enum Event {
    /// Programs of a zone commit a transaction.
    Write(usize, &'static str),
    /// The same, when all changes before it are in batches: of several changes of a key in one batch only the last image reaches
    /// the replica, and the count would differ.
    Change(usize, &'static str),
    /// The gate stands still.
    Shut,
    /// It goes on.
    Open,
    /// It does something to the next batch of a zone.
    Meddle(usize, Mischief),
    /// A daemon is killed and started again.
    Kill(usize),
    /// A daemon ends in order and is started again.
    Restart(usize),
}

const INNER: usize = 0;
const OUTER: usize = 1;

/// When it happens, in milliseconds.
const EVENTS: &[(u64, Event)] = &[
    (1_500, Event::Write(INNER, "INSERT INTO notice VALUES (1, 1), (2, 2)")),
    (
        1_500,
        Event::Write(
            OUTER,
            "INSERT INTO payment VALUES (1, 100, 11); INSERT INTO item VALUES (1, 1, 12), (1, 2, 13), (1, 3, 14), (1, 4, 15)",
        ),
    ),
    (2_500, Event::Shut),
    (2_500, Event::Change(INNER, "UPDATE notice SET number = 3 WHERE id = 1; INSERT INTO notice VALUES (3, 4)")),
    (7_000, Event::Kill(INNER)),
    (7_500, Event::Open),
    (7_600, Event::Meddle(OUTER, Mischief::Damage)),
    (
        7_600,
        Event::Change(OUTER, "DELETE FROM item WHERE no = 4; UPDATE payment SET amt = 200, number = 16 WHERE id = 1"),
    ),
    (8_000, Event::Meddle(INNER, Mischief::Double)),
    (8_000, Event::Change(INNER, "DELETE FROM notice WHERE id = 2")),
    (12_000, Event::Restart(OUTER)),
    (12_100, Event::Meddle(OUTER, Mischief::Lose)),
    (12_100, Event::Change(OUTER, "INSERT INTO payment VALUES (2, 7, 17); INSERT INTO item VALUES (2, 1, 18)")),
    (13_000, Event::Write(INNER, "INSERT INTO notice VALUES (4, 5)")),
];

/// Runs a world to its end. `after` is told after every step.
///
/// # Errors
/// When the zones do not come to rest.
pub fn play(world: &mut World, after: &mut dyn FnMut(&mut World)) -> Result<(), String> {
    for (at, event) in EVENTS {
        while world.now_ms < *at || !may_happen(world, event) {
            give_up(world, *at + SETTLE_MS_MAX)?;
            world.step((*at).max(world.now_ms + 1));
            after(world);
        }
        happen(world, event)?;
        after(world);
    }
    come_to_rest(world, |world| world.is_settled() && world.spools_are_empty(), after)?;
    for zone in [INNER, OUTER] {
        world.zones[zone].retention_ms = RETENTION_MS;
        world.restart(zone);
    }
    come_to_rest(world, |world| world.is_settled() && world.rows_have_left_the_archives(), after)
}

/// Lets time pass until the zones are so.
fn come_to_rest(
    world: &mut World,
    is_so: impl Fn(&mut World) -> bool,
    after: &mut dyn FnMut(&mut World),
) -> Result<(), String> {
    let end = world.now_ms + SETTLE_MS_MAX;
    while !is_so(world) {
        give_up(world, end)?;
        world.step(world.now_ms + SETTLE_MS_MAX);
        after(world);
    }
    Ok(())
}

fn give_up(world: &World, end_ms: u64) -> Result<(), String> {
    if world.now_ms < end_ms { Ok(()) } else { Err(format!("the zones do not come to rest:\n{}", world.story())) }
}

fn may_happen(world: &mut World, event: &Event) -> bool {
    match event {
        Event::Change(..) => world.outboxes_are_empty(),
        Event::Write(..) | Event::Shut | Event::Open | Event::Meddle(..) | Event::Kill(_) | Event::Restart(_) => true,
    }
}

fn happen(world: &mut World, event: &Event) -> Result<(), String> {
    match event {
        Event::Write(zone, text) | Event::Change(zone, text) => {
            world.zones[*zone].program().run(&format!("BEGIN IMMEDIATE; {text}; COMMIT"))?;
        }
        Event::Shut => world.gate_is_shut = true,
        Event::Open => world.gate_is_shut = false,
        Event::Meddle(zone, mischief) => world.gate_does[*zone] = Some(*mischief),
        Event::Kill(zone) => world.kill(*zone),
        Event::Restart(zone) => world.restart(*zone),
    }
    Ok(())
}
