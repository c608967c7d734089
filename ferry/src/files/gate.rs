//! The pair of drop directories.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use ferry_core::ports::{FaultKind, Gate, PortError, Scan, Seen};
use ferry_format::limits::FILE_BYTES_MAX;
use ferry_format::{Carrier, FileName, ZoneName};

use super::durable::{self, port_error};
use super::ground::Ground;
use super::os;
use crate::config::Config;
use crate::drill;

/// What is handed over of a file that is too large: enough to see what it pretends to be, little enough to be kept.
pub const OVERSIZE_PREFIX_BYTES: u64 = 64 << 10;

/// The drop directories of one link.
#[derive(Debug)]
pub struct GateDirectories {
    to_gate: Ground,
    from_gate: Ground,
    temporary: PathBuf,
    zone: ZoneName,
    peer: ZoneName,
    carrier: Carrier,
    max_file_bytes: u64,
    low_water_bytes: u64,
}

impl GateDirectories {
    /// The drop directories of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            to_gate: Ground::new(&config.gate.to_gate),
            from_gate: Ground::new(&config.gate.from_gate),
            temporary: config.gate.temporary.clone(),
            zone: config.zone.clone(),
            peer: config.peer.clone(),
            carrier: config.gate.carrier,
            max_file_bytes: config.gate.max_file_bytes,
            low_water_bytes: config.gate.low_water_bytes,
        }
    }

    /// Removes what an interrupted publication left; see [`durable::clean`].
    ///
    /// # Errors
    /// When the temporary directory cannot be read.
    pub fn clean(&self) -> Result<u64, PortError> {
        durable::clean(&self.temporary).map_err(|error| port_error("cannot clean", &self.temporary, &error))
    }

    /// The directory that files of the peer appear in.
    #[must_use]
    pub fn from_gate(&self) -> &Path {
        self.from_gate.path()
    }

    fn is_for_us(&self, name: &str) -> bool {
        name.parse::<FileName>().is_ok_and(|name| name.from == self.peer && name.to == self.zone)
    }

    /// The path of a file of the peer. Another name is a mistake of the caller, who has it from [`Gate::scan`].
    fn path_of(&self, name: &str) -> Result<PathBuf, PortError> {
        if self.is_for_us(name) {
            return Ok(there(&self.from_gate)?.join(name));
        }
        Err(PortError::new(FaultKind::Conflict, "the name is not of a file for this zone"))
    }

    /// The path of a file for the peer.
    fn path_to_gate(&self, name: &str) -> Result<PathBuf, PortError> {
        if name.parse::<FileName>().is_ok_and(|name| name.from == self.zone && name.to == self.peer) {
            return Ok(there(&self.to_gate)?.join(name));
        }
        Err(PortError::new(FaultKind::Conflict, "the name is not of a file for the peer"))
    }

    fn room_for(&self, bytes: u64) -> Result<(), PortError> {
        let to_gate = self.to_gate.path();
        let free =
            os::free_bytes(to_gate).map_err(|error| port_error("cannot read the free space of", to_gate, &error))?;
        if free >= self.low_water_bytes.saturating_add(bytes) {
            return Ok(());
        }
        let low = self.low_water_bytes;
        Err(PortError::new(
            FaultKind::Full,
            format!("{free} bytes free in the drop directory, less than {low} kept free"),
        ))
    }
}

impl Gate for GateDirectories {
    fn publish(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        self.path_to_gate(name)?;
        let carried = self.carrier.encode(bytes);
        self.room_for(u64::try_from(carried.len()).unwrap_or(u64::MAX))?;
        let to_gate = self.to_gate.path();
        durable::publish_through(&self.temporary, to_gate, name, &carried, durable::GROUP_READABLE)
            .map_err(|error| port_error("cannot publish into", to_gate, &error))
    }

    fn withdraw(&self, name: &str) -> Result<(), PortError> {
        remove(&self.path_to_gate(name)?)
    }

    fn waits(&self, name: &str) -> Result<bool, PortError> {
        let path = self.path_to_gate(name)?;
        os::exists(&path).map_err(|error| port_error("cannot look at", &path, &error))
    }

    fn scan(&self, limit: usize) -> Result<Scan, PortError> {
        let from_gate = there(&self.from_gate)?;
        let failed = |error: io::Error| port_error("cannot look into", from_gate, &error);
        let mut names = BTreeSet::new();
        let mut scan = Scan::default();
        for entry in os::list(from_gate).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let ours = entry.name().into_string().ok().filter(|name| self.is_for_us(name));
            let Some(name) = ours else {
                scan.foreign += 1;
                continue;
            };
            match entry.kind() {
                Ok(kind) if kind.is_file() => {}
                Ok(_) => {
                    scan.foreign += 1;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            }
            names.insert(name);
            if names.len() > limit {
                names.pop_last();
                scan.more = true;
            }
        }
        for name in names {
            match os::look_at_link(&from_gate.join(&name)) {
                Ok(found) => scan.files.push(Seen { name, bytes: found.len() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(scan)
    }

    /// Of a file above the configured limit only the first [`OVERSIZE_PREFIX_BYTES`] are read and handed over, which no
    /// reader accepts.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        let path = self.path_of(name)?;
        let failed = |error: io::Error| port_error("cannot read", &path, &error);
        let file = match durable::open_regular(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let oversize = os::look_into(&file).map_err(failed)?.len() > self.max_file_bytes;
        let read_bytes = if oversize { OVERSIZE_PREFIX_BYTES } else { self.max_file_bytes };
        let carried = os::read_up_to(&file, read_bytes).map_err(failed)?;
        let max = usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX);
        let decoded = match self.carrier {
            Carrier::Raw => None,
            Carrier::Base64 | Carrier::Xml => self.carrier.decode(&carried, max).ok().map(|bytes| bytes.into_owned()),
        };
        Ok(Some(decoded.unwrap_or(carried)))
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        remove(&self.path_of(name)?)
    }
}

/// A drop directory, if it is still the one that the zone was given.
fn there(ground: &Ground) -> Result<&Path, PortError> {
    ground.check().map_err(|error| port_error("cannot use", ground.path(), &error))?;
    Ok(ground.path())
}

/// Removes a file. One that has gone is no error; one that comes back after a power cut is a duplicate.
fn remove(path: &Path) -> Result<(), PortError> {
    match os::remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(port_error("cannot remove", path, &error)),
        Ok(()) | Err(_) => {}
    }
    drill::pass("file removed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::zone;

    const OURS: &str = "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd.dat";
    const LATER: &str = "f1-outer-inner-confirm-00000001-000000000043-a1-0123abcd.dat";
    const TO_PEER: &str = "f1-inner-outer-notice-00000001-000000000001-a1-0123abcd.dat";

    #[test]
    fn a_scan_counts_what_is_foreign_and_orders_what_is_ours() {
        let (_dir, config) = zone("");
        let gate = GateDirectories::new(&config);
        let from = &config.gate.from_gate;
        for name in [LATER, OURS, TO_PEER, "photo.jpg", "f1-other-inner-confirm-00000001-000000000042-a1-0123abcd.dat"]
        {
            durable::publish(from, name, b"123").unwrap();
        }
        std::os::unix::fs::symlink("photo.jpg", from.join(OURS.replace("42", "44"))).unwrap();
        std::fs::create_dir(from.join(OURS.replace("42", "45"))).unwrap();
        let all = gate.scan(10).unwrap();
        assert_eq!(all.files.iter().map(|seen| seen.name.as_str()).collect::<Vec<_>>(), [OURS, LATER]);
        assert_eq!((all.foreign, all.more, all.files[0].bytes), (5, false, 3));
        let one = gate.scan(1).unwrap();
        assert_eq!((one.files.len(), one.more, one.foreign), (1, true, 5));
        assert_eq!(one.files[0].name, OURS);
    }

    #[test]
    fn a_file_is_published_read_and_removed() {
        for carrier in ["raw", "base64", "xml"] {
            let (_dir, config) = zone(&format!("carrier = \"{carrier}\"\n"));
            let gate = GateDirectories::new(&config);
            gate.publish(TO_PEER, b"some bytes").unwrap();
            let mut turned = config.clone();
            std::mem::swap(&mut turned.gate.to_gate, &mut turned.gate.from_gate);
            std::mem::swap(&mut turned.zone, &mut turned.peer);
            let peer = GateDirectories::new(&turned);
            assert_eq!(peer.read(TO_PEER).unwrap().unwrap(), b"some bytes");
            peer.remove(TO_PEER).unwrap();
            peer.remove(TO_PEER).unwrap();
            assert_eq!(peer.read(TO_PEER).unwrap(), None);
            assert_eq!(std::fs::read_dir(&config.gate.temporary).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_the_carrier_cannot_undo_is_handed_over_as_it_lies() {
        let (_dir, config) = zone("carrier = \"xml\"\nmax_file_bytes = 100000\n");
        let gate = GateDirectories::new(&config);
        durable::publish(&config.gate.from_gate, OURS, b"<ferry>").unwrap();
        assert_eq!(gate.read(OURS).unwrap().unwrap(), b"<ferry>");
        durable::publish(&config.gate.from_gate, OURS, &vec![b'x'; 100_001]).unwrap();
        assert_eq!(gate.read(OURS).unwrap().unwrap().len(), 64 << 10);
        std::fs::remove_file(config.gate.from_gate.join(OURS)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", config.gate.from_gate.join(OURS)).unwrap();
        assert!(gate.read(OURS).is_err());
    }

    #[test]
    fn no_other_name_reaches_the_file_system() {
        let (_dir, config) = zone("");
        let gate = GateDirectories::new(&config);
        for name in ["../x", "", TO_PEER] {
            assert_eq!(gate.read(name).unwrap_err().kind, FaultKind::Conflict);
            assert_eq!(gate.remove(name).unwrap_err().kind, FaultKind::Conflict);
        }
        assert_eq!(gate.publish(OURS, b"").unwrap_err().kind, FaultKind::Conflict);
        assert_eq!(gate.withdraw(OURS).unwrap_err().kind, FaultKind::Conflict);
    }

    #[test]
    fn nothing_is_published_below_the_low_water_mark() {
        let (_dir, config) = zone("low_water_bytes = 1099511627776\n");
        let gate = GateDirectories::new(&config);
        let refused = gate.publish(TO_PEER, b"x").unwrap_err();
        assert_eq!(refused.kind, FaultKind::Full, "{refused}");
        assert_eq!(std::fs::read_dir(&config.gate.to_gate).unwrap().count(), 0);
    }
}
