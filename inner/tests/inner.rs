//! The intranet node on a real database: issuing, matching, offline payments, requests, and whom it tells.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod inner {
    mod base;
    pub mod bench;
    mod books;
    mod ledger;
    mod matching;
    mod notices;
    mod offline;
    mod people;
    mod pushes;
    mod requests;
    mod restores;
}
