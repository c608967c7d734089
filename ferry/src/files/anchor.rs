//! What a zone must not forget, in one small file: a line of canonical JSON, and a line with its SM3.

use std::io;
use std::path::PathBuf;

use ferry_core::ports::{Anchor, AnchorStore, FaultKind, PortError};
use ferry_core::settings::SUPERSEDED_OPEN_MAX;
use ferry_format::canon::{self, Value, object, text};
use ferry_format::limits::STREAMS_MAX;
use ferry_format::{Checkpoint, Digest, Mark};

use super::durable::{self, port_error};

/// The label before the bytes of an anchor when it is digested.
const LABEL: &[u8] = b"ferry-anchor/1\n";
/// An anchor has at most some 200 bytes for each of at most 64 streams, and for each of at most 4 096 groups that are superseded.
const ANCHOR_BYTES_MAX: u64 = 1 << 20;

/// The file of a zone's anchor.
#[derive(Debug)]
pub struct AnchorFile {
    path: PathBuf,
}

impl AnchorFile {
    /// The anchor at `path`.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn corrupt(&self, why: &str) -> PortError {
        PortError::new(FaultKind::Corrupt, format!("the anchor {} is damaged: {why}", self.path.display()))
    }
}

impl AnchorStore for AnchorFile {
    fn save(&self, anchor: &Anchor) -> Result<(), PortError> {
        let bytes = encode(anchor);
        // An anchor must be readable before it replaces another.
        if decode(&bytes).as_ref() != Ok(anchor) {
            return Err(PortError::new(FaultKind::Conflict, "the new anchor could not be read again"));
        }
        let (Some(directory), Some(name)) = (self.path.parent(), self.path.file_name().and_then(|name| name.to_str()))
        else {
            return Err(PortError::new(FaultKind::Conflict, "the anchor's path names no file"));
        };
        durable::publish(directory, name, &bytes).map_err(|error| port_error("cannot save", &self.path, &error))
    }

    fn load(&self) -> Result<Option<Anchor>, PortError> {
        let bytes = match durable::read_bounded(&self.path, ANCHOR_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Err(self.corrupt("it is too large")),
            Err(error) => return Err(port_error("cannot read", &self.path, &error)),
        };
        decode(&bytes).map(Some).map_err(|why| self.corrupt(why))
    }
}

fn encode(anchor: &Anchor) -> Vec<u8> {
    let mut entries = vec![
        ("audit_root", text(anchor.audit.root)),
        ("audit_size", Value::Integer(anchor.audit.size)),
        ("instance", text(anchor.instance)),
        ("sent", Value::Array(anchor.sent.iter().map(write_mark).collect())),
        ("status_next", Value::Integer(anchor.status_next)),
        ("version", Value::Integer(1)),
    ];
    if !anchor.superseding.is_empty() {
        entries.push(("superseding", Value::Array(anchor.superseding.iter().map(write_mark).collect())));
    }
    if let Some(before) = &anchor.before {
        entries.push(("before", write_mark(before)));
    }
    if anchor.restored {
        entries.push(("restored", Value::Integer(1)));
    }
    if let Some((boot, number)) = anchor.peer {
        entries.push(("peer_boot", text(boot)));
        entries.push(("peer_status", Value::Integer(number)));
    }
    let mut bytes = canon::write(&object(entries));
    bytes.push(b'\n');
    let digest = Digest::of(&[LABEL, &bytes]);
    bytes.extend_from_slice(format!("{digest}\n").as_bytes());
    bytes
}

fn write_mark(mark: &Mark) -> Value {
    object([
        ("digest", text(mark.digest)),
        ("epoch", Value::Integer(mark.epoch)),
        ("seq", Value::Integer(mark.seq)),
        ("stream", text(&mark.stream)),
    ])
}

fn decode(bytes: &[u8]) -> Result<Anchor, &'static str> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("it has no complete line")? + 1;
    let (line, told) = bytes.split_at(end);
    let meant = format!("{}\n", Digest::of(&[LABEL, line]));
    if told != meant.as_bytes() {
        return Err("its digest is another");
    }
    let value = canon::parse(&line[..line.len() - 1]).map_err(|_| "it is not canonical")?;
    read(&value).ok_or("a field is missing or wrong")
}

fn read(value: &Value) -> Option<Anchor> {
    if integer(value, "version")? != 1 {
        return None;
    }
    let Value::Array(sent) = get(value, "sent")? else { return None };
    if sent.len() > STREAMS_MAX {
        return None;
    }
    let superseding: Vec<Mark> = match get(value, "superseding") {
        None => Vec::new(),
        Some(Value::Array(marks)) => marks.iter().map(mark).collect::<Option<_>>()?,
        Some(_) => return None,
    };
    if superseding.len() > SUPERSEDED_OPEN_MAX {
        return None;
    }
    let peer = match get(value, "peer_boot") {
        None => None,
        Some(_) => Some((parsed(value, "peer_boot")?, integer(value, "peer_status")?)),
    };
    Some(Anchor {
        instance: parsed(value, "instance")?,
        sent: sent.iter().map(mark).collect::<Option<_>>()?,
        superseding,
        status_next: integer(value, "status_next")?,
        peer,
        audit: Checkpoint { size: integer(value, "audit_size")?, root: parsed(value, "audit_root")? },
        before: match get(value, "before") {
            None => None,
            Some(before) => Some(mark(before)?),
        },
        restored: match get(value, "restored") {
            None => false,
            Some(_) => integer(value, "restored")? == 1,
        },
    })
}

fn mark(value: &Value) -> Option<Mark> {
    Some(Mark {
        stream: parsed(value, "stream")?,
        epoch: integer(value, "epoch")?,
        seq: integer(value, "seq")?,
        digest: parsed(value, "digest")?,
    })
}

fn get<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let Value::Object(entries) = value else { return None };
    entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

fn integer(value: &Value, key: &str) -> Option<u64> {
    let Value::Integer(number) = get(value, key)? else { return None };
    Some(*number)
}

fn parsed<T: core::str::FromStr>(value: &Value, key: &str) -> Option<T> {
    let Value::Text(text) = get(value, key)? else { return None };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use ferry_format::{BootNonce, Instance};

    use super::*;

    fn anchor() -> Anchor {
        let mark = |name: &str, seq| Mark { stream: name.parse().unwrap(), epoch: 1, seq, digest: Digest([7; 32]) };
        Anchor {
            instance: Instance([1; 16]),
            sent: vec![mark("bill", 0), mark("notice", 12)],
            superseding: vec![mark("notice", 9)],
            status_next: 640,
            peer: Some((BootNonce([2; 16]), 9)),
            audit: Checkpoint { size: 4, root: Digest([3; 32]) },
            before: Some(mark("bill", 3)),
            restored: false,
        }
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_found() {
        let whole = encode(&anchor());
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(decode(&damaged).is_err(), "byte {at}");
            assert!(decode(&whole[..at]).is_err(), "cut at {at}");
        }
        let dir = tempfile::tempdir().unwrap();
        let file = AnchorFile::new(dir.path().join("anchor"));
        let too_long = usize::try_from(ANCHOR_BYTES_MAX).unwrap() + 1;
        durable::publish(dir.path(), "anchor", &whole[1..]).unwrap();
        assert_eq!(file.load().unwrap_err().kind, FaultKind::Corrupt);
        durable::publish(dir.path(), "anchor", &vec![b'x'; too_long]).unwrap();
        assert_eq!(file.load().unwrap_err().kind, FaultKind::Corrupt);
    }
}
