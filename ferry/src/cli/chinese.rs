//! The help in Chinese: the command line stands in English beside its types, and every text of it once more here.

use clap::Command;

/// Verb (the empty one is the program itself), argument (the empty one is the verb itself), text.
type Line = (&'static str, &'static str, &'static str);

const TEXTS: &[Line] = &[
    ("", "", "让两个数据库隔着只能传递文件的网闸保持一致。"),
    ("", "config", "本区的配置文件 [默认：/etc/ferry/ferry.toml]"),
    ("", "json", "以一个 JSON 文档回答，出错时亦然"),
    ("", "help", "显示帮助"),
    ("", "version", "显示版本"),
    ("init", "", "建立一个区：配置、目录、密钥与数据库"),
    ("run", "", "运行本区的守护进程，直至收到停止信号"),
    ("status", "", "说明各条流与链路的状况，以及下一步该做什么"),
    ("status", "check", "有事项等待操作员时以代码 27（attention）结束"),
    ("queue", "", "列出等待中的内容：未封装的变更、待发送的批次、待应用的批次"),
    ("queue", "stream", "只列出此流"),
    ("show", "", "显示一个批次声明了什么"),
    ("show", "batch", "哪个批次：流/序号、至少 6 位的摘要前缀、文件名或文件路径"),
    ("explain", "", "讲述一个批次的完整经历，以及它在等什么"),
    ("explain", "batch", "哪个批次：流/序号、至少 6 位的摘要前缀、文件名或文件路径"),
    ("trace", "", "讲述一行数据的经历：每次变更、所在批次及其结果"),
    ("trace", "table", "契约中的表"),
    ("trace", "key", "该行的主键：按契约次序，每列一个值"),
    ("verify", "", "仅凭公钥核验归档，并列出全部问题"),
    ("verify", "paths", "要核验的文件和目录"),
    ("verify", "trust", "认可谁的签名：名片、信任文件，或存放它们的目录"),
    ("verify", "link", "只接受此链路"),
    ("verify", "partial", "所给文件只是归档的一部分：不追究首尾之外的缺失"),
    ("resend", "", "立即重新发布批次"),
    ("reseal", "", "以当前密钥重新封装批次并重新发布"),
    ("reseal", "stream", "本区发送的流"),
    ("reseal", "range", "一个序号或 A-B 区间；省略则为全部未确认应用的批次"),
    ("hold", "", "暂停一条流：不再发送，或在此不再应用"),
    ("hold", "stream", "任一方向的流"),
    ("release", "", "使被暂停的流继续"),
    ("release", "stream", "任一方向的流"),
    ("pass", "", "越过一条无法发送的已捕获行"),
    ("pass", "stream", "本区发送且已停住的流"),
    ("pass", "row", "流所停在的捕获行，见 `ferry status`"),
    ("pass", "with", "以什么代替：void 不代替，current 表中的当前行或其删除"),
    ("load", "", "按现状重新发送一条流各表的全部记录"),
    ("load", "stream", "本区发送的流"),
    ("backup", "", "复制数据库及其锚点在同一时刻的状态，守护进程照常运行"),
    ("backup", "dir", "备份所在目录"),
    ("restore", "", "把数据库恢复到某个备份"),
    ("restore", "dir", "备份所在目录"),
    ("take-back", "", "取回对端已应用而超出本区（恢复后的）锚点的内容"),
    ("take-back", "stream", "本区发送的流"),
    ("new-epoch", "", "开始流的新纪元，用于对端所缺内容已无处可取时"),
    ("new-epoch", "stream", "本区发送的流"),
    ("supersede", "", "以其他批次取代被对端拒收的批次组"),
    ("supersede", "stream", "本区发送的流"),
    ("supersede", "seq", "组中任一批次"),
    ("supersede", "with", "以什么取代：void 空内容，current 同样各行在表中的当前值"),
    ("parked", "", "查看被单独搁置的行，并重试"),
    ("parked list", "", "列出被搁置的行，最新的在前"),
    ("parked list", "stream", "只列出此流"),
    ("parked retry", "", "在排除原因之后重试被搁置的行"),
    ("parked retry", "stream", "对端发送的流"),
    ("parked retry", "range", "一个序号或 A-B 区间；省略则为全部"),
    ("parked retry", "epoch", "只重试此纪元的；省略则为仍有被搁置行的最早纪元"),
    ("resend", "stream", "本区发送的流"),
    ("resend", "range", "一个序号或 A-B 区间；省略则为全部未确认应用的批次"),
    ("quarantine", "", "查看被拒收的内容及原因，并要求重新判定"),
    ("quarantine retry", "", "在排除原因之后重新判定被拒收的批次组"),
    ("quarantine retry", "stream", "对端发送的流"),
    ("quarantine dismiss", "", "让争议位置上已应用的内容有效，须两名操作员签名"),
    ("quarantine dismiss", "stream", "对端发送的流"),
    ("quarantine dismiss", "seq", "有争议的位置，见 `ferry status`"),
    ("quarantine list", "", "列出被拒收的文件，最新的在前"),
    ("quarantine show", "", "显示一个文件被拒收的原因，以及文件头所声称的内容"),
    ("quarantine show", "name", "列表中的文件名"),
    ("keys", "", "生成和查看本区的密钥"),
    ("trust", "", "决定本区信任谁的签名"),
];

/// The same command line with its help in Chinese.
#[must_use]
pub fn localise(command: Command) -> Command {
    console::chinese::localise(command, &text_of)
}

/// The Chinese text for a verb or an argument of it.
#[must_use]
pub fn text_of(verb: &str, argument: &str) -> Option<&'static str> {
    let of_verb = all().find(|(of, name, _)| *of == verb && *name == argument).map(|(_, _, text)| *text);
    // What every act has stands once.
    of_verb.or_else(|| super::acting::CHINESE.iter().find(|(name, _)| *name == argument).map(|(_, text)| *text))
}

/// The texts above, and those that stand beside their verbs.
fn all() -> impl Iterator<Item = &'static Line> {
    TEXTS
        .iter()
        .chain(super::init::CHINESE)
        .chain(super::acts::CHINESE)
        .chain(super::capture::CHINESE)
        .chain(super::keys::CHINESE)
        .chain(super::trust::CHINESE)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_verb_and_every_argument_has_a_chinese_text() {
        let missing = console::chinese::missing(&Cli::command(), &text_of);
        assert!(missing.is_empty(), "without a Chinese text: {missing:?}");
    }

    #[test]
    fn every_chinese_text_belongs_to_something() {
        for (verb, argument, text) in all() {
            let mut command = Cli::command();
            for part in verb.split(' ').filter(|part| !part.is_empty()) {
                command = command.find_subcommand(part).cloned().unwrap_or_else(|| panic!("no verb {verb}"));
            }
            let known = argument.is_empty() || command.get_arguments().any(|known| known.get_id() == argument);
            assert!(known, "{verb} has no argument {argument}");
            assert!(!text.is_ascii(), "{verb} {argument}");
        }
    }

    #[test]
    fn the_chinese_help_has_no_english_headings() {
        let mut command = localise(Cli::command());
        let help = command.render_long_help().to_string();
        assert!(help.contains("用法：ferry"), "{help}");
        let mut pages = vec![help];
        for path in [&["verify"][..], &["trust", "add"], &["init"], &["quarantine", "show"]] {
            let found = path
                .iter()
                .fold(&mut command, |command, verb| command.find_subcommand_mut(verb).expect("there is such a verb"));
            let help = found.render_help().to_string();
            assert!(help.contains(&format!("用法：ferry {}", path.join(" "))), "{help}");
            pages.push(help);
        }
        let help = pages.concat();
        for word in ["Usage", "default:", "possible", "Options", "Arguments", "OPTIONS", "Commands"] {
            assert!(!help.contains(word), "{word} in:\n{help}");
        }
    }
}
