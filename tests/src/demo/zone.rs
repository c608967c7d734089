//! A zone, made and asked through the operator's commands, as a person would.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::failure::Failure;
use super::folder::Folder;
use super::process::Program;
use super::verb::obey;

/// The link between the two zones.
pub const LINK: &str = "demo";

/// One of the two zones.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Its name, which is its directory's too.
    pub name: &'static str,
    /// Its configuration.
    pub config: PathBuf,
    /// Its database.
    pub database: PathBuf,
    /// Its public card.
    pub card: PathBuf,
    /// Where it puts files for the gate.
    pub to_gate: PathBuf,
    /// Where the gate puts files for it.
    pub from_gate: PathBuf,
    /// What it keeps of batches and status files.
    pub archive: PathBuf,
    fingerprint: String,
    ferry: PathBuf,
}

impl Zone {
    /// Makes a zone: directories, keys, card and database.
    ///
    /// # Errors
    /// When `ferry init` refuses.
    pub fn make(
        ferry: &Path,
        folder: &Folder,
        [name, peer]: [&'static str; 2],
        time_scale: u32,
    ) -> Result<Self, Failure> {
        let home = folder.root().join(name);
        let contract = folder.root().join("contract").join("nontax.toml");
        let scale = time_scale.to_string();
        let arguments: [&OsStr; 14] = [
            "init".as_ref(),
            "--dir".as_ref(),
            home.as_ref(),
            "--zone".as_ref(),
            name.as_ref(),
            "--peer".as_ref(),
            peer.as_ref(),
            "--link".as_ref(),
            LINK.as_ref(),
            "--contract".as_ref(),
            contract.as_ref(),
            "--time-scale".as_ref(),
            scale.as_ref(),
            "--json".as_ref(),
        ];
        let made = obey(ferry, &arguments, "")?;
        let fingerprint = made["fingerprint"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            name,
            config: home.join("ferry.toml"),
            database: home.join(format!("{name}.db")),
            card: home.join(format!("{name}.card")),
            to_gate: home.join("to-gate"),
            from_gate: home.join("from-gate"),
            archive: home.join("archive"),
            fingerprint,
            ferry: ferry.to_owned(),
        })
    }

    /// Trusts the card of another zone, with the fingerprint that the other zone says.
    ///
    /// # Errors
    /// When `ferry trust add` refuses.
    pub fn trust(&self, other: &Self) -> Result<(), Failure> {
        let arguments: [&OsStr; 5] = [
            "trust".as_ref(),
            "add".as_ref(),
            other.card.as_ref(),
            "--fingerprint".as_ref(),
            other.fingerprint.as_ref(),
        ];
        self.ask(&arguments).map(|_| ())
    }

    /// Starts the zone's daemon.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, folder: &Folder) -> Result<Program, Failure> {
        let mut command = Command::new(&self.ferry);
        command.arg("run").arg("--config").arg(&self.config);
        let name = format!("ferry-{}", self.name);
        let log = folder.log(&name);
        Program::start(&name, &mut command, log)
    }

    /// What `ferry status` says.
    ///
    /// # Errors
    /// When it cannot say it.
    pub fn status(&self) -> Result<Value, Failure> {
        self.ask(&["status".as_ref()])
    }

    fn ask(&self, arguments: &[&OsStr]) -> Result<Value, Failure> {
        let more: [&OsStr; 3] = ["--config".as_ref(), self.config.as_ref(), "--json".as_ref()];
        obey(&self.ferry, &[arguments, &more].concat(), "")
    }
}

/// Puts the contract and its schema into the folder, where the zones' configurations name them.
///
/// # Errors
/// When the disk refuses.
pub fn lay_out_contract(folder: &Folder) -> Result<(), Failure> {
    let directory = folder.directory("contract")?;
    folder.directory("contract/schema")?;
    put(&directory.join("nontax.toml"), contract::NONTAX_TOML)?;
    put(&directory.join("schema").join("nontax.sqlite.sql"), contract::NONTAX_SQLITE_SQL)
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let written = File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|cause| Failure::file(path, &cause))
}

/// Reads a JSON document from a file; none when it is not there yet.
///
/// # Errors
/// When it cannot be read.
pub fn read_json(path: &Path) -> Result<Option<Value>, Failure> {
    match fs::read(path) {
        Ok(bytes) => {
            let read = serde_json::from_slice(&bytes).map_err(io::Error::from);
            read.map(Some).map_err(|cause| Failure::file(path, &cause))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Failure::file(path, &cause)),
    }
}
