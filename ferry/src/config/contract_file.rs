//! Reads the contract that a configuration names.

use std::io;
use std::path::Path;

use ferry_core::contract::Contract;

use crate::error::Fault;
use crate::exit::ExitCode;
use crate::lang::Text;
use crate::text;

/// A contract of a few hundred tables has some hundred kilobytes.
const CONTRACT_BYTES_MAX: u64 = 4 << 20;

/// Reads a contract, and returns its text with it.
///
/// # Errors
/// When it cannot be read, or is wrong; with line and column.
pub fn load_contract(path: &Path) -> Result<(Contract, String), Fault> {
    let text = read_text(path, CONTRACT_BYTES_MAX)?;
    let contract = Contract::parse(&text, &path.display().to_string()).map_err(|error| {
        Fault::new(
            "contract-invalid",
            ExitCode::Contract,
            text!("{error}", "契约有误：{error}"),
            Text::fixed("correct the contract; both zones need the same one", "请修正契约；两个区须使用同一契约"),
        )
    })?;
    Ok((contract, text))
}

/// Reads the schema of the business tables that a contract at `path` names for a kind of database.
///
/// # Errors
/// When the contract names none, or it cannot be read.
pub fn load_schema(path: &Path, contract: &Contract, kind: &str) -> Result<String, Fault> {
    let Some(name) = contract.schema.get(kind) else {
        let path = path.display();
        return Err(Fault::new(
            "contract-without-schema",
            ExitCode::Contract,
            text!("{path} names no schema for {kind}", "{path} 未给出 {kind} 的表结构"),
            text!("add `{kind} = …` to its [schema]", "请在其 [schema] 中添加 `{kind} = …`"),
        ));
    };
    read_text(&path.parent().unwrap_or_else(|| Path::new("/")).join(name), CONTRACT_BYTES_MAX)
}

fn read_text(path: &Path, max: u64) -> Result<String, Fault> {
    let read = || -> io::Result<String> {
        let file = std::fs::File::open(path)?;
        let mut text = String::new();
        let read = io::Read::read_to_string(&mut io::Read::take(file, max + 1), &mut text)?;
        if u64::try_from(read).is_ok_and(|read| read <= max) {
            Ok(text)
        } else {
            Err(io::ErrorKind::FileTooLarge.into())
        }
    };
    read().map_err(|error| {
        let path = path.display();
        Fault::new(
            "contract-unreadable",
            ExitCode::Contract,
            text!("{path} cannot be read: {error}", "无法读取 {path}：{error}"),
            Text::fixed(
                "set contract.path, or --contract, to the contract's file",
                "请将 contract.path 或 --contract 设为契约文件",
            ),
        )
    })
}
