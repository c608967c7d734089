//! The test bites: a mistake in what captures changes is found within a few hundred programs.

use proptest::strategy::Strategy;

use super::program::{self, Step};
use super::sample;
use super::setup::NASTY;
use super::world::{Broken, World};

/// Programs of one seed that a mistake may survive at most.
const PROGRAMS: usize = 400;

/// A mistake: the trigger, by the end of its name, and what becomes of its text; `None` when it is left out.
type Mistake = (&'static str, fn(&str) -> Option<String>);

fn left_out(_: &str) -> Option<String> {
    None
}

fn is_found(programs: impl Strategy<Value = Vec<Step>>, (end, mistake): Mistake) {
    let found = sample(PROGRAMS, programs).any(|steps| {
        let mut world = World::new(&NASTY);
        let (name, text) = world.trigger(end);
        let wrong = mistake(&text);
        assert_ne!(wrong.as_ref(), Some(&text), "no mistake was made in {end}");
        world.tamper(&format!("DROP TRIGGER \"{name}\"; {}", wrong.unwrap_or_default()));
        matches!(world.run(&steps), Err(Broken::Different { .. } | Broken::NotApplied(_)))
    });
    assert!(found, "{PROGRAMS} programs did not notice a mistake in {end}");
}

#[test]
fn a_key_update_that_forgets_the_old_key_is_noticed() {
    is_found(
        program::on_pairs(),
        ("pair:capture_key_update", |text| {
            let begin = text.find("BEGIN ")? + "BEGIN ".len();
            let end = begin + text[begin..].find(';')? + 1;
            Some(format!("{}{}", &text[..begin], &text[end..]))
        }),
    );
}

#[test]
fn rows_that_replace_removes_are_noticed() {
    is_found(program::on_shelves(), ("shelf:unique_insert_1", left_out));
    is_found(program::on_items(), ("item:unique_update_0", left_out));
    is_found(program::on_trees(), ("tree:key_update", left_out));
}

#[test]
fn rows_that_a_row_number_removes_are_noticed() {
    is_found(program::on_shelves(), ("shelf:row_id_insert", left_out));
    is_found(program::on_pairs(), ("pair:row_id_inserted", left_out));
    is_found(program::on_shelves(), ("shelf:row_id_update", left_out));
}

#[test]
fn what_cascades_uncaptured_is_noticed() {
    is_found(program::on_items(), ("box:capture_delete", left_out));
    is_found(program::on_items(), ("item:capture_update", left_out));
}

#[test]
fn an_image_from_before_a_cascade_is_noticed() {
    is_found(
        program::on_trees(),
        ("tree:capture_key_update", |_| {
            Some(
            "CREATE TRIGGER \"ferry:shop:tree:capture_key_update\" AFTER UPDATE ON tree WHEN NEW.id IS NOT OLD.id BEGIN
               INSERT INTO ferry_outbox_shop_stock (contract, line) SELECT capture, json_array('tree', 'd', OLD.id)
                 FROM ferry_stream_out WHERE stream = 'stock';
               INSERT INTO ferry_outbox_shop_stock (contract, line) SELECT capture, json_array('tree', 'i', NEW.id, NEW.up, NEW.n)
                 FROM ferry_stream_out WHERE stream = 'stock';
             END"
            .to_owned(),
        )
        }),
    );
}

#[test]
fn ids_that_are_given_twice_are_noticed() {
    // A program empties the numbering while nothing holds the floor.
    let found = sample(PROGRAMS, program::nasty()).any(|steps| {
        let mut world = World::new(&NASTY);
        world.forget_the_floor();
        world.run(&steps).is_err()
    });
    assert!(found, "{PROGRAMS} programs did not notice that ids were given twice");
}
