//! Transfers of lamports and of tokens, and the transactions that come before them.

use crate::workload;
use rand::Rng;
use rayon::prelude::*;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};
use solana_signer::Signer;
use solana_system_interface::instruction as system;
use solana_transaction::versioned::VersionedTransaction;
use spl_token_interface::instruction as token;
use weft_types::{AccountId, B256, Header, Transaction, VmId};

/// The token program, p-token by the feature set.
pub const TOKEN: Pubkey = spl_token_interface::ID;
/// Lamports of a token account and of a mint: more than makes them exempt from rent.
const RENT: u64 = 10_000_000;
/// Bytes of a token account and of a mint.
const TOKEN_BYTES: u64 = 165;
const MINT_BYTES: u64 = 82;
/// What each token account gets.
const TOKENS: u64 = 1_000_000_000_000;
/// Accounts that one transaction mints to, as many as fit its bytes.
const MINTED_TO: usize = 20;

/// What is transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lamports, by the system program.
    System,
    /// Tokens, by p-token's `Transfer`.
    Spl,
}

/// See the module.
pub struct Work {
    kind: Kind,
    owners: Vec<Keypair>,
    /// Where each owner's tokens or lamports are.
    wallets: Vec<Pubkey>,
    mint: Pubkey,
}

/// What a transaction in the block after `parent`, or soon after, may name.
pub fn blockhash(parent: &Header) -> Hash {
    Hash::new_from_array(parent.hash().0)
}

fn seeded(base: &Pubkey, seed: &str) -> Pubkey {
    Pubkey::create_with_seed(base, seed, &TOKEN).expect("a short seed")
}

fn sign(payer: &Keypair, instructions: &[Instruction], blockhash: Hash) -> Transaction {
    let message = Message::new_with_blockhash(instructions, Some(&payer.pubkey()), &blockhash);
    let signed = VersionedTransaction::try_new(VersionedMessage::Legacy(message), &[payer]);
    let payload = bincode::serialize(&signed.expect("the payer signs alone")).expect("a transaction");
    Transaction { vm: VmId::SBF, payload: payload.into() }
}

impl Work {
    pub fn new(kind: Kind, accounts: usize) -> Self {
        let owner = |number: usize| {
            let mut secret = [0; 32];
            secret[..8].copy_from_slice(&u64::try_from(number).expect("a small number").to_le_bytes());
            Keypair::new_from_array(secret)
        };
        let owners: Vec<Keypair> = (1..=accounts).into_par_iter().map(owner).collect();
        let wallet = |owner: &Keypair| match kind {
            Kind::System => owner.pubkey(),
            Kind::Spl => seeded(&owner.pubkey(), "tokens"),
        };
        let wallets = owners.iter().map(wallet).collect();
        let mint = seeded(&owners[0].pubkey(), "mint");
        Self { kind, owners, wallets, mint }
    }

    /// Whom genesis funds.
    pub fn funded(&self) -> impl Iterator<Item = AccountId> {
        self.owners.iter().map(|owner| AccountId(B256::new(owner.pubkey().to_bytes())))
    }

    /// All accounts that transfers name, the programs and their data.
    pub fn named(&self) -> Vec<Pubkey> {
        let token_data = solana_loader_v3_interface::get_program_data_address(&TOKEN);
        let mut named = vec![system_program::ID, bpf_loader_upgradeable::ID, TOKEN, token_data, self.mint];
        named.extend(super::bare::SYSVARS);
        named.extend(self.owners.iter().map(Signer::pubkey));
        if self.kind == Kind::Spl {
            named.extend(&self.wallets);
        }
        named
    }

    /// Batches of transactions that make the accounts, each to be in the chain before the next.
    pub fn setup(&self, blockhash: Hash) -> Vec<Vec<Transaction>> {
        if self.kind == Kind::System {
            return Vec::new();
        }
        let authority = &self.owners[0];
        let payer = authority.pubkey();
        let mint = [
            system::create_account_with_seed(&payer, &self.mint, &payer, "mint", RENT, MINT_BYTES, &TOKEN),
            token::initialize_mint2(&TOKEN, &self.mint, &payer, None, 6).expect("the token program"),
        ];
        let wallets = self.owners.par_iter().zip(&self.wallets).map(|(owner, wallet)| {
            let key = owner.pubkey();
            let instructions = [
                system::create_account_with_seed(&key, wallet, &key, "tokens", RENT, TOKEN_BYTES, &TOKEN),
                token::initialize_account3(&TOKEN, wallet, &self.mint, &key).expect("the token program"),
            ];
            sign(owner, &instructions, blockhash)
        });
        let minted = self.wallets.par_chunks(MINTED_TO).map(|wallets| {
            let to = wallets.iter().map(|wallet| {
                token::mint_to(&TOKEN, &self.mint, wallet, &payer, &[], TOKENS).expect("the token program")
            });
            sign(authority, &to.collect::<Vec<_>>(), blockhash)
        });
        vec![vec![sign(authority, &mint, blockhash)], wallets.collect(), minted.collect()]
    }

    /// `count` transfers, each owner sending in turn to another.
    pub fn transfers(&self, count: usize, blockhash: Hash) -> Vec<Transaction> {
        let mut rng = workload::rng();
        let accounts = self.owners.len();
        let plan: Vec<(usize, usize, u64)> = (0..count)
            .map(|index| {
                let from = index % accounts;
                let to = (from + rng.random_range(1..accounts)) % accounts;
                (from, to, rng.random_range(1..1_000_000))
            })
            .collect();
        let transfer = |(from, to, amount): (usize, usize, u64)| {
            let owner = &self.owners[from];
            let (source, target) = (&self.wallets[from], &self.wallets[to]);
            let instruction = match self.kind {
                Kind::System => system::transfer(source, target, amount),
                Kind::Spl => token::transfer(&TOKEN, source, target, &owner.pubkey(), &[], amount)
                    .expect("the token program"),
            };
            sign(owner, &[instruction], blockhash)
        };
        plan.into_par_iter().map(transfer).collect()
    }
}
