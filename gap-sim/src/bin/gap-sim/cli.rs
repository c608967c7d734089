//! The command line.

use crate::lang::Lang;
use clap::{Arg, ArgAction, Args, CommandFactory, Parser, Subcommand};
use gap_sim::world::options::Workload;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// The greatest time scale: at 100 000 the seed's 304 s pass in 3 ms.
const TIME_SCALE_MAX: i64 = 100_000;

/// Simulates the gatekeeper between two zones, with its delays, limits and faults.
#[derive(Debug, Parser)]
#[command(name = "gap-sim", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Carries files between real drop directories, both ways, until it is stopped.
    Bridge(BridgeArguments),
    /// Runs one simulated world, in which everything comes from its seed.
    Run(RunArguments),
    /// Runs many worlds on every core, and tells which failed.
    Swarm(SwarmArguments),
    /// Looks for the first world that notices each deliberate mistake of the product.
    #[cfg(feature = "breaks")]
    Breaks(BreaksArguments),
    /// Lists the named scenarios.
    Scenarios,
    /// Judges an answer to an exercise of the course; lists the exercises when none is named.
    Check(CheckArguments),
    /// Lists the built-in profiles.
    Profiles,
    /// Prints a profile with every field, to be edited and given to `bridge --profile FILE`.
    Profile {
        /// A built-in profile, or the path of a .toml file.
        name: String,
    },
}

/// The options of `gap-sim run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Decides everything; without it one is drawn and printed.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Tells the story of a named scenario (see `gap-sim scenarios`) instead of a drawn world.
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// Instead of a drawn world, one in which one way is down for a week while so many rows pile up.
    #[arg(long, value_name = "ROWS", conflicts_with = "scenario", value_parser = clap::value_parser!(u64).range(1..=BACKLOG_ROWS_MAX))]
    pub backlog: Option<u64>,
    /// What the zones' programs do: rows that mean nothing, or what the two nodes do (by default every fourth seed, drawn).
    #[arg(long, value_name = "rows|nodes", value_parser = workload, conflicts_with_all = ["scenario", "backlog"])]
    pub workload: Option<Workload>,
    /// Keys that cost nothing stand for the real ones, as in four worlds of five of a swarm with this option.
    #[cfg(feature = "breaks")]
    #[arg(long)]
    pub toy_keys: bool,
    /// Tells of status files too.
    #[arg(long, requires = "scenario")]
    pub statuses: bool,
    /// Writes the story as one self-contained page.
    #[arg(long, value_name = "FILE", requires = "scenario")]
    pub html: Option<PathBuf>,
    /// Prints the last lines of the trace, so many (by default 200).
    #[arg(long, value_name = "LINES", num_args = 0..=1, default_missing_value = "200", conflicts_with = "scenario")]
    pub trace: Option<usize>,
}

/// The arguments of `gap-sim check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The exercise; without an answer its question is asked.
    #[arg(value_name = "EXERCISE")]
    pub exercise: Option<String>,
    /// A number, a word or a letter, as the question wants it.
    #[arg(value_name = "ANSWER", num_args = 0.., allow_hyphen_values = true)]
    pub answer: Vec<String>,
}

/// The options of `gap-sim swarm`.
#[derive(Debug, Args)]
pub struct SwarmArguments {
    /// The seeds, as `FIRST..LAST`, both included.
    #[arg(long, value_name = "FIRST..LAST", value_parser = seeds, required_unless_present_any = ["random", "regressions"])]
    pub seeds: Option<(u64, u64)>,
    /// So many seeds from a random one on, which is printed.
    #[arg(long, value_name = "NUMBER", conflicts_with = "seeds", value_parser = clap::value_parser!(u64).range(1..=SEEDS_MAX))]
    pub random: Option<u64>,
    /// What the zones' programs do: rows that mean nothing, or what the two nodes do (by default every fourth seed, drawn).
    #[arg(long, value_name = "rows|nodes", value_parser = workload)]
    pub workload: Option<Workload>,
    /// First the seeds of a file: one a line, then `rows` or `nodes` and its story; `#` begins a comment.
    #[arg(long, value_name = "FILE")]
    pub regressions: Option<PathBuf>,
    /// In four worlds of five, keys that cost nothing stand for the real ones.
    #[cfg(feature = "breaks")]
    #[arg(long)]
    pub toy_keys: bool,
    /// Does not pass unless every kind of fault acted in at least one world of twenty, and reached a place of the protocol
    /// that answers it.
    #[cfg(feature = "breaks")]
    #[arg(long)]
    pub coverage: bool,
    /// Stops after so many failures.
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    pub stop_after: u64,
}

impl SwarmArguments {
    /// Whether faults that did not act, or were not answered, are no pass.
    #[cfg(feature = "breaks")]
    pub const fn wants_coverage(&self) -> bool {
        self.coverage
    }

    /// A program that is shipped counts nothing.
    #[cfg(not(feature = "breaks"))]
    pub const fn wants_coverage(&self) -> bool {
        false
    }
}

/// The options of `gap-sim breaks`.
#[cfg(feature = "breaks")]
#[derive(Debug, Args)]
pub struct BreaksArguments {
    /// The seeds to try, as `FIRST..LAST`.
    #[arg(long, value_name = "FIRST..LAST", default_value = "1..1000", value_parser = seeds)]
    pub seeds: (u64, u64),
    /// One mistake only.
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
    /// Tells what was seen.
    #[arg(long)]
    pub tell: bool,
}

/// Rows of a backlog: each takes about a kilobyte of memory.
const BACKLOG_ROWS_MAX: u64 = 10_000_000;

/// Seeds of one swarm: more than a night's work for any machine.
const SEEDS_MAX: u64 = 1_000_000;

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let ends = text.split_once("..").and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let fits = |(first, last): &(u64, u64)| first <= last && last - first < SEEDS_MAX;
    ends.filter(fits)
        .ok_or_else(|| format!("give two numbers, the lower first, as 1..10000, at most {SEEDS_MAX} seeds"))
}

fn workload(text: &str) -> Result<Workload, String> {
    Workload::named(text).ok_or_else(|| "give `rows` or `nodes`".to_owned())
}

/// The options of `gap-sim bridge`.
#[derive(Debug, Args)]
pub struct BridgeArguments {
    /// A built-in profile (see `gap-sim profiles`), or the path of a .toml file.
    #[arg(long, value_name = "PROFILE")]
    pub profile: String,
    /// Decides every fault; without it one is drawn and printed.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Divides every duration of the profile, 1 to 100000: with 60, a minute passes in a second.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = time_scale)]
    pub time_scale: NonZeroU32,
    /// Where the inner zone puts files for the outer.
    #[arg(long, value_name = "DIR")]
    pub inner_to_gate: PathBuf,
    /// Where the inner zone finds files of the outer.
    #[arg(long, value_name = "DIR")]
    pub inner_from_gate: PathBuf,
    /// Where the outer zone puts files for the inner.
    #[arg(long, value_name = "DIR")]
    pub outer_to_gate: PathBuf,
    /// Where the outer zone finds files of the inner.
    #[arg(long, value_name = "DIR")]
    pub outer_from_gate: PathBuf,
    /// Where files in flight are kept; by default `.gap-sim-work` beside the directory of --inner-to-gate.
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Writes the report here, anew each second.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Prints the report as JSON at the end instead of a summary.
    #[arg(long)]
    pub json: bool,
    /// Takes acts of the hand from standard input, a line each: `outer lose confirm`, `inner hold`, `inner release`;
    /// the zone is the one that the next such file leaves. Acts: lose, hold, release, double, corrupt, swap.
    #[arg(long)]
    pub hands: bool,
    /// Stops when nothing was on its way for so long.
    #[arg(long, value_name = "SECONDS")]
    pub until_idle: Option<u64>,
}

fn time_scale(text: &str) -> Result<NonZeroU32, String> {
    let number = text.parse::<i64>().ok().filter(|number| (1..=TIME_SCALE_MAX).contains(number));
    let scale = number.and_then(|number| u32::try_from(number).ok()).and_then(NonZeroU32::new);
    scale.ok_or_else(|| format!("give a whole number from 1 to {TIME_SCALE_MAX}"))
}

/// Builds the command line with its help in this language.
pub fn command(lang: Lang) -> clap::Command {
    match lang {
        Lang::English => Cli::command(),
        Lang::Chinese => chinese(Cli::command()),
    }
}

const TEMPLATE_ZH: &str = "{about}\n\n用法：{usage}\n\n{all-args}\n";
const ABOUT_ZH: &str = "模拟两个区之间的网闸：延迟、限制和故障。";

/// A subcommand, what it does, and its options with what they do.
type SubcommandHelp = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const HELP_ZH: &[SubcommandHelp] = &[
    (
        "bridge",
        "在真实的交换目录之间双向搬运文件，直到被停止。",
        &[
            ("profile", "内置配置名（见 `gap-sim profiles`），或 .toml 文件路径。"),
            ("seed", "决定所有故障的种子；不给则随机抽取并显示。"),
            ("time_scale", "配置中所有时长除以此数，1 到 100000：为 60 时一分钟变为一秒。"),
            ("inner_to_gate", "内区放置发往外区文件的目录。"),
            ("inner_from_gate", "内区接收外区文件的目录。"),
            ("outer_to_gate", "外区放置发往内区文件的目录。"),
            ("outer_from_gate", "外区接收内区文件的目录。"),
            ("work", "在途文件的存放目录；默认为 --inner-to-gate 目录旁的 `.gap-sim-work`。"),
            ("report", "把报告写到此文件，每秒更新。"),
            ("json", "结束时输出 JSON 报告，而不是摘要。"),
            (
                "hands",
                "从标准输入读取手工动作，每行一个：`outer lose confirm`、`inner hold`、`inner release`；\
                 区名指下一个此类文件所离开的区。动作：lose 丢失、hold 扣留、release 放行、double 加倍、corrupt 损坏、swap 换名。",
            ),
            ("until_idle", "连续这么多秒没有在途文件时停止。"),
        ],
    ),
    (
        "run",
        "运行一个模拟世界，其中一切由种子决定。",
        &[
            ("seed", "决定一切的种子；不给则随机抽取并显示。"),
            (
                "workload",
                "两区程序所做的事：rows 为无业务含义的数据行，nodes 为两个业务节点（默认由种子抽取，约四分之一为 nodes）。",
            ),
            ("trace", "输出跟踪记录的最后若干行（默认 200）。"),
            ("scenario", "讲述一个命名场景（见 `gap-sim scenarios`），而不是随机世界。"),
            ("backlog", "不抽取世界，而是一个单向中断一周、其间积压这么多行的世界。"),
            #[cfg(feature = "breaks")]
            ("toy_keys", "用零成本的密钥代替真密钥，与带此选项的 swarm 中五分之四的世界相同。"),
            ("statuses", "同时显示状态文件。"),
            ("html", "把故事写成一个独立的网页文件。"),
        ],
    ),
    (
        "swarm",
        "用全部核心运行许多世界，并列出失败的。",
        &[
            ("seeds", "种子范围，写作 `起..止`，两端都含。"),
            ("random", "从一个随机种子（会显示）起运行这么多个。"),
            (
                "workload",
                "两区程序所做的事：rows 为无业务含义的数据行，nodes 为两个业务节点（默认由种子抽取，约四分之一为 nodes）。",
            ),
            ("regressions", "先运行文件中的种子：每行一个，其后为 `rows` 或 `nodes` 和说明；`#` 开头为注释。"),
            ("stop_after", "失败达到此数后停止。"),
            #[cfg(feature = "breaks")]
            ("coverage", "每种故障须在至少二十分之一的世界中发生，且到达协议中应对它的代码点，否则不通过。"),
            #[cfg(feature = "breaks")]
            ("toy_keys", "五个世界中的四个用零成本的密钥代替真密钥。"),
        ],
    ),
    #[cfg(feature = "breaks")]
    (
        "breaks",
        "为产品的每个故意错误寻找第一个发现它的世界。",
        &[("seeds", "要尝试的种子，写作 `起..止`。"), ("only", "只试这一个错误。"), ("tell", "说明看到了什么。")],
    ),
    (
        "check",
        "判断课程练习的答案；不给练习名时列出全部练习。",
        &[("exercise", "练习名；不给答案时显示题目。"), ("answer", "按题目要求，为数字、单词或字母。")],
    ),
    ("scenarios", "列出命名场景。", &[]),
    ("profiles", "列出内置配置。", &[]),
    (
        "profile",
        "输出一个配置的全部字段，可编辑后用于 `bridge --profile 文件`。",
        &[("name", "内置配置名，或 .toml 文件路径。")],
    ),
];

fn chinese(command: clap::Command) -> clap::Command {
    let mut command =
        headings_zh(command.about(ABOUT_ZH)).subcommand_help_heading("命令").disable_version_flag(true).arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("显示版本。")
                .help_heading("选项"),
        );
    for (name, about, arguments) in HELP_ZH {
        command = command.mut_subcommand(name, |subcommand| {
            let translated = arguments.iter().fold(subcommand.about(*about), |subcommand, (argument, help)| {
                subcommand.mut_arg(argument, |arg| arg.help(*help).help_heading("选项"))
            });
            headings_zh(translated)
        });
    }
    command
}

fn headings_zh(command: clap::Command) -> clap::Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("显示帮助。").help_heading("选项");
    command.help_template(TEMPLATE_ZH).disable_help_flag(true).arg(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed_in_both_languages() {
        command(Lang::English).debug_assert();
        command(Lang::Chinese).debug_assert();
    }

    #[test]
    fn every_subcommand_and_option_has_a_chinese_help() {
        for subcommand in Cli::command().get_subcommands() {
            let (_, _, arguments) = HELP_ZH.iter().find(|(name, ..)| *name == subcommand.get_name()).unwrap();
            for argument in subcommand.get_arguments() {
                assert!(arguments.iter().any(|(name, _)| *name == argument.get_id()), "{}", argument.get_id());
            }
        }
    }
}
