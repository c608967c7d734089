//! The real files of a zone under the suites that every implementation of their ports passes.

use std::path::PathBuf;

use ferry_core::conformance::anchor::AnchorFixture;
use ferry_core::conformance::gate::GateFixture;
use ferry_core::conformance::quarantine::{KeptFile, QuarantineFixture};
use ferry_core::conformance::spool::SpoolFixture;
use ferry_core::ports::{AnchorStore, BatchId, Gate, Quarantine, QuarantineNote, Side, Spool};
use ferry_format::Digest;
use tempfile::TempDir;

use super::testing::zone;
use super::{Files, QuarantineDirectories, durable};
use crate::config::{Config, ZoneLock};

mod spool {
    use super::RealFiles;
    ferry_core::spool_cases!(ferry_core::conformance_tests, spool, RealFiles::new());
}

mod gate {
    use super::RealFiles;
    ferry_core::gate_cases!(ferry_core::conformance_tests, gate, RealFiles::new());
}

mod quarantine {
    use super::RealFiles;
    ferry_core::quarantine_cases!(ferry_core::conformance_tests, quarantine, RealFiles::new());
}

mod anchor {
    use super::RealFiles;
    ferry_core::anchor_cases!(ferry_core::conformance_tests, anchor, RealFiles::new());
}

const UNVERIFIED_FILES: u32 = 5;

/// A zone's directories in a temporary one, opened as the daemon opens them.
struct RealFiles {
    _dir: TempDir,
    config: Config,
    lock: ZoneLock,
    files: Files,
}

impl RealFiles {
    fn new() -> Self {
        let (dir, mut config) = zone("");
        config.quarantine.unverified_files = u64::from(UNVERIFIED_FILES);
        let lock = ZoneLock::take(&config).unwrap();
        let files = Files::open(&config, &lock).unwrap();
        Self { _dir: dir, config, lock, files }
    }

    fn reopen(&mut self) {
        self.files = Files::open(&self.config, &self.lock).unwrap();
    }
}

impl SpoolFixture for RealFiles {
    fn spool(&self) -> &dyn Spool {
        &self.files.spool
    }

    fn reopen(&mut self) {
        self.reopen();
    }

    fn damage(&mut self, side: Side, id: &BatchId) {
        truncate(&self.files.spool.spool_path(side, id));
    }

    fn disguise(&mut self, side: Side, id: &BatchId) {
        let path = self.files.spool.spool_path(side, id);
        let mut bytes = std::fs::read(&path).unwrap();
        ferry_core::conformance::disguise(&mut bytes);
        std::fs::remove_file(&path).unwrap();
        std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), &bytes).unwrap();
    }

    fn leave_unfinished(&mut self, side: Side) {
        let id = BatchId { stream: "bill".parse().unwrap(), epoch: 1, seq: 9, digest: Digest([0; 32]) };
        let path = self.files.spool.spool_path(side, &id).with_file_name("tmp-1-2");
        std::fs::File::create(path).unwrap().set_len(9).unwrap();
    }

    fn head(&self, side: Side, id: &BatchId) -> Option<Vec<u8>> {
        std::fs::read(self.files.spool.head_path(side, id)).ok()
    }

    fn damage_archived(&mut self, side: Side, id: &BatchId) {
        truncate(&self.files.spool.archive_path(side, id));
    }

    fn status(&self, side: Side, name: &str) -> Option<Vec<u8>> {
        let side = match side {
            Side::Out => "out",
            Side::In => "in",
        };
        let archive = self.config.paths.archive.join(self.config.link.as_str());
        std::fs::read(archive.join(side).join("status").join(name)).ok()
    }

    fn act(&self, side: Side, digest: &Digest) -> Option<Vec<u8>> {
        let side = match side {
            Side::Out => "out",
            Side::In => "in",
        };
        let archive = self.config.paths.archive.join(self.config.link.as_str());
        std::fs::read(archive.join(side).join("acts").join(format!("{digest}.act"))).ok()
    }
}

/// Takes the last byte off a file.
fn truncate(path: &PathBuf) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
}

impl GateFixture for RealFiles {
    fn gate(&self) -> &dyn Gate {
        &self.files.gate
    }

    fn reopen(&mut self) {
        self.reopen();
    }

    fn arrive(&mut self, name: &str, bytes: &[u8]) {
        durable::publish(&self.config.gate.from_gate, name, bytes).unwrap();
    }

    fn arrived(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.config.gate.from_gate.join(name)).ok()
    }

    fn waiting(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.config.gate.to_gate.join(name)).ok()
    }

    fn pick_up(&mut self, name: &str) {
        std::fs::remove_file(self.config.gate.to_gate.join(name)).unwrap();
    }
}

impl QuarantineFixture for RealFiles {
    fn quarantine(&self) -> &dyn Quarantine {
        &self.files.quarantine
    }

    fn reopen(&mut self) {
        self.reopen();
    }

    fn kept(&self) -> Vec<KeptFile> {
        let [refused, unverified] = QuarantineDirectories::list(&self.config).unwrap();
        let kept = refused.into_iter().chain(unverified).map(|kept| {
            let reason = kept.reason.unwrap();
            let (code, story) = (reason.code, reason.story);
            let note = QuarantineNote { code, story, verified: reason.verified, at_ms: reason.at_ms };
            KeptFile { name: reason.name, bytes: std::fs::read(&kept.path).unwrap(), note }
        });
        kept.collect()
    }

    fn unverified_max(&self) -> u32 {
        UNVERIFIED_FILES
    }
}

impl AnchorFixture for RealFiles {
    fn anchors(&self) -> &dyn AnchorStore {
        &self.files.anchor
    }

    fn reopen(&mut self) {
        self.reopen();
    }

    fn damage(&mut self) {
        truncate(&self.config.paths.anchor);
    }
}
