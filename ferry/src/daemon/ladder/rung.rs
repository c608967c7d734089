//! One way to let a run fail, with a name by which it is found again.

use std::fmt;
use std::str::FromStr;

use super::scenario::Life;
use crate::fail::plan::{Fault, How};

/// Which step fails, how, and what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    pub life: Life,
    /// The number of the step.
    pub at: u64,
    how: How,
    lasts_ms: u64,
    pub then: Then,
}

/// What comes after a step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The zone goes on.
    GoOn,
    /// The zone's daemon is killed, and a step of its recovery fails.
    FailAgain { at: u64, how: How },
}

impl Rung {
    pub const fn new(life: Life, at: u64, how: How, lasts_ms: u64) -> Self {
        Self { life, at, how, lasts_ms, then: Then::GoOn }
    }

    /// The same, and then another.
    pub const fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    pub const fn fault(self) -> Fault {
        Fault { at: self.at, how: self.how, lasts_ms: self.lasts_ms }
    }
}

const HOWS: [(How, &str); 4] =
    [(How::Before, "before"), (How::Full, "full"), (How::After, "after"), (How::Ignored, "ignored")];

/// Before the rungs of the life in which operators act.
const OPERATED: &str = "operated";

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |how: How| HOWS.iter().find(|(one, _)| *one == how).map_or("", |(_, name)| name);
        match self.life {
            Life::Quiet => {}
            Life::Operated => write!(f, "{OPERATED} ")?,
        }
        write!(f, "{} {} {}", self.at, name(self.how), self.lasts_ms)?;
        match self.then {
            Then::GoOn => Ok(()),
            Then::FailAgain { at, how } => write!(f, " {at} {}", name(how)),
        }
    }
}

impl FromStr for Rung {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts: Vec<&str> = text.split(' ').collect();
        let life = if parts[0] == OPERATED { Life::Operated } else { Life::Quiet };
        parts.retain(|part| *part != OPERATED);
        let number = |part: &str| part.parse::<u64>().map_err(|_| "a rung has a number here");
        let how = |part: &str| {
            HOWS.iter().find(|(_, name)| *name == part).map(|(how, _)| *how).ok_or("no way in which a step fails")
        };
        match parts[..] {
            [at, one, lasts] => Ok(Self::new(life, number(at)?, how(one)?, number(lasts)?)),
            [at, one, lasts, again, other] => {
                let then = Then::FailAgain { at: number(again)?, how: how(other)? };
                Ok(Self { then, ..Self::new(life, number(at)?, how(one)?, number(lasts)?) })
            }
            _ => Err("a rung has three parts or five"),
        }
    }
}

#[test]
fn a_rung_is_found_again_by_its_name() {
    let once = Rung::new(Life::Quiet, 7, How::After, 0);
    let twice =
        Rung { then: Then::FailAgain { at: 3, how: How::Before }, ..Rung::new(Life::Operated, 12, How::Full, 5_000) };
    for rung in [once, twice] {
        assert_eq!(rung.to_string().parse(), Ok(rung));
    }
    assert!("7 after".parse::<Rung>().is_err() && "7 never 0".parse::<Rung>().is_err());
}
