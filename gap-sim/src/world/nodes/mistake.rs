//! Deliberate mistakes of the simulated nodes, for worlds that must notice them.

macro_rules! mistakes {
    ($(#[doc = $doc:literal] $kind:ident = $name:literal,)*) => {
        /// A mistake that a node could make.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mistake {
            $(#[doc = $doc] $kind,)*
        }

        impl Mistake {
            /// Every mistake.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// What is done wrong.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $doc,)* }
            }
        }
    };
}

mistakes! {
    /// The ledger judges each confirmation as if nothing had been booked before.
    BookedBlind = "booked-blind",
    /// The ledger books once more what it had booked when it was killed.
    BookedAgain = "booked-again",
    /// The ledger books in one transaction and answers in the next.
    AnsweredApart = "answered-apart",
    /// A confirmation that was answered before a restore is booked again, and nothing follows from it for its notice.
    RebookedAlone = "rebooked-alone",
    /// A confirmation that was answered before a restore is judged again, whatever the answer had been.
    JudgedAnew = "judged-anew",
    /// An offline payment that came back after a restore is not booked again.
    OfflineForgotten = "offline-forgotten",
    /// Money of an order counts whatever other orders of its notice were paid.
    SecondCounts = "second-counts",
    /// A confirmation that came back after a restore is made no transaction of, and counts for nothing.
    ReturnedForgotten = "returned-forgotten",
    /// The order is paid in one transaction and confirmed in the next.
    ConfirmedApart = "confirmed-apart",
    /// A payment that is heard of again is confirmed under another number.
    ConfirmedAnew = "confirmed-anew",
}
