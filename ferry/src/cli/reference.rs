//! The reference page of the command line, made from the help texts.

use clap::Command;

use super::command;
use crate::Lang;

/// The whole page `docs/cli.md`.
#[must_use]
pub fn page() -> String {
    let mut command = command(Lang::En).term_width(100);
    command.build();
    let mut page = HEAD.to_owned();
    describe(&mut command, &mut page);
    page.push_str(ANSWERS_HEAD);
    for (verb, parts) in ANSWERS {
        page.push_str(&format!("\n### ferry {verb} --json\n\n| part | keys |\n|---|---|\n"));
        for (part, keys) in *parts {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            page.push_str(&format!("| `{part}` | {} |\n", keys.join(", ")));
        }
    }
    page
}

const HEAD: &str = "# The command line of `ferry`\n\n\
    This page is made from the program's help texts; a test compares the two. To write it anew, run the tests of the \
    crate\n`ferry` with `FERRY_WRITE_DOCS=1`. The same texts appear in Chinese when `LANG` begins with `zh`.\n\n\
    Every verb takes `--json`. The answer is then one JSON document on standard output, and a failure is one JSON \
    document\non standard error, also when the command line itself is wrong. Times in JSON are milliseconds since \
    1970-01-01 UTC and\nend in `_ms`; money is in fen, as decimal strings. The numbers with which the program ends are \
    listed in\n[exit-codes.md](exit-codes.md).\n";

/// The keys of one part of an answer.
type Part = (&'static str, &'static [&'static str]);

const STREAM: &[&str] = &[
    "stream",
    "direction",
    "epoch",
    "last_seq",
    "published_seq",
    "applied_seq",
    "applied_digest",
    "held",
    "missing",
    "lag_ms",
    "known_at_ms",
    "health",
    "code",
    "detail",
    "parked_rows",
    "updated_at_ms",
];

const BATCH: &[&str] = &[
    "link",
    "direction",
    "stream",
    "epoch",
    "seq",
    "digest",
    "state",
    "rows",
    "parked",
    "file_bytes",
    "group_first",
    "group_last",
    "attempt",
    "cut_at_ms",
    "published_at_ms",
    "held_at_ms",
    "settled_at_ms",
    "taken_at_ms",
    "applied_at_ms",
    "wait_ms",
    "apply_ms",
];

const HEADER: &[&str] = &[
    "link",
    "from",
    "to",
    "stream",
    "epoch",
    "epoch_id",
    "seq",
    "digest",
    "previous",
    "group",
    "contract",
    "requires",
    "records",
    "tables",
    "plain_bytes",
    "plain_sm3",
    "cut_at_ms",
    "audit",
    "supersedes",
    "signer",
    "recipients",
    "chunks",
    "compressed_bytes",
    "file_bytes",
];

const TABLE: &[&str] = &["name", "inserts", "updates", "deletes", "totals_fen"];
const GROUP: &[&str] = &["first", "index", "last"];
const MARK: &[&str] = &["stream", "epoch", "seq", "digest"];
const HEAD_OF_LOG: &[&str] = &["size", "root"];
const SUPERSEDES: &[&str] = &["act", "old", "reason", "approvals"];
const KEPT: &[&str] =
    &["name", "path", "number", "signed", "code", "story", "gate_name", "at_ms", "bytes", "sm3", "meaning", "next"];

const PARKED_ROW: &[&str] = &["stream", "epoch", "seq", "row", "table", "code", "at_ms"];
const HANDED_IN: &[Part] = &[(".", &["act", "deed", "stream", "signed", "needed", "code", "draft"])];
const EPOCH_HANDED_IN: &[Part] = &[(
    ".",
    &[
        "act",
        "deed",
        "stream",
        "signed",
        "needed",
        "code",
        "draft",
        "epoch",
        "ended_epoch",
        "ended_seq",
        "unapplied_batches",
        "unapplied_rows",
        "unapplied_deletes",
    ],
)];
const ACT: &[&str] = &[
    "act",
    "here",
    "zone",
    "deed",
    "stream",
    "first",
    "last",
    "reason",
    "made_at_ms",
    "signers",
    "verified",
    "digest",
    "handed_in_at_ms",
    "code",
    "ended_at_ms",
    "told_at_ms",
];

const PUT_ASIDE: &[&str] = &["stream", "epoch", "seq", "digest", "rows", "new_digest", "new_rows"];

/// The keys of every answer of the verbs that read, part by part; `.` is the answer itself.
pub const ANSWERS: &[(&str, &[Part])] = &[
    (
        "init --database-only",
        &[(".", &["zone", "peer", "link", "config", "database", "instance", "anchor", "streams", "made"])],
    ),
    (
        "status",
        &[
            (
                ".",
                &[
                    "zone",
                    "peer",
                    "link",
                    "instance",
                    "schema_version",
                    "time_scale",
                    "now_ms",
                    "written_at_ms",
                    "attention",
                    "streams",
                    "facts",
                    "troubles",
                ],
            ),
            (".streams[]", STREAM),
            (".troubles[]", &["code", "stream", "attention", "meaning", "next"]),
        ],
    ),
    (
        "queue",
        &[
            (".", &["now_ms", "outbox", "outgoing", "incoming", "parked_rows", "turned_away"]),
            (".outbox[]", &["stream", "rows", "at_least"]),
            (".outgoing[]", BATCH),
            (".incoming[]", STREAM),
            (".parked_rows[]", PARKED_ROW),
            (".turned_away[]", &["code", "files"]),
        ],
    ),
    (
        "show",
        &[
            (".", &["direction", "books", "file", "head_only", "header"]),
            (".books", BATCH),
            (".header", HEADER),
            (".header.group", GROUP),
            (".header.requires[]", MARK),
            (".header.tables[]", TABLE),
            (".header.audit", HEAD_OF_LOG),
            (".header.supersedes", SUPERSEDES),
        ],
    ),
    (
        "explain",
        &[
            (".", &["stream", "direction", "epoch", "seq", "books", "file", "instead", "life", "state", "now", "next"]),
            (".books", BATCH),
            (".life[]", &["kind", "at_ms", "detail"]),
        ],
    ),
    (
        "trace",
        &[
            (
                ".",
                &[
                    "table",
                    "stream",
                    "direction",
                    "present",
                    "changes",
                    "left_out",
                    "held",
                    "held_unread",
                    "waiting",
                    "passed",
                    "unsearched",
                ],
            ),
            (
                ".changes[]",
                &[
                    "op",
                    "row",
                    "captured_at_ms",
                    "parked_code",
                    "was_parked",
                    "instead",
                    "batch",
                    "life",
                    "state",
                    "now",
                    "next",
                ],
            ),
            (".changes[].batch", BATCH),
            (".changes[].life[]", &["kind", "at_ms", "detail"]),
            (".held[]", &["op", "row", "epoch", "seq", "digest", "life", "state", "now", "next"]),
            (".held[].life[]", &["kind", "at_ms", "detail"]),
            (".waiting[]", &["op", "row", "captured_at_ms", "state", "now", "next"]),
            (".passed[]", &["op", "row", "act", "at_ms"]),
            (".unsearched[]", &["first", "last", "why"]),
        ],
    ),
    (
        "verify",
        &[
            (".", &["ok", "faults", "streams", "statuses", "files", "keys", "checked", "not_checked"]),
            (
                ".faults[]",
                &[
                    "code", "file", "link", "from", "to", "stream", "epoch", "seq", "seq_last", "number", "claimed",
                    "message",
                ],
            ),
            (
                ".streams[]",
                &[
                    "link",
                    "from",
                    "to",
                    "stream",
                    "epoch",
                    "batches",
                    "superseded",
                    "superseded_untold",
                    "first_seq",
                    "last_seq",
                    "proven_to",
                    "witnessed_to",
                    "last_digest",
                    "last_group_whole",
                    "heads",
                    "tables",
                ],
            ),
            (".streams[].tables[]", TABLE),
            (".statuses[]", &["link", "from", "to", "instance", "statuses", "first_number", "last_number"]),
            (".files", &["batches", "copies", "statuses", "faulty", "other_kinds", "foreign", "special"]),
            (".keys[]", &["link", "zone", "key", "fingerprint"]),
        ],
    ),
    ("resend", HANDED_IN),
    ("reseal", HANDED_IN),
    ("hold", HANDED_IN),
    ("release", HANDED_IN),
    ("pass", HANDED_IN),
    ("supersede", HANDED_IN),
    ("take-back", HANDED_IN),
    ("new-epoch", EPOCH_HANDED_IN),
    ("load", HANDED_IN),
    ("backup", &[(".", &["directory", "instance", "database_bytes", "anchor"])]),
    ("restore", &[(".", &["directory", "made_at_ms", "replaced", "anchor"])]),
    ("quarantine retry", HANDED_IN),
    ("quarantine dismiss", HANDED_IN),
    ("parked retry", HANDED_IN),
    ("acts sign", HANDED_IN),
    ("acts submit", HANDED_IN),
    ("acts list", &[(".", &["acts"]), (".acts[]", ACT)]),
    (
        "acts show",
        &[
            (".", ACT),
            (".", &["passed", "superseded"]),
            (".passed", &["row", "table", "op", "key", "at_ms"]),
            (".superseded[]", PUT_ASIDE),
        ],
    ),
    ("capture show", &[(".", &["tables"]), (".tables[]", &["stream", "table", "own", "flaws"])]),
    ("capture install", &[(".", &["captured", "guarded", "unchanged"])]),
    ("parked list", &[(".", &["rows"]), (".rows[]", PARKED_ROW)]),
    ("keys trace", &[(".", &["secret"])]),
    ("keys operator", &[(".", &["key", "card", "fingerprint"])]),
    ("quarantine list", &[(".", &["files"]), (".files[]", KEPT)]),
    (
        "quarantine show",
        &[
            (".", KEPT),
            (".", &["claims"]),
            (".claims", HEADER),
            (".claims.group", GROUP),
            (".claims.requires[]", MARK),
            (".claims.tables[]", TABLE),
            (".claims.audit", HEAD_OF_LOG),
            (".claims.supersedes", SUPERSEDES),
        ],
    ),
];

const ANSWERS_HEAD: &str = "\n## JSON answers\n\n\
    The keys of the answers of the verbs that read and of those that hand an act in. `.` is the answer, `[]` the elements of a list. A key is always \
    there; what\ndoes not apply is null. `facts`, `other_kinds` and `totals_fen` have names for keys. Keys may be \
    added, but never change.\n";

fn describe(command: &mut Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or("ferry").to_owned();
    let help = command.render_help().to_string();
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    page.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", lines.join("\n")));
    for verb in command.get_subcommands_mut() {
        describe(verb, page);
    }
}
