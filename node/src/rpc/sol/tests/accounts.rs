//! Accounts and tokens, at each commitment, in each encoding.

use super::*;

const CONFIRMED: &str = "confirmed";

#[tokio::test]
async fn an_account_is_shown_at_each_commitment() {
    let world = World::new().await;
    world.include();
    let to = Pubkey::from([9; 32]);
    world.send(&world.transfer(&to, 1_000_000_000)).await;
    let slot = world.block().header.height;
    let at = |commitment: &str| json!([to.to_string(), { "commitment": commitment }]);
    let soft = world.ok("getBalance", at(CONFIRMED)).await;
    assert_eq!((&soft["value"], &soft["context"]["slot"]), (&json!(1_000_000_000), &json!(slot)));
    assert_eq!(soft["context"]["apiVersion"], "4.2.2");
    assert_eq!(world.ok("getBalance", at("processed")).await["value"], 1_000_000_000);
    assert_eq!(world.ok("getBalance", json!([to.to_string()])).await["value"], 0);
    world.include();
    assert_eq!(world.ok("getBalance", json!([to.to_string()])).await["value"], 1_000_000_000);
    let shown = world.ok("getAccountInfo", json!([to.to_string()])).await["value"].clone();
    let expected = json!({
        "data": ["", "base64"], "executable": false, "lamports": 1_000_000_000,
        "owner": "11111111111111111111111111111111", "rentEpoch": u64::MAX, "space": 0,
    });
    assert_eq!(shown, expected);
    let (code, message) =
        world.fault("getBalance", json!([to.to_string(), { "minContextSlot": slot.0 + 1 }])).await;
    assert_eq!((code, &*message), (-32_016, "Minimum context slot has not been reached"));
}

#[tokio::test]
async fn tokens_are_found_by_program_owner_and_mint() {
    let world = World::new().await;
    let [mint, first, second] = world.tokens().await.map(|key| key.to_string());
    let (payer, token) = (world.payer.pubkey().to_string(), spl_token_interface::ID.to_string());
    let parsed = json!({ "encoding": "jsonParsed", "commitment": CONFIRMED });
    let shown = world.ok("getAccountInfo", json!([first, parsed])).await["value"]["data"].clone();
    let amount = json!({ "amount": "600", "decimals": 6, "uiAmount": 0.0006, "uiAmountString": "0.0006" });
    assert_eq!((&shown["program"], &shown["space"]), (&json!("spl-token"), &json!(165)));
    assert_eq!(shown["parsed"]["info"]["tokenAmount"], amount);
    let soft = json!({ "commitment": CONFIRMED });
    assert_eq!(world.ok("getTokenAccountBalance", json!([first, soft])).await["value"], amount);
    assert_eq!(world.ok("getTokenSupply", json!([mint, soft])).await["value"]["amount"], "1000");
    let largest = world.ok("getTokenLargestAccounts", json!([mint, soft])).await["value"].clone();
    assert_eq!((&largest[0]["address"], &largest[1]["amount"]), (&json!(first), &json!("400")));

    let owned = world.ok("getTokenAccountsByOwner", json!([payer, { "mint": mint }, parsed])).await;
    assert_eq!(owned["value"].as_array().unwrap().len(), 1);
    assert_eq!(owned["value"][0]["pubkey"], first);
    let owned = world.ok("getTokenAccountsByOwner", json!([payer, { "programId": token }, parsed])).await;
    assert_eq!(owned["value"][0]["account"]["data"]["parsed"]["type"], "account");
    let delegated = world.ok("getTokenAccountsByDelegate", json!([payer, { "mint": mint }, parsed])).await;
    assert_eq!(delegated["value"], json!([]));

    let found = async |filters: Value| {
        let config = json!({
            "encoding": "base64", "commitment": CONFIRMED, "filters": filters,
            "dataSlice": { "offset": 0, "length": 32 }
        });
        let accounts = world.ok("getProgramAccounts", json!([token, config])).await;
        let keys = accounts.as_array().unwrap().iter().map(|found| found["pubkey"].clone());
        keys.collect::<Vec<_>>()
    };
    // Genesis has the mint of wrapped lamports.
    let native = json!(spl_token_interface::native_mint::ID.to_string());
    assert_eq!(found(json!([])).await.len(), 4);
    let mints: Vec<_> =
        found(json!([{ "dataSize": 82 }])).await.into_iter().filter(|key| *key != native).collect();
    assert_eq!(mints, [json!(mint)]);
    let of_payer = json!([{ "dataSize": 165 }, { "memcmp": { "offset": 32, "bytes": payer } }]);
    assert_eq!(found(of_payer).await, [json!(first)]);
    let mut of_mint = vec![json!(first), json!(second)];
    of_mint.sort_by_key(|key| key.as_str().unwrap().parse::<Pubkey>().unwrap());
    let by_mint = json!([{ "memcmp": { "offset": 0, "bytes": mint } }, "tokenAccountState"]);
    assert_eq!(found(by_mint).await, of_mint);
    let config = json!({ "encoding": "base64", "commitment": CONFIRMED, "withContext": true });
    assert!(world.ok("getProgramAccounts", json!([token, config])).await["context"]["slot"].is_u64());
    // Nothing of it is final.
    let finals = json!([token, { "encoding": "base64", "filters": [{ "dataSize": 165 }] }]);
    assert_eq!(world.ok("getProgramAccounts", finals).await, json!([]));
}

#[tokio::test]
async fn accounts_that_can_not_be_shown_say_why() {
    let world = World::new().await;
    let [_, first, _] = world.tokens().await.map(|key| key.to_string());
    let fault = async |method: &str, params| world.fault(method, params).await;
    let soft = |encoding: &str| json!({ "commitment": CONFIRMED, "encoding": encoding });
    let (code, message) = fault("getAccountInfo", json!([first, soft("base58")])).await;
    assert_eq!((code, message.contains("less than 128 bytes")), (-32_600, true), "{message}");
    let (code, message) = fault("getProgramAccounts", json!(["11111111111111111111111111111111"])).await;
    assert_eq!((code, message.contains("excluded from account secondary indexes")), (-32_010, true));
    let keys = vec![first.clone(); 101];
    let many = (-32_602, "Too many inputs provided; max 100".to_owned());
    assert_eq!(fault("getMultipleAccounts", json!([keys])).await, many);
    let payer = world.payer.pubkey().to_string();
    let wallet = fault("getTokenAccountBalance", json!([payer, { "commitment": CONFIRMED }])).await;
    assert_eq!(wallet, (-32_602, "Invalid param: not a Token account".to_owned()));
    let no_mint = fault("getTokenAccountsByOwner", json!([payer, { "mint": Pubkey::default().to_string() }]));
    assert_eq!(no_mint.await.0, -32_602);
    assert_eq!(
        fault("getAccountInfo", json!(["bad"])).await,
        (-32_602, "Invalid param: WrongSize".to_owned())
    );
}

#[tokio::test]
async fn sysvars_programs_and_the_ledger() {
    let world = World::new().await;
    world.include();
    let clock = json!(["SysvarC1ock11111111111111111111111111111111", { "encoding": "jsonParsed" }]);
    let clock = world.ok("getAccountInfo", clock).await["value"]["data"]["parsed"].clone();
    assert_eq!((&clock["type"], &clock["info"]["slot"]), (&json!("clock"), &json!(1)));
    let token = json!([spl_token_interface::ID.to_string(), { "encoding": "base64+zstd" }]);
    assert_eq!(world.ok("getAccountInfo", token).await["value"]["executable"], true);
    let supply = world.ok("getSupply", json!([])).await["value"].clone();
    assert_eq!(supply["total"], supply["circulating"]);
    let largest = world.ok("getLargestAccounts", json!([])).await["value"].clone();
    let listed = largest.as_array().unwrap();
    assert_eq!(listed[0]["lamports"], 10_000_000_000_000_u64);
    assert!(
        listed.len() <= 20
            && listed.windows(2).all(|pair| { pair[0]["lamports"].as_u64() >= pair[1]["lamports"].as_u64() }),
        "{largest}"
    );
    let exempt = world.ok("getMinimumBalanceForRentExemption", json!([165])).await;
    assert_eq!(exempt, world.sbf.rent().minimum_balance(165));
    let too_much = world.fault("getMinimumBalanceForRentExemption", json!([20 << 20])).await;
    assert_eq!(too_much.0, -32_600);
}
