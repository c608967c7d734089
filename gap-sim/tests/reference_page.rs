//! `docs/gate-profiles.md` lists the fields and the built-in profiles as the code has them.

use gap_sim::Profile;
use gap_sim::profile::{BUILT_INS, FIELDS, Group};
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
