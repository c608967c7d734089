//! A second writer of sealed files, after `docs/format.md`, that seals whatever it is given: without it nothing that was
//! changed would pass the digests, the signature and the cipher.

use std::sync::LazyLock;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _, Nonce};
use ferry_format::ident::hex_encode;
use ferry_format::limits::{CHUNK_BYTES_MIN, SALT_BYTES};
use ferry_format::magic::END_MAGIC;
use ferry_format::{
    Compression, DataKey, Digest, Entropy as _, KeyProvider as _, Kind, STATEMENT_LABEL, STATUS_LABEL, Sealing,
    SoftKeys,
};
use sm4::Sm4;

use crate::zones::{Counted, ZONES};

type Sm4Gcm = AesGcm<Sm4, U12>;

/// The size of every chunk but the last.
const CHUNK_BYTES: usize = 4096;

/// What is drawn for every file of one kind, in the order in which the product draws it.
pub struct Drawn {
    /// The salt before a status body.
    pub salt: [u8; SALT_BYTES],
    key: DataKey,
    nonce: [u8; 7],
    /// The recipients as they stand in an envelope.
    recipients: String,
}

/// What is drawn for a batch, whose salt belongs to its payload.
pub static BATCH: LazyLock<Drawn> = LazyLock::new(|| draw([0x5a; SALT_BYTES], Counted::default()));

/// What is drawn for a status.
pub static STATUS: LazyLock<Drawn> = LazyLock::new(|| {
    let mut entropy = Counted::default();
    draw(fresh(&mut entropy), entropy)
});

/// Seals as the forger does, but with the writer of the product.
pub fn sealing(keys: &SoftKeys) -> Sealing<'_> {
    let recipients = &ZONES.recipients;
    Sealing { keys, recipients, chunk_bytes: CHUNK_BYTES_MIN, compression: Compression::None }
}

/// A file of `kind` with whatever statement and compressed bytes, correct in everything that these leave open.
pub fn seal(kind: Kind, statement: &[u8], compressed: &[u8], compression: Compression) -> Vec<u8> {
    let (label, drawn, signer) = match kind {
        Kind::Status => (STATUS_LABEL, &STATUS, &ZONES.inner),
        Kind::Batch | Kind::Card | Kind::Checkpoint | Kind::Act | Kind::Revocation => {
            (STATEMENT_LABEL, &BATCH, &ZONES.outer)
        }
    };
    let (body, chunks) = encrypt(drawn, &Digest::of(&[label, statement]), compressed);
    let envelope = format!(
        "{{\"chunk_bytes\":{CHUNK_BYTES},\"chunks\":[{chunks}],\"compressed\":{},\"compression\":\"{}\",\
         \"nonce\":\"{}\",\"recipients\":[{}],\"signer\":\"{}\",\"suite\":1}}",
        compressed.len(),
        compression.name(),
        hex_encode(&drawn.nonce),
        drawn.recipients,
        signer.sign_key_id(),
    );
    let header = [b"{\"envelope\":", envelope.as_bytes(), b",\"statement\":", statement, b"}\n"].concat();
    let signed = [kind.magic(), &header[..]].concat();
    let signature = signer.sign(&signed).expect("a key in memory signs");
    let length = u8::try_from(signature.len()).expect("an SM2 signature has at most 72 bytes");
    [&signed[..], &body, &[length], &signature, END_MAGIC].concat()
}

/// The statement with the length and digest of `plain`, if it states any.
pub fn about(statement: &[u8], plain: &[u8]) -> Vec<u8> {
    let mark = b"\"plain\":{";
    let Some(start) = statement.windows(mark.len()).position(|window| window == mark) else {
        return statement.to_vec();
    };
    let end = statement[start..].iter().position(|byte| *byte == b'}').map_or(statement.len(), |end| start + end + 1);
    let stated = format!("\"plain\":{{\"bytes\":{},\"sm3\":\"{}\"}}", plain.len(), Digest::of(&[plain]));
    [&statement[..start], stated.as_bytes(), &statement[end..]].concat()
}

/// The sealed chunks, and their digests as they stand in an envelope.
fn encrypt(drawn: &Drawn, statement: &Digest, compressed: &[u8]) -> (Vec<u8>, String) {
    let cipher = Sm4Gcm::new(&drawn.key.0.into());
    let chunk_bytes = u32::try_from(CHUNK_BYTES).expect("a constant of 2^12 fits 32 bits");
    let associated = [&statement.0[..], &1_u16.to_be_bytes(), &chunk_bytes.to_be_bytes()].concat();
    let count = compressed.len().div_ceil(CHUNK_BYTES).max(1);
    let (mut body, mut digests) = (Vec::new(), Vec::new());
    for index in 0..count {
        let start = body.len();
        let from = index * CHUNK_BYTES;
        body.extend_from_slice(&compressed[from..compressed.len().min(from + CHUNK_BYTES)]);
        let tag = cipher.encrypt_inout_detached(
            &nonce(drawn, index, index + 1 == count),
            &associated,
            (&mut body[start..]).into(),
        );
        body.extend_from_slice(&tag.expect("a chunk is far below the length limit of GCM"));
        digests.push(format!("\"{}\"", Digest::of(&[&body[start..]])));
    }
    (body, digests.join(","))
}

fn nonce(drawn: &Drawn, index: usize, last: bool) -> Nonce<Sm4Gcm> {
    let mut nonce = Nonce::<Sm4Gcm>::default();
    nonce[..7].copy_from_slice(&drawn.nonce);
    nonce[7..11].copy_from_slice(&u32::try_from(index).expect("inputs are far below 2^44 bytes").to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

fn draw(salt: [u8; SALT_BYTES], mut entropy: Counted) -> Drawn {
    let (key, nonce) = (DataKey(fresh(&mut entropy)), fresh(&mut entropy));
    let wraps = ZONES.recipients.iter().map(|to| {
        let wrap = to.wrap(&key, &mut entropy).expect("counted bytes never end");
        format!("{{\"key\":\"{}\",\"wrap\":\"{}\"}}", to.id(), hex_encode(&wrap))
    });
    let recipients = wraps.collect::<Vec<_>>().join(",");
    Drawn { salt, key, nonce, recipients }
}

fn fresh<const N: usize>(entropy: &mut Counted) -> [u8; N] {
    let mut out = [0; N];
    entropy.fill(&mut out).expect("counted bytes never end");
    out
}
