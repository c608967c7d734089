//! What operators decide, with the real program on a zone whose daemon does not run.

use ferry_core::ports::{ActEnd, ActOrder, Direction, Notes, Store as _, StreamState};
use ferry_format::{ActTime, Deed, Digest, SignedAct};
use serde_json::Value;

use crate::books::Zone;

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
fn end(zone: &Zone, verdict: impl FnOnce(ferry_format::Act) -> Result<ferry_format::Act, String>) {
    let act = zone.store().observe().unwrap().acts.remove(0);
    let verdict = verdict(SignedAct::parse(&act.file).unwrap().act);
    let (superseding, instead) = (None, Vec::new());
    let order = ActOrder {
        id: act.id,
        file: act.file,
        verdict,
        at_ms: 1_700_000_000_000,
        superseding,
        instead,
        ended: Vec::new(),
    };
    zone.store().act(&order, None).unwrap();
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
    assert_eq!(zone.json(&["acts", "list"])["acts"][0], shown);
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
