//! The sealer of a host.

use ferry_core::conformance::sealer::SealerFixture;
use ferry_core::conformance::{link, peer, zone};
use ferry_core::ports::Sealer;
use ferry_format::ZoneName;

use crate::world::sealer::{SimSealer, card, keys_from, strangers};

ferry_core::sealer_cases!(ferry_core::conformance_tests, sealer, SimSealers::new());

struct SimSealers([SimSealer; 3]);

impl SimSealers {
    /// The zone, its peer, and a stranger who says that he is the peer.
    fn new() -> Self {
        let keys = || [keys_from(1), keys_from(2), strangers(1)];
        let names: [ZoneName; 3] = [zone(), peer(), peer()];
        let cards = [0, 1, 2].map(|index| card(&keys()[index], &link(), &names[index]));
        let [zone, peer, stranger] = keys();
        Self([
            SimSealer::new(zone, &cards[0], &cards[1], &[], 1),
            SimSealer::new(peer, &cards[1], &cards[0], &[], 2),
            SimSealer::new(stranger, &cards[2], &cards[0], &[], 3),
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

    fn reopen(&mut self) {
        *self = Self::new();
    }
}
