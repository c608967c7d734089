//! Columns and the options of their types.

use core::ops::RangeInclusive;

use ferry_format::limits::RECORD_BYTES_MAX;
use toml::Spanned;

use super::Reader;
use crate::contract::raw::RawColumn;
use crate::contract::{Column, ColumnKind, ContractError, ContractFault};

impl Reader<'_> {
    pub(super) fn column(&self, raw: &RawColumn) -> Result<Column, ContractError> {
        self.name("column", &raw.name)?;
        let kind = self.kind(raw)?;
        self.options(raw, kind)?;
        Ok(Column {
            name: raw.name.get_ref().clone(),
            kind,
            nullable: raw.nullable,
            sensitive: is_set(raw.sensitive.as_ref()),
            money: is_set(raw.money.as_ref()),
            range: self.range(raw, kind)?,
            length_max: self.length_max(raw, kind)?,
        })
    }

    fn kind(&self, raw: &RawColumn) -> Result<ColumnKind, ContractError> {
        raw.kind.get_ref().parse().map_err(|()| {
            let (column, kind) = (raw.name.get_ref().clone(), raw.kind.get_ref().clone());
            self.error(raw.kind.span(), ContractFault::UnknownType { column, kind })
        })
    }

    /// Refuses options that the type does not have, even where they are switched off.
    fn options(&self, raw: &RawColumn, kind: ColumnKind) -> Result<(), ContractError> {
        // Field encryption yields text or bytes, which no other type can hold.
        let encrypts = matches!(kind, ColumnKind::Text | ColumnKind::Bytes);
        let is_fen = kind == ColumnKind::Fen;
        let is_integer = kind == ColumnKind::Integer;
        let given = [
            ("sensitive", raw.sensitive.as_ref().map(Spanned::span), encrypts),
            ("money", raw.money.as_ref().map(Spanned::span), is_fen),
            ("signed", raw.signed.as_ref().map(Spanned::span), is_fen),
            ("min", raw.min.as_ref().map(Spanned::span), is_integer),
            ("max", raw.max.as_ref().map(Spanned::span), is_integer || kind.has_length()),
        ];
        for (option, place, allowed) in given {
            if let (Some(place), false) = (place, allowed) {
                let column = raw.name.get_ref().clone();
                return Err(self.error(place, ContractFault::Option { column, kind, option }));
            }
        }
        Ok(())
    }

    fn range(&self, raw: &RawColumn, kind: ColumnKind) -> Result<RangeInclusive<i64>, ContractError> {
        let range = match kind {
            ColumnKind::Integer => {
                let min = raw.min.as_ref().map_or(i64::MIN, |min| *min.get_ref());
                min..=raw.max.as_ref().map_or(i64::MAX, |max| *max.get_ref())
            }
            ColumnKind::Fen if !is_set(raw.signed.as_ref()) => 0..=i64::MAX,
            ColumnKind::Bool => 0..=1,
            ColumnKind::Fen
            | ColumnKind::Text
            | ColumnKind::Date8
            | ColumnKind::Time14
            | ColumnKind::Time17
            | ColumnKind::Bytes
            | ColumnKind::Json => i64::MIN..=i64::MAX,
        };
        if range.is_empty() {
            return Err(self.error(raw.name.span(), ContractFault::EmptyRange(raw.name.get_ref().clone())));
        }
        Ok(range)
    }

    fn length_max(&self, raw: &RawColumn, kind: ColumnKind) -> Result<usize, ContractError> {
        if !kind.has_length() {
            return Ok(0);
        }
        let Some(max) = &raw.max else {
            let column = raw.name.get_ref().clone();
            return Err(self.error(raw.name.span(), ContractFault::NoMax { column, kind }));
        };
        let length = usize::try_from(*max.get_ref()).ok().filter(|length| (1..=RECORD_BYTES_MAX).contains(length));
        length.ok_or_else(|| {
            let most = u64::try_from(RECORD_BYTES_MAX).expect("a constant of 2^20 fits 64 bits");
            self.error(max.span(), ContractFault::Limit { what: "max", min: 1, max: most })
        })
    }
}

fn is_set(flag: Option<&Spanned<bool>>) -> bool {
    flag.is_some_and(|flag| *flag.get_ref())
}
