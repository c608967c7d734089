//! What those who work at the nodes have done, seen by the thread that watches; and what the two halves tell each other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A notice that was issued and that somebody will pay outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    /// 缴款码.
    pub pay_code: String,
    /// What it asks for, in fen.
    pub total_fen: i64,
    /// Whether the police collect it at the roadside.
    pub is_traffic: bool,
}

/// A number that several threads raise.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Raises it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How far it is.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// How far it was before it is raised by one.
    pub fn take(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// What was done.
#[derive(Debug, Default)]
pub struct Deeds {
    /// Rows of base data that were imported.
    pub imported: Count,
    /// Rows of base data that were changed: by an import, and by the ledger's messages.
    pub edited: Count,
    /// Rows of base data that were deleted in the database itself.
    pub deleted: Count,
    /// Notices that the ledger had issued.
    pub issued: Count,
    /// Notices that two people declared void.
    pub voided: Count,
    /// Payments that a bank or the police reported.
    pub offline: Count,
    /// Requests for notices.
    pub requested: Count,
    /// Payments that a channel told of.
    pub payments: Count,
    /// Payments that a channel told of twice.
    pub told_twice: Count,
    /// Payments for what had been paid by another order.
    pub repaid: Count,
    /// Payments made offline that went back.
    pub refunded: Count,
    /// Notices on their way to their payers.
    payable: Mutex<VecDeque<Payable>>,
    /// Payments to the police of what was paid online, too: they are to go back.
    to_refund: Mutex<Vec<String>>,
    is_issued: AtomicBool,
    paying: AtomicU64,
}

impl Deeds {
    /// What was done before anything was, by so many payers.
    #[must_use]
    pub fn of(payers: u64) -> Self {
        Self { paying: AtomicU64::new(payers), ..Self::default() }
    }

    /// Hands notices to their payers.
    pub fn hand_out(&self, notices: impl IntoIterator<Item = Payable>) {
        lock(&self.payable).extend(notices);
    }

    /// No more notices will be handed out.
    pub fn all_issued(&self) {
        self.is_issued.store(true, Ordering::Release);
    }

    /// The next notice to be paid; inside, none when there will be no more.
    pub fn next_payable(&self) -> Option<Option<Payable>> {
        // Asked first: what was handed out before that is seen below.
        let is_issued = self.is_issued.load(Ordering::Acquire);
        match lock(&self.payable).pop_front() {
            Some(payable) => Some(Some(payable)),
            None if is_issued => Some(None),
            None => None,
        }
    }

    /// Remembers a payment to the police that is to go back.
    pub fn remember(&self, payment_id: String) {
        lock(&self.to_refund).push(payment_id);
    }

    /// Payments to the police that are to go back, each once.
    pub fn to_refund(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.to_refund))
    }

    /// A payer has paid all that fell to them.
    pub fn payer_done(&self) {
        self.paying.fetch_sub(1, Ordering::Release);
    }

    /// Whether every payer has.
    #[must_use]
    pub fn all_paid(&self) -> bool {
        self.paying.load(Ordering::Acquire) == 0
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that broke ends the run; what it left here is whole.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
