//! What a pair of drop directories promises.

use super::{batch_name, kind, status_name};
use crate::ports::{FaultKind, Gate, Scan, Seen, Side};

/// A pair of drop directories in a world of its own, empty at first, with a carrier that changes nothing.
pub trait GateFixture {
    /// The drop directories.
    fn gate(&self) -> &dyn Gate;

    /// The process ends and another one begins.
    fn reopen(&mut self);

    /// The gatekeeper puts a file into `from-gate/`.
    fn arrive(&mut self, name: &str, bytes: &[u8]);

    /// A file in `from-gate/`, as it lies.
    fn arrived(&self, name: &str) -> Option<Vec<u8>>;

    /// A file in `to-gate/`, as the gatekeeper finds it.
    fn waiting(&self, name: &str) -> Option<Vec<u8>>;

    /// The gatekeeper takes a file out of `to-gate/`.
    fn pick_up(&mut self, name: &str);
}

/// Lists the cases of the suite.
#[macro_export]
macro_rules! gate_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            a_published_file_is_there_whole,
            publishing_again_replaces_the_file_whole,
            a_file_waits_until_the_gatekeeper_takes_it,
            a_withdrawn_file_is_gone,
            withdrawing_what_has_gone_is_no_error,
            an_empty_directory_shows_nothing,
            a_scan_orders_what_is_ours_by_name,
            a_scan_counts_what_is_foreign_and_leaves_it,
            a_scan_ends_at_its_limit_and_says_that_there_is_more,
            what_is_published_is_not_scanned,
            a_file_is_read_as_it_came_and_stays,
            a_file_that_has_gone_is_read_as_none,
            a_removed_file_is_gone,
            removing_what_has_gone_is_no_error,
            a_file_that_is_not_for_this_zone_is_neither_read_nor_removed,
            nothing_is_published_that_is_not_for_the_peer,
            everything_lies_there_after_a_restart,
        }
    };
}

gate_cases!(case_table, GateFixture);

/// Names that are not of files for this zone: no name of ours, a name that is nearly ours, files of other zones, this
/// zone's own, and the names of unfinished files.
fn foreign() -> Vec<String> {
    let ours = batch_name(Side::In, 1);
    vec![
        "photo.jpg".to_owned(),
        format!(".{ours}.tmp"),
        "tmp-1-2".to_owned(),
        ours.to_uppercase(),
        ours.replace("inner", "other"),
        ours.replace("outer", "other"),
        batch_name(Side::Out, 1),
    ]
}

fn seen(name: &str, bytes: u64) -> Seen {
    Seen { name: name.to_owned(), bytes }
}

fn a_published_file_is_there_whole(fixture: &mut dyn GateFixture) {
    for (name, bytes) in [(batch_name(Side::Out, 1), vec![5; 100_000]), (status_name(Side::Out, 1), b"s\nt\0".to_vec())]
    {
        assert_eq!(fixture.waiting(&name), None);
        fixture.gate().publish(&name, &bytes).unwrap();
        assert_eq!(fixture.waiting(&name), Some(bytes));
    }
}

fn publishing_again_replaces_the_file_whole(fixture: &mut dyn GateFixture) {
    let name = batch_name(Side::Out, 1);
    for bytes in [b"a long content".as_slice(), b"short", b"", b"short"] {
        fixture.gate().publish(&name, bytes).unwrap();
        assert_eq!(fixture.waiting(&name).as_deref(), Some(bytes));
        assert_eq!(fixture.gate().waits(&name), Ok(true));
    }
}

fn a_file_waits_until_the_gatekeeper_takes_it(fixture: &mut dyn GateFixture) {
    let (one, other) = (batch_name(Side::Out, 1), batch_name(Side::Out, 2));
    assert_eq!(fixture.gate().waits(&one), Ok(false));
    for name in [&one, &other] {
        fixture.gate().publish(name, b"x").unwrap();
        assert_eq!(fixture.gate().waits(name), Ok(true));
    }
    fixture.pick_up(&one);
    assert_eq!(fixture.gate().waits(&one), Ok(false));
    assert_eq!(fixture.gate().waits(&other), Ok(true));
}

fn a_withdrawn_file_is_gone(fixture: &mut dyn GateFixture) {
    let (one, other) = (batch_name(Side::Out, 1), batch_name(Side::Out, 2));
    for name in [&one, &other] {
        fixture.gate().publish(name, b"x").unwrap();
    }
    fixture.gate().withdraw(&one).unwrap();
    assert_eq!((fixture.waiting(&one), fixture.gate().waits(&one)), (None, Ok(false)));
    assert_eq!(fixture.gate().waits(&other), Ok(true));
}

fn withdrawing_what_has_gone_is_no_error(fixture: &mut dyn GateFixture) {
    let name = batch_name(Side::Out, 1);
    fixture.gate().withdraw(&name).unwrap();
    fixture.gate().publish(&name, b"x").unwrap();
    fixture.pick_up(&name);
    fixture.gate().withdraw(&name).unwrap();
}

fn an_empty_directory_shows_nothing(fixture: &mut dyn GateFixture) {
    assert_eq!(fixture.gate().scan(0), Ok(Scan::default()));
    assert_eq!(fixture.gate().scan(10), Ok(Scan::default()));
}

fn a_scan_orders_what_is_ours_by_name(fixture: &mut dyn GateFixture) {
    let mut names: Vec<String> = [10, 9, 100].map(|seq| batch_name(Side::In, seq)).into();
    names.push(status_name(Side::In, 3));
    for (name, bytes) in names.iter().zip([b"".as_slice(), b"1", b"12", b"123"]) {
        fixture.arrive(name, bytes);
    }
    let files = vec![seen(&names[1], 1), seen(&names[0], 0), seen(&names[2], 2), seen(&names[3], 3)];
    assert_eq!(fixture.gate().scan(10), Ok(Scan { files, foreign: 0, more: false }));
}

fn a_scan_counts_what_is_foreign_and_leaves_it(fixture: &mut dyn GateFixture) {
    let ours = batch_name(Side::In, 1);
    fixture.arrive(&ours, b"ours");
    for name in foreign() {
        fixture.arrive(&name, b"theirs");
    }
    let foreign_count = u64::try_from(foreign().len()).unwrap();
    let found = Scan { files: vec![seen(&ours, 4)], foreign: foreign_count, more: false };
    assert_eq!(fixture.gate().scan(10), Ok(found.clone()));
    fixture.reopen();
    assert_eq!(fixture.gate().scan(10), Ok(found));
}

fn a_scan_ends_at_its_limit_and_says_that_there_is_more(fixture: &mut dyn GateFixture) {
    let names: Vec<String> = (1..=3).map(|seq| batch_name(Side::In, seq)).collect();
    for name in names.iter().rev() {
        fixture.arrive(name, b"x");
    }
    fixture.arrive("photo.jpg", b"x");
    for (limit, more) in [(0, true), (1, true), (2, true), (3, false), (4, false)] {
        let files = names.iter().take(limit).map(|name| seen(name, 1)).collect();
        assert_eq!(fixture.gate().scan(limit), Ok(Scan { files, foreign: 1, more }));
    }
}

fn what_is_published_is_not_scanned(fixture: &mut dyn GateFixture) {
    fixture.gate().publish(&batch_name(Side::Out, 1), b"x").unwrap();
    assert_eq!(fixture.gate().scan(10), Ok(Scan::default()));
}

fn a_file_is_read_as_it_came_and_stays(fixture: &mut dyn GateFixture) {
    for (seq, bytes) in (1..).zip([b"some bytes".as_slice(), b"", &[0; 100_000]]) {
        let name = batch_name(Side::In, seq);
        fixture.arrive(&name, bytes);
        for _ in 0..2 {
            assert_eq!(fixture.gate().read(&name), Ok(Some(bytes.to_vec())));
        }
    }
    assert_eq!(fixture.gate().scan(10).unwrap().files.len(), 3);
}

fn a_file_that_has_gone_is_read_as_none(fixture: &mut dyn GateFixture) {
    let name = batch_name(Side::In, 1);
    assert_eq!(fixture.gate().read(&name), Ok(None));
    fixture.arrive(&name, b"x");
    fixture.gate().remove(&name).unwrap();
    assert_eq!(fixture.gate().read(&name), Ok(None));
}

fn a_removed_file_is_gone(fixture: &mut dyn GateFixture) {
    let (one, other) = (batch_name(Side::In, 1), batch_name(Side::In, 2));
    for name in [&one, &other] {
        fixture.arrive(name, b"x");
    }
    fixture.gate().remove(&one).unwrap();
    assert_eq!(fixture.gate().scan(10).unwrap().files, [seen(&other, 1)]);
    fixture.reopen();
    assert_eq!(fixture.gate().scan(10).unwrap().files, [seen(&other, 1)]);
}

fn removing_what_has_gone_is_no_error(fixture: &mut dyn GateFixture) {
    let name = batch_name(Side::In, 1);
    fixture.gate().remove(&name).unwrap();
    fixture.arrive(&name, b"x");
    fixture.gate().remove(&name).unwrap();
    fixture.gate().remove(&name).unwrap();
}

fn a_file_that_is_not_for_this_zone_is_neither_read_nor_removed(fixture: &mut dyn GateFixture) {
    for name in foreign() {
        fixture.arrive(&name, b"theirs");
        assert_eq!(kind(fixture.gate().read(&name)), FaultKind::Conflict, "{name}");
        assert_eq!(kind(fixture.gate().remove(&name)), FaultKind::Conflict, "{name}");
        assert_eq!(fixture.arrived(&name).as_deref(), Some(b"theirs".as_slice()), "{name}");
    }
}

fn nothing_is_published_that_is_not_for_the_peer(fixture: &mut dyn GateFixture) {
    let others = ["photo.jpg".to_owned(), String::new(), batch_name(Side::In, 1)];
    for name in others {
        assert_eq!(kind(fixture.gate().publish(&name, b"x")), FaultKind::Conflict, "{name}");
        assert_eq!(kind(fixture.gate().withdraw(&name)), FaultKind::Conflict, "{name}");
        assert_eq!(kind(fixture.gate().waits(&name)), FaultKind::Conflict, "{name}");
    }
}

fn everything_lies_there_after_a_restart(fixture: &mut dyn GateFixture) {
    let (out, into) = (batch_name(Side::Out, 1), batch_name(Side::In, 1));
    fixture.gate().publish(&out, b"out").unwrap();
    fixture.arrive(&into, b"in");
    fixture.reopen();
    assert_eq!(fixture.waiting(&out).as_deref(), Some(b"out".as_slice()));
    assert_eq!(fixture.gate().waits(&out), Ok(true));
    assert_eq!(fixture.gate().read(&into), Ok(Some(b"in".to_vec())));
}
