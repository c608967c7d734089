//! Programs that the demo starts: each writes into its own log, and none outlives the demo.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::clock::{Clock, rest};
use super::failure::Failure;
use super::lang::text;

/// How long a program may take to end after SIGTERM before it is killed.
const END_MS_MAX: u64 = 20_000;
const LOOK_MS: u64 = 10;
/// Lines of a log that are shown when a program died.
const TAIL_LINES: usize = 15;

/// A program that runs.
#[derive(Debug)]
pub struct Program {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Program {
    /// Starts a program. It gets a process group of its own, so that Ctrl-C reaches the demo alone, which then ends
    /// every program in order.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, log: PathBuf) -> Result<Self, Failure> {
        let refused =
            |cause: &io::Error| Failure::new(text!("{name} cannot be started: {cause}", "无法启动 {name}：{cause}"));
        let out = File::create(&log).map_err(|cause| Failure::file(&log, &cause))?;
        let errors = out.try_clone().map_err(|cause| Failure::file(&log, &cause))?;
        let command = command.stdin(Stdio::null()).stdout(out).stderr(errors).process_group(0);
        let child = command.spawn().map_err(|cause| refused(&cause))?;
        Ok(Self { name: name.to_owned(), log, child })
    }

    /// Fails when the program has ended.
    ///
    /// # Errors
    /// When it has ended, with the end of its log.
    pub fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status)),
            Err(cause) => Err(Failure::file(&self.log, &cause)),
        }
    }

    /// Asks the program to end, and waits for it.
    ///
    /// # Errors
    /// When it does not end in time, or not with 0.
    pub fn end(mut self, clock: Clock) -> Result<(), Failure> {
        self.check()?;
        self.terminate();
        let until_ms = clock.now_ms() + END_MS_MAX;
        while clock.now_ms() < until_ms {
            match self.child.try_wait() {
                Ok(None) => rest(LOOK_MS),
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.ended(status)),
                Err(cause) => return Err(Failure::file(&self.log, &cause)),
            }
        }
        let (name, seconds, tail) = (&self.name, END_MS_MAX / 1_000, tail(&self.log));
        Err(Failure::new(text!(
            "{name} did not end within {seconds} s of SIGTERM and is killed; its log ends:\n{tail}",
            "{name} 在 SIGTERM 后 {seconds} 秒内未结束，已被强制终止；日志末尾：\n{tail}"
        )))
    }

    fn terminate(&self) {
        // A program that is gone already is what was wanted.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        let (name, log, tail) = (&self.name, self.log.display(), tail(&self.log));
        Failure::new(text!(
            "{name} has ended ({status}); its log {log} ends:\n{tail}",
            "{name} 已退出（{status}）；日志 {log} 末尾：\n{tail}"
        ))
    }
}

/// However the demo ends, by error or panic, its programs are asked to end and then killed.
impl Drop for Program {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.terminate();
        let clock = Clock::start();
        while clock.now_ms() < END_MS_MAX && matches!(self.child.try_wait(), Ok(None)) {
            rest(LOOK_MS);
        }
        // Nothing more can be done about a program that even this does not end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log, indented.
fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| format!("  {line}"));
    tail.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str, place: &Path) -> Program {
        let log = place.join("script.log");
        Program::start("script", Command::new("sh").args(["-c", script]), log).expect("there is a shell")
    }

    #[test]
    fn a_program_that_dies_shows_the_end_of_its_log() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let mut program = start("echo first; echo second >&2; exit 3", place.path());
        let failure = loop {
            match program.check() {
                Ok(()) => rest(LOOK_MS),
                Err(failure) => break failure,
            }
        };
        assert!(failure.text.english.contains("status: 3"), "{}", failure.text.english);
        assert!(failure.text.english.ends_with("  first\n  second"), "{}", failure.text.english);
    }

    #[test]
    fn a_program_that_is_dropped_is_ended() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let program = start("exec sleep 600", place.path());
        let pid = Pid::from_child(&program.child);
        drop(program);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }
}
