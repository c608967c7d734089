//! Places that statuses and other streams witness, against the batches that are there.

use ferry_format::{KeyState, TrustEntry};

use super::chain::{Bench, Chain};
use super::evidence::{Witness, WitnessKind};
use super::finding::{Finding, FindingCode};
use crate::text;

/// Appends every witnessed place that is not as witnessed, and the tail that is witnessed and missing.
pub fn judge(bench: &Bench<'_>, chain: &Chain<'_>, findings: &mut Vec<Finding>) {
    for ((seq, digest), witness) in &bench.stream.marks {
        let (there, names) = match chain.at(*seq) {
            Some(kept) => (Some(kept.digest), [Some(kept.digest), Some(kept.chain)]),
            None if *seq == 0 => (bench.genesis(), [bench.genesis(), None]),
            None => continue,
        };
        let Some(there) = there else { continue };
        if names.contains(&Some(*digest)) {
            continue;
        }
        let (named, there) = (digest.short(), there.short());
        let (code, message) = match witness.kind {
            WitnessKind::Received => (
                FindingCode::DigestConflict,
                text!(
                    "the receiver's status says that it applied {named} at this place, but the batch here is {there}",
                    "接收方状态文件称该位置已应用的是 {named}，而此处的批次为 {there}"
                ),
            ),
            WitnessKind::Sent => (
                FindingCode::DigestConflict,
                text!(
                    "the owner's status says that it recorded {named} at this place, but the batch here is {there}",
                    "发送方状态文件称该位置已登记的是 {named}，而此处的批次为 {there}"
                ),
            ),
            WitnessKind::Required => (
                FindingCode::RequiresConflict,
                text!(
                    "a batch of another stream requires {named} at this place, but the batch here is {there}",
                    "另一流的批次要求该位置为 {named}，而此处的批次为 {there}"
                ),
            ),
        };
        findings.push(bench.finding(code, *seq, *seq, Some(witness.file), message));
    }
    if !bench.partial {
        findings.extend(missing_tail(bench, chain));
    }
    findings.extend(bench.trust.entries().iter().filter_map(|entry| not_the_last_good(bench, chain, entry)));
}

/// A revocation names the last good batch of its key. What the key signed before counts because it chains to that one.
fn not_the_last_good(bench: &Bench<'_>, chain: &Chain<'_>, entry: &TrustEntry) -> Option<Finding> {
    let KeyState::Revoked { last_good, .. } = &entry.state else { return None };
    let key = bench.key;
    let good = last_good.iter().find(|mark| mark.stream == key.stream && mark.epoch == key.epoch)?;
    let there = chain.at(good.seq).filter(|kept| kept.digest != good.digest)?;
    if entry.link != key.link || entry.zone != key.from {
        return None;
    }
    let (named, digest) = (good.digest.short(), there.digest.short());
    let message = text!(
        "the revocation of the sender's key names {named} as the last good batch here, but the batch is {digest}",
        "发送方密钥的吊销书称此处最后有效批次为 {named}，而此处的批次为 {digest}"
    );
    Some(bench.finding(FindingCode::DigestConflict, good.seq, good.seq, Some(there.file), message))
}

fn missing_tail(bench: &Bench<'_>, chain: &Chain<'_>) -> Option<Finding> {
    // What its owner had recorded of a life that has ended, and nobody applied, may have reached nobody.
    let has_ended = bench.ended_by().next().is_some();
    let highest = if has_ended { bench.stream.highest_applied } else { bench.stream.highest };
    let (proven, witness) = highest?;
    let last = chain.batches.last().map_or(0, |kept| kept.seq);
    if proven <= last {
        return None;
    }
    let message = said_by(witness, proven, last);
    Some(bench.finding(FindingCode::MissingTail, last + 1, proven, Some(witness.file), message))
}

fn said_by(witness: Witness, proven: u64, last: u64) -> crate::Text {
    match witness.kind {
        WitnessKind::Received => text!(
            "the receiver's status proves that it applied seq {proven}, but the files end at seq {last}",
            "接收方状态文件证明已应用至序号 {proven}，而文件只到序号 {last}"
        ),
        WitnessKind::Sent => text!(
            "the owner's status proves that it recorded seq {proven}, but the files end at seq {last}",
            "发送方状态文件证明已登记至序号 {proven}，而文件只到序号 {last}"
        ),
        WitnessKind::Required => text!(
            "a batch of another stream requires seq {proven}, but the files end at seq {last}",
            "另一流的批次依赖序号 {proven}，而文件只到序号 {last}"
        ),
    }
}
