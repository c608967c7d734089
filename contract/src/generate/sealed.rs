//! What a sensitive column holds: text that looks field-encrypted and holds nothing.

use super::rng::Rng;

/// The key id in every generated ciphertext.
const FIELD_KEY_ID: &str = "5d0c31a7";
/// Bytes that field encryption adds: a nonce of 12 and a tag of 16.
const OVERHEAD_BYTES: usize = 28;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Random text of the form and length that field encryption gives a value of `plain_bytes` bytes.
pub(super) fn sealed(plain_bytes: usize, rng: &mut Rng) -> String {
    let mut text = format!("f1:{FIELD_KEY_ID}:");
    let mut rest = plain_bytes + OVERHEAD_BYTES;
    while rest > 0 {
        let take = rest.min(3);
        let bits = rng.next() >> 40 << (8 * (3 - take)) & 0xff_ffff;
        for digit in 0..4 {
            let value = usize::try_from(bits >> (18 - 6 * digit) & 63).expect("six bits fit every integer");
            text.push(if digit <= take { char::from(BASE64[value]) } else { '=' });
        }
        rest -= take;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::sealed;
    use crate::generate::rng::{Purpose, Rng};

    #[test]
    fn length_and_padding_follow_base64() {
        let mut rng = Rng::new(1, Purpose::Notice, 0);
        for (plain_bytes, padding) in [(11, 0), (18, 2), (19, 1)] {
            let text = sealed(plain_bytes, &mut rng);
            let base64 = text.strip_prefix("f1:5d0c31a7:").unwrap();
            assert_eq!(base64.len(), (plain_bytes + 28).div_ceil(3) * 4);
            assert_eq!(base64.bytes().filter(|byte| *byte == b'=').count(), padding);
        }
    }
}
