//! Whether a repeated message asks for the same.

use console::Text;
use node::field_key::hex;
use node::{Failure, Kind};
use serde::Serialize;
use sm3::{Digest as _, Sm3};

/// The digest of what was asked (SM3, 64 hex digits). What identifies people must be taken out of it before: a digest of a card
/// number can be guessed.
///
/// # Errors
/// When it cannot be spelled, which a document that came as JSON always can.
pub fn digest<T: Serialize>(asked: &T) -> Result<String, Failure> {
    let spelled = serde_json::to_vec(asked).map_err(Failure::internal)?;
    Ok(hex(&Sm3::digest(&spelled)))
}

/// Another document came under a number that was used.
#[must_use]
pub fn taken(code: &'static str, number: &str) -> Failure {
    Failure::new(
        Kind::Conflict,
        code,
        console::text!("the number {number} was used for something else", "编号 {number} 已用于其他内容"),
        Text::fixed("take another number, or send what was sent before", "请更换编号，或按原内容重发"),
    )
}
