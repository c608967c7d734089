//! `ferry verify` over one hundred thousand batches: time and memory of the real program, with public keys only.
//!
//! The archives are made through the library: two streams without holes, each batch signed and sealed as a daemon seals it.
//! The baseline verifies the same signatures over the same bytes on as many threads, and does nothing else: it reads the files,
//! digests no chunk, parses no header and chains nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ferry_format::{
    BatchStatement, Card, Checkpoint, Digest, EpochId, FileName, Group, Instance, KeyState, Payload, PublicKey,
    Sealing, SoftKeys, TableSummary, TrustEntry, TrustStore, genesis, seal_batch,
};
use tests::bench::{
    Stopwatch, ferry, megabytes, number_from_environment, pause, peak_bytes, per_second, print_machine,
};
use tests::forge::Random;
use tests::pair::{files_below, write_file};

/// `FERRY_BENCH_BATCHES` takes another number.
const BATCHES: u64 = 100_000;
/// Rows of a batch; `FERRY_BENCH_BATCH_ROWS` takes another number.
const ROWS: u64 = 20;
/// Batches of a directory, as an archive has them.
const RANGE: u64 = 10_000;
const STREAMS: [&str; 2] = ["confirm", "request"];
/// How often the memory of the program is looked at; the kernel keeps the highest of it.
const GLANCE: Duration = Duration::from_millis(10);
/// The first line of a batch file, and the last.
const MAGIC_BYTES: usize = 16;
const END: &[u8] = b"\nferry/1 end\n";

fn main() {
    let batches = number_from_environment("FERRY_BENCH_BATCHES", BATCHES);
    let rows = number_from_environment("FERRY_BENCH_BATCH_ROWS", ROWS);
    print_machine();
    let dir = tempfile::tempdir().expect("a scratch directory");
    let archive = dir.path().join("archive");
    let keys = SoftKeys::generate(&mut Random).expect("keys");
    let trust = dir.path().join("trust");
    write_file(&trust, &trust_in(&keys).write());
    let watch = Stopwatch::start();
    std::thread::scope(|scope| {
        for stream in STREAMS {
            let (archive, keys) = (&archive, &keys);
            scope.spawn(move || Chain::begin(stream, keys).seal_into(archive, batches / 2, rows));
        }
    });
    let paths = files_below(&archive);
    let count = paths.len() as u64;
    let bytes: u64 = paths.iter().filter_map(|path| Some(path.metadata().ok()?.len())).sum();
    println!("{count} batches of {rows} rows, {:.1} MB in all", megabytes(bytes));
    report("made", count, watch.elapsed());
    let baseline = report("baseline: reading and SM2 signatures", count, signatures_of(&paths, keys.sign_public()));
    let (took, peak) = verify(&archive, &trust);
    let whole = report("ferry verify", count, took);
    println!("ferry verify: {:.1} MB resident at most", megabytes(peak));
    println!("ratio to the baseline: {:.2}", whole / baseline);
}

/// Prints a rate, and returns it.
fn report(what: &str, count: u64, took: Duration) -> f64 {
    println!("{what}: {:.2} s, {:.0} batches/s", took.as_secs_f64(), per_second(count, took));
    per_second(count, took)
}

fn trust_in(keys: &SoftKeys) -> TrustStore {
    let card = Card {
        link: "nontax".parse().expect("a name"),
        zone: "outer".parse().expect("a name"),
        instance: Some(Instance([1; 16])),
        sign: keys.sign_public().clone(),
        encrypt: keys.encrypt_public().clone(),
        created_at_ms: 0,
    };
    let mut trust = TrustStore::new();
    trust.add(TrustEntry::of_zone(&card, KeyState::Active)).expect("the only entry");
    trust
}

/// One stream on its way into an archive.
struct Chain<'a> {
    keys: &'a SoftKeys,
    recipients: Vec<PublicKey>,
    next: BatchStatement,
}

impl<'a> Chain<'a> {
    fn begin(stream: &str, keys: &'a SoftKeys) -> Self {
        let (link, from, to) = ("nontax".parse(), "outer".parse(), "inner".parse());
        let (link, from, to) = (link.expect("a name"), from.expect("a name"), to.expect("a name"));
        let (stream, epoch_id) = (stream.parse().expect("a name"), EpochId([1; 8]));
        let payload = Payload::new([0; 32]);
        let next = BatchStatement {
            previous: genesis(&link, &from, &to, &stream, 1, epoch_id),
            link,
            from,
            to,
            stream,
            epoch: 1,
            epoch_id,
            seq: 1,
            group: Group { first: 1, index: 0, last: true },
            contract: Digest([7; 32]),
            requires: Vec::new(),
            tables: Vec::new(),
            records: 0,
            plain: payload.plain(),
            cut_at_ms: 1_700_000_000_000,
            audit: Checkpoint { size: 0, root: Digest([0; 32]) },
            supersedes: None,
        };
        // The peer and the sender itself, as a daemon seals.
        let peer = SoftKeys::generate(&mut Random).expect("keys");
        Self { keys, recipients: vec![peer.encrypt_public().clone(), keys.encrypt_public().clone()], next }
    }

    fn seal_into(mut self, archive: &Path, batches: u64, rows: u64) {
        let directory = |seq: u64| {
            let range = format!("00000001-{:012}", seq - seq % RANGE);
            archive.join("in").join(self.next.stream.as_str()).join(range)
        };
        let directories: Vec<PathBuf> = (0..=batches / RANGE).map(|range| directory(range * RANGE)).collect();
        for directory in &directories {
            std::fs::create_dir_all(directory).expect("a directory");
        }
        for seq in 1..=batches {
            let payload = payload(seq, rows);
            (self.next.records, self.next.plain) = (payload.records(), payload.plain());
            let totals = [("amount_fen".to_owned(), i128::from(rows) * 100)].into();
            self.next.tables =
                vec![TableSummary { name: "pay".to_owned(), inserts: rows, totals, ..Default::default() }];
            let sealing = Sealing::new(self.keys, &self.recipients);
            let sealed = seal_batch(&self.next, &payload, &sealing, &mut Random).expect("a writer accepts it");
            let name = FileName::of_batch(&self.next, &sealed.digest, 1, "dat").expect("a good name").to_string();
            let place = usize::try_from(seq / RANGE).expect("there are few");
            write_file(&directories[place].join(name), &sealed.bytes);
            self.next.seq = seq + 1;
            self.next.group = Group { first: seq + 1, index: 0, last: true };
            self.next.previous = sealed.digest;
        }
    }
}

fn payload(seq: u64, rows: u64) -> Payload {
    let mut payload = Payload::new([u8::try_from(seq % 251).expect("it is below 251"); 32]);
    for row in 0..rows {
        let line = format!("[\"pay\",\"i\",{seq},{row},\"3301{:016}\",100]", seq * rows + row);
        payload.push(line.as_bytes()).expect("a row fits");
    }
    payload
}

/// Runs the program and watches its memory.
fn verify(archive: &Path, trust: &Path) -> (Duration, u64) {
    let mut command = Command::new(ferry());
    command.env("LANG", "C").arg("verify").arg(archive).arg("--trust").arg(trust);
    let watch = Stopwatch::start();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("ferry starts");
    let mut peak = 0;
    loop {
        peak = peak.max(peak_bytes(child.id()));
        if let Some(status) = child.try_wait().expect("it is a child of this process") {
            assert!(status.success(), "it finds no fault: {status}");
            return (watch.elapsed(), peak);
        }
        pause(GLANCE);
    }
}

fn signatures_of(paths: &[PathBuf], key: &PublicKey) -> Duration {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            let bytes = std::fs::read(path).expect("the file");
            let (signed, signature) = signed_part(&bytes);
            key.verify(signed, signature).expect("a good signature");
        }
    };
    let watch = Stopwatch::start();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    watch.elapsed()
}

/// Magic and header line, and the signature before the end mark: its length stands before it, and it begins as DER does.
fn signed_part(bytes: &[u8]) -> (&[u8], &[u8]) {
    let header = bytes[MAGIC_BYTES..].iter().position(|byte| *byte == b'\n').expect("a header line");
    let body = bytes.strip_suffix(END).expect("an end mark");
    let is_length = |length: &usize| {
        let from = body.len() - length;
        usize::from(body[from - 1]) == *length && body[from] == 0x30 && usize::from(body[from + 1]) == length - 2
    };
    let length = (68..=72).find(is_length).expect("a signature");
    (&bytes[..=MAGIC_BYTES + header], &body[body.len() - length..])
}
