//! One file, judged by itself: what it is, whose signature it bears, whether its name fits.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use ferry_format::canon::{self, Value};
use ferry_format::limits::FILE_BYTES_MAX;
use ferry_format::magic::MAGIC_BYTES;
use ferry_format::{
    Act, ActTime, BatchStatement, Carrier, Deed, Digest, Expect, FileName, FormatError, Kind, LinkId, SignedAct,
    StatusStatement, TrustStore, inspect_batch, inspect_head, peek, verify_batch, verify_head, verify_status,
};

use super::evidence::StreamKey;
use super::finding::{Finding, FindingCode, Place};
use super::sentences::format_error;
use super::walk::{shown, unreadable};
use crate::text;

/// What one file turned out to be.
pub enum Piece {
    /// A batch whose statement is proven, with what else is wrong with the file; of a head the rows are not there any more.
    Batch { statement: Box<BatchStatement>, digest: Digest, is_head: bool, findings: Vec<Finding> },
    /// A status whose statement is proven, with what else is wrong with the file.
    Status { statement: Box<StatusStatement>, digest: Digest, findings: Vec<Finding> },
    /// A file of ours that proves nothing, and the place of a batch that it claims.
    Faulty { finding: Box<Finding>, claim: Option<(Box<StreamKey>, u64)> },
    /// An act by which two operators began an epoch.
    Epoch(Box<Act>),
    /// Another signed object of ours.
    Other(Kind),
    /// Not a file of ours.
    Foreign,
}

/// Judges files.
pub struct Reader<'a> {
    trust: &'a TrustStore,
    link: Option<LinkId>,
}

/// What is read of a file to tell whether it is ours; the XML template's head is shorter.
const PREFIX_BYTES: usize = 256;

impl<'a> Reader<'a> {
    /// A reader that accepts the signatures of `trust`, and one link only if one is given.
    pub fn new(trust: &'a TrustStore, link: Option<LinkId>) -> Self {
        Self { trust, link }
    }

    /// Reads and judges one file.
    pub fn read(&self, path: &Path) -> Piece {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<FileName>().ok());
        let (text, bytes) = match load(path, name.is_some()) {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Piece::Foreign,
            Err(error) => return Piece::Faulty { finding: Box::new(unreadable(path, &error)), claim: None },
        };
        let Some(carrier) = sniff(&text).or(name.is_some().then_some(Carrier::Raw)) else { return Piece::Foreign };
        let max = usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX);
        let decoded = if bytes > carrier.encoded_bytes(FILE_BYTES_MAX) {
            Err(FormatError::Limit { what: "file bytes", max: FILE_BYTES_MAX })
        } else {
            carrier.decode(&text, max)
        };
        match decoded {
            Ok(bytes) => self.judge(path, name.as_ref(), &bytes),
            Err(error) => faulty(path, &error, &[]),
        }
    }

    fn judge(&self, path: &Path, name: Option<&FileName>, bytes: &[u8]) -> Piece {
        match peek(bytes) {
            Ok(Kind::Batch) => self.batch(path, name, bytes),
            Ok(Kind::Status) => self.status(path, name, bytes),
            Ok(Kind::Act) => self.act(path, bytes),
            Ok(kind @ (Kind::Card | Kind::Checkpoint | Kind::Revocation)) => Piece::Other(kind),
            Err(error) => faulty(path, &error, bytes),
        }
    }

    fn batch(&self, path: &Path, name: Option<&FileName>, bytes: &[u8]) -> Piece {
        let (statement, digest, findings) = match verify_batch(bytes, &self.expect()) {
            Ok(batch) => {
                let batch = batch.into_inner();
                (batch.statement, batch.digest, Vec::new())
            }
            // Chunks are looked at after the signature, so the statement is proven although the rows are spoilt.
            Err(error @ FormatError::DamagedChunk { .. }) => match inspect_batch(bytes) {
                Ok(batch) => {
                    let place = Place::of_batch(&batch.statement);
                    (batch.statement, batch.digest, vec![format_finding(path, &error, place)])
                }
                Err(_) => return faulty(path, &error, bytes),
            },
            // What is no batch to its end may be the head of one.
            Err(error) => {
                return match verify_head(bytes, &self.expect()) {
                    Ok(head) => {
                        let head = head.into_inner();
                        batch_piece(path, name, head.statement, head.digest, true, Vec::new())
                    }
                    Err(_) if inspect_head(bytes).is_err() => faulty(path, &error, bytes),
                    Err(error) => faulty(path, &error, bytes),
                };
            }
        };
        batch_piece(path, name, statement, digest, false, findings)
    }

    fn status(&self, path: &Path, name: Option<&FileName>, bytes: &[u8]) -> Piece {
        let status = match verify_status(bytes, &self.expect()) {
            Ok(status) => status.into_inner(),
            Err(error) => return faulty(path, &error, bytes),
        };
        let mut findings = Vec::new();
        if let Some(name) = name {
            let meant = FileName::of_status(&status.statement, &status.digest, name.attempt, &name.extension);
            findings.extend(misnamed(path, name, meant, Place::of_status(&status.statement)));
        }
        Piece::Status { statement: Box::new(status.statement), digest: status.digest, findings }
    }

    /// Of acts only those that begin an epoch prove something here.
    fn act(&self, path: &Path, bytes: &[u8]) -> Piece {
        let Ok(signed) = SignedAct::parse(bytes) else { return Piece::Other(Kind::Act) };
        if !matches!(signed.act.deed, Deed::NewEpoch { .. }) {
            return Piece::Other(Kind::Act);
        }
        let link = self.link.as_ref().unwrap_or(&signed.act.link);
        match signed.verify(self.trust, link, ActTime::Past) {
            Ok(act) => Piece::Epoch(Box::new(act.into_inner())),
            Err(error) => faulty(path, &error, &[]),
        }
    }

    fn expect(&self) -> Expect<'_> {
        Expect { link: self.link.as_ref(), ..Expect::any(self.trust) }
    }
}

fn batch_piece(
    path: &Path,
    name: Option<&FileName>,
    statement: BatchStatement,
    digest: Digest,
    is_head: bool,
    mut findings: Vec<Finding>,
) -> Piece {
    if let Some(name) = name {
        let meant = FileName::of_batch(&statement, &digest, name.attempt, &name.extension);
        findings.extend(misnamed(path, name, meant, Place::of_batch(&statement)));
    }
    Piece::Batch { statement: Box::new(statement), digest, is_head, findings }
}

/// The content and the length of a file, or `None` when neither name nor beginning is ours. Of a file that is too
/// long only the beginning is read.
fn load(path: &Path, name_is_ours: bool) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(PREFIX_BYTES as u64).read_to_end(&mut bytes)?;
    if sniff(&bytes).is_none() && !name_is_ours {
        return Ok(None);
    }
    let max = Carrier::Xml.encoded_bytes(FILE_BYTES_MAX);
    if length <= max {
        file.take(max).read_to_end(&mut bytes)?;
    }
    Ok(Some((bytes, length)))
}

/// The carrier of a file of ours, told by how it begins.
fn sniff(bytes: &[u8]) -> Option<Carrier> {
    if matches!(peek(bytes), Ok(_) | Err(FormatError::UnknownVersion)) {
        return Some(Carrier::Raw);
    }
    let text = bytes.strip_prefix(XML_HEAD);
    match (bytes.starts_with(BASE64_OF_MAGIC), text) {
        (true, _) => Some(Carrier::Base64),
        (false, Some(_)) => Some(Carrier::Xml),
        (false, None) => None,
    }
}

/// How every XML carrier begins; what follows is checked when it is decoded.
const XML_HEAD: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ferry version=\"1\" ";
/// The first word of every magic line, in base64.
const BASE64_OF_MAGIC: &[u8] = b"ZmVycnkv";

/// A file that proves nothing, with the place that its header claims if it can be read.
fn faulty(path: &Path, error: &FormatError, bytes: &[u8]) -> Piece {
    let place = claimed_place(bytes).unwrap_or_default();
    let claim = claimed_batch(&place);
    Piece::Faulty { finding: Box::new(format_finding(path, error, place)), claim }
}

fn format_finding(path: &Path, error: &FormatError, place: Place) -> Finding {
    Finding { code: error.code(), file: Some(shown(path)), place, message: format_error(error) }
}

fn misnamed(path: &Path, name: &FileName, meant: Result<FileName, FormatError>, place: Place) -> Option<Finding> {
    let meant = meant.ok().filter(|meant| meant == name);
    if meant.is_some() {
        return None;
    }
    let message = text!("the file's name says something else than its signed header", "文件名与已签名的文件头不一致");
    Some(Finding::new(FindingCode::NameMismatch, Some(shown(path)), place, message))
}

/// The place in a header line that may be cut short, changed or signed by anyone.
fn claimed_place(bytes: &[u8]) -> Option<Place> {
    let line = bytes.get(MAGIC_BYTES..)?.split(|byte| *byte == b'\n').next()?;
    let header = canon::parse(line).ok()?;
    let statement = field(&header, "statement")?;
    let seq = integer(statement, "seq");
    Some(Place {
        link: name(statement, "link"),
        from: name(statement, "from"),
        to: name(statement, "to"),
        stream: name(statement, "stream"),
        epoch: integer(statement, "epoch"),
        seq,
        seq_last: seq,
        number: integer(statement, "number"),
        claimed: true,
    })
}

fn claimed_batch(place: &Place) -> Option<(Box<StreamKey>, u64)> {
    let key = StreamKey {
        link: place.link.clone()?,
        from: place.from.clone()?,
        to: place.to.clone()?,
        stream: place.stream.clone()?,
        epoch: place.epoch?,
    };
    Some((Box::new(key), place.seq?))
}

fn field<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
        Value::Array(_) | Value::Text(_) | Value::Integer(_) | Value::Bool(_) => None,
    }
}

fn name<T: std::str::FromStr>(value: &Value, key: &str) -> Option<T> {
    match field(value, key)? {
        Value::Text(text) => text.parse().ok(),
        Value::Object(_) | Value::Array(_) | Value::Integer(_) | Value::Bool(_) => None,
    }
}

fn integer(value: &Value, key: &str) -> Option<u64> {
    match field(value, key)? {
        Value::Integer(number) => Some(*number),
        Value::Object(_) | Value::Array(_) | Value::Text(_) | Value::Bool(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_carrier_is_known_by_its_beginning() {
        for kind in Kind::ALL {
            for carrier in Carrier::ALL {
                assert_eq!(sniff(&carrier.encode(kind.magic())), Some(carrier));
            }
        }
        assert_eq!(sniff(b"reason = \"unknown-signer\"\n"), None);
        assert_eq!(sniff(b"<?xml version=\"1.0\"?><html/>"), None);
        assert_eq!(sniff(b""), None);
    }

    #[test]
    fn a_claim_is_read_of_what_is_left_of_a_header() {
        let bytes = b"ferry/1 batch  \n{\"statement\":{\"epoch\":2,\"from\":\"outer\",\"seq\":7}}\ncut";
        let place = claimed_place(bytes).unwrap();
        assert_eq!((place.epoch, place.seq), (Some(2), Some(7)));
        assert_eq!(place.from.unwrap().as_str(), "outer");
        assert_eq!(claimed_place(b"ferry/1 batch  \n{"), None);
        assert_eq!(claimed_place(b""), None);
    }
}
