//! [`Mix`]: traffic of all machines at once.

use crate::cosmos;
use crate::cosmos_traffic::CosmosTraffic;
use crate::process::Node;
use crate::rpc::Rpc;
use crate::solana;
use crate::solana_traffic::SolTraffic;
use crate::traffic::Traffic;
use serde_json::Value;

/// Streams of each machine.
#[derive(Debug)]
pub struct Mix {
    /// Ethereum's.
    pub evm: Traffic,
    /// Solana's.
    pub sol: SolTraffic,
    /// Cosmos'.
    pub cosmos: CosmosTraffic,
}

impl Mix {
    /// Traffic of devnet's Ethereum accounts in the range, and of what genesis funds of the others'.
    #[must_use]
    pub fn new(seed: u64, accounts: std::ops::Range<u32>) -> Self {
        let (evm, sol) = (Traffic::new(seed, accounts), SolTraffic::new(seed));
        Self { evm, sol, cosmos: CosmosTraffic::new(seed) }
    }

    /// Sends `each` transactions of every machine, all of which the node must take.
    ///
    /// # Panics
    /// Where it does not, or does not answer.
    pub async fn send(&mut self, node: &Node, each: usize) {
        let cosmos = self.cosmos.next(node.cosmos(), each).await;
        let solana = self.sol.next(node.sol(), each).await;
        let evm: Vec<String> = self.evm.next(each).into_iter().map(|signed| signed.raw).collect();
        // At once, so that they meet in a block.
        let (evm, cosmos, ()) = tokio::join!(
            node.rpc().send_raw(&evm),
            cosmos::send(node.cosmos(), &cosmos),
            send_solana(node.sol(), &solana),
        );
        for answer in evm.expect("the sequencer answers") {
            answer.expect("the pool takes what follows its nonces");
        }
        for answer in cosmos.expect("the sequencer answers") {
            answer.expect("the pool takes what follows its sequences");
        }
    }
}

/// Sends transactions that the pool must take; but a nonce may be used up meanwhile.
///
/// # Panics
/// Where it does not take one.
pub async fn send_solana(rpc: &Rpc, transactions: &[solana::Signed]) {
    for answer in solana::send(rpc, transactions).await.expect("the sequencer answers") {
        if let Err(error) = answer {
            assert!(error.contains("Blockhash not found"), "the pool refuses {error}");
        }
    }
}

/// Whether a block, as `weft_getBlock` shows it, holds transactions of every machine.
#[must_use]
pub fn is_mixed(block: &Value) -> bool {
    let transactions = block["transactions"].as_array();
    let has = |vm: &str| transactions.is_some_and(|all| all.iter().any(|found| found["vm"] == vm));
    ["evm", "sbf", "wasm"].into_iter().all(has)
}
