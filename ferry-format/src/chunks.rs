//! Chunks: SM4-GCM (RFC 8998) over pieces of the compressed plaintext, in the STREAM construction.

#[cfg(not(feature = "clear-control"))]
use aes_gcm::aead::Tag;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce};
use aes_gcm::{AesGcm, aead};
use sm4::Sm4;

use crate::Digest;
use crate::envelope::SUITE;
use crate::keys::DataKey;

/// The bytes of a tag, at the end of every chunk.
pub const TAG_BYTES: usize = 16;
/// The random bytes that begin every nonce of a file.
pub const NONCE_PREFIX_BYTES: usize = 7;

type Sm4Gcm = AesGcm<Sm4, U12>;

/// How many chunks `bytes` compressed bytes make: at least one, because even nothing is sealed.
#[must_use]
pub fn chunk_count(bytes: u64, chunk_bytes: u64) -> u64 {
    bytes.div_ceil(chunk_bytes).max(1)
}

/// Encrypts and decrypts the chunks of one file.
pub(crate) struct Stream {
    cipher: Sm4Gcm,
    prefix: [u8; NONCE_PREFIX_BYTES],
    associated: [u8; 38],
}

impl Stream {
    pub fn new(key: &DataKey, prefix: [u8; NONCE_PREFIX_BYTES], statement: Digest, chunk_bytes: u32) -> Self {
        let mut associated = [0; 38];
        associated[..32].copy_from_slice(&statement.0);
        associated[32..34].copy_from_slice(&SUITE.to_be_bytes());
        associated[34..].copy_from_slice(&chunk_bytes.to_be_bytes());
        Self { cipher: Sm4Gcm::new(&key.0.into()), prefix, associated }
    }

    /// Returns the tag of `chunk` and leaves it readable: the control of the test that searches for secrets, which
    /// proves nothing unless it finds them here.
    #[cfg(feature = "clear-control")]
    pub fn encrypt(&self, index: u32, last: bool, chunk: &mut [u8]) -> [u8; TAG_BYTES] {
        let mut copy = chunk.to_vec();
        let tag =
            self.cipher.encrypt_inout_detached(&self.nonce(index, last), &self.associated, copy.as_mut_slice().into());
        tag.expect("a chunk is far below the length limit of GCM").into()
    }

    /// Checks the tag of a readable chunk.
    #[cfg(feature = "clear-control")]
    pub fn decrypt(&self, index: u32, last: bool, chunk: &mut [u8], tag: &[u8; TAG_BYTES]) -> Result<(), aead::Error> {
        if self.encrypt(index, last, chunk) == *tag { Ok(()) } else { Err(aead::Error) }
    }

    /// Encrypts `chunk` in place and returns its tag.
    #[cfg(not(feature = "clear-control"))]
    pub fn encrypt(&self, index: u32, last: bool, chunk: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self.cipher.encrypt_inout_detached(&self.nonce(index, last), &self.associated, chunk.into());
        tag.expect("a chunk is far below the length limit of GCM").into()
    }

    /// Decrypts `chunk` in place; on failure its content is of no use.
    #[cfg(not(feature = "clear-control"))]
    pub fn decrypt(&self, index: u32, last: bool, chunk: &mut [u8], tag: &[u8; TAG_BYTES]) -> Result<(), aead::Error> {
        let tag: &Tag<Sm4Gcm> = tag.into();
        self.cipher.decrypt_inout_detached(&self.nonce(index, last), &self.associated, chunk.into(), tag)
    }

    fn nonce(&self, index: u32, last: bool) -> Nonce<Sm4Gcm> {
        let mut nonce = Nonce::<Sm4Gcm>::default();
        nonce[..7].copy_from_slice(&self.prefix);
        nonce[7..11].copy_from_slice(&index.to_be_bytes());
        nonce[11] = u8::from(last);
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::hex_decode_vec;

    #[test]
    fn the_cipher_is_that_of_rfc_8998_appendix_a_1() {
        let cipher = Sm4Gcm::new_from_slice(&hex("0123456789abcdeffedcba9876543210")).unwrap();
        let nonce = Nonce::<Sm4Gcm>::try_from(hex("00001234567800000000abcd").as_slice()).unwrap();
        let mut text = hex(concat!(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd",
            "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
        ));
        let associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let tag = cipher.encrypt_inout_detached(&nonce, &associated, text.as_mut_slice().into()).unwrap();
        let expected = hex(concat!(
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735",
            "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        ));
        assert_eq!(text, expected);
        assert_eq!(tag.to_vec(), hex("83de3541e4c2b58177e065a9bf7b62ec"));
    }

    #[test]
    fn a_chunk_has_its_place() {
        let stream = Stream::new(&DataKey([1; 16]), [2; 7], Digest([3; 32]), 4096);
        let mut chunk = *b"some rows";
        let tag = stream.encrypt(5, false, &mut chunk);
        for (index, last) in [(4, false), (5, true)] {
            assert!(stream.decrypt(index, last, &mut chunk.clone(), &tag).is_err());
        }
        stream.decrypt(5, false, &mut chunk, &tag).unwrap();
        assert_eq!(&chunk, b"some rows");
    }

    #[test]
    fn even_nothing_is_one_chunk() {
        assert_eq!(chunk_count(0, 4096), 1);
        assert_eq!(chunk_count(4096, 4096), 1);
        assert_eq!(chunk_count(4097, 4096), 2);
    }

    fn hex(text: &str) -> Vec<u8> {
        hex_decode_vec(text).unwrap()
    }
}
