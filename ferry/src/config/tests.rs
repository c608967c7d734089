use std::path::Path;

use super::*;
use crate::lang::Lang;

const MINIMAL: &str = r#"zone = "inner"
peer = "outer"
link = "nontax"
[database]
path = "inner.db"
[contract]
path = "nontax.toml"
[gate]
to_gate = "to-gate"
from_gate = "/gate/in"
temporary = "to-gate.tmp"
"#;

fn parse(text: &str) -> Result<Config, Fault> {
    Config::parse(text, Path::new("/etc/ferry/ferry.toml"))
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let fault = parse(text).unwrap_err();
    assert_eq!(fault.exit, ExitCode::Config);
    assert_eq!(fault.message.get(Lang::En), format!("/etc/ferry/ferry.toml:{message}"));
}

#[test]
fn what_is_left_out_has_the_shipped_defaults() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!(config.database.path, Path::new("/etc/ferry/inner.db"));
    assert_eq!(config.gate.to_gate, Path::new("/etc/ferry/to-gate"));
    assert_eq!(config.gate.from_gate, Path::new("/gate/in"));
    assert_eq!(config.paths.trust, Path::new("/etc/ferry/trust"));
    assert_eq!(config.gate.worst_delay_ms, 304_000);
    assert_eq!(config.flow.window, 64);
    assert_eq!((config.timers.heartbeat_ms, config.timers.time_scale), (60_000, 1));
    assert_eq!(config.timers.resend, ResendProfile::Default);
    assert_eq!(config.log, Log { level: LogLevel::Info, target: LogTarget::Auto });
    assert_eq!(config.directory(), Path::new("/etc/ferry"));
}

#[test]
fn a_fault_tells_line_column_and_field() {
    refused(&format!("{MINIMAL}gate_way = 1\n"), "12:1: gate.gate_way: there is no such field");
    refused(
        &format!("{MINIMAL}max_file_bytes = \"1\"\n"),
        "12:18: gate.max_file_bytes: must be a whole number, not string",
    );
    refused(&format!("{MINIMAL}scan_interval_ms = 3\n"), "12:20: gate.scan_interval_ms: must be 10 to 86400000");
    refused(&format!("{MINIMAL}scan_interval_ms = -3\n"), "12:20: gate.scan_interval_ms: must be 10 to 86400000");
    refused(&format!("{MINIMAL}carrier = \"fax\"\n"), "12:11: gate.carrier: `fax` must be one of: raw, base64, xml");
    refused(&format!("{MINIMAL}extension = \"TXT\"\n"), "12:13: gate.extension: must be 1 to 4 of a-z and 0-9");
    refused(&format!("{MINIMAL}[colour]\na = 1\n"), "12:2: colour: there is no such field");
    refused(
        &MINIMAL.replace("\"inner\"", "\"Inner\""),
        "1:8: zone: `Inner` must begin with a-z and go on with a-z, 0-9 or _",
    );
    refused(&MINIMAL.replace("from_gate = \"/gate/in\"\n", ""), "8:1: gate.from_gate: must be given");
    refused(
        &format!("{MINIMAL}[timers]\nresend = [3, 2]\n"),
        "13:10: timers.resend: must be default, seed-b, or ascending milliseconds above 0",
    );
    refused(
        &format!("{MINIMAL}[flow]\nhold_bytes = 1048576\n"),
        "12:1: flow.hold_bytes: must be at least flow.group_bytes",
    );
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_place() {
    let fault = parse("zone = \"inner\"\npeer = \n").unwrap_err();
    let message = fault.message.get(Lang::En);
    assert!(message.starts_with("/etc/ferry/ferry.toml:2:"), "{message}");
    assert!(message.contains("not TOML"), "{message}");
    assert!(fault.message.get(Lang::Zh).contains("不是合法的 TOML"));
}

#[test]
fn the_time_scale_divides_times() {
    let config = parse(&format!("{MINIMAL}[timers]\ntime_scale = 60\nresend = [1000, 5000]\n")).unwrap();
    assert_eq!(config.scaled(config.timers.heartbeat_ms), 1_000);
    assert_eq!((config.scaled(0), config.scaled(7)), (0, 1));
    assert_eq!(config.timers.resend, ResendProfile::Steps(vec![1_000, 5_000]));
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let fault = Config::load(Path::new("does/not/exist.toml")).unwrap_err();
    assert_eq!((fault.exit, fault.code), (ExitCode::Config, "config-unreadable"));
}

fn filled() -> Template {
    let template = Template::new().text("zone", "inner").text("peer", "outer").text("link", "nontax");
    let template = template.text("database.path", "in\"ner.db").text("contract.path", "nontax.toml");
    template.text("gate.to_gate", "a").text("gate.from_gate", "b").text("gate.temporary", "c")
}

#[test]
fn the_template_is_read_back_in_both_languages() {
    for lang in [Lang::En, Lang::Zh] {
        let text = filled().number("timers.time_scale", 100).render(lang);
        let config = parse(&text).unwrap();
        assert_eq!(config.database.path, Path::new("/etc/ferry/in\"ner.db"));
        assert_eq!(config.timers.time_scale, 100);
    }
}

#[test]
fn every_default_can_be_written_down_without_changing_anything() {
    let short = filled().render(Lang::En);
    let written: Vec<String> = short
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if FIELDS.iter().any(|field| is_line_of(rest, field)) => rest.to_owned(),
            Some(_) | None => line.to_owned(),
        })
        .collect();
    let written = written.join("\n");
    assert_eq!(written.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count(), FIELDS.len());
    assert_eq!(parse(&written).unwrap(), parse(&short).unwrap());
}

fn is_line_of(line: &str, field: &Field) -> bool {
    let name = field.path.rsplit('.').next().unwrap_or_default();
    line.starts_with(&format!("{name} = "))
}

#[test]
fn the_largest_file_fits_in_every_carrier() {
    for carrier in Carrier::ALL {
        assert!(carrier.encoded_bytes(ferry_format::limits::FILE_BYTES_MAX) <= CARRIED_BYTES_MAX);
    }
}

#[test]
fn the_document_lists_every_field() {
    let page = include_str!("../../../docs/configuration.md");
    let told: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let meant: Vec<String> = FIELDS.iter().map(row).collect();
    assert_eq!(told.join("\n"), meant.join("\n"));
}

fn row(field: &Field) -> String {
    let default = field.kind.default_text().map_or("required".to_owned(), |text| format!("`{text}`"));
    let (path, unit, range, meaning) = (field.path, field.kind.unit(), field.kind.range(), field.meaning.get(Lang::En));
    format!("| `{path}` | {default} | {unit} | {range} | {meaning} |")
}
