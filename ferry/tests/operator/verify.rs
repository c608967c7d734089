//! `ferry verify` finds every fault in an archive, and no fault in a good one.

use std::fs;
use std::process::Command;

use crate::archive::{Archive, codes, head, link, put};
use ferry::Lang;
use ferry::verify::FindingCode;
use ferry_format::{BootNonce, Carrier, Echo, Group, Mark};

#[test]
fn a_good_archive_has_no_fault() {
    let mut archive = Archive::new();
    let made = archive.confirms(3);
    archive.inner_status(1, vec![made[1].mark()], head(5, 2));
    archive.inner_status(2, vec![made[2].mark()], head(6, 2));
    put(&archive.files().join("notes.txt"), b"not ours");

    let (exit, document) = archive.verify(&[]);

    assert_eq!((exit, &document["ok"]), (0, &true.into()), "{document:#}");
    let stream = &document["streams"][0];
    assert_eq!((&stream["stream"], &stream["epoch"]), (&"confirm".into(), &1.into()));
    assert_eq!((&stream["batches"], &stream["first_seq"], &stream["last_seq"]), (&3.into(), &1.into(), &3.into()));
    assert_eq!((&stream["proven_to"], &stream["witnessed_to"]), (&3.into(), &3.into()));
    assert_eq!(stream["last_digest"], made[2].sealed.digest.to_string());
    assert_eq!(
        (&stream["tables"][0]["inserts"], &stream["tables"][0]["totals_fen"]["amt"]),
        (&3.into(), &"300".into())
    );
    assert_eq!((&document["files"]["foreign"], &document["files"]["statuses"]), (&1.into(), &2.into()));
    assert_eq!(document["keys"].as_array().unwrap().len(), 4);
}

#[test]
fn further_attempts_and_copies_are_no_fault_and_count_once() {
    let mut archive = Archive::new();
    let made = archive.confirms(2);
    let copies = archive.files().join("copies");
    fs::create_dir(&copies).unwrap();
    put(&copies.join(made[0].name(1)), &made[0].sealed.bytes);
    put(&copies.join(made[1].name(7)), &made[1].sealed.bytes);
    let again = archive.seal(made[1].statement.clone(), made[1].payload.clone(), false);
    assert_ne!(again.sealed.bytes, made[1].sealed.bytes);
    put(&copies.join(made[1].name(8)), &again.sealed.bytes);

    let (exit, document) = archive.verify(&[]);

    assert_eq!(exit, 0, "{document:#}");
    assert_eq!((&document["streams"][0]["batches"], &document["files"]["copies"]), (&2.into(), &3.into()));
    assert_eq!(document["streams"][0]["tables"][0]["inserts"], 2);
}

#[test]
fn every_carrier_is_read() {
    let mut archive = Archive::new();
    let made = archive.confirms(3);
    put(&archive.keep(&made[1]), &Carrier::Base64.encode(&made[1].sealed.bytes));
    put(&archive.keep(&made[2]), &Carrier::Xml.encode(&made[2].sealed.bytes));
    let (exit, document) = archive.verify(&[]);
    assert_eq!(exit, 0, "{document:#}");
}

#[test]
fn a_flipped_byte_is_found_wherever_it_is() {
    let mut archive = Archive::new();
    let made = archive.confirms(2);
    let good = &made[1].sealed.bytes;
    let header = good.iter().skip(16).position(|byte| *byte == b'\n').unwrap() + 16;
    for at in [0, 3, 20, header / 2, header, header + 1, good.len() - 60, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        put(&archive.keep(&made[1]), &bytes);
        let (exit, document) = archive.verify(&[]);
        assert_eq!((exit, codes(&document).len()), (20, 1), "byte {at}: {document:#}");
        assert!(document["faults"][0]["file"].as_str().unwrap().ends_with(&made[1].name(1)), "{document:#}");
    }
}

#[test]
fn spoilt_rows_leave_the_statement_proven() {
    let mut archive = Archive::new();
    let made = archive.confirms(3);
    let mut bytes = made[1].sealed.bytes.clone();
    let header = bytes.iter().skip(16).position(|byte| *byte == b'\n').unwrap() + 16;
    bytes[header + 5] ^= 1;
    put(&archive.keep(&made[1]), &bytes);
    let (_, document) = archive.verify(&[]);
    assert_eq!(codes(&document), ["damaged-chunk"]);
    assert_eq!((&document["faults"][0]["seq"], &document["streams"][0]["proven_to"]), (&2.into(), &3.into()));
}

#[test]
fn a_missing_batch_in_the_middle_is_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(5);
    for missing in [&made[1], &made[2]] {
        fs::remove_file(archive.keep(missing)).unwrap();
    }
    let (exit, document) = archive.verify(&[]);
    assert_eq!((exit, codes(&document)), (20, vec!["missing-seq"]));
    let fault = &document["faults"][0];
    assert_eq!((&fault["seq"], &fault["seq_last"], &fault["stream"]), (&2.into(), &3.into(), &"confirm".into()));
    assert_eq!(document["streams"][0]["proven_to"], 1);
}

#[test]
fn the_beginning_may_be_missing_only_from_a_part_of_an_archive() {
    let mut archive = Archive::new();
    let made = archive.confirms(3);
    fs::remove_file(archive.keep(&made[0])).unwrap();
    let (exit, document) = archive.verify(&[]);
    assert_eq!((exit, codes(&document)), (20, vec!["missing-seq"]));
    let (exit, document) = archive.verify(&["--partial"]);
    assert_eq!(exit, 0, "{document:#}");
    assert!(document["not_checked"].to_string().contains("--partial"));
}

#[test]
fn swapped_names_are_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(2);
    put(&archive.files().join(made[0].name(1)), &made[1].sealed.bytes);
    put(&archive.files().join(made[1].name(1)), &made[0].sealed.bytes);
    let (exit, document) = archive.verify(&[]);
    assert_eq!((exit, codes(&document)), (20, vec!["name-mismatch", "name-mismatch"]));
}

#[test]
fn a_statement_signed_by_an_untrusted_key_is_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(3);
    let mut statement = made[1].statement.clone();
    statement.tables[0].totals.insert("amt".to_owned(), 1);
    fs::remove_file(archive.keep(&made[1])).unwrap();
    let forged = archive.seal(statement, made[1].payload.clone(), true);
    archive.keep(&forged);
    let (exit, document) = archive.verify(&[]);
    assert_eq!((exit, codes(&document)), (20, vec!["unknown-signer", "missing-seq"]));
    let fault = &document["faults"][0];
    assert_eq!((&fault["stream"], &fault["seq"], &fault["claimed"]), (&"confirm".into(), &2.into(), &true.into()));
    assert!(document["faults"][1]["message"].as_str().unwrap().contains("did not verify"), "{document:#}");
}

#[test]
fn two_statements_under_one_seq_are_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(2);
    let other = archive.batch("confirm", Some(&made[0]), |statement| statement.cut_at_ms += 1000);
    archive.keep(&other);
    let (exit, document) = archive.verify(&[]);
    assert_eq!((exit, codes(&document)), (20, vec!["two-statements"]));
    assert_eq!((&document["faults"][0]["seq"], &document["streams"][0]["batches"]), (&2.into(), &2.into()));
}

#[test]
fn a_missing_tail_is_shown_by_the_status_of_the_peer() {
    let mut archive = Archive::new();
    let made = archive.confirms(4);
    let status = archive.inner_status(1, vec![made[3].mark()], head(1, 2));
    for missing in &made[2..] {
        fs::remove_file(archive.keep(missing)).unwrap();
    }
    let (exit, document) = archive.verify(&[]);
    assert_eq!((exit, codes(&document)), (20, vec!["missing-tail"]));
    let fault = &document["faults"][0];
    assert_eq!((&fault["seq"], &fault["seq_last"]), (&3.into(), &4.into()));
    assert_eq!(fault["file"], status.display().to_string());
}

#[test]
fn a_status_about_another_batch_is_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(2);
    let mut mark = made[1].mark();
    mark.digest = made[0].sealed.digest;
    archive.inner_status(1, vec![mark], head(1, 2));
    let (_, document) = archive.verify(&[]);
    assert_eq!(codes(&document), ["digest-conflict"]);
}

#[test]
fn a_status_that_takes_something_back_is_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(2);
    archive.inner_status(1, vec![made[1].mark()], head(5, 2));
    archive.inner_status(2, vec![made[0].mark()], head(4, 2));
    archive.inner_status(3, vec![made[1].mark()], head(5, 3));
    let (_, document) = archive.verify(&[]);
    assert_eq!(codes(&document), ["audit-fork", "status-regression", "audit-fork"], "{document:#}");
    assert_eq!((&document["faults"][0]["number"], &document["faults"][1]["number"]), (&2.into(), &2.into()));
}

#[test]
fn an_echo_that_goes_back_is_found_within_one_start_and_is_no_fault_after_another() {
    let echo = |number| Some(Echo { boot: BootNonce([7; 16]), number });
    let mut archive = Archive::new();
    archive.changed_status(1, |statement| statement.echo = echo(20));
    let restarted = BootNonce([8; 16]);
    archive.changed_status(2, |statement| (statement.boot, statement.echo) = (restarted, echo(16)));
    archive.changed_status(3, |statement| (statement.boot, statement.echo) = (restarted, echo(21)));
    let (exit, document) = archive.verify(&[]);
    assert_eq!((exit, codes(&document)), (0, vec![]), "{document:#}");
    let last = archive.changed_status(4, |statement| (statement.boot, statement.echo) = (restarted, echo(19)));
    let (exit, document) = archive.verify(&[]);
    assert_eq!((exit, codes(&document)), (20, vec!["status-regression"]), "{document:#}");
    assert_eq!(document["faults"][0]["file"], last.display().to_string());
}

#[test]
fn two_statuses_under_one_number_are_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(1);
    archive.inner_status(7, vec![made[0].mark()], head(5, 2));
    archive.inner_status(7, vec![made[0].mark()], head(6, 2));
    let (_, document) = archive.verify(&[]);
    assert_eq!(codes(&document), ["two-statuses"]);
}

#[test]
fn a_batch_that_follows_on_another_one_is_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(1);
    let strayed = archive.batch("confirm", Some(&made[0]), |statement| statement.previous = statement.contract);
    archive.keep(&strayed);
    let (_, document) = archive.verify(&[]);
    assert_eq!(codes(&document), ["broken-chain"]);
    assert_eq!(document["streams"][0]["proven_to"], 1);
}

#[test]
fn groups_that_do_not_fit_are_found() {
    let mut archive = Archive::new();
    let open = archive.batch("confirm", None, |statement| statement.group.last = false);
    archive.keep(&open);
    let next = archive.confirm(Some(&open));
    archive.keep(&next);
    let (_, document) = archive.verify(&[]);
    assert_eq!(codes(&document), ["broken-group"]);

    let fitting = archive.batch("refund", None, |statement| statement.group.last = false);
    archive.keep(&fitting);
    let end = archive.batch("refund", Some(&fitting), |statement| {
        statement.group = Group { first: 1, index: 1, last: true };
    });
    archive.keep(&end);
    let (_, document) = archive.verify(&[]);
    assert_eq!(codes(&document), ["broken-group"]);
}

#[test]
fn a_requirement_of_another_batch_is_found() {
    let mut archive = Archive::new();
    let made = archive.confirms(1);
    let good = made[0].mark();
    let fine = archive.batch("refund", None, |statement| statement.requires = vec![good.clone()]);
    archive.keep(&fine);
    assert_eq!(archive.verify(&[]).0, 0);

    let strayed = Mark { digest: fine.sealed.digest, ..good };
    let wrong = archive.batch("refund", Some(&fine), |statement| statement.requires = vec![strayed]);
    archive.keep(&wrong);
    let (_, document) = archive.verify(&[]);
    assert_eq!(codes(&document), ["requires-conflict"]);
}

#[test]
fn what_is_superseded_does_not_count_and_is_no_fault() {
    let mut archive = Archive::new();
    let made = archive.confirms(3);
    // What comes after names the place by the statement that stood there first.
    let instead = archive.supersede(&made[1]);
    archive.keep(&instead);
    let next = archive.confirm(Some(&made[2]));
    archive.keep(&next);
    let (exit, document) = archive.verify(&[]);
    assert_eq!(exit, 0, "{document:#}");
    let stream = &document["streams"][0];
    assert_eq!((&stream["batches"], &stream["superseded"], &stream["proven_to"]), (&4.into(), &1.into(), &4.into()));
    assert_eq!(stream["last_digest"], next.sealed.digest.to_string());
    assert_eq!(
        (&stream["tables"][0]["inserts"], &stream["tables"][0]["totals_fen"]["amt"]),
        (&3.into(), &"300".into())
    );
}

#[test]
fn a_revoked_key_counts_only_up_to_its_last_good_batch() {
    let mut archive = Archive::new();
    let made = archive.confirms(3);
    archive.revoke_outer(made[1].mark());
    assert_eq!(codes(&archive.verify(&[]).1), ["revoked-key"]);
    archive.revoke_outer(Mark { digest: made[0].sealed.digest, ..made[1].mark() });
    assert_eq!(codes(&archive.verify(&[]).1), ["revoked-key", "digest-conflict"]);
}

#[test]
fn only_the_link_that_was_named_counts() {
    let mut archive = Archive::new();
    archive.confirms(1);
    assert_eq!(archive.verify(&["--link", link().as_str()]).0, 0);
    let (exit, document) = archive.verify(&["--link", "other"]);
    assert_eq!((exit, codes(&document)), (20, vec!["wrong-link"]));
}

#[test]
fn people_read_it_in_their_language() {
    let mut archive = Archive::new();
    let made = archive.confirms(3);
    fs::remove_file(archive.keep(&made[1])).unwrap();
    let (exit, english) = archive.verify_for_people("en_US.UTF-8");
    assert_eq!(exit, 20);
    for part in [
        "missing-seq: batches missing before this one: 1",
        "demo outer→inner confirm, epoch 1, seq 2",
        "faults: 1",
        "amt 2.00",
    ] {
        assert!(english.contains(part), "{part} in:\n{english}");
    }
    let (exit, chinese) = archive.verify_for_people("zh_CN.UTF-8");
    assert_eq!(exit, 20);
    for part in ["此批次之前缺少 1 个批次", "流 confirm，纪元 1，序号 2", "发现问题：1 项", "未解密行数据"]
    {
        assert!(chinese.contains(part), "{part} in:\n{chinese}");
    }
}

#[test]
fn the_guide_for_auditors_lists_every_code() {
    let page = guide();
    let told: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |code: &FindingCode| {
        let meaning = code.meaning();
        format!("| `{}` | {} | {} |", code.name(), meaning.get(Lang::En), meaning.get(Lang::Zh))
    };
    let meant: Vec<String> = FindingCode::ALL.iter().map(row).collect();
    assert_eq!(told, meant);
}

#[test]
fn the_script_for_auditors_agrees_with_the_program() {
    let ready = "import hashlib; hashlib.new('sm3')";
    let python = Command::new("python3").args(["-c", ready]).output().is_ok_and(|output| output.status.success());
    let openssl = Command::new("openssl").args(["dgst", "-sm3"]).output().is_ok_and(|output| output.status.success());
    if !python || !openssl {
        println!("SKIPPED: the script for auditors: needs python3 with SM3 and openssl");
        return;
    }
    let page = guide();
    let script = page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut archive = Archive::new();
    let made = archive.confirms(4);
    let run = |archive: &Archive| {
        let card = archive.cards().join("outer.card");
        let output = Command::new("python3").arg("-c").arg(script).arg(card).arg(archive.files()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), text)
    };
    let last = made[3].sealed.digest;
    assert_eq!(run(&archive), (Some(0), format!("confirm, epoch 1: up to seq 4, {last}\n")));

    let mut bytes = made[1].sealed.bytes.clone();
    let at = bytes.iter().skip(16).position(|byte| *byte == b'\n').unwrap() + 16 + 5;
    bytes[at] ^= 1;
    put(&archive.keep(&made[1]), &bytes);
    fs::remove_file(archive.keep(&made[2])).unwrap();
    let (exit, text) = run(&archive);
    assert_eq!(exit, Some(1));
    for fault in [(1, "chunks"), (3, "hole"), (3, "chain")] {
        assert!(text.contains(&format!("{}: {}", made[fault.0].name(1), fault.1)), "{text}");
    }
    assert_eq!(codes(&archive.verify(&[]).1), ["damaged-chunk", "missing-seq"]);
}

fn guide() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/auditing.md")).unwrap()
}
