//! Tests of the repository itself: who may use whom, what stays pure, how files look, and whether the documents hold.

#[path = "repository/documents.rs"]
mod documents;
#[path = "repository/layering.rs"]
mod layering;
#[path = "repository/portability.rs"]
mod portability;
#[path = "repository/purity.rs"]
mod purity;
#[path = "repository/sources.rs"]
mod sources;
#[path = "repository/tidy.rs"]
mod tidy;
