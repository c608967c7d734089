//! What a finance department decides for itself.

use super::fault::{Fault, Severity};
use super::pattern::PayCodePattern;

/// What becomes of a row with a fault that real data has often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weight {
    /// It counts, and people are told.
    #[default]
    Warn,
    /// It does not count.
    Reject,
}

/// What a finance department decides for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// A wrong check character of a unified social credit code. Codes in the field fail GB 32100 often.
    pub uscc_check: Weight,
    /// A division that GB/T 2260 does not have: development zones (开发区) have budgets and no code there.
    pub region_unknown: Weight,
    /// What pay codes look like.
    pub pay_code: PayCodePattern,
}

impl Weight {
    /// The fault as heavy as this says.
    pub(super) fn weigh(self, fault: Fault) -> Fault {
        let severity = match self {
            Self::Warn => Severity::Warning,
            Self::Reject => Severity::Refusal,
        };
        Fault { severity, ..fault }
    }
}
