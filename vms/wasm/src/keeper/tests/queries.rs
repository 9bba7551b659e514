//! Queries of contracts and of clients.

use super::world::{GAS, World, ask as asker_code, base64, coins, echo, user};
use crate::fault::Fault;
use crate::keeper::addresses::Address;
use crate::keeper::proto;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{
    QueryAllBalancesRequest, QueryAllBalancesResponse, QueryBalanceRequest, QueryBalanceResponse,
};
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    QueryAllContractStateRequest, QueryAllContractStateResponse, QueryBuildAddressRequest,
    QueryBuildAddressResponse, QueryCodeRequest, QueryCodeResponse, QueryCodesRequest, QueryCodesResponse,
    QueryContractHistoryRequest, QueryContractHistoryResponse, QueryContractInfoRequest,
    QueryContractsByCodeRequest, QueryContractsByCodeResponse, QueryContractsByCreatorRequest,
    QueryContractsByCreatorResponse, QueryRawContractStateRequest, QueryRawContractStateResponse,
    QuerySmartContractStateRequest, QuerySmartContractStateResponse,
};
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn grpc<M: Message + Default>(world: &mut World, method: &str, request: &impl Message) -> Result<M, Fault> {
    let service = if method.contains("Balance") { "cosmos.bank.v1beta1" } else { "cosmwasm.wasm.v1" };
    let path = format!("/{service}.Query/{method}");
    let answer = world.with(GAS, |keeper| keeper.query(&path, &request.encode_to_vec()))?;
    Ok(M::decode(answer.as_slice()).expect("its own form"))
}

fn ask(world: &mut World, request: &Value) -> Value {
    let request = request.to_string().into_bytes();
    let answer = world.with(GAS, |keeper| keeper.answer(&request)).expect("an answer");
    serde_json::from_slice(&answer).expect("JSON")
}

#[test]
fn contracts_ask_for_what_the_chain_has() {
    let mut world = World::new();
    let contract = world.echo(&json!({"kept": 1}));
    let address = &contract.text;
    let coin = |amount: &str| json!({"denom": "awei", "amount": amount});
    let bank = |query: Value| json!({"bank": query});
    let wasm = |query: Value| json!({"wasm": query});
    let query = bank(json!({"balance": {"address": user(1).text, "denom": "awei"}}));
    assert_eq!(parsed(&ask(&mut world, &query)), json!({"amount": coin("1000")}));
    let query = bank(json!({"balance": {"address": "x", "denom": "awei"}}));
    assert_eq!(ask(&mut world, &query), json!({"ok": {"error": "codespace: sdk, code: 7"}}));
    let query = bank(json!({"all_balances": {"address": user(1).text}}));
    assert_eq!(parsed(&ask(&mut world, &query)), json!({"amount": [coin("1000")]}));
    let query = bank(json!({"all_balances": {"address": address}}));
    assert_eq!(parsed(&ask(&mut world, &query)), json!({"amount": []}));
    let query = bank(json!({"supply": {"denom": "awei"}}));
    assert_eq!(parsed(&ask(&mut world, &query)), json!({"amount": coin("9000")}));
    let query = wasm(json!({"raw": {"contract_addr": address, "key": "YW5zd2Vy"}}));
    assert_eq!(parsed(&ask(&mut world, &query)), json!({"kept": 1}));
    let query = wasm(json!({"raw": {"contract_addr": user(2).text, "key": "YW5zd2Vy"}}));
    assert_eq!(ask(&mut world, &query), json!({"ok": {"ok": ""}}));
    let query = wasm(json!({"smart": {"contract_addr": address, "msg": base64(&json!({"ok": "aGk="}))}}));
    assert_eq!(ask(&mut world, &query), json!({"ok": {"ok": "aGk="}}));
    let query = wasm(json!({"smart": {"contract_addr": address, "msg": base64(&json!({"error": "No"}))}}));
    assert_eq!(ask(&mut world, &query), json!({"ok": {"error": "No: query wasm contract failed"}}));
    let query = wasm(json!({"smart": {"contract_addr": user(2).text, "msg": "e30="}}));
    assert_eq!(ask(&mut world, &query), json!({"error": {"no_such_contract": {"addr": user(2).text}}}));
    let query = wasm(json!({"code_info": {"code_id": 9}}));
    assert_eq!(ask(&mut world, &query), json!({"error": {"no_such_code": {"code_id": 9}}}));
    let query = wasm(json!({"code_info": {"code_id": 1}}));
    let checksum = hex::encode(Sha256::digest(echo()));
    let info = json!({"code_id": 1, "creator": user(1).text, "checksum": checksum});
    assert_eq!(parsed(&ask(&mut world, &query)), info);
    let query = wasm(json!({"contract_info": {"contract_addr": address}}));
    let port = format!("wasm2{}", &address[4..]);
    let info = json!({"code_id": 1, "creator": user(1).text, "admin": user(1).text, "pinned": false,
        "ibc2_port": port});
    assert_eq!(parsed(&ask(&mut world, &query)), info);
    let kinds = [
        ("staking", "this chain has no staking module"),
        ("stargate", "Stargate queries are disabled on this chain"),
        ("grpc", "gRPC queries are disabled on this chain"),
        ("custom", "custom"),
    ];
    for (kind, text) in kinds {
        let expected = json!({"error": {"unsupported_request": {"kind": text}}});
        assert_eq!(ask(&mut world, &json!({kind: {}})), expected);
    }
    assert_eq!(ask(&mut world, &json!({"unheard_of": {}})), json!({"error": {"unknown": {}}}));
    assert!(ask(&mut world, &json!(5))["error"]["invalid_request"].is_object());
}

fn parsed(answer: &Value) -> Value {
    use base64::Engine as _;
    let text = answer["ok"]["ok"].as_str().expect("an answer");
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn clients_read_balances() {
    let mut world = World::new();
    let balance = |denom: &str| QueryBalanceRequest { address: user(1).text, denom: denom.to_owned() };
    let response: QueryBalanceResponse = grpc(&mut world, "Balance", &balance("awei")).expect("a balance");
    assert_eq!(response.balance.map(|coin| coin.amount), Some("1000".to_owned()));
    let response: QueryBalanceResponse = grpc(&mut world, "Balance", &balance("ucosm")).expect("a balance");
    assert_eq!(response.balance.map(|coin| coin.amount), Some("0".to_owned()));
    let fault = grpc::<QueryBalanceResponse>(&mut world, "Balance", &balance("!")).expect_err("no denom");
    assert_eq!(fault.code(), ("sdk", 18));
    let all = QueryAllBalancesRequest { address: user(1).text, ..Default::default() };
    let response: QueryAllBalancesResponse = grpc(&mut world, "AllBalances", &all).expect("balances");
    assert_eq!((response.balances, response.pagination.map(|page| page.total)), (coins(1_000), Some(1)));
}

#[test]
fn clients_read_codes_and_contracts() {
    let mut world = World::new();
    let contract = world.echo(&json!({"kept": 1}));
    let address = contract.text.clone();
    let code: QueryCodeResponse = grpc(&mut world, "Code", &QueryCodeRequest { code_id: 1 }).expect("a code");
    assert_eq!(code.data, echo());
    let info = QueryContractInfoRequest { address: address.clone() };
    let info: proto::QueryContractInfoResponse = grpc(&mut world, "ContractInfo", &info).expect("a contract");
    let info = info.contract_info.expect("it is there");
    assert_eq!((info.code_id, &*info.label, &*info.admin), (1, "a contract", &*user(1).text));
    assert_eq!(info.created.map(|at| (at.block_height, at.tx_index)), Some((7, 3)));
    let history = QueryContractHistoryRequest { address: address.clone(), pagination: None };
    let history: QueryContractHistoryResponse =
        grpc(&mut world, "ContractHistory", &history).expect("it has one");
    assert_eq!(history.entries.len(), 1);
    assert_eq!(history.entries[0].msg, br#"{"kept":1}"#);
    let query_data = b"answer".to_vec();
    let raw = QueryRawContractStateRequest { address: address.clone(), query_data };
    let raw: QueryRawContractStateResponse = grpc(&mut world, "RawContractState", &raw).expect("its state");
    assert_eq!(raw.data, br#"{"kept":1}"#);
    let query_data = br#"{"ok":"aGk="}"#.to_vec();
    let smart = QuerySmartContractStateRequest { address: address.clone(), query_data };
    let smart: QuerySmartContractStateResponse =
        grpc(&mut world, "SmartContractState", &smart).expect("an answer");
    assert_eq!(smart.data, b"hi");
    let state = QueryAllContractStateRequest { address, pagination: None };
    let state: QueryAllContractStateResponse =
        grpc(&mut world, "AllContractState", &state).expect("its state");
    assert_eq!(state.models.len(), 1);
    let query_data = b"{}".to_vec();
    let nobody = QuerySmartContractStateRequest { address: user(3).text, query_data };
    let fault = grpc::<QuerySmartContractStateResponse>(&mut world, "SmartContractState", &nobody);
    assert_eq!(fault.expect_err("no contract").code(), ("sdk", 6));
    let build = QueryBuildAddressRequest {
        code_hash: hex::encode(Sha256::digest(echo())),
        creator_address: user(1).text,
        salt: hex::encode("salt"),
        init_args: Vec::new(),
    };
    let built: QueryBuildAddressResponse = grpc(&mut world, "BuildAddress", &build).expect("an address");
    assert!(Address::parse(&built.address).is_ok());
    assert_eq!(world.with(GAS, |keeper| keeper.query("/x/Y", b"")).expect_err("no path").code(), ("sdk", 6));
}

#[test]
fn lists_come_in_pages_both_ways() {
    let mut world = World::new();
    let (id, _) = world.store(&echo());
    let made: Vec<String> = (0..5_u32)
        .map(|index| {
            world.tx = Some(crate::keeper::TxInfo { index, hash: [0; 32] });
            world.instantiate(id, &json!({})).text
        })
        .collect();
    for reverse in [false, true] {
        let mut expected = made.clone();
        if reverse {
            expected.reverse();
        }
        let mut seen = Vec::new();
        let mut key = Vec::new();
        for _ in 0..3 {
            let page = PageRequest { key: key.clone(), limit: 2, reverse, ..Default::default() };
            let request = QueryContractsByCodeRequest { code_id: id, pagination: Some(page) };
            let response: QueryContractsByCodeResponse =
                grpc(&mut world, "ContractsByCode", &request).expect("a page");
            assert!(response.contracts.len() <= 2);
            seen.extend(response.contracts);
            key = response.pagination.expect("a page").next_key;
        }
        assert!(key.is_empty());
        assert_eq!(seen, expected);
    }
    let by = QueryContractsByCreatorRequest { creator_address: user(1).text, pagination: None };
    let by: QueryContractsByCreatorResponse = grpc(&mut world, "ContractsByCreator", &by).expect("a page");
    assert_eq!(by.contract_addresses, made);
    let codes = QueryCodesRequest { pagination: None };
    let codes: QueryCodesResponse = grpc(&mut world, "Codes", &codes).expect("a page");
    assert_eq!(codes.code_infos.iter().map(|info| info.code_id).collect::<Vec<_>>(), [1]);
    let counted = PageRequest { count_total: true, ..Default::default() };
    let request = QueryCodesRequest { pagination: Some(counted) };
    let fault = grpc::<QueryCodesResponse>(&mut world, "Codes", &request).expect_err("not counted");
    assert_eq!(fault.code(), ("sdk", 18));
}

#[test]
fn gas_bounds_a_query() {
    let mut world = World::new();
    let address = world.echo(&json!({})).text;
    let request = QuerySmartContractStateRequest { address, query_data: br#"{"ok":""}"#.to_vec() };
    let path = "/cosmwasm.wasm.v1.Query/SmartContractState";
    let fault = world.with(1_000, |keeper| keeper.query(path, &request.encode_to_vec()));
    let fault = fault.expect_err("too little");
    assert!(fault.to_string().contains("out of gas"), "{fault}");
    assert_eq!(world.gas_used, 1_000);
}

#[test]
fn ranges_of_another_contracts_storage_go_both_ways() {
    let mut world = World::new();
    let contract = world.echo(&json!({}));
    for index in 0..70_u8 {
        let key = crate::keeper::keys::storage(contract.id, &[b'k', index]);
        world.journal.set(key, vec![index].into());
    }
    let encode = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let cases =
        [("ascending", 66, 66, Some(66_u8)), ("descending", 66, 66, Some(3)), ("ascending", 90, 70, None)];
    for (order, limit, count, next) in cases {
        let query = json!({"wasm": {"raw_range": {"contract_addr": contract.text, "start": encode(b"k"),
            "end": encode(b"l"), "limit": limit, "order": order}}});
        let answer = parsed(&ask(&mut world, &query));
        let data = answer["data"].as_array().expect("pairs");
        assert_eq!(data.len(), count, "{order} {limit}");
        let first = if order == "ascending" { 0 } else { 69 };
        assert_eq!(data[0], json!([encode(&[b'k', first]), encode(&[first])]));
        assert_eq!(answer["next_key"], json!(next.map(|next| encode(&[b'k', next]))));
    }
    let query = json!({"wasm": {"raw_range": {"contract_addr": contract.text, "limit": 1, "order": "up"}}});
    assert_eq!(ask(&mut world, &query), json!({"ok": {"error": "codespace: sdk, code: 18"}}));
}

#[test]
fn queries_nest_to_a_depth() {
    let mut world = World::new();
    let (id, _) = world.store(&asker_code());
    let asker = world.instantiate(id, &json!({"ok": {}}));
    let again = json!({"wasm": {"smart": {"contract_addr": asker.text, "msg": "e30="}}});
    let key = crate::keeper::keys::storage(asker.id, b"answer");
    world.journal.set(key, again.to_string().into_bytes().into());
    assert_eq!(world.with(GAS, |keeper| keeper.query_smart(&asker, b"{}")), Ok(Vec::new()));
    // Ten instances, and no eleventh.
    let ten = 10 * crate::gas::INSTANCE;
    assert!((ten..2 * ten + crate::gas::INSTANCE).contains(&world.gas_used), "{}", world.gas_used);
    let one = world.gas_used / 10;
    let fault = world.with(one * 4, |keeper| keeper.query_smart(&asker, b"{}")).expect_err("too little");
    assert_eq!(fault.code(), ("sdk", 11));
    assert_eq!(world.gas_used, one * 4);
}

#[test]
fn a_query_writes_nothing() {
    let mut world = World::new();
    let contract = world.echo(&json!({"kept": 1}));
    let before = world.raw(&contract, b"answer");
    let answer = world.smart(&contract, &json!({"ok": "e30="})).expect("an answer");
    assert_eq!(answer, json!({}));
    assert_eq!(world.raw(&contract, b"answer"), before);
}
