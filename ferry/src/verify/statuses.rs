//! The statuses of one database: one statement a number, and nothing that was said is ever taken back. Only what a start has
//! heard of the peer counts for that start alone.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::{BootNonce, StreamName};

use super::evidence::{KeptStatus, Speaker, StatusMark};
use super::finding::{Finding, FindingCode, Place};
use super::walk::Files;
use crate::{Text, text};

/// What the statuses of one database are judged with.
pub struct Court<'a> {
    pub speaker: &'a Speaker,
    pub names: &'a [StreamName],
    pub files: &'a Files,
}

/// What has been said so far.
#[derive(Default)]
struct Said<'a> {
    before: Option<&'a KeptStatus>,
    marks: BTreeMap<(u32, u32, bool), u64>,
    echoes: BTreeMap<BootNonce, u64>,
    ended_boots: BTreeSet<BootNonce>,
}

impl Court<'_> {
    /// Sorts the statuses by number, drops copies and appends every fault. Returns how many different ones there are.
    pub fn judge(&self, statuses: &mut Vec<KeptStatus>, findings: &mut Vec<Finding>) -> usize {
        statuses.sort_by_key(|status| (status.number, status.digest, status.file));
        statuses.dedup_by_key(|status| (status.number, status.digest));
        let mut said = Said::default();
        for status in statuses.iter() {
            self.hear(&mut said, status, findings);
            said.before = Some(status);
        }
        statuses.len()
    }

    fn hear<'a>(&self, said: &mut Said<'a>, status: &'a KeptStatus, findings: &mut Vec<Finding>) {
        if let Some(before) = said.before {
            if before.number == status.number {
                findings.push(self.two_statuses(before, status));
                return;
            }
            self.boots(said, before, status, findings);
            self.shrinking(before, status, findings);
        }
        for mark in &status.marks {
            self.mark(said, mark, status, findings);
        }
        if let Some((boot, number)) = status.echo {
            let highest = said.echoes.entry(boot).or_default();
            if number < *highest {
                let message = text!(
                    "it echoes status {number} of the peer, but an earlier one echoed {highest} of the same boot",
                    "它回显对端状态文件 {number} 号，而更早的状态文件已回显同一次启动的 {highest} 号"
                );
                findings.push(self.finding(FindingCode::StatusRegression, status, message));
            }
            *highest = number;
        }
    }

    fn two_statuses(&self, first: &KeptStatus, second: &KeptStatus) -> Finding {
        let file = self.files.shown(first.file);
        let message = text!(
            "another status with this number of the same database is in {file}",
            "同一数据库的同一编号另有一份状态文件：{file}"
        );
        self.finding(FindingCode::TwoStatuses, second, message)
    }

    fn boots<'a>(&self, said: &mut Said<'a>, before: &'a KeptStatus, status: &KeptStatus, findings: &mut Vec<Finding>) {
        if before.boot == status.boot {
            return;
        }
        // A start remembers of the peer what the anchor had, and a killed daemon had heard more.
        said.echoes.clear();
        said.ended_boots.insert(before.boot);
        if said.ended_boots.contains(&status.boot) {
            let number = before.number;
            let message = text!(
                "it is of a start of the daemon that had ended before status {number}",
                "它属于在状态文件 {number} 号之前已结束的一次守护进程启动"
            );
            findings.push(self.finding(FindingCode::StatusRegression, status, message));
        }
    }

    fn shrinking(&self, before: &KeptStatus, status: &KeptStatus, findings: &mut Vec<Finding>) {
        let (old, new) = (before.audit, status.audit);
        if new.size < old.size {
            let (size, number, was) = (new.size, before.number, old.size);
            let message = text!(
                "its audit log has {size} entries, but status {number} said {was}",
                "其审计日志有 {size} 条，而状态文件 {number} 号称有 {was} 条"
            );
            findings.push(self.finding(FindingCode::AuditFork, status, message));
        }
    }

    fn mark(&self, said: &mut Said<'_>, mark: &StatusMark, status: &KeptStatus, findings: &mut Vec<Finding>) {
        let highest = said.marks.entry((mark.stream, mark.epoch, mark.sent)).or_insert(mark.seq);
        if mark.seq < *highest {
            let stream = &self.names[usize::try_from(mark.stream).expect("the names lie in memory")];
            let (seq, was) = (mark.seq, *highest);
            findings.push(self.finding(FindingCode::StatusRegression, status, fell(mark.sent, stream, seq, was)));
        }
        *highest = mark.seq;
    }

    fn finding(&self, code: FindingCode, status: &KeptStatus, message: Text) -> Finding {
        let place = Place {
            link: Some(self.speaker.link.clone()),
            from: Some(self.speaker.from.clone()),
            to: Some(self.speaker.to.clone()),
            number: Some(status.number),
            ..Place::default()
        };
        Finding::new(code, Some(self.files.shown(status.file)), place, message)
    }
}

fn fell(sent: bool, stream: &StreamName, seq: u64, was: u64) -> Text {
    if sent {
        text!(
            "it says that stream {stream} was recorded up to seq {seq}, but an earlier one said {was}",
            "它称流 {stream} 已登记至序号 {seq}，而更早的状态文件称已至 {was}"
        )
    } else {
        text!(
            "it says that stream {stream} was applied up to seq {seq}, but an earlier one said {was}",
            "它称流 {stream} 已应用至序号 {seq}，而更早的状态文件称已至 {was}"
        )
    }
}
