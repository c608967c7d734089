//! What happened in a world, as a hash over every line, and as the lines themselves when somebody wants to read them.

use ferry_format::Digest;

/// Lines that are kept for a reader: beyond it the oldest are dropped, since the end is what a failure is about.
const LINES_MAX: usize = 200_000;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The world's time in milliseconds.
    pub at_ms: u64,
    /// Where: a zone, the gate, or the world.
    pub place: &'static str,
    /// What.
    pub text: String,
}

/// The trace of a run.
#[derive(Debug)]
pub struct Trace {
    hash: Digest,
    count: u64,
    lines: Option<std::collections::VecDeque<Line>>,
    pending: Vec<u8>,
}

/// Bytes that are hashed at once.
const CHUNK_BYTES: usize = 16 << 10;

impl Trace {
    /// An empty trace; `keeps` says whether its lines are kept.
    #[must_use]
    pub fn new(keeps: bool) -> Self {
        let lines = keeps.then(std::collections::VecDeque::new);
        Self { hash: Digest::of(&[b"gap-sim trace/1\n"]), count: 0, lines, pending: Vec::new() }
    }

    /// Adds a line.
    pub fn add(&mut self, at_ms: u64, place: &'static str, text: &str) {
        self.count += 1;
        self.pending.extend_from_slice(format!("{at_ms} {place} {text}\n").as_bytes());
        if self.pending.len() >= CHUNK_BYTES {
            self.fold();
        }
        if let Some(lines) = &mut self.lines {
            if lines.len() == LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(Line { at_ms, place, text: text.to_owned() });
        }
    }

    fn fold(&mut self) {
        self.hash = Digest::of(&[&self.hash.0, &self.pending]);
        self.pending.clear();
    }

    /// The hash over every line so far.
    #[must_use]
    pub fn hash(&mut self) -> Digest {
        self.fold();
        self.hash
    }

    /// How many lines there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The lines that were kept.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter().flatten()
    }
}
