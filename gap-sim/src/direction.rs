//! The two sides of a gate and the two ways across it.

use serde::Serialize;

/// A side of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The side of the inner zone.
    Inner,
    /// The side of the outer zone.
    Outer,
}

/// A way across the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the inner zone to the outer.
    InnerToOuter,
    /// From the outer zone to the inner.
    OuterToInner,
}

impl Direction {
    /// Both ways.
    pub const ALL: [Self; 2] = [Self::InnerToOuter, Self::OuterToInner];

    /// Where files come from.
    pub const fn source(self) -> Side {
        match self {
            Self::InnerToOuter => Side::Inner,
            Self::OuterToInner => Side::Outer,
        }
    }

    /// Where files go.
    pub const fn target(self) -> Side {
        match self {
            Self::InnerToOuter => Side::Outer,
            Self::OuterToInner => Side::Inner,
        }
    }

    /// The name as profiles and reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InnerToOuter => "inner-to-outer",
            Self::OuterToInner => "outer-to-inner",
        }
    }

    /// The number that sets this way's draws apart from the other's under one seed.
    pub(crate) const fn label(self) -> u64 {
        match self {
            Self::InnerToOuter => 1,
            Self::OuterToInner => 2,
        }
    }
}
