//! Bad input, by the interface, by import and by the command line of both nodes and into their databases: each is refused with its
//! code, in words that name the thing and the next step in both languages, and nothing is written.

mod access;
mod case;
mod command_line;
mod databases;
mod documents;
mod imports;
mod orders;
mod place;
mod rules;
mod snapshot;

use case::Case;
use place::Place;

/// Fewer cases than this say that some were lost.
const CASES_MIN: usize = 60;

#[test]
fn bad_input_is_refused_in_clear_words_and_nothing_is_written() {
    let place = Place::open();
    // Whoever must be asked soon after the place was opened comes first.
    let cases: Vec<Case> = [
        access::cases(&place),
        documents::cases(&place),
        rules::cases(&place),
        orders::cases(&place),
        imports::cases(&place),
        command_line::cases(&place),
        databases::cases(&place),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut wrong = Vec::new();
    for (number, case) in (1..).zip(&cases) {
        let faults = case.judge(&place);
        println!(
            "{number:3} {} {}: {} {}",
            if faults.is_empty() { "ok" } else { "WRONG" },
            case.name,
            case.ends,
            case.code
        );
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", case.name)));
    }
    println!("{} cases", cases.len());
    assert!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn statements_in_fields_are_text_and_nothing_else() {
    let place = Place::open();
    let hostile = "'); DROP TABLE pay_notice; --";
    let asked = place.draft(|draft| draft["payer_name"] = hostile.into());
    let issued = place.town.inner.post("/notice/issue", place.operator(), asked);
    let pay_code = issued["pay_codes"][0].as_str().unwrap();
    let shown = place.town.inner.get(&format!("/notice?pay_code={pay_code}"), place.operator());
    assert!(shown["notice"]["payer_name"].is_string(), "{shown}");
    let kept = "SELECT count(*) FROM pay_notice WHERE payer_name = '''); DROP TABLE pay_notice; --'";
    assert_eq!(place.town.number(tests::pair::INNER, kept), 1);
    let all = "/base?kind=AGENCY&text=%27%20OR%20%271%27%3D%271";
    let found = place.town.inner.get(all, place.operator());
    assert_eq!(found["rows"], serde_json::json!([]), "a condition in a text finds nothing");
    let whole = place.town.inner.get("/base?kind=AGENCY", place.operator());
    assert_eq!(whole["rows"].as_array().unwrap().len(), 1);
}
