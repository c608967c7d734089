//! Encryption of sensitive columns (敏感字段) with SM4-GCM under the field key, which both zones receive at the key ceremony.
//!
//! A value is stored as `f1:<key id>:<base64 of nonce, ciphertext and tag>`. Table and column are authenticated with it, so that
//! a value that was moved into another column does not open.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use console::{ExitCode, Fault, Text};
use sm3::{Digest as _, Sm3};
use sm4::Sm4;
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::failure::Failure;
use crate::private::is_private;

/// What is hashed before the key to make its id, so that the id is no other digest of the key.
const ID_LABEL: &[u8] = b"ferry field key\n";
/// Bytes of a key, and of a nonce.
const KEY_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
/// The longest value, in bytes: the widest sensitive column holds 200, of which encryption takes a third.
pub const PLAIN_BYTES_MAX: usize = 100;
/// A key's file is 32 hex digits and a line end; what is larger is another file.
const FILE_BYTES_MAX: u64 = 64;

/// The field key.
pub struct FieldKey {
    id: String,
    cipher: AesGcm<Sm4, U12>,
}

impl std::fmt::Debug for FieldKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl FieldKey {
    /// A key of 16 bytes.
    #[must_use]
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        let mut hasher = Sm3::new();
        hasher.update(ID_LABEL);
        hasher.update(key);
        let id = hex(&hasher.finalize()[..4]);
        Self { id, cipher: AesGcm::new(key.into()) }
    }

    /// Reads a key's file: 32 hex digits, readable by its owner alone or handed over by the service manager.
    ///
    /// # Errors
    /// When it is not there, others may read it, or it holds something else.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let shown = path.display();
        let refuse = |exit, what: Text, next: Text| Fault::new("field-key", exit, what, next);
        let make = || {
            Text::fixed(
                "make one with the verb `field-key` in one zone and carry it to the other by hand",
                "请在一侧用 `field-key` 命令生成，并人工携带到另一侧",
            )
        };
        let unreadable = |error: std::io::Error| {
            refuse(
                ExitCode::Keys,
                console::text!("the field key {shown} cannot be read: {error}", "字段密钥 {shown} 无法读取：{error}"),
                make(),
            )
        };
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode();
        if !is_private(path, mode) {
            return Err(refuse(
                ExitCode::Permissions,
                console::text!("others may read the field key {shown}", "其他用户可读取字段密钥 {shown}"),
                console::text!("run `chmod 600 {shown}`", "请运行 `chmod 600 {shown}`"),
            ));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
        let key = unhex(text.trim()).map(Zeroizing::new).ok_or_else(|| {
            refuse(
                ExitCode::Keys,
                console::text!("{shown} is no field key of 32 hex digits", "{shown} 不是 32 位十六进制的字段密钥"),
                make(),
            )
        })?;
        Ok(Self::new(&key))
    }

    /// The key's id, 8 hex digits: what its ciphertexts carry.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encrypts a value of a column.
    ///
    /// # Errors
    /// When it is too long for a column, or there is no randomness.
    pub fn seal(&self, place: (&str, &str), plain: &str, entropy: &dyn Entropy) -> Result<String, Failure> {
        if plain.len() > PLAIN_BYTES_MAX {
            let width = plain.len();
            let (table, column) = place;
            return Err(Failure::new(
                crate::failure::Kind::Bad,
                "too-long",
                console::text!(
                    "{table}.{column} has {width} bytes, at most {PLAIN_BYTES_MAX} are allowed",
                    "{table}.{column} 为 {width} 字节，最多 {PLAIN_BYTES_MAX}"
                ),
                Text::fixed("shorten it", "请缩短"),
            ));
        }
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce)?;
        let associated = associated(place);
        let payload = Payload { msg: plain.as_bytes(), aad: &associated };
        let sealed = self.cipher.encrypt(&nonce.into(), payload).map_err(Failure::internal)?;
        Ok(format!("f1:{}:{}", self.id, BASE64_STANDARD.encode([&nonce[..], &sealed].concat())))
    }

    /// Opens a value of a column; none when it is under another key, of another column, or was changed.
    #[must_use]
    pub fn open(&self, place: (&str, &str), sealed: &str) -> Option<String> {
        let body = sealed.strip_prefix("f1:")?.strip_prefix(self.id.as_str())?.strip_prefix(':')?;
        let bytes = BASE64_STANDARD.decode(body).ok()?;
        let (nonce, message) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let associated = associated(place);
        let plain = self.cipher.decrypt(&(*nonce).into(), Payload { msg: message, aad: &associated }).ok()?;
        String::from_utf8(plain).ok()
    }
}

fn associated((table, column): (&str, &str)) -> Vec<u8> {
    format!("{table}.{column}").into_bytes()
}

/// A new key as its file holds it.
///
/// # Errors
/// When there is no randomness.
pub fn new_key(entropy: &dyn Entropy) -> Result<Zeroizing<String>, Failure> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    entropy.fill(key.as_mut())?;
    Ok(Zeroizing::new(format!("{}\n", hex(key.as_ref()))))
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    if text.len() != 2 * KEY_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, place) in key.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[place..place + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::{FieldKey, new_key};
    use crate::entropy::SystemEntropy;

    const PLACE: (&str, &str) = ("pay_notice", "payer_id_no");

    #[test]
    fn a_value_opens_in_its_column_under_its_key_alone() {
        let (key, entropy) = (FieldKey::new(&[7; 16]), SystemEntropy::new());
        let sealed = key.seal(PLACE, "110101199003070011", &entropy).unwrap();
        assert!(contract::rules::is_sealed(&sealed), "{sealed}");
        assert_eq!(key.open(PLACE, &sealed).as_deref(), Some("110101199003070011"));
        assert_ne!(sealed, key.seal(PLACE, "110101199003070011", &entropy).unwrap());
        assert_eq!(key.open(("pay_notice", "payer_phone"), &sealed), None);
        assert_eq!(FieldKey::new(&[8; 16]).open(PLACE, &sealed), None);
        let changed = sealed.replacen(":", ":A", 2);
        assert_eq!(key.open(PLACE, &changed), None);
        assert_eq!(key.seal(PLACE, &"1".repeat(101), &entropy).unwrap_err().code, "too-long");
    }

    #[test]
    fn a_key_is_read_from_a_file_that_others_cannot_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("field.key");
        assert_eq!(FieldKey::read(&path).unwrap_err().code, "field-key");
        #[expect(clippy::disallowed_methods, reason = "a test's file")]
        std::fs::write(&path, new_key(&SystemEntropy::new()).unwrap().as_bytes()).unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o640);
        assert_eq!(FieldKey::read(&path).unwrap_err().exit.name(), "permissions");
        mode(0o600);
        assert_eq!(FieldKey::read(&path).unwrap().id().len(), 8);
    }
}
