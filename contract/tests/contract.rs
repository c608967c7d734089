//! The contract is one that the protocol accepts, and its digests are pinned.

use contract::NONTAX_TOML;
use contract::rows::{Column, ColumnType, TABLES};
use ferry_core::contract::{ColumnKind, Contract};

#[test]
fn streams_have_their_direction_and_order() {
    let contract = nontax();
    let streams: Vec<_> = contract
        .in_apply_order()
        .map(|stream| (stream.name.as_str(), stream.owner.as_str(), stream.to.as_str(), stream.limits.linger_ms))
        .collect();
    let expected = [
        ("confirm", "outer", "inner", 1_000),
        ("request", "outer", "inner", 2_000),
        ("result", "inner", "outer", 2_000),
        ("base", "inner", "outer", 60_000),
        ("notice", "inner", "outer", 2_000),
    ];
    assert_eq!(streams, expected);
    assert_eq!(contract.schema["sqlite"], "schema/nontax.sqlite.sql");
}

/// A changed digest means that both zones need the new contract before either sends under it.
#[test]
fn digests_are_pinned() {
    let digests: Vec<_> =
        nontax().streams().iter().map(|stream| (stream.name.to_string(), stream.digest.to_string())).collect();
    let expected = [
        ("base", "09eb21918db835b52e608c08fb49b192f9ceb433da9b8229359c842e86adbcc7"),
        ("notice", "e74883838bafb5908c307918e3732e4ab58c7835b062b903b6e8f6cafaffc4bf"),
        ("confirm", "df9c66f0bdde3634dc621458918c7d1c1f36b534483266702e9e4ce4f21c2a1c"),
        ("request", "396e8bce160fde81d0bff03b34f482cc0554c5a1c8c6d3142b6424e5684bc9ed"),
        ("result", "52a85502bb534e9947894ae76d4c0bcb22ea6995cdd44aaf3a842fbb6f5e214a"),
    ];
    assert_eq!(digests, expected.map(|(name, digest)| (name.to_owned(), digest.to_owned())));
}

#[test]
fn typed_rows_have_the_columns_types_and_keys_of_the_contract() {
    let contract = nontax();
    let tables: Vec<_> = contract.streams().iter().flat_map(|stream| &stream.tables).collect();
    assert_eq!(tables.len(), TABLES.len());
    for (table, typed) in tables.into_iter().zip(TABLES) {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let key: Vec<_> = table.key_columns().map(|column| column.name.as_str()).collect();
        assert_eq!((table.name.as_str(), columns.as_slice()), (typed.shape.table, typed.shape.columns));
        assert_eq!(key, typed.shape.key, "{}", typed.shape.table);
        for (column, typed) in table.columns.iter().zip(typed.columns) {
            assert_eq!(of_the_contract(column), of_the_type(typed), "{}.{}", table.name, column.name);
        }
    }
}

/// What both sides say of a column: kind, limits, whether it may be empty, is sensitive, is money.
type Said = (ColumnKind, usize, Option<(i64, i64)>, bool, bool, bool);

fn of_the_contract(column: &ferry_core::contract::Column) -> Said {
    let is_integer = column.kind == ColumnKind::Integer;
    let range = is_integer.then(|| column.range.clone().into_inner());
    let width = if column.kind == ColumnKind::Text { column.length_max } else { 0 };
    (column.kind, width, range, column.nullable, column.sensitive, column.money)
}

fn of_the_type(column: &Column) -> Said {
    let (kind, width, range) = match column.kind {
        ColumnType::Text(width) => (ColumnKind::Text, width, None),
        ColumnType::Integer(least, most) => (ColumnKind::Integer, 0, Some((least, most))),
        ColumnType::Fen | ColumnType::Money => (ColumnKind::Fen, 0, None),
        ColumnType::Bool => (ColumnKind::Bool, 0, None),
        ColumnType::Date8 => (ColumnKind::Date8, 0, None),
        ColumnType::Time14 => (ColumnKind::Time14, 0, None),
        ColumnType::Time17 => (ColumnKind::Time17, 0, None),
    };
    (kind, width, range, column.is_nullable, column.is_sensitive, column.kind == ColumnType::Money)
}

#[test]
fn what_identifies_people_is_sensitive() {
    let contract = nontax();
    let sensitive: Vec<_> = contract
        .streams()
        .iter()
        .flat_map(|stream| &stream.tables)
        .flat_map(|table| table.columns.iter().map(move |column| (table.name.as_str(), column)))
        .filter(|(_, column)| column.sensitive)
        .map(|(table, column)| format!("{table}.{}", column.name))
        .collect();
    let expected = [
        "base_fin_dept.contact",
        "base_agency.phone",
        "base_account.acct_no",
        "pay_notice.payer_id_no",
        "pay_notice.payer_phone",
        "pay_confirm.payer_acct",
        "notice_request.payer_id_no",
        "notice_request.payer_phone",
    ];
    assert_eq!(sensitive, expected);
}

fn nontax() -> Contract {
    Contract::parse(NONTAX_TOML, "nontax.toml").expect("the contract is right")
}
