//! Compression: exactly one zstd frame (RFC 8878) with a bounded window and a stated size, or none at all.

use zstd_safe::{CCtx, CParameter, DCtx};

use crate::error::{FormatError, SealError};
use crate::limits::ZSTD_WINDOW_LOG_MAX;

/// How the plaintext is compressed before it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// One zstd frame.
    #[default]
    Zstd,
    /// As it is.
    None,
}

impl Compression {
    /// The name in a header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::None => "none",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Zstd, Self::None].into_iter().find(|compression| compression.name() == name)
    }
}

/// Higher levels cost time and gain nothing on rows of ledgers.
const LEVEL: i32 = 1;
const FRAME_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

pub(crate) fn compress(compression: Compression, plain: &[u8]) -> Result<Vec<u8>, SealError> {
    match compression {
        Compression::None => Ok(plain.to_vec()),
        Compression::Zstd => compress_zstd(plain).map_err(|_| SealError::Compressor),
    }
}

fn compress_zstd(plain: &[u8]) -> Result<Vec<u8>, usize> {
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(LEVEL))?;
    context.set_parameter(CParameter::WindowLog(ZSTD_WINDOW_LOG_MAX.min(window_log(plain.len()))))?;
    context.set_pledged_src_size(Some(plain.len() as u64))?;
    let mut out = vec![0; zstd_safe::compress_bound(plain.len())];
    let length = context.compress2(out.as_mut_slice(), plain)?;
    out.truncate(length);
    Ok(out)
}

/// The least window that holds `length` bytes, so that the frame states no larger one.
fn window_log(length: usize) -> u32 {
    length.next_power_of_two().trailing_zeros().max(10)
}

/// Decompresses into exactly `plain_bytes` bytes, which the caller has checked against its limit.
pub(crate) fn decompress(
    compression: Compression,
    compressed: Vec<u8>,
    plain_bytes: usize,
) -> Result<Vec<u8>, FormatError> {
    match compression {
        Compression::None if compressed.len() == plain_bytes => Ok(compressed),
        Compression::None => Err(FormatError::PlainLength),
        Compression::Zstd => decompress_zstd(&compressed, plain_bytes),
    }
}

fn decompress_zstd(compressed: &[u8], plain_bytes: usize) -> Result<Vec<u8>, FormatError> {
    check_frame(compressed, plain_bytes as u64).map_err(|reason| FormatError::BadCompression { reason })?;
    let mut out = vec![0; plain_bytes];
    let length = DCtx::create()
        .decompress(out.as_mut_slice(), compressed)
        .map_err(|_| FormatError::BadCompression { reason: "the frame does not decompress" })?;
    if length != plain_bytes {
        return Err(FormatError::PlainLength);
    }
    Ok(out)
}

fn check_frame(compressed: &[u8], plain_bytes: u64) -> Result<(), &'static str> {
    if !compressed.starts_with(&FRAME_MAGIC) {
        return Err("not a zstd frame");
    }
    if zstd_safe::get_dict_id_from_frame(compressed).is_some() {
        return Err("the frame needs a dictionary");
    }
    match zstd_safe::get_frame_content_size(compressed) {
        Ok(Some(size)) if size == plain_bytes => {}
        Ok(_) | Err(_) => return Err("the frame does not state the size of the statement"),
    }
    if window_bytes(compressed, plain_bytes).is_none_or(|window| window > 1 << ZSTD_WINDOW_LOG_MAX) {
        return Err("the frame needs too large a window");
    }
    match zstd_safe::find_frame_compressed_size(compressed) {
        Ok(length) if length == compressed.len() => Ok(()),
        Ok(_) | Err(_) => Err("not exactly one frame"),
    }
}

/// The window that a frame needs (RFC 8878, section 3.1.1.1.2).
fn window_bytes(frame: &[u8], content_bytes: u64) -> Option<u64> {
    let descriptor = frame.get(4)?;
    let single_segment = descriptor & 0x20 != 0;
    if single_segment {
        return Some(content_bytes);
    }
    let window = frame.get(5)?;
    let base = 1_u64 << (10 + (window >> 3));
    Some(base + (base >> 3) * u64::from(window & 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        for length in [0, 1, 31, 1000, 70_000, 3 << 20] {
            let plain: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let frame = compress(Compression::Zstd, &plain).unwrap();
            assert_eq!(decompress(Compression::Zstd, frame, length).unwrap(), plain);
        }
    }

    #[test]
    fn large_plaintexts_keep_the_window_bounded() {
        let plain = vec![b'x'; 24 << 20];
        let frame = compress(Compression::Zstd, &plain).unwrap();
        assert!(window_bytes(&frame, plain.len() as u64).unwrap() <= 1 << ZSTD_WINDOW_LOG_MAX);
        assert_eq!(decompress(Compression::Zstd, frame, plain.len()).unwrap().len(), plain.len());
    }

    #[test]
    fn anything_but_one_frame_of_the_stated_size_is_refused() {
        let frame = compress(Compression::Zstd, b"hello hello hello").unwrap();
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0][..], &frame].concat();
        let twice = [&frame[..], &frame].concat();
        let trailing = [&frame[..], b"x"].concat();
        for bytes in [skippable, twice, trailing, frame[..frame.len() - 1].to_vec(), vec![], b"plain".to_vec()] {
            let error = decompress(Compression::Zstd, bytes, 17).unwrap_err();
            assert_eq!(error.code(), "bad-compression");
        }
        for size in [0, 16, 18] {
            let error = decompress(Compression::Zstd, frame.clone(), size).unwrap_err();
            assert_eq!(error.code(), "bad-compression");
        }
    }
}
