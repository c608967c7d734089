//! What `gap-sim` says, in English and Chinese. Each `{}` takes one value, in order.

use crate::lang::Lang;
use std::fmt::Display;

macro_rules! words {
    ($($name:ident: $english:literal, $chinese:literal;)+) => {
        /// Something that `gap-sim` says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Word { $(#[doc = $english] $name,)+ }

        impl Word {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name,)+];

            const fn pattern(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::English) => $english, (Self::$name, Lang::Chinese) => $chinese,)+
                }
            }
        }
    };
}

words! {
    Error: "gap-sim: {}", "gap-sim：{}";
    Running: "gap-sim bridge: seed {}, profile {}, time scale {}", "gap-sim bridge：种子 {}，配置 {}，时间比例 {}";
    Lane: "  {}: {} -> {}", "  {}：{} -> {}";
    WorkAt: "  files in flight are kept in {}", "  在途文件存放在 {}";
    ReportAt: "  the report is {}", "  报告文件 {}";
    Option: "  {} = {}", "  {} = {}";
    LeftoverDelivered: "{}: {} files of an earlier run were still in flight and are delivered", "{}：上次运行有 {} 个在途文件，已送达";
    LeftoverDiscarded: "{}: {} unfinished files of an earlier run are discarded", "{}：丢弃上次运行的 {} 个未完成文件";
    Progress: "after {} s: {}", "{} 秒：{}";
    LaneProgress: "{} picked up {}, delivered {}, lost {}, in flight {}", "{} 取走 {}，送达 {}，丢失 {}，在途 {}";
    ScanTrouble: "{}: cannot read {}: {}; it is tried again at every scan", "{}：无法读取 {}：{}；每次扫描都会重试";
    PickUpTrouble: "{}: cannot pick up {}: {}; it is tried again at every scan", "{}：无法取走 {}：{}；每次扫描都会重试";
    DeliverTrouble: "{}: cannot deliver {}: {}; it is tried again every second", "{}：无法送达 {}：{}；每秒重试";
    RemoveTrouble: "{}: cannot remove {}: {}; remove it by hand", "{}：无法删除 {}：{}；请手工删除";
    ReportTrouble: "{}; it is tried again every second", "{}；每秒重试";
    HandUnknown:
        "{} is no act; write `inner` or `outer`, then lose, hold, release, double, corrupt or swap, then perhaps a part of a name",
        "{} 不是动作；请写 `inner` 或 `outer`，再写 lose、hold、release、double、corrupt 或 swap，可再加文件名的一部分";
    HandsDeaf: "cannot read standard input: {}; the bridge goes on without hands", "无法读取标准输入：{}；bridge 继续运行，不再接受手工动作";
    HandsHow:
        "acts of the hand: write `outer lose pay`, `inner hold`, `inner release` or the like, and press Enter; Ctrl-C ends the bridge",
        "手工动作：输入 `outer lose pay`、`inner hold`、`inner release` 之类，按回车；Ctrl-C 结束";
    HandDone: "noted for {}: {} {}", "已记下，{}：{} {}";
    LaneTakes: "{}: takes {} in", "{}：摄入 {}";
    LaneDelivers: "{}: delivers {}", "{}：送达 {}";
    LaneLoses: "{}: loses {}", "{}：丢失 {}";
    Mended: "{}: that works again", "{}：已恢复";
    Stopped: "stopped by a signal; files in flight stay in {} for the next run", "收到信号停止；在途文件保留在 {}，供下次运行";
    Idle: "nothing was on its way for {} s", "{} 秒内没有在途文件";
    SummaryHead: "seed {}, profile {}, time scale {}, {} s", "种子 {}，配置 {}，时间比例 {}，{} 秒";
    SummarySeen: "  seen {}, refused {}, picked up {} ({} bytes)", "  发现 {}，拒收 {}，取走 {}（{} 字节）";
    SummaryDelivered:
        "  delivered {}: {} files and {} second copies; {} out of order; {} replaced one not yet taken",
        "  送达 {}：{} 个文件，{} 个重复副本；{} 个乱序；{} 个覆盖了未被取走的文件";
    SummaryLost: "  lost {}, removed by the virus scan {}, held by it {}", "  丢失 {}，病毒扫描删除 {}，滞留 {}";
    SummaryDamaged:
        "  corrupted {}, truncated {}, half visible {} ({} taken too early), temporary name {}",
        "  损坏 {}，截断 {}，半可见 {}（{} 个被过早取走），临时文件名 {}";
    SummaryLeft:
        "  in flight {} files and {} second copies, waiting {}, failed attempts {}",
        "  在途 {} 个文件、{} 个重复副本，等待 {}，失败尝试 {}";
    SummaryDelay:
        "  delay: mean {} ms, p50 {} ms, p99 {} ms, greatest {} ms",
        "  延迟：平均 {} 毫秒，p50 {} 毫秒，p99 {} 毫秒，最大 {} 毫秒";
    CheckHow:
        "`gap-sim check EXERCISE` asks the question, `gap-sim check EXERCISE ANSWER` judges an answer.",
        "`gap-sim check 练习` 显示题目，`gap-sim check 练习 答案` 判断答案。";
    CheckRight: "Right. {}", "正确。{}";
    CheckWrong: "Not so. {}", "不对。{}";
    AnswerEmpty: "the answer is empty; write a number, a word or a letter, as the question wants it", "答案为空；请按题目要求写数字、单词或字母";
    AnswerTooLong: "an answer has at most {} characters; write only the number, the word or the letter", "答案最多 {} 个字符；请只写数字、单词或字母";
    AnswerNoNumber: "the question wants a whole number; write it in digits, such as 12", "本题要求整数；请用数字书写，例如 12";
    AnswerOtherUnit: "the question wants another unit; read it again and convert", "本题要求另一种单位；请重读题目并换算";
    AnswerNoLetter: "the question wants a letter from a to {}; write only the letter", "本题要求 a 到 {} 中的一个字母；请只写字母";
    StoryEnd: "How things stand at the end (batches):", "最终状态（批次数）：";
    WorldPass: "seed {}: pass: every invariant held", "种子 {}：通过：各项不变量均成立";
    WorldBroken: "seed {}: broken: invariant {} ({}): {}", "种子 {}：违反：不变量 {}（{}）：{}";
    WorldStuck: "seed {}: not converged: {}", "种子 {}：未收敛：{}";
    WorldUndecided: "seed {}: not judged after {} steps", "种子 {}：{} 步后仍无法判定";
    WorldCrashed: "seed {}: crashed: {}", "种子 {}：崩溃：{}";
    SwarmFault: "fault {}: {} times in {} worlds", "故障 {}：{} 次，见于 {} 个世界";
    SwarmAnswered: "fault {}: {} times in {} worlds, answered in {} of them", "故障 {}：{} 次，见于 {} 个世界，其中 {} 个世界有应对";
    SwarmPlace: "place {}: reached in {} worlds", "代码点 {}：{} 个世界到达";
    SwarmLacks: "not enough: {}", "覆盖不足：{}";
    SwarmNodes: "nodes {} {}", "业务节点 {} {}";
    SwarmSums: "{} worlds, {} of the nodes, {} files, {} rows, {} steps, {} simulated seconds", "{} 个世界（其中业务节点 {} 个），{} 个文件，{} 行，{} 步，模拟 {} 秒";
    SwarmSpeed: "{} s, {} worlds per second, {} simulated seconds per second", "用时 {} 秒，每秒 {} 个世界，每秒模拟 {} 秒";
    SwarmFailures: "{} worlds failed", "{} 个世界失败";
    SwarmFailed: "failed: gap-sim run --seed {} --workload {}", "失败：gap-sim run --seed {} --workload {}";
    InnerToOuter: "inner to outer", "内到外";
    OuterToInner: "outer to inner", "外到内";
}

/// Says it with these values.
pub fn say(lang: Lang, word: Word, values: &[&dyn Display]) -> String {
    let mut parts = word.pattern(lang).split("{}");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values) {
        text.push_str(&value.to_string());
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_take_the_same_number_of_values() {
        for word in Word::ALL {
            let count = |lang| word.pattern(lang).matches("{}").count();
            assert_eq!(count(Lang::English), count(Lang::Chinese), "{word:?}");
        }
    }

    #[test]
    fn values_stand_in_their_places() {
        assert_eq!(say(Lang::English, Word::Option, &[&"seed", &7]), "  seed = 7");
    }
}
