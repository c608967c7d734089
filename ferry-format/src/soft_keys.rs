//! The built-in key provider: private keys in memory. It is not a certified module. A key is wiped when its holder is
//! dropped; working copies, which the library makes on the stack while it computes, are not.

use core::fmt;

use sm2::SecretKey;
use sm2::dsa::signature::Signer;
use sm2::dsa::{Signature, SigningKey};
use sm2::elliptic_curve::Generate;
use sm2::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use sm2::pke::DecryptingKey;
use zeroize::Zeroizing;

use crate::KeyId;
use crate::entropy::{Entropy, EntropyError, Lent};
use crate::error::FormatError;
use crate::keys::{DataKey, KeyError, KeyProvider, PublicKey, SIGNER_ID};

/// A private SM2 key that signs.
#[derive(Clone)]
pub struct SignKey {
    secret: SecretKey,
    public: PublicKey,
}

/// A private SM2 key that unwraps data keys.
#[derive(Clone)]
pub struct EncryptKey {
    secret: SecretKey,
    public: PublicKey,
}

impl SignKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let secret = draw(entropy)?;
        Ok(Self::of(secret).expect("a key that was just drawn is a valid key"))
    }

    /// Reads a `PRIVATE KEY` in PKCS#8 PEM.
    ///
    /// # Errors
    /// [`FormatError::BadPrivateKey`] when it is not an SM2 key.
    pub fn from_pem(pem: &str) -> Result<Self, FormatError> {
        Self::of(SecretKey::from_pkcs8_pem(pem).map_err(|_| FormatError::BadPrivateKey)?)
    }

    /// The `PRIVATE KEY` in PKCS#8 PEM.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem_of(&self.secret)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message` with SM2 and SM3; the result is DER. The same message gives the same signature (RFC 6979).
    ///
    /// # Errors
    /// [`KeyError::Refused`] when the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        #[cfg(feature = "toy-keys")]
        if crate::toy_keys::are_on() {
            return Ok(crate::toy_keys::sign(self.public.spki(), message));
        }
        let key = SigningKey::new(SIGNER_ID, &self.secret).map_err(|_| KeyError::Refused)?;
        let signature: Signature = key.try_sign(message).map_err(|_| KeyError::Refused)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn of(secret: SecretKey) -> Result<Self, FormatError> {
        let public = PublicKey::of(secret.public_key())?;
        Ok(Self { secret, public })
    }
}

impl EncryptKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let secret = draw(entropy)?;
        Ok(Self::of(secret).expect("a key that was just drawn is a valid key"))
    }

    /// Reads a `PRIVATE KEY` in PKCS#8 PEM.
    ///
    /// # Errors
    /// [`FormatError::BadPrivateKey`] when it is not an SM2 key.
    pub fn from_pem(pem: &str) -> Result<Self, FormatError> {
        Self::of(SecretKey::from_pkcs8_pem(pem).map_err(|_| FormatError::BadPrivateKey)?)
    }

    /// The `PRIVATE KEY` in PKCS#8 PEM.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem_of(&self.secret)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Unwraps a data key: an SM2 ciphertext in DER.
    ///
    /// # Errors
    /// [`KeyError::Refused`] when it was not wrapped for this key, or does not hold a data key.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, KeyError> {
        #[cfg(feature = "toy-keys")]
        if crate::toy_keys::are_on() {
            return crate::toy_keys::unwrap(self.public.spki(), wrapped);
        }
        let key = DecryptingKey::new(self.secret.clone());
        let plain = Zeroizing::new(key.decrypt_der(wrapped).map_err(|_| KeyError::Refused)?);
        <[u8; 16]>::try_from(plain.as_slice()).map(DataKey).map_err(|_| KeyError::Refused)
    }

    fn of(secret: SecretKey) -> Result<Self, FormatError> {
        let public = PublicKey::of(secret.public_key())?;
        Ok(Self { secret, public })
    }
}

fn draw(entropy: &mut dyn Entropy) -> Result<SecretKey, EntropyError> {
    SecretKey::try_generate_from_rng(&mut Lent(entropy))
}

fn pem_of(secret: &SecretKey) -> Zeroizing<String> {
    secret.to_pkcs8_pem(LineEnding::LF).expect("a private key in memory has a PKCS#8 encoding")
}

/// A zone's keys in memory.
#[derive(Clone)]
pub struct SoftKeys {
    sign: SignKey,
    encrypt: Vec<EncryptKey>,
}

impl SoftKeys {
    /// Draws two new keys.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let sign = SignKey::generate(entropy)?;
        Ok(Self { sign, encrypt: vec![EncryptKey::generate(entropy)?] })
    }

    /// Reads two keys in PKCS#8 PEM.
    ///
    /// # Errors
    /// [`FormatError::BadPrivateKey`] when one is not an SM2 key.
    pub fn from_pem(sign_pem: &str, encrypt_pem: &str) -> Result<Self, FormatError> {
        Ok(Self { sign: SignKey::from_pem(sign_pem)?, encrypt: vec![EncryptKey::from_pem(encrypt_pem)?] })
    }

    /// Also unwraps what was sealed to an older key, during a rotation.
    #[must_use]
    pub fn with_older(mut self, key: EncryptKey) -> Self {
        self.encrypt.push(key);
        self
    }

    /// Also unwraps what was sealed to other keys of the zone: its next ones, or earlier ones.
    #[must_use]
    pub fn also_unwrapping(mut self, other: &Self) -> Self {
        for key in &other.encrypt {
            if self.encrypt.iter().all(|known| known.public.id() != key.public.id()) {
                self.encrypt.push(key.clone());
            }
        }
        self
    }

    /// The signing key and the newest encryption key in PKCS#8 PEM.
    #[must_use]
    pub fn to_pem(&self) -> (Zeroizing<String>, Zeroizing<String>) {
        (self.sign.to_pem(), self.encrypt[0].to_pem())
    }

    /// The public half of the signing key.
    #[must_use]
    pub fn sign_public(&self) -> &PublicKey {
        self.sign.public()
    }

    /// The public half of the newest encryption key.
    #[must_use]
    pub fn encrypt_public(&self) -> &PublicKey {
        self.encrypt[0].public()
    }
}

impl KeyProvider for SoftKeys {
    fn sign_key_id(&self) -> KeyId {
        self.sign.public.id()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.sign.sign(message)
    }

    fn encrypt_key_ids(&self) -> Vec<KeyId> {
        self.encrypt.iter().map(|key| key.public.id()).collect()
    }

    fn unwrap(&self, key: KeyId, wrapped: &[u8]) -> Result<DataKey, KeyError> {
        let found = self.encrypt.iter().find(|own| own.public.id() == key);
        found.ok_or(KeyError::Unknown)?.unwrap(wrapped)
    }
}

impl fmt::Debug for SignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignKey({})", self.public.id())
    }
}

impl fmt::Debug for EncryptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptKey({})", self.public.id())
    }
}

impl fmt::Debug for SoftKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftKeys({})", self.sign.public.id())
    }
}
