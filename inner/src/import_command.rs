//! The verb `import`: a file of base data from the command line.

use std::path::PathBuf;

use clap::Args;
use console::{ExitCode, Fault, Lang, Output};
use contract::rows::Kind;
use contract::rules::{BoolSpelling, MoneySpelling, Spelling};
use node::http::Caller;
use node::{Failure, Node};

use crate::import::{Bar, Encoding, Form, ImportAsked, import};

/// What is imported, and how it is spelled.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file: CSV or XLSX
    path: PathBuf,
    /// The kind of base data: its code, such as AGENCY, or its Chinese title
    #[arg(long)]
    kind: String,
    /// The form of the file; else its extension says it
    #[arg(long, value_parser = ["csv", "xlsx"])]
    form: Option<String>,
    /// The encoding of a CSV file
    #[arg(long, default_value = "auto", value_parser = ["auto", "utf8", "gb18030"])]
    encoding: String,
    /// How the file spells yes and no: 1 and 0, or 1 and 2
    #[arg(long, default_value = "10", value_parser = ["10", "12"])]
    bools: String,
    /// How the file spells money
    #[arg(long, default_value = "fen", value_parser = ["fen", "yuan"])]
    money: String,
    /// The sheet of a workbook; else the first
    #[arg(long)]
    sheet: Option<String>,
    /// Only check the file
    #[arg(long)]
    dry_run: bool,
    /// Write what is wrong with the lines into a CSV file: the first 1000, refusals before warnings
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// The Chinese texts.
pub const CHINESE: &[(&str, &str, &str)] = &[
    ("import", "", "从文件导入基础数据"),
    ("import", "path", "CSV 或 XLSX 文件"),
    ("import", "kind", "基础数据种类：代码（如 AGENCY）或中文名称"),
    ("import", "form", "文件形式；省略则按扩展名"),
    ("import", "encoding", "CSV 文件的编码"),
    ("import", "bools", "是与否的写法：1 和 0，或 1 和 2"),
    ("import", "money", "金额的写法：分或元"),
    ("import", "sheet", "工作表；省略则为第一个"),
    ("import", "dry_run", "只校验，不写入"),
    ("import", "report", "将各行的问题写入 CSV 文件：最多 1000 项，拒绝先于警告"),
];

/// Imports a file.
///
/// # Errors
/// When the file cannot be read or is beyond a limit. Lines that are refused are in the answer, which then ends with `input`.
pub async fn run(node: &Node, caller: &Caller, args: ImportArgs, lang: Lang) -> Result<Output, Fault> {
    let failed = |failure: Failure| failure.fault();
    let kind = Kind::parse(&args.kind)
        .ok_or_else(|| failed(Failure::missing("kind of base data", "基础数据种类", &args.kind)))?;
    let asked = ImportAsked {
        path: args.path,
        kind,
        form: args.form.map(|form| if form == "csv" { Form::Csv } else { Form::Xlsx }),
        encoding: match args.encoding.as_str() {
            "utf8" => Encoding::Utf8,
            "gb18030" => Encoding::Gb18030,
            _ => Encoding::Auto,
        },
        spelling: Spelling {
            bools: if args.bools == "12" { BoolSpelling::OneTwo } else { BoolSpelling::OneZero },
            money: if args.money == "yuan" { MoneySpelling::Yuan } else { MoneySpelling::Fen },
        },
        sheet: args.sheet,
        dry_run: args.dry_run,
    };
    let report = import(node, caller, &asked, &Bar::new(lang)).await.map_err(failed)?;
    if let Some(path) = args.report.filter(|_| report.fault_count > 0) {
        report.write_csv(&path, lang).map_err(failed)?;
    }
    let exit = if report.refused > 0 { ExitCode::Input } else { ExitCode::Ok };
    Ok(Output::new(report.human(lang), report.json()).ending(exit))
}
