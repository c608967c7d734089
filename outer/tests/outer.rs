//! The extranet payment node from outside: a database of the contract, real HTTP, signed messages, and a clock that tests set.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod outer {
    mod acts;
    mod attempts;
    mod callbacks;
    mod closing;
    mod desk;
    mod evidence;
    mod expiry;
    mod notices;
    mod orders;
    mod program;
    mod released;
    mod requests;
    mod results;
    mod returned;
    mod settled;
    mod unit;
    mod zone;
}
