//! The real sealer under the suite that every sealer passes.

use ferry_core::conformance::sealer::SealerFixture;
use ferry_core::ports::Sealer;
use ferry_format::{
    ActTime, KeyId, KeyState, Mark, Reason, Revocation, SignedRevocation, SoftKeys, TrustEntry, TrustStore,
};
use tempfile::TempDir;

use super::{
    FerrySealer, OsEntropy, create_keys, create_next, load_next, own_card, own_entry, read_trust, take_up_next,
    write_trust,
};
use crate::config::Config;
use crate::files::testing::zone;

ferry_core::sealer_cases!(ferry_core::conformance_tests, sealer, RealSealers::new());

/// The directories of the zone, of its peer and of a stranger who says that he is the peer.
struct RealSealers {
    _dirs: [TempDir; 3],
    configs: [Config; 3],
    sealers: [FerrySealer; 3],
    /// The key with which the zone signed first.
    first_key: KeyId,
}

impl RealSealers {
    /// Somebody changes whom the peer trusts.
    fn change_trust(&self, change: impl FnOnce(&mut TrustStore)) {
        let path = &self.configs[1].paths.trust;
        let mut trust = read_trust(path).unwrap();
        change(&mut trust);
        write_trust(path, &trust).unwrap();
    }

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
        let first_key = zone.2.sign_public().id();
        let dirs = made.map(|(dir, _, _)| dir);
        Self { _dirs: dirs, configs, sealers, first_key }
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

    fn rotate(&mut self) {
        create_next(&self.configs[0], false, 5).unwrap();
    }

    fn put_in_use(&mut self) {
        let card = load_next(&self.configs[0]).unwrap().unwrap().card;
        self.change_trust(|trust| {
            trust.put_in_use(&card, None).unwrap();
        });
    }

    fn finish(&mut self) {
        take_up_next(&self.configs[0]).unwrap();
    }

    fn revoke(&mut self, last_good: Vec<Mark>) {
        let (link, zone) = (self.configs[0].link.clone(), self.configs[0].zone.clone());
        let people = [(); 2].map(|()| SoftKeys::generate(&mut OsEntropy::new()).unwrap());
        let key = self.first_key;
        let reason = Reason::new("lost").unwrap();
        let revocation = Revocation { link, zone, key, last_good, status_number: 0, at_ms: 0, reason };
        let mut signed = SignedRevocation::unsigned(revocation);
        let config = self.configs[1].clone();
        self.change_trust(|trust| {
            for keys in &people {
                trust.add(TrustEntry::of_operator(&own_card(&config, keys, None, 0), KeyState::Active)).unwrap();
                signed.approve(keys).unwrap();
            }
            let verified = signed.verify(trust, &config.link, ActTime::Now(1)).unwrap();
            trust.revoke(&verified).unwrap();
        });
    }
}
