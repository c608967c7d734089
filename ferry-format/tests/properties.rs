//! What holds for every input: round trips, and what no key or limit lets through.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::borrow::Cow;

use ferry_format::canon;
use ferry_format::limits::{CHUNK_BYTES_MIN, PLAIN_BYTES_MAX, RECORDS_MAX};
use ferry_format::{
    Carrier, Compression, DataKey, Digest, Expect, FileName, FormatError, KeyError, KeyId, KeyProvider, NameKind, Op,
    Payload, SealError, Sealing, SoftKeys, TrustStore, Value, batch_head, inspect_batch, inspect_head, open_batch,
    parse_record, peek, reseal_batch, seal_batch, verify_batch, verify_head, write_record,
};
use proptest::prelude::*;
use support::sample::{self, CONFIRM_ROWS, payload, recipients, sealed_as, statement};
use support::{Dry, Seeded, keys, trust};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_that_is_written_is_read_again(values in prop::collection::vec(any_value(), 1..20), op in any_op()) {
        let mut line = Vec::new();
        write_record(&mut line, "bill_item", op, &values);
        let record = parse_record(&line).unwrap();
        prop_assert_eq!(record.op, op);
        prop_assert_eq!(record.table.as_ref(), "bill_item");
        prop_assert_eq!(record.values, values);
    }

    #[test]
    fn a_record_is_what_a_json_library_reads(values in prop::collection::vec(any_value(), 1..20)) {
        let mut line = Vec::new();
        write_record(&mut line, "bill", Op::Insert, &values);
        let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
        for (value, read) in values.iter().zip(json.as_array().unwrap().iter().skip(2)) {
            let same = match value {
                Value::Null => read.is_null(),
                Value::Integer(number) => read.as_i64() == Some(*number),
                Value::Text(text) => read.as_str() == Some(text.as_ref()),
            };
            prop_assert!(same);
        }
    }

    #[test]
    fn whatever_reads_as_a_record_is_spelled_so(line in r#"\["t","[iud]"(,(-?[0-9]{1,3}|null|"[a-z"\\/u0]{0,4}"))+\]"#) {
        if let Ok(record) = parse_record(line.as_bytes()) {
            let mut out = Vec::new();
            write_record(&mut out, &record.table, record.op, &record.values);
            prop_assert_eq!(out, line.as_bytes());
        }
    }

    #[test]
    fn whatever_reads_as_a_header_is_spelled_so(text in r#"(\{"[a-c]":[0-9]{1,2},"[a-c]":\[(true|"x")?\]\}|[\[\]{}0-9",:a ]{0,12})"#) {
        if let Ok(value) = canon::parse(text.as_bytes()) {
            prop_assert_eq!(canon::write(&value), text.as_bytes());
        }
    }

    #[test]
    fn a_header_value_that_is_written_is_read_again(value in any_canonical()) {
        prop_assert_eq!(canon::parse(&canon::write(&value)).unwrap(), value);
    }

    #[test]
    fn a_carrier_gives_back_what_it_took(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for carrier in Carrier::ALL {
            let text = carrier.encode(&bytes);
            let decoded = carrier.decode(&text, bytes.len()).unwrap();
            prop_assert_eq!(decoded.as_ref(), bytes.as_slice());
        }
    }

    #[test]
    fn a_name_that_is_written_is_read_again(name in any_name()) {
        let text = name.to_string();
        prop_assert!(text.len() <= 80);
        prop_assert_eq!(text.parse::<FileName>().unwrap(), name);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (peek(&bytes), canon::parse(&bytes), parse_record(&bytes), inspect_batch(&bytes));
        let _ = (ferry_format::Card::parse(&bytes), TrustStore::parse(&bytes));
        let _ = ferry_format::Frontier::from_bytes(&bytes);
        for carrier in Carrier::ALL {
            let _ = carrier.decode(&bytes, 100);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sealed_opens_and_seals_again_under_the_same_digest(
        rows in prop::collection::vec(prop::collection::vec(any_value(), 1..6), 0..12),
        compressed in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let compression = if compressed { Compression::Zstd } else { Compression::None };
        let payload = payload_of(&rows);
        let statement = statement(&payload);
        let seed = seed.to_string();
        let bytes = sealed_as(&statement, &payload, &seed, &recipients(), compression, CHUNK_BYTES_MIN);
        let trust = trust();
        let expect = Expect::any(&trust);
        // The sender is a recipient too, so that it can seal again.
        for receiver in ["inner", "outer"] {
            let batch = open_batch(&bytes, &expect, &keys(receiver)).unwrap();
            prop_assert_eq!(&batch.statement, &statement);
            prop_assert_eq!(&batch.payload, &payload);
        }
        let (outer, recipients) = (keys("outer"), recipients());
        let batch = open_batch(&bytes, &expect, &outer).unwrap();
        let again = reseal_batch(&batch, &Sealing::new(&outer, &recipients), &mut Seeded::new("again")).unwrap();
        prop_assert_eq!(again.digest, batch.digest);
        prop_assert_ne!(&again.bytes, &bytes);
        prop_assert_eq!(open_batch(&again.bytes, &expect, &keys("inner")).unwrap(), batch);
        let refused = open_batch(&bytes, &expect, &keys("mallory")).unwrap_err();
        prop_assert_eq!(refused, FormatError::NotARecipient);
    }
}

#[test]
fn every_seal_draws_a_fresh_key() {
    let payload = payload(&CONFIRM_ROWS);
    let statement = statement(&payload);
    let (outer, recipients) = (keys("outer"), recipients());
    let mut entropy = Seeded::new("one source");
    let mut seal = || seal_batch(&statement, &payload, &Sealing::new(&outer, &recipients), &mut entropy).unwrap();
    let (first, second) = (seal(), seal());
    assert_eq!(first.digest, second.digest);
    let (first, second) =
        (inspect_batch(&first.bytes).unwrap().envelope, inspect_batch(&second.bytes).unwrap().envelope);
    assert_ne!(first.nonce, second.nonce);
    assert_ne!(first.chunks, second.chunks);
}

#[test]
fn a_writer_refuses_what_a_reader_would() {
    let payload = payload(&CONFIRM_ROWS);
    let good = statement(&payload);
    let (outer, recipients) = (keys("outer"), recipients());
    let sealing = Sealing::new(&outer, &recipients);
    let seal = |statement, sealing: &Sealing<'_>| seal_batch(statement, &payload, sealing, &mut Seeded::new("x"));

    let mut other = good.clone();
    other.plain.bytes += 1;
    assert_eq!(seal(&other, &sealing), Err(SealError::OtherPayload));
    let mut miscounted = good.clone();
    (miscounted.tables[0].inserts, miscounted.tables[0].updates) = (2, 0);
    assert_eq!(seal(&miscounted, &sealing), Err(SealError::Refused(FormatError::CountMismatch)));
    let mut reserved = good.clone();
    reserved.stream = "status".parse().unwrap();
    assert!(matches!(seal(&reserved, &sealing), Err(SealError::Refused(FormatError::BadValue { .. }))));
    let odd = Sealing { chunk_bytes: 5000, ..sealing };
    assert!(matches!(seal(&good, &odd), Err(SealError::Refused(FormatError::BadValue { .. }))));
    let nobody = Sealing { recipients: &[], ..sealing };
    assert!(matches!(seal(&good, &nobody), Err(SealError::Refused(FormatError::Inconsistent { .. }))));
    let twice = [recipients[0].clone(), recipients[0].clone()];
    let twice = Sealing { recipients: &twice, ..sealing };
    assert!(matches!(seal(&good, &twice), Err(SealError::Refused(FormatError::Inconsistent { .. }))));
    let dry = seal_batch(&good, &payload, &sealing, &mut Dry);
    assert!(matches!(dry, Err(SealError::Entropy(_))));
}

#[test]
fn a_provider_that_fails_is_told_from_a_key_that_does_not_fit() {
    let batch = sample::batch();
    let trust = trust();
    let error = open_batch(&batch, &Expect::any(&trust), &Away(keys("inner"))).unwrap_err();
    assert_eq!(error.code(), "key-unavailable");
    let payload = payload(&CONFIRM_ROWS);
    let recipients = recipients();
    let away = Away(keys("outer"));
    let sealed = seal_batch(&statement(&payload), &payload, &Sealing::new(&away, &recipients), &mut Seeded::new("x"));
    assert!(matches!(sealed, Err(SealError::Key(KeyError::Unavailable { .. }))));
}

#[test]
fn a_key_of_the_time_before_a_rotation_still_opens() {
    let batch = sample::batch();
    let trust = trust();
    let (_, old) = keys("inner").to_pem();
    let rotated = keys("older").with_older(ferry_format::EncryptKey::from_pem(&old).unwrap());
    assert!(open_batch(&batch, &Expect::any(&trust), &rotated).is_ok());
}

#[test]
fn a_payload_takes_records_up_to_its_limits() {
    let mut payload = Payload::new([0; 32]);
    for _ in 0..RECORDS_MAX {
        payload.push(b"x").unwrap();
    }
    assert_eq!(payload.push(b"x").unwrap_err().code(), "limit");
    let mut payload = Payload::new([0; 32]);
    let row = vec![b'x'; 1 << 20];
    while payload.push(&row).is_ok() {}
    assert!(payload.len() as u64 <= PLAIN_BYTES_MAX && payload.len() as u64 + (1 << 20) + 1 > PLAIN_BYTES_MAX);
}

#[test]
fn private_keys_never_show() {
    let keys = keys("outer");
    let (pem, _) = keys.to_pem();
    let shown = format!("{keys:?} {:?} {:?}", DataKey([7; 16]), ferry_format::SignKey::from_pem(&pem).unwrap());
    assert!(!shown.contains('7') || !shown.contains("7, 7"), "{shown}");
    assert!(!shown.to_lowercase().contains("secret"), "{shown}");
    assert_eq!(SoftKeys::from_pem("x", "y").unwrap_err(), FormatError::BadPrivateKey);
}

#[test]
fn a_verified_batch_is_the_only_thing_that_seals_again() {
    let batch = sample::batch();
    let trust = trust();
    let signed = verify_batch(&batch, &Expect::any(&trust)).unwrap();
    assert_eq!(signed.file_bytes, batch.len() as u64);
    assert_eq!(signed.recipients.len(), 2);
    assert_eq!(signed.into_inner().statement.seq, 3);
}

#[test]
fn a_head_proves_the_statement_and_is_no_batch() {
    let batch = sample::batch();
    let trust = trust();
    let head = batch_head(&batch).unwrap();
    let (whole, kept) = (verify_batch(&batch, &Expect::any(&trust)).unwrap(), verify_head(&head, &Expect::any(&trust)));
    let kept = kept.unwrap();
    assert_eq!((&kept.statement, kept.digest, kept.signer), (&whole.statement, whole.digest, whole.signer));
    assert_eq!(inspect_head(&head).unwrap().envelope, inspect_batch(&batch).unwrap().envelope);
    assert!(inspect_batch(&head).is_err() && verify_batch(&head, &Expect::any(&trust)).is_err());
    assert!(open_batch(&head, &Expect::any(&trust), &keys("inner")).is_err());
    assert!(batch_head(&head).is_err() && inspect_head(&batch).is_err());
    for at in 0..head.len() {
        let mut changed = head.clone();
        changed[at] ^= 1;
        assert!(verify_head(&changed, &Expect::any(&trust)).is_err(), "byte {at}");
        assert!(verify_head(&head[..at], &Expect::any(&trust)).is_err(), "cut at {at}");
    }
    assert!(verify_head(&[head.as_slice(), b"x"].concat(), &Expect::any(&trust)).is_err());
    assert_eq!(verify_head(&head, &Expect::any(&TrustStore::default())).unwrap_err().code(), "unknown-signer");
}

/// A key provider that cannot be reached.
struct Away(SoftKeys);

impl KeyProvider for Away {
    fn sign_key_id(&self) -> KeyId {
        self.0.sign_key_id()
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::Unavailable { reason: "the module does not answer".to_owned() })
    }

    fn encrypt_key_ids(&self) -> Vec<KeyId> {
        self.0.encrypt_key_ids()
    }

    fn unwrap(&self, _: KeyId, _: &[u8]) -> Result<DataKey, KeyError> {
        Err(KeyError::Unavailable { reason: "the module does not answer".to_owned() })
    }
}

fn payload_of(rows: &[Vec<Value<'static>>]) -> Payload {
    let mut payload = Payload::new(Digest::of(&[b"salt"]).0);
    for values in rows {
        let mut line = Vec::new();
        write_record(&mut line, "confirm", Op::Insert, values);
        payload.push(&line).unwrap();
    }
    payload
}

fn any_value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<String>().prop_map(|text| Value::Text(Cow::Owned(text))),
        "[\\x00-\\x20\"\\\\/\\x7f]{0,12}".prop_map(|text| Value::Text(Cow::Owned(text))),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![Just(Op::Insert), Just(Op::Update), Just(Op::Delete)]
}

fn any_canonical() -> impl Strategy<Value = canon::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(canon::Value::Bool),
        (0..=(1_u64 << 53) - 1).prop_map(canon::Value::Integer),
        "[ !#-\\[\\]-~]{0,20}".prop_map(canon::Value::Text),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let object = prop::collection::btree_map("[a-z0-9_]{1,6}", inner.clone(), 0..5)
            .prop_map(|entries| canon::Value::Object(entries.into_iter().collect()));
        prop_oneof![prop::collection::vec(inner, 0..5).prop_map(canon::Value::Array), object]
    })
}

fn any_name() -> impl Strategy<Value = FileName> {
    let kind = prop_oneof![
        ("[a-r][a-z0-9_]{0,11}", 1_u64..=99_999_999, 1_u64..=999_999_999_999)
            .prop_map(|(stream, epoch, seq)| NameKind::Batch { stream: stream.parse().unwrap(), epoch, seq }),
        (1_u64..=999_999_999_999).prop_map(|number| NameKind::Status { number }),
    ];
    ("[a-m][a-z0-9_]{0,7}", "[n-z][a-z0-9_]{0,7}", kind, 1_u32..=999_999_999, any::<[u8; 32]>(), "[a-z0-9]{1,4}")
        .prop_map(|(from, to, kind, attempt, digest, extension)| {
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            FileName::new(from, to, kind, attempt, &Digest(digest), &extension).unwrap()
        })
}
