//! Spool, drop directories, quarantine and anchor on a simulated disk.

use std::sync::Arc;

use ferry_core::conformance::anchor::AnchorFixture;
use ferry_core::conformance::gate::GateFixture;
use ferry_core::conformance::power::PowerFixture;
use ferry_core::conformance::quarantine::{KeptFile, QuarantineFixture};
use ferry_core::conformance::spool::SpoolFixture;
use ferry_core::conformance::{peer, zone};
use ferry_core::ports::{AnchorStore, BatchId, Gate, Quarantine, Side, Spool};
use ferry_format::Digest;

use crate::prng::Prng;
use crate::world::disk::Disk;
use crate::world::files::{
    ANCHOR, FROM_GATE, SimAnchor, SimGate, SimQuarantine, SimSpool, TO_GATE, UNVERIFIED_FILES_MAX, act_directory,
    archive_directory, batch_name, head_directory, spool_directory, status_directory,
};

mod spool {
    use super::SimFiles;
    ferry_core::spool_cases!(ferry_core::conformance_tests, spool, SimFiles::new());
}

mod gate {
    use super::SimFiles;
    ferry_core::gate_cases!(ferry_core::conformance_tests, gate, SimFiles::new());
}

mod quarantine {
    use super::SimFiles;
    ferry_core::quarantine_cases!(ferry_core::conformance_tests, quarantine, SimFiles::new());
}

mod anchor {
    use super::SimFiles;
    ferry_core::anchor_cases!(ferry_core::conformance_tests, anchor, SimFiles::new());
}

mod power {
    use super::SimFiles;
    ferry_core::power_cases!(ferry_core::conformance_tests, power, SimFiles::new());
}

/// The files of a host. Quarantine and anchor keep in memory what the appliance reads back from its disk, as a host
/// does over the restarts of its daemon.
struct SimFiles {
    disk: Arc<Disk>,
    spool: SimSpool,
    gate: SimGate,
    quarantine: SimQuarantine,
    anchor: SimAnchor,
}

impl SimFiles {
    fn new() -> Self {
        let disk = Arc::new(Disk::new(Arc::default()));
        Self {
            spool: SimSpool::new(disk.clone()),
            gate: SimGate::new(disk.clone(), zone(), peer()),
            quarantine: SimQuarantine::new(disk.clone()),
            anchor: SimAnchor::new(disk.clone()),
            disk,
        }
    }

    fn restart(&mut self) {
        self.spool = SimSpool::new(self.disk.clone());
        self.gate = SimGate::new(self.disk.clone(), zone(), peer());
    }

    fn seen(&self, path: &str) -> Option<Vec<u8>> {
        self.disk.peek(path).map(|bytes| bytes.to_vec())
    }
}

impl SpoolFixture for SimFiles {
    fn spool(&self) -> &dyn Spool {
        &self.spool
    }

    fn reopen(&mut self) {
        self.restart();
    }

    fn damage(&mut self, side: Side, id: &BatchId) {
        self.disk
            .rot(&format!("{}/{}", spool_directory(side), batch_name(id)), |bytes| bytes.truncate(bytes.len() - 1));
    }

    fn disguise(&mut self, side: Side, id: &BatchId) {
        let path = format!("{}/{}", spool_directory(side), batch_name(id));
        self.disk.rot(&path, |bytes| ferry_core::conformance::disguise(bytes));
    }

    fn leave_unfinished(&mut self, side: Side) {
        self.disk.write(&format!("{}/.unfinished.tmp", spool_directory(side)), Arc::new(vec![0; 9])).unwrap();
    }

    fn head(&self, side: Side, id: &BatchId) -> Option<Vec<u8>> {
        self.seen(&format!("{}/{}", head_directory(side), batch_name(id)))
    }

    fn damage_archived(&mut self, side: Side, id: &BatchId) {
        let path = format!("{}/{}", archive_directory(side), batch_name(id));
        self.disk.rot(&path, |bytes| bytes.truncate(bytes.len() - 1));
    }

    fn status(&self, side: Side, name: &str) -> Option<Vec<u8>> {
        self.seen(&format!("{}/{name}", status_directory(side)))
    }

    fn act(&self, side: Side, digest: &Digest) -> Option<Vec<u8>> {
        self.seen(&format!("{}/{digest}", act_directory(side)))
    }
}

impl GateFixture for SimFiles {
    fn gate(&self) -> &dyn Gate {
        &self.gate
    }

    fn reopen(&mut self) {
        self.restart();
    }

    fn arrive(&mut self, name: &str, bytes: &[u8]) {
        self.disk.put_there(&format!("{FROM_GATE}/{name}"), Some(Arc::new(bytes.to_vec())), None);
    }

    fn arrived(&self, name: &str) -> Option<Vec<u8>> {
        self.seen(&format!("{FROM_GATE}/{name}"))
    }

    fn waiting(&self, name: &str) -> Option<Vec<u8>> {
        self.seen(&format!("{TO_GATE}/{name}"))
    }

    fn pick_up(&mut self, name: &str) {
        self.disk.take_away(&format!("{TO_GATE}/{name}"));
    }
}

impl QuarantineFixture for SimFiles {
    fn quarantine(&self) -> &dyn Quarantine {
        &self.quarantine
    }

    fn reopen(&mut self) {
        self.restart();
    }

    fn kept(&self) -> Vec<KeptFile> {
        let file = |(path, name, note): (String, String, _)| KeptFile {
            name,
            bytes: self.seen(&path).expect("what is kept lies on the disk"),
            note,
        };
        self.quarantine.kept().into_iter().map(file).collect()
    }

    fn unverified_max(&self) -> u32 {
        u32::try_from(UNVERIFIED_FILES_MAX).unwrap()
    }
}

impl AnchorFixture for SimFiles {
    fn anchors(&self) -> &dyn AnchorStore {
        &self.anchor
    }

    fn reopen(&mut self) {
        self.restart();
    }

    fn damage(&mut self) {
        self.disk.rot(ANCHOR, |bytes| bytes.truncate(bytes.len() - 1));
    }
}

impl PowerFixture for SimFiles {
    fn spool(&self) -> &dyn Spool {
        &self.spool
    }

    fn gate(&self) -> &dyn Gate {
        &self.gate
    }

    fn waiting(&self, name: &str) -> Option<Vec<u8>> {
        self.seen(&format!("{TO_GATE}/{name}"))
    }

    fn anchors(&self) -> &dyn AnchorStore {
        &self.anchor
    }

    fn head(&self, side: Side, id: &BatchId) -> Option<Vec<u8>> {
        SpoolFixture::head(self, side, id)
    }

    fn cut_power(&mut self, seed: u64) {
        self.disk.cut_power(&mut Prng::new(seed));
        self.restart();
    }
}
