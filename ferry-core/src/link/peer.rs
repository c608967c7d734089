//! What the peer's status says, and whether to believe it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ferry_format::{
    BootNonce, Checkpoint, CodeCount, IncomingReport, Mark, StatusBody, StatusStatement, StreamName, WantKind,
};

use super::{Link, Lock};
use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::ports::Direction;
use crate::sender::Sender;
use crate::settings::SILENT_HEARTBEATS;
use crate::time::{Mono, Now};

/// Earlier starts of the peer that are remembered: more than a peer makes while one of its files is on its way.
const RETIRED_BOOTS_MAX: usize = 64;

/// Alarms about a peer that has forgotten what it had applied: they end when it has come as far as it was.
const MENDED_BY_SENDING: [&str; 3] = ["peer-behind", "peer-restored", "peer-out-of-reach"];

/// What is known of the peer.
#[derive(Debug, Default)]
pub(super) struct PeerState {
    /// The highest status accepted: boot nonce and number.
    pub(super) highest: Option<(BootNonce, u64)>,
    /// The first status of ours that echoes it.
    pub(super) told_from: u64,
    /// Earlier starts of the peer, the oldest first: whatever they said has been overtaken.
    retired: VecDeque<BootNonce>,
    /// The highest number of ours that it has echoed since our start.
    echoed_number: u64,
    pub(super) echoed_this_boot: bool,
    pub(super) heard: Option<Mono>,
    pub(super) clock_ms: u64,
    pub(super) audit: Option<Checkpoint>,
    /// What it said of each stream in the last status that answers this start of the daemon.
    pub(super) confirmed: BTreeMap<(Direction, StreamName), Mark>,
    /// Streams of which it has said since this start that another batch is where we know one.
    contradicted: BTreeSet<(Direction, StreamName)>,
    /// What it says that it has turned away.
    pub(super) turned_away: Vec<CodeCount>,
    /// What is wrong with what the peer says of its watermarks, by its published code; ends when it is right again.
    mark_alarm: Option<&'static str>,
    /// What is wrong with the peer's audit log, by its published code; stands until the daemon is started anew.
    audit_alarm: Option<&'static str>,
}

impl PeerState {
    /// What is wrong with the peer as a whole, by its published code: first what may need somebody now.
    pub(super) fn alarm(&self) -> Option<&'static str> {
        self.mark_alarm.or(self.audit_alarm)
    }

    /// A stream has begun another life: what was wrong with the peer's word about the old one counts no more. What else is wrong
    /// its next status shows again.
    pub(super) fn epoch_begun(&mut self, direction: Direction, stream: &StreamName) {
        self.contradicted.remove(&(direction, stream.clone()));
        if direction == Direction::Out {
            self.mark_alarm = None;
        }
    }

    /// The highest number of ours that it has echoed since our start; 0 before.
    pub(super) const fn echoed_number(&self) -> u64 {
        self.echoed_number
    }
}

impl Link {
    /// Takes a verified status. Returns whether it is news; a lower number is an old one come late, or a replay.
    pub(super) fn read_status(&mut self, statement: &StatusStatement, body: &StatusBody, now: Now) -> bool {
        let echo_now = statement.echo.filter(|echo| echo.boot == self.boot);
        let alarm_before = self.peer.mark_alarm;
        if !self.is_news(statement) && !breaks::is(Break::StaleStatusAccepted) {
            return false;
        }
        self.heard_from(statement, now);
        if let Some(echo) = echo_now {
            self.peer.echoed_number = self.peer.echoed_number.max(echo.number);
            self.peer.echoed_this_boot = true;
            for receiver in self.receivers.values_mut() {
                receiver.reports_echoed(echo.number);
            }
            self.judge_lock(statement, body);
            self.read_returnable(&statement.received, now);
        }
        self.read_wanted_back(body, statement.number, now);
        self.watch_audit(statement);
        self.peer.turned_away.clone_from(&body.turned_away);
        self.read_acts(body);
        self.read_epochs(statement, body, echo_now.is_some(), now);
        if echo_now.is_some() {
            self.read_confirmations(statement);
        }
        self.read_own_streams(statement, body, echo_now.is_some(), now);
        if echo_now.is_some() {
            self.end_alarm(alarm_before);
        }
        for report in &body.outgoing {
            if let Some(receiver) = self.receivers.get_mut(&report.stream) {
                receiver.announce(report, statement.clock_ms, echo_now.is_some(), now.mono);
            }
        }
        for want in body.wants.iter().filter(|want| want.kind == WantKind::Resend) {
            if let Some(sender) = self.senders.get_mut(&want.stream).filter(|sender| sender.epoch == want.epoch) {
                for seq in sender.unsettled_between(want.range.first, want.range.last) {
                    sender.resend_now(seq);
                }
            }
        }
        true
    }

    /// Whether a status says something that the ones before it did not. A peer that has forgotten its numbers uses lower ones:
    /// that it is no old status come late is proved by its echo of one of ours that told the peer of the higher number. The
    /// same proves that a start which counts as an earlier one is the present one, and that the other's files came late.
    fn is_news(&mut self, statement: &StatusStatement) -> bool {
        let Some((boot, number)) = self.peer.highest else { return true };
        let knew_better =
            statement.echo.is_some_and(|echo| echo.boot == self.boot && echo.number >= self.peer.told_from);
        let returns = boot != statement.boot && knew_better;
        if !returns && self.peer.retired.contains(&statement.boot) {
            return false;
        }
        if statement.number > number {
            return true;
        }
        if returns {
            self.peer.mark_alarm = Some("peer-restored");
        }
        returns
    }

    fn heard_from(&mut self, statement: &StatusStatement, now: Now) {
        if self.is_silent(now.mono) {
            coverage::hit(Place::HeardAgain);
            for sender in self.senders.values_mut() {
                sender.reset_backoff(now.mono, &self.settings);
            }
        }
        let new_boot = self.peer.highest.is_none_or(|(boot, _)| boot != statement.boot);
        let unheard = statement.echo.is_none_or(|echo| echo.boot != self.boot);
        if new_boot || unheard {
            self.status.progress(now.mono);
        }
        if let Some((boot, _)) = self.peer.highest.filter(|(boot, _)| *boot != statement.boot) {
            if self.peer.retired.len() == RETIRED_BOOTS_MAX {
                self.peer.retired.pop_front();
            }
            self.peer.retired.push_back(boot);
        }
        self.peer.retired.retain(|one| *one != statement.boot);
        self.peer.highest = Some((statement.boot, statement.number));
        self.peer.told_from = self.status.next;
        self.peer.heard = Some(now.mono);
        self.peer.clock_ms = statement.clock_ms;
    }

    /// Whether the peer has missed its heartbeats, allowing for the gate's worst case.
    pub(super) fn is_silent(&self, now: Mono) -> bool {
        let patience = SILENT_HEARTBEATS * self.settings.heartbeat_ms + self.settings.gate_worst_ms;
        self.peer.heard.map_or(now.0 > patience, |heard| now.since(heard) > patience)
    }

    /// A fresh word of the peer shows whether it has applied more than our books know of.
    fn judge_lock(&mut self, statement: &StatusStatement, body: &StatusBody) {
        let beyond = |stream: &StreamName, epoch: u64, seq: u64| {
            let sender = self.senders.get(stream);
            sender.is_some_and(|sender| (epoch, seq) > (sender.epoch, sender.last_recorded().seq))
        };
        let ahead = statement.received.iter().any(|mark| beyond(&mark.stream, mark.epoch, mark.seq));
        // A zone that has its anchor knows what it sent: what the peer merely holds or misses beyond that may be a thief's
        // word, and must not stop it. One that has lost it believes whatever speaks for a later past.
        let unanchored = matches!(self.lock, Some(Lock::AnchorMissing | Lock::AnchorForeign));
        let knows_more = |report: &IncomingReport| {
            let known = report.held.last().into_iter().chain(report.missing.last());
            known.into_iter().any(|range| beyond(&report.stream, report.epoch, range.last))
        };
        let locks = ahead || unanchored && (body.incoming.iter().any(knows_more) || self.differs(statement));
        self.judge_beyond(&statement.received, &body.incoming);
        if locks {
            coverage::hit(Place::RestoredLocked);
            self.lock = Some(Lock::Restored);
            return;
        }
        match self.lock {
            Some(Lock::AnchorMissing | Lock::AnchorForeign) => {
                self.lock = None;
                // The first anchor of this database is written before anything is sent.
                self.anchor.status_next = self.status.next;
            }
            Some(Lock::Restored)
                if self.is_returned() && !self.differs_unnamed(statement) && !self.is_held_beyond() =>
            {
                coverage::hit(Place::Unlocked);
                self.lock = None;
            }
            Some(Lock::Restored) | None => {}
        }
    }

    /// Whether the peer has applied a batch of our books under another digest.
    fn differs(&self, statement: &StatusStatement) -> bool {
        let mut marks = statement.received.iter();
        marks.any(|mark| self.senders.get(&mark.stream).is_some_and(|sender| sender.contradicts(mark)))
    }

    /// Whether the peer has applied another batch of a stream that the anchor does not name: a database that was made anew knows
    /// nothing of what was sent.
    fn differs_unnamed(&self, statement: &StatusStatement) -> bool {
        let is_unnamed = |mark: &&Mark| self.anchor.marks.iter().all(|named| named.stream != mark.stream);
        let mut marks = statement.received.iter().filter(is_unnamed);
        marks.any(|mark| self.senders.get(&mark.stream).is_some_and(|sender| sender.contradicts(mark)))
    }

    /// Mutual witness: the peer's log may only grow, and one size has one root.
    fn watch_audit(&mut self, statement: &StatusStatement) {
        if let Some(before) = self.peer.audit {
            let forked = statement.audit.size == before.size && statement.audit.root != before.root;
            let shrunk = statement.audit.size < before.size;
            if forked || shrunk {
                self.peer.audit_alarm = Some(if forked { "peer-audit-forked" } else { "peer-audit-shrunk" });
            }
        }
        self.peer.audit = Some(statement.audit);
    }

    /// What the peer has applied of our streams, and has recorded of its own.
    fn read_confirmations(&mut self, statement: &StatusStatement) {
        let of_ours = statement.received.iter().map(|mark| (Direction::Out, mark));
        let of_its_own = statement.sent.iter().map(|mark| (Direction::In, mark));
        self.peer.confirmed.clear();
        for (direction, mark) in of_ours.chain(of_its_own) {
            let contradicts = match direction {
                Direction::Out => self.senders.get(&mark.stream).is_some_and(|sender| sender.contradicts(mark)),
                Direction::In => self.receivers.get(&mark.stream).is_some_and(|receiver| receiver.contradicts(mark)),
            };
            let key = (direction, mark.stream.clone());
            if contradicts {
                self.peer.contradicted.insert(key.clone());
            }
            if !self.peer.contradicted.contains(&key) {
                self.peer.confirmed.insert(key, mark.clone());
            }
        }
    }

    /// `fresh` is whether the status answers this start: an older one may tell of a watermark that has been passed since.
    fn read_own_streams(&mut self, statement: &StatusStatement, body: &StatusBody, fresh: bool, now: Now) {
        let marks: BTreeMap<&StreamName, &Mark> = statement.received.iter().map(|mark| (&mark.stream, mark)).collect();
        let reports: BTreeMap<&StreamName, &IncomingReport> =
            body.incoming.iter().map(|report| (&report.stream, report)).collect();
        for stream in self.order.clone() {
            let (mark, report) = (marks.get(&stream).copied(), reports.get(&stream).copied());
            let Some(sender) = self.senders.get_mut(&stream) else { continue };
            let epoch = sender.epoch;
            let evidence = sender.read_report(mark, report, fresh, now, &self.settings);
            // That the peer is beyond the books of a zone that was put back is what its lock says.
            let is_beyond = mark.is_some_and(|mark| mark.seq > sender.last_recorded().seq);
            if let Some(alarm) = evidence.alarm.filter(|_| self.lock != Some(Lock::Restored) || !is_beyond) {
                self.peer.mark_alarm = Some(alarm);
            }
            for (seq, kind, detail) in evidence.life {
                self.out_event(&stream, epoch, seq, kind, now, detail);
            }
        }
        if self.senders.values().any(Sender::is_out_of_reach) {
            self.peer.mark_alarm = Some("peer-out-of-reach");
        }
    }

    /// An alarm that sending again mends is over with a status that shows so and has not raised it itself.
    fn end_alarm(&mut self, before: Option<&'static str>) {
        let is_mended = before.is_some_and(|alarm| MENDED_BY_SENDING.contains(&alarm));
        let is_behind = self.senders.values().any(Sender::is_behind);
        if is_mended && self.peer.mark_alarm == before && !is_behind {
            self.peer.mark_alarm = None;
        }
    }
}
