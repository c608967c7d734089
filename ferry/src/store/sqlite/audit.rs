//! The audit log: one Merkle tree for each stream and direction, under one checkpoint.

use ferry_format::merkle::{Frontier, leaf_digest};
use ferry_format::{Checkpoint, Digest, LinkId, StreamName};
use serde_json::{Map, Value};

use super::failure::{DbError, corrupt};
use super::lane::{Columns as _, Session, args, sql};

/// Which log a leaf goes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Log {
    /// What was done to an own stream.
    Out,
    /// What was done to one of the peer's.
    In,
}

impl Log {
    fn name(self, stream: &StreamName) -> String {
        match self {
            Self::Out => format!("out.{stream}"),
            Self::In => format!("in.{stream}"),
        }
    }
}

/// One leaf: what happened to which batch.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'a> {
    pub kind: &'static str,
    pub epoch: u64,
    pub seq: u64,
    pub digest: Option<&'a Digest>,
    pub at_ms: u64,
    /// What else there is to say, by name.
    pub more: Vec<(&'static str, Value)>,
}

impl Leaf<'_> {
    /// One line of JSON with its keys in byte order: the bytes that the tree is over.
    fn body(&self, stream: &StreamName) -> String {
        let mut map = Map::new();
        for (name, value) in &self.more {
            map.insert((*name).to_owned(), value.clone());
        }
        map.insert("at_ms".to_owned(), self.at_ms.into());
        map.insert("epoch".to_owned(), self.epoch.into());
        map.insert("kind".to_owned(), self.kind.into());
        map.insert("seq".to_owned(), self.seq.into());
        map.insert("stream".to_owned(), stream.as_str().into());
        if let Some(digest) = self.digest {
            map.insert("digest".to_owned(), digest.to_string().into());
        }
        Value::Object(map).to_string()
    }
}

/// Appends leaves to the log of one stream, in the transaction of what they tell.
pub(super) fn append(
    session: &mut Session,
    link: &LinkId,
    log: Log,
    stream: &StreamName,
    leaves: &[Leaf<'_>],
) -> Result<(), DbError> {
    let name = log.name(stream);
    let head = session.first(sql().audit_head, args![link.as_str(), name.as_str()])?;
    let mut frontier = match head {
        Some(row) => parse(&row.bytes(0)?)?,
        None => Frontier::new(),
    };
    for leaf in leaves {
        let body = leaf.body(stream);
        let index = frontier.size();
        frontier.push(body.as_bytes());
        let digest = leaf_digest(body.as_bytes());
        session.run(sql().audit_add, args![link.as_str(), name.as_str(), index, &digest, leaf.kind, body])?;
    }
    let bytes = frontier.to_bytes();
    session.run(sql().audit_head_put, args![link.as_str(), name.as_str(), frontier.size(), bytes.as_slice()])?;
    Ok(())
}

/// The head of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// The log: `out.` or `in.` and the stream.
    pub log: String,
    /// Leaves.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// One leaf of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLeaf {
    /// Its place, from 0.
    pub index: u64,
    /// What happened.
    pub kind: String,
    /// Its digest in the tree.
    pub digest: Digest,
    /// The bytes that the digest is over: one line of JSON.
    pub body: String,
}

/// The leaves of one log from a place on, in order.
pub(super) fn leaves(
    session: &mut Session,
    link: &LinkId,
    log: &str,
    from: u64,
    limit: u64,
) -> Result<Vec<AuditLeaf>, DbError> {
    let rows = session.all(sql().audit_list, args![link.as_str(), log, from, limit])?;
    rows.iter()
        .map(|row| {
            Ok(AuditLeaf { index: row.int(0)?, kind: row.string(1)?, digest: row.parsed(2)?, body: row.string(3)? })
        })
        .collect()
}

/// The heads of the link's logs, ordered by log.
pub(super) fn heads(session: &mut Session, link: &LinkId) -> Result<Vec<AuditHead>, DbError> {
    let rows = session.all(sql().audit_heads, args![link.as_str()])?;
    rows.iter()
        .map(|row| {
            let frontier = parse(&row.bytes(2)?)?;
            Ok(AuditHead { log: row.string(0)?, size: frontier.size(), root: frontier.root() })
        })
        .collect()
}

/// One checkpoint over all logs: the sum of their sizes, and the SM3 of `log`, `size` and `root`, a line each, one log
/// after the other in order of name.
#[must_use]
pub fn checkpoint(heads: &[AuditHead]) -> Checkpoint {
    let mut text = String::new();
    for head in heads {
        for line in [head.log.clone(), head.size.to_string(), head.root.to_string()] {
            text.push_str(&line);
            text.push('\n');
        }
    }
    Checkpoint { size: heads.iter().map(|head| head.size).sum(), root: Digest::of(&[text.as_bytes()]) }
}

fn parse(bytes: &[u8]) -> Result<Frontier, DbError> {
    Frontier::from_bytes(bytes).map_err(|_| corrupt("the head of an audit log is damaged"))
}

/// The whole of the audit log of the link.
pub(super) fn read_checkpoint(session: &mut Session, link: &LinkId) -> Result<Checkpoint, DbError> {
    Ok(checkpoint(&heads(session, link)?))
}
