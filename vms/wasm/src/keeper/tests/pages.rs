//! Pages of the lists that the ledger and the accounts are.

use super::world::{GAS, World, coins, user};
use crate::fault::Fault;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{
    QueryAllBalancesRequest, QueryAllBalancesResponse, QueryDenomOwnersRequest, QueryDenomOwnersResponse,
    QuerySendEnabledRequest, QuerySendEnabledResponse,
};
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use prost::Message;
use weft_types::{AccountId, Address as EvmAddress, U256};

fn bank<M: Message + Default>(world: &mut World, method: &str, request: &impl Message) -> Result<M, Fault> {
    let path = format!("/cosmos.bank.v1beta1.Query/{method}");
    let answer = world.with(GAS, |keeper| keeper.query(&path, &request.encode_to_vec()))?;
    Ok(M::decode(answer.as_slice()).expect("its own form"))
}

/// Users 1 to 9, and an account of the EVM between them that has no address here.
fn world() -> World {
    let mut world = World::new();
    world.journal.mint(U256::from(5)).expect("memory");
    let evm = AccountId::from_evm(EvmAddress::repeat_byte(3));
    world.journal.credit(evm, U256::from(5)).expect("it fits");
    world
}

fn owners(world: &mut World, denom: &str, page: PageRequest) -> Result<QueryDenomOwnersResponse, Fault> {
    let request = QueryDenomOwnersRequest { denom: denom.to_owned(), pagination: Some(page) };
    bank(world, "DenomOwners", &request)
}

#[test]
fn owners_of_money_are_paged_by_key_both_ways() {
    let mut world = world();
    for reverse in [false, true] {
        let mut expected: Vec<String> = (1..10).map(|seed| user(seed).text).collect();
        if reverse {
            expected.reverse();
        }
        let (mut seen, mut key) = (Vec::new(), Vec::new());
        for expected_length in [4, 4, 1] {
            let page = PageRequest { key, limit: 4, reverse, ..Default::default() };
            let response = owners(&mut world, "awei", page).expect("a page");
            assert_eq!(response.denom_owners.len(), expected_length);
            assert!(response.denom_owners.iter().all(|owner| owner.balance.as_ref() == coins(1_000).first()));
            seen.extend(response.denom_owners.into_iter().map(|owner| owner.address));
            let page = response.pagination.expect("a page");
            assert_eq!(page.total, 0, "a page by key has no total");
            key = page.next_key;
        }
        assert!(key.is_empty());
        assert_eq!(seen, expected);
    }
}

#[test]
fn owners_of_money_are_paged_by_offset_with_a_total() {
    let mut world = world();
    // Offset, limit, whether to count; how many come, the total, whether there are more.
    let cases = [
        (0, 0, false, 9, 9, false),
        (0, 4, false, 4, 0, true),
        (0, 4, true, 4, 9, true),
        (7, 4, true, 2, 9, false),
        (9, 4, true, 0, 9, false),
        (10, 4, true, 0, 0, false),
        (u64::MAX, 4, true, 0, 0, false),
        (0, u64::MAX, true, 9, 9, false),
    ];
    for (offset, limit, count_total, length, total, more) in cases {
        let page = PageRequest { offset, limit, count_total, ..Default::default() };
        let response = owners(&mut world, "awei", page).expect("a page");
        assert_eq!(response.denom_owners.len(), length, "{offset} {limit}");
        let page = response.pagination.expect("a page");
        assert_eq!((page.total, !page.next_key.is_empty()), (total, more), "{offset} {limit}");
    }
    let page = PageRequest { offset: 1, key: vec![1], ..Default::default() };
    assert_eq!(owners(&mut world, "awei", page).expect_err("both").code(), ("sdk", 18));
    assert_eq!(owners(&mut world, "!", PageRequest::default()).expect_err("none").code(), ("sdk", 18));
    let none = owners(&mut world, "ucosm", PageRequest::default()).expect("an empty list");
    assert!(none.denom_owners.is_empty());
}

#[test]
fn a_long_list_ends_with_the_gas() {
    let mut world = World::new();
    for index in 0..500_u64 {
        let account = AccountId::from_evm(EvmAddress::from_word(U256::from(index).into()));
        world.journal.mint(U256::from(1)).expect("memory");
        world.journal.credit(account, U256::from(1)).expect("it fits");
    }
    let request = QueryDenomOwnersRequest { denom: "awei".to_owned(), pagination: None }.encode_to_vec();
    let path = "/cosmos.bank.v1beta1.Query/DenomOwners";
    let few =
        world.with(100_000, |keeper| keeper.query(path, &request)).expect_err("hidden ones are paid too");
    assert!(few.to_string().contains("out of gas"), "{few}");
    assert!(world.with(GAS, |keeper| keeper.query(path, &request)).is_ok());
}

#[test]
fn one_denomination_is_a_page() {
    let mut world = world();
    let cases = [
        (PageRequest::default(), 1, 1),
        (PageRequest { limit: 5, ..Default::default() }, 1, 0),
        (PageRequest { limit: 5, count_total: true, offset: 1, ..Default::default() }, 0, 1),
        (PageRequest { limit: 5, count_total: true, offset: 2, ..Default::default() }, 0, 0),
        (PageRequest { key: b"awei".to_vec(), ..Default::default() }, 1, 0),
        (PageRequest { key: b"b".to_vec(), ..Default::default() }, 0, 0),
        (PageRequest { key: b"b".to_vec(), reverse: true, ..Default::default() }, 1, 0),
    ];
    for (page, length, total) in cases {
        let request = QueryAllBalancesRequest {
            address: user(1).text,
            pagination: Some(page.clone()),
            ..Default::default()
        };
        let response: QueryAllBalancesResponse = bank(&mut world, "AllBalances", &request).expect("a page");
        let given = (response.balances.len(), response.pagination.map(|page| page.total));
        assert_eq!(given, (length, Some(total)), "{page:?}");
    }
    let all = QuerySendEnabledRequest::default();
    let all: QuerySendEnabledResponse = bank(&mut world, "SendEnabled", &all).expect("none has an entry");
    assert!(all.send_enabled.is_empty() && all.pagination.is_some());
    let one = QuerySendEnabledRequest { denoms: vec!["awei".to_owned()], pagination: None };
    let one: QuerySendEnabledResponse = bank(&mut world, "SendEnabled", &one).expect("none has an entry");
    assert!(one.send_enabled.is_empty() && one.pagination.is_none());
}
