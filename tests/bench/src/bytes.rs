//! `da-bytes`: what an ERC-20 transfer costs on Celestia: bytes of the batch's blobs, against the signed
//! transactions as their senders made them.

use crate::{Figures, workload};
use alloy_primitives::{Address, B256 as Word, U256};
use alloy_sol_types::{SolCall, sol};
use rand::Rng;
use weft_da::batch::{self, Batch, SequencedBlock};
use weft_da::signature::SequencerKey;
use weft_types::{B256, DaHeight, Height, Transaction, VmId};

sol! {
    /// The call that the bench counts.
    function transfer(address to, uint256 amount) external returns (bool);
}

/// Transfers of one batch, as many as a few seconds of a busy chain have.
const TRANSFERS: usize = 5_000;
const SENDERS: usize = 50;
const RECIPIENTS: usize = 500;
const BLOCKS: usize = 20;

pub fn run() -> eyre::Result<Figures> {
    let mut rng = workload::rng();
    let token = Address::repeat_byte(0x5f);
    let signers: Vec<_> = (0..SENDERS).map(workload::signer).collect();
    let recipients: Vec<Address> =
        (0..RECIPIENTS).map(|_| Address::from_word(Word::from(rng.random::<[u8; 32]>()))).collect();
    let mut nonces = vec![0; SENDERS];
    let mut transactions = Vec::with_capacity(TRANSFERS);
    for _ in 0..TRANSFERS {
        let sender = rng.random_range(0..SENDERS);
        let call = transferCall {
            to: recipients[rng.random_range(0..RECIPIENTS)],
            // Whole cents of a token with 18 decimals, as people send them.
            amount: U256::from(rng.random_range(1_u64..100_000)) * U256::from(10_u64.pow(16)),
        };
        let payload =
            workload::sign(&signers[sender], nonces[sender], token, 0, call.abi_encode().into(), 60_000);
        nonces[sender] += 1;
        transactions.push(Transaction { vm: VmId::EVM, payload });
    }
    let plain: usize = transactions.iter().map(|transaction| transaction.payload.len()).sum();
    let key = SequencerKey::from_bytes([9; 32])?;
    let batch = Batch {
        chain_id: workload::CHAIN_ID,
        sequencer: key.address(),
        batch_no: 1,
        first_height: Height(1),
        prev_order_hash: B256::ZERO,
        blocks: transactions
            .chunks(TRANSFERS / BLOCKS)
            .zip(0_u64..)
            .map(|(chunk, index)| SequencedBlock::new(1_700_000_000_000 + index * 200, DaHeight(7), chunk))
            .collect(),
    };
    let blobs = batch::encode(batch, &key, 7 << 20)?;
    let posted: usize = blobs.iter().map(|blob| blob.len()).sum();
    let each = |bytes: usize| bytes as f64 / TRANSFERS as f64;
    Ok(Figures { unit: "bytes per ERC-20 transfer", ours: each(posted), reference: Some(each(plain)) })
}
