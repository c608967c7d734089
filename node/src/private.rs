//! Whether a key's file is for this program alone.

use std::path::Path;

/// Bits of a file's mode that must not be set: nobody but the owner reads a key.
const OTHERS: u32 = 0o077;
/// Where the service manager hands credentials over (`LoadCredential=`). Only root makes files there, each for one service; the
/// mode of some shows a group, where an access list gives them to the service's user.
const CREDENTIALS: &str = "/run/credentials";

/// Whether nobody but its owner reads a file with this mode, or the service manager sees to that.
pub(crate) fn is_private(path: &Path, mode: u32) -> bool {
    mode & OTHERS == 0 || path.starts_with(CREDENTIALS)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_private;

    #[test]
    fn a_key_is_its_owners_or_in_the_service_managers_care() {
        let key = Path::new("/etc/ferry-node/nontax/field.key");
        assert!(is_private(key, 0o100_600) && is_private(key, 0o100_400));
        assert!(!is_private(key, 0o100_640) && !is_private(key, 0o100_604));
        assert!(is_private(Path::new("/run/credentials/inner-node@nontax.service/field.key"), 0o100_440));
        assert!(!is_private(Path::new("/run/credentials-of-others/field.key"), 0o100_440));
    }
}
