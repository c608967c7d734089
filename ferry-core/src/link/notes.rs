//! What the operator sees: the state of every stream, and facts about the link.

use ferry_format::limits::RANGES_MAX;
use ferry_format::{Digest, Mark};

use super::Link;
use crate::action::Action;
use crate::ports::{Direction, Notes, PortError, StreamState};
use crate::ranges;
use crate::receiver::{HELD_BY_OPERATOR, Receiver};
use crate::sender::Sender;
use crate::settings::ALARM_ATTEMPT;
use crate::time::Now;

/// The code of a stream of a restored zone of which the peer has applied more than the anchor tells of.
const BEYOND_ANCHOR: &str = "beyond-anchor";
/// The code of a stream of a restored zone that the anchor does not name, and of which the peer holds or misses more than the books
/// tell of.
const HELD_BEYOND: &str = "peer-holds-more";

/// The code of every stream while the peer is not heard: what it has sent since, nobody knows.
const PEER_SILENT: &str = "peer-silent";

/// How the fact `beyond` spells what the peer has applied: stream, epoch, seq and statement digest.
fn beyond_text(mark: &Mark) -> String {
    format!("{}/{}/{}/{}", mark.stream, mark.epoch, mark.seq, mark.digest)
}

impl Link {
    pub(super) fn next_note(&mut self, now: Now) -> Option<Action> {
        let states = self.states(now);
        let fingerprint = self.fingerprint(&states, now);
        let stale = now.mono.since(self.last_noted) >= self.settings.heartbeat_ms / 4;
        let nothing_new = self.notes.life.is_empty() && self.notes.acts_told.is_empty();
        let is_unnoted = self.status.is_unnoted();
        if nothing_new && !stale && !is_unnoted && fingerprint == self.noted_fingerprint {
            // A quiet link writes nothing but a sign of life now and then.
            self.note.at = now.mono + self.settings.note_ms;
            return None;
        }
        self.note.busy = true;
        self.last_noted = now.mono;
        self.noted_fingerprint = fingerprint;
        if is_unnoted {
            self.notes.status_number = Some(self.status.next);
        }
        let mut notes = std::mem::take(&mut self.notes);
        notes.states = states;
        notes.facts.extend(self.facts(now));
        notes.now_ms = now.wall_ms;
        Some(Action::Note(notes))
    }

    /// What an operator would call a change: everything but ages.
    fn fingerprint(&self, states: &[StreamState], now: Now) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        for state in states {
            let seqs = (state.epoch, state.last_seq, state.published_seq, state.applied_seq);
            (state.stream.as_str(), seqs, &state.held, &state.missing).hash(&mut hasher);
            (state.health, &state.code, &state.detail, state.parked_rows).hash(&mut hasher);
        }
        let counters = self.counters;
        let gate = (counters.foreign, counters.unverified, counters.damaged, counters.duplicate, counters.refused);
        for entry in &self.peer.turned_away {
            (&entry.code, entry.count).hash(&mut hasher);
        }
        let failing = self.failing.told(now.mono, &self.settings).0;
        self.keys.fingerprint().hash(&mut hasher);
        (gate, self.alarm(), self.lock.map(super::Lock::code), failing).hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn noted(&mut self, notes: Notes, result: Result<(), PortError>, now: Now) {
        self.note.busy = false;
        self.note.at = now.mono + self.settings.note_ms;
        match result {
            Ok(()) => {
                self.status.noted = self.status.noted.max(notes.status_number.unwrap_or(0));
                if self.status.is_unnoted() {
                    self.note.at = now.mono;
                }
            }
            Err(error) => {
                self.fault("note", &error);
                self.notes.status_number = self.notes.status_number.or(notes.status_number);
                // What happened to batches is told again; states and facts are made anew.
                let newer = std::mem::replace(&mut self.notes.life, notes.life);
                for event in newer {
                    self.life(event);
                }
                self.notes.acts_told.extend(notes.acts_told);
            }
        }
    }

    fn states(&self, now: Now) -> Vec<StreamState> {
        let silent = self.is_silent(now.mono);
        let outgoing = self.senders.values().map(|sender| self.outgoing_state(sender, silent, now));
        let incoming = self.receivers.values().map(|receiver| self.incoming_state(receiver, silent, now));
        outgoing.chain(incoming).collect()
    }

    fn outgoing_state(&self, sender: &Sender, silent: bool, now: Now) -> StreamState {
        let (health, code, detail) = self.outgoing_health(sender, silent, now);
        StreamState {
            direction: Direction::Out,
            stream: sender.stream.clone(),
            epoch: sender.epoch,
            last_seq: sender.last_recorded().seq,
            published_seq: sender.published(),
            applied_seq: sender.settled().seq,
            applied_digest: sender.settled().digest,
            held: ranges::text(&sender.held_ranges(RANGES_MAX)),
            missing: String::new(),
            lag_ms: sender.lag_ms(now.mono),
            known_at_ms: 0,
            health,
            code,
            detail,
            parked_rows: sender.peer_parked_rows(),
        }
    }

    fn outgoing_health(&self, sender: &Sender, silent: bool, now: Now) -> (&'static str, String, String) {
        if let Some(lock) = self.lock {
            if let Some(stop) = sender.stopped().filter(|_| lock == super::Lock::Restored) {
                return ("locked", stop.code.clone(), stop.place.clone());
            }
            if let Some(mark) = self.beyond().find(|mark| mark.stream == sender.stream) {
                return ("locked", BEYOND_ANCHOR.to_owned(), format!("seq {}", mark.seq));
            }
            if let Some(seq) = self.held_beyond(&sender.stream) {
                return ("locked", HELD_BEYOND.to_owned(), format!("seq {seq}"));
            }
            return ("locked", lock.code().to_owned(), String::new());
        }
        if let Some(stop) = sender.stopped() {
            return ("stopped", stop.code.clone(), stop.place.clone());
        }
        if let Some(seq) = sender.damaged() {
            return ("stopped", "spool-damaged".to_owned(), format!("seq {seq}"));
        }
        if sender.is_on_hold() {
            return ("held", HELD_BY_OPERATOR.to_owned(), String::new());
        }
        if let Some(refusal) = sender.peer_refused() {
            return ("refused", refusal.code.clone(), place(refusal));
        }
        if let Some(parked) = sender.peer_parked() {
            return ("parked", parked.code.clone(), format!("seq {}", parked.seq));
        }
        if silent {
            return ("silent", PEER_SILENT.to_owned(), String::new());
        }
        if let Some(place) = sender.load_place() {
            return ("waiting", "loading".to_owned(), place);
        }
        if sender.worst_attempt() >= ALARM_ATTEMPT {
            return ("waiting", "many-attempts".to_owned(), format!("attempt {}", sender.worst_attempt()));
        }
        if sender.lag_ms(now.mono) > 0 || !sender.is_idle() {
            return ("waiting", String::new(), String::new());
        }
        ("ok", String::new(), String::new())
    }

    fn incoming_state(&self, receiver: &Receiver, silent: bool, now: Now) -> StreamState {
        let marks = self.marks();
        let mark = receiver.mark();
        let missing = receiver.missing_ranges(RANGES_MAX);
        let held = receiver.held_ranges(RANGES_MAX);
        let (health, code, detail) = if receiver.is_on_hold() {
            ("held", HELD_BY_OPERATOR.to_owned(), String::new())
        } else if let Some(refusal) = receiver.refused() {
            ("refused", refusal.code.clone(), place(refusal))
        } else if let Some(parked) = receiver.waits_for(|stream| marks.get(stream).cloned()) {
            ("parked", parked.code, format!("seq {}", parked.seq))
        } else if silent {
            ("silent", PEER_SILENT.to_owned(), String::new())
        } else if !missing.is_empty() || !held.is_empty() {
            ("waiting", String::new(), String::new())
        } else {
            ("ok", String::new(), String::new())
        };
        StreamState {
            direction: Direction::In,
            stream: receiver.stream.clone(),
            epoch: mark.map_or(0, |mark| mark.epoch),
            last_seq: receiver.last_known(),
            published_seq: receiver.last_known(),
            applied_seq: mark.map_or(0, |mark| mark.seq),
            applied_digest: mark.map_or(Digest([0; 32]), |mark| mark.digest),
            held: ranges::text(&held),
            missing: ranges::text(&missing),
            lag_ms: receiver.lag_ms(now.mono),
            known_at_ms: receiver.known_at_ms(),
            health,
            code,
            detail,
            parked_rows: receiver.parked_rows(),
        }
    }

    fn facts(&self, now: Now) -> Vec<(String, String)> {
        let heard = self.peer.heard.map(|heard| now.mono.since(heard).to_string());
        let counters = &self.counters;
        let longest = self.senders.values().filter_map(|sender| sender.delay().longest_ms()).max();
        let median = self.senders.values().filter_map(|sender| sender.delay().median_ms()).max();
        let text = |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
        let beyond: Vec<String> = self.beyond().map(beyond_text).collect();
        let next_epochs: Vec<String> = self
            .senders
            .values()
            .map(|sender| format!("{}/{}", sender.stream, self.highest_epoch(sender).saturating_add(1)))
            .collect();
        let (failing, failing_detail) = self.failing.told(now.mono, &self.settings);
        let facts = [
            ("failing", failing.to_owned()),
            ("failing_detail", failing_detail),
            ("peer_heard_ago_ms", heard.unwrap_or_default()),
            ("peer_silent", u8::from(self.is_silent(now.mono)).to_string()),
            ("peer_clock_ms", if self.peer.clock_ms == 0 { String::new() } else { self.peer.clock_ms.to_string() }),
            ("peer_alarm", self.alarm().unwrap_or_default().to_owned()),
            ("lock", self.lock.map_or("", super::Lock::code).to_owned()),
            ("beyond", beyond.join(" ")),
            ("next_epochs", next_epochs.join(" ")),
            ("gate_foreign", counters.foreign.to_string()),
            ("gate_unverified", counters.unverified.to_string()),
            ("gate_damaged", counters.damaged.to_string()),
            ("gate_duplicate", counters.duplicate.to_string()),
            ("gate_refused", counters.refused.to_string()),
            ("round_trip_median_ms", text(median)),
            ("round_trip_longest_ms", text(longest)),
            ("life_events_dropped", self.dropped_life.to_string()),
        ];
        let facts = facts.into_iter().chain(self.keys.facts());
        let mut facts: Vec<(String, String)> = facts.map(|(name, value)| (name.to_owned(), value)).collect();
        let here = self.turned_away.iter().map(|(code, count)| (format!("turned_away:{code}"), count.to_string()));
        facts.extend(here);
        let there = self.peer.turned_away.iter();
        facts.extend(there.map(|entry| (format!("peer_turned_away:{}", entry.code), entry.count.to_string())));
        facts
    }

    /// What waits to be written when nothing more will happen: for a daemon that is about to end.
    pub fn last_notes(&mut self, now: Now) -> Notes {
        let mut notes = std::mem::take(&mut self.notes);
        notes.states = self.states(now);
        notes.facts.extend(self.facts(now));
        notes.now_ms = now.wall_ms;
        notes
    }
}

fn place(refusal: &ferry_format::Refusal) -> String {
    let mut words = vec![format!("seq {}", refusal.seq)];
    words.extend(refusal.table.as_ref().map(|table| format!("table {table}")));
    words.extend(refusal.row.map(|row| format!("row {row}")));
    words.extend(refusal.constraint.as_ref().map(|constraint| format!("constraint {constraint}")));
    words.join(", ")
}
