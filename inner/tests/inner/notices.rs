//! Notices: issued with codes that are minted here, checked by every rule, voided by two people.

use contract::rules::{PayCodePattern, Policy};
use inner::issue::Draft;
use inner::proposal::{self, Asked};
use inner::wish::Wish;
use node::http::Caller;

use super::bench::Bureau;

#[tokio::test]
async fn notices_have_codes_of_their_own_and_encrypted_payers() {
    let bureau = Bureau::open().await;
    let drafts = vec![bureau.draft(), bureau.draft(), bureau.draft()];
    let pay_codes = bureau.issue_all(drafts).await.unwrap();
    assert_eq!(pay_codes.len(), 3);
    assert!(pay_codes.iter().all(|code| contract::pay_code::is_pay_code(code)), "{pay_codes:?}");
    assert!(pay_codes.windows(2).all(|pair| pair[0] != pair[1]));
    let notice = bureau.notice(&pay_codes[0]).await;
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
        let (bureau, drafts) = (&bureau, vec![bureau.draft(), draft]);
        async move {
            let failure = bureau.issue_all(drafts).await.unwrap_err();
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
    bureau.issue_all(vec![draft]).await.unwrap();
}

#[tokio::test]
async fn a_notice_is_voided_by_two_people() {
    let bureau = Bureau::open().await;
    let (notice, paid) = (bureau.issue().await, bureau.issue().await);
    bureau.bench.add(bureau.paid(1, Some(&paid), paid.total_fen)).await;
    bureau.match_all().await;
    let void = |pay_code: &str| Wish::VoidNotice { pay_code: pay_code.to_owned() };
    let now = bureau.bench.node.clock.now();
    let asked = Asked { wish: void(&notice.pay_code), reason: " ".to_owned() };
    let act = Caller::local("li").act(now.time17(), "proposal-ask", String::new());
    let database = &bureau.bench.node.database;
    let empty =
        database.write(move |connection| Box::pin(async move { proposal::ask(connection, asked, act, now).await }));
    assert_eq!(empty.await.unwrap_err().code, "reason");
    assert_eq!(bureau.ask("li", void(&paid.pay_code)).await, Err("notice-state"));
    assert_eq!(bureau.ask("li", void(&"9".repeat(20))).await, Err("not-found"));
    let (first, second) = (
        bureau.ask("li", void(&notice.pay_code)).await.unwrap(),
        bureau.ask("li", void(&notice.pay_code)).await.unwrap(),
    );
    assert_eq!(bureau.decide("li", first, true).await, Err("same-person"));
    assert_eq!(bureau.decide("zhao", 99, true).await, Err("not-found"));
    assert_eq!(bureau.decide("zhao", first, true).await, Ok(()));
    assert_eq!(bureau.decide("zhao", first, true).await, Err("decided"));
    assert_eq!(bureau.decide("zhao", second, true).await, Err("notice-state"), "it is void already");
    assert_eq!(bureau.decide("zhao", second, false).await, Ok(()));
    assert_eq!(bureau.notice(&notice.pay_code).await.state, 2);
}

#[tokio::test]
async fn two_people_decide_about_what_nobody_can_match() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen + 5)).await;
    bureau.match_all().await;
    bureau.propose(Wish::RefundOnline { confirm_id: bureau.confirm_id(1) }).await.unwrap();
    assert_eq!(bureau.result(1).await.decision, 2);
    assert_eq!(bureau.bench.number("SELECT decision FROM inner_book").await, 2);
}

#[tokio::test]
async fn a_pay_code_that_was_lost_with_its_notice_is_given_to_nobody_else() {
    let bureau = Bureau::open().await;
    let lost = bureau.issue_all(vec![bureau.draft(), bureau.draft()]).await.unwrap();
    // The database is put back to before the notices, which had not crossed; payers hold their codes.
    bureau.bench.sql("DELETE FROM pay_notice_item; DELETE FROM pay_notice; DELETE FROM inner_serial").await;
    bureau.bench.clock.advance(60_000);
    let minted = bureau.issue_all(vec![bureau.draft(), bureau.draft()]).await.unwrap();
    assert!(minted.iter().all(|code| !lost.contains(code)), "{lost:?} {minted:?}");
}

#[tokio::test]
async fn a_notice_names_the_account_that_its_lines_are_paid_into() {
    let bureau = Bureau::open().await;
    bureau.bench.sql("UPDATE base_agency_item SET account_id = (SELECT min(id) FROM base_account)").await;
    let account = bureau.bench.text("SELECT min(id) FROM base_account").await;
    assert_eq!(bureau.issue().await.account_id, Some(account));
    bureau.bench.sql("UPDATE base_account SET is_enabled = 0").await;
    assert_eq!(bureau.issue().await.account_id, None, "an account that is disabled takes nothing");
}

#[tokio::test]
async fn a_line_is_booked_to_a_budget_subject_that_is_in_force() {
    let bureau = Bureau::open().await;
    let refused = async |sql: &'static str| {
        bureau.bench.sql(sql).await;
        let failure = bureau.issue_all(vec![bureau.draft()]).await.unwrap_err();
        let fault = failure.faults.into_iter().next().unwrap();
        assert_eq!((fault.rule.code(), fault.column), ("no-such", "item_code"), "{sql}");
    };
    // The clock of the test stands at 2026-03-02.
    refused("UPDATE base_item_subject SET end_date = '20260301'").await;
    bureau.bench.sql("UPDATE base_item_subject SET end_date = '20260302'").await;
    bureau.issue().await;
    refused("UPDATE base_budget_subject SET end_date = '20260301'").await;
    refused("UPDATE base_budget_subject SET end_date = NULL, is_deleted = 1").await;
    refused("UPDATE base_budget_subject SET is_deleted = 0, is_enabled = 0").await;
    bureau.bench.sql("UPDATE base_budget_subject SET is_enabled = 1").await;
    bureau.issue().await;
}

/// The same node with another pattern of pay codes.
fn with_pattern(node: &node::Node, pattern: &str) -> node::Node {
    let pay_code = PayCodePattern::new(pattern, true).unwrap();
    let policy = std::sync::Arc::new(Policy { pay_code, ..Policy::default() });
    node::Node { policy, ..node.clone() }
}

#[tokio::test]
async fn a_pattern_that_minted_codes_do_not_fit_is_refused_at_the_start() {
    let bureau = Bureau::open().await;
    let check = async |node: &node::Node, pattern| inner::service::check(&with_pattern(node, pattern)).await;
    let node = &bureau.bench.node;
    let region = bureau.issue().await.pay_code[..6].to_owned();
    let (fits, another) = (format!("^({region}|[0-9]{{6}})[0-9]{{14}}$"), format!("^{region}[0-9]{{10}}$"));
    assert!(check(node, &fits).await.is_ok());
    let fault = check(node, &another).await.unwrap_err();
    assert_eq!((fault.code, fault.exit), ("config", console::ExitCode::Config));
    assert!(fault.message.get(console::Lang::En).contains("node.policy"), "{fault:?}");
    // Without agencies nobody knows which regions there will be.
    let empty = node::testing::Bench::of("inner-node", inner::program::MIGRATIONS).await;
    assert!(check(&empty.node, "^3504[0-9]{16}$").await.is_ok());
    assert!(check(&empty.node, "^[A-Z]{20}$").await.is_err());
}
