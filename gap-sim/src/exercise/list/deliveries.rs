//! Exercises about single files and what becomes of them.

use crate::exercise::find;
use crate::exercise::{Exercise, Form, Kind, Thing, Unit};

/// Parts 1 to 8 of the course.
pub(super) const ALL: &[Exercise] = &[
    Exercise {
        name: "calm-delay",
        part: 1,
        question: [
            "Scenario calm: how many seconds, rounded, was batch confirm/1 in the gate?",
            "场景 calm：批次 confirm/1 在网闸中停留了多少秒（四舍五入）？",
        ],
        kind: Kind::Number(Unit::Seconds, find::calm_delay),
        hint: [
            "Look for two lines of the gate about confirm/1, and subtract their times.",
            "找出网闸关于 confirm/1 的两行，用后一个时间减去前一个。",
        ],
        reason: [
            "From the moment the gate takes it in to the moment it delivers it. Nobody outside the gate can tell a slow file from a lost one.",
            "从网闸摄入到送达。网闸之外无人能区分慢的文件与丢失的文件。",
        ],
    },
    Exercise {
        name: "calm-knows",
        part: 1,
        question: [
            "Scenario calm: when does outer know that confirm/1 is applied?",
            "场景 calm：外区何时知道 confirm/1 已应用？",
        ],
        kind: Kind::Choice(
            &[
                ["When the file has left its drop directory.", "文件离开其投递目录时。"],
                ["When a status file of inner has told it.", "内区的状态文件告知之后。"],
                ["When the gate has delivered the file.", "网闸送达文件时。"],
            ],
            find::calm_knows,
        ),
        hint: [
            "Run it once more with --statuses: what does outer read just before it learns?",
            "加上 --statuses 再运行一次：外区在获知之前读了什么？",
        ],
        reason: [
            "A file that is gone has been taken, which does not mean delivered; and delivered does not mean applied. Only the receiver's signed word counts.",
            "文件消失只说明被取走，不等于送达；送达也不等于应用。只有接收方签名的说法算数。",
        ],
    },
    Exercise {
        name: "lost-attempt",
        part: 2,
        question: [
            "Scenario lost-batch: with which attempt does confirm/1 arrive?",
            "场景 lost-batch：confirm/1 是第几次发送时到达的？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Attempt), find::lost_attempt),
        hint: ["Look for the line in which the gate delivers confirm/1.", "找出网闸送达 confirm/1 的那一行。"],
        reason: [
            "A resend is the same bytes under the next attempt, because gates remember names.",
            "重发是同样的字节，换成下一个尝试号，因为网闸会记住文件名。",
        ],
    },
    Exercise {
        name: "lost-resend",
        part: 2,
        question: [
            "Scenario lost-batch: how many seconds, rounded, after the loss does outer put confirm/1 into the drop directory again?",
            "场景 lost-batch：丢失之后多少秒（四舍五入），外区再次把 confirm/1 放入投递目录？",
        ],
        kind: Kind::Number(Unit::Seconds, find::lost_resend),
        hint: [
            "Nobody tells outer of the loss. Subtract the time of the loss from the time of the next attempt.",
            "没有人告诉外区文件丢失。用下一次放入的时间减去丢失的时间。",
        ],
        reason: [
            "Outer waited until the file was older than any file of this gate, and asked nobody: the gate never says that it lost something.",
            "外区一直等到该文件比本网闸的任何文件都旧，不问任何人：网闸从不说自己丢了什么。",
        ],
    },
    Exercise {
        name: "lost-order",
        part: 2,
        question: [
            "Scenario lost-batch: confirm/2 is there before confirm/1. Why does inner not apply it at once?",
            "场景 lost-batch：confirm/2 先于 confirm/1 到达。内区为何不立即应用？",
        ],
        kind: Kind::Choice(
            &[
                ["It may be damaged.", "它可能已损坏。"],
                ["A stream is applied in order and without holes.", "流按次序应用，不留空缺。"],
                ["Outer has to allow it first.", "须先经外区允许。"],
            ],
            find::lost_order,
        ),
        hint: [
            "In which order does inner apply the two? What was between them when confirm/2 came?",
            "内区以什么次序应用两者？confirm/2 到达时，前面缺了什么？",
        ],
        reason: [
            "What is applied is at every moment a beginning of what the owner sent. A later batch waits, held durably, until the hole is filled.",
            "任何时刻，已应用的都是所有者所发内容的开头一段。后来的批次持久保存并等待，直到空缺补上。",
        ],
    },
    Exercise {
        name: "ack-applied",
        part: 3,
        question: [
            "Scenario lost-acknowledgement: how often are the rows of confirm/1 applied?",
            "场景 lost-acknowledgement：confirm/1 的数据行被应用了几次？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Times), find::ack_applied),
        hint: ["Count the lines in which inner applies confirm/1.", "数一数内区应用 confirm/1 的行。"],
        reason: ["A payment counts once, however often its file comes.", "无论文件来几次，一笔缴款只计一次。"],
    },
    Exercise {
        name: "ack-verdict",
        part: 3,
        question: [
            "Scenario lost-acknowledgement: what is the verdict on the second file of confirm/1: apply, hold, duplicate, park or refuse?",
            "场景 lost-acknowledgement：confirm/1 的第二个文件得到什么判断：apply、hold、duplicate、park 还是 refuse？",
        ],
        kind: Kind::Word(Form::Verdict, find::ack_verdict),
        hint: ["inner says of it that it knows it already.", "内区说它已有此批次。"],
        reason: [
            "It is at the watermark and has the digest that is known there. The next status says the watermark again, and that answers the resend.",
            "它不高于水位，且摘要与已知相同。下一份状态文件再次说明水位，这就是对重发的回答。",
        ],
    },
    Exercise {
        name: "ack-lost",
        part: 3,
        question: [
            "Scenario lost-acknowledgement: how many status files does the gate lose?",
            "场景 lost-acknowledgement：网闸丢失了几个状态文件？",
        ],
        kind: Kind::Number(Unit::Count(Thing::StatusFiles), find::ack_lost),
        hint: ["Count the lines in which the gate loses a status.", "数一数网闸丢失状态文件的行。"],
        reason: [
            "A lost status costs nothing but time: a later one says more. So no status is ever acknowledged or sent again.",
            "丢失状态文件只损失时间：后来的状态说得更多。因此状态文件从不确认，也不重发。",
        ],
    },
    Exercise {
        name: "damaged-code",
        part: 4,
        question: [
            "Scenario damaged-batch: with which code does inner turn the damaged file away?",
            "场景 damaged-batch：内区以什么代码拒收损坏的文件？",
        ],
        kind: Kind::Word(Form::Code, find::damaged_code),
        hint: ["The code stands at the end of a line of inner.", "代码在内区某一行的末尾。"],
        reason: [
            "Each chunk has a digest in the signed header. One bit is enough, and nothing of the file is used.",
            "签名头部中有每个分块的摘要。一个比特就足够，文件的任何部分都不会被使用。",
        ],
    },
    Exercise {
        name: "damaged-patience",
        part: 4,
        question: [
            "Scenario damaged-batch: how many seconds, rounded, after its arrival does inner turn the file away?",
            "场景 damaged-batch：文件到达后多少秒（四舍五入），内区将其拒收？",
        ],
        kind: Kind::Number(Unit::Seconds, find::damaged_patience),
        hint: [
            "Subtract the time of the delivery from the time of the line with the code.",
            "用带代码那一行的时间减去送达的时间。",
        ],
        reason: [
            "A gate may show a file before it is whole. So inner looks again for a while before it calls a file damaged.",
            "网闸可能在文件完整之前就让它可见。因此内区会再等一会儿，才判定文件已损坏。",
        ],
    },
    Exercise {
        name: "overtaken-held",
        part: 5,
        question: [
            "Scenario overtaken: how many seconds, rounded, does outer hold notice/2 before it applies it?",
            "场景 overtaken：外区持有 notice/2 多少秒（四舍五入）之后才应用？",
        ],
        kind: Kind::Number(Unit::Seconds, find::overtaken_held),
        hint: [
            "From the line in which outer verifies and holds it to the line in which it applies it.",
            "从外区核验并保存它的那一行，到应用它的那一行。",
        ],
        reason: [
            "It waited for notice/1, not for a timer: nothing ever passes a hole by time.",
            "它等的是 notice/1，而不是定时器：空缺从不因时间而被越过。",
        ],
    },
    Exercise {
        name: "overtaken-delete",
        part: 5,
        question: [
            "Scenario overtaken: outer reports that it holds notice/2 durably. May inner delete its own file of it?",
            "场景 overtaken：外区报告已持久保存 notice/2。内区可以删除自己的文件吗？",
        ],
        kind: Kind::Choice(
            &[
                ["Yes: held is as good as applied.", "可以：持有等于应用。"],
                ["Yes, after an hour.", "可以，一小时之后。"],
                ["No: only what is reported applied may go.", "不可以：只有报告已应用的才可移走。"],
            ],
            find::overtaken_delete,
        ),
        hint: [
            "What does inner learn, and when? Is it that something is held, or that it is applied?",
            "内区获知了什么，在何时？是“已持有”，还是“已应用”？",
        ],
        reason: [
            "The receiver may lose its disk while it holds a batch. Held gives room in the window, never the right to delete.",
            "接收方持有批次期间可能丢失磁盘。持有只腾出窗口，从不给予删除的权利。",
        ],
    },
    Exercise {
        name: "late-minutes",
        part: 6,
        question: [
            "Scenario virus-scan: how many minutes, rounded, is the first file of confirm/1 in the gate?",
            "场景 virus-scan：confirm/1 的第一个文件在网闸中停留了多少分钟（四舍五入）？",
        ],
        kind: Kind::Number(Unit::Minutes, find::late_minutes),
        hint: ["On the page it is the long flat arrow.", "在页面上，它是那条又长又平的箭头。"],
        reason: [
            "Nothing waited for it: the batch was sent again and applied within two minutes.",
            "没有任何事情等它：该批次被重新发送，两分钟内就应用了。",
        ],
    },
    Exercise {
        name: "late-copies",
        part: 6,
        question: [
            "Scenario virus-scan: how many files of confirm/1 reach inner in the end?",
            "场景 virus-scan：最终有几个 confirm/1 的文件到达内区？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Copies), find::late_copies),
        hint: [
            "Count the arrows of confirm/1 that reach inner, late ones too.",
            "数一数到达内区的 confirm/1 箭头，迟到的也算。",
        ],
        reason: [
            "Whoever sends again must expect both. So the receiver must know a duplicate when it sees one, after an hour or after a year.",
            "重发者必须预料两份都会到。因此接收方必须认得重复件，无论一小时后还是一年后。",
        ],
    },
    Exercise {
        name: "swapped-first",
        part: 7,
        question: [
            "Scenario swapped-names: which batch is in the file that arrives under the name confirm/2? Write it as stream/seq.",
            "场景 swapped-names：以 confirm/2 为名到达的文件里是哪个批次？写作 流/序号。",
        ],
        kind: Kind::Word(Form::Batch, find::swapped_first),
        hint: ["What does inner apply right after that file came?", "该文件到达后，内区紧接着应用了什么？"],
        reason: [
            "Inner opened it, read the signed header and found another batch than the name said.",
            "内区打开文件，读取签名头部，发现的是与文件名不同的批次。",
        ],
    },
    Exercise {
        name: "swapped-why",
        part: 7,
        question: [
            "Scenario swapped-names: why does the exchange do no harm?",
            "场景 swapped-names：互换名称为何无害？",
        ],
        kind: Kind::Choice(
            &[
                [
                    "What a file is follows from its signed header; its name is a hint.",
                    "文件的身份由签名头部决定；文件名只是提示。",
                ],
                ["The gate changes the names back.", "网闸会把名称换回来。"],
                ["Outer notices it and sends both again.", "外区发现后重发两个文件。"],
            ],
            find::swapped_why,
        ),
        hint: ["Is anything turned away, or sent again?", "有文件被拒收或重发吗？"],
        reason: [
            "Anybody at the gate can change a name. Nobody without the key can change a header.",
            "网闸旁的任何人都能改文件名；没有密钥则谁也改不了头部。",
        ],
    },
    Exercise {
        name: "night-waiting",
        part: 8,
        question: [
            "Scenario one-way-night: how many batches has outer cut when files pass again in the morning?",
            "场景 one-way-night：早晨恢复通行时，外区已切出多少个批次？",
        ],
        kind: Kind::Number(Unit::Count(Thing::Batches), find::night_waiting),
        hint: [
            "Below the lanes of the page, at confirm, the thin grey line above the green one goes up a step with each batch that is cut; drag the slider to where files pass again, and read the second number beside it. The line about confirm at the end has it too.",
            "在页面横道下方 confirm 处，绿线之上的细灰线每切出一批就上升一级；把滑块拖到恢复通行之时，读它左边的第二个数。最终状态中关于 confirm 的一行也有。",
        ],
        reason: [
            "Programs went on committing, and capture went on. What cannot cross waits, and nothing is lost.",
            "业务程序照常提交，捕获照常进行。过不去的就等待，什么都不会丢。",
        ],
    },
    Exercise {
        name: "night-rarer",
        part: 8,
        question: [
            "Scenario one-way-night: why does outer send confirm/1 more and more rarely?",
            "场景 one-way-night：外区为何越来越少地重发 confirm/1？",
        ],
        kind: Kind::Choice(
            &[
                [
                    "Each wait is about twice the last, up to half an hour, so that a dead way is not flooded; it never gives up.",
                    "每次等待约为上次的两倍，最多半小时，以免淹没中断的通道；但从不放弃。",
                ],
                ["It has only a limited number of attempts.", "它的尝试次数有限。"],
                ["The gate asks it to.", "网闸要求它这样做。"],
            ],
            find::night_rarer,
        ),
        hint: [
            "Compare the times of the first attempts of confirm/1 with each other.",
            "比较 confirm/1 最初几次放入的时间。",
        ],
        reason: [
            "Doubling goes up to half an hour. The first fresh status after the silence sets it back to the beginning.",
            "翻倍最多到半小时。沉默之后的第一份最新状态文件使其从头开始。",
        ],
    },
];
