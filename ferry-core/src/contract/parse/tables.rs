//! Tables and their keys.

use std::collections::BTreeSet;

use ferry_format::limits::{COLUMNS_MAX, TABLES_MAX};
use toml::Spanned;

use super::Reader;
use crate::contract::raw::{RawStream, RawTable};
use crate::contract::{Column, ContractError, ContractFault, Table};

/// Prefixes of names that the appliance and the databases keep for themselves.
const RESERVED_PREFIXES: [&str; 3] = ["ferry_", "sqlite_", "pg_"];

impl Reader<'_> {
    pub(super) fn tables(&self, stream: &RawStream) -> Result<Vec<Table>, ContractError> {
        if stream.table.is_empty() || stream.table.len() > TABLES_MAX {
            let of = format!("stream `{}`", stream.name.get_ref());
            return Err(self.count(stream.name.span(), &of, "tables", TABLES_MAX));
        }
        stream.table.iter().map(|table| self.table(table)).collect()
    }

    /// Checks that no table stands twice, in one stream or in two.
    pub(super) fn tables_are_unique(&self, streams: &[RawStream]) -> Result<(), ContractError> {
        let mut seen = BTreeSet::new();
        for table in streams.iter().flat_map(|stream| &stream.table) {
            if !seen.insert(table.name.get_ref()) {
                return Err(self.duplicate("table", &table.name));
            }
        }
        Ok(())
    }

    fn table(&self, raw: &RawTable) -> Result<Table, ContractError> {
        self.name("table", &raw.name)?;
        if RESERVED_PREFIXES.iter().any(|prefix| raw.name.get_ref().starts_with(prefix)) {
            let fault = ContractFault::Reserved { what: "table", name: raw.name.get_ref().clone() };
            return Err(self.error(raw.name.span(), fault));
        }
        let of = format!("table `{}`", raw.name.get_ref());
        let count = raw.columns.get_ref().len();
        if count == 0 || count > COLUMNS_MAX {
            return Err(self.count(raw.columns.span(), &of, "columns", COLUMNS_MAX));
        }
        let mut columns: Vec<Column> = Vec::with_capacity(count);
        for column in raw.columns.get_ref() {
            if columns.iter().any(|other| other.name == *column.name.get_ref()) {
                return Err(self.duplicate("column", &column.name));
            }
            columns.push(self.column(column)?);
        }
        if raw.key.get_ref().is_empty() {
            return Err(self.count(raw.key.span(), &of, "key columns", count));
        }
        let key = self.key(raw, &columns)?;
        Ok(Table { name: raw.name.get_ref().clone(), columns, key, independent: raw.independent })
    }

    fn key(&self, table: &RawTable, columns: &[Column]) -> Result<Vec<usize>, ContractError> {
        let mut key = Vec::with_capacity(table.key.get_ref().len());
        for name in table.key.get_ref() {
            let position = self.key_column(table, name, columns)?;
            if key.contains(&position) {
                return Err(self.duplicate("key column", name));
            }
            key.push(position);
        }
        Ok(key)
    }

    fn key_column(&self, table: &RawTable, name: &Spanned<String>, columns: &[Column]) -> Result<usize, ContractError> {
        let column = name.get_ref();
        let Some(position) = columns.iter().position(|other| other.name == *column) else {
            let table = table.name.get_ref().clone();
            return Err(self.error(name.span(), ContractFault::UnknownKey { table, column: column.clone() }));
        };
        if columns[position].nullable {
            return Err(self.error(name.span(), ContractFault::NullableKey(column.clone())));
        }
        if columns[position].sensitive && !table.sensitive_key {
            return Err(self.error(name.span(), ContractFault::SensitiveKey(column.clone())));
        }
        Ok(position)
    }
}
