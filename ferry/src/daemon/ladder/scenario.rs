//! What happens in a run. In the one life rows go both ways, the gate misbehaves a little, a daemon is killed and one is stopped.
//! In the other operators act, and both databases are put back to backups.

use super::make;
use super::work::COMMAND;
use super::world::{Mischief, World};
use crate::fail::plan;

/// Which of the two lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Nobody does anything about it.
    Quiet,
    /// Operators do.
    Operated,
}

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
    /// The same, when all acts have ended and everything is settled, so that a load has captured nothing of it.
    Calm(usize, &'static str),
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
    /// An operator gives a command, once every act before it has ended; `OPEN` stands for the first batch that is not applied. It
    /// is given again until it succeeds.
    Command(usize, &'static [&'static str]),
    /// The same, once the peer refuses a group. A command that failed may have handed in its act all the same, which shows when
    /// nothing is refused any more.
    Refused(usize, &'static [&'static str]),
    /// A backup is made of a zone that runs, once all is settled.
    Backup(usize),
    /// A zone is put back to its backup, once all is settled.
    Restore(usize),
}

/// A command that failed is given again so much later.
const COMMAND_AGAIN_MS: u64 = 1_000;
const OPEN: &str = "OPEN";

const INNER: usize = 0;
const OUTER: usize = 1;

/// When it happens, in milliseconds.
const QUIET: &[(u64, Event)] = &[
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

/// When it happens where operators act.
const OPERATED: &[(u64, Event)] = &[
    (
        1_000,
        Event::Write(
            INNER,
            "CREATE TRIGGER poison BEFORE INSERT ON payment WHEN NEW.amt = 666 \
             BEGIN SELECT RAISE(ABORT, 'no office takes this amount'); END",
        ),
    ),
    (1_500, Event::Write(INNER, "INSERT INTO notice VALUES (1, 1), (2, 2)")),
    (1_500, Event::Write(OUTER, "INSERT INTO payment VALUES (1, 100, 11); INSERT INTO item VALUES (1, 1, 12)")),
    (2_000, Event::Command(OUTER, &["hold", "notice"])),
    (2_500, Event::Change(INNER, "UPDATE notice SET number = 3 WHERE id = 1; INSERT INTO notice VALUES (3, 4)")),
    (4_000, Event::Command(OUTER, &["release", "notice"])),
    (4_500, Event::Backup(OUTER)),
    (4_500, Event::Backup(INNER)),
    (5_000, Event::Change(OUTER, "INSERT INTO payment VALUES (2, 7, 17); DELETE FROM item WHERE no = 1")),
    (5_000, Event::Change(INNER, "INSERT INTO notice VALUES (4, 5)")),
    (6_000, Event::Restore(OUTER)),
    (7_000, Event::Change(OUTER, "UPDATE payment SET amt = 8, number = 18 WHERE id = 2")),
    (8_000, Event::Command(OUTER, &["load", "confirm"])),
    (9_000, Event::Calm(OUTER, "INSERT INTO payment VALUES (3, 666, 19)")),
    (9_500, Event::Change(OUTER, "UPDATE payment SET amt = 5, number = 20 WHERE id = 3")),
    (10_000, Event::Refused(OUTER, &["supersede", "confirm", OPEN, "--with", "current"])),
    (11_000, Event::Restore(INNER)),
    (12_000, Event::Change(INNER, "INSERT INTO notice VALUES (5, 6)")),
    (12_000, Event::Change(OUTER, "INSERT INTO item VALUES (3, 1, 21)")),
];

impl Life {
    /// What happens in it.
    const fn events(self) -> &'static [(u64, Event)] {
        match self {
            Self::Quiet => QUIET,
            Self::Operated => OPERATED,
        }
    }
}

/// Runs a world to its end. `after` is told after every step.
///
/// # Errors
/// When the zones do not come to rest.
pub fn play(world: &mut World, life: Life, after: &mut dyn FnMut(&mut World)) -> Result<(), String> {
    for (at, event) in life.events() {
        let mut due = *at;
        while world.now_ms < due || !may_happen(world, event) || !happen(world, event)? {
            if world.now_ms >= due {
                due = world.now_ms.max(world.again_ms);
            }
            give_up(world, *at + SETTLE_MS_MAX)?;
            world.step(due.max(world.now_ms + 1));
            after(world);
        }
        after(world);
    }
    let is_clean = |world: &mut World| world.is_settled() && world.spools_are_empty();
    match life {
        Life::Quiet => {
            come_to_rest(world, is_clean, after)?;
            for zone in [INNER, OUTER] {
                world.zones[zone].retention_ms = RETENTION_MS;
                world.restart(zone);
            }
            come_to_rest(world, |world| world.is_settled() && world.rows_have_left_the_archives(), after)
        }
        Life::Operated => {
            come_to_rest(world, World::is_settled, after)?;
            // The file of a batch that gave way, and could not be taken away then, lies in the spool until the next start.
            for zone in [INNER, OUTER] {
                world.restart(zone);
            }
            come_to_rest(world, is_clean, after)
        }
    }
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

fn give_up(world: &mut World, end_ms: u64) -> Result<(), String> {
    if world.now_ms < end_ms { Ok(()) } else { Err(format!("the zones do not come to rest:\n{}", world.story())) }
}

fn may_happen(world: &mut World, event: &Event) -> bool {
    match event {
        Event::Change(..) => world.outboxes_are_empty(),
        Event::Calm(zone, _) => world.zones[*zone].acts_have_ended() && world.is_settled(),
        Event::Command(zone, _) => world.zones[*zone].acts_have_ended(),
        Event::Refused(zone, _) => {
            world.zones[*zone].acts_have_ended() && (world.is_refused(*zone) || world.zones[*zone].has_superseded())
        }
        Event::Backup(_) => world.is_settled(),
        Event::Restore(zone) => world.zones[*zone].is_being_restored || world.is_settled(),
        Event::Write(..) | Event::Shut | Event::Open | Event::Meddle(..) | Event::Kill(_) | Event::Restart(_) => true,
    }
}

/// Returns whether it happened; a command that failed is to be given again.
fn happen(world: &mut World, event: &Event) -> Result<bool, String> {
    match event {
        Event::Write(zone, text) | Event::Change(zone, text) | Event::Calm(zone, text) => {
            world.zones[*zone].program().run(&format!("BEGIN IMMEDIATE; {text}; COMMIT"))?;
        }
        Event::Shut => world.gate_is_shut = true,
        Event::Open => world.gate_is_shut = false,
        Event::Meddle(zone, mischief) => world.gate_does[*zone] = Some(*mischief),
        Event::Kill(zone) => world.kill(*zone),
        Event::Restart(zone) => world.restart(*zone),
        Event::Refused(zone, _) if world.zones[*zone].has_superseded() => {}
        Event::Command(zone, words) | Event::Refused(zone, words) => return Ok(act(world, *zone, words)),
        Event::Backup(zone) => return Ok(back_up(world, *zone)),
        Event::Restore(zone) => return Ok(restore(world, *zone)),
    }
    Ok(true)
}

/// Two operators sign what needs both.
fn act(world: &mut World, zone: usize, words: &[&str]) -> bool {
    let open = world.first_open(zone).to_string();
    let mut words: Vec<String> =
        words.iter().map(|word| if *word == OPEN { open.clone() } else { (*word).to_owned() }).collect();
    let signers = if words[0] == "supersede" { &make::OPERATORS[..] } else { &make::OPERATORS[..1] };
    for name in signers {
        words.extend(["--key".to_owned(), world.dir.path().join(name).display().to_string()]);
    }
    words.extend(["--reason", "the ladder", "--wait", "0"].map(str::to_owned));
    command(world, zone, words)
}

fn back_up(world: &mut World, zone: usize) -> bool {
    world.backups[zone] += 1;
    let directory = world.backup(zone);
    command(world, zone, vec!["backup".to_owned(), directory])
}

/// The daemon is stopped and every program of the zone is closed meanwhile.
fn restore(world: &mut World, zone: usize) -> bool {
    world.zones[zone].is_being_restored = true;
    world.stop(zone);
    world.zones[zone].close_program();
    let directory = world.backup(zone);
    let done = command(world, zone, vec!["restore".to_owned(), directory]);
    // Half way there may be no database.
    if done {
        world.zones[zone].open_program();
        world.zones[zone].is_being_restored = false;
        world.restart(zone);
    }
    done
}

/// Returns whether the command succeeded. What it does is part of the ladder, too.
fn command(world: &mut World, zone: usize, words: Vec<String>) -> bool {
    let (now, config) = (world.now(), world.zones[zone].config_file());
    let mut words = [vec!["ferry".to_owned()], words, vec!["--config".to_owned(), config]].concat();
    let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = plan::within(zone, now.mono.0, COMMAND, || crate::cli::obey(&arguments, now.wall_ms));
    let Err(fault) = done else { return true };
    words.truncate(3);
    world.tell(format!("{} {}: {fault}", make::NAMES[zone], words.join(" ")));
    world.again_ms = world.now_ms + COMMAND_AGAIN_MS;
    false
}
