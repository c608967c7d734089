//! What operators decide, with the real program on a zone whose daemon does not run.

use ferry_core::ports::{ActEnd, ActOrder, Direction, Instead, Notes, PeerAct, Store as _, StreamState};
use ferry_format::{Act, ActId, ActTime, Deed, Digest, EpochId, SignedAct};
use serde_json::{Value, json};

use crate::archive::link;
use crate::books::Zone;
use crate::trace::sql;

/// Makes an operator of the zone whom it trusts. Yields the path of the key.
fn operator(zone: &Zone, name: &str) -> String {
    let key = zone.path(name);
    let made = zone.json(&["keys", "operator", key.to_str().unwrap()]);
    let (card, fingerprint) = (made["card"].as_str().unwrap(), made["fingerprint"].as_str().unwrap());
    zone.people(&["trust", "add", card, "--role", "operator", "--fingerprint", fingerprint], "C");
    key.to_str().unwrap().to_owned()
}

/// The only act that waits, as the daemon reads it.
fn waiting(zone: &Zone) -> SignedAct {
    let acts = zone.store().observe().unwrap().acts;
    assert_eq!(acts.len(), 1);
    SignedAct::parse(&acts[0].file).unwrap()
}

/// Ends the only act that waits as the daemon would.
fn end(zone: &Zone, verdict: impl FnOnce(Act) -> Result<Act, String>) {
    end_with(zone, Vec::new(), verdict);
}

/// Ends the only act that waits, with the batches that were sealed for it.
fn end_with(zone: &Zone, instead: Vec<Instead>, verdict: impl FnOnce(Act) -> Result<Act, String>) {
    let act = zone.store().observe().unwrap().acts.remove(0);
    let verdict = verdict(SignedAct::parse(&act.file).unwrap().act);
    let superseding = None;
    let order = ActOrder {
        id: act.id,
        file: act.file,
        verdict,
        at_ms: 1_700_000_000_000,
        superseding,
        instead,
        ended: Vec::new(),
    };
    let (contract, _) = ferry::config::load_contract(&zone.path("small.toml")).unwrap();
    let stream = contract.stream(&"confirm".parse().unwrap());
    zone.store().act(&order, stream).unwrap();
}

#[test]
fn an_act_is_signed_handed_in_and_listed() {
    let zone = Zone::new();
    let wang = operator(&zone, "wang.pem");
    let hold = ["hold", "confirm", "--reason", "银行正在核对", "--key", &wang, "--wait", "0"];
    let handed = zone.json(&hold);
    assert_eq!(
        (&handed["deed"], &handed["stream"], &handed["code"]),
        (&"hold".into(), &"confirm".into(), &Value::Null)
    );
    let waits = waiting(&zone);
    assert_eq!(waits.act.deed, Deed::Hold { stream: "confirm".parse().unwrap() });
    let config = ferry::config::Config::load(&zone.path("zone/ferry.toml")).unwrap();
    let trust = ferry::keyring::read_trust(&config.paths.trust).unwrap();
    assert!(waits.verify(&trust, &config.link, ActTime::Now(1)).is_ok());

    let id = handed["act"].to_string();
    assert!(zone.people(&["acts", "list"], "C").contains("waits"));
    end(&zone, Ok);
    let shown = zone.json(&["acts", "show", &id]);
    assert_eq!(
        (&shown["code"], &shown["reason"], &shown["here"]),
        (&"done".into(), &"银行正在核对".into(), &true.into())
    );
    let mut listed = zone.json(&["acts", "list"])["acts"][0].clone();
    (listed["passed"], listed["superseded"]) = (Value::Null, Value::Null);
    assert_eq!(listed, shown);
    let told = zone.people(&["acts", "show", &id], "C");
    assert!(told.contains("银行正在核对") && told.contains("done: it was carried out"), "{told}");
    assert!(zone.people(&["acts", "show", &id], "zh_CN").contains("由本区信任的操作员签署"));
    assert_eq!(zone.fault(&["acts", "show", "77"]), (Some(21), "no-such-act".to_owned()));
}

#[test]
fn an_act_that_the_daemon_turns_away_tells_why() {
    let zone = Zone::new();
    let wang = operator(&zone, "wang.pem");
    let draft = zone.path("release.act");
    let draft = draft.to_str().unwrap();
    zone.people(&["release", "confirm", "--reason", "done", "--key", &wang, "--draft", draft], "C");
    assert!(zone.people(&["acts", "submit", draft, "--wait", "0"], "C").contains("waits for the daemon"));
    end(&zone, |_| Err("not-held".to_owned()));
    assert_eq!(zone.fault(&["acts", "submit", draft, "--wait", "0"]), (Some(26), "not-held".to_owned()));
    assert!(zone.people(&["acts", "show", "1"], "C").contains("next: `ferry status` tells"));
}

#[test]
fn what_needs_two_operators_waits_for_both() {
    let zone = Zone::new();
    let (wang, li) = (operator(&zone, "wang.pem"), operator(&zone, "li.pem"));
    let pass = ["pass", "confirm", "7", "--with", "void", "--reason", "a float in a column of fen"];
    let one = [&pass[..], &["--key", &wang, "--wait", "0"]].concat();
    assert_eq!(zone.fault(&one), (Some(13), "too-few-approvals".to_owned()));
    let twice = [&one[..], &["--key", &wang]].concat();
    assert_eq!(zone.fault(&twice), (Some(13), "too-few-approvals".to_owned()));
    let both = [&one[..], &["--key", &li]].concat();
    zone.people(&both, "C");
    assert_eq!(waiting(&zone).approvals.len(), 2);
    end(&zone, |_| Err("not-stopped-there".to_owned()));

    let draft = zone.path("pass.act");
    let draft = draft.to_str().unwrap();
    let drafted = zone.json(&[&pass[..], &["--draft", draft]].concat());
    assert_eq!((&drafted["signed"], &drafted["needed"]), (&0.into(), &2.into()));
    assert_eq!(zone.fault(&["acts", "submit", draft, "--wait", "0"]), (Some(13), "too-few-approvals".to_owned()));
    for (key, count) in [(&wang, 1), (&li, 2)] {
        assert_eq!(zone.json(&["acts", "sign", draft, "--key", key])["signed"], count);
    }
    zone.people(&["acts", "submit", draft, "--wait", "0"], "C");
    assert_eq!(waiting(&zone).approvals.len(), 2);
    let again = [&pass[..], &["--draft", draft]].concat();
    assert_eq!(zone.fault(&again).1, "draft-unusable", "a draft is never overwritten");
}

#[test]
fn a_row_that_was_passed_over_is_still_told_and_its_key_when_it_is_asked_for() {
    let zone = Zone::new();
    let (wang, li) = (operator(&zone, "wang.pem"), operator(&zone, "li.pem"));
    sql(&zone, "INSERT INTO t_payment VALUES (-5, 123456789); DELETE FROM t_payment");
    for (row, op) in [("1", "insert"), ("2", "delete")] {
        let pass = ["pass", "confirm", row, "--with", "void", "--reason", "x", "--key", &wang, "--key", &li];
        let id = zone.json(&[&pass[..], &["--wait", "0"]].concat())["act"].to_string();
        assert_eq!(zone.json(&["acts", "show", &id])["passed"], Value::Null, "nothing is passed over yet");
        end(&zone, Ok);
        let shown = zone.json(&["acts", "show", &id]);
        let passed = |key: Value| json!({ "row": row.parse::<u64>().unwrap(), "table": "t_payment", "op": op, "key": key, "at_ms": 1_700_000_000_000_u64 });
        assert_eq!((&shown["passed"], &shown["superseded"]), (&passed(Value::Null), &Value::Null));
        let shown = zone.json(&["acts", "show", &id, "--keys"]);
        assert_eq!(shown["passed"], passed(json!(["-5"])));
        let said = zone.people(&["acts", "show", &id], "C");
        let meant = format!("passed over: {op} of table t_payment, row {row} of the outbox, at 2023-11-14");
        assert!(said.contains(&meant) && said.contains(&format!("`ferry acts show {id} --keys`")), "{said}");
        let said = zone.people(&["acts", "show", &id, "--keys"], "C");
        assert!(said.contains("  its life: ferry trace t_payment -5\n") && !said.contains("123456789"), "{said}");
        assert!(zone.people(&["acts", "show", &id, "--keys"], "zh_CN").contains("已越过：表 t_payment"));
    }
}

#[test]
fn the_batches_that_were_put_aside_are_told_one_by_one() {
    let mut zone = Zone::new();
    let (wang, li) = (operator(&zone, "wang.pem"), operator(&zone, "li.pem"));
    let first = zone.record(2)[0].sealed.digest;
    let supersede = |id: u64, digest: Digest| {
        let words = ["supersede", "confirm", "1", "--with", "void", "--reason", "x", "--key", &wang, "--key", &li];
        zone.people(&[&words[..], &["--wait", "0"]].concat(), "C");
        let id = id.to_string();
        assert_eq!(zone.json(&["acts", "show", &id])["superseded"], Value::Null, "nothing is put aside yet");
        end_with(&zone, vec![Instead { seq: 1, digest, rows: 0, file_bytes: 9, tables: Vec::new() }], Ok);
        zone.json(&["acts", "show", &id])
    };
    let aside = |old: Digest, rows: u64, new: Digest| {
        let (digest, new_digest) = (old.to_string(), new.to_string());
        json!({
            "stream": "confirm", "epoch": 1, "seq": 1, "digest": digest, "rows": rows, "new_digest": new_digest, "new_rows": 0,
        })
    };
    let (second, third) = (Digest([8; 32]), Digest([9; 32]));
    let shown = supersede(1, second);
    assert_eq!((&shown["code"], &shown["passed"]), (&"done".into(), &Value::Null));
    assert_eq!(shown["superseded"], json!([aside(first, 1, second)]));
    assert_eq!(supersede(2, third)["superseded"], json!([aside(first, 1, third), aside(second, 0, third)]));
    assert_eq!(zone.json(&["acts", "show", "1"])["superseded"], json!([aside(first, 1, second)]));
    let said = zone.people(&["acts", "show", "2"], "C");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("confirm/1")).collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.contains("09090909")), "{said}");
    assert!(zone.people(&["acts", "show", "2"], "zh_CN").contains("被取代"));
}

#[test]
fn what_the_peer_put_aside_is_told_as_far_as_its_act_tells() {
    let zone = Zone::new();
    let (stream, old, new) =
        ("notice".parse().unwrap(), vec![Digest([1; 32]), Digest([2; 32])], vec![Digest([3; 32]); 2]);
    let (epoch, epoch_id, contract, first) = (1, EpochId([5; 8]), Digest([6; 32]), 7);
    let deed = Deed::Supersede { stream, epoch, epoch_id, contract, first, old, new };
    let (zone_name, reason) = ("inner".parse().unwrap(), "x".parse().unwrap());
    let act = Act { link: link(), zone: zone_name, id: ActId([1; 16]), at_ms: 5, reason, deed };
    let file = SignedAct::unsigned(act).write().unwrap();
    let digest = Digest::of(&[&file]);
    let of_peer = PeerAct { digest, file, verified: false, code: "done".to_owned(), at_ms: 6 };
    zone.store().list_acts(&[of_peer]).unwrap();
    let shown = zone.json(&["acts", "show", "1"]);
    let told: Vec<_> = shown["superseded"].as_array().unwrap().iter().map(|one| (&one["seq"], &one["rows"])).collect();
    assert_eq!(told, [(&json!(7), &Value::Null), (&json!(8), &Value::Null)]);
    assert_eq!(shown["superseded"][1]["digest"], Digest([2; 32]).to_string());
}

#[test]
fn an_act_by_a_stranger_or_of_another_zone_is_refused_at_once() {
    let zone = Zone::new();
    let stranger = zone.path("stranger.pem");
    let stranger = stranger.to_str().unwrap();
    zone.json(&["keys", "operator", stranger]);
    let hold = |key: &str| ["hold", "confirm", "--reason", "x", "--wait", "0", "--key", key].map(str::to_owned);
    let words = |all: &[String]| all.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let fault = |zone: &Zone, all: &[String]| zone.fault(&all.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(fault(&zone, &hold(stranger)), (Some(13), "bad-approval".to_owned()), "{}", words(&hold(stranger)));
    assert_eq!(fault(&zone, &hold("/nowhere.pem")).0, Some(12));
    let other = Zone::new();
    let wang = operator(&other, "wang.pem");
    let draft = other.path("hold.act");
    let draft = draft.to_str().unwrap();
    other.people(&["hold", "confirm", "--reason", "x", "--key", &wang, "--draft", draft], "C");
    assert_eq!(zone.fault(&["acts", "submit", draft, "--wait", "0"]), (Some(13), "bad-approval".to_owned()));
    assert_eq!(zone.fault(&["acts", "submit", &wang, "--wait", "0"]), (Some(31), "act-invalid".to_owned()));
    assert_eq!(zone.json(&["acts", "list"])["acts"], Value::Array(Vec::new()));
    let long = "长".repeat(201);
    assert_eq!(zone.fault(&["hold", "confirm", "--reason", &long, "--key", &wang]), (Some(2), "bad-reason".to_owned()));
    assert_eq!(zone.fault(&["hold", "nowhere", "--reason", "x", "--key", &wang]).1, "no-such-stream");
}

#[test]
fn a_resend_names_the_batches_that_wait() {
    let mut zone = Zone::new();
    let wang = operator(&zone, "wang.pem");
    zone.record(4);
    let with = |words: &[&'static str]| {
        let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        all.extend(["--reason", "gate mended", "--wait", "0", "--key", &wang].map(str::to_owned));
        all
    };
    let run = |zone: &Zone, words: &[&'static str]| {
        let all = with(words);
        zone.people(&all.iter().map(String::as_str).collect::<Vec<_>>(), "C")
    };
    for (verb, words, first, last) in
        [("resend", &["resend", "confirm", "2-3"][..], 2, 3), ("reseal", &["reseal", "confirm"][..], 1, 4)]
    {
        run(&zone, words);
        let waits = waiting(&zone);
        assert_eq!(waits.act.deed.name(), verb);
        let (Deed::Resend { range } | Deed::Reseal { range }) = &waits.act.deed else { panic!("{:?}", waits.act) };
        assert_eq!((range.epoch, range.first, range.last), (1, first, last));
        end(&zone, Ok);
    }
    let fault = |words: &[&'static str]| {
        let all = with(words);
        zone.fault(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!(fault(&["resend", "confirm", "9"]), (Some(26), "nothing-unapplied".to_owned()));
    assert_eq!(fault(&["resend", "notice"]), (Some(26), "not-own-stream".to_owned()));
    assert_eq!(fault(&["reseal", "nowhere"]), (Some(21), "no-such-stream".to_owned()));
}

#[test]
fn a_refused_group_is_retried_where_one_is_refused() {
    let zone = Zone::new();
    let wang = operator(&zone, "wang.pem");
    let retry = ["quarantine", "retry", "notice", "--reason", "constraint mended", "--key", &wang, "--wait", "0"];
    assert_eq!(zone.fault(&retry), (Some(26), "nothing-refused".to_owned()));
    let state = StreamState {
        direction: Direction::In,
        stream: "notice".parse().unwrap(),
        epoch: 1,
        last_seq: 9,
        published_seq: 9,
        applied_seq: 4,
        applied_digest: Digest([0; 32]),
        held: "5-9".to_owned(),
        missing: String::new(),
        lag_ms: 0,
        known_at_ms: 0,
        health: "refused",
        code: "constraint-check".to_owned(),
        detail: "seq 5".to_owned(),
        parked_rows: 0,
    };
    zone.store().note(&Notes { states: vec![state], ..Notes::default() }).unwrap();
    zone.people(&retry, "C");
    let Deed::Retry { range } = waiting(&zone).act.deed else { panic!("another deed") };
    assert_eq!((range.epoch, range.first, range.last), (1, 5, 9));
    assert!(zone.people(&["parked", "list"], "C").contains("no row is parked"));
    assert_eq!(zone.json(&["parked", "list", "notice"])["rows"], Value::Array(Vec::new()));
    end(&zone, |act| if act.deed.name() == "retry" { Ok(act) } else { Err(ActEnd::done().code) });
}
