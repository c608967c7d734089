//! What a backup is of, and the digests of its files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use ferry_format::{Digest, Digester, Instance, LinkId, ZoneName};
use serde_json::{Value, json};

use super::MANIFEST;
use crate::files::durable;
use crate::lang::Text;
use crate::{ExitCode, Fault, text};

/// The form of the manifest.
const VERSION: u64 = 1;
/// A manifest has some hundred bytes.
const MANIFEST_BYTES_MAX: u64 = 4_096;
/// How much of a file is read at a time.
const READ_BYTES: usize = 1 << 20;

/// What a backup is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    pub link: LinkId,
    pub zone: ZoneName,
    /// The id of the database.
    pub instance: Instance,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub made_at_ms: u64,
    /// The SM3 of the copy of the database.
    pub database: Digest,
    /// The SM3 of the copy of the anchor; a zone whose anchor is gone has none.
    pub anchor: Option<Digest>,
}

impl Manifest {
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = json!({
            "version": VERSION,
            "link": self.link.as_str(),
            "zone": self.zone.as_str(),
            "instance": self.instance.to_string(),
            "made_at_ms": self.made_at_ms,
            "database_sm3": self.database.to_string(),
            "anchor_sm3": self.anchor.map(|digest| digest.to_string()),
            "written_by": env!("CARGO_PKG_VERSION"),
        });
        format!("{document}\n").into_bytes()
    }

    fn of(document: &Value) -> Option<Self> {
        let text = |name: &str| document.get(name)?.as_str();
        (document.get("version")?.as_u64()? == VERSION).then_some(())?;
        let anchor = document.get("anchor_sm3")?;
        let anchor = if anchor.is_null() { None } else { Some(anchor.as_str()?.parse().ok()?) };
        Some(Self {
            link: text("link")?.parse().ok()?,
            zone: text("zone")?.parse().ok()?,
            instance: text("instance")?.parse().ok()?,
            made_at_ms: document.get("made_at_ms")?.as_u64()?,
            database: text("database_sm3")?.parse().ok()?,
            anchor,
        })
    }

    /// Reads the manifest of a backup.
    pub fn read(directory: &Path) -> Result<Self, Fault> {
        let path = directory.join(MANIFEST);
        let bytes = durable::read_bounded(&path, MANIFEST_BYTES_MAX)
            .map_err(|error| no_backup(directory, &error.to_string()))?;
        let document = serde_json::from_slice(&bytes).map_err(|error| no_backup(directory, &error.to_string()))?;
        Self::of(&document).ok_or_else(|| no_backup(directory, "its manifest has other fields"))
    }
}

/// The SM3 of a file of any size.
pub(super) fn digest_of(path: &Path) -> io::Result<Digest> {
    let (mut file, mut hash) = (durable::open_regular(path)?, Digester::default());
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match read_some(&mut file, &mut buffer)? {
            0 => return Ok(hash.finish()),
            length => hash.update(&buffer[..length]),
        }
    }
}

fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn no_backup(directory: &Path, why: &str) -> Fault {
    let directory = directory.display();
    Fault::new(
        "no-backup",
        ExitCode::Input,
        text!("{directory} is no whole backup: {why}", "{directory} 不是完整的备份：{why}"),
        Text::fixed("name a directory that `ferry backup` has made", "请指定由 `ferry backup` 生成的目录"),
    )
}
