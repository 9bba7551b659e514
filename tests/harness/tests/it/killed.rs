//! A sequencer that is killed at any moment loses nothing that it promised, and signs no height twice.

use crate::chain::{LONG, assert_same_mixed, assert_same_shown, drive, settled};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use weft_tests::mix::{Mix, send_solana};
use weft_tests::rpc::Rpc;
use weft_tests::solana::statuses;
use weft_tests::world::{Rules, World};
use weft_tests::{cosmos, eventually, seed};

const KILLS: u32 = 100;
/// The height at which traffic has its contracts.
const DEPLOYED: u64 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_sequencer_killed_100_times_keeps_every_promise() {
    let seed = seed("killed");
    let world = World::new(Rules::default()).await;
    let config = "[sequencer]\nblock_time_ms = 20\nbatch_time_ms = 200\n";
    let mut sequencer = world.sequencer("sequencer", 0, config).await;
    let follower = world.follower("follower").await;
    let mut mix = Mix::new(seed, 0..4);
    // Large contracts are compiled before a kill can come in between, and nothing waits.
    drive(&sequencer, &mut mix, DEPLOYED).await;
    settled(sequencer.rpc(), follower.rpc()).await;
    // What the sequencer showed as soft or included, and must still show when all is over.
    let mut promised: BTreeMap<u64, Value> = BTreeMap::new();
    let mut shown: BTreeMap<String, Value> = BTreeMap::new();
    let mut results: BTreeMap<String, Value> = BTreeMap::new();
    let mut unsent: Vec<String> = Vec::new();
    for kill in 0..KILLS {
        if unsent.is_empty() {
            unsent = mix.evm.next(20).into_iter().map(|signed| signed.raw).collect();
        }
        // The last kill took what waited.
        mix.cosmos.resume(sequencer.cosmos()).await;
        let cosmos = mix.cosmos.next(sequencer.cosmos(), 10).await;
        let solana = mix.sol.next(sequencer.sol(), 10).await;
        let ((), (), cosmos) = tokio::join!(
            send(sequencer.rpc(), &mut unsent),
            send_solana(sequencer.sol(), &solana),
            send_cosmos(sequencer.cosmos(), cosmos),
        );
        remember(sequencer.rpc(), &mut promised).await;
        let wait = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(u64::from(kill) * 104_729) % 150;
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        let signatures: Vec<String> = solana.into_iter().map(|signed| signed.signature).collect();
        let landed = statuses(sequencer.sol(), &signatures).await;
        shown.extend(
            signatures
                .into_iter()
                .zip(landed)
                .filter(|(_, status)| !status.is_null())
                .map(|(signature, status)| (signature, status["slot"].clone())),
        );
        for (hash, found) in cosmos.iter().zip(cosmos::transactions(sequencer.cosmos(), &cosmos).await) {
            if !found.is_null() {
                results.insert(hash.clone(), found);
            }
        }
        remember(sequencer.rpc(), &mut promised).await;
        sequencer.kill();
        sequencer.again().await;
    }
    send(sequencer.rpc(), &mut unsent).await;
    remember(sequencer.rpc(), &mut promised).await;
    let last = settled(sequencer.rpc(), follower.rpc()).await;
    for (height, order_hash) in &promised {
        let block = follower.rpc().block(*height).await;
        assert_eq!(&block["order_hash"], order_hash, "height {height} was promised with another order");
    }
    let mixed = assert_same_mixed(sequencer.rpc(), follower.rpc(), last).await;
    for page in shown.keys().cloned().collect::<Vec<_>>().chunks(100) {
        for (signature, status) in page.iter().zip(statuses(follower.sol(), page).await) {
            assert_eq!(status["slot"], shown[signature], "{signature} was shown in another block");
        }
    }
    for page in results.keys().cloned().collect::<Vec<_>>().chunks(100) {
        for (hash, found) in page.iter().zip(cosmos::transactions(follower.cosmos(), page).await) {
            assert_eq!(found, results[hash], "{hash} was shown with another result");
        }
    }
    assert!(results.values().any(|found| found["tx_result"]["code"] == 0), "no Cosmos transaction was shown");
    assert_same_shown(&sequencer, &follower, &mix).await;
    println!(
        "{KILLS} kills, {} promised heights up to {last} kept, {mixed} of all machines; shown: {} of Solana's \
         transactions, {} of Cosmos'",
        promised.len(),
        shown.len(),
        results.len()
    );
}

/// Sends what the pool must take; gives the hashes.
async fn send_cosmos(rpc: &Rpc, made: Vec<cosmos::Signed>) -> Vec<String> {
    for answer in cosmos::send(rpc, &made).await.expect("the sequencer answers") {
        answer.expect("the pool takes what follows the state's sequences");
    }
    made.into_iter().map(|signed| signed.hash).collect()
}

/// Sends what the pool does not know yet. A kill may have taken the pool with it, so what is refused as known
/// or as used already is done, and the rest is kept for the next try.
async fn send(rpc: &Rpc, unsent: &mut Vec<String>) {
    let answers = rpc.send_raw(unsent).await.expect("the sequencer answers");
    let kept: Vec<String> = unsent
        .drain(..)
        .zip(answers)
        .filter(|(_, answer)| match answer {
            Ok(_) => true,
            Err(message) => !message.contains("nonce too low"),
        })
        .map(|(raw, _)| raw)
        .collect();
    // All of a batch are sent again until the chain has them: only then is it known that none was lost.
    *unsent = kept;
}

async fn remember(rpc: &Rpc, promised: &mut BTreeMap<u64, Value>) {
    let tip = eventually("a status", LONG, || rpc.tip()).await;
    let from = promised.keys().last().map_or(1, |last| last + 1);
    for height in from..=tip {
        let block = rpc.call("weft_getBlock", json!([height])).await;
        promised.insert(height, block["order_hash"].clone());
    }
}
