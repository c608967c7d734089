//! All vectors, made from fixed seeds.

mod acts;
mod batch_body;
mod batch_good;
mod batch_header;
mod batch_trust;
mod card_trust;
mod revocations;
mod status;
mod text;

use std::collections::BTreeMap;

use ferry_format::{KeyState, TrustEntry, TrustStore};

use super::sample::mark;
use super::vector::Vector;
use super::{card, keys, trust, trust_with};

/// Every vector, ordered by name.
pub fn vectors() -> Vec<Vector> {
    let all = [
        batch_good::vectors(),
        batch_header::vectors(),
        batch_trust::vectors(),
        batch_body::vectors(),
        status::vectors(),
        card_trust::vectors(),
        acts::vectors(),
        revocations::vectors(),
        text::vectors(),
    ]
    .concat();
    let count = all.len();
    let by_name: BTreeMap<String, Vector> = all.into_iter().map(|vector| (vector.name.clone(), vector)).collect();
    assert_eq!(by_name.len(), count, "two vectors have one name");
    by_name.into_values().collect()
}

/// The trust files that vectors name.
pub fn trust_files() -> Vec<(&'static str, TrustStore)> {
    let revoked = |seq, status_number| {
        trust_with(|entry| {
            entry.state = KeyState::Revoked { last_good: vec![mark("confirm", 1, seq)], status_number };
        })
    };
    let mut other_zone = trust();
    other_zone.remove(&keys("outer").sign_public().id());
    other_zone.add(TrustEntry::of_zone(&card("outer", "third"), KeyState::Active)).unwrap();
    vec![
        ("both", trust()),
        ("none", TrustStore::new()),
        ("announced", trust_with(|entry| entry.state = KeyState::Announced)),
        ("retired", trust_with(|entry| entry.state = KeyState::Retired)),
        ("revoked-at-2", revoked(2, 0)),
        ("revoked-at-3", revoked(3, 0)),
        ("no-batches", trust_with(|entry| entry.objects.retain(|kind| *kind != ferry_format::Kind::Batch))),
        ("suite-2-only", trust_with(|entry| entry.suites = vec![2])),
        ("other-link", trust_with(|entry| entry.link = "other".parse().unwrap())),
        ("other-zone", other_zone),
    ]
}
