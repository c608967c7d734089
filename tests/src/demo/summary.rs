//! The result of a run, as a person reads it.

use super::account::NodesOutcome;
use super::columns::{Columns, grouped, seconds, yuan};
use super::lang::Lang;
use super::outcome::{Outcome, WayOutcome, ZoneOutcome};

/// The result as text.
#[must_use]
pub fn summary(outcome: &Outcome, lang: Lang) -> String {
    let parts = [
        tables(outcome, lang),
        gate(outcome, lang),
        zones(outcome, lang),
        streams(outcome, lang),
        nodes(&outcome.nodes, lang),
        totals(outcome, lang),
        look_around(outcome, lang),
    ];
    parts.join("\n")
}

fn tables(outcome: &Outcome, lang: Lang) -> String {
    let (head, equal, different) = match lang {
        Lang::English => (["table", "zone", "rows", "SM3", ""], "equal", "DIFFERENT"),
        Lang::Chinese => (["表", "区", "行数", "SM3", ""], "一致", "不一致"),
    };
    let mut columns = Columns::new(&head);
    for table in &outcome.tables {
        let verdict = if table.equal { equal } else { different };
        let sides = [(table.table, "inner", table.inner, ""), ("", "outer", table.outer, verdict)];
        for (name, zone, content, verdict) in sides {
            let cells = [name, zone, &grouped(content.rows), &content.sm3.to_string(), verdict].map(str::to_owned);
            columns.add(cells);
        }
    }
    columns.text()
}

fn gate(outcome: &Outcome, lang: Lang) -> String {
    let (head, ways) = match lang {
        Lang::English => (
            ["gate", "files", "lost", "doubled", "corrupted", "truncated", "out of order"],
            ["inner to outer", "outer to inner"],
        ),
        Lang::Chinese => (["网闸", "文件", "丢失", "重复", "损坏", "截断", "乱序"], ["内到外", "外到内"]),
    };
    let mut columns = Columns::new(&head);
    for (name, way) in ways.into_iter().zip([&outcome.inner_to_outer, &outcome.outer_to_inner]) {
        let WayOutcome { files, lost, doubled, corrupted, truncated, reordered } = *way;
        let counts = [files, lost, doubled, corrupted, truncated, reordered].map(grouped);
        columns.add([name.to_owned()].into_iter().chain(counts));
    }
    columns.text()
}

fn zones(outcome: &Outcome, lang: Lang) -> String {
    let head = match lang {
        Lang::English => ["zone", "batches resent", "files quarantined", "duplicates dropped"],
        Lang::Chinese => ["区", "重发批次", "隔离文件", "丢弃的重复文件"],
    };
    let mut columns = Columns::new(&head);
    for (name, zone) in [("inner", &outcome.inner), ("outer", &outcome.outer)] {
        let ZoneOutcome { resent, quarantined, duplicates } = *zone;
        columns.add([name.to_owned(), grouped(resent), grouped(quarantined), grouped(duplicates)]);
    }
    columns.text()
}

fn streams(outcome: &Outcome, lang: Lang) -> String {
    let head = match lang {
        Lang::English => ["stream", "from", "changes", "batches", "lag, median s", "lag, longest s"],
        Lang::Chinese => ["流", "来自", "变更", "批次", "滞后中位数（秒）", "滞后最大（秒）"],
    };
    let mut columns = Columns::new(&head);
    for stream in &outcome.streams {
        columns.add([
            stream.stream.to_owned(),
            stream.from.to_owned(),
            grouped(stream.changes),
            grouped(stream.batches),
            seconds(stream.lag_median_ms),
            seconds(stream.lag_max_ms),
        ]);
    }
    let note = match lang {
        Lang::English => "lag: from the cut of a batch at its owner to the commit at its receiver\n",
        Lang::Chinese => "滞后：从所有方切出批次到接收方提交\n",
    };
    columns.text() + note
}

fn nodes(nodes: &NodesOutcome, lang: Lang) -> String {
    let [imported, edited, deleted] = [nodes.imported, nodes.edited, nodes.deleted_past_the_node].map(grouped);
    let [issued, requested, voided] = [nodes.issued, nodes.requested, nodes.voided].map(grouped);
    let [offline, refunded, payments] = [nodes.offline, nodes.refunded, nodes.payments].map(grouped);
    let [told_twice, confirmed, answered] = [nodes.told_twice, nodes.confirmed, nodes.answered].map(grouped);
    let [matched, no_notice, duplicates] = [nodes.matched, nodes.no_notice, nodes.duplicates].map(grouped);
    let (outside, inside) = (yuan(nodes.outside_fen), yuan(nodes.inside_fen));
    let same = match (nodes.outside_fen == nodes.inside_fen, lang) {
        (true, Lang::English) => "equal",
        (true, Lang::Chinese) => "一致",
        (false, Lang::English) => "DIFFERENT",
        (false, Lang::Chinese) => "不一致",
    };
    match lang {
        Lang::English => format!(
            "inner-node  {imported} rows of base data imported, {edited} changed; no node deletes rows: {deleted} deleted past it\n            \
             {issued} notices issued, {requested} more asked for outside, {voided} declared void by two people\n            \
             {offline} payments reported by banks and police, {refunded} of them refunded\n\
             outer-node  {payments} payments taken, {told_twice} of them told twice by their channel\n            \
             {confirmed} confirmed, {answered} answered: {matched} matched, {no_notice} without a notice, \
             {duplicates} duplicates\n\
             money       {outside} yuan confirmed outside, {inside} yuan booked inside: {same}\n"
        ),
        Lang::Chinese => format!(
            "inner-node  导入基础数据 {imported} 行，修改 {edited} 行；节点不删除数据，另有 {deleted} 行绕过节点删除\n            \
             开具通知书 {issued} 份，应外网申请开具 {requested} 份，双人作废 {voided} 份\n            \
             银行柜面与交警报送缴款 {offline} 笔，其中退付 {refunded} 笔\n\
             outer-node  到账 {payments} 笔，其中渠道重复通知 {told_twice} 笔\n            \
             确认 {confirmed} 笔，已答复 {answered} 笔：相符 {matched}，无通知书 {no_notice}，重复 {duplicates}\n\
             金额        外网确认 {outside} 元，内网入账 {inside} 元，{same}\n"
        ),
    }
}

fn totals(outcome: &Outcome, lang: Lang) -> String {
    let (changes, later) = (grouped(outcome.changes), grouped(outcome.updates_and_deletes));
    let (time, rate) = (seconds(outcome.ferried_ms), grouped(outcome.rows_per_second));
    let (scale, seed) = (outcome.asked.time_scale, outcome.asked.seed);
    let line = match lang {
        Lang::English => format!(
            "{changes} changes, {later} of them updates and deletes, applied within {time} s of the first one: \
             {rate} rows per second\nseed {seed}; the gate's delays and the protocol's timers divided by {scale}\n"
        ),
        Lang::Chinese => format!(
            "共 {changes} 项变更（其中修改和删除 {later} 项），自首项变更起 {time} 秒内全部应用：每秒 {rate} 行\n\
             种子 {seed}；网闸延迟与协议定时器同除以 {scale}\n"
        ),
    };
    let captured = grouped(outcome.captured);
    let missed = match (outcome.captured == outcome.changes, lang) {
        (true, _) => String::new(),
        (false, Lang::English) => format!("{changes} changes were written, but {captured} were captured\n"),
        (false, Lang::Chinese) => format!("写入 {changes} 项变更，但捕获了 {captured} 项\n"),
    };
    let verdict = match (outcome.equal, lang) {
        (true, Lang::English) => "both sides are equal\n",
        (true, Lang::Chinese) => "两侧一致\n",
        (false, Lang::English) => "THE SIDES DIFFER\n",
        (false, Lang::Chinese) => "两侧不一致\n",
    };
    line + &missed + verdict
}

fn look_around(outcome: &Outcome, lang: Lang) -> String {
    let head = match lang {
        Lang::English => "look around, the daemons and nodes have ended and the folder stays:",
        Lang::Chinese => "四处看看（守护进程与节点已结束，目录保留）：",
    };
    let commands: String = outcome.commands.iter().map(|command| format!("  {command}\n")).collect();
    let seed = outcome.asked.seed;
    let unscaled = match (outcome.asked.time_scale, lang) {
        (1, _) => String::new(),
        (_, Lang::English) => {
            format!("the same with the delays and timers as shipped:\n  cargo demo -- --time-scale 1 --seed {seed}\n")
        }
        (_, Lang::Chinese) => format!("以出厂的延迟与定时器再做一遍：\n  cargo demo -- --time-scale 1 --seed {seed}\n"),
    };
    format!("{head}\n{commands}{unscaled}")
}
