//! Files that should never be applied, made with the peer's real keys: what a thief of those keys, or a broken peer,
//! could send.

use std::path::Path;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload as Sealable};
use aes_gcm::{AesGcm, Nonce};
use ferry_core::contract::{Contract, Tally};
use ferry_format::ident::hex_encode;
use ferry_format::{
    BatchStatement, Card, Checkpoint, DataKey, Digest, Entropy, EntropyError, FileName, Group, KeyProvider as _, Op,
    Payload, PublicKey, STATEMENT_LABEL, Sealing, SoftKeys, TableSummary, parse_record, seal_batch,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use sm4::Sm4;

use crate::demo::database::Database;
use crate::pair::{INNER, OUTER, Pair};

/// One good row of `pay_confirm_item`: confirmation, line, item, quantity, price, amount.
pub const GOOD_ROW: &str = r#"["pay_confirm_item","d","no such confirmation",1]"#;

/// The operating system's randomness.
pub struct Random;

impl Entropy for Random {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        SystemRandom::new().fill(out).map_err(|_| EntropyError)
    }
}

/// Writes what the outer zone could write.
pub struct Forger {
    /// The keys that sign.
    pub keys: SoftKeys,
    recipients: Vec<PublicKey>,
    /// The next statement that would be good, over [`GOOD_ROW`].
    pub statement: BatchStatement,
    /// Its payload.
    pub payload: Payload,
}

impl Forger {
    /// Reads the outer zone's keys, and where its stream `confirm` stands.
    pub fn of(pair: &Pair) -> Self {
        let pem = |name: &str| read(&pair.path(OUTER, "keys").join(name));
        let keys = SoftKeys::from_pem(&pem("sign.pem"), &pem("encrypt.pem")).expect("the zone's own keys");
        let card = |zone| Card::parse(read(&pair.card(zone)).as_bytes()).expect("a card").into_inner();
        let recipients = vec![card(INNER).encrypt, keys.encrypt_public().clone()];
        let payload = payload(&[GOOD_ROW]);
        let statement = next_statement(pair, &payload);
        Self { keys, recipients, statement, payload }
    }

    /// Another holder of other keys, who knows where the stream stands.
    pub fn with_strange_keys(mut self) -> Self {
        self.keys = SoftKeys::generate(&mut Random).expect("fresh keys");
        self
    }

    /// Seals the next batch after `change`.
    pub fn seal(&self, change: impl FnOnce(&mut BatchStatement)) -> Vec<u8> {
        let mut statement = self.statement.clone();
        change(&mut statement);
        let sealing = Sealing::new(&self.keys, &self.recipients);
        seal_batch(&statement, &self.payload, &sealing, &mut Random).expect("a writer accepts it").bytes
    }

    /// Seals other rows as the next batch, counted as their contract would count them.
    pub fn seal_rows(&self, rows: &[&str]) -> Vec<u8> {
        let payload = payload(rows);
        let mut statement = self.statement.clone();
        statement.plain = payload.plain();
        statement.records = payload.records();
        statement.tables = counts(&payload);
        let sealing = Sealing::new(&self.keys, &self.recipients);
        seal_batch(&statement, &payload, &sealing, &mut Random).expect("a writer accepts it").bytes
    }

    /// Changes the header's text and signs it again.
    pub fn edit(&self, file: &[u8], from: &str, to: &str) -> Vec<u8> {
        let (magic, header, rest) = cut(file);
        let header = String::from_utf8(header.to_vec()).expect("headers are text");
        assert!(header.contains(from), "{from} is not in {header}");
        let signed = [magic, header.replacen(from, to, 1).as_bytes()].concat();
        self.close(&signed, &rest[..body_bytes(rest)])
    }

    /// A small file that states the good row and unpacks to forty million bytes.
    pub fn bomb(&self) -> Vec<u8> {
        let (magic, header, _) = cut_owned(&self.seal(|_| {}));
        let at = header.find("\"statement\":").expect("a header has a statement") + "\"statement\":".len();
        let statement = &header[at..header.len() - 2];
        let packed = zstd::bulk::compress(&vec![b' '; 40_000_000], 1).expect("zstd packs blanks");
        let (key, nonce) = (random::<16>(), random::<7>());
        let body = seal_one_chunk(&key, &nonce, statement, &packed);
        let envelope = self.envelope(&key, &nonce, packed.len(), &body);
        let signed =
            [&magic[..], format!("{{\"envelope\":{envelope},\"statement\":{statement}}}\n").as_bytes()].concat();
        self.close(&signed, &body)
    }

    fn envelope(&self, key: &[u8; 16], nonce: &[u8; 7], packed: usize, body: &[u8]) -> String {
        let mut wraps: Vec<String> = self
            .recipients
            .iter()
            .map(|to| {
                let wrap = to.wrap(&DataKey(*key), &mut Random).expect("a wrapped key");
                format!("{{\"key\":\"{}\",\"wrap\":\"{}\"}}", to.id(), hex_encode(&wrap))
            })
            .collect();
        wraps.sort();
        format!(
            "{{\"chunk_bytes\":65536,\"chunks\":[\"{}\"],\"compressed\":{packed},\"compression\":\"zstd\",\"nonce\":\"{}\",\"recipients\":[{}],\"signer\":\"{}\",\"suite\":1}}",
            Digest::of(&[body]),
            hex_encode(nonce),
            wraps.join(","),
            self.keys.sign_key_id(),
        )
    }

    fn close(&self, signed: &[u8], body: &[u8]) -> Vec<u8> {
        let signature = self.keys.sign(signed).expect("software keys sign");
        let length = [u8::try_from(signature.len()).expect("a signature is short")];
        [signed, body, &length, &signature, END].concat()
    }
}

/// The end mark of a file.
const END: &[u8] = b"\nferry/1 end\n";

/// The name that a batch file of the outer zone would have.
pub fn name(statement: &BatchStatement, bytes: &[u8], attempt: u32) -> String {
    FileName::of_batch(statement, &Digest::of(&[bytes]), attempt, "dat").expect("a good name").to_string()
}

fn next_statement(pair: &Pair, payload: &Payload) -> BatchStatement {
    let mut books = Database::open(&pair.database(OUTER)).expect("the outer database");
    let sql = "SELECT epoch_id, last_digest, CAST(epoch AS TEXT), CAST(last_seq AS TEXT) \
               FROM ferry_stream_out WHERE stream = 'confirm'";
    let found = books
        .rows(sql, &[], |row| Ok([row.text(0)?, row.text(1)?, row.text(2)?, row.text(3)?]))
        .expect("the stream's row");
    let [epoch_id, last_digest, epoch, last_seq] = &found[0];
    let contract = contract();
    let stream = contract.stream(&"confirm".parse().expect("a name")).expect("the contract has confirm");
    let seq = last_seq.parse::<u64>().expect("a number") + 1;
    BatchStatement {
        link: "nontax".parse().expect("a name"),
        from: "outer".parse().expect("a name"),
        to: "inner".parse().expect("a name"),
        stream: stream.name.clone(),
        epoch: epoch.parse().expect("a number"),
        epoch_id: epoch_id.parse().expect("an epoch id"),
        seq,
        group: Group { first: seq, index: 0, last: true },
        previous: last_digest.parse().expect("a digest"),
        contract: stream.digest,
        requires: Vec::new(),
        tables: counts(payload),
        records: payload.records(),
        plain: payload.plain(),
        cut_at_ms: 1_700_000_000_000,
        audit: Checkpoint { size: 0, root: Digest::of(&[]) },
        supersedes: None,
    }
}

fn contract() -> Contract {
    Contract::parse(contract::NONTAX_TOML, "nontax.toml").expect("the shipped contract")
}

fn payload(rows: &[&str]) -> Payload {
    let mut payload = Payload::new(random());
    for row in rows {
        payload.push(row.as_bytes()).expect("a row fits");
    }
    payload
}

/// Counts as the contract counts them; a row that is not the contract's is counted by what it says of itself.
fn counts(payload: &Payload) -> Vec<TableSummary> {
    let contract = contract();
    let stream = contract.stream(&"confirm".parse().expect("a name")).expect("the contract has confirm");
    let mut tally = Tally::new(stream);
    let mut wrong = Vec::new();
    for line in payload.lines() {
        let record = parse_record(line).expect("a canonical record");
        if tally.add(&record).is_err() {
            let name = record.table.clone().into_owned();
            let (inserts, updates, deletes) = match record.op {
                Op::Insert => (1, 0, 0),
                Op::Update => (0, 1, 0),
                Op::Delete => (0, 0, 1),
            };
            wrong.push(TableSummary { name, inserts, updates, deletes, ..TableSummary::default() });
        }
    }
    tally.summarize().into_iter().chain(wrong).collect()
}

fn seal_one_chunk(key: &[u8; 16], prefix: &[u8; 7], statement: &str, packed: &[u8]) -> Vec<u8> {
    let digest = Digest::of(&[STATEMENT_LABEL, statement.as_bytes()]);
    let aad = [&digest.0[..], &1_u16.to_be_bytes(), &65_536_u32.to_be_bytes()].concat();
    let nonce = [&prefix[..], &0_u32.to_be_bytes(), &[1]].concat();
    let nonce = Nonce::<U12>::try_from(&nonce[..]).expect("twelve bytes");
    let cipher = AesGcm::<Sm4, U12>::new_from_slice(key).expect("sixteen bytes");
    cipher.encrypt(&nonce, Sealable { msg: packed, aad: &aad }).expect("a chunk is sealed")
}

/// Magic line, header line, and the rest.
fn cut(file: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let magic = file.iter().position(|byte| *byte == b'\n').expect("a magic line") + 1;
    let header = magic + file[magic..].iter().position(|byte| *byte == b'\n').expect("a header line") + 1;
    (&file[..magic], &file[magic..header], &file[header..])
}

fn cut_owned(file: &[u8]) -> (Vec<u8>, String, Vec<u8>) {
    let (magic, header, rest) = cut(file);
    (magic.to_vec(), String::from_utf8(header.to_vec()).expect("headers are text"), rest.to_vec())
}

/// How much of what follows the header is body: the trailer is one length byte, the signature and the end mark.
fn body_bytes(rest: &[u8]) -> usize {
    (0..rest.len())
        .find(|at| at + 1 + usize::from(rest[*at]) + END.len() == rest.len() && rest[at + 1..].starts_with(&[0x30]))
        .expect("a trailer")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    Random.fill(&mut bytes).expect("the system has randomness");
    bytes
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
