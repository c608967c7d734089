//! What both nodes have in common, on a real database and over real HTTP.

mod node_tests {
    mod interface;
    mod people;
    mod record;
    mod writer;
}
