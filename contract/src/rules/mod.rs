//! The pure rules about what crosses: no clock, no files, no database. Both nodes and the simulator use them.

mod base;
mod calendar;
mod charge;
mod fault;
mod guard;
mod income;
mod matching;
mod order;
mod paper;
mod parse;
mod pattern;
mod policy;
mod reserved;
mod set;
mod value;
mod width;
mod words;

pub use base::check_base;
pub use calendar::{is_date8, is_time14, is_time17};
pub use charge::Charge;
pub use fault::{Fault, Rule, Severity};
pub use guard::{Debt, GuardRefusal, OtherPayments, is_paid_before, may_pay};
pub use income::{agency_in_force, in_force, item_in_force, outside_standards};
pub use matching::{
    Decision, Judgement, Known, MatchState, OfflineSource, Paid, judge, judge_offline, judge_returned_offline,
};
pub use order::{OrderEvent, OrderState};
pub use paper::{check_confirm, check_notice, check_offline, check_request};
pub use parse::{BoolSpelling, MoneySpelling, Spelling, money, parse_cell};
pub use pattern::{PATTERN_BYTES_MAX, PAY_CODE_PATTERN, PatternError, PayCodePattern};
pub use policy::{Policy, Weight};
pub use reserved::{LATE_FEE, ReservedLine, UNCLEAR};
pub use set::{Place, Segment, WHOLE_BP, check_segments, check_shares, check_tree, is_within};
pub use value::{check_value, check_values, is_sealed, key_text};
pub use width::gbk_width;
pub use words::{AMOUNT_FEN_MAX, BIZ_LINES, LINES_MAX, is_digits};
