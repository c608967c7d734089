//! What is said about a file that is refused.

use ferry_format::FormatError;

/// The reason beside a refused file is read back up to 16 KiB, whose greatest part is for other things; the longest path
/// of a field with the longest sentence about it is far below.
const SENTENCE_BYTES_MAX: usize = 512;

/// What was read, if it was. A refusal is told in one short sentence, whatever the sender wrote.
pub fn accepted<T>(read: Result<T, FormatError>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.len() <= SENTENCE_BYTES_MAX, "a refusal is told in {} bytes", sentence.len());
            None
        }
    }
}
