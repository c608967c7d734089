//! A second writer, after `docs/format.md`, that can be made to err: it takes files apart by their offsets, changes
//! them, and signs again.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce};
use ferry_format::canon::{self, Value};
use ferry_format::ident::{hex_decode, hex_encode};
use ferry_format::{DataKey, Digest, Entropy, KeyProvider, PublicKey, SoftKeys};

use super::{Seeded, keys};

pub const END: &[u8] = b"\nferry/1 end\n";
type Sm4Gcm = AesGcm<sm4::Sm4, U12>;

/// A file in its four parts.
#[derive(Clone)]
pub struct Parts {
    pub magic: Vec<u8>,
    /// Without its newline.
    pub header: String,
    pub body: Vec<u8>,
    pub signature: Vec<u8>,
}

impl Parts {
    pub fn cut(file: &[u8]) -> Self {
        let (magic, rest) = file.split_at(16);
        let newline = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let (header, rest) = (&rest[..newline], &rest[newline + 1..]);
        let value = canon::parse(header).unwrap();
        let envelope = get(&value, "envelope");
        let Value::Integer(compressed) = get(envelope, "compressed") else { panic!("compressed is an integer") };
        let Value::Array(chunks) = get(envelope, "chunks") else { panic!("chunks is an array") };
        let body = usize::try_from(*compressed).unwrap() + 16 * chunks.len();
        let length = usize::from(rest[body]);
        let signature = rest[body + 1..body + 1 + length].to_vec();
        assert_eq!(&rest[body + 1 + length..], END);
        let header = String::from_utf8(header.to_vec()).unwrap();
        Self { magic: magic.to_vec(), header, body: rest[..body].to_vec(), signature }
    }

    pub fn signed(&self) -> Vec<u8> {
        [&self.magic[..], self.header.as_bytes(), b"\n"].concat()
    }

    pub fn sign(mut self, keys: &SoftKeys) -> Self {
        self.signature = keys.sign(&self.signed()).unwrap();
        self
    }

    pub fn join(&self) -> Vec<u8> {
        let length = u8::try_from(self.signature.len()).unwrap();
        [&self.signed()[..], &self.body, &[length], &self.signature, END].concat()
    }

    /// The statement's canonical text.
    pub fn statement(&self) -> String {
        let value = canon::parse(self.header.as_bytes()).unwrap();
        String::from_utf8(canon::write(get(&value, "statement"))).unwrap()
    }

    /// Replaces `from`, which must stand in the header exactly once.
    pub fn replace(mut self, from: &str, to: &str) -> Self {
        assert_eq!(self.header.matches(from).count(), 1, "{from} in {}", self.header);
        self.header = self.header.replace(from, to);
        self
    }
}

/// A file of which the header says `to` where it said `from`, signed again.
pub fn forged(file: &[u8], signer: &str, from: &str, to: &str) -> Vec<u8> {
    Parts::cut(file).replace(from, to).sign(&keys(signer)).join()
}

/// What is sealed, and how wrongly.
pub struct Seal {
    pub magic: &'static [u8; 16],
    pub label: &'static str,
    pub statement: String,
    pub compressed: Vec<u8>,
    pub compression: &'static str,
    pub signer: &'static str,
    pub chunk_bytes: usize,
    /// What stands in the associated data as the statement's digest; the true one if absent.
    pub associated_digest: Option<Digest>,
    /// Whether the last chunk is marked as the last.
    pub last: bool,
    /// The key for which the data key is wrapped under the id of `inner`; that of `inner` if absent.
    pub wrapped_for: Option<PublicKey>,
    /// A longer or shorter data key.
    pub wrapped: Option<Vec<u8>>,
}

impl Seal {
    /// A batch of the outer zone with the statement of `file` about another plaintext, given as it is sealed.
    pub fn batch(file: &[u8], plain: &[u8], compressed: Vec<u8>, compression: &'static str) -> Self {
        Self {
            magic: b"ferry/1 batch  \n",
            label: "ferry-statement/1\n",
            statement: about(&Parts::cut(file).statement(), plain),
            compressed,
            compression,
            signer: "outer",
            chunk_bytes: 4096,
            associated_digest: None,
            last: true,
            wrapped_for: None,
            wrapped: None,
        }
    }

    /// A status of the inner zone, likewise; it is sealed to the outer zone.
    pub fn status(file: &[u8], plain: &[u8]) -> Self {
        Self {
            magic: b"ferry/1 status \n",
            label: "ferry-status/1\n",
            signer: "inner",
            ..Self::batch(file, plain, plain.to_vec(), "none")
        }
    }

    pub fn seal(&self, seed: &str) -> Vec<u8> {
        let mut entropy = Seeded::new(seed);
        let (mut key, mut prefix) = ([0; 16], [0; 7]);
        entropy.fill(&mut key).unwrap();
        entropy.fill(&mut prefix).unwrap();
        let digest = Digest::of(&[self.label.as_bytes(), self.statement.as_bytes()]);
        let mut associated = self.associated_digest.unwrap_or(digest).0.to_vec();
        associated.extend_from_slice(&1_u16.to_be_bytes());
        associated.extend_from_slice(&u32::try_from(self.chunk_bytes).unwrap().to_be_bytes());

        let cipher = Sm4Gcm::new(&key.into());
        let pieces: Vec<&[u8]> = self.compressed.chunks(self.chunk_bytes).collect();
        let (mut body, mut digests) = (Vec::new(), Vec::new());
        for (index, piece) in pieces.iter().enumerate() {
            let last = index + 1 == pieces.len() && self.last;
            let place = u32::try_from(index).unwrap().to_be_bytes();
            let nonce =
                Nonce::<Sm4Gcm>::try_from([&prefix[..], &place, &[u8::from(last)]].concat().as_slice()).unwrap();
            let mut chunk = piece.to_vec();
            let tag = cipher.encrypt_inout_detached(&nonce, &associated, chunk.as_mut_slice().into()).unwrap();
            chunk.extend_from_slice(&tag);
            digests.push(format!("\"{}\"", Digest::of(&[&chunk])));
            body.extend_from_slice(&chunk);
        }
        let envelope = format!(
            "{{\"chunk_bytes\":{},\"chunks\":[{}],\"compressed\":{},\"compression\":\"{}\",\"nonce\":\"{}\",\
             \"recipients\":[{}],\"signer\":\"{}\",\"suite\":1}}",
            self.chunk_bytes,
            digests.join(","),
            self.compressed.len(),
            self.compression,
            hex_encode(&prefix),
            self.recipient(&key, &mut entropy),
            keys(self.signer).sign_key_id(),
        );
        let header = format!("{{\"envelope\":{envelope},\"statement\":{}}}", self.statement);
        let parts = Parts { magic: self.magic.to_vec(), header, body, signature: Vec::new() };
        parts.sign(&keys(self.signer)).join()
    }

    fn recipient(&self, key: &[u8; 16], entropy: &mut Seeded) -> String {
        let to = if self.signer == "inner" { "outer" } else { "inner" };
        let id = keys(to).encrypt_public().id();
        let wrapped_for = self.wrapped_for.clone().unwrap_or_else(|| keys(to).encrypt_public().clone());
        let wrap = match &self.wrapped {
            Some(wrap) => wrap.clone(),
            None => wrapped_for.wrap(&DataKey(*key), entropy).unwrap(),
        };
        format!("{{\"key\":\"{id}\",\"wrap\":\"{}\"}}", hex_encode(&wrap))
    }
}

/// The statement with the length and digest of another plaintext.
fn about(statement: &str, plain: &[u8]) -> String {
    let start = statement.find("\"plain\":{").unwrap();
    let end = start + statement[start..].find('}').unwrap() + 1;
    let stated = format!("\"plain\":{{\"bytes\":{},\"sm3\":\"{}\"}}", plain.len(), Digest::of(&[plain]));
    format!("{}{stated}{}", &statement[..start], &statement[end..])
}

/// A DER signature with a needless zero before its first integer.
pub fn padded_signature(der: &[u8]) -> Vec<u8> {
    let mut padded = der.to_vec();
    padded[1] += 1;
    padded[3] += 1;
    padded.insert(4, 0);
    padded
}

pub fn get<'a>(value: &'a Value, key: &str) -> &'a Value {
    let Value::Object(entries) = value else { panic!("an object") };
    &entries.iter().find(|(name, _)| name == key).unwrap().1
}

pub fn digest_of_hex(text: &str) -> Digest {
    Digest(hex_decode(text).unwrap())
}
