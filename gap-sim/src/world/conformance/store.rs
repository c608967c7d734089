//! The store of a host.

use ferry_core::conformance::store::{Change, INSTANCE, StoreFixture, contract, epoch_id};
use ferry_core::conformance::{link, zone};
use ferry_core::contract::Contract;
use ferry_core::ports::Store;
use ferry_format::{Digest, Payload, StreamName};

use crate::world::change;
use crate::world::database::Database;
use crate::world::make::empty_database;
use crate::world::store::SimStore;

mod outgoing {
    use super::SimZone;
    ferry_core::store_outgoing_cases!(ferry_core::conformance_tests, store_outgoing, SimZone::new());
}

mod acting {
    use super::SimZone;
    ferry_core::store_acting_cases!(ferry_core::conformance_tests, store_acting, SimZone::new());
    ferry_core::store_superseding_cases!(ferry_core::conformance_tests, store_superseding, SimZone::new());
}

mod reopening {
    use super::SimZone;
    ferry_core::store_reopening_cases!(ferry_core::conformance_tests, store_reopening, SimZone::new());
}

mod beginning {
    use super::SimZone;
    ferry_core::store_beginning_cases!(ferry_core::conformance_tests, store_beginning, SimZone::new());
}

mod loading {
    use super::SimZone;
    ferry_core::store_loading_cases!(ferry_core::conformance_tests, store_loading, SimZone::new());
}

mod returning {
    use super::SimZone;
    ferry_core::store_returning_cases!(ferry_core::conformance_tests, store_returning, SimZone::new());
}

mod applying {
    use super::SimZone;
    ferry_core::store_applying_cases!(ferry_core::conformance_tests, store_applying, SimZone::new());
}

mod refusing {
    use super::SimZone;
    ferry_core::store_refusing_cases!(ferry_core::conformance_tests, store_refusing, SimZone::new());
}

/// A database with the contract under which its programs write.
struct SimZone {
    store: SimStore,
    contract: Contract,
}

impl SimZone {
    fn new() -> Self {
        let contract = contract();
        let database = empty_database(&zone(), &link(), INSTANCE, &contract, epoch_id);
        Self { store: open(database), contract }
    }
}

fn open(database: Database) -> SimStore {
    SimStore::new(database, std::sync::Arc::default())
}

impl StoreFixture for SimZone {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn reopen(&mut self) {
        let committed = self.store.database().clone();
        self.store = open(committed);
    }

    fn commit(&mut self, changes: &[Change]) {
        for stream in self.contract.owned_by(&zone()) {
            let own = changes.iter().filter(|change| stream.table(change.table).is_some());
            let captured = |change: &Change| change::Change {
                table: change.table.to_owned(),
                op: change.op,
                key: change.key(),
                values: change.values(),
            };
            self.store.commit_rows(stream, &own.map(captured).collect::<Vec<_>>());
        }
    }

    fn adopt(&mut self, contract: &Contract) {
        self.contract = contract.clone();
    }

    fn rows(&self, table: &str) -> Vec<String> {
        self.store.database().tables.get(table).map(|rows| rows.values().cloned().collect()).unwrap_or_default()
    }

    fn parked(&self, stream: &StreamName) -> Vec<(u64, u64, String)> {
        let rows = &self.store.database().peers[stream].parked;
        rows.iter().map(|row| (row.seq, row.index, row.table.clone())).collect()
    }

    fn keep_busy(&mut self, busy: bool) {
        self.store.make_busy(if busy { u64::MAX } else { 0 });
    }

    fn hand_in(&mut self, file: &[u8]) -> u64 {
        self.store.database().hand_in(file)
    }

    fn leave_draft(&mut self, payload: &Payload) {
        self.store.database().drafts.insert(payload.plain().sm3, payload.as_bytes().to_vec());
    }

    fn mend(&mut self) {
        self.store.database().mended = true;
    }

    fn listed(&self) -> Vec<Digest> {
        self.store.database().peer_acts.keys().copied().collect()
    }
}
