//! The heads of a zone's audit log as its batches, its statuses and its peer show them: one root for each size, and
//! never a smaller one in a later batch.

use std::collections::BTreeMap;

use ferry_format::{Checkpoint, Instance, LinkId, ZoneName};

use super::evidence::{Evidence, Kept, StreamKey};
use super::finding::{Finding, FindingCode, Place};
use super::walk::Files;
use crate::text;

/// A zone on a link.
pub type Zone = (LinkId, ZoneName);

/// A head of an audit log, and the file that shows it.
type Shown = (Checkpoint, u32);

/// Appends every fork. Returns the zones of which only the heads in their own statuses could be compared: they showed
/// several databases, and neither a batch nor the peer's word says to which of them a head belongs.
pub fn judge(evidence: &Evidence, files: &Files, findings: &mut Vec<Finding>) -> Vec<Zone> {
    let unclear = zones_with_several_databases(evidence);
    let mut shown: BTreeMap<(Zone, Option<Instance>), Vec<Shown>> = BTreeMap::new();
    for (speaker, instances) in &evidence.statuses {
        let own = (speaker.link.clone(), speaker.from.clone());
        let peer = (speaker.link.clone(), speaker.to.clone());
        for (instance, statuses) in instances {
            let instance = unclear.contains(&own).then_some(*instance);
            let heads = statuses.iter().map(|status| (status.audit, status.file));
            shown.entry((own.clone(), instance)).or_default().extend(heads);
            if !unclear.contains(&peer) {
                let witnessed = statuses.iter().filter_map(|status| Some((status.witness?, status.file)));
                shown.entry((peer.clone(), None)).or_default().extend(witnessed);
            }
        }
    }
    for (key, stream) in &evidence.streams {
        let own = (key.link.clone(), key.from.clone());
        if !unclear.contains(&own) {
            let heads = stream.batches.values().map(|kept| (kept.audit, kept.file));
            shown.entry((own, None)).or_default().extend(heads);
            shrinking(key, stream.batches.values(), files, findings);
        }
    }
    for ((zone, _), mut heads) in shown {
        heads.sort_by_key(|(checkpoint, file)| (checkpoint.size, checkpoint.root, *file));
        heads.dedup_by_key(|(checkpoint, _)| (checkpoint.size, checkpoint.root));
        forks(&zone, &heads, files, findings);
    }
    unclear
}

fn zones_with_several_databases(evidence: &Evidence) -> Vec<Zone> {
    let several = evidence.statuses.iter().filter(|(_, instances)| instances.len() > 1);
    several.map(|(speaker, _)| (speaker.link.clone(), speaker.from.clone())).collect()
}

fn forks(zone: &Zone, heads: &[Shown], files: &Files, findings: &mut Vec<Finding>) {
    for pair in heads.windows(2).filter(|pair| pair[0].0.size == pair[1].0.size) {
        let ((first, one), (second, other)) = (pair[0], pair[1]);
        let (size, name, file) = (first.size, &zone.1, files.shown(one));
        let (root, other_root) = (first.root.short(), second.root.short());
        let message = text!(
            "the audit log of zone {name} has two roots at {size} entries: {root} in {file}, and {other_root} here",
            "{name} 区的审计日志在 {size} 条处有两个根：{file} 中为 {root}，此处为 {other_root}"
        );
        let place = Place { link: Some(zone.0.clone()), from: Some(zone.1.clone()), ..Place::default() };
        findings.push(Finding::new(FindingCode::AuditFork, Some(files.shown(other)), place, message));
    }
}

fn shrinking<'a>(key: &StreamKey, batches: impl Iterator<Item = &'a Kept>, files: &Files, findings: &mut Vec<Finding>) {
    let mut before: Option<&Kept> = None;
    // What took the place of another batch was cut after those behind it.
    for kept in batches.filter(|kept| kept.chain == kept.digest) {
        if let Some(before) = before.filter(|before| before.audit.size > kept.audit.size) {
            let (size, was, seq) = (kept.audit.size, before.audit.size, before.seq);
            let message = text!(
                "the sender's audit log has {size} entries here, but at seq {seq} it had {was}",
                "此处发送方审计日志有 {size} 条，而在序号 {seq} 处已有 {was} 条"
            );
            let place = key.place(kept.seq, kept.seq);
            findings.push(Finding::new(FindingCode::AuditFork, Some(files.shown(kept.file)), place, message));
        }
        before = Some(kept);
    }
}
