//! The real sealer under the suite that every sealer passes.

use ferry_core::conformance::sealer::SealerFixture;
use ferry_core::ports::Sealer;
use ferry_format::{SoftKeys, TrustStore};
use tempfile::TempDir;

use super::{FerrySealer, create_keys, own_entry, write_trust};
use crate::config::Config;
use crate::files::testing::zone;

ferry_core::sealer_cases!(ferry_core::conformance_tests, sealer, RealSealers::new());

/// The directories of the zone, of its peer and of a stranger who says that he is the peer.
struct RealSealers {
    _dirs: [TempDir; 3],
    configs: [Config; 3],
    sealers: [FerrySealer; 3],
}

impl RealSealers {
    fn new() -> Self {
        let made = [false, true, true].map(|turned| {
            let (dir, mut config) = zone("");
            if turned {
                std::mem::swap(&mut config.zone, &mut config.peer);
            }
            let keys = create_keys(&config).unwrap();
            (dir, config, keys)
        });
        let [zone, peer, stranger] = &made;
        for ((_, config, _), (_, trusted, keys)) in [(zone, peer), (peer, zone), (stranger, zone)] {
            trust(config, trusted, keys);
        }
        let configs = [&zone.1, &peer.1, &stranger.1].map(Clone::clone);
        let sealers = [&zone.1, &peer.1, &stranger.1].map(open);
        let dirs = made.map(|(dir, _, _)| dir);
        Self { _dirs: dirs, configs, sealers }
    }
}

/// Makes a zone trust the keys of another one.
fn trust(config: &Config, trusted: &Config, keys: &SoftKeys) {
    let mut trust = TrustStore::new();
    trust.add(own_entry(trusted, keys)).unwrap();
    write_trust(&config.paths.trust, &trust).unwrap();
}

fn open(config: &Config) -> FerrySealer {
    FerrySealer::open(config, None).unwrap()
}

impl SealerFixture for RealSealers {
    fn zone(&self) -> &dyn Sealer {
        &self.sealers[0]
    }

    fn peer(&self) -> &dyn Sealer {
        &self.sealers[1]
    }

    fn stranger(&self) -> &dyn Sealer {
        &self.sealers[2]
    }

    fn reopen(&mut self) {
        self.sealers = [0, 1, 2].map(|index| open(&self.configs[index]));
    }
}
