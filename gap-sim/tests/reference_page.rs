//! `docs/gate-profiles.md` lists the fields and the built-in profiles as the code has them, and `docs/simulation.md` the mistakes.

use ferry_core::breaks::Break;
use ferry_core::coverage::Place;
use gap_sim::Profile;
use gap_sim::profile::{BUILT_INS, FIELDS, Group};
use gap_sim::world::faults::Fault;
use gap_sim::world::nodes::mistake::Mistake;
use std::fs;
use std::path::Path;

fn field_rows() -> Vec<String> {
    let default = Profile::default();
    let groups = [Group::Title, Group::PickUp, Group::Crossing, Group::Fault];
    let values = default.values();
    assert_eq!(values.len(), FIELDS.len());
    let row = |group| {
        let in_group = values.iter().filter(move |(field, _)| field.group == group);
        in_group.map(|(field, value)| {
            let value = value.replace('"', "");
            let value = if value.is_empty() { "empty" } else { &value };
            format!("| `{}` | {} | {value} | {} |", field.name, field.allowed.text(), field.meaning)
        })
    };
    groups.into_iter().flat_map(row).collect()
}

fn profile_rows() -> Vec<String> {
    let row = |name: &str| Profile::built_in(name).map(|profile| format!("| `{name}` | {} |", profile.summary));
    BUILT_INS.iter().map(|built_in| row(built_in.name).expect("built-in profiles parse")).collect()
}

fn told_under(page: &str, heading: &str) -> Vec<String> {
    let part = page.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "));
    part.filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
}

#[test]
fn the_page_lists_every_field_and_built_in_profile_as_they_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gate-profiles.md");
    let page = fs::read_to_string(path).unwrap();
    for (heading, rows) in [("## Fields", field_rows()), ("## Built-in profiles", profile_rows())] {
        let told = told_under(&page, heading);
        assert_eq!(told, rows, "the rows under {heading} should be:\n{}\n", rows.join("\n"));
    }
}

fn simulation() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/simulation.md")).expect("the page is there")
}

#[test]
fn the_page_lists_every_mistake_with_who_notices_it() {
    let told = told_under(&simulation(), "## How we know that they notice something");
    let names = |row: &String| row.split(" | ").take(3).collect::<Vec<_>>().join(" | ");
    let row = |one: &Break| format!("| `{}` | {} | {}", one.name(), one.meaning().trim(), one.invariant());
    let of_nodes = |one: &Mistake| format!("| `{}` | {} | 13", one.name(), one.meaning().trim());
    let mistakes: Vec<String> = Break::ALL.iter().map(row).chain(Mistake::ALL.iter().map(of_nodes)).collect();
    assert_eq!(told.iter().map(names).collect::<Vec<_>>(), mistakes);
    let noticed = |row: &&String| row.split(" | ").nth(4).is_some_and(|by| by != "nothing");
    assert_eq!(told.iter().filter(noticed).count(), told.len());
}

#[test]
fn the_page_counts_faults_and_places_as_they_are() {
    let page = simulation();
    for told in [format!("{} kinds of faults", Fault::ALL.len()), format!("{} places", Place::ALL.len())] {
        assert!(page.contains(&told), "the page should say: {told}");
    }
}
