//! Tests of the language.

use super::*;
use proptest::prelude::*;

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let mut tags = Tags::new();
    for (tag, value) in pairs {
        tags.entry((*tag).to_owned()).or_default().push((*value).to_owned());
    }
    tags
}

fn holds(query: &str, pairs: &[(&str, &str)]) -> bool {
    Query::parse(query).expect(query).matches(&tags(pairs))
}

#[test]
fn conditions_hold_as_in_cometbft() {
    let event = [
        ("tm.event", "Tx"),
        ("tx.height", "12"),
        ("transfer.amount", "150awei"),
        ("wasm.action", "transfer"),
        ("wasm.action", "send"),
        ("message.action", "/cosmwasm.wasm.v1.MsgExecuteContract"),
    ];
    for yes in [
        "tm.event='Tx'",
        "tm.event = 'Tx' AND wasm.action='send'",
        "wasm.action='transfer' AND wasm.action='send'",
        "tx.height=12",
        "tx.height>=12 AND tx.height < 12.5",
        "transfer.amount > 149.9",
        "message.action CONTAINS 'Execute'",
        "wasm.action EXISTS",
        "message.action='/cosmwasm.wasm.v1.MsgExecuteContract'",
    ] {
        assert!(holds(yes, &event), "{yes}");
    }
    for no in [
        "tm.event='NewBlock'",
        "tx.height>12",
        "transfer.amount='150'",
        "wasm.missing EXISTS",
        "wasm.action CONTAINS 'burn'",
        "tm.event='Tx' AND tx.height=11",
    ] {
        assert!(!holds(no, &event), "{no}");
    }
}

#[test]
fn what_is_no_query_is_refused_with_its_place() {
    for text in [
        "",
        "tx.height",
        "tx.height=",
        "=5",
        "a='x' b='y'",
        "a='x",
        "a='x' AND",
        "a<'x'",
        "a CONTAINS x",
        "a=x",
    ] {
        let fault = Query::parse(text).expect_err(text);
        assert!(errors::why(&fault).starts_with("failed to parse query: offset"), "{text}");
    }
    assert!(Query::parse(&"a='x' AND ".repeat(60)).is_err());
}

#[test]
fn heights_are_bounds() {
    let of = |text: &str| Query::parse(text).unwrap().heights("tx.height");
    assert_eq!(of("tx.height>5 AND tx.height<=9"), (6, 9));
    assert_eq!(of("tx.height=7"), (7, 7));
    assert_eq!(of("tx.height<1"), (0, 0));
    assert_eq!(of("tx.height=1.5"), (1, 0));
    assert_eq!(of("a='b'"), (0, u64::MAX));
}

proptest! {
    #[test]
    fn nothing_panics(text in "[a-z.'<>= 0-9A-Z]{0,60}") {
        if let Ok(query) = Query::parse(&text) {
            query.matches(&tags(&[("a", "1")]));
            query.heights("a");
        }
    }

    #[test]
    fn numbers_have_the_order_of_numbers(one in 0u64..2_000, other in 0u64..2_000) {
        let (a, b) = (Decimal::new(&format!("0{one}.50")).unwrap(), Decimal::new(&format!("{other}.5")).unwrap());
        prop_assert_eq!(a.compare(&b), one.cmp(&other));
    }
}
