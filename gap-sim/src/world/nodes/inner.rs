//! The inner node: base data, notices, answers to requests, offline payments, and matching with the ledger.

use contract::pay_code::{first_serial, pay_code};
use contract::rows::{
    BaseAgency, BaseAgencyItem, BaseBillItem, BaseIncomeItem, ConfirmResult, NoticeRequest, NoticeRequestItem,
    NoticeRequestResult, OfflinePayment, PayConfirm, PayNotice, PayNoticeItem,
};
use contract::rules::{
    Decision, Judgement, Known, MatchState, OfflineSource, Paid, Policy, agency_in_force, check_notice, check_offline,
    check_request, in_force, item_in_force, judge, judge_offline, judge_returned_offline,
};
use contract::{Cell, rows};

use super::books::{Entry, Source};
use super::desk::{Desk, china, json};
use super::mistake::Mistake;
use super::people::Report;

/// 未缴, 已缴 and 作废.
const UNPAID: i64 = 0;
const PAID: i64 = 1;
const VOID: i64 = 2;
/// 待退 and 已退.
const TO_BE_REFUNDED: i64 = 1;
const REFUNDED: i64 = 2;

/// What is to be done in the ledger, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// A request waits for its answer.
    Answer(NoticeRequest),
    /// An offline payment came back after a restore and is not booked.
    Rebook(OfflinePayment),
    /// A confirmation is not booked.
    Book(PayConfirm),
}

/// What waits, oldest first.
pub fn tasks(desk: &Desk<'_>) -> Vec<Task> {
    let is_answered = |asked: &NoticeRequest| desk.find_by::<NoticeRequestResult>(&asked.request_id).is_some();
    let asked = desk.all::<NoticeRequest>().into_iter().filter(|asked| !is_answered(asked)).map(Task::Answer);
    let is_new = |payment_id: &str| desk.kept().entry(payment_id).is_none();
    let forgets = desk.mistake == Some(Mistake::OfflineForgotten);
    let offline = desk.all::<OfflinePayment>().into_iter().filter(|paid| !forgets && is_new(&paid.payment_id));
    let confirms = desk.all::<PayConfirm>().into_iter().filter(|paid| is_new(&paid.confirm_id));
    asked.chain(offline.map(Task::Rebook)).chain(confirms.map(Task::Book)).collect()
}

/// Does one of them. What a mistaken ledger leaves to its next transaction is given back.
pub fn perform(desk: &mut Desk<'_>, task: Task) -> Option<ConfirmResult> {
    match task {
        Task::Answer(asked) => answer(desk, asked),
        Task::Rebook(paid) => rebook_offline(desk, &paid),
        Task::Book(confirm) => return book(desk, &confirm),
    }
    None
}

/// A notice that is to be issued.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// What it says besides what is minted or copied from base data.
    pub notice: PayNotice,
    /// Item code, quantity and unit of its lines.
    pub lines: Vec<(String, i64, i64)>,
}

/// Issues a notice (开具), or the code of the rule that it breaks.
pub fn issue(desk: &mut Desk<'_>, draft: Draft) -> Result<PayNotice, &'static str> {
    let today = desk.today();
    let agency: Option<BaseAgency> = desk.find_by(&draft.notice.agency_id);
    let agency = agency_in_force(agency, &draft.notice.agency_id, &today).map_err(|rule| rule.code())?;
    let rights = desk.all::<BaseAgencyItem>();
    let items = desk.all::<BaseIncomeItem>();
    let code = mint(desk, &agency.mof_div_code[..6], &today[2..4]);
    let mut lines = Vec::new();
    for (line_no, (item_code, quantity, unit_fen)) in (1..).zip(draft.lines) {
        let is_collected = |item: &&BaseIncomeItem| {
            item.ele_code == item_code
                && rights.iter().any(|right| {
                    let BaseAgencyItem { is_enabled, is_deleted, start_date, end_date, .. } = right;
                    (&right.agency_id, &right.item_id) == (&agency.id, &item.id)
                        && in_force(*is_enabled, *is_deleted, start_date, end_date.as_deref(), &today)
                })
        };
        let collected = items.iter().filter(is_collected).cloned().collect();
        let item = item_in_force(collected, &today).map_err(|rule| rule.code())?;
        lines.push(PayNoticeItem {
            pay_code: code.clone(),
            line_no,
            item_id: item.id.clone(),
            item_code,
            item_name: item.ele_name.clone(),
            subj_code: "103050101".to_owned(),
            quantity,
            unit_fen,
            amount_fen: quantity * unit_fen,
        });
    }
    let amount_fen = lines.iter().map(|line| line.amount_fen).sum();
    let time = desk.time17();
    let notice = PayNotice {
        pay_code: code,
        mof_div_code: agency.mof_div_code,
        fiscal_year: today[..4].to_owned(),
        bill_date: today,
        amount_fen,
        total_fen: amount_fen + draft.notice.late_fee_fen,
        state: UNPAID,
        account_id: None,
        create_time: time.clone(),
        update_time: time,
        ..draft.notice
    };
    if let Some(fault) = check_notice(&notice, &lines, &Policy::default()).first() {
        return Err(fault.rule.code());
    }
    desk.put(&notice);
    lines.iter().for_each(|line| desk.put(line));
    Ok(notice)
}

/// The next pay code of a region: what is taken is taken with its notice, and one that is there is passed over.
fn mint(desk: &mut Desk<'_>, region: &str, year: &str) -> String {
    let [day, hour, minute] = ["%j", "%H", "%M"].map(|part| china(desk.wall_ms, part).parse().unwrap_or(0_u64));
    let first = first_serial((day.saturating_sub(1) * 24 + hour) * 60 + minute);
    loop {
        let next = desk.books().serials.entry(format!("{region}{year}")).or_default();
        let code = pay_code(region, year, (*next).max(first));
        *next = (*next).max(first) + 1;
        if desk.find_by::<PayNotice>(&code).is_none() {
            return code;
        }
    }
}

/// Answers a request: notice and answer in one transaction.
fn answer(desk: &mut Desk<'_>, asked: NoticeRequest) {
    let mut items: Vec<NoticeRequestItem> =
        desk.all::<NoticeRequestItem>().into_iter().filter(|item| item.request_id == asked.request_id).collect();
    items.sort_by_key(|item| item.line_no);
    let request_id = asked.request_id.clone();
    let issued = match check_request(&asked, &items).first() {
        Some(fault) => Err(fault.rule.code()),
        None => {
            let lines = items.into_iter().map(|item| (item.item_code, item.quantity, item.unit_fen)).collect();
            let notice = PayNotice {
                agency_id: asked.agency_id,
                expire_date: asked.expire_date,
                payer_type: asked.payer_type,
                payer_name: asked.payer_name,
                payer_id_no: asked.payer_id_no,
                payer_phone: asked.payer_phone,
                biz_line: asked.biz_line,
                biz_ref: asked.biz_ref,
                request_id: Some(request_id.clone()),
                ..PayNotice::default()
            };
            issue(desk, Draft { notice, lines })
        }
    };
    let (state, pay_code, reason_code) = match issued {
        Ok(notice) => (1, Some(notice.pay_code), None),
        Err(code) => (2, None, Some(code.to_owned())),
    };
    let (reason, answer_time) = (reason_code.clone(), desk.time17());
    desk.put(&NoticeRequestResult { request_id, state, pay_code, reason_code, reason, answer_time });
}

/// Writes the rows that a world begins with, and any that were lost.
pub fn import<'r>(desk: &mut Desk<'_>, rows: impl Iterator<Item = &'r contract::Change>) {
    for row in rows {
        let mut cells = row.cells.clone();
        // In some worlds the year before has not ended.
        if let Some(place) = row.shape.columns.iter().position(|column| *column == "start_date") {
            cells[place] = Cell::Text("20250101".to_owned());
        }
        let table = rows::table(row.shape.table).expect("base data has its tables in the contract");
        let key = table.shape.key_positions().map(|place| cells[place].clone()).collect();
        desk.write(row.shape.table, json(key), json(cells));
    }
}

/// Somebody edits base data, switches it off or on, or takes an entry away.
pub fn edit(desk: &mut Desk<'_>) {
    let time = desk.time17();
    match desk.prng.below(4) {
        0 => {
            let agencies = desk.all::<BaseAgency>();
            let Some(agency) = desk.pick(&agencies) else { return };
            let is_enabled = !agency.is_enabled || desk.prng.below(2) == 0;
            desk.put(&BaseAgency {
                is_enabled, address: Some("人民路1号".to_owned()), update_time: time, ..agency
            });
        }
        1 => {
            let rights = desk.all::<BaseAgencyItem>();
            let Some(right) = desk.pick(&rights) else { return };
            desk.put(&BaseAgencyItem { is_enabled: !right.is_enabled, update_time: time, ..right });
        }
        2 => {
            let items = desk.all::<BaseIncomeItem>();
            let Some(item) = desk.pick(&items) else { return };
            let is_enabled = !item.is_enabled || desk.prng.below(3) > 0;
            desk.put(&BaseIncomeItem { is_enabled, update_time: time, ..item });
        }
        _ => {
            let relations = desk.all::<BaseBillItem>();
            let Some(relation) = desk.pick(&relations) else { return };
            desk.remove(&relation);
        }
    }
}

/// A late fee is added to a notice that is not paid.
pub fn amend(desk: &mut Desk<'_>) {
    let Some(notice) = unpaid(desk) else { return };
    let fee = 100 + i64::try_from(desk.prng.below(10_000)).unwrap_or(0);
    let update_time = desk.time17();
    let (late_fee_fen, total_fen) = (notice.late_fee_fen + fee, notice.total_fen + fee);
    desk.put(&PayNotice { late_fee_fen, total_fen, update_time, ..notice });
}

/// A notice that is not paid is voided (作废).
pub fn void(desk: &mut Desk<'_>) {
    let Some(notice) = unpaid(desk) else { return };
    let update_time = desk.time17();
    desk.put(&PayNotice { state: VOID, update_time, ..notice });
}

fn unpaid(desk: &mut Desk<'_>) -> Option<PayNotice> {
    let notices: Vec<PayNotice> = desk.all().into_iter().filter(|notice: &PayNotice| notice.state == UNPAID).collect();
    desk.pick(&notices)
}

/// An offline payment that was to go back has gone back.
pub fn refund(desk: &mut Desk<'_>) {
    let waiting: Vec<OfflinePayment> =
        desk.all().into_iter().filter(|paid: &OfflinePayment| paid.refund_state == TO_BE_REFUNDED).collect();
    let Some(paid) = desk.pick(&waiting) else { return };
    let update_time = desk.time17();
    desk.put(&OfflinePayment { refund_state: REFUNDED, update_time, ..paid });
}

/// Takes a report of a bank or of the police (线下缴款). The same again changes nothing, and so does one of no notice.
pub fn take_offline(desk: &mut Desk<'_>, report: &Report) {
    let is_same = |paid: &OfflinePayment| paid.source == report.source.number() && paid.source_ref == report.source_ref;
    if desk.all::<OfflinePayment>().iter().any(is_same) {
        return;
    }
    let Some(notice) = desk.find_by::<PayNotice>(&report.pay_code) else { return };
    let first = desk.kept().counting(&notice.pay_code).map(|entry| entry.payment_id.clone());
    let judged = judge_offline((notice.state, notice.total_fen), first.as_deref(), report.amount_fen);
    let judged = Judged::of(judged);
    let (time, book_no) = (desk.time17(), desk.guid('B'));
    let paid = OfflinePayment {
        payment_id: desk.guid('O'),
        pay_code: report.pay_code.clone(),
        source: report.source.number(),
        source_ref: report.source_ref.clone(),
        amount_fen: report.amount_fen,
        pay_time: report.pay_time.clone(),
        pay_date: report.pay_time[..8].to_owned(),
        book_no,
        refund_state: i64::from(judged.decision == Decision::RefundOffline),
        create_time: time.clone(),
        update_time: time,
    };
    assert!(check_offline(&paid, &Policy::default()).is_empty(), "a bank reports what the contract allows: {paid:?}");
    desk.put(&paid);
    enter_offline(desk, &paid, judged);
}

/// What came back after a restore says whether it is to go back; whether it counts follows from that and from the notice, which came
/// back with it.
fn rebook_offline(desk: &mut Desk<'_>, paid: &OfflinePayment) {
    let notice: Option<PayNotice> = desk.find_by(&paid.pay_code);
    let due = notice.map_or((VOID, paid.amount_fen), |notice| (notice.state, notice.total_fen));
    let first = desk.kept().counting(&paid.pay_code).map(|entry| entry.payment_id.clone());
    let judged = Judged::of(judge_returned_offline(due, first.as_deref(), paid.amount_fen, paid.refund_state));
    enter_offline(desk, paid, judged);
}

fn enter_offline(desk: &mut Desk<'_>, paid: &OfflinePayment, judged: Judged) {
    let source = OfflineSource::of(paid.source).expect("an offline payment has one of two sources");
    let counts = judged.state == MatchState::Matched;
    desk.books().ledger.push(Entry {
        book_no: paid.book_no.clone(),
        source: Source::Offline(source),
        payment_id: paid.payment_id.clone(),
        pay_code: Some(paid.pay_code.clone()),
        amount_fen: paid.amount_fen,
        state: judged.state,
        decision: judged.decision,
        other: judged.other,
        counts,
    });
    if counts {
        mark_paid(desk, &paid.pay_code);
    }
}

/// A judgement that owns what it refers to.
#[derive(Debug, Clone)]
struct Judged {
    state: MatchState,
    decision: Decision,
    other: Option<String>,
    diff_fen: i64,
}

impl Judged {
    fn of(judged: Judgement<'_>) -> Self {
        let Judgement { state, decision, other, diff_fen } = judged;
        Self { state, decision, other: other.map(str::to_owned), diff_fen }
    }

    /// Whether an online payment is the one that counts for its notice.
    fn counts(&self) -> bool {
        self.state == MatchState::Matched
            || (self.state == MatchState::Duplicate && self.decision == Decision::RefundOffline)
    }
}

/// Matches a confirmation and answers it; one that was answered before a restore stands as it was answered.
fn book(desk: &mut Desk<'_>, confirm: &PayConfirm) -> Option<ConfirmResult> {
    let answered: Option<ConfirmResult> = desk.find_by(&confirm.confirm_id);
    if let Some(answered) = answered {
        let (state, decision) = MatchState::of(answered.match_state).zip(Decision::of(answered.decision))?;
        let judged = match desk.mistake {
            Some(Mistake::JudgedAnew) => judged(desk, confirm),
            _ => Judged { state, decision, other: answered.other_ref, diff_fen: answered.diff_fen },
        };
        if desk.mistake != Some(Mistake::RebookedAlone) {
            settle(desk, confirm, &judged);
        }
        enter(desk, confirm, &answered.book_no, judged);
        return None;
    }
    let judged = judged(desk, confirm);
    let (book_no, time) = (desk.guid('B'), desk.time17());
    settle(desk, confirm, &judged);
    let answer = ConfirmResult {
        confirm_id: confirm.confirm_id.clone(),
        match_state: judged.state.number(),
        decision: judged.decision.number(),
        book_no: book_no.clone(),
        book_time: time.clone(),
        other_ref: judged.other.clone(),
        diff_fen: judged.diff_fen,
        update_time: time,
    };
    enter(desk, confirm, &book_no, judged);
    if desk.mistake == Some(Mistake::AnsweredApart) {
        return Some(answer);
    }
    desk.put(&answer);
    None
}

/// What the contract's rule makes of a confirmation and of what the ledger knows.
fn judged(desk: &Desk<'_>, confirm: &PayConfirm) -> Judged {
    let pay_code = confirm.pay_code.as_deref();
    let notice: Option<PayNotice> = pay_code.and_then(|code| desk.find_by(code));
    let is_blind = desk.mistake == Some(Mistake::BookedBlind);
    let counting = pay_code.and_then(|code| desk.kept().counting(code)).filter(|_| !is_blind);
    let (booked, offline) = match counting.map(|entry| (entry, entry.source)) {
        Some((entry, Source::Online)) => (Some(entry.payment_id.as_str()), None),
        Some((entry, Source::Offline(source))) => (None, Some((entry.payment_id.as_str(), source))),
        None => (None, None),
    };
    let known = Known { notice: notice.map(|notice| (notice.state, notice.total_fen)), booked, offline };
    let paid = Paid { pay_code, amount_fen: confirm.amount_fen, is_duplicate: confirm.is_duplicate };
    Judged::of(judge(paid, known))
}

/// What follows from a judgement for rows of this zone: the notice is paid, or an offline payment is to go back.
fn settle(desk: &mut Desk<'_>, confirm: &PayConfirm, judged: &Judged) {
    let Some(pay_code) = confirm.pay_code.as_deref().filter(|_| judged.counts()) else { return };
    if judged.decision == Decision::RefundOffline {
        let is_other = |entry: &&mut Entry| entry.counts && entry.pay_code.as_deref() == Some(pay_code);
        let other = desk.books().ledger.iter_mut().find(is_other).map(|entry| {
            (entry.counts, entry.decision) = (false, Decision::RefundOffline);
            entry.payment_id.clone()
        });
        let paid: Option<OfflinePayment> = other.and_then(|payment_id| desk.find_by(&payment_id));
        if let Some(paid) = paid.filter(|paid| paid.refund_state == 0) {
            let update_time = desk.time17();
            desk.put(&OfflinePayment { refund_state: TO_BE_REFUNDED, update_time, ..paid });
        }
    }
    mark_paid(desk, pay_code);
}

fn mark_paid(desk: &mut Desk<'_>, pay_code: &str) {
    let notice: Option<PayNotice> = desk.find_by(pay_code);
    if let Some(notice) = notice.filter(|notice| notice.state == UNPAID) {
        let update_time = desk.time17();
        desk.put(&PayNotice { state: PAID, update_time, ..notice });
    }
}

fn enter(desk: &mut Desk<'_>, confirm: &PayConfirm, book_no: &str, judged: Judged) {
    let counts = judged.counts();
    desk.books().ledger.push(Entry {
        book_no: book_no.to_owned(),
        source: Source::Online,
        payment_id: confirm.confirm_id.clone(),
        pay_code: confirm.pay_code.clone(),
        amount_fen: confirm.amount_fen,
        state: judged.state,
        decision: judged.decision,
        other: judged.other,
        counts,
    });
}
