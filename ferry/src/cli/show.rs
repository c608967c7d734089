//! `ferry show`: what one batch states.

use std::path::Path;

use clap::Args;
use ferry_format::limits::FILE_BYTES_MAX;
use ferry_format::{Carrier, UnverifiedBatch, inspect_batch, inspect_head};
use serde_json::{Value, json};

use super::Context;
use super::desk::Desk;
use super::output::Output;
use super::place::{self, Found, Named};
use super::queue::{batch_json, state_text};
use super::statement::{header_json, header_text};
use super::status::{direction_name, way};
use crate::files::durable;
use crate::lang::Text;
use crate::verify::format_error;
use crate::{ExitCode, Fault, Lang, text};

/// The arguments of `ferry show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which batch: stream/seq, 6 or more digits of its digest, a file's name, or a path
    #[arg(value_name = "BATCH")]
    pub batch: String,
}

/// Reads the books and the file, and tells. A path needs neither configuration nor database.
///
/// # Errors
/// When there is no such batch.
pub fn run(args: ShowArgs, context: &Context) -> Result<Output, Fault> {
    let (found, desk) = match place::parse(&args.batch)? {
        Named::File(path) => return of_file(&path, context.lang),
        Named::Place { stream, seq } => {
            let desk = Desk::open(context)?;
            (place::at(&desk, &stream, seq)?, desk)
        }
        Named::Digest(prefix) => {
            let desk = Desk::open(context)?;
            (place::with_digest(&desk, &prefix)?, desk)
        }
    };
    if found.row.is_none() && found.file.is_none() {
        let (stream, seq) = (&found.stream, found.seq);
        return Err(place::not_found(&text!("batch {stream}/{seq} is not here", "此处没有批次 {stream}/{seq}")));
    }
    of_books(&found, &desk, context.lang)
}

fn of_file(path: &Path, lang: Lang) -> Result<Output, Fault> {
    let ReadBatch { batch, is_head } = read(path)?;
    let shown = path.display();
    let mut human = header_text(&batch, lang);
    human.push_str(rows_text(is_head, lang));
    human.push_str(&match lang {
        Lang::En => format!("file        {shown}\n\nthe signature was not checked; `ferry verify` does\n"),
        Lang::Zh => format!("文件        {shown}\n\n此处未验证签名；请用 `ferry verify` 核验\n"),
    });
    let document = json!({
        "books": Value::Null,
        "direction": Value::Null,
        "file": shown.to_string(),
        "head_only": is_head,
        "header": header_json(&batch),
    });
    Ok(Output::new(human, document))
}

fn of_books(found: &Found, desk: &Desk, lang: Lang) -> Result<Output, Fault> {
    let read = found.file.as_deref().map(read).transpose()?;
    let is_head = read.as_ref().is_some_and(|read| read.is_head);
    let batch = read.map(|read| read.batch);
    let mut human = match &batch {
        Some(batch) => header_text(batch, lang) + rows_text(is_head, lang),
        None => match lang {
            Lang::En => format!("batch {}/{}; its file is not kept here\n", found.stream, found.seq),
            Lang::Zh => format!("批次 {}/{}；此处未保存其文件\n", found.stream, found.seq),
        },
    };
    if let Some(path) = &found.file {
        human.push_str(&match lang {
            Lang::En => format!("file: {}\n", path.display()),
            Lang::Zh => format!("文件：{}\n", path.display()),
        });
    }
    if let Some(row) = &found.row {
        let (way, state, digest) = (way(found.direction, lang), state_text(row, lang), row.digest);
        human.push_str(&match lang {
            Lang::En => format!("books: {way}, {state}, {} rows, digest {digest}\n", row.rows),
            Lang::Zh => format!("登记：{way}，{state}，{} 行，摘要 {digest}\n", row.rows),
        });
        if batch.as_ref().is_some_and(|batch| batch.digest != row.digest) {
            return Err(other_file(found));
        }
    }
    let document = json!({
        "books": found.row.as_ref().map(|row| batch_json(row, &desk.config)),
        "direction": direction_name(found.direction),
        "file": found.file.as_ref().map(|path| path.display().to_string()),
        "head_only": is_head,
        "header": batch.as_ref().map(header_json),
    });
    Ok(Output::new(human, document))
}

/// What a file holds of a batch.
pub struct ReadBatch {
    /// Its statement and envelope.
    pub batch: UnverifiedBatch,
    /// Its rows have left the archive.
    pub is_head: bool,
}

/// What is to be said of a head.
fn rows_text(is_head: bool, lang: Lang) -> &'static str {
    match (is_head, lang) {
        (false, Lang::En | Lang::Zh) => "",
        (true, Lang::En) => "its rows have left the archive; this is the head that stays\n",
        (true, Lang::Zh) => "其行数据已移出归档，此处为保留的文件头\n",
    }
}

/// Reads a batch file, or the head of one, in whatever carrier. Nothing in it is verified.
///
/// # Errors
/// When it cannot be read, or is neither.
pub fn read(path: &Path) -> Result<ReadBatch, Fault> {
    let shown = path.display();
    let max = Carrier::Xml.encoded_bytes(FILE_BYTES_MAX);
    let bytes = durable::read_bounded(path, max).map_err(|error| {
        Fault::new(
            "unreadable",
            ExitCode::Storage,
            text!("{shown} cannot be read: {error}", "无法读取 {shown}：{error}"),
            Text::fixed("look whether this user may read it", "请检查当前用户是否可读"),
        )
    })?;
    let limit = usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX);
    let carriers = [Carrier::Xml, Carrier::Base64, Carrier::Raw];
    let decoded = carriers.into_iter().find_map(|carrier| carrier.decode(&bytes, limit).ok());
    let bytes = decoded.as_deref().unwrap_or(&bytes);
    let whole = inspect_batch(bytes).map(|batch| ReadBatch { batch, is_head: false });
    let head = || inspect_head(bytes).map(|batch| ReadBatch { batch, is_head: true });
    whole.or_else(|error| head().map_err(|_| error)).map_err(|error| {
        let reason = format_error(&error);
        Fault::new(
            error.code(),
            ExitCode::Input,
            Text::new(
                format!("{shown} is no whole batch file: {}", reason.get(Lang::En)),
                format!("{shown} 不是完整的批次文件：{}", reason.get(Lang::Zh)),
            ),
            Text::fixed("`ferry verify` says more about damaged files", "`ferry verify` 可进一步说明受损文件"),
        )
    })
}

fn other_file(found: &Found) -> Fault {
    let (stream, seq) = (&found.stream, found.seq);
    Fault::new(
        "digest-conflict",
        ExitCode::Corrupt,
        text!(
            "the file of batch {stream}/{seq} is another batch than the books have",
            "批次 {stream}/{seq} 的文件与登记的不是同一批次"
        ),
        Text::fixed("check the disk; keep both as they are", "请检查磁盘，并保持两者原样"),
    )
}
