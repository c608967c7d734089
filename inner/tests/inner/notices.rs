//! Notices: issued with codes that are minted here, checked by every rule, voided by two people.

use inner::api::issue_all;
use inner::issue::Draft;
use inner::proposal::{self, Asked, Wish};
use node::http::Caller;
use node::{Failure, Service as _};

use super::bench::Bureau;

#[tokio::test]
async fn notices_have_codes_of_their_own_and_encrypted_payers() {
    let bureau = Bureau::open().await;
    let drafts = vec![bureau.draft(), bureau.draft(), bureau.draft()];
    let issued = issue_all(&bureau.bench.node, Caller::local("li"), drafts).await.unwrap();
    assert_eq!(issued.pay_codes.len(), 3);
    assert!(issued.pay_codes.iter().all(|code| contract::pay_code::is_pay_code(code)), "{:?}", issued.pay_codes);
    assert!(issued.pay_codes.windows(2).all(|pair| pair[0] != pair[1]));
    let notice = bureau.notice(&issued.pay_codes[0]).await;
    assert_eq!((notice.bill_date.as_str(), notice.state), ("20260302", 0));
    let sealed = notice.payer_id_no.unwrap();
    assert!(!sealed.contains("610113"), "{sealed}");
    assert_eq!(bureau.bench.number("SELECT count(*) FROM node_act WHERE what = 'notice-issue'").await, 3);
    let with_plain = "SELECT count(*) FROM node_act WHERE instr(ifnull(is_now, ''), '610113199003070011') > 0";
    assert_eq!(bureau.bench.number(with_plain).await, 0);
}

#[tokio::test]
async fn one_wrong_draft_keeps_all_of_them_back() {
    let bureau = Bureau::open().await;
    let broken = |change: &dyn Fn(&mut Draft)| {
        let mut draft = bureau.draft();
        change(&mut draft);
        let (node, drafts) = (bureau.bench.node.clone(), vec![bureau.draft(), draft]);
        async move {
            let failure: Failure = issue_all(&node, Caller::local("li"), drafts).await.unwrap_err();
            failure.faults.first().map_or(failure.code, |fault| fault.rule.code())
        }
    };
    assert_eq!(broken(&|draft| draft.agency_id = "nobody".to_owned()).await, "no-such");
    assert_eq!(broken(&|draft| draft.lines[0].item_code = "000".to_owned()).await, "not-collected");
    assert_eq!(broken(&|draft| draft.lines[0].unit_fen = -1).await, "outside-standard");
    assert_eq!(broken(&|draft| draft.lines[0].unit_fen = 99_999_999).await, "outside-standard");
    assert_eq!(broken(&|draft| draft.lines[0].quantity = 0).await, "out-of-range");
    assert_eq!(broken(&|draft| draft.lines.clear()).await, "no-lines");
    assert_eq!(broken(&|draft| draft.lines = vec![draft.lines[0].clone(); 1_000]).await, "too-many-lines");
    assert_eq!(broken(&|draft| draft.late_fee_fen = -1).await, "negative");
    assert_eq!(broken(&|draft| draft.late_fee_fen = i64::MAX).await, "amount-too-large");
    assert_eq!(broken(&|draft| draft.payer_name = String::new()).await, "missing");
    assert_eq!(broken(&|draft| draft.payer_name = "王".repeat(51)).await, "too-wide");
    assert_eq!(
        broken(&|draft| draft.payer_name = "a'); DROP TABLE pay_notice; --\u{0}".to_owned()).await,
        "control-character"
    );
    assert_eq!(broken(&|draft| draft.payer_type = 3).await, "out-of-range");
    assert_eq!(broken(&|draft| draft.biz_line = "TAX".to_owned()).await, "not-one-of");
    assert_eq!(broken(&|draft| draft.expire_date = Some("20260230".to_owned())).await, "not-a-date");
    assert_eq!(broken(&|draft| draft.expire_date = Some("20260101".to_owned())).await, "ends-before-start");
    assert_eq!(broken(&|draft| draft.payer_id_no = Some("1".repeat(101))).await, "too-long");
    assert_eq!(bureau.bench.number("SELECT count(*) FROM pay_notice").await, 0);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_serial").await, 0);
    // What looks like SQL is a name like any other.
    let draft = Draft { payer_name: "a'); DROP TABLE pay_notice; --".to_owned(), ..bureau.draft() };
    issue_all(&bureau.bench.node, Caller::local("li"), vec![draft]).await.unwrap();
}

#[tokio::test]
async fn a_notice_is_voided_by_two_people() {
    let bureau = Bureau::open().await;
    let (notice, paid) = (bureau.issue().await, bureau.issue().await);
    bureau.bench.add(bureau.paid(1, Some(&paid), paid.total_fen)).await;
    bureau.match_all().await;
    let service = inner::service::Inner::new(bureau.bench.node.clone());
    let now = bureau.bench.node.clock.now();
    let ask = |pay_code: String, reason: &str| {
        let asked = Asked { wish: Wish::VoidNotice { pay_code }, reason: reason.to_owned() };
        let act = Caller::local("li").act(now.time17(), "proposal-ask", String::new());
        let database = service.node().database.clone();
        async move {
            database.write(move |connection| Box::pin(async move { proposal::ask(connection, asked, act).await })).await
        }
    };
    let decide = |id: i64, who: &str, is_allowed: bool| {
        let act = Caller::local(who).act(now.time17(), "proposal-decide", String::new());
        let database = service.node().database.clone();
        async move {
            let done = database.write(move |connection| {
                Box::pin(async move { proposal::decide(connection, id, is_allowed, act, now).await })
            });
            done.await.map_err(|failure| failure.code)
        }
    };
    assert_eq!(ask(notice.pay_code.clone(), " ").await.unwrap_err().code, "reason");
    assert_eq!(ask(paid.pay_code, "开错").await.unwrap_err().code, "notice-state");
    assert_eq!(ask("9".repeat(20), "开错").await.unwrap_err().code, "not-found");
    let (first, second) =
        (ask(notice.pay_code.clone(), "开错").await.unwrap(), ask(notice.pay_code.clone(), "再申请").await.unwrap());
    assert_eq!(decide(first, "li", true).await, Err("same-person"));
    assert_eq!(decide(99, "zhao", true).await, Err("not-found"));
    assert_eq!(decide(first, "zhao", true).await, Ok(()));
    assert_eq!(decide(first, "zhao", true).await, Err("decided"));
    assert_eq!(decide(second, "zhao", true).await, Err("notice-state"), "it is void already");
    assert_eq!(decide(second, "zhao", false).await, Ok(()));
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 2);
}

#[tokio::test]
async fn two_people_decide_about_what_nobody_can_match() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen + 5)).await;
    bureau.match_all().await;
    let (now, database) = (bureau.bench.node.clock.now(), bureau.bench.node.database.clone());
    let wish = Wish::RefundOnline { confirm_id: bureau.confirm_id(1) };
    let act = Caller::local("li").act(now.time17(), "proposal-ask", String::new());
    let asked = Asked { wish, reason: "金额不符".to_owned() };
    let id = database
        .write(move |connection| Box::pin(async move { proposal::ask(connection, asked, act).await }))
        .await
        .unwrap();
    let act = Caller::local("zhao").act(now.time17(), "proposal-decide", String::new());
    database
        .write(move |connection| Box::pin(async move { proposal::decide(connection, id, true, act, now).await }))
        .await
        .unwrap();
    assert_eq!(bureau.result(1).await.decision, 2);
    assert_eq!(bureau.bench.number("SELECT decision FROM inner_book").await, 2);
}
