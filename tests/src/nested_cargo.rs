//! Cargo, run by a program that cargo runs.

use std::ffi::OsString;
use std::process::Command;

/// The cargo that runs this program, or the one on the path. It is not told what cargo has told this program of its own package: build
/// scripts of dependencies look at that too, and everything would be compiled anew, once with it and once without.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "cargo names itself and the package to the programs that it runs")]
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_package(name)) {
        command.env_remove(name);
    }
    command
}

fn is_of_package(name: &OsString) -> bool {
    let begins = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    name.to_str().is_some_and(|name| begins.iter().any(|begin| name.starts_with(begin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_told_nothing_of_this_package() {
        assert!(option_env!("CARGO_PKG_NAME").is_some());
        let command = cargo();
        let left: Vec<_> = command.get_envs().filter(|(_, value)| value.is_some()).collect();
        assert!(left.is_empty(), "{left:?}");
        let gone = |name: &str| command.get_envs().any(|(one, value)| one == name && value.is_none());
        assert!(gone("CARGO_PKG_NAME") && gone("CARGO_MANIFEST_DIR"));
        assert!(!gone("CARGO_HOME") && !gone("CARGO_TARGET_DIR"));
    }
}
