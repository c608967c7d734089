//! A zone in a temporary directory, for tests.

use crate::config::Config;

/// An inner zone with its directories; `gate` is added to the section of the gate.
pub fn zone(gate: &str) -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "zone = \"inner\"\npeer = \"outer\"\nlink = \"nontax\"\n[database]\npath = \"inner.db\"\n\
         [contract]\npath = \"contract.toml\"\n[gate]\nto_gate = \"to-gate\"\nfrom_gate = \"from-gate\"\n\
         temporary = \"temporary\"\n{}{gate}",
        if gate.contains("low_water") { "" } else { "low_water_bytes = 0\n" }
    );
    let config = Config::parse(&text, &dir.path().join("ferry.toml")).unwrap();
    let directories = [&config.gate.to_gate, &config.gate.from_gate, &config.gate.temporary];
    for directory in directories.into_iter().chain([&config.paths.spool, &config.paths.archive]) {
        std::fs::create_dir(directory).unwrap();
    }
    (dir, config)
}
