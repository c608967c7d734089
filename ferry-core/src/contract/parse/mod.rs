//! From TOML text to a valid contract.

mod columns;
mod tables;
#[cfg(test)]
mod tests;

use core::ops::{Range, RangeInclusive};
use core::str::FromStr;
use std::collections::BTreeMap;

use ferry_format::limits::{INTEGER_MAX, PLAIN_BYTES_MAX, RECORDS_MAX, STREAMS_MAX};
use ferry_format::{IdentError, StreamName, ZoneName};
use toml::Spanned;

use super::order::{self, Node};
use super::raw::{RawContract, RawLimits, RawStream};
use super::{
    BATCH_PLAIN_BYTES_MIN, BatchLimits, Contract, ContractError, ContractFault, LINGER_MS_MAX, NAME_BYTES_MAX,
    StreamContract, digest,
};

/// Status files stand beside batches under this name.
const STATUS: &str = "status";

pub(super) fn parse(text: &str, file: &str) -> Result<Contract, ContractError> {
    let reader = Reader { text, file };
    let raw: RawContract = toml::from_str(text).map_err(|error| {
        reader.error(error.span().unwrap_or(0..0), ContractFault::Toml(error.message().replace('\n', ", ")))
    })?;
    reader.contract(raw)
}

/// The text that is parsed, to tell where a fault is.
struct Reader<'t> {
    text: &'t str,
    file: &'t str,
}

impl Reader<'_> {
    fn contract(&self, raw: RawContract) -> Result<Contract, ContractError> {
        self.name("contract", &raw.name)?;
        self.number("version", &raw.version, 1..=INTEGER_MAX)?;
        let zones = self.zones(&raw.zones)?;
        let schema = self.schema(raw.schema)?;
        if raw.stream.is_empty() || raw.stream.len() > STREAMS_MAX {
            return Err(self.count(raw.name.span(), "a contract", "streams", STREAMS_MAX));
        }
        let apply_order = self.apply_order(&raw.stream)?;
        let streams = raw.stream.iter().map(|stream| self.stream(stream, &zones)).collect::<Result<Vec<_>, _>>()?;
        self.tables_are_unique(&raw.stream)?;
        Ok(Contract {
            name: raw.name.into_inner(),
            version: raw.version.into_inner(),
            zones,
            schema,
            streams,
            apply_order,
        })
    }

    fn zones(&self, raw: &Spanned<Vec<Spanned<String>>>) -> Result<[ZoneName; 2], ContractError> {
        let zones = raw.get_ref().iter().map(|zone| self.ident("zone", zone)).collect::<Result<Vec<_>, _>>()?;
        match <[ZoneName; 2]>::try_from(zones) {
            Ok([one, other]) if one != other => Ok([one, other]),
            Ok(_) | Err(_) => Err(self.error(raw.span(), ContractFault::Zones)),
        }
    }

    fn schema(
        &self,
        raw: BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> Result<BTreeMap<String, String>, ContractError> {
        let mut schema = BTreeMap::new();
        for (kind, path) in raw {
            self.name("database", &kind)?;
            let inside = path.get_ref().split('/').all(|part| !matches!(part, "" | "." | ".."));
            if !inside || path.get_ref().contains(['\\', ':', '\0']) {
                return Err(self.error(path.span(), ContractFault::SchemaPath(path.into_inner())));
            }
            schema.insert(kind.into_inner(), path.into_inner());
        }
        Ok(schema)
    }

    fn stream(&self, raw: &RawStream, zones: &[ZoneName; 2]) -> Result<StreamContract, ContractError> {
        let name: StreamName = self.ident("stream", &raw.name)?;
        let owner = self.zone(&raw.owner, zones)?;
        let to = self.zone(&raw.to, zones)?;
        if owner == to {
            return Err(self.error(raw.to.span(), ContractFault::SameZone(name.to_string())));
        }
        let depends = raw.depends.iter().map(|on| self.ident("stream", on)).collect::<Result<Vec<StreamName>, _>>()?;
        let limits = self.limits(&raw.limits)?;
        let tables = self.tables(raw)?;
        let digest = digest::digest(&name, &owner, &to, &tables);
        Ok(StreamContract { name, owner, to, priority: raw.priority, depends, limits, tables, digest })
    }

    fn zone(&self, raw: &Spanned<String>, zones: &[ZoneName; 2]) -> Result<ZoneName, ContractError> {
        let known = zones.iter().find(|zone| zone.as_str() == raw.get_ref());
        known.cloned().ok_or_else(|| self.error(raw.span(), ContractFault::UnknownZone(raw.get_ref().clone())))
    }

    fn limits(&self, raw: &RawLimits) -> Result<BatchLimits, ContractError> {
        Ok(BatchLimits {
            rows: self.number("rows", &raw.rows, 1..=RECORDS_MAX)?,
            plain_bytes: self.number("plain_bytes", &raw.plain_bytes, BATCH_PLAIN_BYTES_MIN..=PLAIN_BYTES_MAX)?,
            linger_ms: self.number("linger_ms", &raw.linger_ms, 0..=LINGER_MS_MAX)?,
        })
    }

    fn apply_order(&self, streams: &[RawStream]) -> Result<Vec<usize>, ContractError> {
        let mut nodes = Vec::with_capacity(streams.len());
        for (index, stream) in streams.iter().enumerate() {
            self.stream_name(stream, &streams[..index])?;
            let mut depends = Vec::new();
            for on in &stream.depends {
                let place = self.dependency(stream, on, streams)?;
                if depends.contains(&place) {
                    return Err(self.duplicate("dependency", on));
                }
                depends.push(place);
            }
            nodes.push(Node { priority: stream.priority, depends });
        }
        order::apply_order(&nodes).map_err(|circle| {
            let names: Vec<&str> =
                circle.iter().chain(circle.first()).map(|index| streams[*index].name.get_ref().as_str()).collect();
            let place = circle.first().map_or(0..0, |index| streams[*index].name.span());
            self.error(place, ContractFault::Cycle(names.join(" -> ")))
        })
    }

    fn stream_name(&self, stream: &RawStream, earlier: &[RawStream]) -> Result<(), ContractError> {
        if stream.name.get_ref() == STATUS {
            let fault = ContractFault::Reserved { what: "stream", name: STATUS.to_owned() };
            return Err(self.error(stream.name.span(), fault));
        }
        if earlier.iter().any(|other| other.name.get_ref() == stream.name.get_ref()) {
            return Err(self.duplicate("stream", &stream.name));
        }
        Ok(())
    }

    /// The position of the stream that `stream` depends on.
    fn dependency(
        &self,
        stream: &RawStream,
        on: &Spanned<String>,
        streams: &[RawStream],
    ) -> Result<usize, ContractError> {
        let names = || (stream.name.get_ref().clone(), on.get_ref().clone());
        let Some(place) = streams.iter().position(|other| other.name.get_ref() == on.get_ref()) else {
            let (stream, on_name) = names();
            return Err(self.error(on.span(), ContractFault::UnknownDependency { stream, on: on_name }));
        };
        if streams[place].owner.get_ref() != stream.owner.get_ref() {
            let (stream, on_name) = names();
            return Err(self.error(on.span(), ContractFault::ForeignDependency { stream, on: on_name }));
        }
        Ok(place)
    }

    fn ident<T: FromStr<Err = IdentError>>(
        &self,
        what: &'static str,
        raw: &Spanned<String>,
    ) -> Result<T, ContractError> {
        raw.get_ref()
            .parse()
            .map_err(|cause| self.error(raw.span(), ContractFault::Ident { what, name: raw.get_ref().clone(), cause }))
    }

    /// Checks a name that stands unquoted in SQL and in file names.
    fn name(&self, what: &'static str, raw: &Spanned<String>) -> Result<(), ContractError> {
        let bytes = raw.get_ref().as_bytes();
        let begins = bytes.first().is_some_and(u8::is_ascii_lowercase);
        let goes_on = bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_');
        if begins && goes_on && bytes.len() <= NAME_BYTES_MAX {
            return Ok(());
        }
        Err(self.error(raw.span(), ContractFault::Name { what, name: raw.get_ref().clone() }))
    }

    fn number(&self, what: &'static str, raw: &Spanned<u64>, range: RangeInclusive<u64>) -> Result<u64, ContractError> {
        if range.contains(raw.get_ref()) {
            return Ok(*raw.get_ref());
        }
        let (min, max) = range.into_inner();
        Err(self.error(raw.span(), ContractFault::Limit { what, min, max }))
    }

    fn duplicate(&self, what: &'static str, raw: &Spanned<String>) -> ContractError {
        self.error(raw.span(), ContractFault::Duplicate { what, name: raw.get_ref().clone() })
    }

    fn count(&self, place: Range<usize>, of: &str, what: &'static str, max: usize) -> ContractError {
        self.error(place, ContractFault::Count { of: of.to_owned(), what, max })
    }

    /// The fault `cause` at the bytes `place` of the text.
    fn error(&self, place: Range<usize>, cause: ContractFault) -> ContractError {
        let before = self.text.get(..place.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ContractError {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            cause,
        }
    }
}
