//! Deliberate mistakes of the product, for worlds that must notice them. Without the feature `breaks` there are none.

/// A mistake that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Break {
    /// The rows are committed before the watermark, in a transaction of their own.
    WatermarkApart,
    /// Directories are not synced after a file was put into them.
    NoDirectorySync,
}

/// The mistakes that are switched on in a world.
#[derive(Debug, Clone, Default)]
pub struct Breaks {
    on: Option<Break>,
}

impl Breaks {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One mistake.
    #[must_use]
    pub fn one(which: Break) -> Self {
        Self { on: Some(which) }
    }

    /// Whether a mistake is made.
    #[must_use]
    pub fn is(&self, which: Break) -> bool {
        self.on == Some(which)
    }
}
