//! Which of several batches of one place `ferry verify` counts: the one that the receiver applied.

use ferry_format::Mark;
use serde_json::Value;

use crate::archive::{Archive, Made, codes, head};

/// A place with the batch that stood there first, one that superseded it, and one that superseded both.
struct Place {
    archive: Archive,
    before: Made,
    first: Made,
    second: Made,
    third: Made,
}

impl Place {
    fn new() -> Self {
        let mut archive = Archive::new();
        let [before, first] = archive.confirms(2).try_into().ok().unwrap();
        let second = archive.supersede(&first);
        let third = archive.supersede_all(&[&first, &second]);
        Self { archive, before, first, second, third }
    }

    /// The receiver says that it has applied the place, and which batch was the last that it applied for another one.
    fn told(mut self, superseded: Option<Mark>) -> Self {
        let received = vec![self.first.mark()];
        self.archive.changed_status(1, |statement| {
            (statement.received, statement.superseded) = (received, superseded.into_iter().collect());
            statement.audit = head(1, 2);
        });
        self
    }

    /// The digest that counts, how many do not, how many of these nobody tells of, and the inserts that were stated.
    fn verdict(&self) -> (String, u64, u64, u64) {
        let (exit, document) = self.archive.verify(&[]);
        assert_eq!((exit, codes(&document)), (0, Vec::new()), "{document:#}");
        let stream = &document["streams"][0];
        assert_eq!((&stream["batches"], &stream["proven_to"]), (&2.into(), &2.into()));
        let said = document["not_checked"].as_array().unwrap().iter().filter_map(Value::as_str);
        let untold = stream["superseded_untold"].as_u64().unwrap();
        assert_eq!(said.filter(|sentence| sentence.contains("too late")).count() as u64, untold);
        (
            stream["last_digest"].as_str().unwrap().to_owned(),
            stream["superseded"].as_u64().unwrap(),
            untold,
            stream["tables"][0]["inserts"].as_u64().unwrap(),
        )
    }
}

#[test]
fn without_a_word_of_the_receiver_the_latest_counts_and_the_report_says_so() {
    let place = Place::new();
    for made in [&place.second, &place.third] {
        place.archive.keep(made);
    }
    assert_eq!(place.verdict(), (place.third.sealed.digest.to_string(), 2, 1, 1));
}

#[test]
fn what_came_too_late_does_not_count() {
    let place = Place::new().told(None);
    place.archive.keep(&place.second);
    assert_eq!(place.verdict(), (place.first.sealed.digest.to_string(), 1, 0, 2));
    place.archive.keep(&place.third);
    assert_eq!(place.verdict(), (place.first.sealed.digest.to_string(), 2, 0, 2));
}

#[test]
fn the_generation_that_was_applied_counts() {
    for applied in [1, 2] {
        let place = Place::new();
        let made = [&place.first, &place.second, &place.third][applied].clone();
        let place = place.told(Some(made.mark()));
        for made in [&place.second, &place.third] {
            place.archive.keep(made);
        }
        assert_eq!(place.verdict(), (made.sealed.digest.to_string(), 2, 0, 1));
    }
}

#[test]
fn an_earlier_superseding_batch_says_that_the_place_was_applied_as_it_was() {
    let mut place = Place::new();
    let earlier = place.archive.supersede_all(&[&place.before]);
    place.archive.keep(&earlier);
    place.archive.keep(&place.third);
    let place = place.told(Some(earlier.mark()));
    // At the first place the superseding batch counts, without rows; at the second the one with its row.
    assert_eq!(place.verdict(), (place.first.sealed.digest.to_string(), 2, 0, 1));
}

#[test]
fn what_the_receiver_applied_and_is_not_here_is_missed() {
    let place = Place::new().told(None);
    std::fs::remove_file(place.archive.keep(&place.first)).unwrap();
    for made in [&place.second, &place.third] {
        place.archive.keep(made);
        let (exit, document) = place.archive.verify(&[]);
        assert_eq!((exit, codes(&document)), (20, vec!["digest-conflict"]), "{document:#}");
        assert_eq!(document["streams"][0]["superseded_untold"], 0);
    }
}
