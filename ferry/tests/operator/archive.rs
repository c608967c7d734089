//! Small archives of two zones with keys from a fixed source, and the real program to judge them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ferry_format::{
    ActId, BatchStatement, BootNonce, Card, Checkpoint, Digest, Entropy, EntropyError, EpochId, FileName, Group,
    Instance, KeyState, LinkId, Mark, Payload, Reason, Sealed, Sealing, SoftKeys, StatusBody, StatusStatement,
    StreamName, Supersedes, TableSummary, TrustEntry, TrustStore, ZoneName, genesis, seal_batch, seal_status,
    supersede_act,
};
use serde_json::Value;
use tempfile::TempDir;

/// Bytes that are the same in every run: a counter, digested.
struct Fixed(u64);

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&Digest::of(&[&self.0.to_be_bytes()]).0[..chunk.len()]);
        }
        Ok(())
    }
}

/// One zone with its keys.
pub struct Zone {
    pub name: ZoneName,
    pub keys: SoftKeys,
    instance: Instance,
}

/// Two zones, and a directory with their files.
pub struct Archive {
    pub outer: Zone,
    pub inner: Zone,
    /// A third pair of keys that nobody trusts.
    pub stranger: SoftKeys,
    /// Two operators of the link.
    operators: [SoftKeys; 2],
    entropy: Fixed,
    directory: TempDir,
}

/// A sealed batch and what it states.
#[derive(Clone)]
pub struct Made {
    pub statement: BatchStatement,
    pub payload: Payload,
    pub sealed: Sealed,
}

impl Made {
    /// Its place as a status or another batch names it.
    pub fn mark(&self) -> Mark {
        Mark {
            stream: self.statement.stream.clone(),
            epoch: self.statement.epoch,
            seq: self.statement.seq,
            digest: self.sealed.digest,
        }
    }

    /// Its file name in an attempt.
    pub fn name(&self, attempt: u32) -> String {
        FileName::of_batch(&self.statement, &self.sealed.digest, attempt, "dat").unwrap().to_string()
    }
}

impl Archive {
    /// Two zones with cards, and no files.
    pub fn new() -> Self {
        let mut entropy = Fixed(0);
        let mut zone = |name: &str, id: u8| Zone {
            name: name.parse().unwrap(),
            keys: SoftKeys::generate(&mut entropy).unwrap(),
            instance: Instance([id; 16]),
        };
        let (outer, inner) = (zone("outer", 1), zone("inner", 2));
        let stranger = SoftKeys::generate(&mut entropy).unwrap();
        let mut operators = [(); 2].map(|()| SoftKeys::generate(&mut entropy).unwrap());
        operators.sort_by_key(|keys| keys.sign_public().id());
        let archive = Self { outer, inner, stranger, operators, entropy, directory: TempDir::new().unwrap() };
        fs::create_dir(archive.cards()).unwrap();
        fs::create_dir(archive.files()).unwrap();
        for zone in [&archive.outer, &archive.inner] {
            archive.card(zone.name.as_str(), &zone.name, Some(zone.instance), &zone.keys);
        }
        for (number, keys) in archive.operators.iter().enumerate() {
            archive.card(&format!("operator{number}"), &archive.outer.name, None, keys);
        }
        archive
    }

    fn card(&self, name: &str, zone: &ZoneName, instance: Option<Instance>, keys: &SoftKeys) {
        let card = Card {
            link: link(),
            zone: zone.clone(),
            instance,
            sign: keys.sign_public().clone(),
            encrypt: keys.encrypt_public().clone(),
            created_at_ms: 1_700_000_000_000,
        };
        put(&self.cards().join(format!("{name}.card")), &card.write(keys).unwrap());
    }

    /// A batch without rows that takes the place of others, approved by both operators.
    pub fn supersede(&mut self, old: &Made) -> Made {
        self.supersede_all(&[old])
    }

    /// A batch without rows that takes the place of one, and of what had taken it before.
    pub fn supersede_all(&mut self, old: &[&Made]) -> Made {
        let payload = Payload::new([u8::try_from(7 + old.len()).unwrap(); 32]);
        let mut statement = old[0].statement.clone();
        statement.tables.clear();
        statement.records = 0;
        statement.plain = payload.plain();
        statement.supersedes = Some(Supersedes {
            act: ActId([u8::try_from(old.len()).unwrap(); 16]),
            at_ms: 1_700_000_000_000,
            reason: Reason::new("a refused row").unwrap(),
            old: old.iter().map(|made| made.sealed.digest).collect(),
            new: vec![statement.plain.sm3],
            approvals: Vec::new(),
        });
        let mut signed = supersede_act(&statement).unwrap();
        self.operators.iter().for_each(|keys| signed.approve(keys).unwrap());
        if let Some(supersedes) = &mut statement.supersedes {
            supersedes.approvals = signed.approvals;
        }
        self.seal(statement, payload, false)
    }

    /// Replaces the cards by a trust file in which outer's key is revoked after `good`.
    pub fn revoke_outer(&self, good: Mark) {
        let mut store = TrustStore::new();
        for name in ["outer", "inner"] {
            let path = self.cards().join(format!("{name}.card"));
            let card = Card::parse(&fs::read(&path).unwrap()).unwrap();
            let state = match name {
                "outer" => KeyState::Revoked { last_good: vec![good.clone()], status_number: 0 },
                _ => KeyState::Active,
            };
            store.add(TrustEntry::of_zone(&card, state)).unwrap();
        }
        put(&self.cards().join("trust"), &store.write());
    }

    /// Where the cards are.
    pub fn cards(&self) -> PathBuf {
        self.directory.path().join("cards")
    }

    /// Where the files to verify are.
    pub fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    /// A batch of one insert from outer to inner that follows on another.
    pub fn confirm(&mut self, after: Option<&Made>) -> Made {
        self.batch("confirm", after, |_| {})
    }

    /// A batch from outer to inner that follows on another, with its statement changed before it is sealed.
    pub fn batch(&mut self, stream: &str, after: Option<&Made>, change: impl FnOnce(&mut BatchStatement)) -> Made {
        let stream: StreamName = stream.parse().unwrap();
        let seq = after.map_or(1, |made| made.statement.seq + 1);
        let mut payload = Payload::new([7; 32]);
        payload.push(format!("[\"t_payment\",\"i\",{seq},100]").as_bytes()).unwrap();
        let summary = TableSummary {
            name: "t_payment".to_owned(),
            inserts: 1,
            totals: [("amt".to_owned(), 100)].into(),
            ..TableSummary::default()
        };
        let mut statement = BatchStatement {
            link: link(),
            from: self.outer.name.clone(),
            to: self.inner.name.clone(),
            epoch: 1,
            epoch_id: EpochId([3; 8]),
            seq,
            group: Group { first: seq, index: 0, last: true },
            previous: after.map_or_else(|| self.genesis(&stream), |made| made.sealed.digest),
            contract: Digest::of(&[b"contract"]),
            requires: Vec::new(),
            tables: vec![summary],
            records: 1,
            plain: payload.plain(),
            cut_at_ms: 1_700_000_000_000 + seq,
            audit: head(seq, 1),
            supersedes: None,
            stream,
        };
        change(&mut statement);
        self.seal(statement, payload, false)
    }

    /// Seals a statement, by outer or by the stranger.
    pub fn seal(&mut self, statement: BatchStatement, payload: Payload, by_stranger: bool) -> Made {
        let keys = if by_stranger { &self.stranger } else { &self.outer.keys };
        let recipients = [self.inner.keys.encrypt_public().clone()];
        let sealed = seal_batch(&statement, &payload, &Sealing::new(keys, &recipients), &mut self.entropy).unwrap();
        Made { statement, payload, sealed }
    }

    /// A chain of confirmations from the first on, each file in place.
    pub fn confirms(&mut self, count: usize) -> Vec<Made> {
        let mut made: Vec<Made> = Vec::new();
        for _ in 0..count {
            let next = self.confirm(made.last());
            self.keep(&next);
            made.push(next);
        }
        made
    }

    /// Writes a batch under its name.
    pub fn keep(&self, made: &Made) -> PathBuf {
        let path = self.files().join(made.name(1));
        put(&path, &made.sealed.bytes);
        path
    }

    /// Writes a status of inner that has applied `received`.
    pub fn inner_status(&mut self, number: u64, received: Vec<Mark>, audit: Checkpoint) -> PathBuf {
        self.changed_status(number, |statement| (statement.received, statement.audit) = (received, audit))
    }

    /// Writes a status of inner that says what `change` makes of it.
    pub fn changed_status(&mut self, number: u64, change: impl FnOnce(&mut StatusStatement)) -> PathBuf {
        let mut statement = StatusStatement {
            link: link(),
            from: self.inner.name.clone(),
            to: self.outer.name.clone(),
            instance: self.inner.instance,
            boot: BootNonce([9; 16]),
            number,
            clock_ms: 1_700_000_000_000,
            echo: None,
            received: Vec::new(),
            sent: Vec::new(),
            superseded: Vec::new(),
            audit: head(1, 2),
            witness: None,
            plain: Payload::new([0; 32]).plain(),
        };
        change(&mut statement);
        let recipients = [self.outer.keys.encrypt_public().clone()];
        let sealing = Sealing::new(&self.inner.keys, &recipients);
        let sealed = seal_status(&statement, &StatusBody::default(), &sealing, &mut self.entropy).unwrap();
        let name = FileName::of_status(&statement, &sealed.digest, 1, "dat").unwrap().to_string();
        let path = self.files().join(name);
        put(&path, &sealed.bytes);
        path
    }

    /// Runs `ferry verify FILES --trust CARDS --json` and returns the exit code and the document.
    pub fn verify(&self, more: &[&str]) -> (i32, Value) {
        let output = self.run(more, true, "C");
        let text = String::from_utf8(output.stdout).unwrap();
        let document = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr));
        });
        assert_documented("verify", &document);
        (output.status.code().unwrap(), document)
    }

    /// Runs `ferry verify FILES --trust CARDS` for a person who reads `locale`.
    pub fn verify_for_people(&self, locale: &str) -> (i32, String) {
        let output = self.run(&[], false, locale);
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    fn run(&self, more: &[&str], json: bool, locale: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
        command.arg("verify").arg(self.files()).arg("--trust").arg(self.cards()).args(more);
        if json {
            command.arg("--json");
        }
        command.env("LC_ALL", locale).output().unwrap()
    }

    fn genesis(&self, stream: &StreamName) -> Digest {
        genesis(&link(), &self.outer.name, &self.inner.name, stream, 1, EpochId([3; 8]))
    }
}

/// The link of all that is made here.
pub fn link() -> LinkId {
    "demo".parse().unwrap()
}

/// The head of an audit log of `size` leaves; `life` tells two logs of one size apart.
pub fn head(size: u64, life: u8) -> Checkpoint {
    Checkpoint { size, root: Digest::of(&[&[life], &size.to_be_bytes()]) }
}

/// Writes a file.
pub fn put(path: &Path, bytes: &[u8]) {
    File::create(path).and_then(|mut file| file.write_all(bytes)).unwrap();
}

/// The codes of all faults, in the order in which they were listed.
pub fn codes(document: &Value) -> Vec<&str> {
    document["faults"].as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect()
}

/// Fails unless every part of an answer has exactly the keys that the reference page lists.
pub fn assert_documented(verb: &str, document: &Value) {
    let parts = ferry::cli::reference::ANSWERS.iter().find(|(name, _)| *name == verb).unwrap().1;
    let mut listed: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (part, keys) in parts {
        listed.entry((*part).to_owned()).or_default().extend(*keys);
    }
    let mut found = BTreeMap::new();
    collect(".", document, &mut found);
    for (part, keys) in found {
        let named = ["facts", "other_kinds", "totals_fen"].iter().any(|name| part.ends_with(name));
        assert!(named || listed.get(&part) == Some(&keys), "{verb} {part}: {keys:?}, listed: {:?}", listed.get(&part));
    }
}

fn collect<'v>(part: &str, value: &'v Value, found: &mut BTreeMap<String, BTreeSet<&'v str>>) {
    match value {
        Value::Object(entries) => {
            found.entry(part.to_owned()).or_default().extend(entries.keys().map(String::as_str));
            for (key, value) in entries {
                collect(&format!("{}.{key}", part.trim_end_matches('.')), value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(&format!("{part}[]"), value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
