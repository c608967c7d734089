//! What `gap-sim bridge` was asked to do, checked before anything moves.

use crate::cli::BridgeArguments;
use crate::failure::Failure;
use crate::lang::Lang;
use crate::words::{Word, say};
use gap_sim::{Direction, Profile};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

const WORK_NAME: &str = ".gap-sim-work";

/// What `gap-sim bridge` was asked to do.
#[derive(Debug)]
pub struct Options {
    /// The profile as it was written, at a time scale of 1.
    pub profile: Profile,
    /// What every fault is drawn from.
    pub seed: u64,
    /// What divides every duration.
    pub time_scale: NonZeroU32,
    /// The inner zone's drop directories, `to-gate` and `from-gate`.
    pub inner: (PathBuf, PathBuf),
    /// The outer zone's drop directories, `to-gate` and `from-gate`.
    pub outer: (PathBuf, PathBuf),
    /// Where files in flight are kept.
    pub work: PathBuf,
    /// The report's file.
    pub report: Option<PathBuf>,
    /// Whether the report goes to standard output at the end.
    pub json: bool,
    /// Whether acts of the hand are taken, and what becomes of each file is told.
    pub hands: bool,
    /// After how many quiet seconds it stops.
    pub until_idle_s: Option<u64>,
}

impl Options {
    /// Checks the arguments, reads the profile and finds the directories.
    pub fn check(arguments: &BridgeArguments) -> Result<Self, Failure> {
        let profile = read_profile(&arguments.profile)?;
        let named = [
            ("--inner-to-gate", &arguments.inner_to_gate),
            ("--inner-from-gate", &arguments.inner_from_gate),
            ("--outer-to-gate", &arguments.outer_to_gate),
            ("--outer-from-gate", &arguments.outer_from_gate),
        ];
        let mut found: Vec<(&'static str, PathBuf)> = Vec::new();
        for (option, path) in named {
            let directory = directory(option, path)?;
            if let Some((one, path)) = found.iter().find(|(_, other)| *other == directory) {
                return Err(Failure::SameDirectory { one, other: option, path: path.clone() });
            }
            found.push((option, directory));
        }
        let seed = arguments.seed.map_or_else(draw_seed, Ok)?;
        let [inner_to, inner_from, outer_to, outer_from]: [PathBuf; 4] = found
            .into_iter()
            .map(|(_, path)| path)
            .collect::<Vec<_>>()
            .try_into()
            .expect("four options give four directories");
        let work = arguments.work.clone().unwrap_or_else(|| inner_to.with_file_name(WORK_NAME));
        Ok(Self {
            profile,
            seed,
            time_scale: arguments.time_scale,
            inner: (inner_to, inner_from),
            outer: (outer_to, outer_from),
            work,
            report: arguments.report.clone(),
            json: arguments.json,
            hands: arguments.hands,
            until_idle_s: arguments.until_idle,
        })
    }

    /// Where files of this way come from, and where they go.
    pub fn directories(&self, way: Direction) -> (&Path, &Path) {
        match way {
            Direction::InnerToOuter => (&self.inner.0, &self.outer.1),
            Direction::OuterToInner => (&self.outer.0, &self.inner.1),
        }
    }

    /// Prints the seed and every option, so that the run can be repeated.
    pub fn print(&self, lang: Lang) {
        eprintln!("{}", say(lang, Word::Running, &[&self.seed, &self.profile.name, &self.time_scale]));
        for way in Direction::ALL {
            let (from, to) = self.directories(way);
            eprintln!("{}", say(lang, Word::Lane, &[&way_name(lang, way), &from.display(), &to.display()]));
        }
        eprintln!("{}", say(lang, Word::WorkAt, &[&self.work.display()]));
        if let Some(report) = &self.report {
            eprintln!("{}", say(lang, Word::ReportAt, &[&report.display()]));
        }
        for (field, value) in self.profile.values() {
            eprintln!("{}", say(lang, Word::Option, &[&field.name, &value]));
        }
        if self.hands {
            eprintln!("{}", say(lang, Word::HandsHow, &[]));
        }
    }
}

/// What a way is called.
pub fn way_name(lang: Lang, way: Direction) -> String {
    let word = match way {
        Direction::InnerToOuter => Word::InnerToOuter,
        Direction::OuterToInner => Word::OuterToInner,
    };
    say(lang, word, &[])
}

/// Reads a profile by its name or, when it looks like one, by its path.
pub fn read_profile(name: &str) -> Result<Profile, Failure> {
    if !name.contains('/') && !name.ends_with(".toml") {
        return Ok(Profile::built_in(name)?);
    }
    let text = fs::read_to_string(name).map_err(|cause| Failure::ProfileFile { path: PathBuf::from(name), cause })?;
    Ok(Profile::parse(name, &text)?)
}

fn directory(option: &'static str, path: &Path) -> Result<PathBuf, Failure> {
    let refused = |cause| Failure::Directory { option, path: path.to_owned(), cause };
    let real = path.canonicalize().map_err(refused)?;
    if real.is_dir() { Ok(real) } else { Err(refused(io::ErrorKind::NotADirectory.into())) }
}

/// The seed that was given, or a drawn one.
pub fn seed(given: Option<u64>) -> Result<u64, Failure> {
    given.map_or_else(draw_seed, Ok)
}

fn draw_seed() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Failure::Seed)?;
    Ok(u64::from_be_bytes(bytes))
}
