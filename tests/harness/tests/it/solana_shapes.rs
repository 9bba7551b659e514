//! Solana's RPC against what another implementation of it answered (shared/fixtures/solana-rpc): the same requests over
//! a state like the one that they were recorded on, field by field, with every difference in a list with its reason.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::{create_account, transfer};
use solana_transaction::versioned::VersionedTransaction;
use spl_associated_token_account_interface::address::get_associated_token_address_with_program_id as associated;
use spl_associated_token_account_interface::instruction::create_associated_token_account;
use spl_token_interface::instruction::{initialize_mint2, mint_to};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use weft_tests::process::Node;
use weft_tests::rpc::Rpc;
use weft_tests::shape::differences;
use weft_tests::{eventually, fixtures};

const TOKEN: Pubkey = spl_token_interface::ID;
const TOKEN_2022: Pubkey = Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
const LONG: Duration = Duration::from_secs(60);
/// Times that a transaction is sent to be seen before Celestia has it.
const TRIES: usize = 50;
/// Lamports of a mint.
const RENT: u64 = 5_000_000;

const AGAVE_SHOWS: &str = "agave 4.2 shows it, the reference leaves it out";
const NO_TPU: &str = "there is no gossip and no TPU here, and the node says what it runs";
const ANSWERS: &str = "the reference had forgotten its block; ours is there";
const COMPUTED: &str = "agave 4.2 computes it, the reference does not";

/// Method, number of the request among those of that method, place with both shapes (the reference's first), reason.
const DIFFERENCES: &[(&str, usize, &str, &str)] = &[
    ("getTransaction", 0, ".result.meta.costUnits: missing, integer", AGAVE_SHOWS),
    ("getTransaction", 0, ".result.transactionIndex: missing, integer", AGAVE_SHOWS),
    ("getTransaction", 1, ".result.meta.costUnits: missing, integer", AGAVE_SHOWS),
    ("getTransaction", 1, ".result.transactionIndex: missing, integer", AGAVE_SHOWS),
    ("getTransaction", 2, ".result.meta.costUnits: missing, integer", AGAVE_SHOWS),
    ("getTransaction", 2, ".result.transactionIndex: missing, integer", AGAVE_SHOWS),
    (
        "getTransaction",
        2,
        ".result.version: string, missing",
        "agave tells the version only to a client that says which it understands",
    ),
    ("getVersion", 0, ".result.surfnet-version: string, missing", "the reference's own"),
    ("getVersion", 0, ".result.weft-version: missing, string", "ours in its place"),
    ("getSignaturesForAddress", 0, ".result[].transactionIndex: missing, integer", AGAVE_SHOWS),
    ("getBlock", 0, ".result: null, object", ANSWERS),
    ("getBlock", 1, ".result: null, object", ANSWERS),
    ("getBlock", 2, ".result: null, missing", "a block that is not there is an error, as agave's"),
    ("getBlock", 2, ".error: missing, object", "the same"),
    ("getClusterNodes", 0, ".result[].clientId: null, string", NO_TPU),
    ("getClusterNodes", 0, ".result[].featureSet: null, integer", NO_TPU),
    ("getClusterNodes", 0, ".result[].gossip: string, null", NO_TPU),
    ("getClusterNodes", 0, ".result[].tpu: string, null", NO_TPU),
    ("getClusterNodes", 0, ".result[].tpuQuic: string, null", NO_TPU),
    ("getClusterNodes", 0, ".result[].version: null, string", NO_TPU),
    ("simulateTransaction", 0, ".result.value.fee: null, integer", COMPUTED),
    ("simulateTransaction", 0, ".result.value.loadedAddresses: null, object", COMPUTED),
    ("simulateTransaction", 0, ".result.value.postBalances: null, list", COMPUTED),
    ("simulateTransaction", 0, ".result.value.postTokenBalances: null, list", COMPUTED),
    ("simulateTransaction", 0, ".result.value.preBalances: null, list", COMPUTED),
    ("simulateTransaction", 0, ".result.value.preTokenBalances: null, list", COMPUTED),
    ("simulateTransaction", 1, ".result.value.fee: null, integer", COMPUTED),
    ("simulateTransaction", 1, ".result.value.loadedAddresses: null, object", COMPUTED),
    ("simulateTransaction", 1, ".result.value.postBalances: null, list", COMPUTED),
    ("simulateTransaction", 1, ".result.value.postTokenBalances: null, list", COMPUTED),
    ("simulateTransaction", 1, ".result.value.preBalances: null, list", COMPUTED),
    ("simulateTransaction", 1, ".result.value.preTokenBalances: null, list", COMPUTED),
    ("sendTransaction", 0, ".error.data: missing, object", "agave says what its simulation gave"),
];

/// A chain in the state that the requests ask about.
struct Scene {
    rpc: Rpc,
    payer: Keypair,
    other: Pubkey,
    /// Mints of Token and Token-2022.
    mints: [Pubkey; 2],
    /// A transfer that is final.
    transfer: VersionedTransaction,
    slot: u64,
    /// Makes small transfers differ.
    sent: AtomicU64,
}

impl Scene {
    async fn new(rpc: Rpc) -> Self {
        let (payer, other) = (keypair(1), keypair(2).pubkey());
        let airdrop =
            rpc.call("requestAirdrop", json!([payer.pubkey().to_string(), 5_000_000_000_u64])).await;
        landed(&rpc, &airdrop, "finalized").await;
        let mints = [keypair(3), keypair(4)];
        let keys = [mints[0].pubkey(), mints[1].pubkey()];
        let transfer =
            signed(&rpc, "confirmed", &[&payer], &[transfer(&payer.pubkey(), &other, 1_000_000_000)]).await;
        let signature = send(&rpc, &transfer).await;
        landed(&rpc, &signature, "confirmed").await;
        for (mint, program) in mints.iter().zip([TOKEN, TOKEN_2022]) {
            let instructions = minted(&payer.pubkey(), &other, &mint.pubkey(), program);
            let made = signed(&rpc, "confirmed", &[&payer, mint], &instructions).await;
            let signature = send(&rpc, &made).await;
            landed(&rpc, &signature, "finalized").await;
        }
        let slot = landed(&rpc, &signature, "finalized").await;
        Self { rpc, payer, other, mints: keys, transfer, slot, sent: AtomicU64::new(1) }
    }

    /// The recorded request with our keys, signatures, slots and transactions in the place of the recorded ones.
    async fn ours(&self, request: &Value) -> Value {
        let (payer, account) = (self.payer.pubkey(), |mint, program| {
            associated(&self.payer.pubkey(), &self.mints[mint], &program).to_string()
        });
        let signature = match request["method"].as_str() {
            Some("getSignatureStatuses") => {
                let signature = send(&self.rpc, &self.small("confirmed").await).await;
                landed(&self.rpc, &signature, "confirmed").await;
                signature
            }
            _ => json!(self.transfer.signatures[0].to_string()),
        };
        let fresh = self.small("finalized").await;
        let wire = BASE64_STANDARD.encode(bincode::serialize(&self.transfer).expect("a wire form"));
        let message = BASE64_STANDARD.encode(fresh.message.serialize());
        let texts = [
            ("3sgs8R7uj9Z9MjrLHcYN44c8TjpoGJdZQh3AzXvrdHFo", payer.to_string()),
            ("HfW1dk4F6SG3Uy6fc29qsXav57URcxhac9VEXXyTUeEE", self.mints[1].to_string()),
            ("711ZXWfbJUinGdWojTBcv8TaXb4V9kqvWC7P1QaLbcjT", account(1, TOKEN_2022)),
            ("SURFNETxSAFEHASHxxxxxxxxxxxxxxxxxxxxxxxxx18", fresh.message.recent_blockhash().to_string()),
            (
                "LocQGhPP8jUnWHQBTCY9xKEmeTf2nACPry5G8WT3LVW4gQ1NTDtdPmyPRrFwF1Rnxx27CZUmJpVLtcUqtZgqYXx",
                signature.as_str().expect("a signature").to_owned(),
            ),
        ];
        replaced(
            request,
            &|text| match text {
                _ if text.starts_with("ARET8QFX2XYX") => wire.clone(),
                _ if text.starts_with("AQABAyqzfS4Q") => message.clone(),
                _ => texts
                    .iter()
                    .find(|(recorded, _)| *recorded == text)
                    .map_or(text.to_owned(), |(_, our)| our.clone()),
            },
            &|number| match number {
                48..=51 => self.slot + number - 48,
                _ => number,
            },
        )
    }

    /// Another transfer on the newest blockhash of a commitment.
    async fn small(&self, commitment: &str) -> VersionedTransaction {
        let (from, lamports) = (self.payer.pubkey(), self.sent.fetch_add(1, Ordering::Relaxed));
        signed(&self.rpc, commitment, &[&self.payer], &[transfer(&from, &self.other, lamports)]).await
    }

    /// How the answer to a recorded request differs from ours.
    async fn compare(&self, recorded: &Value) -> Vec<String> {
        let mut found = Vec::new();
        // A status that is asked for while Celestia takes the block in may be final already.
        for _ in 0..TRIES {
            let ours = self.rpc.post(&self.ours(&recorded["request"]).await).await.expect("an answer");
            found = differences(&recorded["response"], &ours);
            if recorded["request"]["method"] != "getSignatureStatuses" || found.is_empty() {
                break;
            }
        }
        found
    }
}

fn keypair(byte: u8) -> Keypair {
    Keypair::new_from_array([byte; 32])
}

/// A mint of six decimals of which the payer has 600 and the other 400.
fn minted(payer: &Pubkey, other: &Pubkey, mint: &Pubkey, program: Pubkey) -> Vec<Instruction> {
    // The interface of Token makes Token-2022's instructions too, and would refuse its id.
    let of = |instruction: Instruction| Instruction { program_id: program, ..instruction };
    let to = |wallet: &Pubkey, amount| {
        let account = associated(wallet, mint, &program);
        of(mint_to(&TOKEN, mint, &account, payer, &[], amount).expect("an instruction"))
    };
    vec![
        create_account(payer, mint, RENT, 82, &program),
        of(initialize_mint2(&TOKEN, mint, payer, None, 6).expect("an instruction")),
        create_associated_token_account(payer, payer, mint, &program),
        create_associated_token_account(payer, other, mint, &program),
        to(payer, 600),
        to(other, 400),
    ]
}

async fn signed(
    rpc: &Rpc,
    commitment: &str,
    signers: &[&Keypair],
    instructions: &[Instruction],
) -> VersionedTransaction {
    let latest = rpc.call("getLatestBlockhash", json!([{ "commitment": commitment }])).await;
    let blockhash: Hash = latest["value"]["blockhash"].as_str().expect("a hash").parse().expect("a hash");
    let message = Message::new_with_blockhash(instructions, Some(&signers[0].pubkey()), &blockhash);
    VersionedTransaction::try_new(VersionedMessage::Legacy(message), signers).expect("signed by all")
}

async fn send(rpc: &Rpc, transaction: &VersionedTransaction) -> Value {
    let wire = BASE64_STANDARD.encode(bincode::serialize(transaction).expect("a wire form"));
    let config = json!({ "encoding": "base64", "preflightCommitment": "confirmed" });
    rpc.call("sendTransaction", json!([wire, config])).await
}

/// Waits until the transaction has succeeded at that commitment; gives its slot.
async fn landed(rpc: &Rpc, signature: &Value, commitment: &str) -> u64 {
    eventually("a transaction lands", LONG, || async {
        let status = rpc.call("getSignatureStatuses", json!([[signature]])).await["value"][0].clone();
        assert!(status["err"].is_null(), "{status}");
        let reached = [commitment, "finalized"].iter().any(|level| status["confirmationStatus"] == *level);
        reached.then(|| status["slot"].as_u64().expect("a slot"))
    })
    .await
}

fn replaced(value: &Value, text: &dyn Fn(&str) -> String, number: &dyn Fn(u64) -> u64) -> Value {
    match value {
        Value::String(recorded) => json!(text(recorded)),
        Value::Number(recorded) => {
            recorded.as_u64().map_or(value.clone(), |recorded| json!(number(recorded)))
        }
        Value::Array(list) => list.iter().map(|value| replaced(value, text, number)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), replaced(value, text, number)));
            Value::Object(fields.collect())
        }
        _ => value.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_shapes_that_were_recorded() {
    let Some(fixtures) = fixtures() else { return };
    let text =
        std::fs::read_to_string(fixtures.join("solana-rpc/surfpool-1.7.0.json")).expect("the recording");
    let recorded: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let dir = tempfile::tempdir().expect("a directory");
    let any = "127.0.0.1:0";
    let args = ["devnet", "--eth", "off", "--sol", any, "--cosmos", "off", "--celestia-listen", any];
    let node = Node::start("devnet", dir.path(), args.map(str::to_owned).to_vec()).await;
    let about = std::fs::read_to_string(node.dir().join("node.json")).expect("node.json");
    let about: Value = serde_json::from_str(&about).expect("JSON");
    let scene = Scene::new(Rpc::new(about["urls"]["sol"].as_str().expect("Solana's RPC"))).await;

    let mut faults = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for one in &recorded {
        let method = one["request"]["method"].as_str().expect("a method").to_owned();
        let number = seen.entry(method.clone()).and_modify(|number| *number += 1).or_insert(0_usize);
        let of_this = DIFFERENCES.iter().filter(|(name, at, ..)| *name == method && at == number);
        let expected: Vec<&str> = of_this.map(|(_, _, place, _)| *place).collect();
        let found = scene.compare(one).await;
        let new = found.iter().filter(|place| !expected.contains(&place.as_str()));
        faults.extend(new.map(|place| format!("{method} {number}: {place}: not in the list")));
        let gone = expected.iter().filter(|place| !found.iter().any(|found| found == *place));
        faults.extend(gone.map(|place| format!("{method} {number}: {place}: in the list, but it is not so")));
    }
    assert_eq!(recorded.len(), 66);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
