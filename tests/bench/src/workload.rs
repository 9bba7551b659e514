//! The work that several benches share: accounts, signed transfers, change sets, and a Celestia that holds them.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes as AlloyBytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use weft_state::ChangeSet;
use weft_types::{B256, Bytes, Transaction, VmId};

pub const CHAIN_ID: u64 = 31_337;

/// Deterministic, so that two runs do the same work.
pub fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(20_261_123)
}

pub fn signer(number: usize) -> PrivateKeySigner {
    let secret = B256::from(U256::from(number) + U256::from(1_000_000));
    PrivateKeySigner::from_bytes(&secret).expect("a secret in range")
}

/// A signed EIP-1559 transaction as its EIP-2718 bytes.
pub fn sign(
    signer: &PrivateKeySigner,
    nonce: u64,
    to: Address,
    value: u128,
    input: AlloyBytes,
    gas: u64,
) -> Bytes {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: gas,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        access_list: alloy_eips::eip2930::AccessList::default(),
        input,
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("a signature");
    transaction.into_signed(signature).encoded_2718().into()
}

/// `count` transfers between `accounts` accounts, each sending in turn.
pub fn transfers(count: usize, accounts: usize) -> Vec<Transaction> {
    let mut rng = rng();
    let signers: Vec<PrivateKeySigner> = (0..accounts).map(signer).collect();
    let plan: Vec<(usize, u64, Address, u128)> = (0..count)
        .map(|index| {
            let to = signers[rng.random_range(0..accounts)].address();
            let nonce = u64::try_from(index / accounts).expect("a small number");
            (index % accounts, nonce, to, rng.random_range(1..1_000_000_000_000_000))
        })
        .collect();
    plan.into_par_iter()
        .map(|(from, nonce, to, value)| {
            let payload = sign(&signers[from], nonce, to, value, AlloyBytes::new(), 21_000);
            Transaction { vm: VmId::EVM, payload }
        })
        .collect()
}

/// `count` changes; of the keys, half lie in `0..known` and half are new.
pub fn changes(rng: &mut ChaCha8Rng, count: usize, known: u64, next: &mut u64) -> ChangeSet {
    (0..count)
        .map(|index| {
            let number = if index % 2 == 0 && known > 0 {
                rng.random_range(0..known)
            } else {
                *next += 1;
                *next - 1
            };
            let mut value = vec![0; 64];
            rng.fill_bytes(&mut value);
            (key(number), Some(Bytes::from(value)))
        })
        .collect()
}

/// A key as long as a storage slot's, the same for the same number.
pub fn key(number: u64) -> Vec<u8> {
    weft_state::key::key(VmId::EVM, 9, &alloy_primitives::keccak256(number.to_be_bytes())[..])
}
