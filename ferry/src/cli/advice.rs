//! What a code means and what an operator does about it. The codes come from the protocol and the database.

use crate::lang::Text;

/// One code: what it means and what to do, in English and Chinese.
struct Advice {
    code: &'static str,
    meaning: [&'static str; 2],
    next: [&'static str; 2],
}

/// What a code means, and what to do next. Codes that are not listed are explained by the health they cause.
pub fn advice(health: &str, code: &str) -> (Text, Text) {
    let found = CODES.iter().find(|advice| advice.code == code);
    let found = found.or_else(|| HEALTHS.iter().chain([&QUARANTINED]).find(|advice| advice.code == health));
    match found {
        Some(advice) => {
            (Text::fixed(advice.meaning[0], advice.meaning[1]), Text::fixed(advice.next[0], advice.next[1]))
        }
        None => {
            (Text::fixed("it waits", "正在等待"), Text::fixed("look into the log of the daemon", "请查看守护进程日志"))
        }
    }
}

/// Whether an operator has to do something, as opposed to waiting.
pub fn needs_operator(health: &str, code: &str) -> bool {
    match health {
        "ok" => false,
        "waiting" => code == "many-attempts",
        "parked" => code != "requires-stream",
        _ => true,
    }
}

/// By health, for codes that are not listed below.
const HEALTHS: &[Advice] = &[
    Advice {
        code: "ok", meaning: ["everything known is applied", "已知内容均已应用"], next: ["nothing", "无需操作"]
    },
    Advice {
        code: "waiting",
        meaning: ["something is under way", "有内容正在途中"],
        next: ["nothing; it goes on by itself", "无需操作，会自动继续"],
    },
    Advice {
        code: "parked",
        meaning: ["the head of the stream waits for a stated reason", "流首批次因所列原因等待"],
        next: ["see `ferry explain` for the batch that is named", "请用 `ferry explain` 查看所列批次"],
    },
    Advice {
        code: "refused",
        meaning: [
            "the receiving database refused a group; the stream waits before it, and nothing is lost",
            "接收方数据库拒收了一组批次；该流停在其前，数据未丢失",
        ],
        next: [
            "mend the cause at the place that is named (table, row, constraint), then in the receiving zone: ferry quarantine retry STREAM --reason … --key …; if the row itself is wrong, mend it and let two operators of the sending zone: ferry supersede STREAM SEQ --with current --reason … --key … --key …",
            "请按所列位置（表、行、约束）排除原因，然后在接收区运行：ferry quarantine retry 流 --reason … --key …；若该行本身有误，请修正该行，再由发送区的两名操作员运行：ferry supersede 流 序号 --with current --reason … --key … --key …",
        ],
    },
    Advice {
        code: "stopped",
        meaning: [
            "a captured change cannot be sent; the stream waits before it",
            "有一条已捕获的变更无法发送；该流停在其前",
        ],
        next: [
            "mend the row in its table, then let two operators pass the captured one: ferry pass STREAM ROW --with current --reason … --key … --key …",
            "请修正表中的该行，然后由两名操作员越过已捕获的行：ferry pass 流 行号 --with current --reason … --key … --key …",
        ],
    },
    Advice {
        code: "locked",
        meaning: [
            "this zone does not send, because it may have forgotten something",
            "本区已锁定发送，因为它可能遗忘了部分内容",
        ],
        next: [
            "leave the daemon running: a fresh status of the peer unlocks what was not forgotten",
            "请保持守护进程运行：对端的最新状态文件会解除未遗忘部分的锁定",
        ],
    },
    Advice {
        code: "silent",
        meaning: ["nothing has been heard of the peer for too long", "已过久未收到对端消息"],
        next: [
            "look whether the gate moves files both ways, and whether the peer's daemon runs",
            "请检查网闸双向是否正常摆渡，以及对端守护进程是否在运行",
        ],
    },
];

/// For files in the quarantine whose code is not listed below.
const QUARANTINED: Advice = Advice {
    code: "quarantined",
    meaning: ["the file is not what it should be", "文件不符合要求"],
    next: [
        "nothing, when the sender sends it again; look at the gate if it repeats",
        "发送方会自动重发，无需操作；如反复出现请检查网闸",
    ],
};

/// By code.
const CODES: &[Advice] = &[
    Advice {
        code: "anchor-missing",
        meaning: [
            "the anchor file is missing, so nobody knows what was sent already",
            "锚文件缺失，无法确知此前已发送到何处",
        ],
        next: [
            "put the anchor file back if it was moved; else wait for the next status of the peer",
            "如锚文件被移走请放回；否则等待对端的下一份状态文件",
        ],
    },
    Advice {
        code: "anchor-foreign",
        meaning: ["the anchor file belongs to another database", "锚文件属于另一个数据库"],
        next: [
            "correct paths.anchor or database.path in the configuration; a copied zone must not send",
            "请更正配置中的 paths.anchor 或 database.path；复制出的区不得发送",
        ],
    },
    Advice {
        code: "zone-restored",
        meaning: [
            "the database is older than what this zone has sent: it was restored",
            "数据库比本区已发送的内容旧：它是恢复出来的",
        ],
        next: [
            "leave the daemons running: this zone takes its own batches back out of both archives, and sends again when it has them all; `ferry status` shows how far it is; what neither archive has any more, two operators pass with ferry new-epoch STREAM --reason … --key … --key …",
            "请保持双方守护进程运行：本区会从双方归档取回自己的批次，取齐后恢复发送；进度见 `ferry status`；双方归档都已没有的，由两名操作员运行 ferry new-epoch 流 --reason … --key … --key …",
        ],
    },
    Advice {
        code: "beyond-anchor",
        meaning: [
            "the peer has applied more of this stream than this zone's database and anchor tell of",
            "对端对该流的应用超出本区数据库与锚点所载",
        ],
        next: [
            "ask the peer's operators whether these batches are yours (`ferry verify` of their archive); if so, two operators sign `ferry take-back`; if they are nowhere any more, `ferry new-epoch`",
            "请与对端操作员核实这些批次是否出自本区（可用 `ferry verify` 核验其归档）；若是，由两名操作员签署 `ferry take-back`；若已无处可取，签署 `ferry new-epoch`",
        ],
    },
    Advice {
        code: "peer-holds-more",
        meaning: [
            "the peer holds or misses batches of this stream of which this zone's database and anchor know nothing",
            "对端持有或缺少该流的若干批次，而本区数据库与锚点对此均无记载",
        ],
        next: [
            "put this zone back to a newer backup (`ferry restore`); without one, two operators begin another life of the stream: ferry new-epoch STREAM --reason … --key … --key …",
            "请用更新的备份恢复本区（`ferry restore`）；若没有，由两名操作员开始该流的新纪元：ferry new-epoch 流 --reason … --key … --key …",
        ],
    },
    Advice {
        code: "return-conflict",
        meaning: [
            "a batch that came back changes a row that a program of this zone has changed since it was restored",
            "取回的批次要更改的记录，在恢复之后又被本区程序更改过",
        ],
        next: [
            "the peer has applied what came back: two operators pass the later change over (`ferry pass`), and the program makes it again afterwards",
            "取回的内容对端已应用：由两名操作员跳过后来的更改（`ferry pass`），之后由程序重新更改",
        ],
    },
    Advice {
        code: "return-torn",
        meaning: [
            "the last group that this zone had sent came back without its end, which nobody has",
            "本区最后发送的一组批次取回时缺少结尾，双方均无",
        ],
        next: [
            "keep both archives safe; two operators begin another epoch: ferry new-epoch STREAM --reason … --key … --key …",
            "请妥善保管双方归档；由两名操作员开始新纪元：ferry new-epoch 流 --reason … --key … --key …",
        ],
    },
    Advice {
        code: "return-other-epoch",
        meaning: ["a batch that came back belongs to another epoch of this stream", "取回的批次属于该流的另一纪元"],
        next: [
            "keep both archives safe and compare them with `ferry verify`; two operators begin another epoch: ferry new-epoch STREAM --reason … --key … --key …",
            "请妥善保管双方归档，并用 `ferry verify` 比对；由两名操作员开始新纪元：ferry new-epoch 流 --reason … --key … --key …",
        ],
    },
    Advice {
        code: "peer-silent",
        meaning: ["nothing has been heard of the peer for too long", "已过久未收到对端消息"],
        next: [
            "look whether the gate moves files both ways, and whether the peer's daemon runs",
            "请检查网闸双向是否正常摆渡，以及对端守护进程是否在运行",
        ],
    },
    Advice {
        code: "loading",
        meaning: ["every row of the stream's tables is being sent once more", "正在重新发送该流各表的全部记录"],
        next: ["nothing; what programs write goes on beside", "无需操作，程序的写入照常进行"],
    },
    Advice {
        code: "many-attempts",
        meaning: ["a batch was sent many times and is not known to have arrived", "有批次已多次发送，仍未获知到达"],
        next: [
            "look into the gate's log for the file names that `ferry explain` shows",
            "请在网闸日志中查找 `ferry explain` 所列的文件名",
        ],
    },
    Advice {
        code: "disk-full",
        meaning: [
            "there is no room on a disk; what needs it waits, and nothing is lost",
            "磁盘空间不足；相关操作等待，数据不丢失",
        ],
        next: [
            "make room on the disk of the path that is named; everything goes on by itself",
            "请在所列路径的磁盘上腾出空间；之后会自动继续",
        ],
    },
    Advice {
        code: "operation-failing",
        meaning: ["an operation fails again and again, and is tried until it succeeds", "某项操作反复失败，将一直重试"],
        next: [
            "look at the path or the database that is named: is the directory mounted, does another program hold the database?",
            "请检查所列路径或数据库：目录是否已挂载，是否有其他程序占用数据库",
        ],
    },
    Advice {
        code: "peer-behind",
        meaning: ["the peer has forgotten what it had applied", "对端遗忘了曾经应用的内容"],
        next: [
            "nothing: what it lacks is sent again from the archive; ask the peer's operator whether a backup was restored",
            "无需操作：所缺内容会从归档重新发送；请询问对端操作员是否恢复过备份",
        ],
    },
    Advice {
        code: "peer-out-of-reach",
        meaning: [
            "the peer has forgotten more than this zone's books can send again",
            "对端遗忘的内容超出本区账簿可重发的范围",
        ],
        next: [
            "keep both archives, and have the peer put back to a newer backup; if there is none, two operators of this zone begin another epoch: ferry new-epoch STREAM --reason … --key … --key …",
            "请保留两侧归档，并让对端恢复到较新的备份；若没有，由本区两名操作员开始新纪元：ferry new-epoch 流 --reason … --key … --key …",
        ],
    },
    Advice {
        code: "peer-restored",
        meaning: ["the peer works with a restored database", "对端正在使用恢复出的数据库"],
        next: [
            "nothing: what it lacks is sent again, and nothing is applied twice; ask the peer's operator",
            "无需操作：所缺内容会重新发送，不会重复应用；请询问对端操作员",
        ],
    },
    Advice {
        code: "watermark-foreign",
        meaning: [
            "the peer says that it applied a batch that this zone never sent",
            "对端称其应用了本区从未发送的批次",
        ],
        next: [
            "stop both daemons and compare the archives with `ferry verify`",
            "请停止双方守护进程，用 `ferry verify` 比对双方归档",
        ],
    },
    Advice {
        code: "peer-two-cards",
        meaning: [
            "the peer's statuses announced two different cards, so somebody else may have its key",
            "对端状态文件公告了两张不同的名片，其密钥可能已落入他人之手",
        ],
        next: [
            "call the peer's operator; take its card by hand, and revoke the key if it was stolen (`ferry trust revoke`)",
            "请致电对端操作员；当面索取名片，若密钥被盗请吊销（`ferry trust revoke`）",
        ],
    },
    Advice {
        code: "peer-key-expired",
        meaning: [
            "what the peer signs is held at the gate: its key was replaced, and the time for which it still counted is over",
            "对端签名的文件被扣留在网闸侧：其密钥已被替换，且过渡期已过",
        ],
        next: [
            "let its operator run `ferry keys finish`; nothing is lost, it is sealed and sent anew",
            "请对端操作员运行 `ferry keys finish`；不会丢失，内容将重新封装并发送",
        ],
    },
    Advice {
        code: "revoked-chain",
        meaning: [
            "a batch bears a revoked key's signature and does not chain to the last good one",
            "批次由已吊销的密钥签名，且与最后有效批次不衔接",
        ],
        next: [
            "nothing: what is the peer's own it sends again under its new key",
            "无需操作：确属对端的内容会以新密钥重新发送",
        ],
    },
    Advice {
        code: "peer-audit-forked",
        meaning: ["the peer's audit log was rewritten", "对端的审计日志被改写过"],
        next: ["keep both archives and tell the auditors", "请保全双方归档并报告审计人员"],
    },
    Advice {
        code: "peer-audit-shrunk",
        meaning: ["the peer's audit log is shorter than it was", "对端的审计日志比以前短"],
        next: ["ask the peer's operator whether a backup was restored", "请询问对端操作员是否恢复过备份"],
    },
    Advice {
        code: "unknown-contract",
        meaning: ["it is under a contract that this zone does not have", "它依据的交换契约本区没有"],
        next: ["install the same contract in both zones", "请在两区安装同一交换契约"],
    },
    Advice {
        code: "group-too-large",
        meaning: ["one transaction is larger than the largest group", "单个事务超过了分组上限"],
        next: [
            "raise flow.group_bytes in both zones and restart their daemons",
            "请在两区调大 flow.group_bytes 并重启守护进程",
        ],
    },
    Advice {
        code: "record-conflict",
        meaning: ["another process wrote into ferry's tables", "另有进程写入了 ferry 的表"],
        next: ["find and end that process, then restart the daemon", "请找到并停止该进程，然后重启守护进程"],
    },
    Advice {
        code: "capture-changed",
        meaning: [
            "the triggers that capture changes do not stand as they were installed, so changes may escape; the stream cuts nothing",
            "捕获变更的触发器与安装时不符，变更可能漏捕；该流不再封装",
        ],
        next: [
            "stop the programs that write these tables; `ferry capture show` tells what is wrong and `ferry capture install` puts it back",
            "请停止写入这些表的程序；`ferry capture show` 说明问题，`ferry capture install` 重新安装",
        ],
    },
    Advice {
        code: "outbox-damaged",
        meaning: ["a captured change is not readable", "有一条已捕获的变更无法读取"],
        next: ["check the disk of the database; keep it as it is", "请检查数据库所在磁盘，并保持其原样"],
    },
    Advice {
        code: "held-by-operator",
        meaning: ["an operator has put the stream on hold", "操作员已暂停该流"],
        next: [
            "`ferry acts list` tells in which zone, by whom and why; `ferry release STREAM --reason … --key …` there lets it go on",
            "`ferry acts list` 说明在哪个区、何人、因何暂停；在该区运行 `ferry release 流 --reason … --key …` 可使其继续",
        ],
    },
    Advice {
        code: "requires-stream",
        meaning: ["it waits until another stream has come far enough", "它在等待另一条流到达所需位置"],
        next: ["nothing, unless that other stream has stopped", "无需操作，除非那条流已停止"],
    },
    Advice {
        code: "requires-other-digest",
        meaning: [
            "it requires another batch of another stream than the one that is applied here",
            "它所依赖的另一流批次与此处已应用的不同",
        ],
        next: ["compare the archives of both zones with `ferry verify`", "请用 `ferry verify` 比对双方归档"],
    },
    Advice {
        code: "epoch-not-followed",
        meaning: ["this zone does not follow that epoch yet", "本区尚未跟随该纪元"],
        next: [
            "nothing, unless it lasts: the peer's next status decides",
            "无需操作，由对端下一份状态文件决定；久未变化再处理",
        ],
    },
    Advice {
        code: "newer-epoch",
        meaning: [
            "a batch of a newer epoch is here, and no act of two operators that began it",
            "收到较新纪元的批次，但没有两名操作员开始该纪元的操作",
        ],
        next: [
            "wait for the sender's next status, which tells of the act; if it lasts, ask its operators: either this zone does not trust them (`ferry trust add CARD --role operator`), or somebody else has the sender's key",
            "请等待发送方的下一状态文件，其中载有该操作；如久未变化请询问其操作员：或者本区未信任他们（`ferry trust add 名片 --role operator`），或者发送方密钥已落入他人之手",
        ],
    },
    Advice {
        code: "epoch-ended",
        meaning: [
            "a batch was held when its epoch ended, and is not applied any more",
            "该批次在其纪元结束时仍被持有，不再应用",
        ],
        next: [
            "nothing: its sender has sent its rows again in the new epoch (`ferry acts list` says why)",
            "无需操作：发送方已在新纪元中重新发送其各行（`ferry acts list` 说明原因）",
        ],
    },
    Advice {
        code: "two-statements",
        meaning: ["two different signed batches claim one place", "两份不同的已签名批次占用同一位置"],
        next: [
            "keep both files (`ferry quarantine list`) and tell the auditors: the sender's key or database was copied; two operators end it with ferry supersede (sending zone, not applied) or ferry quarantine dismiss (receiving zone, applied)",
            "请保全两份文件（`ferry quarantine list`）并报告审计人员：发送方密钥或数据库被复制过；由两名操作员了结：未应用时在发送区用 ferry supersede，已应用时在接收区用 ferry quarantine dismiss",
        ],
    },
    Advice {
        code: "superseded",
        meaning: [
            "two operators of the sender let another batch take its place",
            "发送方的两名操作员已用另一批次取代它",
        ],
        next: ["nothing: `ferry acts list` says who and why", "无需操作；`ferry acts list` 说明何人因何取代"],
    },
    Advice {
        code: "supersede-late",
        meaning: [
            "it came to take the place of a batch that was applied already; what was applied stands",
            "它要取代的批次早已应用；已应用的内容有效",
        ],
        next: [
            "nothing; if the rows are wrong, the sender changes them in its table",
            "无需操作；若数据有误，由发送方在其数据表中更正",
        ],
    },
    Advice {
        code: "wrong-previous",
        meaning: ["a batch does not follow on what was applied before it", "批次与此前已应用的内容不衔接"],
        next: ["compare the archives of both zones with `ferry verify`", "请用 `ferry verify` 比对双方归档"],
    },
    Advice {
        code: "not-owner",
        meaning: ["the sender does not own that stream", "发送方不是该流的所有者"],
        next: ["install the same contract in both zones", "请在两区安装同一交换契约"],
    },
    Advice {
        code: "foreign-table",
        meaning: ["a batch names a table that is not of its stream", "批次中的表不属于该流"],
        next: ["install the same contract in both zones", "请在两区安装同一交换契约"],
    },
    Advice {
        code: "totals-differ",
        meaning: ["the rows do not have the totals that were signed", "行数据的合计与已签名的合计不符"],
        next: ["keep the file and tell the sender's operator", "请保全该文件并通知发送方操作员"],
    },
    Advice {
        code: "damaged-chunk",
        meaning: ["the file was changed on its way", "文件在途中被改动"],
        next: [
            "nothing: it is sent again; look at the gate if it repeats",
            "无需操作，会自动重发；如反复出现请检查网闸",
        ],
    },
    Advice {
        code: "spool-damaged",
        meaning: ["a file in the spool is gone or damaged", "缓存目录中的文件丢失或损坏"],
        next: [
            "check the disk; a batch of the peer comes again by itself, one of this zone needs its file put back from a backup, \
             then `ferry resend`; where nobody has the file any more, two operators begin another epoch: ferry new-epoch STREAM \
             --reason … --key … --key …",
            "请检查磁盘；对端批次会自动重发；本区批次须从备份放回文件，然后运行 `ferry resend`；若文件已无处可取，由两名操作员开始新纪元：ferry new-epoch 流 --reason … --key … --key …",
        ],
    },
    Advice {
        code: "unknown-signer",
        meaning: ["no trusted key signed the file", "文件不是由受信任的密钥签名"],
        next: [
            "if the peer has new keys, compare the fingerprint of its card and run `ferry trust add`",
            "如对端更换了密钥，请核对名片指纹后运行 `ferry trust add`",
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Lang;

    #[test]
    fn every_code_is_listed_once_in_both_languages() {
        let codes: BTreeSet<&str> = CODES.iter().map(|advice| advice.code).collect();
        assert_eq!(codes.len(), CODES.len());
        for advice in CODES.iter().chain(HEALTHS) {
            assert!([advice.meaning[1], advice.next[1]].iter().all(|text| !text.is_ascii()), "{}", advice.code);
        }
    }

    #[test]
    fn a_code_is_more_precise_than_its_health() {
        assert_eq!(advice("parked", "unknown-contract").1.get(Lang::En), "install the same contract in both zones");
        assert_eq!(advice("parked", "unheard-of").0, advice("parked", "").0);
        assert!(needs_operator("refused", "") && needs_operator("parked", "newer-epoch"));
        assert!(!needs_operator("parked", "requires-stream") && !needs_operator("waiting", ""));
    }
}
