//! Sample statements and rows.

use std::collections::BTreeMap;

use ferry_format::{
    Act, ActId, ActReport, BatchReport, BatchStatement, BootNonce, Checkpoint, CodeCount, Compression, Counters, Deed,
    Digest, Echo, EpochId, Group, IncomingReport, Instance, Mark, OutgoingReport, Parked, Payload, Plain, PublicKey,
    Reason, Refusal, Sealing, SeqRange, SignedAct, StatusBody, StatusStatement, Supersedes, TableSummary, Want,
    WantKind, genesis, seal_batch, seal_status, supersede_act,
};

use super::{Seeded, card, keys, link, zone};

/// Rows of a payment confirmation: a number, Chinese text, fen, a flag, nothing.
pub const CONFIRM_ROWS: [&str; 2] = [
    r#"["confirm","i","35010026000000000017","福州市车辆管理所",12050,1,null]"#,
    r#"["confirm","u","35010026000000000024","说明 \"加急\"\n第二行",-300,0,"0aff"]"#,
];

pub fn payload(rows: &[&str]) -> Payload {
    let mut payload = Payload::new(Digest::of(&[b"salt of a sample"]).0);
    for row in rows {
        payload.push(row.as_bytes()).unwrap();
    }
    payload
}

/// The third batch of stream `confirm`, a group of its own, with `rows` of table `confirm`.
pub fn statement(payload: &Payload) -> BatchStatement {
    let stream = "confirm".parse().unwrap();
    let epoch_id = EpochId([1, 2, 3, 4, 5, 6, 7, 8]);
    BatchStatement {
        previous: genesis(&link(), &zone("outer"), &zone("inner"), &stream, 1, epoch_id),
        link: link(),
        from: zone("outer"),
        to: zone("inner"),
        stream,
        epoch: 1,
        epoch_id,
        seq: 3,
        group: Group { first: 3, index: 0, last: true },
        contract: Digest::of(&[b"contract"]),
        requires: Vec::new(),
        tables: tables(payload),
        records: payload.records(),
        plain: payload.plain(),
        cut_at_ms: 1_767_225_661_000,
        audit: Checkpoint { size: 41, root: Digest::of(&[b"audit log of outer"]) },
        supersedes: None,
    }
}

/// Counts by table, and a total of the third value of what is inserted or updated in `confirm`.
pub fn tables(payload: &Payload) -> Vec<TableSummary> {
    let mut tables: BTreeMap<String, TableSummary> = BTreeMap::new();
    for line in payload.lines() {
        let record = ferry_format::parse_record(line).unwrap();
        let name = record.table.to_string();
        let table = tables.entry(name.clone()).or_insert(TableSummary { name, ..TableSummary::default() });
        match record.op {
            ferry_format::Op::Insert => table.inserts += 1,
            ferry_format::Op::Update => table.updates += 1,
            ferry_format::Op::Delete => table.deletes += 1,
        }
        if let Some(ferry_format::Value::Integer(fen)) = record.values.get(2) {
            *table.totals.entry("amount_fen".to_owned()).or_default() += i128::from(*fen);
        }
    }
    tables.into_values().collect()
}

pub fn mark(stream: &str, epoch: u64, seq: u64) -> Mark {
    Mark { stream: stream.parse().unwrap(), epoch, seq, digest: Digest::of(&[stream.as_bytes(), &seq.to_be_bytes()]) }
}

/// Makes the statement take the place of a refused group, approved by both operators.
pub fn supersede(statement: &mut BatchStatement, approvers: &[&str]) {
    let old = vec![Digest::of(&[b"refused"]), Digest::of(&[b"refused too"])];
    statement.supersedes = Some(Supersedes {
        act: ActId([0x55; 16]),
        at_ms: 1_767_225_630_000,
        reason: Reason::new("payer withdrew; agreed by phone").unwrap(),
        old,
        new: vec![statement.plain.sm3],
        approvals: Vec::new(),
    });
    let mut signed = supersede_act(statement).unwrap();
    approvers.iter().for_each(|name| signed.approve(&keys(name)).unwrap());
    statement.supersedes.as_mut().unwrap().approvals = signed.approvals;
}

/// The keys to which samples are sealed.
pub fn recipients() -> Vec<PublicKey> {
    vec![keys("inner").encrypt_public().clone(), keys("outer").encrypt_public().clone()]
}

/// Seals a batch of the outer zone.
pub fn sealed(statement: &BatchStatement, payload: &Payload, seed: &str) -> Vec<u8> {
    sealed_as(statement, payload, seed, &recipients(), Compression::Zstd, 4096)
}

pub fn sealed_as(
    statement: &BatchStatement,
    payload: &Payload,
    seed: &str,
    recipients: &[PublicKey],
    compression: Compression,
    chunk_bytes: u64,
) -> Vec<u8> {
    let keys = keys("outer");
    let sealing = Sealing { keys: &keys, recipients, chunk_bytes, compression };
    seal_batch(statement, payload, &sealing, &mut Seeded::new(seed)).unwrap().bytes
}

/// A batch of two rows, as most negative vectors begin.
pub fn batch() -> Vec<u8> {
    let payload = payload(&CONFIRM_ROWS);
    sealed(&statement(&payload), &payload, "sample batch")
}

/// A status of the inner zone that has nothing to tell.
pub fn status_statement() -> StatusStatement {
    StatusStatement {
        link: link(),
        from: zone("inner"),
        to: zone("outer"),
        instance: Instance([0x11; 16]),
        boot: BootNonce([0x22; 16]),
        number: 7,
        clock_ms: 1_767_225_660_000,
        echo: None,
        received: Vec::new(),
        sent: Vec::new(),
        superseded: Vec::new(),
        audit: Checkpoint { size: 0, root: Digest::of(&[]) },
        witness: None,
        plain: Plain { bytes: 0, sm3: Digest([0; 32]) },
    }
}

/// A status of the inner zone that tells of everything.
pub fn full_status_statement() -> StatusStatement {
    StatusStatement {
        echo: Some(Echo { boot: BootNonce([0x33; 16]), number: 99 }),
        received: vec![mark("confirm", 1, 3), mark("request", 2, 0)],
        sent: vec![mark("base", 1, 5)],
        superseded: vec![mark("confirm", 1, 2)],
        witness: Some(Checkpoint { size: 41, root: Digest::of(&[b"audit log of outer"]) }),
        ..status_statement()
    }
}

pub fn full_status_body() -> StatusBody {
    let confirm = IncomingReport {
        stream: "confirm".parse().unwrap(),
        epoch: 1,
        held: vec![SeqRange { first: 5, last: 6 }, SeqRange { first: 8, last: 8 }],
        missing: vec![SeqRange { first: 4, last: 4 }, SeqRange { first: 7, last: 7 }],
        refused: Some(Refusal {
            code: "constraint".to_owned(),
            seq: 4,
            table: Some("confirm".to_owned()),
            row: Some(17),
            constraint: Some("confirm_notice_fk".to_owned()),
        }),
        parked: Some(Parked { code: "unknown-contract".to_owned(), seq: 4 }),
        parked_rows: 2,
        reports: vec![
            BatchReport { seq: 3, rows: 2, parked: 0, wait_ms: 120, apply_ms: 4, instead: None },
            BatchReport {
                seq: 4,
                rows: 1,
                parked: 0,
                wait_ms: 80,
                apply_ms: 2,
                instead: Some(Digest::of(&[b"instead of confirm/4"])),
            },
        ],
    };
    let base = OutgoingReport {
        stream: "base".parse().unwrap(),
        epoch: 1,
        epoch_id: EpochId([9; 8]),
        published: 5,
        oldest_unapplied_ms: 61_000,
    };
    let range = SeqRange { first: 4, last: 4 };
    StatusBody {
        incoming: vec![confirm],
        outgoing: vec![base],
        contracts: vec![("confirm".parse().unwrap(), Digest::of(&[b"contract"]))],
        formats: vec![1],
        cards: vec![card("older", "inner").write(&keys("older")).unwrap()],
        wants: vec![Want { kind: WantKind::Resend, stream: "confirm".parse().unwrap(), epoch: 1, range }],
        counters: Counters { foreign: 1, unverified: 2, damaged: 3, duplicate: 4, refused: 5 },
        turned_away: vec![
            CodeCount { code: "unknown-key".to_owned(), count: 2 },
            CodeCount { code: "wrong-previous".to_owned(), count: 1 },
        ],
        acts: vec![ActReport { act: act(&["ann"]), code: "done".to_owned(), at_ms: 1_767_225_650_000 }],
        acts_listed: vec![Digest::of(&[b"an act of outer"])],
    }
}

/// The file of an act that operators of the link have signed.
pub fn act(signers: &[&str]) -> Vec<u8> {
    act_of(Deed::Hold { stream: "confirm".parse().unwrap() }, signers)
}

/// The same with another deed.
pub fn act_of(deed: Deed, signers: &[&str]) -> Vec<u8> {
    let mut signed = SignedAct::unsigned(Act {
        link: link(),
        zone: zone("inner"),
        id: ActId([0x44; 16]),
        at_ms: 1_767_225_640_000,
        reason: Reason::new("银行已确认").unwrap(),
        deed,
    });
    signers.iter().for_each(|signer| signed.approve(&keys(signer)).unwrap());
    signed.write().unwrap()
}

/// Seals a status of the inner zone.
pub fn sealed_status(statement: &StatusStatement, body: &StatusBody, seed: &str) -> Vec<u8> {
    let keys = keys("inner");
    let recipients = recipients();
    let sealing = Sealing { keys: &keys, recipients: &recipients, chunk_bytes: 4096, compression: Compression::Zstd };
    seal_status(statement, body, &sealing, &mut Seeded::new(seed)).unwrap().bytes
}
