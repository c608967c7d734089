//! The contract is one that the protocol accepts, and its digests are pinned.

use contract::{NONTAX_TOML, rows::SHAPES};
use ferry_core::contract::Contract;

#[test]
fn streams_have_their_direction_and_order() {
    let contract = nontax();
    let streams: Vec<_> = contract
        .in_apply_order()
        .map(|stream| (stream.name.as_str(), stream.owner.as_str(), stream.to.as_str(), stream.limits.linger_ms))
        .collect();
    let expected =
        [("confirm", "outer", "inner", 1_000), ("base", "inner", "outer", 60_000), ("notice", "inner", "outer", 2_000)];
    assert_eq!(streams, expected);
    assert_eq!(contract.schema["sqlite"], "schema/nontax.sqlite.sql");
}

/// A changed digest means that both zones need the new contract before either sends under it.
#[test]
fn digests_are_pinned() {
    let digests: Vec<_> =
        nontax().streams().iter().map(|stream| (stream.name.to_string(), stream.digest.to_string())).collect();
    let expected = [
        ("base", "eedda0c0d70e97286b53a1577b7550d52eb38fdd54fb9d4aa1600c4c92e4852a"),
        ("notice", "71ff3d5dfc65fea2ce33309fcfe536ed521f21f37b572e0425385587a33ce8fe"),
        ("confirm", "00f2136ccefb9e3a605445bb01d0e3db239eafc07a1f3ad2cbbd5d789215c80e"),
    ];
    assert_eq!(digests, expected.map(|(name, digest)| (name.to_owned(), digest.to_owned())));
}

#[test]
fn typed_rows_have_the_columns_and_keys_of_the_contract() {
    let contract = nontax();
    let tables: Vec<_> = contract.streams().iter().flat_map(|stream| &stream.tables).collect();
    assert_eq!(tables.len(), SHAPES.len());
    for (table, shape) in tables.into_iter().zip(SHAPES) {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let key: Vec<_> = table.key_columns().map(|column| column.name.as_str()).collect();
        assert_eq!((table.name.as_str(), columns.as_slice()), (shape.table, shape.columns));
        assert_eq!(key, shape.key, "{}", shape.table);
    }
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
    let expected = ["base_agency.phone", "pay_notice.payer_id_no", "pay_notice.payer_phone", "pay_confirm.payer_acct"];
    assert_eq!(sensitive, expected);
}

fn nontax() -> Contract {
    Contract::parse(NONTAX_TOML, "nontax.toml").expect("the contract is right")
}
