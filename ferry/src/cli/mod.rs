//! The command line: what can be asked, in which language, and how the answer leaves the process.
//!
//! Every verb is one file with its arguments and a function `run` that returns an [`Output`] or a [`Fault`]; nothing
//! but [`console::output`] prints.

mod act_effect;
mod acting;
mod acts;
mod advice;
mod backup;
mod capture;
mod chinese;
mod desk;
mod explain;
mod hold;
pub mod init;
pub mod keys;
mod load;
mod new_database;
mod new_epoch;
mod parked;
mod pass;
mod place;
mod quarantine;
mod queue;
pub mod reference;
mod resend;
mod revocation;
mod rotation;
mod show;
mod statement;
mod status;
mod supersede;
mod tables;
mod take_back;
mod trace;
mod trace_key;
mod trace_text;
pub mod trust;
mod verify;
mod when;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process;

use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use console::output;

use crate::{Fault, Lang};
use console::blame;
use output::Output;

/// Keeps two databases in agreement across a gap that only files can cross.
#[derive(Debug, Parser)]
#[command(name = "ferry", bin_name = "ferry", version, disable_help_subcommand = true)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub struct Cli {
    /// What holds for every verb.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, display_order = 903)]
    version: Option<bool>,
}

/// What holds for every verb.
#[derive(Debug, Args)]
pub struct Global {
    /// The zone's configuration file [default: /etc/ferry/ferry.toml]
    #[arg(long, global = true, value_name = "FILE", display_order = 900)]
    pub config: Option<PathBuf>,
    /// Answer with one JSON document, errors included
    #[arg(long, global = true, display_order = 901)]
    pub json: bool,
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::Help, display_order = 902)]
    help: Option<bool>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a zone: configuration, directories, keys and database
    Init(init::InitArgs),
    /// Run the daemon of this zone until it is told to stop
    Run,
    /// Tell how the streams and the link stand, and what to do next
    Status(status::StatusArgs),
    /// List what waits: changes, batches to send, batches to apply
    Queue(queue::QueueArgs),
    /// Show what one batch states
    Show(show::ShowArgs),
    /// Tell the whole life of one batch, and what it waits for
    Explain(explain::ExplainArgs),
    /// Tell the life of one row: each change, in which batch, and what became of it
    Trace(trace::TraceArgs),
    /// Check archives with public keys alone, and list every fault
    Verify(verify::VerifyArgs),
    /// Have batches published again at once
    Resend(resend::ResendArgs),
    /// Have batches sealed under the present keys and published again
    Reseal(resend::ResendArgs),
    /// Put a stream on hold: nothing of it is sent, or applied here
    Hold(hold::HoldArgs),
    /// Let a stream that is on hold go on
    Release(hold::HoldArgs),
    /// Go past a captured row that cannot be sent
    Pass(pass::PassArgs),
    /// Put other batches into the place of a group that the peer refuses
    Supersede(supersede::SupersedeArgs),
    /// Look at what was refused, and have it judged again
    Quarantine(quarantine::QuarantineArgs),
    /// Look at rows that were parked alone, and try them again
    Parked(parked::ParkedArgs),
    /// Look at what operators of both zones decided; sign and hand in drafts
    Acts(acts::ActsArgs),
    /// Have every row of a stream's tables sent once more, as it stands
    Load(load::LoadArgs),
    /// Copy the database and its anchor, as they are at one moment, while the daemon goes on
    Backup(backup::BackupArgs),
    /// Put the database back to a backup
    Restore(backup::BackupArgs),
    /// Take back what the peer has applied beyond the anchor of a restored zone
    TakeBack(take_back::TakeBackArgs),
    /// Begin another life of a stream, where what the peer lacks is nowhere any more
    NewEpoch(new_epoch::NewEpochArgs),
    /// Look whether changes of this zone's tables are captured, and put the triggers back
    Capture(capture::CaptureArgs),
    /// Make and show this zone's keys
    Keys(keys::KeysArgs),
    /// Decide whose signatures this zone trusts
    Trust(trust::TrustArgs),
}

/// What every verb may know of its surroundings.
#[derive(Debug, Clone)]
pub struct Context {
    /// The configuration file that was named; `None` means the default one.
    pub config: Option<PathBuf>,
    /// Whether the answer is read by a program.
    pub json: bool,
    /// The language of the answer.
    pub lang: Lang,
    /// The wall clock, in milliseconds since 1970-01-01 UTC.
    pub now_ms: u64,
}

/// The whole program: reads the command line, does what it asks, prints the answer.
#[must_use]
pub fn main() -> process::ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let lang = Lang::from_environment();
    let json = blame::asks_for_json(&arguments);
    let matches = match command(lang).try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return output::finish(blame::judge(&error, "ferry"), lang, json),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return output::finish(blame::judge(&error, "ferry"), lang, json),
    };
    let context = Context { config: cli.global.config, json: cli.global.json, lang, now_ms: when::now_ms() };
    output::finish(run(cli.verb, &context), lang, context.json)
}

/// Does what a command line asks, at a moment of the caller's clock.
///
/// # Errors
/// Whatever the program would end with.
#[cfg(test)]
pub fn obey(arguments: &[&str], now_ms: u64) -> Result<(), Fault> {
    let matches = command(Lang::En).try_get_matches_from(arguments).expect("the command line is one");
    let cli = Cli::from_arg_matches(&matches).expect("the command line is one");
    let context = Context { config: cli.global.config, json: cli.global.json, lang: Lang::En, now_ms };
    run(cli.verb, &context).map(drop)
}

/// Runs the daemon until it is told to stop.
fn run_daemon(context: &Context) -> Result<Output, Fault> {
    let config = desk::config(context)?;
    crate::daemon::run(&config)?;
    Ok(Output::silent())
}

/// The command line as clap sees it, its help in one language.
#[must_use]
pub fn command(lang: Lang) -> clap::Command {
    match lang {
        Lang::En => Cli::command(),
        Lang::Zh => chinese::localise(Cli::command()),
    }
}

fn run(verb: Verb, context: &Context) -> Result<Output, Fault> {
    match verb {
        Verb::Init(args) => init::run(args, context),
        Verb::Run => run_daemon(context),
        Verb::Status(args) => status::run(args, context),
        Verb::Queue(args) => queue::run(args, context),
        Verb::Show(args) => show::run(args, context),
        Verb::Explain(args) => explain::run(args, context),
        Verb::Trace(args) => trace::run(&args, context),
        Verb::Verify(args) => verify::run(args, context),
        Verb::Resend(args) => resend::resend(&args, context),
        Verb::Reseal(args) => resend::reseal(&args, context),
        Verb::Hold(args) => hold::hold(&args, context),
        Verb::Release(args) => hold::release(&args, context),
        Verb::Pass(args) => pass::run(&args, context),
        Verb::Supersede(args) => supersede::run(&args, context),
        Verb::Parked(args) => parked::run(args, context),
        Verb::Acts(args) => acts::run(args, context),
        Verb::Quarantine(args) => quarantine::run(args, context),
        Verb::Load(args) => load::run(&args, context),
        Verb::Backup(args) => backup::backup(&args, context),
        Verb::Restore(args) => backup::restore(&args, context),
        Verb::TakeBack(args) => take_back::run(&args, context),
        Verb::NewEpoch(args) => new_epoch::run(&args, context),
        Verb::Capture(args) => capture::run(args, context),
        Verb::Keys(args) => keys::run(args, context),
        Verb::Trust(args) => trust::run(args, context),
    }
}
