//! Trust files.

use ferry_format::{Kind, SUITE, TrustStore};

use crate::refusal::accepted;

/// A trust file that is read is spelled exactly so, its entries make the same store in any order, and asking it for keys
/// gives only keys that it holds.
pub fn trust(bytes: &[u8]) -> bool {
    let Some(store) = accepted(TrustStore::parse(bytes)) else { return false };
    assert!(store.write() == bytes, "a trust file has a second spelling");
    let mut again = TrustStore::new();
    for entry in store.entries().iter().rev() {
        again.add(entry.clone()).expect("a store takes what it held");
        if let Ok(signer) = store.signer(&entry.sign.id(), Kind::Batch, SUITE) {
            assert_eq!(signer, entry);
        }
        if let Some(recipient) = store.recipient_on(&entry.link, &entry.zone) {
            assert!(store.entries().iter().any(|entry| entry.encrypt == *recipient));
        }
    }
    assert_eq!(again, store);
    true
}
