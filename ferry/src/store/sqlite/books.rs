//! The operator's reads, beside a running daemon.

use std::path::{Path, PathBuf};

use ferry_core::contract::StreamContract;
use ferry_core::ports::{Direction, PortError};
use ferry_core::settings::DAY_MS;
use ferry_format::{Checkpoint, Digest, EpochId, Group, LinkId, Mark, Payload, StreamName};
use sqlx::sqlite::SqliteRow;

use super::acts;
use super::audit::{AuditHead, AuditLeaf, checkpoint, heads, leaves};
use super::create::{check_link, check_version, meta, must_exist};
use super::dialect::SqliteDialect;
use super::epochs;
use super::failure::{DbError, corrupt};
use super::lane::{Access, Columns as _, Lane, Session, args, sql};
use super::notes::direction_name;
use super::outgoing;
use super::recover::own_streams;
use super::traced;
use crate::store::StoreError;
use crate::store::books::{
    ActRow, Backlog, BatchQuery, BatchRow, Books, ContractRow, Identity, LifeRow, OwnLife, ParkedRow, PassedOver,
    PlacedBatch, RowKey, StreamStateRow,
};
use crate::store::dialect::Dialect as _;
use crate::store::{Trace, TraceQuery};

/// So long the payloads of batches that are to supersede wait for their act.
const DRAFT_KEPT_MS: u64 = 30 * DAY_MS;
/// The hex digits of a digest.
const DIGEST_DIGITS: usize = 64;

/// Reads the database of one link, on a connection that cannot write.
pub struct SqliteBooks {
    path: PathBuf,
    link: LinkId,
    lane: Lane,
    schema_version: u64,
}

impl SqliteBooks {
    /// Opens the database to read.
    ///
    /// # Errors
    /// When there is none, when a newer program wrote it, or when it does not have the link.
    pub fn open(path: &Path, link: &LinkId) -> Result<Self, StoreError> {
        must_exist(path)?;
        let lane = Lane::new(path, Access::Read)?;
        let mut session = lane.lock();
        let schema_version = check_version(&mut session, path)?;
        check_link(&mut session, link)?;
        drop(session);
        Ok(Self { path: path.to_owned(), link: link.clone(), lane, schema_version })
    }

    fn read<T>(&self, work: impl FnOnce(&mut Session, &LinkId) -> Result<T, DbError>) -> Result<T, PortError> {
        let mut session = self.lane.lock();
        Ok(session.read(|session| work(session, &self.link))?)
    }
}

impl Books for SqliteBooks {
    fn identity(&self) -> Result<Identity, PortError> {
        self.read(|session, _| {
            let instance = meta(session, "instance")?.unwrap_or_default();
            let instance = instance.parse().map_err(|_| corrupt("the instance id is malformed"))?;
            let written_by = meta(session, "written_by")?.unwrap_or_default();
            Ok(Identity { instance, schema_version: self.schema_version, written_by })
        })
    }

    fn stream_states(&self) -> Result<Vec<StreamStateRow>, PortError> {
        self.read(|session, link| rows(session, sql().state_list, link, stream_state))
    }

    fn facts(&self) -> Result<Vec<(String, String)>, PortError> {
        self.read(|session, link| rows(session, sql().fact_list, link, |row| Ok((row.string(0)?, row.string(1)?))))
    }

    fn backlog(&self, cap: u64) -> Result<Vec<Backlog>, PortError> {
        self.read(|session, link| {
            let mut backlog = Vec::new();
            for own in own_streams(session, link)? {
                let row = session.first(SqliteDialect.count_rows(&own.outbox), args![cap, own.through_id])?;
                let rows = row.map(|row| row.int(0)).transpose()?.unwrap_or(0);
                backlog.push(Backlog { stream: own.stream, rows, capped: rows == cap });
            }
            Ok(backlog)
        })
    }

    fn batches(&self, query: &BatchQuery) -> Result<Vec<BatchRow>, PortError> {
        self.read(|session, link| {
            let streams = match &query.stream {
                Some(stream) => vec![stream.to_string()],
                None => stream_names(session, link, query.direction)?,
            };
            let mut batches = Vec::new();
            for stream in streams {
                let found = match query.direction {
                    Direction::Out => {
                        let of = args![link.as_str(), stream.as_str(), query.unsettled, query.limit];
                        session.all(sql().books_out, of)?
                    }
                    Direction::In => session.all(sql().books_in, args![link.as_str(), stream.as_str(), query.limit])?,
                };
                for row in &found {
                    batches.push(batch(row, query.direction)?);
                }
            }
            Ok(batches)
        })
    }

    fn batch(&self, direction: Direction, stream: &StreamName, seq: u64) -> Result<Option<BatchRow>, PortError> {
        self.read(|session, link| {
            let statement = match direction {
                Direction::Out => sql().books_out_at,
                Direction::In => sql().books_in_at,
            };
            let row = session.first(statement, args![link.as_str(), stream.as_str(), seq])?;
            row.map(|row| batch(&row, direction)).transpose()
        })
    }

    fn batches_by_digest(&self, prefix: &str, limit: u64) -> Result<Vec<BatchRow>, PortError> {
        if prefix.len() > DIGEST_DIGITS || !prefix.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(Vec::new());
        }
        let (least, greatest) = (format!("{prefix:0<DIGEST_DIGITS$}"), format!("{prefix:f<DIGEST_DIGITS$}"));
        self.read(|session, link| {
            let of = args![link.as_str(), least.as_str(), greatest.as_str(), limit];
            let mut batches = Vec::new();
            for row in session.all(sql().books_out_digest, of)? {
                batches.push(batch(&row, Direction::Out)?);
            }
            for row in session.all(sql().books_in_digest, of)? {
                batches.push(batch(&row, Direction::In)?);
            }
            Ok(batches)
        })
    }

    fn life(&self, direction: Direction, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<LifeRow>, PortError> {
        self.read(|session, link| {
            let of = args![link.as_str(), direction_name(direction), stream.as_str(), epoch, seq];
            let row =
                |row: &SqliteRow| Ok(LifeRow { kind: row.string(0)?, at_ms: row.int(1)?, detail: row.string(2)? });
            session.all(sql().life_list, of)?.iter().map(row).collect()
        })
    }

    fn parked_rows(&self, limit: u64) -> Result<Vec<ParkedRow>, PortError> {
        self.read(|session, link| {
            let row = |row: &SqliteRow| {
                Ok(ParkedRow {
                    stream: row.parsed(0)?,
                    epoch: row.int(1)?,
                    seq: row.int(2)?,
                    row: row.int(3)?,
                    table: row.string(4)?,
                    code: row.string(5)?,
                    at_ms: row.int(6)?,
                })
            };
            session.all(sql().parked_list, args![link.as_str(), limit])?.iter().map(row).collect()
        })
    }

    fn contracts(&self) -> Result<Vec<ContractRow>, PortError> {
        self.read(|session, link| {
            rows(session, sql().contract_list, link, |row| {
                Ok(ContractRow {
                    stream: row.parsed(0)?,
                    direction: direction(&row.string(1)?)?,
                    digest: row.parsed(2)?,
                    installed_at_ms: row.int(3)?,
                    text: row.string(4)?,
                })
            })
        })
    }

    fn acts(&self, limit: u64) -> Result<Vec<ActRow>, PortError> {
        self.read(|session, link| {
            session.all(sql().act_list, args![link.as_str(), limit])?.iter().map(act_row).collect()
        })
    }

    fn act(&self, id: u64) -> Result<Option<ActRow>, PortError> {
        self.read(|session, link| {
            session.first(sql().act_at, args![link.as_str(), id])?.map(|row| act_row(&row)).transpose()
        })
    }

    fn epoch_id(&self, stream: &StreamName) -> Result<Option<EpochId>, PortError> {
        self.read(|session, link| {
            let streams = own_streams(session, link)?;
            Ok(streams.into_iter().find(|own| own.stream == *stream).map(|own| own.epoch_id))
        })
    }

    fn own_life(&self, stream: &StreamName) -> Result<Option<OwnLife>, PortError> {
        self.read(|session, link| {
            let Some(own) = own_streams(session, link)?.into_iter().find(|own| own.stream == *stream) else {
                return Ok(None);
            };
            let epochs::Unsettled { batches, rows, deletes } = epochs::unsettled(session, link, &own)?;
            let last = Mark { stream: own.stream, epoch: own.epoch, seq: own.last_seq, digest: own.last_digest };
            Ok(Some(OwnLife { last, batches, rows, deletes }))
        })
    }

    fn superseding(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<Digest>, PortError> {
        self.read(|session, link| {
            let found = outgoing::superseding(session, link, stream, epoch, seq)?;
            Ok(found.into_iter().map(|one| one.digest).collect())
        })
    }

    fn placed(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<PlacedBatch>, PortError> {
        self.read(|session, link| {
            let row = |row: &SqliteRow| {
                let act = Some(row.int(0)?).filter(|act| *act > 0);
                Ok(PlacedBatch { act, digest: row.parsed(1)?, rows: row.int(2)? })
            };
            session.all(sql().placed_list, args![link.as_str(), stream.as_str(), epoch, seq])?.iter().map(row).collect()
        })
    }

    fn passed_over(&self, act: u64, contract: Option<&StreamContract>) -> Result<Option<PassedOver>, PortError> {
        self.read(|session, link| traced::passed_by(session, link, act, contract))
    }

    fn current_rows(&self, contract: &StreamContract, keys: &[Vec<RowKey>]) -> Result<Vec<Vec<String>>, PortError> {
        self.read(|session, _| keys.iter().map(|keys| rows_now(session, contract, keys)).collect())
    }

    fn trace(&self, query: &TraceQuery<'_>) -> Result<Trace, PortError> {
        self.read(|session, link| traced::trace(session, link, query))
    }

    fn leave_drafts(&self, payloads: &[Payload], now_ms: u64) -> Result<(), PortError> {
        let lane = Lane::new(&self.path, Access::Write)?;
        let mut session = lane.lock();
        session.write(|session| {
            session.run(sql().draft_expire, args![now_ms.saturating_sub(DRAFT_KEPT_MS)])?;
            acts::add_drafts(session, payloads, now_ms)
        })?;
        Ok(session.close()?)
    }

    fn hand_in(&self, file: &[u8], now_ms: u64) -> Result<u64, PortError> {
        let lane = Lane::new(&self.path, Access::Write)?;
        let mut session = lane.lock();
        let id = session.write(|session| acts::hand_in(session, &self.link, file, now_ms))?;
        session.close()?;
        Ok(id)
    }

    fn audit_heads(&self) -> Result<Vec<AuditHead>, PortError> {
        self.read(heads)
    }

    fn audit_checkpoint(&self) -> Result<Checkpoint, PortError> {
        Ok(checkpoint(&self.audit_heads()?))
    }

    fn audit_leaves(&self, log: &str, from: u64, limit: u64) -> Result<Vec<AuditLeaf>, PortError> {
        self.read(|session, link| leaves(session, link, log, from, limit))
    }
}

fn rows<T>(
    session: &mut Session,
    statement: &'static str,
    link: &LinkId,
    read: impl Fn(&SqliteRow) -> Result<T, DbError>,
) -> Result<Vec<T>, DbError> {
    session.all(statement, args![link.as_str()])?.iter().map(read).collect()
}

fn stream_names(session: &mut Session, link: &LinkId, direction: Direction) -> Result<Vec<String>, DbError> {
    let of = args![link.as_str(), direction_name(direction)];
    session.all(sql().contract_streams, of)?.iter().map(|row| row.string(0)).collect()
}

fn direction(name: &str) -> Result<Direction, DbError> {
    let known = [Direction::Out, Direction::In].into_iter().find(|direction| direction_name(*direction) == name);
    known.ok_or_else(|| corrupt("a direction is neither out nor in"))
}

fn stream_state(row: &SqliteRow) -> Result<StreamStateRow, DbError> {
    Ok(StreamStateRow {
        stream: row.parsed(0)?,
        direction: direction(&row.string(1)?)?,
        epoch: row.int(2)?,
        last_seq: row.int(3)?,
        published_seq: row.int(4)?,
        applied_seq: row.int(5)?,
        applied_digest: row.parsed(6)?,
        held: row.string(7)?,
        missing: row.string(8)?,
        lag_ms: row.int(9)?,
        health: row.string(10)?,
        code: row.string(11)?,
        detail: row.string(12)?,
        parked_rows: row.int(13)?,
        updated_at_ms: row.int(14)?,
        known_at_ms: row.int(15)?,
    })
}

/// Deletions of rows that are gone, children before parents, then images of the others, parents before children.
fn rows_now(session: &mut Session, contract: &StreamContract, keys: &[RowKey]) -> Result<Vec<String>, DbError> {
    let (mut gone, mut there) = (Vec::new(), Vec::new());
    for (index, table) in contract.tables.iter().enumerate() {
        let of_table: Vec<&str> = keys.iter().filter(|key| key.table == index).map(|key| key.key.as_str()).collect();
        if of_table.is_empty() {
            continue;
        }
        let array = format!("[{}]", of_table.join(","));
        for row in session.all(SqliteDialect.current_rows(table), args![array])? {
            let is_there = row.int(1)? != 0;
            let lines = if is_there { &mut there } else { &mut gone };
            lines.push(row.string(2)?);
        }
    }
    gone.reverse();
    gone.append(&mut there);
    Ok(gone)
}

fn act_row(row: &SqliteRow) -> Result<ActRow, DbError> {
    Ok(ActRow {
        id: row.int(0)?,
        here: row.string(1)? == "here",
        digest: row.parsed(2)?,
        file: row.bytes(3)?,
        verified: row.int(4)? != 0,
        handed_in_at_ms: row.int(5)?,
        code: row.maybe_string(6)?,
        ended_at_ms: row.maybe_int(7)?,
        told_at_ms: row.maybe_int(8)?,
    })
}

pub(super) fn batch(row: &SqliteRow, direction: Direction) -> Result<BatchRow, DbError> {
    let seq = row.int(2)?;
    let group = match (row.maybe_int(7)?, row.maybe_int(8)?) {
        (Some(first), Some(last)) => Some(Group { first, index: seq.saturating_sub(first), last: last != 0 }),
        (None, _) | (_, None) => None,
    };
    Ok(BatchRow {
        direction,
        stream: row.parsed(0)?,
        epoch: row.int(1)?,
        seq,
        digest: row.parsed(3)?,
        rows: row.int(4)?,
        parked: row.int(5)?,
        file_bytes: row.int(6)?,
        group,
        attempt: row.maybe_int(9)?,
        cut_at_ms: row.maybe_int(10)?,
        published_at_ms: row.maybe_int(11)?,
        held_at_ms: row.maybe_int(12)?,
        settled_at_ms: row.maybe_int(13)?,
        taken_at_ms: row.maybe_int(14)?,
        applied_at_ms: row.maybe_int(15)?,
        wait_ms: row.maybe_int(16)?,
        apply_ms: row.maybe_int(17)?,
    })
}
