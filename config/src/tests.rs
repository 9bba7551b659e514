//! Tests of reading and writing.

use super::*;

fn none() -> [(String, String); 0] {
    []
}

fn env(name: &str, value: &str) -> [(String, String); 1] {
    [(name.to_owned(), value.to_owned())]
}

#[test]
fn the_commented_default_and_nothing_parse_to_the_default() {
    assert_eq!(Config::parse(&Config::commented_default(), none()).expect("ours"), Config::default());
    assert_eq!(Config::parse("", none()).expect("nothing"), Config::default());
    let full = toml::to_string(&Config::default()).expect("TOML");
    assert_eq!(Config::parse(&full, none()).expect("plain"), Config::default());
}

#[test]
fn every_key_of_the_file_has_a_comment() {
    let text = Config::commented_default();
    let mut previous = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        let commented = previous.starts_with('#');
        assert!(line.starts_with('#') || commented, "no comment above {line:?}");
        previous = line;
    }
    // Every section and key of the struct is listed in `sections`.
    let all = toml::Table::try_from(Config::default()).expect("TOML");
    for (section, keys) in all {
        for key in keys.as_table().expect("a section").keys() {
            assert!(text.contains(&format!("[{section}]")) && text.contains(&format!("\n{key} = ")), "{key}");
        }
    }
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    let cases = [
        ("[rpc]\neht = \"off\"", "rpc.eht", "rpc.eth"),
        ("[sequencer]\nblocktime_ms = 5", "sequencer.blocktime_ms", "sequencer.block_time_ms"),
        ("[stor]\nbackend = \"sled\"", "stor", "store"),
        ("dir = \"x\"", "dir", "da"),
    ];
    for (text, written, near) in cases {
        match Config::parse(text, none()) {
            Err(ConfigError::UnknownKey { key, nearest }) => assert_eq!((&*key, &*nearest), (written, near)),
            other => panic!("{text:?} gave {other:?}"),
        }
    }
}

#[test]
fn the_environment_wins_over_the_file_and_keeps_kinds() {
    let file = "[sequencer]\nblock_time_ms = 5\n";
    let config = Config::parse(file, env("WEFT_SEQUENCER_BLOCK_TIME_MS", "7")).expect("a number");
    assert_eq!(config.sequencer.block_time_ms, 7);
    let config =
        Config::parse("[rpc]\ncosmos = \"off\"\n", env("WEFT_RPC_COSMOS", "127.0.0.1:0")).expect("a text");
    assert_eq!((&*config.rpc.cosmos, &*config.rpc.sol), ("127.0.0.1:0", "127.0.0.1:8899"));
    let config = Config::parse("", env("WEFT_DA_ENDPOINTS", "http://a:1, ws://b:2")).expect("a list");
    assert_eq!(config.da.endpoints, ["http://a:1", "ws://b:2"]);
    assert_eq!(Config::parse("", env("WEFT_FIXTURES", "x")).expect("not ours"), Config::default());
    let error = Config::parse("", env("WEFT_SEQUENCER_BLOCK_TIME_MS", "soon")).expect_err("no number");
    assert!(error.to_string().contains("sequencer.block_time_ms"), "{error}");
}

#[test]
fn values_out_of_bounds_name_their_key() {
    let cases = [
        ("[da]\nendpoints = []", "da.endpoints"),
        ("[da]\nendpoints = [\"localhost:1\"]", "da.endpoints"),
        ("[da]\nauth_tokens = [\"a\", \"b\"]", "da.auth_tokens"),
        ("[rpc]\neth = \"8545\"", "rpc.eth"),
        ("[rpc]\nsol = \"localhost:8899\"", "rpc.sol"),
        ("[rpc]\ncosmos = \"no\"", "rpc.cosmos"),
        ("[metrics]\nlisten = \"\"", "metrics.listen"),
        ("[sequencer]\nblock_time_ms = 0", "sequencer.block_time_ms"),
        ("[store]\nbackend = \"rocks\"", "rocks"),
        ("[store]\nretention_blocks = -1", "retention_blocks"),
    ];
    for (text, named) in cases {
        let error = Config::parse(text, none()).expect_err(text).to_string();
        assert!(error.contains(named), "{text:?} gave {error:?}");
    }
}

#[test]
fn secrets_do_not_show() {
    let config = Config::parse("", env("WEFT_DA_AUTH_TOKENS", "hunter2")).expect("a token");
    assert_eq!(config.da.auth_tokens, [Secret("hunter2".into())]);
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn the_deny_list_takes_what_each_machines_users_write() {
    let key = "So11111111111111111111111111111111111111112";
    let address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    let user = "weft15yk64u7zc9g9k2yr2wmzeva5qgwxps6y2xparz";
    let text = format!("[sequencer]\ndeny_list = [\"{address}\", \"{key}\", \"{user}\"]\n");
    let config = Config::parse(&text, none()).expect("a list");
    let list: Vec<String> = config.sequencer.deny_list.iter().map(ToString::to_string).collect();
    assert_eq!(list, [address, key, user]);
    assert_eq!(config.sequencer.deny_list[0].0.as_evm(), address.parse().ok());
    assert_eq!(config.sequencer.deny_list[1].0.as_evm(), None);
    assert!(config.sequencer.deny_list[2].0.as_cosmos().is_some());
    assert_eq!(Config::parse(&config.to_commented_toml(), none()).expect("ours"), config);
    // Too short, too long, no base58, and the account of an EVM address in the clothes of a key.
    let bytes = weft_types::AccountId::from_evm(weft_types::Address::ZERO).0;
    let tagged = bs58::encode(bytes).into_string();
    // In capitals, of another chain, with a wrong checksum.
    let capitals = user.to_uppercase();
    let cosmos = "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6";
    let broken = user.replace("parz", "parq");
    let wrong =
        ["So1111", &format!("{key}1"), "0OIl", &address[..20], "", &tagged, &capitals, cosmos, &broken];
    for wrong in wrong {
        let text = format!("[sequencer]\ndeny_list = [\"{wrong}\"]\n");
        let error = Config::parse(&text, none()).expect_err(wrong).to_string();
        assert!(error.contains("deny_list"), "{wrong:?} gave {error:?}");
    }
}
