//! What both nodes have in common, on a real database and over real HTTP.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod node_tests {
    mod clients;
    mod interface;
    mod people;
    mod post;
    mod record;
    mod slow;
    mod writer;
}
