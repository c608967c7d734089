//! One fault: its code, its file, its place, and a sentence.

use ferry_format::{BatchStatement, LinkId, StatusStatement, StreamName, ZoneName};
use serde_json::{Value, json};

use crate::lang::{Lang, Text};

macro_rules! finding_codes {
    ($($variant:ident = $name:literal, $en:literal, $zh:literal;)*) => {
        /// What can be wrong between files. What can be wrong within one has the codes of the format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FindingCode {
            $(#[doc = $en] $variant,)*
        }

        impl FindingCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, in kebab case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> Text {
                match self {
                    $(Self::$variant => Text::fixed($en, $zh),)*
                }
            }
        }
    };
}

finding_codes! {
    Unreadable = "unreadable", "A file or directory could not be read.", "文件或目录无法读取。";
    NameMismatch = "name-mismatch", "A file's name says something else than its signed header.", "文件名与已签名的文件头不一致。";
    MissingSeq = "missing-seq", "Batches are missing between others, or before the first.", "批次序列中间或开头有缺失。";
    MissingTail = "missing-tail", "A signed file proves later batches of a stream than there are.", "已签名的文件证明该流还有更靠后的批次，但未找到。";
    BrokenChain = "broken-chain", "A batch does not follow on the one before it.", "批次与前一批次不衔接。";
    BrokenGroup = "broken-group", "Neighbouring batches disagree on where their group begins or ends.", "相邻批次对所属组的起止说法不一。";
    TwoEpochs = "two-epochs", "One epoch number has two epoch ids.", "同一纪元号对应两个纪元标识。";
    EpochWithoutAct = "epoch-without-act", "Nothing shows that two operators began an epoch above the first.", "没有任何文件表明首个纪元之后的某纪元由两名操作员开始。";
    TwoStatements = "two-statements", "Two different signed statements stand for one place of a stream.", "流的同一位置有两份不同的已签名声明。";
    TwoStatuses = "two-statuses", "Two different signed statuses have one number.", "两份不同的已签名状态文件使用了同一编号。";
    DigestConflict = "digest-conflict", "A status names another batch at a place than the one that is there.", "状态文件所指的批次与该位置的实际批次不同。";
    RequiresConflict = "requires-conflict", "A batch requires another batch at a place than the one that is there.", "批次所依赖的批次与该位置的实际批次不同。";
    StatusRegression = "status-regression", "A later status of one database says less than an earlier one.", "同一数据库较晚的状态文件所述进度反而倒退。";
    AuditFork = "audit-fork", "A zone's audit log shrank, or has two heads of one size.", "某区的审计日志变短，或同一长度出现两个根。";
}

/// Where in the exchange a fault lies, as far as it is known. From a file that did not verify it is only a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The link.
    pub link: Option<LinkId>,
    /// The zone that sent.
    pub from: Option<ZoneName>,
    /// The zone that was to receive.
    pub to: Option<ZoneName>,
    /// The stream; `None` for a status.
    pub stream: Option<StreamName>,
    /// The epoch.
    pub epoch: Option<u64>,
    /// The first batch concerned.
    pub seq: Option<u64>,
    /// The last batch concerned.
    pub seq_last: Option<u64>,
    /// The number of the status.
    pub number: Option<u64>,
    /// Whether only an unproven header says so.
    pub claimed: bool,
}

impl Place {
    /// The place of a batch.
    #[must_use]
    pub fn of_batch(statement: &BatchStatement) -> Self {
        Self {
            link: Some(statement.link.clone()),
            from: Some(statement.from.clone()),
            to: Some(statement.to.clone()),
            stream: Some(statement.stream.clone()),
            epoch: Some(statement.epoch),
            seq: Some(statement.seq),
            seq_last: Some(statement.seq),
            number: None,
            claimed: false,
        }
    }

    /// The place of a status.
    #[must_use]
    pub fn of_status(statement: &StatusStatement) -> Self {
        Self {
            link: Some(statement.link.clone()),
            from: Some(statement.from.clone()),
            to: Some(statement.to.clone()),
            number: Some(statement.number),
            ..Self::default()
        }
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable code: a [`FindingCode`]'s name, or a code of the format.
    pub code: &'static str,
    /// The file at fault, or the one that shows the fault.
    pub file: Option<String>,
    /// Where in the exchange.
    pub place: Place,
    /// What is wrong.
    pub message: Text,
}

impl Finding {
    /// A fault between files.
    #[must_use]
    pub fn new(code: FindingCode, file: Option<String>, place: Place, message: Text) -> Self {
        Self { code: code.name(), file, place, message }
    }

    /// The stable JSON form; every key is always there.
    #[must_use]
    pub fn json(&self, lang: Lang) -> Value {
        json!({
            "code": self.code,
            "file": self.file,
            "link": self.place.link.as_ref().map(LinkId::as_str),
            "from": self.place.from.as_ref().map(ZoneName::as_str),
            "to": self.place.to.as_ref().map(ZoneName::as_str),
            "stream": self.place.stream.as_ref().map(StreamName::as_str),
            "epoch": self.place.epoch,
            "seq": self.place.seq,
            "seq_last": self.place.seq_last,
            "number": self.place.number,
            "claimed": self.place.claimed,
            "message": self.message.get(lang),
        })
    }

    /// One paragraph for people: the sentence, then where.
    #[must_use]
    pub fn human(&self, lang: Lang) -> String {
        let mut out = format!("{}: {}\n", self.code, self.message.get(lang));
        if let Some(place) = self.place_text(lang) {
            let claims = match (self.place.claimed, lang) {
                (false, Lang::En | Lang::Zh) => "",
                (true, Lang::En) => "claims to be ",
                (true, Lang::Zh) => "自称 ",
            };
            out.push_str(&format!("  {claims}{place}\n"));
        }
        if let Some(file) = &self.file {
            out.push_str(&format!("  {file}\n"));
        }
        out
    }

    fn place_text(&self, lang: Lang) -> Option<String> {
        let place = &self.place;
        let (link, from, to) = (place.link.as_ref()?, place.from.as_ref()?, place.to.as_ref()?);
        let ends = format!("{link} {from}→{to}");
        let what = match (&place.stream, place.epoch, place.seq, place.seq_last, place.number) {
            (Some(stream), Some(epoch), Some(first), Some(last), _) if first != last => match lang {
                Lang::En => format!("{stream}, epoch {epoch}, seq {first} to {last}"),
                Lang::Zh => format!("流 {stream}，纪元 {epoch}，序号 {first} 至 {last}"),
            },
            (Some(stream), Some(epoch), Some(seq), _, _) => match lang {
                Lang::En => format!("{stream}, epoch {epoch}, seq {seq}"),
                Lang::Zh => format!("流 {stream}，纪元 {epoch}，序号 {seq}"),
            },
            (Some(stream), Some(epoch), None, _, _) => match lang {
                Lang::En => format!("{stream}, epoch {epoch}"),
                Lang::Zh => format!("流 {stream}，纪元 {epoch}"),
            },
            (_, _, _, _, Some(number)) => match lang {
                Lang::En => format!("status {number}"),
                Lang::Zh => format!("状态文件 {number} 号"),
            },
            (Some(stream), None, _, _, None) => stream.to_string(),
            (None, _, _, _, None) => return Some(ends),
        };
        Some(format!("{ends} {what}"))
    }
}
