//! How the nodes live in a world: when they look, what people make them do, and what they hear again after a restore.

use std::collections::BTreeMap;

use contract::rows::{ConfirmResult, OfflinePayment, PayConfirm, PayNotice};
use contract::rules::{OfflineSource, OrderState};
use ferry_format::{Op, StreamName};

use super::books::Books;
use super::desk::{Desk, all};
use super::outer::Heard;
use super::people::SEALED_SECRET;
use super::pool::pool;
use super::trouble::{ORPHAN, Oddity, orphan};
use super::{Event, Nodes, inner, outer};
use crate::world::change::Change;
use crate::world::host::ZoneId;
use crate::world::store::POISON;
use crate::world::{Plan, World};

/// How the generator's sensitive values begin.
const GENERATED_SECRET: &str = "f1:";

impl World {
    fn nodes_mut(&mut self) -> &mut Nodes {
        self.nodes.as_deref_mut().expect("only worlds of the nodes plan what nodes do")
    }

    /// Something happens that the nodes or somebody around them planned.
    pub(in crate::world) fn happen(&mut self, event: Event) {
        match event {
            Event::Import => self.import(),
            Event::Act => self.act(),
            Event::Round(zone) => self.round(zone),
            Event::Tell(place) => self.hear_channel(place),
            Event::Report(place) => self.hear_report(place),
        }
    }

    fn plan_event(&mut self, wait_ms: u64, event: Event) {
        self.plan(self.now_ms + wait_ms, Plan::Nodes(event));
    }

    /// A part of the time in which faults act, drawn.
    fn wait(&mut self, part: u64) -> u64 {
        let most = (self.options.safety_ms / part).max(1);
        self.nodes_mut().prng.between(1, most)
    }

    /// Whether the node of a zone may write: while its database lacks what had left the zone, or something in it cannot be sent,
    /// people keep it stopped.
    #[must_use]
    pub fn is_open(&self, zone: ZoneId) -> bool {
        let mut own = self.model.streams.iter().filter(|(_, stream)| stream.owner == zone);
        own.all(|(name, _)| !self.fates[name].frozen && self.fates[name].unsendable_from.is_none())
    }

    /// A node that runs looks soon after something was committed in its database.
    pub(in crate::world) fn wake_node(&mut self, zone: ZoneId) {
        let commits = self.host(zone).store.database().commits;
        let most = self.options.latency_ms + 1;
        let Some(nodes) = self.nodes.as_deref_mut() else { return };
        if nodes.planned[zone.index()] || nodes.seen[zone.index()] == commits {
            return;
        }
        nodes.planned[zone.index()] = true;
        let wait_ms = nodes.prng.below(most);
        self.plan_event(wait_ms, Event::Round(zone));
    }

    fn read<T>(&mut self, zone: ZoneId, work: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        let wall_ms = self.host(zone).now(self.now_ms).wall_ms;
        let nodes = self.nodes.as_deref_mut().expect("only worlds of the nodes have desks");
        let mut database = self.hosts[zone.index()].store.database();
        work(&mut Desk::new(&mut database, wall_ms, &mut nodes.prng, nodes.mistake))
    }

    /// One transaction of a node: rows and books commit together.
    fn transaction<T>(&mut self, zone: ZoneId, work: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        let (result, changes) = self.read(zone, |desk| {
            let result = work(desk);
            (result, std::mem::take(&mut desk.changes))
        });
        self.host(zone).store.database().commits += 1;
        let mut by_stream: BTreeMap<StreamName, Vec<Change>> = BTreeMap::new();
        for change in changes {
            let contract = self.contract();
            let is_its = |stream: &&ferry_core::contract::StreamContract| {
                stream.tables.iter().any(|table| table.name == change.table)
            };
            let stream = contract.streams().iter().find(is_its).expect("nodes write tables of the contract");
            by_stream.entry(stream.name.clone()).or_default().push(change);
        }
        for (stream, changes) in by_stream {
            self.commit(&stream, &changes);
        }
        if self.is_safe {
            // What is written after the faults crosses too, and so does its answer.
            let bound = self.options.liveness_ms + self.rounds() * self.options.round_ms + self.load_ms();
            self.liveness_end_ms = self.liveness_end_ms.max(self.now_ms + bound);
        }
        result
    }

    /// Whether the node is killed after the transaction that it has just made.
    fn is_killed(&mut self) -> bool {
        let is_safe = self.is_safe;
        let nodes = self.nodes_mut();
        !is_safe && nodes.prng.below(1_000) < nodes.kills_per_mille
    }

    fn import(&mut self) {
        if !self.is_open(ZoneId::Inner) {
            let wait_ms = self.wait(20);
            return self.plan_event(wait_ms, Event::Import);
        }
        let papers = self.nodes_mut().papers.clone();
        let rows: Vec<contract::Change> = pool().base(&papers).cloned().map(mark_secrets).collect();
        for part in rows.chunks(20) {
            self.transaction(ZoneId::Inner, |desk| inner::import(desk, part.iter()));
        }
    }

    fn round(&mut self, zone: ZoneId) {
        self.nodes_mut().planned[zone.index()] = false;
        if !self.is_open(zone) {
            return;
        }
        let commits = self.host(zone).store.database().commits;
        self.nodes_mut().seen[zone.index()] = commits;
        match zone {
            ZoneId::Inner => self.inner_round(),
            ZoneId::Outer => self.outer_round(),
        }
    }

    /// A killed node starts again after a while, and looks.
    fn start_again(&mut self, zone: ZoneId) {
        self.tell(zone.name(), "the node is killed");
        let wait_ms = self.wait(50);
        self.nodes_mut().planned[zone.index()] = true;
        self.plan_event(wait_ms, Event::Round(zone));
    }

    fn inner_round(&mut self) {
        let at_once = self.nodes_mut().at_once;
        if let Some(task) = self.nodes_mut().again.take() {
            self.transaction(ZoneId::Inner, |desk| inner::perform(desk, task));
        }
        let tasks = self.read(ZoneId::Inner, |desk| inner::tasks(desk));
        for part in tasks.chunks(at_once) {
            let left: Vec<ConfirmResult> = self.transaction(ZoneId::Inner, |desk| {
                part.iter().filter_map(|task| inner::perform(desk, task.clone())).collect()
            });
            if self.is_killed() {
                let repeats = self.options.mistake == Some(super::mistake::Mistake::BookedAgain);
                let booked = part.iter().rev().find(|task| matches!(task, inner::Task::Book(_)));
                self.nodes_mut().again = booked.cloned().filter(|_| repeats);
                return self.start_again(ZoneId::Inner);
            }
            if !left.is_empty() {
                self.transaction(ZoneId::Inner, |desk| left.iter().for_each(|answer| desk.put(answer)));
            }
        }
    }

    fn outer_round(&mut self) {
        for no in self.read(ZoneId::Outer, |desk| outer::expired(desk)) {
            // Its channel is asked first, and may not know yet.
            let of_order = |nodes: &Nodes| nodes.people.payments.iter().position(|paid| paid.order_no == no);
            let known = of_order(self.nodes_mut()).filter(|place| !self.nodes_mut().people.payments[*place].is_heard);
            match known {
                Some(place) if self.nodes_mut().prng.below(2) == 0 => self.hear_channel(place),
                Some(_) | None => self.transaction(ZoneId::Outer, |desk| outer::close(desk, &no)),
            }
            if self.is_killed() {
                return self.start_again(ZoneId::Outer);
            }
        }
        if !self.read(ZoneId::Outer, |desk| outer::has_news(desk)) {
            return;
        }
        let pay_codes = self.transaction(ZoneId::Outer, outer::relay);
        for pay_code in pay_codes {
            self.order(&pay_code);
        }
    }

    /// A channel says what became of an order. Until the node has answered, it says so again.
    fn hear_channel(&mut self, place: usize) {
        let wait_ms = self.wait(20);
        let is_lost = !self.is_safe && self.nodes_mut().prng.below(5) == 0;
        if is_lost || !self.is_open(ZoneId::Outer) {
            return self.plan_event(wait_ms, Event::Tell(place));
        }
        let said = self.nodes_mut().people.payments[place].clone();
        let heard = self.transaction(ZoneId::Outer, |desk| outer::hear(desk, &said));
        self.tell("outer", &format!("the channel tells of {}", said.channel_order_no));
        if self.is_killed() {
            self.start_again(ZoneId::Outer);
            return self.plan_event(wait_ms, Event::Tell(place));
        }
        if let Heard::Unconfirmed(papers) = heard {
            self.transaction(ZoneId::Outer, |desk| outer::confirm_with(desk, &papers.0, &papers.1));
        }
        self.nodes_mut().people.payments[place].is_heard = true;
    }

    /// A bank or the police report a payment. Until the node has answered, they report it again.
    fn hear_report(&mut self, place: usize) {
        let wait_ms = self.wait(20);
        if !self.is_open(ZoneId::Inner) {
            return self.plan_event(wait_ms, Event::Report(place));
        }
        let report = self.nodes_mut().people.reports[place].clone();
        self.transaction(ZoneId::Inner, |desk| inner::take_offline(desk, &report));
        if self.is_killed() {
            self.start_again(ZoneId::Inner);
            return self.plan_event(wait_ms, Event::Report(place));
        }
        self.nodes_mut().people.reports[place].is_heard = true;
    }

    /// Somebody does something in one of the zones.
    pub(in crate::world) fn act(&mut self) {
        let drawn = self.nodes_mut().prng.below(24);
        let zone = if drawn < 8 { ZoneId::Inner } else { ZoneId::Outer };
        if !self.is_open(zone) {
            return;
        }
        match drawn {
            0 => self.transaction(zone, inner::edit),
            1 => self.transaction(zone, inner::amend),
            2 => self.transaction(zone, inner::void),
            3 => self.transaction(zone, inner::refund),
            4..7 => self.issue(),
            7 => self.pay_offline(),
            8..10 => self.ask(),
            10..18 => self.order_some(),
            18 => self.order_directly(""),
            _ => self.pay_some(),
        }
    }

    fn issue(&mut self) {
        let papers: Vec<u64> = self.nodes_mut().papers.iter().copied().collect();
        let secret = self.nodes_mut().people.secret();
        self.transaction(ZoneId::Inner, |desk| {
            let paper = desk.pick(&papers).and_then(|paper| pool().notices.get(usize::try_from(paper).ok()?));
            let Some(paper) = paper.cloned() else { return };
            // A day that the generator has drawn may be over.
            let expire_date = desk.prng.below(3).checked_sub(1).map(|years| format!("{}1231", 2026 + years));
            let notice = PayNotice { payer_id_no: Some(secret), payer_phone: None, expire_date, ..paper.notice };
            let lines = paper.items.into_iter().map(|item| (item.item_code, item.quantity, item.unit_fen)).collect();
            // What breaks a rule, as where the agency is switched off, is not issued.
            drop(inner::issue(desk, inner::Draft { notice, lines }));
        });
    }

    /// Somebody pays what a notice says at a counter or to the police, mostly what it asks for.
    fn pay_offline(&mut self) {
        let drawn = self.read(ZoneId::Inner, |desk| {
            let notices = desk.all::<PayNotice>();
            let notice = desk.pick(&notices)?;
            let differs = desk.prng.below(8) == 0;
            let source = desk.pick(&[OfflineSource::Bank, OfflineSource::PoliceBatch])?;
            Some((notice.pay_code, source, notice.total_fen + i64::from(differs)))
        });
        let Some((pay_code, source, amount_fen)) = drawn else { return };
        let now_ms = self.options.wall_start_ms + self.now_ms;
        let place = self.nodes_mut().people.pay_offline(&pay_code, source, amount_fen, now_ms);
        let wait_ms = self.wait(10);
        self.plan_event(wait_ms, Event::Report(place));
    }

    fn ask(&mut self) {
        let papers: Vec<u64> = self.nodes_mut().papers.iter().copied().collect();
        let secret = self.nodes_mut().people.secret();
        self.transaction(ZoneId::Outer, |desk| {
            let paper = desk.pick(&papers).and_then(|paper| pool().requests.get(usize::try_from(paper).ok()?));
            let Some(mut paper) = paper.cloned() else { return };
            (paper.request.payer_id_no, paper.request.payer_phone) = (Some(secret), None);
            paper.request.expire_date = None;
            outer::request(desk, &paper.request, &paper.items);
        });
    }

    fn order_some(&mut self) {
        let notice = self.read(ZoneId::Outer, |desk| {
            let is_due = |notice: &PayNotice| notice.state == 0;
            let mut due: Vec<PayNotice> = desk.all().into_iter().filter(is_due).collect();
            // Whoever gave up once tries again, and the money of the first time may still come.
            let is_closed = |notice: &PayNotice| desk.kept().states(&notice.pay_code, "").contains(&OrderState::Closed);
            let again: Vec<PayNotice> = due.iter().filter(|notice| is_closed(notice)).cloned().collect();
            if !again.is_empty() && desk.prng.below(4) > 0 {
                due = again;
            }
            desk.pick(&due)
        });
        if let Some(notice) = notice {
            self.order(&notice.pay_code);
        }
    }

    fn order(&mut self, pay_code: &str) {
        let expire_ms = self.expiry();
        let no = self.transaction(ZoneId::Outer, |desk| outer::order(desk, pay_code, expire_ms));
        if let Some(no) = no.filter(|_| self.nodes_mut().prng.below(4) > 0) {
            self.pay(&no);
        }
    }

    /// When the order is over by the wall clock of its zone; the node looks then.
    fn expiry(&mut self) -> u64 {
        let wait_ms = self.wait(20);
        self.plan_event(wait_ms + 1, Event::Round(ZoneId::Outer));
        self.host(ZoneId::Outer).now(self.now_ms).wall_ms + wait_ms
    }

    /// What began at a unit's own site is ordered and paid; with a word its payer has that name.
    fn order_directly(&mut self, word: &str) {
        let papers: Vec<u64> = self.nodes_mut().papers.iter().copied().collect();
        let expire_ms = self.expiry();
        let no = self.transaction(ZoneId::Outer, |desk| {
            let paper = desk.pick(&papers).and_then(|paper| pool().notices.get(usize::try_from(paper).ok()?))?;
            let (notice, line) = (&paper.notice, paper.items.first()?);
            let confirm = PayConfirm {
                fiscal_year: notice.fiscal_year.clone(),
                agency_id: notice.agency_id.clone(),
                biz_line: notice.biz_line.clone(),
                payer_type: notice.payer_type,
                payer_name: if word.is_empty() { notice.payer_name.clone() } else { word.to_owned() },
                amount_fen: line.amount_fen,
                ..PayConfirm::default()
            };
            let item = contract::rows::PayConfirmItem {
                confirm_id: String::new(),
                line_no: 1,
                item_code: line.item_code.clone(),
                item_name: line.item_name.clone(),
                quantity: line.quantity,
                unit_fen: line.unit_fen,
                amount_fen: line.amount_fen,
            };
            outer::order_directly(desk, &confirm, &[item], expire_ms)
        });
        if let Some(no) = no {
            self.pay(&no);
        }
    }

    fn pay_some(&mut self) {
        let no = self.read(ZoneId::Outer, |desk| {
            let is_open = |state: OrderState| matches!(state, OrderState::Pending | OrderState::Failed);
            let open: Vec<String> =
                desk.kept().orders.iter().filter(|(_, order)| is_open(order.state)).map(|(no, _)| no.clone()).collect();
            desk.pick(&open)
        });
        if let Some(no) = no {
            self.pay(&no);
        }
    }

    /// A payer begins to pay an order. Now and then the channel stays silent, is late, says so twice, or takes the money twice.
    fn pay(&mut self, no: &str) {
        let Some(amount_fen) = self.transaction(ZoneId::Outer, |desk| outer::pay(desk, no)) else { return };
        let now_ms = self.options.wall_start_ms + self.now_ms;
        let drawn = self.nodes_mut().prng.below(20);
        let payments = match drawn {
            0 => 0,
            1 => 2,
            _ => 1,
        };
        for _ in 0..payments {
            let nodes = self.nodes_mut();
            let place = nodes.people.pay(&mut nodes.prng, no, amount_fen, !(2..4).contains(&drawn), now_ms);
            let tells = if drawn.is_multiple_of(4) { 2 } else { 1 };
            for _ in 0..tells {
                let wait_ms = self.wait(if drawn.is_multiple_of(3) { 3 } else { 60 });
                self.plan_event(wait_ms, Event::Tell(place));
            }
        }
    }

    /// Faults end: everybody does one more thing, and says what he has to say.
    pub(in crate::world) fn end_acts(&mut self) {
        if self.options.transactions == 0 {
            return;
        }
        for zone in ZoneId::BOTH {
            if !self.is_open(zone) {
                continue;
            }
            match zone {
                ZoneId::Inner => {
                    self.transaction(zone, inner::edit);
                    self.issue();
                }
                ZoneId::Outer => {
                    self.ask();
                    self.order_some();
                    self.order_directly("");
                }
            }
        }
        for zone in ZoneId::BOTH {
            self.say_again(zone, 50);
        }
    }

    /// A zone was put back, and people know: banks, police and channels tell its node everything again.
    pub(in crate::world) fn put_back_node(&mut self, zone: ZoneId) {
        let Some(nodes) = self.nodes.as_deref_mut() else { return };
        nodes.was_put_back[zone.index()] = true;
        nodes.put_back += 1;
        match zone {
            ZoneId::Inner => nodes.people.reports.iter_mut().for_each(|report| report.is_heard = false),
            ZoneId::Outer => nodes.people.payments.iter_mut().for_each(|paid| paid.is_heard = false),
        }
        self.say_again(zone, 10);
    }

    fn say_again(&mut self, zone: ZoneId, part: u64) {
        let people = &self.nodes_mut().people;
        let events: Vec<Event> = match zone {
            ZoneId::Inner => people
                .reports
                .iter()
                .enumerate()
                .filter(|(_, one)| !one.is_heard)
                .map(|(at, _)| Event::Report(at))
                .collect(),
            ZoneId::Outer => people
                .payments
                .iter()
                .enumerate()
                .filter(|(_, one)| !one.is_heard)
                .map(|(at, _)| Event::Tell(at))
                .collect(),
        };
        for event in events {
            let wait_ms = self.wait(part);
            self.plan_event(wait_ms, event);
        }
    }

    /// What the nodes have still to do, if anything.
    #[must_use]
    pub fn nodes_wait(&self) -> Option<String> {
        let nodes = self.nodes.as_deref()?;
        let is_unheard = match () {
            () if self.is_open(ZoneId::Outer) && nodes.people.payments.iter().any(|paid| !paid.is_heard) => true,
            () => self.is_open(ZoneId::Inner) && nodes.people.reports.iter().any(|report| !report.is_heard),
        };
        if is_unheard {
            return Some("a payment was not heard of".to_owned());
        }
        let mut prng = nodes.prng.clone();
        for zone in ZoneId::BOTH.into_iter().filter(|zone| self.is_open(*zone)) {
            let mut database = self.host(zone).store.database();
            let desk = Desk::new(&mut database, 0, &mut prng, nodes.mistake);
            let task = match zone {
                ZoneId::Inner => inner::tasks(&desk).first().map(|task| format!("inner: {task:?}")),
                ZoneId::Outer => outer::has_news(&desk).then(|| "outer: units were not told".to_owned()),
            };
            if task.is_some() {
                return task;
            }
        }
        None
    }

    /// A row that the receiving database does not take: a payer of that name, or a row of nobody.
    pub(in crate::world) fn poison_node(&mut self, stream: &StreamName) {
        let owner = self.model.streams[stream].owner;
        if !self.is_open(owner) {
            return;
        }
        if stream.as_str() == "confirm" {
            return self.order_directly(POISON);
        }
        self.row_count += 1;
        let change = orphan(stream, self.row_count, Oddity::Poison);
        self.write_odd(stream, change);
    }

    /// A row of a stream by no program of the zone.
    pub(in crate::world) fn write_odd(&mut self, stream: &StreamName, change: Change) {
        let exists = {
            let database = self.host(self.model.streams[stream].owner).store.database();
            database.tables.get(&change.table).is_some_and(|rows| rows.contains_key(&change.key))
        };
        let op = if exists { Op::Update } else { Op::Insert };
        self.commit(stream, &[Change { op, ..change }]);
    }

    /// A row as it should be: one of nobody whole, one of a node without the bad word.
    pub(in crate::world) fn rewrite_node(&mut self, stream: &StreamName, table: &str, key: &str) {
        if let Some(number) = key.split(ORPHAN).nth(1) {
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            let change = orphan(stream, digits.parse().unwrap_or(0), Oddity::None);
            return self.write_odd(stream, change);
        }
        let values = {
            let database = self.host(self.model.streams[stream].owner).store.database();
            database.tables.get(table).and_then(|rows| rows.get(key)).cloned()
        };
        if let Some(values) = values {
            let (table, key, values) = (table.to_owned(), key.to_owned(), values.replace(POISON, "mended"));
            self.commit(stream, &[Change { table, op: Op::Update, key, values }]);
        }
    }

    /// The books of a zone, and the offline payments that it holds, for those who look on.
    #[must_use]
    pub fn books(&self, zone: ZoneId) -> (Books, Vec<OfflinePayment>) {
        let database = self.host(zone).store.database();
        (database.books.clone(), all(&database))
    }
}

/// Gives sensitive values the mark by which worlds look for them.
fn mark_secrets(mut row: contract::Change) -> contract::Change {
    for cell in &mut row.cells {
        if let contract::Cell::Text(text) = cell
            && text.starts_with(GENERATED_SECRET)
        {
            *text = format!("{SEALED_SECRET}0000000000");
        }
    }
    row
}
