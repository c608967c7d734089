//! Tests of the repository itself: who may use whom, what stays pure, how files look, whether the documents hold, and what
//! is installed.

#[path = "repository/documents.rs"]
mod documents;
#[path = "repository/layering.rs"]
mod layering;
#[path = "repository/operations.rs"]
mod operations;
#[path = "repository/packages.rs"]
mod packages;
#[path = "repository/portability.rs"]
mod portability;
#[path = "repository/purity.rs"]
mod purity;
#[path = "repository/sources.rs"]
mod sources;
#[path = "repository/steps.rs"]
mod steps;
#[path = "repository/tidy.rs"]
mod tidy;
#[path = "repository/units.rs"]
mod units;
