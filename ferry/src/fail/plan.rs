//! Which step fails, and how.

use std::any::Any;
use std::cell::RefCell;

use ferry_core::ports::FaultKind;

use super::Step;

/// How a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is refused, and nothing is done.
    Before,
    /// It is refused for want of room, and nothing is done.
    Full,
    /// It is done, and reported as failed.
    After,
    /// It is refused, and a mistake takes it for done.
    Ignored,
}

/// A step that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which of all steps, counted from 1.
    pub at: u64,
    /// How.
    pub how: How,
    /// For so long every later step of this kind in the same zone fails as well.
    pub lasts_ms: u64,
}

/// The step that a fault met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// The zone.
    pub zone: usize,
    /// What failed.
    step: Step,
    /// Until when every later one fails.
    until_ms: u64,
}

/// What a failed step says.
#[derive(Debug)]
pub struct Injected {
    what: Step,
    how: How,
}

impl Injected {
    /// The kind of failure, as a port tells it.
    pub const fn kind(&self) -> FaultKind {
        match self.how {
            How::Full => FaultKind::Full,
            How::Before | How::After | How::Ignored => FaultKind::Transient,
        }
    }
}

impl std::fmt::Display for Injected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the test lets this step fail: {:?} {:?}", self.what, self.how)
    }
}

impl From<Injected> for std::io::Error {
    fn from(injected: Injected) -> Self {
        let kind = match injected.how {
            How::Full => std::io::ErrorKind::StorageFull,
            How::Before | How::After | How::Ignored => std::io::ErrorKind::Other,
        };
        Self::new(kind, injected.to_string())
    }
}

/// A step that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The zone.
    pub zone: usize,
    /// What was done.
    pub step: Step,
    /// What it was part of.
    pub part_of: &'static str,
    /// Which piece of work of all, counted from 1.
    pub work: u64,
}

/// What a zone does at the moment.
#[derive(Debug, Clone, Copy)]
struct AtWork {
    zone: usize,
    now_ms: u64,
    name: &'static str,
    number: u64,
}

#[derive(Default)]
struct Plan {
    at_work: Option<AtWork>,
    /// Pieces of work since the count began.
    works: u64,
    passed: u64,
    fault: Option<Fault>,
    met: Option<Met>,
    /// Every step, in order.
    seen: Vec<Passed>,
}

thread_local! {
    static PLAN: RefCell<Plan> = RefCell::default();
}

/// Begins to count anew, and lets one step fail.
pub fn arm(fault: Option<Fault>) {
    PLAN.with_borrow_mut(|plan| *plan = Plan { fault, at_work: plan.at_work, ..Plan::default() });
}

/// Does a piece of work of a zone at a moment. Only here steps are counted, and fail.
pub fn within<R>(zone: usize, now_ms: u64, name: &'static str, work: impl FnOnce() -> R) -> R {
    PLAN.with_borrow_mut(|plan| {
        plan.works += 1;
        plan.at_work = Some(AtWork { zone, now_ms, name, number: plan.works });
    });
    let result = work();
    PLAN.with_borrow_mut(|plan| plan.at_work = None);
    result
}

/// The step that the fault met.
pub fn met() -> Option<Met> {
    PLAN.with_borrow(|plan| plan.met)
}

/// How many steps were passed since the count began.
pub fn passed() -> u64 {
    PLAN.with_borrow(|plan| plan.passed)
}

/// Every step since the count began.
pub fn seen() -> Vec<Passed> {
    PLAN.with_borrow(|plan| plan.seen.clone())
}

/// Does a step, or lets it fail.
pub fn step<T: 'static, E: From<Injected>>(what: Step, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    match PLAN.with_borrow_mut(|plan| plan.judge(what)) {
        None => work(),
        Some(how) => {
            if how == How::After {
                work()?;
            }
            let taken_for_done = if how == How::Ignored { nothing() } else { None };
            taken_for_done.ok_or_else(|| Injected { what, how }.into())
        }
    }
}

/// The result of a step that has nothing to tell.
fn nothing<T: 'static>() -> Option<T> {
    let (mut unit, mut zero) = (Some(()), Some(0_u64));
    let results: [&mut dyn Any; 2] = [&mut unit, &mut zero];
    results.into_iter().find_map(|result| result.downcast_mut::<Option<T>>()?.take())
}

impl Plan {
    fn judge(&mut self, what: Step) -> Option<How> {
        let AtWork { zone, now_ms, name, number } = self.at_work?;
        self.passed += 1;
        self.seen.push(Passed { zone, step: what, part_of: name, work: number });
        let fault = self.fault?;
        if self.passed == fault.at {
            self.met = Some(Met { zone, step: what, until_ms: now_ms + fault.lasts_ms });
            return Some(fault.how);
        }
        let lasts = self.met.is_some_and(|met| met.zone == zone && met.step == what && now_ms < met.until_ms);
        lasts.then_some(fault.how)
    }
}
