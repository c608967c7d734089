//! The canonical form of a stream's part of a contract, and its digest.

use core::fmt::Write as _;

use ferry_format::{Digest, StreamName, ZoneName};

use super::{Column, Table};

/// The label before the canonical form when it is digested.
pub const CONTRACT_LABEL: &[u8] = b"ferry-contract/1\n";

/// The SM3 digest over the label and the canonical form.
pub(super) fn digest(name: &StreamName, owner: &ZoneName, to: &ZoneName, tables: &[Table]) -> Digest {
    Digest::of(&[CONTRACT_LABEL, canonical(name, owner, to, tables).as_bytes()])
}

/// The canonical form: one fact a line, words parted by one space, in the order of the contract.
///
/// No name holds a space or a newline, so two different contracts never have the same form. Priority,
/// dependencies and batch limits are tuning of one side and are left out.
fn canonical(name: &StreamName, owner: &ZoneName, to: &ZoneName, tables: &[Table]) -> String {
    let mut text = format!("stream {name}\nowner {owner}\nto {to}\n");
    for table in tables {
        let row = if table.independent { "independent" } else { "grouped" };
        line(&mut text, &["table", &table.name, row]);
        for column in &table.columns {
            column_line(&mut text, column);
        }
        for column in table.key_columns() {
            line(&mut text, &["key", &column.name]);
        }
    }
    text
}

fn column_line(text: &mut String, column: &Column) {
    let (least, most) = (column.range.start().to_string(), column.range.end().to_string());
    let length_max = column.length_max.to_string();
    line(
        text,
        &[
            "column",
            &column.name,
            column.kind.as_str(),
            if column.nullable { "null" } else { "not-null" },
            if column.sensitive { "sensitive" } else { "clear" },
            if column.money { "money" } else { "plain" },
            &least,
            &most,
            &length_max,
        ],
    );
}

fn line(text: &mut String, words: &[&str]) {
    writeln!(text, "{}", words.join(" ")).expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use crate::contract::Contract;

    const TEXT: &str = r#"
name = "shop"
version = 1
zones = ["inner", "outer"]

[[stream]]
name = "bill"
owner = "inner"
to = "outer"
priority = 5
limits = { rows = 100, plain_bytes = 65536, linger_ms = 1000 }

[[stream.table]]
name = "bill"
key = ["no", "line"]
independent = true
columns = [
  { name = "no", type = "text", max = 20 },
  { name = "line", type = "integer", min = 1, max = 99 },
  { name = "amount", type = "fen", money = true },
  { name = "payer", type = "text", max = 200, nullable = true, sensitive = true },
]
"#;

    #[test]
    fn canonical_form_is_pinned() {
        let contract = Contract::parse(TEXT, "shop.toml").unwrap();
        let stream = &contract.streams()[0];
        assert_eq!(
            canonical(&stream.name, &stream.owner, &stream.to, &stream.tables),
            "stream bill\n\
             owner inner\n\
             to outer\n\
             table bill independent\n\
             column no text not-null clear plain -9223372036854775808 9223372036854775807 20\n\
             column line integer not-null clear plain 1 99 0\n\
             column amount fen not-null clear money 0 9223372036854775807 0\n\
             column payer text null sensitive plain -9223372036854775808 9223372036854775807 200\n\
             key no\n\
             key line\n"
        );
        assert_eq!(stream.digest.to_string(), "e270a2232cb64b2cd595c905f2946f959c2468e7af3af8728941ced2f158112a");
    }

    #[test]
    fn tuning_leaves_the_digest_alone() {
        let digest = |text: &str| Contract::parse(text, "shop.toml").unwrap().streams()[0].digest;
        let tuned = TEXT.replace("priority = 5", "priority = 9").replace("rows = 100", "rows = 7").replace("1000", "2");
        assert_eq!(digest(TEXT), digest(&tuned));
    }

    #[test]
    fn every_agreed_fact_changes_the_digest() {
        let digest = |text: &str| Contract::parse(text, "shop.toml").unwrap().streams()[0].digest;
        let changes = [
            ("name = \"bill\"\nowner", "name = \"bills\"\nowner"),
            ("owner = \"inner\"\nto = \"outer\"", "owner = \"outer\"\nto = \"inner\""),
            ("name = \"bill\"\nkey", "name = \"bills\"\nkey"),
            ("[\"no\", \"line\"]", "[\"line\", \"no\"]"),
            ("independent = true", "independent = false"),
            ("\"amount\"", "\"sum\""),
            ("type = \"fen\"", "type = \"fen\", signed = true"),
            (", money = true", ""),
            (", nullable = true", ""),
            (", sensitive = true", ""),
            ("max = 99", "max = 98"),
            ("max = 200", "max = 201"),
        ];
        let original = digest(TEXT);
        for (from, to) in changes {
            assert!(TEXT.contains(from), "{from}");
            assert_ne!(original, digest(&TEXT.replace(from, to)), "{from} -> {to}");
        }
    }
}
