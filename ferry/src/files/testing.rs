//! A zone in a temporary directory, for tests.

use ferry_core::ports::{BatchId, Side};
use ferry_format::{
    BatchStatement, Checkpoint, Digest, EpochId, Group, Payload, Sealing, SoftKeys, TableSummary, seal_batch,
};

use crate::config::Config;
use crate::keyring::OsEntropy;

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

/// A sealed batch of a side, by fresh keys that nobody knows.
pub fn batch(config: &Config, side: Side, seq: u64) -> (BatchId, Vec<u8>) {
    let mut entropy = OsEntropy::new();
    let keys = SoftKeys::generate(&mut entropy).unwrap();
    let (statement, payload) = statement(config, side, seq);
    let recipients = [keys.encrypt_public().clone()];
    let sealed = seal_batch(&statement, &payload, &Sealing::new(&keys, &recipients), &mut entropy).unwrap();
    let id = BatchId { stream: statement.stream, epoch: 1, seq, digest: sealed.digest };
    (id, sealed.bytes)
}

/// The statement of a batch with one row, and the row.
pub fn statement(config: &Config, side: Side, seq: u64) -> (BatchStatement, Payload) {
    let (from, to) = match side {
        Side::Out => (&config.zone, &config.peer),
        Side::In => (&config.peer, &config.zone),
    };
    let mut payload = Payload::new(OsEntropy::new().fresh().unwrap());
    payload.push(br#"["bill","i",1]"#).unwrap();
    let table = TableSummary { name: "bill".to_owned(), inserts: 1, ..TableSummary::default() };
    let statement = BatchStatement {
        link: config.link.clone(),
        from: from.clone(),
        to: to.clone(),
        stream: "bill".parse().unwrap(),
        epoch: 1,
        epoch_id: EpochId([1; 8]),
        seq,
        group: Group { first: seq, index: 0, last: true },
        previous: Digest([0; 32]),
        contract: Digest([1; 32]),
        requires: Vec::new(),
        tables: vec![table],
        records: 1,
        plain: payload.plain(),
        cut_at_ms: 0,
        audit: Checkpoint { size: 0, root: Digest([2; 32]) },
        supersedes: None,
    };
    (statement, payload)
}
