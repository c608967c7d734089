//! Configurations. Their text has many spellings, so what is read is written by the product's own template and read again.

use std::path::Path;

use ferry::config::{Config, LogTarget, ResendProfile, Template};
use ferry::{ExitCode, Lang};

/// A configuration that is read is the same after it was written down, in both languages. Whatever is refused is refused
/// as a mistake in the configuration, in both languages.
pub fn config(bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else { return false };
    let file = Path::new("/etc/ferry/ferry.toml");
    let config = match Config::parse(text, file) {
        Ok(config) => config,
        Err(fault) => {
            assert_eq!(fault.exit, ExitCode::Config);
            let told = |lang| fault.message.get(lang).starts_with("/etc/ferry/ferry.toml:");
            assert!(told(Lang::En) && told(Lang::Zh), "{fault:?} names no place");
            return false;
        }
    };
    for lang in [Lang::En, Lang::Zh] {
        let spelled = spell(&config, lang);
        match Config::parse(&spelled, file) {
            Ok(again) => assert_eq!(again, config, "not what was read:\n{spelled}"),
            Err(fault) => panic!("{fault:?}\n{spelled}"),
        }
    }
    assert!(config.scaled(1) <= 1 && config.scaled(u64::MAX) >= 1);
    true
}

/// The configuration with every field stated.
fn spell(config: &Config, lang: Lang) -> String {
    let Config { zone, peer, link, note, log, .. } = config;
    let template = Template::new().text("zone", zone.as_str()).text("peer", peer.as_str()).text("link", link.as_str());
    let template = template.text("note", note).text("database.kind", config.database.kind.as_str());
    let template = numbers(paths(template, config), config);
    let target = match log.target {
        LogTarget::Auto => "auto",
        LogTarget::Journal => "journal",
        LogTarget::Stderr => "stderr",
    };
    let template = template.text("log.level", log.level.as_str()).text("log.target", target);
    match &config.timers.resend {
        ResendProfile::Default => template.text("timers.resend", "default").render(lang),
        ResendProfile::SeedB => template.text("timers.resend", "seed-b").render(lang),
        ResendProfile::Steps(steps) => with_steps(&template.render(lang), steps),
    }
}

fn paths(template: Template, config: &Config) -> Template {
    let Config { gate, paths, .. } = config;
    let all = [
        ("database.path", &config.database.path),
        ("contract.path", &config.contract),
        ("gate.to_gate", &gate.to_gate),
        ("gate.from_gate", &gate.from_gate),
        ("gate.temporary", &gate.temporary),
        ("paths.keys", &paths.keys),
        ("paths.trust", &paths.trust),
        ("paths.spool", &paths.spool),
        ("paths.archive", &paths.archive),
        ("paths.quarantine", &paths.quarantine),
        ("paths.anchor", &paths.anchor),
    ];
    let template = template.text("gate.carrier", gate.carrier.name()).text("gate.extension", &gate.extension);
    all.into_iter().fold(template, |template, (field, path)| {
        assert!(path.is_absolute(), "{field} depends on where the program is started");
        template.text(field, path.to_str().expect("a path that stood in TOML is UTF-8"))
    })
}

fn numbers(template: Template, config: &Config) -> Template {
    let Config { gate, flow, timers, quarantine, archive, .. } = config;
    let all = [
        ("gate.worst_delay_ms", gate.worst_delay_ms),
        ("gate.scan_interval_ms", gate.scan_interval_ms),
        ("gate.settle_ms", gate.settle_ms),
        ("gate.max_file_bytes", gate.max_file_bytes),
        ("gate.low_water_bytes", gate.low_water_bytes),
        ("flow.window", flow.window),
        ("flow.hold_bytes", flow.hold_bytes),
        ("flow.group_bytes", flow.group_bytes),
        ("timers.time_scale", timers.time_scale),
        ("timers.heartbeat_ms", timers.heartbeat_ms),
        ("timers.resend_max_ms", timers.resend_max_ms),
        ("timers.status_debounce_ms", timers.status_debounce_ms),
        ("timers.observe_interval_ms", timers.observe_interval_ms),
        ("timers.handshake_ms", timers.handshake_ms),
        ("quarantine.unverified_files", quarantine.unverified_files),
        ("quarantine.unverified_bytes", quarantine.unverified_bytes),
        ("quarantine.refused_bytes", quarantine.refused_bytes),
        ("archive.whole_days", archive.whole_days),
    ];
    all.into_iter().fold(template, |template, (field, value)| template.number(field, value))
}

/// The template has no lists, so the line of the default is replaced.
fn with_steps(text: &str, steps: &[u64]) -> String {
    let steps: Vec<String> = steps.iter().map(u64::to_string).collect();
    text.replacen("\n# resend = \"default\"\n", &format!("\nresend = [{}]\n", steps.join(", ")), 1)
}
