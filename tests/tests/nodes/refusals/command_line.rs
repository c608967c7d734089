//! Command lines, configurations and keys that are wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tests::pair::{INNER, OUTER};

use super::case::{Case, How, run_with};
use super::place::Place;

/// The password that is typed where a person is added.
const TYPED: &str = "Correct-Horse-7\n";

/// The cases.
pub fn cases(place: &Place) -> Vec<Case> {
    [usage(place), configurations(place), surroundings(place), acts(place)].into_iter().flatten().collect()
}

fn plain(program: &'static str, arguments: &[&str]) -> How {
    How::Run { program, arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(), typed: "" }
}

fn usage(place: &Place) -> Vec<Case> {
    let config = place.config_path(OUTER);
    let usage = |name, how| Case::new(OUTER, name, how).ends(2, "usage");
    vec![
        usage("an option that there is not", plain("outer-node", &["run", "--colour"])).naming("--colour"),
        usage("a verb that there is not", plain("inner-node", &["dance"])).naming("dance"),
        usage("no verb", plain("inner-node", &[])),
        usage("a state that there is not", run_with("outer-node", &config, &["order", "list", "--state", "8"], ""))
            .naming("8"),
        usage(
            "a role that there is not",
            run_with("outer-node", &config, &["person", "add", "neu", "--title", "a", "--role", "king"], TYPED),
        )
        .naming("king"),
        usage(
            "a person without a role",
            run_with("outer-node", &config, &["person", "add", "neu", "--title", "a"], TYPED),
        )
        .naming("--role"),
        usage(
            "two options that exclude each other",
            run_with("outer-node", &config, &["person", "change", "li", "--enable", "--disable"], ""),
        )
        .naming("--enable"),
        usage(
            "an encoding that there is not",
            plain("inner-node", &["import", "a.csv", "--kind", "AGENCY", "--encoding", "ebcdic"]),
        )
        .naming("ebcdic"),
    ]
}

/// A node that is to start with another configuration.
fn start(place: &Place, zone: usize, name: &'static str, file: &str, from: &str, to: &str) -> Case {
    let text = place.config(zone);
    assert!(text.contains(from), "{from}: {text}");
    let path = place.file(file, text.replacen(from, to, 1).as_bytes());
    Case::new(zone, name, run_with(["inner-node", "outer-node"][zone], &path, &["run"], ""))
}

fn configurations(place: &Place) -> Vec<Case> {
    let wrong = |zone, name, file, from: &str, to: &str| start(place, zone, name, file, from, to).ends(10, "config");
    let listen = "listen = \"127";
    let health = "health = \"127.0.0.1";
    let missing = run_with("inner-node", "/nowhere/inner-node.toml", &["run"], "");
    let last = "[[channel]]";
    vec![
        Case::new(INNER, "a configuration that there is not", missing)
            .ends(10, "config")
            .naming("/nowhere/inner-node.toml"),
        wrong(INNER, "a field that there is not", "colour.toml", "[node]", "[node]\ncolour = 1").naming("colour"),
        wrong(INNER, "a configuration that is no TOML", "toml.toml", "[node]", "[node").naming("toml.toml"),
        wrong(INNER, "an address that is none", "listen.toml", listen, "listen = \"here").naming("line 3"),
        wrong(INNER, "a health that the network reaches", "health.toml", health, "health = \"0.0.0.0")
            .naming("node.health"),
        wrong(
            INNER,
            "a pattern that is none",
            "pattern.toml",
            "[push]",
            "[node.policy]\npay_code_pattern = \"[\"\n[push]",
        )
        .naming("node.policy.pay_code_pattern"),
        wrong(
            INNER,
            "a weight that there is not",
            "weight.toml",
            "[push]",
            "[node.policy]\nuscc_check = \"shout\"\n[push]",
        )
        .naming("shout"),
        wrong(
            OUTER,
            "a day cut that is no time",
            "cut.toml",
            "[callbacks]",
            "[orders]\nday_cut = \"25:00\"\n[callbacks]",
        )
        .naming("orders.day_cut"),
        wrong(
            OUTER,
            "orders that end at once",
            "expire.toml",
            "[callbacks]",
            "[orders]\nexpire_minutes = 0\n[callbacks]",
        )
        .naming("orders.expire_minutes"),
        wrong(OUTER, "a channel twice", "channel.toml", last, "[[channel]]\nid = \"WECHAT\"\n[[channel]]")
            .naming("WECHAT"),
        wrong(
            OUTER,
            "a channel that is asked at no URL",
            "url.toml",
            last,
            "[[channel]]\nid = \"PIGEON\"\nquery_url = \"coop\"\n[[channel]]",
        )
        .naming("query_url"),
    ]
}

fn with_mode(path: &str, mode: u32) {
    std::fs::set_permissions(Path::new(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

fn surroundings(place: &Place) -> Vec<Case> {
    let field = |name, file, path: &str| {
        let text = place.config(INNER);
        let line = text.lines().find(|line| line.starts_with("field_key")).unwrap();
        start(place, INNER, name, file, line, &format!("field_key = \"{path}\""))
    };
    let database = |name, file, path: &str| {
        let text = place.config(INNER);
        let line = text.lines().find(|line| line.starts_with("database")).unwrap();
        start(place, INNER, name, file, line, &format!("database = \"{path}\""))
    };
    let open_key = place.file("open.key", b"00112233445566778899aabbccddeeff\n");
    with_mode(&open_key, 0o644);
    let no_key = place.file("no.key", b"secret\n");
    with_mode(&no_key, 0o600);
    let callbacks = place.config(OUTER);
    let key = callbacks.lines().find(|line| line.starts_with("key = ")).unwrap();
    let open_pem = place.file("open.pem", node::testing::private_pem(9).as_bytes());
    with_mode(&open_pem, 0o640);
    vec![
        field("a field key that there is not", "key-1.toml", "/nowhere/field.key")
            .ends(12, "field-key")
            .naming("/nowhere/field.key"),
        field("a field key that others may read", "key-2.toml", &open_key)
            .ends(14, "field-key")
            .naming("chmod 600")
            .naming(open_key.clone()),
        field("a field key that is none", "key-3.toml", &no_key).ends(12, "field-key").naming(no_key.clone()),
        start(place, OUTER, "a private key that others may read", "key-4.toml", key, &format!("key = \"{open_pem}\""))
            .ends(14, "private-key")
            .naming("callbacks.key"),
        start(place, OUTER, "a private key that there is not", "key-5.toml", key, "key = \"/nowhere/a.pem\"")
            .ends(12, "private-key")
            .naming("callbacks.key"),
        database("a database that there is not", "db-1.toml", "/nowhere/inner.db")
            .ends(17, "no-database")
            .naming("/nowhere/inner.db"),
        database("a database that is another file", "db-2.toml", &place.file("no.db", &[b'x'; 8_192]))
            .ends(17, "database")
            .naming("no.db"),
        Case::new(
            INNER,
            "a second node at the same address",
            run_with("inner-node", &place.config_path(INNER), &["run"], ""),
        )
        .ends(19, "listen")
        .naming("127.0.0.1"),
    ]
}

fn acts(place: &Place) -> Vec<Case> {
    let config = place.config_path(OUTER);
    let there = place.file("there.key", b"");
    let key = place.file("no.pem", b"-----BEGIN PUBLIC KEY-----\n");
    let act =
        |name, arguments: &[&str], typed| Case::new(OUTER, name, run_with("outer-node", &config, arguments, typed));
    let put =
        |id, permission, key| ["client", "put", id, "--title", "新系统", "--permission", permission, "--key", key];
    vec![
        Case::new(OUTER, "a field key over another file", plain("outer-node", &["field-key", &there]))
            .ends(25, "field-key")
            .naming(there.clone()),
        act(
            "a weak password on the command line",
            &["person", "add", "neu", "--title", "王芳", "--role", "operator"],
            "short\n",
        )
        .ends(31, "password-weak"),
        act("a person that there is not", &["person", "change", "nobody", "--disable"], "")
            .ends(21, "not-found")
            .naming("nobody"),
        act("a client without a key", &put("new-1", "unit", &key), "").ends(31, "public-key"),
        act("a client whose key's file there is not", &put("new-1", "unit", "/nowhere/a.pem"), "")
            .ends(31, "public-key")
            .naming("/nowhere/a.pem"),
        act(
            "a client with an unknown permission on the command line",
            &put("new-1", "king", &place.town.pair.path(OUTER, "off-1.pub.pem").display().to_string()),
            "",
        )
        .ends(31, "permission")
        .naming("unit"),
        act("an order that there is not on the command line", &["order", "show", "nothing"], "")
            .ends(21, "not-found")
            .naming("nothing"),
        act("a notification that there is not", &["callback", "again", "999999"], "")
            .ends(21, "not-found")
            .naming("999999"),
    ]
}
