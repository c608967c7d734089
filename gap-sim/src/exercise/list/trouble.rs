//! Exercises about forgers, refusals, power cuts and backups.

use crate::exercise::find;
use crate::exercise::{Exercise, Form, Kind, Thing, Unit};

/// Parts 9 to 11 of the course.
pub(super) const ALL: &[Exercise] = &[
    Exercise {
        name: "forged-code",
        part: 9,
        question: [
            "Scenario forged-batch: with which code is the forged file turned away?",
            "场景 forged-batch：伪造的文件以什么代码被拒收？",
        ],
        kind: Kind::Word(Form::Code, find::forged_code),
        hint: [
            "The code stands at the end of a line of the zone that gets the file.",
            "代码在收到该文件的区的某一行末尾。",
        ],
        reason: [
            "The signature fits, but no trusted card has its key. Such a file changes nothing and stops nothing.",
            "签名本身有效，但没有受信任的名片包含该密钥。这样的文件不改变、也不停止任何东西。",
        ],
    },
    Exercise {
        name: "flood-kept",
        part: 9,
        question: [
            "Scenario flood: 300 files come that nobody signed. How many files does inner keep in its quarantine?",
            "场景 flood：涌来三百个无人签名的文件。内区的隔离区保留了几个？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Files), find::flood_kept),
        hint: ["Read how things stand at the end.", "请看最终状态。"],
        reason: [
            "A ring of bounded size keeps the last of them for whoever investigates. Whatever arrives, no directory grows without end.",
            "有界的环为调查者保留最近的若干个。无论来多少，任何目录都不会无限增长。",
        ],
    },
    Exercise {
        name: "disputed-stream",
        part: 9,
        question: [
            "Scenario two-statements: which stream is stopped at the end?",
            "场景 two-statements：最终哪个流停住了？",
        ],
        kind: Kind::Word(Form::Stream, find::disputed_stream),
        hint: ["Read how things stand at the end.", "请看最终状态。"],
        reason: [
            "Two files with good signatures claim one place, so somebody else has the owner's key. A machine cannot know which is true; it stops and calls a person. The other stream goes on.",
            "两个签名有效的文件占用同一位置，说明所有者的密钥落入他人之手。机器无法判断哪个为真；它停下并叫人。另一个流继续。",
        ],
    },
    Exercise {
        name: "poisoned-watermark",
        part: 10,
        question: [
            "Scenario poisoned-row: at which seq does the watermark of confirm stand at the end?",
            "场景 poisoned-row：最终 confirm 的水位停在哪个序号？",
        ],
        kind: Kind::Number(Unit::Count(Thing::SeqOfConfirm), find::poisoned_watermark),
        hint: ["The watermark is the last batch that is applied.", "水位就是最后一个已应用的批次。"],
        reason: [
            "The batch with the bad row was refused whole, so the watermark stands before it, and the next batch waits behind it.",
            "含坏行的批次被整体拒绝，水位停在它之前，后面的批次在其后等待。",
        ],
    },
    Exercise {
        name: "poisoned-code",
        part: 10,
        question: [
            "Scenario poisoned-row: with which code is the group refused?",
            "场景 poisoned-row：该组以什么代码被拒？",
        ],
        kind: Kind::Word(Form::Code, find::poisoned_code),
        hint: [
            "The code stands before the bracket with table, row and constraint.",
            "代码在写有表、行和约束的括号之前。",
        ],
        reason: [
            "Code, table, row and constraint go back to the owner in a status. The values do not: they are somebody's data.",
            "代码、表、行和约束随状态文件回到所有者处。值不会：那是别人的数据。",
        ],
    },
    Exercise {
        name: "poisoned-other",
        part: 10,
        question: [
            "Scenario poisoned-row: what becomes of the stream notice?",
            "场景 poisoned-row：流 notice 会怎样？",
        ],
        kind: Kind::Choice(
            &[
                ["It stops as well.", "它也停止。"],
                ["It goes on after an operator has allowed it.", "经操作员允许后继续。"],
                ["It goes on as if nothing had happened.", "照常继续，如同什么都没发生。"],
            ],
            find::poisoned_other,
        ),
        hint: ["Is notice/1 applied, and when?", "notice/1 应用了吗？在何时？"],
        reason: [
            "Streams are independent unless the contract says that one depends on another.",
            "各流相互独立，除非交换契约写明一个依赖另一个。",
        ],
    },
    Exercise {
        name: "power-verdict",
        part: 11,
        question: [
            "Scenario power-cut with --seed 6: inner finds the file of confirm/1 again after its restart. What is the verdict: apply, hold, duplicate, park or refuse?",
            "场景 power-cut，加 --seed 6：重启后内区又见到 confirm/1 的文件。判断是什么：apply、hold、duplicate、park 还是 refuse？",
        ],
        kind: Kind::Word(Form::Verdict, find::power_verdict),
        hint: [
            "Which line of inner about confirm/1 comes first after the restart?",
            "重启之后，内区关于 confirm/1 的第一行是什么？",
        ],
        reason: [
            "The commit was done and durable before the power failed, the removal of the file was not. The watermark in the same transaction tells.",
            "断电之前提交已经完成并持久，而删除文件尚未完成。同一事务中的水位说明了一切。",
        ],
    },
    Exercise {
        name: "unknown-asks",
        part: 11,
        question: [
            "Scenario unknown-commit: what does inner read before it goes on?",
            "场景 unknown-commit：内区在继续之前读取什么？",
        ],
        kind: Kind::Word(Form::Watermark, find::unknown_asks),
        hint: ["It is one word, and the table of words in the course has it.", "是一个词，课程的词表中有。"],
        reason: [
            "The commit may have happened or not. Guessing would lose rows or apply them twice; the watermark was written with them, so it knows.",
            "提交可能已发生，也可能没有。猜测会丢失数据或重复应用；水位与数据一同写入，因此它知道。",
        ],
    },
    Exercise {
        name: "restored-lock",
        part: 11,
        question: [
            "Scenario restored-zone: with which code does outer lock itself?",
            "场景 restored-zone：外区以什么代码自行锁定？",
        ],
        kind: Kind::Word(Form::Code, find::restored_lock),
        hint: ["The code stands in the line after the restart.", "代码在重启后的那一行。"],
        reason: [
            "The anchor lies outside the database and remembers what was sent. A database from last night would send other rows under numbers that are taken.",
            "锚在数据库之外，记得发送过什么。昨夜的数据库会以已被占用的序号发送不同的数据。",
        ],
    },
    Exercise {
        name: "restored-lacks",
        part: 11,
        question: [
            "Scenario restored-zone: how many batches of confirm does outer take back before it may send again?",
            "场景 restored-zone：外区重新收回 confirm 的多少个批次之后才可以再次发送？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Batches), find::restored_lacks),
        hint: ["Look for the line that says takes back.", "寻找说明“重新收入”的那一行。"],
        reason: [
            "They are signed by outer and sealed to it. Here they still lie in its own archive; had that been lost, inner would give them back out of its own.",
            "它们由外区签名并对外区加密。这里它们仍在外区自己的归档中；若归档丢失，内区会从自己的归档中交还。",
        ],
    },
];
