//! The two zones of the test vectors: their private keys, and whom they trust.

use std::sync::LazyLock;

use ferry_format::{Entropy, EntropyError, PublicKey, SoftKeys, TrustStore};

/// The zones, read once.
pub static ZONES: LazyLock<Zones> = LazyLock::new(Zones::read);

/// Keys and trust of both zones.
pub struct Zones {
    pub outer: SoftKeys,
    pub inner: SoftKeys,
    pub trust: TrustStore,
    /// To whom each file of theirs is sealed, ordered by key id.
    pub recipients: Vec<PublicKey>,
}

impl Zones {
    fn read() -> Self {
        let outer = keys(
            include_str!("../../ferry-format/testdata/keys/outer-sign.pem"),
            include_str!("../../ferry-format/testdata/keys/outer-encrypt.pem"),
        );
        let inner = keys(
            include_str!("../../ferry-format/testdata/keys/inner-sign.pem"),
            include_str!("../../ferry-format/testdata/keys/inner-encrypt.pem"),
        );
        let trust = TrustStore::parse(include_bytes!("../../ferry-format/testdata/trust/both.trust"));
        let mut recipients = vec![outer.encrypt_public().clone(), inner.encrypt_public().clone()];
        recipients.sort_by_key(PublicKey::id);
        Self { outer, inner, trust: trust.expect("the trust file of the test vectors is good"), recipients }
    }
}

fn keys(sign_pem: &str, encrypt_pem: &str) -> SoftKeys {
    SoftKeys::from_pem(sign_pem, encrypt_pem).expect("the keys of the test vectors are good")
}

/// Runs `work` with signatures and wrapped keys that cost nothing, where libFuzzer is linked: what is signed here needs
/// no strong key, and with real ones nearly all the time would go to the curve.
pub fn cheaply<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(feature = "libfuzzer")]
    ferry_format::toy_keys::set(true);
    let done = work();
    #[cfg(feature = "libfuzzer")]
    ferry_format::toy_keys::set(false);
    done
}

/// Bytes that are the same in every run.
#[derive(Default)]
pub struct Counted(u8);

impl Entropy for Counted {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            self.0 = self.0.wrapping_mul(29).wrapping_add(113);
            *byte = self.0;
        }
        Ok(())
    }
}
