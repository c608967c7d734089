//! The extranet payment node from outside: a database of the contract, real HTTP, signed messages, and a clock that tests set.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod outer {
    mod callbacks;
    mod desk;
    mod evidence;
    mod expiry;
    mod notices;
    mod orders;
    mod program;
    mod requests;
    mod results;
    mod unit;
    mod zone;
}
