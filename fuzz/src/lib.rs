//! What must hold for whatever bytes a parser is given. Each target is a function that libFuzzer and the replay of the
//! corpus share: it fails when a promise is broken, and tells whether the product accepted the bytes.
#![warn(missing_docs)]

mod batch;
mod card;
mod config;
mod contract;
mod forge;
mod gate;
mod header;
mod layout;
mod refusal;
mod status;
mod trust;
mod zones;

pub use batch::batch;
pub use card::card;
pub use config::config;
pub use contract::contract;
pub use gate::gate;
pub use header::header;
pub use status::status;
pub use trust::trust;

/// Tries bytes and tells whether the product accepted them.
pub type Target = fn(&[u8]) -> bool;

/// Every target with the name of its program and of its directory in the corpus.
pub const TARGETS: [(&str, Target); 8] = [
    ("batch", batch),
    ("card", card),
    ("config", config),
    ("contract", contract),
    ("gate", gate),
    ("header", header),
    ("status", status),
    ("trust", trust),
];
