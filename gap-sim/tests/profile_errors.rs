//! A bad profile is refused with the file, the line and what would be right.

use gap_sim::Profile;

fn refusal(text: &str) -> String {
    Profile::parse("my.toml", text).expect_err("the text is wrong").to_string()
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let message = refusal("name = \"x\"\nloss = \"5 %\"\nlosss = \"5 %\"\n");
    assert!(message.starts_with("my.toml, line 3, column 1: unknown field `losss`"), "{message}");
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_line() {
    let message = refusal("name = \"x\"\n\nloss = 5 %\n");
    assert!(message.starts_with("my.toml, line 3"), "{message}");
}

#[test]
fn a_rate_must_be_a_percentage() {
    for wrong in ["loss = 5", "loss = \"5\"", "loss = \"101 %\"", "loss = 0.05"] {
        let message = refusal(&format!("name = \"x\"\n{wrong}\n"));
        assert!(message.starts_with("my.toml, line 2"), "{message}");
        assert!(message.contains("a percentage from \"0 %\" to \"100 %\""), "{message}");
    }
}

#[test]
fn an_unknown_word_is_refused_with_the_known_ones() {
    let message = refusal("order = \"random\"\n");
    assert!(message.contains("line 1") && message.contains("`by-delay`, `fifo`, `alphabetical`"), "{message}");
}

#[test]
fn a_number_out_of_range_is_named_with_its_line_and_range() {
    let message = refusal("name = \"x\"\n  scan_interval_ms = 0\n");
    assert_eq!(message, "my.toml, line 2: scan_interval_ms is 0, but must be 1 to 3600000; correct that line");
}

#[test]
fn delays_must_be_in_order() {
    let message = refusal("delay_min_ms = 10\ndelay_mean_ms = 5\ndelay_max_ms = 20\n");
    assert_eq!(
        message,
        "my.toml, line 1: delay_min_ms is 10, but must be at most delay_mean_ms, which is 5; correct that line"
    );
    assert!(refusal("delay_mean_ms = 5\n").contains("delay_max_ms"));
    assert!(refusal("hold_min_ms = 5\n").contains("hold_max_ms"));
}

#[test]
fn names_summaries_and_extensions_are_checked() {
    assert!(refusal("name = \"My Profile\"\n").contains("1 to 32 of a-z, 0-9 and -"));
    assert!(refusal(&format!("summary = \"{}\"\n", "x".repeat(201))).contains("at most 200 characters"));
    assert!(refusal("extensions = [\"dat\", \".xml\"]\n").contains("\".xml\""));
}

#[test]
fn an_unknown_built_in_lists_the_known_ones() {
    let message = Profile::built_in("prefect").unwrap_err().to_string();
    assert!(message.contains("\"prefect\"") && message.contains("perfect, seed-a"), "{message}");
}
