//! How far each stream is, read from the books that ferry keeps in both databases.

use super::database::Database;
use super::failure::Failure;
use super::lang::text;
use super::zone::{LINK, Zone};

/// A stream of the contract: its name and the places of its owner and its receiver among the zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// The name.
    pub name: &'static str,
    /// Whether the inner zone owns it.
    pub from_inner: bool,
}

/// The streams of the contract, in the order in which they are shown.
pub const STREAMS: [Stream; 5] = [
    Stream { name: "base", from_inner: true },
    Stream { name: "notice", from_inner: true },
    Stream { name: "confirm", from_inner: false },
    Stream { name: "request", from_inner: false },
    Stream { name: "result", from_inner: true },
];

/// How far one stream is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Changes that were captured and are not cut into a batch.
    pub waiting: u64,
    /// Changes in batches.
    pub cut: u64,
    /// Changes in batches that the receiver has applied.
    pub applied: u64,
    /// Batches.
    pub batches: u64,
    /// Batches that the receiver has applied.
    pub applied_batches: u64,
    /// Batches that the owner knows to be applied.
    pub settled_batches: u64,
    /// Whether the receiver's last batch is the owner's last, by digest.
    pub is_same: bool,
    /// What either zone says of the stream's health, if it is not well.
    pub trouble: Option<Trouble>,
}

/// What a zone says of a stream that is not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The zone.
    pub zone: &'static str,
    /// The health, such as `refused`.
    pub health: String,
    /// The code behind it.
    pub code: String,
    /// Where.
    pub detail: String,
}

impl Place {
    /// Whether everything captured is applied, and the owner knows it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.waiting == 0 && self.is_same && self.settled_batches == self.batches
    }

    /// Whether only an operator can help: a demo has none.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| ["refused", "stopped"].contains(&trouble.health.as_str()))
    }

    /// A number that grows with everything that brings the stream forward.
    #[must_use]
    pub const fn progress(&self) -> u64 {
        self.waiting + self.cut + self.applied + self.batches + self.applied_batches + self.settled_batches
    }
}

/// The books of both zones.
pub struct Books {
    inner: Database,
    outer: Database,
}

const OUT_SQL: &str = "SELECT outbox, through_id, last_seq, last_digest, settled_seq FROM ferry_stream_out \
    WHERE link = ?1 AND stream = ?2";
const IN_SQL: &str = "SELECT seq, digest FROM ferry_stream_in WHERE link = ?1 AND stream = ?2";
const ROWS_SQL: &str = "SELECT ifnull(sum(rows), 0), ifnull(sum(CASE WHEN seq <= CAST(?3 AS INTEGER) THEN rows END), 0) \
    FROM ferry_batch_out WHERE link = ?1 AND stream = ?2";
const STATE_SQL: &str = "SELECT health, code, detail FROM ferry_stream_state \
    WHERE link = ?1 AND stream = ?2 AND direction = ?3 AND health NOT IN ('ok', 'waiting')";
const CUT_SQL: &str = "SELECT seq, cut_at_ms FROM ferry_batch_out WHERE link = ?1 AND stream = ?2 ORDER BY seq";
const APPLIED_SQL: &str = "SELECT seq, applied_at_ms FROM ferry_batch_in WHERE link = ?1 AND stream = ?2 ORDER BY seq";
const RESENT_SQL: &str = "SELECT ifnull(sum(max(attempt, 1) - 1), 0) FROM ferry_batch_out WHERE link = ?1";
const WAITING_SQL: &str = "SELECT (SELECT count(*) FROM inner_arrived) + (SELECT count(*) FROM inner_asked)";
const PROBLEM_SQL: &str = "SELECT problem FROM inner_arrived WHERE problem IS NOT NULL \
    UNION ALL SELECT problem FROM inner_asked WHERE problem IS NOT NULL LIMIT 1";
const FACT_SQL: &str = "SELECT CAST(value AS INTEGER) FROM ferry_fact WHERE link = ?1 AND name = ?2";

impl Books {
    /// Opens the books of both zones.
    ///
    /// # Errors
    /// When a database cannot be opened.
    pub fn open(inner: &Zone, outer: &Zone) -> Result<Self, Failure> {
        Ok(Self { inner: Database::open(&inner.database)?, outer: Database::open(&outer.database)? })
    }

    /// How far a stream is.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn place(&mut self, stream: Stream) -> Result<Place, Failure> {
        let [(owner_zone, owner), (receiver_zone, receiver)] = self.sides(stream);
        let of = [LINK, stream.name];
        // The receiver first: whatever happens between the two reads, it is not seen ahead of its owner.
        let applied = receiver.rows(IN_SQL, &of, |row| Ok((row.number(0)?, row.text(1)?)))?.into_iter().next();
        let known = owner.rows(OUT_SQL, &of, |row| {
            Ok((row.text(0)?, row.number(1)?, row.number(2)?, row.text(3)?, row.number(4)?))
        })?;
        let Some((outbox, through_id, batches, digest, settled_batches)) = known.into_iter().next() else {
            return Ok(Place::default());
        };
        let captured = owner.number(&format!("SELECT ifnull(max(id), 0) FROM \"{outbox}\""), &[])?;
        let applied_batches = applied.as_ref().map_or(0, |(seq, _)| *seq);
        let seq = applied_batches.to_string();
        let rows = owner.rows(ROWS_SQL, &[LINK, stream.name, &seq], |row| Ok((row.number(0)?, row.number(1)?)))?;
        let (cut, applied_rows) = rows.into_iter().next().unwrap_or_default();
        let mut trouble = trouble(receiver, receiver_zone, stream, "in")?;
        if trouble.is_none() {
            trouble = self::trouble(owner, owner_zone, stream, "out")?;
        }
        Ok(Place {
            waiting: captured.saturating_sub(through_id),
            cut,
            applied: applied_rows,
            batches,
            applied_batches,
            settled_batches,
            is_same: applied.map_or(batches == 0, |(seq, of)| (seq, of) == (batches, digest)),
            trouble,
        })
    }

    /// How many confirmations and requests have come that the intranet node has not answered.
    ///
    /// # Errors
    /// When the database cannot be read, or one of them waits for people: a demo has none.
    pub fn unanswered(&mut self) -> Result<u64, Failure> {
        let problems = self.inner.rows(PROBLEM_SQL, &[], |row| row.text(0))?;
        match problems.into_iter().next() {
            None => self.inner.number(WAITING_SQL, &[]),
            Some(problem) => Err(Failure::new(text!(
                "inner-node cannot answer what came: {problem}",
                "inner-node 无法处理收到的数据：{problem}"
            ))),
        }
    }

    /// For each applied batch of a stream, from the cut at its owner to the commit at its receiver, in milliseconds.
    /// Both clocks are this machine's.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn lags_ms(&mut self, stream: Stream) -> Result<Vec<u64>, Failure> {
        let [(_, owner), (_, receiver)] = self.sides(stream);
        let of = [LINK, stream.name];
        let cut = owner.rows(CUT_SQL, &of, |row| Ok((row.number(0)?, row.number(1)?)))?;
        let applied = receiver.rows(APPLIED_SQL, &of, |row| Ok((row.number(0)?, row.number(1)?)))?;
        let cut: std::collections::BTreeMap<u64, u64> = cut.into_iter().collect();
        let lag = |(seq, applied_ms): (u64, u64)| cut.get(&seq).map(|cut_ms| applied_ms.saturating_sub(*cut_ms));
        Ok(applied.into_iter().filter_map(lag).collect())
    }

    /// Publications of batches beyond the first, by the inner and by the outer zone.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn resent(&mut self) -> Result<[u64; 2], Failure> {
        Ok([self.inner.number(RESENT_SQL, &[LINK])?, self.outer.number(RESENT_SQL, &[LINK])?])
    }

    /// A counter of the inner and of the outer daemon; 0 when it is not there.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn counter(&mut self, name: &str) -> Result<[u64; 2], Failure> {
        let read = |database: &mut Database| {
            let found = database.rows(FACT_SQL, &[LINK, name], |row| row.number(0))?;
            Ok(found.into_iter().next().unwrap_or(0))
        };
        Ok([read(&mut self.inner)?, read(&mut self.outer)?])
    }

    /// Closes both.
    pub fn close(self) {
        self.inner.close();
        self.outer.close();
    }

    /// The owner's and the receiver's books.
    fn sides(&mut self, stream: Stream) -> [(&'static str, &mut Database); 2] {
        let (inner, outer) = (("inner", &mut self.inner), ("outer", &mut self.outer));
        if stream.from_inner { [inner, outer] } else { [outer, inner] }
    }
}

fn trouble(
    database: &mut Database,
    zone: &'static str,
    stream: Stream,
    direction: &str,
) -> Result<Option<Trouble>, Failure> {
    let found = database.rows(STATE_SQL, &[LINK, stream.name, direction], |row| {
        Ok(Trouble { zone, health: row.text(0)?, code: row.text(1)?, detail: row.text(2)? })
    })?;
    Ok(found.into_iter().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_done_when_its_owner_knows_that_all_is_applied() {
        let place = Place { batches: 3, applied_batches: 3, settled_batches: 2, is_same: true, ..Place::default() };
        assert!(!place.is_done());
        assert!(Place { settled_batches: 3, ..place.clone() }.is_done());
        assert!(!Place { settled_batches: 3, waiting: 1, ..place }.is_done());
        assert!(Place { is_same: true, ..Place::default() }.is_done());
    }

    #[test]
    fn the_streams_are_those_of_the_contract() {
        let contract = ferry_core::contract::Contract::parse(contract::NONTAX_TOML, "nontax.toml").expect("it parses");
        let mut names: Vec<(&str, bool)> =
            contract.streams().iter().map(|stream| (stream.name.as_str(), stream.owner.as_str() == "inner")).collect();
        let mut ours: Vec<(&str, bool)> = STREAMS.iter().map(|stream| (stream.name, stream.from_inner)).collect();
        names.sort_unstable();
        ours.sort_unstable();
        assert_eq!(names, ours);
    }
}
