//! Passwords of people: argon2id, with the parameters of RFC 9106's second recommendation.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use console::Text;

use crate::entropy::Entropy;
use crate::failure::{Failure, Kind};

/// The shortest password, in characters: what the protection of level three (等保三级) is commonly judged by, and two more.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// The longest, in bytes: hashing is dear, and nobody types more.
pub const PASSWORD_BYTES_MAX: usize = 128;
/// Kinds of characters (upper, lower, digit, other) that a password has at least.
const KINDS_MIN: usize = 3;
const SALT_BYTES: usize = 16;
/// Memory of a hash: RFC 9106 recommends 64 MiB where memory is scarce. How many are made at once is bounded where people log in.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// Whether a password may be taken.
///
/// # Errors
/// Why not.
pub fn judge(name: &str, password: &str) -> Result<(), Failure> {
    let refuse = |message, next| Err(Failure::new(Kind::Bad, "password-weak", message, next));
    let next = || {
        console::text!(
            "take at least {PASSWORD_CHARS_MIN} characters of {KINDS_MIN} kinds: upper case, lower case, digits, others",
            "至少 {PASSWORD_CHARS_MIN} 个字符，含大写、小写、数字、其他中的 {KINDS_MIN} 类"
        )
    };
    if password.len() > PASSWORD_BYTES_MAX {
        return refuse(
            console::text!(
                "the password is longer than {PASSWORD_BYTES_MAX} bytes",
                "口令超过 {PASSWORD_BYTES_MAX} 字节"
            ),
            next(),
        );
    }
    let kinds: [fn(char) -> bool; 4] = [
        |one| one.is_uppercase(),
        |one| one.is_lowercase(),
        |one| one.is_ascii_digit(),
        |one| !one.is_uppercase() && !one.is_lowercase() && !one.is_ascii_digit(),
    ];
    let count = kinds.iter().filter(|is_kind| password.chars().any(**is_kind)).count();
    if password.chars().count() < PASSWORD_CHARS_MIN || count < KINDS_MIN {
        return refuse(Text::fixed("the password is too weak", "口令强度不足"), next());
    }
    if password.to_lowercase().contains(&name.to_lowercase()) {
        return refuse(Text::fixed("the password has the name in it", "口令中含有姓名"), next());
    }
    Ok(())
}

/// The hash of a password, with its salt and parameters, in the PHC format.
///
/// # Errors
/// When there is no randomness or memory.
pub fn hash(password: &str, entropy: &dyn Entropy) -> Result<String, Failure> {
    let mut salt = [0; SALT_BYTES];
    entropy.fill(&mut salt)?;
    let hash: PasswordHash =
        hasher()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(Failure::internal)?;
    Ok(hash.to_string())
}

/// Whether a password is the one of a hash. A hash that is none is no password's.
///
/// # Errors
/// When there is no memory.
pub fn is_right(password: &str, hash: &str) -> Result<bool, Failure> {
    let Ok(hash) = PasswordHash::new(hash) else { return Ok(false) };
    Ok(password.len() <= PASSWORD_BYTES_MAX && hasher()?.verify_password(password.as_bytes(), &hash).is_ok())
}

fn hasher() -> Result<Argon2<'static>, Failure> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Failure::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::{hash, is_right, judge};
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let kept = hash("Correct-Horse-7", &SystemEntropy::new()).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{kept}");
        assert!(is_right("Correct-Horse-7", &kept).unwrap());
        assert!(!is_right("correct-horse-7", &kept).unwrap());
        assert!(!is_right("Correct-Horse-7", "").unwrap());
        assert_ne!(kept, hash("Correct-Horse-7", &SystemEntropy::new()).unwrap());
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["", "Ab1-", "abcdefghijkl", "abcdefghij1", "Wangfang-2026", &"aA1-".repeat(40)] {
            assert!(judge("wangfang", weak).is_err(), "{weak}");
        }
        assert!(judge("wangfang", "Correct-Horse-7").is_ok());
        assert!(judge("wangfang", "长安城春色如许Ab1").is_ok());
    }
}
