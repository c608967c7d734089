//! The sealer of a host.

use ferry_core::conformance::sealer::SealerFixture;
use ferry_core::conformance::{link, peer, zone};
use ferry_core::ports::Sealer;
use ferry_format::{KeyProvider as _, Mark, Reason, Revocation, SignedRevocation, ZoneName};

use crate::world::sealer::{SimSealer, card, keys_from, operators, strangers};

ferry_core::sealer_cases!(ferry_core::conformance_tests, sealer, SimSealers::new());

struct SimSealers([SimSealer; 3]);

impl SimSealers {
    /// The zone, its peer, and a stranger who says that he is the peer.
    fn new() -> Self {
        let keys = || [keys_from(1), keys_from(2), strangers(1)];
        let names: [ZoneName; 3] = [zone(), peer(), peer()];
        let cards = [0, 1, 2].map(|index| card(&keys()[index], &link(), &names[index]));
        let people = operators(1).map(|keys| card(&keys, &link(), &names[1]));
        let [zone, peer, stranger] = keys();
        Self([
            SimSealer::new(zone, &cards[0], &cards[1], &people, 1),
            SimSealer::new(peer, &cards[1], &cards[0], &people, 2),
            SimSealer::new(stranger, &cards[2], &cards[0], &people, 3),
        ])
    }
}

impl SealerFixture for SimSealers {
    fn zone(&self) -> &dyn Sealer {
        &self.0[0]
    }

    fn peer(&self) -> &dyn Sealer {
        &self.0[1]
    }

    fn stranger(&self) -> &dyn Sealer {
        &self.0[2]
    }

    /// What a world knows of keys is on a disk that it never loses.
    fn reopen(&mut self) {}

    fn rotate(&mut self) {
        self.0[0].rotate(keys_from(3));
    }

    fn put_in_use(&mut self) {
        let card = self.0[0].next_card().unwrap().clone();
        self.0[1].put_in_use(&card);
    }

    fn finish(&mut self) {
        self.0[0].finish();
    }

    fn revoke(&mut self, last_good: Vec<Mark>) {
        let (key, reason) = (keys_from(1).sign_key_id(), Reason::new("lost").unwrap());
        let revocation = Revocation { link: link(), zone: zone(), key, last_good, status_number: 0, at_ms: 0, reason };
        let mut signed = SignedRevocation::unsigned(revocation);
        for keys in operators(1) {
            assert!(self.0[1].revoke(&signed).is_err(), "two must sign");
            signed.approve(&keys).unwrap();
        }
        self.0[1].revoke(&signed).unwrap();
    }
}
