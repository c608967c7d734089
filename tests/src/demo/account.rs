//! What the nodes did in a run, and whether both zones account for the same money.

use serde::Serialize;

use super::compare::Comparison;
use super::database::Database;
use super::deeds::Deeds;
use super::failure::Failure;
use super::town::Town;

/// What the nodes did. Money is in fen.
#[derive(Debug, Default, Serialize)]
pub struct NodesOutcome {
    /// Rows of base data that the intranet node imported.
    pub imported: u64,
    /// Rows of base data that it changed.
    pub edited: u64,
    /// Rows of base data that were deleted past it: no node deletes rows.
    pub deleted_past_the_node: u64,
    /// Notices that it issued, without those that were asked for outside.
    pub issued: u64,
    /// Notices that were asked for outside.
    pub requested: u64,
    /// Notices that two people declared void.
    pub voided: u64,
    /// Payments that a bank or the police reported to it.
    pub offline: u64,
    /// Payments that channels told the extranet payment node of.
    pub payments: u64,
    /// Payments that they told of twice.
    pub told_twice: u64,
    /// Confirmations that it wrote: one for each payment.
    pub confirmed: u64,
    /// Confirmations whose answer has come back to it.
    pub answered: u64,
    /// Answers: the notice is paid with what it asks for.
    pub matched: u64,
    /// Answers: the payment began at an agency's own site and has no notice.
    pub no_notice: u64,
    /// Answers: it had been paid before, by another order, at a bank or to the police.
    pub duplicates: u64,
    /// Payments to the police that went back.
    pub refunded: u64,
    /// What the outer zone has confirmed.
    pub outside_fen: u64,
    /// What the inner zone has booked of it.
    pub inside_fen: u64,
    /// Whether both are the same, and every payment is confirmed and answered.
    pub equal: bool,
}

/// How many changes the zones' own programs must have made, told from what the nodes answered and from what the tables have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// All: rows inserted, updated and deleted.
    pub all: u64,
    /// Updates and deletes among them.
    pub later: u64,
}

const ANSWERS_SQL: &str = "SELECT count(*) FROM confirm_result WHERE match_state = CAST(?1 AS INTEGER)";
const BOOKED_SQL: &str = "SELECT ifnull(sum(amount_fen), 0) FROM inner_book WHERE source = 'ONLINE'";

impl NodesOutcome {
    /// Puts together what was done, what the databases of both zones have of it, and how many changes that makes.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn of(deeds: &Deeds, town: &Town, tables: &[Comparison]) -> Result<(Self, Changes), Failure> {
        let mut inner = Database::open(&town.inner_zone.database)?;
        let mut outer = Database::open(&town.outer_zone.database)?;
        let mut answers = |state: &str| outer.number(ANSWERS_SQL, &[state]);
        let (matched, duplicates, no_notice) = (answers("1")?, answers("2")?, answers("4")?);
        let answered = outer.number("SELECT count(*) FROM confirm_result", &[])?;
        let confirmed = outer.number("SELECT count(*) FROM pay_confirm", &[])?;
        let outside_fen = outer.number("SELECT ifnull(sum(amount_fen), 0) FROM pay_confirm", &[])?;
        let inside_fen = inner.number(BOOKED_SQL, &[])?;
        let paid = inner.number("SELECT count(*) FROM pay_notice WHERE state = 1", &[])?;
        let to_refund = inner.number("SELECT count(*) FROM confirm_result WHERE decision = 3", &[])?;
        inner.close();
        outer.close();
        let payments = deeds.payments.get();
        let outcome = Self {
            imported: deeds.imported.get(),
            edited: deeds.edited.get(),
            deleted_past_the_node: deeds.deleted.get(),
            issued: deeds.issued.get(),
            requested: deeds.requested.get(),
            voided: deeds.voided.get(),
            offline: deeds.offline.get(),
            payments,
            told_twice: deeds.told_twice.get(),
            confirmed,
            answered,
            matched,
            no_notice,
            duplicates,
            refunded: deeds.refunded.get(),
            outside_fen,
            inside_fen,
            equal: outside_fen == inside_fen && payments == confirmed && confirmed == answered,
        };
        // A notice becomes paid once, and a payment to the police is marked when its online payment comes and when it goes back.
        let updates = outcome.edited + outcome.voided + paid + to_refund + outcome.refunded;
        let rows: u64 = tables.iter().map(|table| table.inner.rows).sum();
        let later = updates + outcome.deleted_past_the_node;
        let all = rows + outcome.deleted_past_the_node + later;
        Ok((outcome, Changes { all, later }))
    }
}
