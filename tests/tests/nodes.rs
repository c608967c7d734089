//! Both nodes and both daemons as real processes: from a notice in the ledger to a paid and matched confirmation.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod nodes {
    mod immigration;
    mod requests;
    mod traffic;
}
