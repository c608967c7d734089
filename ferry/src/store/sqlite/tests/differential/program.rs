//! Programs of SQL statements over two connections, drawn at random.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// One step of a world.
#[derive(Debug, Clone)]
pub enum Step {
    /// One of the two programs runs a statement; `kind` names its template.
    Run { program: usize, kind: &'static str, sql: String },
    /// Everything that is committed is cut, in batches of at most so many rows, as one group.
    Cut(u64),
    /// The oldest group that was cut is applied.
    Apply,
}

/// The name of a template, and a statement made from it.
type Statement = (&'static str, String);

/// A program on the tables of the nasty contract: on all of them, or on a few that get the more to do.
pub fn nasty() -> impl Strategy<Value = Vec<Step>> {
    let all = prop_oneof![3 => shelf(), 2 => box_and_item(), 2 => tree(), 2 => pair(), 2 => application()];
    prop_oneof![3 => steps(all.boxed()), 1 => on_shelves(), 1 => on_items(), 1 => on_trees(), 1 => on_pairs()]
}

/// A program on a table with two secondary unique keys and a hidden row number.
pub fn on_shelves() -> impl Strategy<Value = Vec<Step>> {
    steps(shelf().boxed())
}

/// A program on tables that refer to each other in three levels.
pub fn on_items() -> impl Strategy<Value = Vec<Step>> {
    steps(prop_oneof![1 => shelf(), 3 => box_and_item()].boxed())
}

/// A program on a table that refers to itself.
pub fn on_trees() -> impl Strategy<Value = Vec<Step>> {
    steps(tree().boxed())
}

/// A program on a table with a key of two columns and a hidden row number.
pub fn on_pairs() -> impl Strategy<Value = Vec<Step>> {
    steps(pair().boxed())
}

/// A program on tables of the real contract.
pub fn real() -> impl Strategy<Value = Vec<Step>> {
    steps(prop_oneof![region(), notice()].boxed())
}

fn steps(statement: BoxedStrategy<Statement>) -> impl Strategy<Value = Vec<Step>> {
    let part = prop_oneof![
        5 => (0..2_usize, vec(statement.clone(), 1..4)).prop_map(|(program, run)| runs(program, run)),
        5 => (0..2_usize, block(&statement)).prop_map(|(program, run)| runs(program, run)),
        3 => (1..9_u64).prop_map(|rows| vec![Step::Cut(rows)]),
        2 => Just(vec![Step::Apply]),
    ];
    vec(part, 2..14).prop_map(|parts| parts.concat())
}

fn runs(program: usize, run: Vec<Statement>) -> Vec<Step> {
    run.into_iter().map(|(kind, sql)| Step::Run { program, kind, sql }).collect()
}

/// A transaction or a part of one. It may be left open, so that the other program meets it, or end what another one began.
fn block(statement: &BoxedStrategy<Statement>) -> impl Strategy<Value = Vec<Statement>> + use<> {
    let of = |kind: &'static str, sql: &'static str| Just(vec![(kind, sql.to_owned())]);
    let nothing = Just(Vec::new());
    let begin = prop_oneof![
        3 => of("begin", "BEGIN"),
        1 => of("begin immediate", "BEGIN IMMEDIATE"),
        1 => nothing.clone(),
    ];
    let inside = prop_oneof![
        3 => nothing.clone(),
        1 => of("deferred", "PRAGMA defer_foreign_keys = ON"),
        1 => of("recursive", "PRAGMA recursive_triggers = ON"),
        1 => of("not recursive", "PRAGMA recursive_triggers = OFF"),
        1 => of("reset", "DELETE FROM sqlite_sequence"),
    ];
    let savepoint = prop_oneof![1 => of("savepoint", "SAVEPOINT one"), 1 => nothing.clone()];
    let back = prop_oneof![
        2 => of("rollback to", "ROLLBACK TO one"),
        1 => of("release", "RELEASE one"),
        1 => nothing.clone(),
    ];
    let end = prop_oneof![4 => of("commit", "COMMIT"), 1 => of("rollback", "ROLLBACK"), 1 => nothing];
    let some = || vec(statement.clone(), 0..4);
    (begin, inside, some(), savepoint, some(), back, some(), end).prop_map(|parts| {
        let (begin, inside, one, savepoint, two, back, three, end) = parts;
        [begin, inside, one, savepoint, two, back, three, end].concat()
    })
}

fn key() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "c", "d"])
}

fn text() -> impl Strategy<Value = &'static str> {
    select(vec!["'x'", "'X'", "'y'", "'z'", "NULL", "'\"\\\n缴'"])
}

/// The conflict clause of a statement.
fn clause() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " OR REPLACE", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK"])
}

fn no() -> impl Strategy<Value = i64> {
    1..5_i64
}

/// A row number; before an insert, −1 looks as if there were none.
fn row_id() -> impl Strategy<Value = i64> {
    select(vec![-1, -1, 1, 2, 3])
}

fn shelf() -> impl Strategy<Value = Statement> {
    prop_oneof![
        4 => (clause(), key(), text(), no(), no()).prop_map(|(or, k, t, n, m)| ("shelf insert", format!(
            "INSERT{or} INTO shelf (id, code, floor, place, fen, seal) VALUES ('{k}', {t}, {n}, {m}, {n}, x'0{m}')"))),
        2 => (clause(), key(), row_id()).prop_map(|(or, k, n)| ("shelf row id", format!(
            "INSERT{or} INTO shelf (rowid, id, floor, place, fen) VALUES ({n}, '{k}', random(), random(), 1)"))),
        1 => (clause(), key(), row_id()).prop_map(|(or, k, n)|
            ("shelf row id update", format!("UPDATE{or} shelf SET rowid = {n} WHERE id = '{k}'"))),
        1 => (key(), no()).prop_map(|(k, n)| ("shelf upsert", format!(
            "INSERT INTO shelf (id, floor, place, fen) VALUES ('{k}', {n}, 0, {n}) ON CONFLICT (id) DO UPDATE SET fen = fen + {n}"))),
        2 => (clause(), key(), text()).prop_map(|(or, k, t)|
            ("shelf update", format!("UPDATE{or} shelf SET code = {t}, fen = fen + 1 WHERE id >= '{k}'"))),
        1 => (clause(), no()).prop_map(|(or, n)| ("shelf move", format!("UPDATE{or} shelf SET floor = floor + {n}, place = 1"))),
        2 => (clause(), key(), key()).prop_map(|(or, k, l)|
            ("shelf key", format!("UPDATE{or} shelf SET id = '{l}' WHERE id = '{k}'"))),
        1 => key().prop_map(|k| ("shelf delete", format!("DELETE FROM shelf WHERE id = '{k}'"))),
        1 => Just(("shelf empty", "DELETE FROM shelf".to_owned())),
    ]
}

fn box_and_item() -> impl Strategy<Value = Statement> {
    let label = select(vec!["'x'", "'skip'", "NULL"]);
    prop_oneof![
        5 => (clause(), key(), 1..3_i64, label).prop_map(|(or, k, n, t)|
            ("box insert", format!("INSERT{or} INTO box VALUES ('{k}', {n}, {t})"))),
        1 => (clause(), key(), no()).prop_map(|(or, k, n)| ("box key", format!("UPDATE{or} box SET shelf = '{k}' WHERE no = {n}"))),
        1 => (clause(), no()).prop_map(|(or, n)| ("box shift", format!("UPDATE{or} box SET no = no + {n}"))),
        1 => no().prop_map(|n| ("box delete", format!("DELETE FROM box WHERE no = {n}"))),
        4 => (clause(), no(), key(), 1..3_i64, text()).prop_map(|(or, n, k, m, t)|
            ("item insert", format!("INSERT{or} INTO item VALUES ({n}, '{k}', {m}, {t})"))),
        3 => (clause(), no(), text()).prop_map(|(or, n, t)|
            ("item loose", format!("INSERT{or} INTO item VALUES ({n}, NULL, {n}, {t})"))),
        2 => (clause(), no(), text()).prop_map(|(or, n, t)| ("item update", format!("UPDATE{or} item SET tag = {t} WHERE no >= {n}"))),
        1 => (clause(), no()).prop_map(|(or, n)| ("item shift", format!("UPDATE{or} item SET no = no - {n}"))),
    ]
}

fn tree() -> impl Strategy<Value = Statement> {
    prop_oneof![
        3 => (clause(), key(), key(), no()).prop_map(|(or, k, l, n)|
            ("tree insert", format!("INSERT{or} INTO tree VALUES ('{k}', '{l}', {n})"))),
        2 => (clause(), key(), no()).prop_map(|(or, k, n)| ("tree root", format!("INSERT{or} INTO tree VALUES ('{k}', NULL, {n})"))),
        3 => (clause(), key(), key()).prop_map(|(or, k, l)| ("tree key", format!("UPDATE{or} tree SET id = '{l}' WHERE id = '{k}'"))),
        1 => (clause(), key(), key()).prop_map(|(or, k, l)|
            ("tree key and up", format!("UPDATE{or} tree SET id = '{l}', up = '{l}' WHERE id = '{k}'"))),
        2 => (clause(), key(), key()).prop_map(|(or, k, l)| ("tree up", format!("UPDATE{or} tree SET up = '{l}' WHERE id = '{k}'"))),
        1 => key().prop_map(|k| ("tree delete", format!("DELETE FROM tree WHERE id = '{k}'"))),
    ]
}

fn pair() -> impl Strategy<Value = Statement> {
    let word = select(vec!["'x'", "'fail'", "'roll'", "NULL"]);
    prop_oneof![
        3 => (clause(), key(), no(), word).prop_map(|(or, k, n, t)|
            ("pair insert", format!("INSERT{or} INTO pair VALUES ('{k}', {n}, {t}), ('{k}', {n} + 1, 'x')"))),
        2 => (clause(), key(), key()).prop_map(|(or, k, l)| ("pair key", format!("UPDATE{or} pair SET a = '{l}' WHERE a = '{k}'"))),
        1 => (clause(), no()).prop_map(|(or, n)| ("pair shift", format!("UPDATE{or} pair SET b = b + {n}"))),
        1 => no().prop_map(|n| ("pair select", format!("INSERT OR IGNORE INTO pair SELECT a, b + {n}, c FROM pair"))),
        1 => no().prop_map(|n| ("pair delete", format!("DELETE FROM pair WHERE b = {n}"))),
        2 => (clause(), row_id(), key()).prop_map(|(or, n, k)|
            ("pair row id", format!("INSERT{or} INTO pair (rowid, a, b) VALUES ({n}, '{k}', {n})"))),
    ]
}

fn application() -> impl Strategy<Value = Statement> {
    prop_oneof![
        2 => (clause(), key(), no()).prop_map(|(or, k, n)|
            ("inbox shelf", format!("INSERT{or} INTO inbox (what, k, n) VALUES ('shelf', '{k}', {n})"))),
        2 => (clause(), key(), no()).prop_map(|(or, k, n)|
            ("inbox pair", format!("INSERT{or} INTO inbox (what, k, n) VALUES ('pair', '{k}', {n})"))),
        1 => Just(("inbox delete", "DELETE FROM inbox".to_owned())),
        1 => (key(), key(), no()).prop_map(|(k, l, n)|
            ("view update", format!("UPDATE shelves SET id = '{l}', fen = {n} WHERE id = '{k}'"))),
        1 => key().prop_map(|k| ("view delete", format!("DELETE FROM shelves WHERE id = '{k}'"))),
    ]
}

fn region() -> impl Strategy<Value = Statement> {
    let parent = select(vec!["NULL", "'a'", "'b'", "'c'"]);
    prop_oneof![
        4 => (clause(), key(), no(), parent.clone()).prop_map(|(or, k, n, p)| ("region insert", format!(
            "INSERT{or} INTO base_region VALUES ('{k}', '110000000', '2026', '{n}', '市', {p}, 1, 0, 1, '20260101', NULL, \
             '20260101000000000', '20260101000000000', 0, '110000', NULL)"))),
        2 => (clause(), key(), no()).prop_map(|(or, k, n)|
            ("region update", format!("UPDATE{or} base_region SET ele_code = '{n}', is_leaf = 1 WHERE id >= '{k}'"))),
        1 => (clause(), key(), parent).prop_map(|(or, k, p)|
            ("region parent", format!("UPDATE{or} base_region SET parent_id = {p} WHERE id = '{k}'"))),
        1 => (clause(), key(), key()).prop_map(|(or, k, l)|
            ("region key", format!("UPDATE{or} base_region SET id = '{l}' WHERE id = '{k}'"))),
        1 => key().prop_map(|k| ("region delete", format!("DELETE FROM base_region WHERE id = '{k}'"))),
    ]
}

fn notice() -> impl Strategy<Value = Statement> {
    prop_oneof![
        3 => (clause(), no(), no()).prop_map(|(or, n, fen)| ("notice insert", format!(
            "INSERT{or} INTO pay_notice VALUES ('1000000000000000000{n}', '110000000', '2026', 'g', '20260101', NULL, 1, '张三', \
             NULL, NULL, {fen}, 0, {fen}, 0, 'GENERAL', NULL, NULL, NULL, '20260101000000000', '20260101000000000')"))),
        1 => no().prop_map(|n| ("notice upsert", format!(
            "INSERT INTO pay_notice SELECT * FROM pay_notice WHERE true ON CONFLICT (pay_code) DO UPDATE SET \
             late_fee_fen = {n}, total_fen = amount_fen + {n}"))),
        2 => (clause(), no(), no()).prop_map(|(or, n, state)|
            ("notice update", format!("UPDATE{or} pay_notice SET state = {state} WHERE pay_code LIKE '%{n}'"))),
        1 => (clause(), no(), no()).prop_map(|(or, n, m)| ("notice key", format!(
            "UPDATE{or} pay_notice SET pay_code = '1000000000000000000{m}' WHERE pay_code LIKE '%{n}'"))),
        1 => no().prop_map(|n| ("notice delete", format!("DELETE FROM pay_notice WHERE pay_code LIKE '%{n}'"))),
        3 => (clause(), no(), no()).prop_map(|(or, n, line)| ("line insert", format!(
            "INSERT{or} INTO pay_notice_item VALUES ('1000000000000000000{n}', {line}, 'i', 'c', '罚款', '103', 1, 5, 5)"))),
        1 => (clause(), no()).prop_map(|(or, n)|
            ("line shift", format!("UPDATE{or} pay_notice_item SET line_no = line_no + {n}"))),
        1 => no().prop_map(|n| ("line delete", format!("DELETE FROM pay_notice_item WHERE line_no = {n}"))),
    ]
}
