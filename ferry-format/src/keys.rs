//! Public keys, data keys, and the provider that holds the private ones.

use core::fmt;

use sm2::dsa::signature::Verifier;
use sm2::dsa::{Signature, VerifyingKey};
use sm2::pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};
use sm2::pke::EncryptingKey;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::KeyId;
use crate::entropy::{Entropy, EntropyError, Lent};
use crate::error::FormatError;
use crate::limits::SIGNATURE_BYTES_MAX;

/// The distinguishing identifier of every SM2 signature of ours: the default of GM/T 0009.
pub const SIGNER_ID: &str = "1234567812345678";

/// What holds a zone's private keys: a file, or a certified module. It may block, and it may fail.
pub trait KeyProvider: Send + Sync {
    /// The id of the key that signs.
    fn sign_key_id(&self) -> KeyId;

    /// Signs `message` with SM2 and SM3 under [`SIGNER_ID`]; the result is DER.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// The ids of the keys that unwrap, the newest first; several during a rotation.
    fn encrypt_key_ids(&self) -> Vec<KeyId>;

    /// Unwraps a data key that was wrapped for `key`.
    ///
    /// # Errors
    /// When the key cannot be used, or `wrapped` was not made for it.
    fn unwrap(&self, key: KeyId, wrapped: &[u8]) -> Result<DataKey, KeyError>;
}

/// Why a private key did not do its work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The provider has no such key.
    #[error("no such key")]
    Unknown,
    /// The key does not fit what it was given.
    #[error("the key does not fit")]
    Refused,
    /// The provider cannot be reached at this time; to try again may help.
    #[error("the key provider is unavailable: {reason}")]
    Unavailable {
        /// What the provider said.
        reason: String,
    },
}

/// The SM4 key of one sealed file, wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DataKey(pub [u8; 16]);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

/// An SM2 public key, known by the id of its SPKI.
#[derive(Clone)]
pub struct PublicKey {
    verifying: VerifyingKey,
    key: sm2::PublicKey,
    spki: Vec<u8>,
    id: KeyId,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER (RFC 5280), with an uncompressed point.
    ///
    /// # Errors
    /// [`FormatError::BadKey`] when it is not an SM2 key, or not in the one encoding.
    pub fn from_spki(spki: &[u8]) -> Result<Self, FormatError> {
        let key = sm2::PublicKey::from_public_key_der(spki).map_err(|_| FormatError::BadKey)?;
        let public = Self::of(key)?;
        if public.spki != spki {
            return Err(FormatError::BadKey);
        }
        Ok(public)
    }

    /// Reads a `PUBLIC KEY` in PEM.
    ///
    /// # Errors
    /// [`FormatError::BadKey`] when it is not an SM2 key.
    pub fn from_pem(pem: &str) -> Result<Self, FormatError> {
        let key = sm2::PublicKey::from_public_key_pem(pem).map_err(|_| FormatError::BadKey)?;
        Self::of(key)
    }

    pub(crate) fn of(key: sm2::PublicKey) -> Result<Self, FormatError> {
        let der = key.to_public_key_der().map_err(|_| FormatError::BadKey)?;
        let spki = der.as_bytes().to_vec();
        let verifying = VerifyingKey::new(SIGNER_ID, key).map_err(|_| FormatError::BadKey)?;
        let id = KeyId::of_spki(&spki);
        Ok(Self { verifying, key, spki, id })
    }

    /// The `PUBLIC KEY` in PEM, as `openssl` reads it.
    ///
    /// # Errors
    /// [`FormatError::BadKey`] when the library cannot encode it.
    pub fn to_pem(&self) -> Result<String, FormatError> {
        self.key.to_public_key_pem(LineEnding::LF).map_err(|_| FormatError::BadKey)
    }

    /// The key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Verifies an SM2 signature with SM3 in strict DER over `message`.
    ///
    /// # Errors
    /// [`FormatError::SignatureEncoding`] or [`FormatError::BadSignature`].
    pub fn verify(&self, message: &[u8], der_signature: &[u8]) -> Result<(), FormatError> {
        let signature = strict_signature(der_signature)?;
        #[cfg(feature = "toy-keys")]
        if crate::toy_keys::are_on() {
            let fits = crate::toy_keys::sign(&self.spki, message) == der_signature;
            return if fits { Ok(()) } else { Err(FormatError::BadSignature) };
        }
        self.verifying.verify(message, &signature).map_err(|_| FormatError::BadSignature)
    }

    /// Wraps a data key for the holder of this key: an SM2 ciphertext in DER (GM/T 0009, order C1 C3 C2).
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn wrap(&self, data_key: &DataKey, entropy: &mut dyn Entropy) -> Result<Vec<u8>, EntropyError> {
        #[cfg(feature = "toy-keys")]
        if crate::toy_keys::are_on() {
            return Ok(crate::toy_keys::wrap(&self.spki, data_key));
        }
        // Of a valid key and a message that is not empty, only the randomness can fail.
        EncryptingKey::new(self.key).encrypt_der(&mut Lent(entropy), &data_key.0).map_err(|_| EntropyError)
    }
}

/// The signature, if its DER is the one encoding of it.
pub(crate) fn strict_signature(der: &[u8]) -> Result<Signature, FormatError> {
    if der.len() > SIGNATURE_BYTES_MAX {
        return Err(FormatError::SignatureEncoding);
    }
    let signature = Signature::from_der(der).map_err(|_| FormatError::SignatureEncoding)?;
    if signature.to_der().as_bytes() != der {
        return Err(FormatError::SignatureEncoding);
    }
    Ok(signature)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}
