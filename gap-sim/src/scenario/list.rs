//! The scenarios.

use super::{Meddling, Scenario};
use crate::Hand;
use crate::profile::Outage;
use crate::world::faults::Fault;
use crate::world::host::ZoneId::{Inner, Outer};

/// Every scenario, the simplest first.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "calm",
        title: ["Nothing goes wrong", "一切正常"],
        lesson: [
            "A change is committed, sealed into a batch, carried across, applied, and a status tells its owner so.",
            "变更提交后被封装成批次，摆渡过闸，在对端应用，随后状态文件告知其所有者。",
        ],
        safety_s: 120,
        script: |script| {
            script.commit(20, "notice", 3).commit(40, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "lost-batch",
        title: ["The gate loses a batch", "网闸丢失一个批次"],
        lesson: [
            "No gate tells of a loss. When the gate's worst delay has passed without a word of the receiver, the owner sends again.",
            "网闸不会告知丢失。超过网闸的最长延迟仍无接收方的消息，所有者就重新发送。",
        ],
        safety_s: 300,
        script: |script| {
            script.hand(30, Outer, Hand::Lose, "confirm").commit(32, "confirm", 2).commit(45, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "lost-acknowledgement",
        title: ["The gate loses the acknowledgement", "网闸丢失确认回执"],
        lesson: [
            "The rows are applied, and their owner does not know. The next status says the same again: nothing is applied twice.",
            "数据已应用而所有者不知；下一份状态文件会再次说明，任何内容都不会应用两次。",
        ],
        safety_s: 400,
        script: |script| {
            script.commit(30, "confirm", 2).hand(33, Inner, Hand::Lose, "status").hand(33, Inner, Hand::Lose, "status");
        },
        meddling: None,
    },
    Scenario {
        name: "damaged-batch",
        title: ["A bit flips on the way", "传输途中一个比特翻转"],
        lesson: [
            "The chunk digests do not fit. The file goes to the quarantine, and the batch comes again.",
            "分块摘要不符，文件进入隔离区，批次重新发送。",
        ],
        safety_s: 400,
        script: |script| {
            script.hand(30, Outer, Hand::Corrupt, "confirm").commit(32, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "doubled-batch",
        title: ["A batch arrives twice", "一个批次到达两次"],
        lesson: [
            "The second copy is known by its digest and dropped. A payment counts once.",
            "第二份按摘要识别并丢弃；一笔缴款只计一次。",
        ],
        safety_s: 200,
        script: |script| {
            script.hand(30, Outer, Hand::Double, "confirm").commit(32, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "overtaken",
        title: ["A later batch overtakes an earlier one", "后发批次先到"],
        lesson: [
            "The later one is held durably and waits. It is applied when the earlier one has come, not before.",
            "后发批次被持久保存并等待；先发批次到达后才依次应用。",
        ],
        safety_s: 300,
        script: |script| {
            script.hand(30, Inner, Hand::Hold, "notice").commit(32, "notice", 2).commit(50, "notice", 2);
            script.hand(100, Inner, Hand::Release, "");
        },
        meddling: None,
    },
    Scenario {
        name: "virus-scan",
        title: ["The virus scanner holds a batch for an hour", "病毒扫描滞留一个批次一小时"],
        lesson: [
            "Nobody knows that it will still come, so it is sent again. When the first one arrives at last, it is a duplicate.",
            "无人知晓它仍会到达，于是重新发送；迟到的第一份到达时只是重复件。",
        ],
        safety_s: 4_200,
        script: |script| {
            script.hand(30, Outer, Hand::Hold, "confirm").commit(32, "confirm", 2);
            script.hand(3_632, Outer, Hand::Release, "");
        },
        meddling: None,
    },
    Scenario {
        name: "swapped-names",
        title: ["Two files exchange their names", "两个文件名互换"],
        lesson: [
            "Names are hints. Each file says in its signed header what it is, so both are applied in their order.",
            "文件名只是提示；每个文件的签名头部说明其身份，两者仍按次序应用。",
        ],
        safety_s: 300,
        script: |script| {
            script.hand(30, Outer, Hand::Swap, "confirm").commit(32, "confirm", 2).commit(36, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "one-way-night",
        title: ["One way is down overnight", "单向中断一夜"],
        lesson: [
            "Changes queue up at their owner, capture goes on. In the morning the backlog drains in order.",
            "变更在所有者处排队，捕获不停；次日早晨积压按次序排空。",
        ],
        safety_s: 40_000,
        script: |script| {
            script.at_leisure().outage(Outage::OuterToInner, 60, 36_000);
            for hour in 0..9 {
                script.commit(100 + hour * 3_600, "confirm", 3);
            }
        },
        meddling: None,
    },
    Scenario {
        name: "forged-batch",
        title: ["Somebody forges a batch", "有人伪造批次"],
        lesson: [
            "The signature is by a key that nobody trusts. The file is kept with its reason, and no stream stops.",
            "签名密钥不受信任；文件连同原因一起保留，任何流都不会停止。",
        ],
        safety_s: 200,
        script: |script| {
            script.commit(20, "confirm", 2).strike(60, Fault::WrongKey, Outer).commit(80, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "flood",
        title: ["A flood of forged files", "伪造文件泛滥"],
        lesson: [
            "Three hundred files that nobody signed. A bounded ring keeps the last of them; the real batch that comes meanwhile is applied.",
            "三百个无人签名的文件；有界环只保留最近若干，其间到来的真正批次照常应用。",
        ],
        safety_s: 300,
        script: |script| {
            script.strike(30, Fault::Flood, Inner).commit(32, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "replayed",
        title: ["An old file comes again", "旧文件重放"],
        lesson: [
            "A batch is known by its digest, an old status by its number. Neither changes anything.",
            "批次按摘要识别，旧状态文件按编号识别；两者都不改变任何内容。",
        ],
        safety_s: 300,
        script: |script| {
            script.commit(20, "confirm", 2).commit(60, "notice", 2);
            script.strike(120, Fault::Replay, Inner).strike(130, Fault::Replay, Inner).strike(
                140,
                Fault::ReDrop,
                Inner,
            );
        },
        meddling: None,
    },
    Scenario {
        name: "power-cut",
        title: ["The power fails while a batch is taken in", "接收批次时断电"],
        lesson: [
            "Rows and watermark are one transaction: both are there afterwards, or neither is. The daemon goes on from either.",
            "数据行与水位在同一事务中：断电后要么都在，要么都不在，守护进程均可继续。",
        ],
        safety_s: 400,
        script: |script| {
            script.hand(10, Outer, Hand::Hold, "confirm").commit(20, "confirm", 8).hand(28, Outer, Hand::Release, "");
            script.strike(28, Fault::PowerCut, Inner).commit(60, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "unknown-commit",
        title: ["The answer of a commit is lost", "提交结果未知"],
        lesson: [
            "The daemon does not guess: it reads the watermark again before it judges anything.",
            "守护进程不猜测：先重新读取水位，再作判断。",
        ],
        safety_s: 300,
        script: |script| {
            script.hand(10, Outer, Hand::Hold, "confirm").commit(20, "confirm", 2).hand(28, Outer, Hand::Release, "");
            script.strike(28, Fault::UnknownCommit, Inner);
        },
        meddling: None,
    },
    Scenario {
        name: "poisoned-row",
        title: ["A row that the ledger does not take", "账本拒收的数据行"],
        lesson: [
            "The group is refused whole, with table, row and constraint. Its stream stops there, the other goes on, both zones say so.",
            "整组被拒，并注明表、行和约束；该流停在此处，其他流继续，两区均有显示。",
        ],
        safety_s: 300,
        script: |script| {
            script.commit(20, "confirm", 2).poison(40, "confirm").commit(60, "confirm", 2).commit(60, "notice", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "two-statements",
        title: ["Two signed batches claim one place", "两份签名批次占用同一位置"],
        lesson: [
            "Somebody has the owner's key. The stream stops before the place, and no restart forgets it.",
            "有人持有所有者密钥；该流停在此位置之前，重启也不会遗忘。",
        ],
        safety_s: 400,
        script: |script| {
            script.commit(20, "confirm", 2).commit(20, "notice", 2).strike(90, Fault::TwoStatements, Inner);
            script.commit(150, "confirm", 2).commit(150, "notice", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "restored-zone",
        title: ["A database is put back from last night", "数据库从昨夜备份恢复"],
        lesson: [
            "The anchor outside the database knows more than the database. The zone locks itself before it sends anything, and takes its own batches back.",
            "数据库之外的锚比数据库知道得更多；本区在发送任何内容之前自行锁定，并取回自己的批次。",
        ],
        safety_s: 500,
        script: |script| {
            script.commit(20, "confirm", 2).backup(90, Outer).commit(100, "confirm", 2);
            script.strike(200, Fault::OwnerRestored, Outer);
        },
        meddling: None,
    },
    Scenario {
        name: "lost-anchor",
        title: ["The anchor is lost", "锚文件丢失"],
        lesson: [
            "A zone that may have forgotten something does not send until a fresh status of its peer shows that it has not.",
            "可能遗忘内容的一方不发送，直到对端的最新状态文件证明并未遗忘。",
        ],
        safety_s: 500,
        script: |script| {
            script.commit(20, "confirm", 2).strike(100, Fault::AnchorLost, Outer).commit(140, "confirm", 2);
        },
        meddling: None,
    },
    Scenario {
        name: "meddled-replica",
        title: ["Somebody deletes a row of the replica by hand", "有人手工删除副本中的一行"],
        lesson: [
            "The replica holds what its owner committed, and nothing else. A checker notices: this scenario ends with 41.",
            "副本只包含其所有者提交的内容。检查器会发现：本场景以 41 结束。",
        ],
        safety_s: 120,
        script: |script| {
            script.commit(20, "confirm", 3).commit(60, "confirm", 3);
        },
        meddling: Some(Meddling {
            zone: Inner,
            text: ["somebody deletes a row of the replica by hand", "有人手工删除副本中的一行"],
            act: |database| {
                let rows = database.tables.get_mut("confirm_row");
                rows.and_then(std::collections::BTreeMap::pop_first);
            },
        }),
    },
    Scenario {
        name: "meddled-watermark",
        title: ["Somebody moves the watermark by hand", "有人手工改动水位"],
        lesson: [
            "A watermark is no switch to get past trouble: reports and audit say otherwise. This scenario ends with 41.",
            "水位不是绕过问题的开关：报告与审计记录会揭穿。本场景以 41 结束。",
        ],
        safety_s: 300,
        script: |script| {
            script.commit(20, "confirm", 2).poison(40, "confirm");
        },
        meddling: Some(Meddling {
            zone: Inner,
            text: [
                "somebody moves the watermark of confirm past the refused batch",
                "有人把 confirm 的水位手工移过被拒的批次",
            ],
            act: |database| {
                let peer = database.peers.values_mut().find_map(|peer| peer.followed.as_mut());
                if let Some((_, mark)) = peer {
                    mark.seq += 1;
                }
            },
        }),
    },
];
