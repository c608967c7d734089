//! Troubles that last are told once, and once more when they are over.

use crate::lang::Lang;
use crate::words::{Word, say};
use std::collections::BTreeSet;
use std::fmt::Display;

/// What can fail for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attempt {
    /// Reading a drop directory.
    Scan,
    /// Taking a file in.
    PickUp,
    /// Delivering a file.
    Deliver,
    /// Removing a file.
    Remove,
    /// Writing the report.
    Report,
}

/// The troubles of one lane, or of the report.
#[derive(Debug)]
pub struct Troubles {
    lang: Lang,
    subject: String,
    present: BTreeSet<Attempt>,
}

impl Troubles {
    /// Nothing is wrong yet.
    pub fn new(lang: Lang, subject: String) -> Self {
        Self { lang, subject, present: BTreeSet::new() }
    }

    /// This failed. It is said unless it was said since it last worked.
    pub fn failed(&mut self, attempt: Attempt, name: &dyn Display, cause: &dyn Display) {
        if !self.present.insert(attempt) {
            return;
        }
        let text = match attempt {
            Attempt::Scan => say(self.lang, Word::ScanTrouble, &[&self.subject, name, cause]),
            Attempt::PickUp => say(self.lang, Word::PickUpTrouble, &[&self.subject, name, cause]),
            Attempt::Deliver => say(self.lang, Word::DeliverTrouble, &[&self.subject, name, cause]),
            Attempt::Remove => say(self.lang, Word::RemoveTrouble, &[&self.subject, name, cause]),
            Attempt::Report => say(self.lang, Word::ReportTrouble, &[cause]),
        };
        eprintln!("{text}");
    }

    /// This worked.
    pub fn worked(&mut self, attempt: Attempt) {
        if self.present.remove(&attempt) {
            eprintln!("{}", say(self.lang, Word::Mended, &[&self.subject]));
        }
    }
}
