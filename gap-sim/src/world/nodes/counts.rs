//! How much the nodes of a world did: for those who ask whether a swarm has tried anything.

use contract::rows::{NoticeRequest, PayConfirm, PayNotice};
use contract::rules::MatchState;

use super::books::Source;
use super::desk::all;
use crate::world::World;
use crate::world::host::ZoneId;

macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $field:ident,)+) => {
        /// How much the nodes did.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $field: u64,)+
        }

        impl Counts {
            /// Adds those of another world.
            pub const fn add(&mut self, other: Self) {
                $(self.$field += other.$field;)+
            }

            /// Each with its name.
            #[must_use]
            pub const fn list(&self) -> [(&'static str, u64); 9] {
                [$((stringify!($field), self.$field)),+]
            }
        }
    };
}

counts! {
    /// Notices that the inner zone has.
    notices,
    /// Requests that the outer zone has.
    requests,
    /// Confirmations that the outer zone has.
    confirmations,
    /// Those that were booked as 相符,
    matched,
    /// as 重复,
    duplicate,
    /// as 金额不符,
    amount_diff,
    /// and as 无通知书.
    no_notice,
    /// Offline payments that were booked.
    offline,
    /// Times that a node's database was put back.
    put_back,
}

impl World {
    /// How much its nodes did; nothing in a world without them.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let Some(nodes) = self.nodes.as_deref() else { return Counts::default() };
        let (inner, outer) = (self.host(ZoneId::Inner).store.database(), self.host(ZoneId::Outer).store.database());
        let booked = |state| {
            let is_it = |entry: &&super::books::Entry| entry.source == Source::Online && entry.state == state;
            inner.books.ledger.iter().filter(is_it).count() as u64
        };
        let is_offline = |entry: &&super::books::Entry| entry.source != Source::Online;
        Counts {
            notices: all::<PayNotice>(&inner).len() as u64,
            requests: all::<NoticeRequest>(&outer).len() as u64,
            confirmations: all::<PayConfirm>(&outer).len() as u64,
            matched: booked(MatchState::Matched),
            duplicate: booked(MatchState::Duplicate),
            amount_diff: booked(MatchState::AmountDiff),
            no_notice: booked(MatchState::NoNotice),
            offline: inner.books.ledger.iter().filter(is_offline).count() as u64,
            put_back: nodes.put_back,
        }
    }
}
