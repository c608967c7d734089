//! Exercises with drawn worlds, broken invariants and real directories.

use crate::exercise::find;
use crate::exercise::{Exercise, Form, Kind, Thing, Unit};

/// Parts 12 to 14 of the course.
pub(super) const ALL: &[Exercise] = &[
    Exercise {
        name: "drawn-hash",
        part: 12,
        question: [
            "Drawn world --seed 53: what are the first eight digits of the trace hash?",
            "随机世界 --seed 53：跟踪哈希的前八位是什么？",
        ],
        kind: Kind::Word(Form::Hash, find::drawn_hash),
        hint: ["It stands in the line before the verdict.", "在结论的前一行。"],
        reason: [
            "Everything in a world comes from its seed. Whoever has the same program and the same seed gets the same hash, so a failure can be handed over as one number.",
            "世界中的一切都来自种子。程序相同、种子相同，哈希就相同，所以一次失败可以用一个数字交给别人。",
        ],
    },
    Exercise {
        name: "drawn-waits",
        part: 12,
        question: [
            "Drawn world --seed 53: name a stream and one that it depends on, with a space between: WAITER OTHER.",
            "随机世界 --seed 53：写出一个流以及它所依赖的一个流，中间用空格：等待者 被等待者。",
        ],
        kind: Kind::Word(Form::Pair, find::drawn_waits),
        hint: ["The lines that begin with stream say what each depends on.", "以 stream 开头的各行写明各自依赖什么。"],
        reason: [
            "A payment must not be applied before the notice that it pays. The batch names what it requires, and waits until that is applied.",
            "缴款不得先于其通知应用。批次写明它需要什么，并等到那个已应用。",
        ],
    },
    Exercise {
        name: "drawn-lost",
        part: 12,
        question: [
            "Drawn world --seed 53: how many files does the gate lose?",
            "随机世界 --seed 53：网闸丢失了多少个文件？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Files), find::drawn_lost),
        hint: [
            "Count the lines of the trace with loses, in both directions, batches and status files; what the virus scan removes has such a line too.",
            "数一数跟踪中含 loses 的行，两个方向、批次与状态文件都算；病毒扫描删除的文件也有这样一行。",
        ],
        reason: [
            "And yet everything that was committed is applied, or somebody is told why not.",
            "尽管如此，提交的一切都已应用，或者有人被告知为何没有。",
        ],
    },
    Exercise {
        name: "drawn-batch",
        part: 12,
        question: [
            "Drawn world --seed 53: which batch does the gate lose first? Write it as stream/seq.",
            "随机世界 --seed 53：网闸最先丢失的是哪个批次？写作 流/序号。",
        ],
        kind: Kind::Word(Form::Batch, find::drawn_batch),
        hint: [
            "Search the trace for loses; status files are no batches. A file's name has zone, zone, stream, epoch, seq, attempt, digest.",
            "在跟踪中查找 loses；状态文件不是批次。文件名依次为：区、区、流、纪元、序号、尝试、摘要。",
        ],
        reason: [
            "The trace has a line for everything that anybody did, with its time. With it one can follow any batch from commit to settle.",
            "跟踪中每个动作一行，带时间。用它可以从提交一直追到结清任何批次。",
        ],
    },
    Exercise {
        name: "broken-replica",
        part: 13,
        question: [
            "Scenario meddled-replica: which invariant is broken, by its number?",
            "场景 meddled-replica：违反了第几条不变量？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Invariant), find::broken_replica),
        hint: ["The last line names it.", "最后一行写明了。"],
        reason: [
            "A checker compared the tables with what the owner had committed, and one row was missing.",
            "检查器把各表与所有者提交的内容比对，发现少了一行。",
        ],
    },
    Exercise {
        name: "broken-watermark",
        part: 13,
        question: [
            "Scenario meddled-watermark: which invariant is broken, by its number?",
            "场景 meddled-watermark：违反了第几条不变量？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Invariant), find::broken_watermark),
        hint: [
            "The last line names it. It is not 8: that one is about a batch that was applied past the refused one, and none was. Only the number was moved. Which rule says what is written together?",
            "最后一行写明了。不是第 8 条：那一条说的是越过被拒批次去应用别的批次，而这里什么都没有应用，只改动了一个数字。哪一条规定了哪些内容一同写入？",
        ],
        reason: [
            "Watermark, report and audit leaf are written together; the last line counts each of them, and a watermark that was moved alone contradicts the others. Rule 8 is not broken: it compares what was applied, and no batch was applied at or past the refused one.",
            "水位、报告和审计记录一同写入；最后一行列出各项的数目，单独改动的水位与其他各项矛盾。第 8 条没有被违反：它比对的是已应用的内容，而被拒的批次及其后没有任何批次被应用。",
        ],
    },
    Exercise {
        name: "broken-rule",
        part: 13,
        question: [
            "What does the invariant say that meddled-replica breaks?",
            "meddled-replica 所违反的不变量说的是什么？",
        ],
        kind: Kind::Choice(
            &[
                ["Every file crosses the gate once.", "每个文件只过闸一次。"],
                ["What is applied is a prefix of what the owner cut.", "已应用的内容是所有者所切内容的前缀。"],
                ["Every batch is applied within a minute.", "每个批次在一分钟内应用。"],
            ],
            find::broken_rule,
        ),
        hint: ["Look the number up in the table of invariants of the course.", "在课程的不变量表中查这个编号。"],
        reason: [
            "A replica that misses a row in the middle is no beginning of anything that the owner ever had.",
            "中间缺一行的副本，不是所有者任何时刻内容的开头。",
        ],
    },
    Exercise {
        name: "bridge-copies",
        part: 14,
        question: [
            "At the bridge: how many deliveries from outer to inner does the summary count in all, second copies included?",
            "bridge：摘要中外到内方向共送达多少次（含重复副本）？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Deliveries), find::bridge_copies),
        hint: [
            "In the summary, below outer to inner, the first number after delivered.",
            "在摘要的“外到内”下面，“送达”之后的第一个数。",
        ],
        reason: ["One file of six was lost and one came twice.", "六个文件中丢失一个，有一个到达两次。"],
    },
    Exercise {
        name: "bridge-swapped",
        part: 14,
        question: [
            "At the bridge: which payment is in the file pay-4.txt that arrived?",
            "bridge：到达的 pay-4.txt 中是第几笔缴款？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Payment), find::bridge_swapped),
        hint: ["Read the file in the directory from-gate of inner.", "读取内区 from-gate 目录中的该文件。"],
        reason: [
            "The names were exchanged in the gate, the contents were not. A receiver that trusts names would book the wrong payment.",
            "名称在网闸中互换了，内容没有。信任文件名的接收方会记错账。",
        ],
    },
    Exercise {
        name: "bridge-silence",
        part: 14,
        question: [
            "At the bridge: which zone is told that pay-1.txt was lost?",
            "bridge：哪个区被告知 pay-1.txt 已丢失？",
        ],
        kind: Kind::Choice(
            &[
                ["Outer, by an error.", "外区，通过报错。"],
                ["None: nothing comes back from a gate.", "都没有：网闸不返回任何信息。"],
                ["Inner, by an empty file.", "内区，通过一个空文件。"],
            ],
            find::bridge_silence,
        ),
        hint: [
            "Look into all four directories. What is there of pay-1.txt?",
            "查看全部四个目录。有 pay-1.txt 的任何痕迹吗？",
        ],
        reason: [
            "A file that vanishes from to-gate has been taken, and that is all anybody knows. This is why Ferry numbers batches, reports what is applied, and sends again.",
            "文件从 to-gate 消失，只说明被取走，仅此而已。这就是 Ferry 给批次编号、报告已应用内容并重发的原因。",
        ],
    },
];
