//! What a sealer promises.

use ferry_format::{
    BootNonce, Card, Checkpoint, Digest, FormatError, Instance, KeyState, Kind, Mark, Payload, Plain, Sealed,
    StatusBody, StatusStatement,
};

use super::{kind, link, peer, statement, zone};
use crate::ports::{FaultKind, Sealer, Side, Vetted};

/// The sealers of the zone, of its peer, and of somebody in the peer's place whom the zone does not trust.
pub trait SealerFixture {
    /// The zone's.
    fn zone(&self) -> &dyn Sealer;

    /// The peer's; zone and peer trust each other.
    fn peer(&self) -> &dyn Sealer;

    /// One that takes the zone for its peer, by keys that the zone does not trust.
    fn stranger(&self) -> &dyn Sealer;

    /// The process ends and another one begins.
    fn reopen(&mut self);

    /// The zone makes its next keys.
    fn rotate(&mut self);

    /// The peer's operators put the zone's next keys in use.
    fn put_in_use(&mut self);

    /// The zone signs with its next keys from now on.
    fn finish(&mut self);

    /// The operators of the peer revoke the zone's first signing key.
    fn revoke(&mut self, last_good: Vec<Mark>);
}

/// Lists the cases of the suite.
#[macro_export]
macro_rules! sealer_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            the_peer_vets_and_opens_a_batch,
            this_zone_opens_what_it_sealed_itself,
            the_peer_opens_a_status_when_it_vets_it,
            a_statement_has_one_digest_however_often_it_is_sealed,
            what_the_zone_sealed_is_not_taken_for_the_peers,
            a_signer_that_is_not_trusted_is_refused,
            a_file_of_another_link_is_refused,
            a_file_of_another_sender_is_refused,
            a_file_for_another_zone_is_refused,
            every_part_of_a_batch_is_protected,
            every_part_of_a_status_is_protected,
            a_file_that_ends_early_or_goes_on_is_refused,
            a_file_of_another_kind_is_refused,
            a_status_is_not_opened_as_a_batch,
            a_statement_that_is_not_about_its_rows_is_not_sealed,
            every_salt_is_another,
            keys_and_trust_are_there_after_a_restart,
            next_keys_are_announced_until_they_are_in_use,
            what_earlier_keys_signed_counts_and_is_sealed_anew,
            a_revoked_key_counts_up_to_its_last_good_batch,
        }
    };
}

sealer_cases!(case_table, SealerFixture);

/// A batch of the peer for this zone.
fn from_peer(fixture: &dyn SealerFixture) -> (Sealed, Payload) {
    let (statement, payload) = statement(Side::In, "bill", 1, 1);
    (fixture.peer().seal_batch(&statement, &payload).unwrap(), payload)
}

fn status(side: Side, number: u64) -> (StatusStatement, StatusBody) {
    let (from, to) = match side {
        Side::Out => (zone(), peer()),
        Side::In => (peer(), zone()),
    };
    let statement = StatusStatement {
        link: link(),
        from,
        to,
        instance: Instance([1; 16]),
        boot: BootNonce([2; 16]),
        number,
        clock_ms: 3,
        echo: None,
        received: Vec::new(),
        sent: Vec::new(),
        superseded: Vec::new(),
        audit: Checkpoint { size: 0, root: Digest([4; 32]) },
        witness: None,
        plain: Plain { bytes: 0, sm3: Digest([0; 32]) },
    };
    (statement, StatusBody::default())
}

/// Why a file is turned away: by `vet`, and by `open`, which must agree when the file is a batch.
#[track_caller]
fn refused(fixture: &dyn SealerFixture, bytes: &[u8]) -> FormatError {
    let vetted = fixture.zone().vet(bytes).expect_err("the file must be refused");
    if ferry_format::peek(bytes) == Ok(Kind::Batch) {
        assert_eq!(fixture.zone().open(bytes).expect_err("the file must be refused"), vetted);
    }
    vetted
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

fn the_peer_vets_and_opens_a_batch(fixture: &mut dyn SealerFixture) {
    let (statement, payload) = statement(Side::Out, "bill", 1, 1);
    let sealed = fixture.zone().seal_batch(&statement, &payload).unwrap();
    let Ok(Vetted::Batch(vetted)) = fixture.peer().vet(&sealed.bytes) else { panic!("not a batch") };
    assert_eq!((vetted.digest, vetted.recipients.len()), (sealed.digest, 2));
    assert_eq!(vetted.statement, statement);
    let opened = fixture.peer().open(&sealed.bytes).unwrap();
    assert_eq!(opened.payload, payload);
}

fn this_zone_opens_what_it_sealed_itself(fixture: &mut dyn SealerFixture) {
    let (statement, payload) = statement(Side::Out, "bill", 1, 1);
    let sealed = fixture.zone().seal_batch(&statement, &payload).unwrap();
    let opened = fixture.zone().open_own(&sealed.bytes).unwrap();
    assert_eq!(opened.payload, payload);
}

fn the_peer_opens_a_status_when_it_vets_it(fixture: &mut dyn SealerFixture) {
    let (mut statement, body) = status(Side::Out, 7);
    let sealed = fixture.zone().seal_status(&statement, &body).unwrap();
    let Ok(Vetted::Status(status)) = fixture.peer().vet(&sealed.bytes) else { panic!("not a status") };
    assert_ne!(status.statement.plain, statement.plain, "the sealer fills in what it seals");
    statement.plain = status.statement.plain;
    assert_eq!((&status.statement, &status.body, status.digest), (&statement, &body, sealed.digest));
}

fn a_statement_has_one_digest_however_often_it_is_sealed(fixture: &mut dyn SealerFixture) {
    let (one, other) = (from_peer(fixture).0, from_peer(fixture).0);
    assert_eq!(one.digest, other.digest);
    assert_ne!(one.bytes, other.bytes, "each file has a data key of its own");
}

fn what_the_zone_sealed_is_not_taken_for_the_peers(fixture: &mut dyn SealerFixture) {
    let (statement, payload) = statement(Side::Out, "bill", 1, 1);
    let sealed = fixture.zone().seal_batch(&statement, &payload).unwrap();
    let Ok(Vetted::Own(own)) = fixture.zone().vet(&sealed.bytes) else { panic!("not its own") };
    assert_eq!((own.digest, &own.statement), (sealed.digest, &statement));
    assert_eq!(fixture.zone().open(&sealed.bytes).unwrap_err(), FormatError::UnknownSigner);
    assert_eq!(fixture.zone().vet(&flipped(&sealed.bytes, sealed.bytes.len() - 1)).unwrap_err(), FormatError::BadEnd);
    let (said, payload) = super::statement(Side::In, "bill", 1, 1);
    let sealed = fixture.zone().seal_batch(&said, &payload).unwrap();
    assert_eq!(refused(fixture, &sealed.bytes), FormatError::UnknownSigner);
    let (theirs, _) = from_peer(fixture);
    assert_eq!(fixture.zone().open_own(&theirs.bytes).unwrap_err(), FormatError::UnknownSigner);
}

fn a_signer_that_is_not_trusted_is_refused(fixture: &mut dyn SealerFixture) {
    let (batch, payload) = statement(Side::In, "bill", 1, 1);
    let sealed = fixture.stranger().seal_batch(&batch, &payload).unwrap();
    assert_eq!(refused(fixture, &sealed.bytes), FormatError::UnknownSigner);
    let (statement, body) = status(Side::In, 1);
    let sealed = fixture.stranger().seal_status(&statement, &body).unwrap();
    assert_eq!(refused(fixture, &sealed.bytes), FormatError::UnknownSigner);
}

fn a_file_of_another_link_is_refused(fixture: &mut dyn SealerFixture) {
    let (mut statement, payload) = statement(Side::In, "bill", 1, 1);
    statement.link = "other".parse().unwrap();
    let sealed = fixture.peer().seal_batch(&statement, &payload).unwrap();
    assert_eq!(refused(fixture, &sealed.bytes), FormatError::WrongLink);
}

fn a_file_of_another_sender_is_refused(fixture: &mut dyn SealerFixture) {
    let (mut statement, payload) = statement(Side::In, "bill", 1, 1);
    statement.from = "third".parse().unwrap();
    let sealed = fixture.peer().seal_batch(&statement, &payload).unwrap();
    assert_eq!(refused(fixture, &sealed.bytes), FormatError::WrongSender);
}

fn a_file_for_another_zone_is_refused(fixture: &mut dyn SealerFixture) {
    let (mut statement, payload) = statement(Side::In, "bill", 1, 1);
    statement.to = "third".parse().unwrap();
    let sealed = fixture.peer().seal_batch(&statement, &payload).unwrap();
    assert_eq!(refused(fixture, &sealed.bytes), FormatError::WrongReceiver);
}

fn every_part_of_a_batch_is_protected(fixture: &mut dyn SealerFixture) {
    let (sealed, _) = from_peer(fixture);
    protects(fixture, &sealed.bytes);
}

fn every_part_of_a_status_is_protected(fixture: &mut dyn SealerFixture) {
    let (statement, body) = status(Side::In, 1);
    let sealed = fixture.peer().seal_status(&statement, &body).unwrap();
    protects(fixture, &sealed.bytes);
}

/// Flips bits of every part of a file and compares the reasons with those of the format.
fn protects(fixture: &dyn SealerFixture, bytes: &[u8]) {
    assert_eq!(refused(fixture, &flipped(bytes, 0)), FormatError::UnknownMagic);
    let header = ferry_format::magic::MAGIC_BYTES;
    let chunks = header + bytes[header..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let field = b"\"root\":\"";
    let root = header + bytes[header..chunks].windows(field.len()).position(|part| part == field).unwrap();
    assert_eq!(refused(fixture, &flipped(bytes, root + field.len())), FormatError::BadSignature);
    assert_eq!(refused(fixture, &flipped(bytes, chunks)), FormatError::DamagedChunk { index: 0 });
    assert_eq!(refused(fixture, &flipped(bytes, bytes.len() - 1)), FormatError::BadEnd);
    let signature = bytes.len() - ferry_format::magic::END_MAGIC.len() - 1;
    assert_eq!(refused(fixture, &flipped(bytes, signature)), FormatError::BadSignature);
}

fn a_file_that_ends_early_or_goes_on_is_refused(fixture: &mut dyn SealerFixture) {
    let (sealed, _) = from_peer(fixture);
    assert_eq!(refused(fixture, b""), FormatError::Truncated);
    assert_eq!(refused(fixture, &sealed.bytes[..40]), FormatError::Truncated);
    assert_eq!(refused(fixture, &sealed.bytes[..sealed.bytes.len() - 1]), FormatError::Truncated);
    let longer = [sealed.bytes.as_slice(), b"x"].concat();
    assert_eq!(refused(fixture, &longer), FormatError::TrailingBytes);
}

fn a_file_of_another_kind_is_refused(fixture: &mut dyn SealerFixture) {
    let (sealed, _) = from_peer(fixture);
    for kind in [Kind::Card, Kind::Checkpoint, Kind::Act, Kind::Revocation] {
        let mut bytes = sealed.bytes.clone();
        bytes[..kind.magic().len()].copy_from_slice(kind.magic());
        assert_eq!(refused(fixture, &bytes), FormatError::WrongKind);
    }
}

fn a_status_is_not_opened_as_a_batch(fixture: &mut dyn SealerFixture) {
    let (statement, body) = status(Side::In, 1);
    let sealed = fixture.peer().seal_status(&statement, &body).unwrap();
    assert_eq!(fixture.zone().open(&sealed.bytes).unwrap_err(), FormatError::WrongKind);
}

fn a_statement_that_is_not_about_its_rows_is_not_sealed(fixture: &mut dyn SealerFixture) {
    let (statement, payload) = statement(Side::Out, "bill", 1, 1);
    let mut more = payload.clone();
    more.push(br#"["bill","i",2]"#).unwrap();
    assert_eq!(kind(fixture.zone().seal_batch(&statement, &more)), FaultKind::Conflict);
    let mut miscounted = statement;
    miscounted.tables[0].inserts = 2;
    assert_eq!(kind(fixture.zone().seal_batch(&miscounted, &payload)), FaultKind::Conflict);
}

fn every_salt_is_another(fixture: &mut dyn SealerFixture) {
    let salts = [(); 3].map(|()| fixture.zone().salt().unwrap());
    assert!(salts[0] != salts[1] && salts[1] != salts[2] && salts[0] != salts[2]);
}

fn keys_and_trust_are_there_after_a_restart(fixture: &mut dyn SealerFixture) {
    let (sealed, payload) = from_peer(fixture);
    fixture.reopen();
    assert_eq!(fixture.zone().open(&sealed.bytes).unwrap().payload, payload);
    let (statement, payload) = statement(Side::Out, "bill", 1, 1);
    let sealed = fixture.zone().seal_batch(&statement, &payload).unwrap();
    assert_eq!(fixture.peer().open(&sealed.bytes).unwrap().payload, payload);
}

fn next_keys_are_announced_until_they_are_in_use(fixture: &mut dyn SealerFixture) {
    assert_eq!((fixture.zone().standing().card, fixture.zone().standing().accepted), (None, false));
    let keys = |fixture: &dyn SealerFixture| fixture.peer().standing().peer_keys.len();
    assert_eq!(keys(fixture), 1);
    fixture.rotate();
    let announced = fixture.zone().standing();
    let card = Card::parse(announced.card.as_ref().unwrap()).unwrap().into_inner();
    assert_eq!((&card.zone, &card.link, announced.accepted), (&zone(), &link(), false));
    let (statement, body) = status(Side::In, 7);
    let before = fixture.peer().seal_status(&statement, &body).unwrap();
    assert!(fixture.zone().vet(&before.bytes).is_ok());
    assert!(!fixture.zone().standing().accepted, "it was not sealed to them");
    fixture.put_in_use();
    assert_eq!(keys(fixture), 2);
    let after = fixture.peer().seal_status(&statement, &body).unwrap();
    assert!(fixture.zone().vet(&after.bytes).is_ok(), "it is sealed to the next keys");
    assert!(fixture.zone().standing().accepted);
    fixture.finish();
    assert!(fixture.zone().vet(&before.bytes).is_ok() && fixture.zone().vet(&after.bytes).is_ok());
    assert_eq!((fixture.zone().standing().card, fixture.zone().standing().accepted), (None, false));
    let (statement, payload) = self::statement(Side::Out, "bill", 1, 1);
    let sealed = fixture.zone().seal_batch(&statement, &payload).unwrap();
    let Ok(Vetted::Batch(vetted)) = fixture.peer().vet(&sealed.bytes) else { panic!("not a batch") };
    assert_eq!(vetted.signer, card.sign.id());
}

fn what_earlier_keys_signed_counts_and_is_sealed_anew(fixture: &mut dyn SealerFixture) {
    let (statement, payload) = statement(Side::Out, "bill", 1, 1);
    let old = fixture.zone().seal_batch(&statement, &payload).unwrap();
    let (to_zone, rows) = from_peer(fixture);
    assert!(fixture.zone().is_current(&old.bytes).unwrap());
    fixture.rotate();
    assert!(fixture.zone().is_current(&old.bytes).unwrap());
    fixture.put_in_use();
    assert!(!fixture.peer().is_current(&to_zone.bytes).unwrap(), "the zone's next keys could not open it");
    fixture.finish();
    fixture.reopen();
    assert!(!fixture.zone().is_current(&old.bytes).unwrap());
    assert_eq!(fixture.zone().open(&to_zone.bytes).unwrap().payload, rows, "it was on its way");
    assert_eq!(fixture.peer().open(&old.bytes).unwrap().payload, payload, "it was on its way");
    assert_eq!(fixture.zone().open_own(&old.bytes).unwrap().payload, payload);
    let again = fixture.zone().reseal(&old.bytes).unwrap();
    assert!(fixture.zone().is_current(&again.bytes).unwrap());
    assert_eq!(again.digest, old.digest);
    assert_eq!(fixture.peer().open(&again.bytes).unwrap().payload, payload);
    let cut = fixture.zone().is_current(&old.bytes[..old.bytes.len() / 2]).unwrap_err();
    assert_eq!(cut.kind, FaultKind::Corrupt);
}

fn a_revoked_key_counts_up_to_its_last_good_batch(fixture: &mut dyn SealerFixture) {
    let sealed: Vec<_> = [1, 2, 3]
        .map(|seq| {
            let (statement, payload) = statement(Side::Out, "bill", 1, seq);
            fixture.zone().seal_batch(&statement, &payload).unwrap()
        })
        .into();
    let (number, body) = status(Side::Out, 7);
    let status = fixture.zone().seal_status(&number, &body).unwrap();
    fixture.rotate();
    fixture.put_in_use();
    fixture.finish();
    let last_good = Mark { stream: "bill".parse().unwrap(), epoch: 1, seq: 2, digest: sealed[1].digest };
    fixture.revoke(vec![last_good.clone()]);
    for good in &sealed[..2] {
        assert!(matches!(fixture.peer().vet(&good.bytes), Ok(Vetted::Batch(_))));
    }
    assert_eq!(fixture.peer().vet(&sealed[2].bytes).unwrap_err(), FormatError::RevokedKey);
    assert_eq!(fixture.peer().open(&sealed[2].bytes).unwrap_err(), FormatError::RevokedKey);
    assert_eq!(fixture.peer().vet(&status.bytes).unwrap_err(), FormatError::RevokedKey);
    let again = fixture.zone().reseal(&sealed[2].bytes).unwrap();
    assert_eq!(fixture.peer().open(&again.bytes).unwrap().digest, sealed[2].digest, "by the key in use");
    let standing = fixture.peer().standing();
    let states = standing.peer_keys.iter().map(|key| &key.state);
    let revoked = KeyState::Revoked { last_good: vec![last_good], status_number: 0 };
    assert_eq!(states.filter(|state| **state == revoked).count(), 1);
}
