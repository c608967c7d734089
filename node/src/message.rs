//! Signed messages between systems, as the merchant interface has them (签名验签).
//!
//! A message is a JSON object of strings: `version`, `devId`, `timestamp` (yyyyMMddHHmmss, China time), `nonce`, `data` (a JSON
//! document in base64) and `sign`. What is signed: every parameter but `sign` that is not empty, sorted by name in ASCII order,
//! as `name=value` joined by `&`, in UTF-8; the signature is SM2 with SM3, id `1234567812345678`, in DER, in base64.
//! Where the interface is silent, this is our reading of it: `sign` does not sign itself, `data` is signed as it is sent,
//! and a nonce makes a message good for once.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use console::{ExitCode, Fault, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};

use crate::clock::Moment;
use crate::entropy::Entropy;
use crate::failure::{Failure, Kind};
use crate::field_key::hex;
use crate::private::is_private;

/// The id of signers (GM/T 0009).
const SIGNER_ID: &str = "1234567812345678";
/// The version of the interface.
const VERSION: &str = "1.0.0";
/// How far a message's time may be from this machine's, either way, in milliseconds: clocks of two systems differ, and a nonce is
/// remembered for as long.
pub const SKEW_MS: i64 = 5 * 60 * 1_000;
/// The longest nonce and the shortest, in characters: a GUID, or as much randomness.
const NONCE_CHARS: std::ops::RangeInclusive<usize> = 16..=64;
/// The longest signature, in base64 characters: two 33-byte integers in DER have 72 bytes.
const SIGN_CHARS_MAX: usize = 96;

/// A signed message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// Always 1.0.0.
    pub version: String,
    /// The client's id.
    pub dev_id: String,
    /// yyyyMMddHHmmss, China time.
    pub timestamp: String,
    /// Text that the client never sends again.
    pub nonce: String,
    /// A JSON document in base64.
    pub data: String,
    /// The signature in base64.
    pub sign: String,
}

/// Why a message is not taken.
fn refuse(code: &'static str, message: Text, next: Text) -> Failure {
    Failure::new(Kind::Unknown, code, message, next)
}

impl Message {
    /// Signs a document.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn sign(
        key: &ClientKey,
        dev_id: &str,
        data: &Value,
        now: Moment,
        entropy: &dyn Entropy,
    ) -> Result<Self, Failure> {
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce)?;
        let mut message = Self {
            version: VERSION.to_owned(),
            dev_id: dev_id.to_owned(),
            timestamp: now.time14(),
            nonce: hex(&nonce),
            data: BASE64_STANDARD.encode(data.to_string()),
            sign: String::new(),
        };
        let signature: Signature = key.0.try_sign(message.signed().as_bytes()).map_err(Failure::internal)?;
        message.sign = BASE64_STANDARD.encode(signature.to_der().as_bytes());
        Ok(message)
    }

    /// What is signed.
    #[must_use]
    pub fn signed(&self) -> String {
        // In ASCII order of the names.
        let parts = [
            ("data", &self.data),
            ("devId", &self.dev_id),
            ("nonce", &self.nonce),
            ("timestamp", &self.timestamp),
            ("version", &self.version),
        ];
        let there = parts.iter().filter(|(_, value)| !value.is_empty());
        there.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    /// Looks at form and time, before anything is looked up. Yields until when the nonce must be remembered.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check_form(&self, now: Moment) -> Result<Moment, Failure> {
        if self.version != VERSION {
            return Err(refuse(
                "version",
                console::text!("the version must be {VERSION}", "version 应为 {VERSION}"),
                Text::fixed("send that version", "请使用该版本"),
            ));
        }
        let sent = Moment::of_time14(&self.timestamp).filter(|sent| (sent.ms() - now.ms()).abs() <= SKEW_MS);
        let Some(sent) = sent else {
            let here = now.time14();
            return Err(refuse(
                "timestamp",
                console::text!(
                    "the time is not within five minutes of {here}",
                    "timestamp 与本机时间 {here} 相差超过五分钟"
                ),
                Text::fixed(
                    "set the clock, and send yyyyMMddHHmmss in China time",
                    "请校准时钟，并以北京时间 yyyyMMddHHmmss 发送",
                ),
            ));
        };
        let is_nonce =
            NONCE_CHARS.contains(&self.nonce.len()) && self.nonce.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_nonce {
            return Err(refuse(
                "nonce",
                Text::fixed("the nonce must have 16 to 64 printable characters", "nonce 应为 16 至 64 个可见字符"),
                Text::fixed("send random text, another each time", "请每次发送不同的随机串"),
            ));
        }
        Ok(sent.plus_ms(2 * SKEW_MS))
    }

    /// Verifies the signature with the client's key.
    ///
    /// # Errors
    /// When it is not that key's over this message.
    pub fn verify(&self, public_key_pem: &str) -> Result<(), Failure> {
        let wrong = || {
            refuse(
                "signature",
                Text::fixed(
                    "the signature is not that of the client's key over this message",
                    "签名与接入系统的公钥及报文不符",
                ),
                Text::fixed(
                    "sign name=value joined by &, sorted, without sign, SM2 with SM3, DER, base64",
                    "按名称排序的 name=value 以 & 连接（不含 sign），SM2 with SM3，DER，Base64",
                ),
            )
        };
        let key = public_key(public_key_pem)?;
        if self.sign.len() > SIGN_CHARS_MAX {
            return Err(wrong());
        }
        let der = BASE64_STANDARD.decode(&self.sign).map_err(|_| wrong())?;
        let signature = Signature::from_der(&der).map_err(|_| wrong())?;
        key.verify(self.signed().as_bytes(), &signature).map_err(|_| wrong())
    }

    /// The document.
    ///
    /// # Errors
    /// When it is no JSON in base64.
    pub fn document(&self) -> Result<Vec<u8>, Failure> {
        BASE64_STANDARD.decode(&self.data).map_err(|_| {
            Failure::new(
                Kind::Bad,
                "data",
                Text::fixed("data is no base64", "data 不是 Base64"),
                Text::fixed("send a JSON document in base64", "请发送 Base64 编码的 JSON"),
            )
        })
    }
}

/// A client's public key.
///
/// # Errors
/// When it is no SM2 key in PEM.
pub fn public_key(pem: &str) -> Result<VerifyingKey, Failure> {
    let key = sm2::PublicKey::from_public_key_pem(pem).ok();
    key.and_then(|key| VerifyingKey::new(SIGNER_ID, key).ok()).ok_or_else(|| {
        Failure::new(
            Kind::Bad,
            "public-key",
            Text::fixed("this is no SM2 public key in PEM", "不是 PEM 格式的 SM2 公钥"),
            Text::fixed("make one with `openssl ec -pubout`", "可用 `openssl ec -pubout` 导出"),
        )
    })
}

/// The private key with which a program signs its messages.
pub struct ClientKey(SigningKey);

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientKey")
    }
}

impl ClientKey {
    /// Reads a `PRIVATE KEY` in PKCS#8 PEM.
    ///
    /// # Errors
    /// When it is no SM2 key.
    pub fn from_pem(pem: &str) -> Result<Self, Failure> {
        let secret = sm2::SecretKey::from_pkcs8_pem(pem).ok();
        let key = secret.and_then(|secret| SigningKey::new(SIGNER_ID, &secret).ok());
        key.map(Self).ok_or_else(|| {
            Failure::new(
                Kind::Bad,
                "private-key",
                Text::fixed("this is no SM2 private key in PKCS#8 PEM", "不是 PKCS#8 PEM 格式的 SM2 私钥"),
                Text::fixed(
                    "make one with `openssl genpkey -algorithm SM2`",
                    "可用 `openssl genpkey -algorithm SM2` 生成",
                ),
            )
        })
    }
}

/// A private key in PEM has a few hundred bytes; what is larger is another file.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Reads a private key that a field of the configuration names.
///
/// # Errors
/// When it is not there, others may read it, or it is no SM2 key.
pub fn read_key(field: &str, path: &Path) -> Result<ClientKey, Fault> {
    let shown = path.display();
    let make =
        || Text::fixed("make one with `openssl genpkey -algorithm SM2`", "可用 `openssl genpkey -algorithm SM2` 生成");
    let refuse = |exit, message: Text, next: Text| Fault::new("private-key", exit, message, next);
    let unreadable = |error: std::io::Error| {
        let message = console::text!("{field} {shown} cannot be read: {error}", "{field} {shown} 无法读取：{error}");
        refuse(ExitCode::Keys, message, make())
    };
    let file = File::open(path).map_err(unreadable)?;
    if !is_private(path, file.metadata().map_err(unreadable)?.permissions().mode()) {
        return Err(refuse(
            ExitCode::Permissions,
            console::text!("others may read {field} {shown}", "其他用户可读取 {field} {shown}"),
            console::text!("run `chmod 600 {shown}`", "请运行 `chmod 600 {shown}`"),
        ));
    }
    let mut pem = String::new();
    file.take(KEY_BYTES_MAX).read_to_string(&mut pem).map_err(unreadable)?;
    ClientKey::from_pem(&pem).map_err(|failure| {
        let message = console::text!("{field} {shown} is no SM2 private key", "{field} {shown} 不是 SM2 私钥");
        refuse(ExitCode::Keys, message, failure.next)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sm2::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};

    use super::{ClientKey, Message};
    use crate::clock::Moment;
    use crate::entropy::SystemEntropy;

    fn pair() -> (ClientKey, String) {
        let secret = sm2::SecretKey::from_slice(&[9; 32]).unwrap();
        let pem = secret.to_pkcs8_pem(sm2::pkcs8::LineEnding::LF).unwrap();
        let public = secret.public_key().to_public_key_pem(sm2::pkcs8::LineEnding::LF).unwrap();
        (ClientKey::from_pem(&pem).unwrap(), public)
    }

    #[test]
    fn a_message_is_known_by_its_signature_and_its_time() {
        let (key, public) = pair();
        let now = Moment::of_ms(1_767_196_800_000).unwrap();
        let message = Message::sign(&key, "ledger-1", &json!({ "缴款码": 1 }), now, &SystemEntropy::new()).unwrap();
        message.check_form(now).unwrap();
        message.verify(&public).unwrap();
        assert_eq!(message.document().unwrap(), "{\"缴款码\":1}".as_bytes());
        let code = |change: &dyn Fn(&mut Message)| {
            let mut other = message.clone();
            change(&mut other);
            other.check_form(now).and_then(|_| other.verify(&public)).unwrap_err().code
        };
        assert_eq!(code(&|message| message.data.insert(0, 'A')), "signature");
        assert_eq!(code(&|message| message.dev_id = "ledger-2".to_owned()), "signature");
        assert_eq!(code(&|message| message.sign.clear()), "signature");
        assert_eq!(code(&|message| message.sign = "A".repeat(1_000)), "signature");
        assert_eq!(code(&|message| message.timestamp = "20251231235459".to_owned()), "timestamp");
        assert_eq!(code(&|message| message.timestamp = "now".to_owned()), "timestamp");
        assert_eq!(code(&|message| message.nonce = "1".to_owned()), "nonce");
        assert_eq!(code(&|message| message.version = "2".to_owned()), "version");
    }
}
