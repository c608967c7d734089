//! `gap-sim`: the gatekeeper, simulated, between real directories.

mod bridge;
mod check;
mod cli;
mod exit;
mod failure;
mod hands;
mod lane;
mod lang;
mod options;
mod place;
#[cfg(feature = "breaks")]
mod proof;
mod rename;
mod report;
mod shift;
mod story;
mod summary;
mod swarm_report;
mod trouble;
mod words;
mod work;
mod worlds;

use clap::FromArgMatches;
use cli::{Cli, Command};
use exit::Exit;
use failure::Failure;
use gap_sim::Profile;
use gap_sim::profile::BUILT_INS;
use lang::Lang;
use std::io::{self, Write};
use std::process::ExitCode;
use words::{Word, say};

fn main() -> ExitCode {
    let lang = Lang::of_environment();
    let cli = match cli::command(lang).try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(fault) => {
            // The terminal may be gone; the exit code still tells.
            let _ = fault.print();
            return if fault.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    let result = match cli.command {
        Command::Bridge(arguments) => bridge::run(&arguments, lang).map(|()| Exit::Ok),
        Command::Run(arguments) => worlds::run(&arguments, lang),
        Command::Swarm(arguments) => worlds::swarm(&arguments, lang),
        #[cfg(feature = "breaks")]
        Command::Breaks(arguments) => proof::run(&arguments),
        Command::Scenarios => story::list(lang).map(|()| Exit::Ok),
        Command::Check(arguments) => check::run(&arguments, lang),
        Command::Profiles => list_profiles(lang).map(|()| Exit::Ok),
        Command::Profile { name } => show_profile(&name).map(|()| Exit::Ok),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{}", say(lang, Word::Error, &[&failure.text(lang)]));
            failure.exit().into()
        }
    }
}

fn list_profiles(lang: Lang) -> Result<(), Failure> {
    for built_in in BUILT_INS {
        let profile = Profile::built_in(built_in.name)?;
        let line = match lang {
            Lang::English => profile.summary,
            Lang::Chinese => profile.summary_zh,
        };
        print(&format!("{:<14} {line}\n", built_in.name))?;
    }
    Ok(())
}

fn show_profile(name: &str) -> Result<(), Failure> {
    print(&options::read_profile(name)?.to_toml())
}

/// Writes to standard output; a reader that has left, as `head` does, is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(fault) if fault.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(fault)),
        Ok(()) | Err(_) => Ok(()),
    }
}
