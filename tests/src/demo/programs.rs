//! Where the programs are that the demo starts, and how they get there.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::failure::Failure;
use super::lang::text;
use crate::nested_cargo::cargo;
use crate::workspace_root;

/// The paths of the programs.
#[derive(Debug)]
pub struct Programs {
    /// The appliance: daemon and operator's commands.
    pub ferry: PathBuf,
    /// The simulated gate.
    pub gap_sim: PathBuf,
    /// The intranet node.
    pub inner_node: PathBuf,
    /// The extranet payment node.
    pub outer_node: PathBuf,
}

impl Programs {
    /// The programs that lie in a directory.
    ///
    /// # Errors
    /// When one of them is not there.
    pub fn find(directory: &Path) -> Result<Self, Failure> {
        let find = |name: &str| {
            let path = directory.join(name);
            let shown = path.display();
            let missing = || {
                text!(
                    "there is no program {shown}; build it, or leave out --bin-dir",
                    "没有程序 {shown}；请先构建，或去掉 --bin-dir"
                )
            };
            if path.is_file() { Ok(path) } else { Err(Failure::new(missing())) }
        };
        Self::of(find)
    }

    /// Builds the programs with the profile of the demo itself, and takes them from where cargo says that they are.
    ///
    /// # Errors
    /// When cargo cannot be run, or the build fails; cargo has said why then.
    pub fn build() -> Result<Self, Failure> {
        let output = cargo()
            .args(["build", "--quiet", "--locked", "--message-format", "json-render-diagnostics"])
            .args(["--package", "ferry", "--package", "gap-sim", "--package", "inner", "--package", "outer"])
            .args(["--bins", "--profile", own_profile()])
            .arg("--manifest-path")
            .arg(workspace_root().join("Cargo.toml"))
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|cause| Failure::new(text!("cargo cannot be run: {cause}", "无法运行 cargo：{cause}")))?;
        if !output.status.success() {
            return Err(Failure::new(text!(
                "the programs cannot be built; see what cargo says above",
                "无法构建所需程序；请看上面 cargo 的输出"
            )));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        Self::of(|name| built(&messages, name))
    }

    fn of(find: impl Fn(&str) -> Result<PathBuf, Failure>) -> Result<Self, Failure> {
        Ok(Self {
            ferry: find("ferry")?,
            gap_sim: find("gap-sim")?,
            inner_node: find("inner-node")?,
            outer_node: find("outer-node")?,
        })
    }
}

/// The profile that the demo was built with.
const fn own_profile() -> &'static str {
    if cfg!(debug_assertions) { "dev" } else { "release" }
}

fn built(messages: &str, name: &str) -> Result<PathBuf, Failure> {
    executable(messages, name).ok_or_else(|| {
        Failure::new(text!(
            "cargo built no program {name}; run `cargo build --release` and name its directory with --bin-dir",
            "cargo 未构建出程序 {name}；请运行 `cargo build --release` 并用 --bin-dir 指定其目录"
        ))
    })
}

/// The program that one of cargo's messages, a JSON document a line, says was built.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.find_map(|message| {
        let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
        message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"ferry\"},\"executable\":null}\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"ferry\"},\"executable\":\"t/release/ferry\"}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        assert_eq!(executable(messages, "ferry"), Some(PathBuf::from("t/release/ferry")));
        assert_eq!(executable(messages, "gap-sim"), None);
    }
}
