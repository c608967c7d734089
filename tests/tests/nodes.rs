//! Both nodes and both daemons as real processes: from a notice in the ledger to a paid and matched confirmation.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod nodes {
    mod base;
    mod bulk;
    mod callbacks;
    mod immigration;
    mod install;
    mod interface;
    mod kills;
    mod orders;
    mod pilots;
    mod reckoning;
    mod refusals;
    mod requests;
    mod restores;
    mod review;
    mod seed;
    mod service;
    mod traffic;
}
