//! What the demo can be asked, in both languages.

use std::path::PathBuf;

use clap::{Arg, ArgAction, CommandFactory as _, Parser, ValueEnum};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::failure::Failure;
use super::lang::{Lang, text};

/// Works at two nodes, ferries what they write between two zones through a gate that misbehaves, and compares both sides.
#[derive(Debug, Clone, Parser)]
#[command(name = "demo", bin_name = "cargo demo --", disable_help_flag = true)]
pub struct Options {
    /// Follow one payment step by step instead: a passport fee, or a traffic fine
    #[arg(long, value_name = "STORY", value_enum, conflicts_with_all = ["size", "notices", "confirmations"])]
    pub story: Option<Story>,
    /// Decides what is made up and every fault of the gate [default: drawn and printed]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// How much base data inner-node imports: s 59 000 rows, m 290 000, l 1 200 000
    #[arg(long, value_name = "SIZE", value_enum, default_value = "s", hide_possible_values = true)]
    pub size: Size,
    /// Divides the gate's delays and the protocol's timers alike; 1 is as shipped
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub time_scale: u32,
    /// What the gate does: a profile of gap-sim, or the path of a .toml file
    #[arg(long, value_name = "PROFILE", default_value = "demo")]
    pub profile: String,
    /// Payment notices that inner-node issues, inner to outer; those that outer-node asks for come on top
    #[arg(long, value_name = "NUMBER", default_value = "2000", value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub notices: u64,
    /// Payments that outer-node takes and confirms, outer to inner; beyond the notices they have none
    #[arg(long, value_name = "NUMBER", default_value = "500", value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub confirmations: u64,
    /// Where the two zones are made; what an earlier demo left there is removed
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub dir: PathBuf,
    /// Print the result as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Take the programs from here instead of building them
    #[arg(long, value_name = "DIR")]
    pub bin_dir: Option<PathBuf>,
    /// Print help
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
}

/// A payment that can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Story {
    /// 出入境.
    Immigration,
    /// 交警.
    Traffic,
}

impl Story {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Immigration => "immigration",
            Self::Traffic => "traffic",
        }
    }
}

/// How much base data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// One province's divisions and a few thousand rows, for tests.
    #[value(hide = true)]
    Xs,
    /// A city.
    S,
    /// A province.
    M,
    /// A large province.
    L,
}

impl Size {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xs => "xs",
            Self::S => "s",
            Self::M => "m",
            Self::L => "l",
        }
    }
}

/// Draws a seed. Thirty-two bits are enough for a seed, and can be read to somebody else.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn draw_seed() -> Result<u64, Failure> {
    let mut bytes = [0; 4];
    let drawn = SystemRandom::new().fill(&mut bytes);
    drawn.map_err(|_| {
        Failure::new(text!(
            "no seed could be drawn from the operating system; give one with --seed",
            "无法从操作系统取得随机种子；请用 --seed 指定"
        ))
    })?;
    Ok(u64::from(u32::from_be_bytes(bytes)))
}

/// The command line with its help in this language.
#[must_use]
pub fn command(lang: Lang) -> clap::Command {
    match lang {
        Lang::English => Options::command(),
        Lang::Chinese => chinese(Options::command()),
    }
}

const ABOUT_ZH: &str = "在内外网两个节点上办理业务，让数据穿过一个会出错的网闸，并比对两侧。";
const TEMPLATE_ZH: &str = "{about}\n\n用法：{usage}\n\n{all-args}\n";
const HELP_ZH: [(&str, &str); 11] = [
    ("story", "改为逐步跟随一笔缴款：出入境（immigration）或交警（traffic）"),
    ("seed", "决定生成的数据和网闸的每一次故障 [默认：随机抽取并显示]"),
    ("size", "由 inner-node 导入的基础数据量：s 为 5.9 万行，m 为 29 万行，l 为 120 万行"),
    ("time_scale", "网闸延迟与协议定时器同除以此数；1 为出厂设置"),
    ("profile", "网闸的行为：gap-sim 的配置名，或 .toml 文件路径"),
    ("notices", "由 inner-node 开具的缴款通知书份数，内到外；应 outer-node 申请开具的另计"),
    ("confirmations", "outer-node 到账并确认的笔数，外到内；超出通知书的为无通知书缴款"),
    ("dir", "两区所在目录；上次演示的内容会被删除"),
    ("json", "以一个 JSON 文档输出结果"),
    ("bin_dir", "从此目录取程序，不再构建"),
    ("help", "显示帮助"),
];

fn chinese(command: clap::Command) -> clap::Command {
    let command = command.about(ABOUT_ZH).help_template(TEMPLATE_ZH);
    let translate = |command: clap::Command, (name, help): &(&'static str, &'static str)| {
        command.mut_arg(name, |arg: Arg| arg.help(*help).help_heading("选项"))
    };
    HELP_ZH.iter().fold(command, translate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed_in_both_languages() {
        command(Lang::English).debug_assert();
        command(Lang::Chinese).debug_assert();
        for argument in Options::command().get_arguments() {
            assert!(HELP_ZH.iter().any(|(name, _)| *name == argument.get_id()), "{}", argument.get_id());
        }
    }

    #[test]
    fn nothing_need_be_given() {
        let options = Options::parse_from(["demo"]);
        assert_eq!((options.size, options.notices, options.confirmations), (Size::S, 2_000, 500));
        assert_eq!((options.time_scale, options.profile.as_str(), options.story), (100, "demo", None));
    }

    #[test]
    fn a_story_says_itself_how_much_there_is() {
        let options = Options::parse_from(["demo", "--story", "traffic", "--seed", "7"]);
        assert_eq!((options.story, options.seed), (Some(Story::Traffic), Some(7)));
        assert_eq!([Story::Immigration, Story::Traffic].map(Story::name), ["immigration", "traffic"]);
        assert!(Options::try_parse_from(["demo", "--story", "traffic", "--notices", "5"]).is_err());
    }
}
