//! REST: each of the machine's queries has the path that the SDK and wasmd give it, and errors are told in their words.

use super::*;

const BANK: &str = "/cosmos/bank/v1beta1";
const AUTH: &str = "/cosmos/auth/v1beta1";
const WASM: &str = "/cosmwasm/wasm/v1";

/// The answer at a path that must have one.
async fn ok(world: &World, path: String) -> Value {
    let (status, body) = world.rest(&path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// Status, code and sentence of an error.
async fn refused(world: &World, path: String) -> (u16, i64, String) {
    let (status, body) = world.rest(&path).await;
    assert_eq!(body["details"], json!([]), "{path}: {body}");
    (status, body["code"].as_i64().unwrap(), body["message"].as_str().unwrap().to_owned())
}

/// A world in which the payer has signed.
async fn signed() -> World {
    let world = World::new().await;
    assert_eq!(world.send(&world.payer.transfer(0, 7, 2_000_000_000)).await.0, 0);
    world.block();
    world
}

fn whole(total: u64) -> Value {
    json!({ "next_key": null, "total": total.to_string() })
}

#[tokio::test]
async fn money_is_shown_by_account_and_by_denomination() {
    let world = signed().await;
    let (payer, payee) = (world.payer.address(), Payer::new(9).address());
    let seven = json!({ "denom": "awei", "amount": "7" });
    let all = json!({ "balances": [seven], "pagination": whole(1) });
    assert_eq!(ok(&world, format!("{BANK}/balances/{payee}")).await, all);
    assert_eq!(ok(&world, format!("{BANK}/spendable_balances/{payee}")).await, all);
    let one = json!({ "balance": seven });
    assert_eq!(ok(&world, format!("{BANK}/balances/{payee}/by_denom?denom=awei")).await, one);
    assert_eq!(ok(&world, format!("{BANK}/spendable_balances/{payee}/by_denom?denom=awei")).await, one);
    // Accounts of Solana's machine have addresses too: more than a page has that names no limit.
    let owners = ok(&world, format!("{BANK}/denom_owners/awei?pagination.limit=1000")).await;
    let held = |address: &str| {
        let all = owners["denom_owners"].as_array().unwrap();
        all.iter().find(|owner| owner["address"] == address).map(|owner| owner["balance"].clone())
    };
    assert_eq!(held(&payee), Some(seven));
    assert!(held(&payer).is_some_and(|balance| balance["amount"].as_str().unwrap().len() > 18));
    let by_query = format!("{BANK}/denom_owners_by_query?denom=awei&pagination.limit=1000");
    assert_eq!(ok(&world, by_query).await, owners);
    let first = ok(&world, format!("{BANK}/denom_owners/awei?pagination.limit=1")).await;
    assert_eq!(first["denom_owners"].as_array().unwrap().len(), 1);
    assert!(first["pagination"]["next_key"].is_string());
    // A denomination may have slashes, written out or not.
    for denom in ["ibc/C0FFEE", "ibc%2FC0FFEE"] {
        let nobody = json!({ "denom_owners": [], "pagination": whole(0) });
        assert_eq!(ok(&world, format!("{BANK}/denom_owners/{denom}")).await, nobody);
    }
    let supply = ok(&world, format!("{BANK}/supply")).await;
    let of = ok(&world, format!("{BANK}/supply/by_denom?denom=awei")).await;
    assert_eq!(supply["supply"], json!([of["amount"]]));
}

#[tokio::test]
async fn the_bank_says_what_it_allows_and_that_it_describes_nothing() {
    let world = World::new().await;
    let params = json!({ "params": { "send_enabled": [], "default_send_enabled": true } });
    assert_eq!(ok(&world, format!("{BANK}/params")).await, params);
    let enabled = json!({ "send_enabled": [], "pagination": whole(0) });
    assert_eq!(ok(&world, format!("{BANK}/send_enabled")).await, enabled);
    let none = json!({ "send_enabled": [], "pagination": null });
    assert_eq!(ok(&world, format!("{BANK}/send_enabled?denoms=awei&denoms=other")).await, none);
    let metadatas = json!({ "metadatas": [], "pagination": whole(0) });
    assert_eq!(ok(&world, format!("{BANK}/denoms_metadata")).await, metadatas);
    for path in ["denoms_metadata/awei", "denoms_metadata_by_query_string?denom=awei"] {
        let missing = (404, 5, "client metadata for denom awei".to_owned());
        assert_eq!(refused(&world, format!("{BANK}/{path}")).await, missing);
    }
    let bad = refused(&world, format!("{BANK}/denom_owners/1")).await;
    assert_eq!(bad, (400, 3, "invalid denom: 1".to_owned()));
    assert_eq!(refused(&world, format!("{BANK}/denom_owners")).await.1, 12);
}

#[tokio::test]
async fn accounts_are_listed_described_and_spelled() {
    let world = signed().await;
    let payer = world.payer.address();
    let account = ok(&world, format!("{AUTH}/accounts/{payer}")).await["account"].clone();
    assert_eq!(
        (&account["@type"], &account["sequence"]),
        (&json!("/cosmos.auth.v1beta1.BaseAccount"), &json!("1"))
    );
    let listed = ok(&world, format!("{AUTH}/accounts")).await;
    assert_eq!(listed, json!({ "accounts": [account], "pagination": whole(1) }));
    let mut info = account;
    info.as_object_mut().unwrap().remove("@type");
    assert_eq!(ok(&world, format!("{AUTH}/account_info/{payer}")).await, json!({ "info": info }));
    assert_eq!(ok(&world, format!("{AUTH}/bech32")).await, json!({ "bech32_prefix": "weft" }));
    let bytes = ok(&world, format!("{AUTH}/bech32/{payer}")).await;
    let encoded = bytes["address_bytes"].as_str().unwrap().replace('+', "-").replace('/', "_");
    let spelled = ok(&world, format!("{AUTH}/bech32/{encoded}")).await;
    assert_eq!(spelled, json!({ "address_string": payer }));
    assert_eq!(ok(&world, format!("{AUTH}/params")).await["params"]["max_memo_characters"], "256");
    assert_eq!(ok(&world, format!("{AUTH}/module_accounts")).await, json!({ "accounts": [] }));
    let missing = refused(&world, format!("{AUTH}/module_accounts/gov")).await;
    assert_eq!(missing, (404, 5, "account gov not found".to_owned()));
    let unused = Payer::new(3).address();
    for path in ["accounts", "account_info"] {
        let missing = refused(&world, format!("{AUTH}/{path}/{unused}")).await;
        assert_eq!(missing, (404, 5, format!("account {unused} not found")), "{path}");
    }
    assert_eq!(refused(&world, format!("{AUTH}/address_by_id/0?account_id=1")).await.1, 3);
}

#[tokio::test]
async fn wasm_says_what_it_allows_and_names_its_errors() {
    let world = World::new().await;
    let payer = world.payer.address();
    let everybody = json!({ "permission": "Everybody", "addresses": [] });
    let params = json!({ "code_upload_access": everybody, "instantiate_default_permission": "Everybody" });
    assert_eq!(ok(&world, format!("{WASM}/codes/params")).await, json!({ "params": params }));
    assert_eq!(ok(&world, format!("{WASM}/wasm-limits-config")).await, json!({ "config": "{}" }));
    for (path, name) in [
        ("code".to_owned(), "code_infos"),
        ("codes/pinned".to_owned(), "code_ids"),
        ("code/1/contracts".to_owned(), "contracts"),
        (format!("contracts/creator/{payer}"), "contract_addresses"),
        (format!("contract/{payer}/history"), "entries"),
    ] {
        assert_eq!(ok(&world, format!("{WASM}/{path}")).await, json!({ name: [], "pagination": whole(0) }));
        let offset = refused(&world, format!("{WASM}/{path}?pagination.offset=1")).await;
        assert_eq!(offset, (400, 3, "offset and count queries not supported".to_owned()), "{path}");
    }
    let hash = "ab".repeat(32);
    let built = format!("{WASM}/build_address?code_hash={hash}&creator_address={payer}&salt=01");
    let plain = ok(&world, built.clone()).await["address"].clone();
    assert_eq!(plain.as_str().map(str::len), Some(63));
    assert_ne!(ok(&world, format!("{built}&init_args=e30%3D")).await["address"], plain);
    assert_eq!(refused(&world, format!("{WASM}/build_address")).await.1, 3);
    let no_contract = format!("codespace wasm code 22: no such contract: address {payer}");
    for path in ["", "/state", "/raw/YQ==", "/smart/e30="] {
        let refused = refused(&world, format!("{WASM}/contract/{payer}{path}")).await;
        assert_eq!(refused, (500, 2, no_contract.clone()), "{path}");
    }
    for (path, words) in [
        ("code/7", "codespace wasm code 28: no such code: code id 7"),
        ("code-info/7", "codespace wasm code 28: no such code: code id 7"),
        ("code/0", "codespace wasm code 14: invalid: code id"),
        ("code/0/contracts", "codespace wasm code 14: invalid: code id"),
    ] {
        assert_eq!(refused(&world, format!("{WASM}/{path}")).await, (500, 2, words.to_owned()), "{path}");
    }
    let unknown = (501, 12, "Not Implemented".to_owned());
    assert_eq!(refused(&world, format!("{WASM}/nothing")).await, unknown);
}
