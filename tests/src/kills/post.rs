//! The post of a zone's daemon: one after the other stands on it, each until it is killed.

use std::path::PathBuf;
use std::process::Command;

use super::aims::Aim;
use crate::pair::{Daemon, Pair, files, program, wait_until};

/// The post of one zone.
pub struct Post {
    zone: usize,
    daemon: Option<Daemon>,
    /// Where the present daemon tells where it stands.
    tell: PathBuf,
    /// Its log.
    log: PathBuf,
    starts: u64,
    /// Status files that the zone had published before the present daemon was started.
    statuses: usize,
}

/// Where a daemon stands, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stand {
    /// The kind of work.
    pub kind: String,
    /// The action.
    pub action: String,
    /// What the thread did last.
    pub place: String,
}

impl Post {
    /// The post of a zone, with nobody on it.
    #[must_use]
    pub fn new(zone: usize) -> Self {
        Self { zone, daemon: None, tell: PathBuf::new(), log: PathBuf::new(), starts: 0, statuses: 0 }
    }

    /// Starts a daemon that stops where it is aimed at, or nowhere.
    pub fn start_aimed(&mut self, pair: &Pair, aim: Option<&Aim>, mistake: Option<&str>) {
        let ferry = program("ferry-drill");
        self.start(pair, &ferry, |command| {
            if let Some(aim) = aim {
                command.env("FERRY_DRILL_AT", aim.text());
            }
            if let Some(mistake) = mistake {
                command.env("FERRY_DRILL_MISTAKE", mistake);
            }
        });
    }

    /// Starts the shipped daemon. It is aimed at its first step, which must not concern it.
    pub fn start_shipped(&mut self, pair: &Pair) {
        let aim = Aim { kind: super::aims::STARTING, nth: 1, place: None };
        self.start(pair, &program("ferry"), |command| _ = command.env("FERRY_DRILL_AT", aim.text()));
    }

    fn start(&mut self, pair: &Pair, ferry: &std::path::Path, change: impl FnOnce(&mut Command)) {
        assert!(self.daemon.is_none(), "a zone has one daemon at a time");
        self.starts += 1;
        self.tell = pair.dir.path().join(format!("stand-{}-{}", self.zone, self.starts));
        self.statuses = statuses(pair, self.zone);
        self.log = pair.path(self.zone, "daemon.log");
        let tell = self.tell.clone();
        self.daemon = Some(pair.start_program(ferry, self.zone, |command| {
            command.env("FERRY_DRILL_TELL", tell);
            change(command);
        }));
    }

    /// Where the daemon stands, if it does. Fails when it has ended.
    pub fn stand(&mut self) -> Option<Stand> {
        let is_running = self.daemon.as_mut().is_some_and(Daemon::is_running);
        if !is_running {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("the daemon of zone {} has ended by itself: {log}", self.zone);
        }
        let told = std::fs::read_to_string(&self.tell).ok()?;
        let mut parts = told.strip_suffix('\n')?.split('\t').map(str::to_owned);
        let mut part = || parts.next().expect("a stand has three parts");
        Some(Stand { kind: part(), action: part(), place: part() })
    }

    /// Kills the daemon.
    pub fn kill(&mut self) {
        self.daemon.take().expect("a daemon is killed that runs").kill();
    }

    /// Ends the daemon in order, once it is at work: before, a signal would find nobody who has asked for it.
    pub fn stop(&mut self, pair: &Pair) {
        wait_until("a daemon to publish a status", || statuses(pair, self.zone) > self.statuses);
        let ended = self.daemon.take().map(Daemon::stop);
        assert_eq!(ended, Some(Some(0)), "the daemon of zone {} ends in order", self.zone);
    }
}

fn statuses(pair: &Pair, zone: usize) -> usize {
    files(&pair.path(zone, "archive/nontax/out/status")).len()
}
