//! Seeded random Solana traffic: transfers, memos, tokens, nonces, accounts that come and go, and what fails.

use crate::rpc::Rpc;
use crate::solana::{self, SOL_ACCOUNTS, Signed, keypair, numbered, sign};
use crate::wallet::Wallet;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction as system;
use spl_associated_token_account_interface::address::get_associated_token_address as associated;
use spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent;
use spl_token_interface::instruction as token;
use weft_types::AccountId;

const TOKEN: Pubkey = spl_token_interface::ID;
const MEMO: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
/// Lamports that keep any of the accounts here alive.
const RENT: u64 = 5_000_000;
/// Bytes of a mint and of a token account.
const MINT_BYTES: u64 = 82;
const TOKEN_BYTES: u64 = 165;
/// Where a nonce stands in its account.
const NONCE_AT: std::ops::Range<usize> = 40..72;
/// Mints and nonces of one run.
const MINTS_MAX: usize = 4;
const NONCES_MAX: usize = 4;

/// A mint that was asked for, and who may mint.
#[derive(Clone, Copy, Debug)]
struct Mint {
    pubkey: Pubkey,
    authority: usize,
}

/// A stream of transactions of genesis' Solana accounts; the same choices for the same seed.
#[derive(Debug)]
pub struct SolTraffic {
    rng: ChaCha8Rng,
    keys: Vec<Keypair>,
    mints: Vec<Mint>,
    nonces: Vec<(Pubkey, usize)>,
}

impl SolTraffic {
    /// Traffic of all of genesis' Solana accounts.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0x50_1a_4a),
            keys: (0..SOL_ACCOUNTS).map(keypair).collect(),
            mints: Vec::new(),
            nonces: Vec::new(),
        }
    }

    /// Pubkeys of all who sign, and of all mints.
    pub fn accounts(&self) -> Vec<Pubkey> {
        let mints = self.mints.iter().map(|mint| mint.pubkey);
        self.keys.iter().map(Keypair::pubkey).chain(mints).collect()
    }

    /// The next `count` transactions on the newest blockhash, to be sent to `rpc` in any order.
    ///
    /// # Panics
    /// Where the node does not answer.
    pub async fn next(&mut self, rpc: &Rpc, count: usize) -> Vec<Signed> {
        let blockhash = solana::blockhash(rpc).await;
        let mut made = Vec::new();
        for _ in 0..count {
            made.push(self.one(rpc, blockhash).await);
        }
        made
    }

    async fn one(&mut self, rpc: &Rpc, blockhash: Hash) -> Signed {
        let index = self.rng.random_range(0..self.keys.len());
        let kind = self.rng.random_range(0..20);
        if kind == 0
            && let Some((account, authority)) = self.pick_nonce()
            && let Some(nonce) = nonce(rpc, &account).await
        {
            let key = &self.keys[authority];
            let advance = system::advance_nonce_account(&account, &key.pubkey());
            let pay = system::transfer(&key.pubkey(), &numbered(1), RENT);
            return sign(&[key], &[advance, pay], nonce);
        }
        let fresh = Keypair::new_from_array(self.rng.random());
        let payer = self.keys[index].insecure_clone();
        // A price that no other has keeps two of the same kind apart, which are one transaction otherwise.
        let price = ComputeBudgetInstruction::set_compute_unit_price(self.rng.random_range(0..1_000_000));
        let (others, instructions) = match kind {
            1 => self.new_nonce(index, fresh),
            2 | 3 => self.new_mint(index, fresh),
            4..=8 if !self.mints.is_empty() => (None, self.tokens(index)),
            9 => {
                let text: u64 = self.rng.random();
                let data = format!("memo {text}").into_bytes();
                (None, vec![Instruction { program_id: MEMO, accounts: Vec::new(), data }])
            }
            // Fails and pays.
            10 => (None, vec![system::transfer(&payer.pubkey(), &numbered(2), u64::MAX / 2)]),
            11 => {
                // An account that comes and goes: what it gets goes back to the last lamport.
                let (from, to) = (payer.pubkey(), fresh.pubkey());
                let (there, back) = (system::transfer(&from, &to, RENT), system::transfer(&to, &from, RENT));
                (Some(fresh), vec![there, back])
            }
            12 if !self.mints.is_empty() => self.opened_and_closed(index, fresh),
            // To the account of an EVM address, which no Solana key ever signs for.
            13 | 14 => {
                let wallet = Wallet::devnet(self.rng.random_range(0..10)).address();
                let to = Pubkey::new_from_array(AccountId::from_evm(wallet).0.0);
                let lamports = self.rng.random_range(1..RENT);
                (None, vec![system::transfer(&payer.pubkey(), &to, lamports)])
            }
            _ => {
                let to = numbered(self.rng.random_range(0..200));
                let lamports = RENT + self.rng.random_range(0..RENT);
                (None, vec![system::transfer(&payer.pubkey(), &to, lamports)])
            }
        };
        let signers: Vec<&Keypair> = std::iter::once(&payer).chain(&others).collect();
        sign(&signers, &[&[price][..], &instructions].concat(), blockhash)
    }

    fn pick_nonce(&mut self) -> Option<(Pubkey, usize)> {
        let index = self.rng.random_range(0..self.nonces.len().max(1));
        self.nonces.get(index).copied()
    }

    fn new_nonce(&mut self, index: usize, fresh: Keypair) -> (Option<Keypair>, Vec<Instruction>) {
        let payer = self.keys[index].pubkey();
        if self.nonces.len() < NONCES_MAX {
            self.nonces.push((fresh.pubkey(), index));
        }
        let make = system::create_nonce_account(&payer, &fresh.pubkey(), &payer, RENT);
        (Some(fresh), make)
    }

    fn new_mint(&mut self, index: usize, fresh: Keypair) -> (Option<Keypair>, Vec<Instruction>) {
        let (payer, mint) = (self.keys[index].pubkey(), fresh.pubkey());
        if self.mints.len() < MINTS_MAX {
            self.mints.push(Mint { pubkey: mint, authority: index });
        }
        let make = vec![
            system::create_account(&payer, &mint, RENT, MINT_BYTES, &TOKEN),
            token::initialize_mint2(&TOKEN, &mint, &payer, None, 6).expect("an instruction"),
        ];
        (Some(fresh), make)
    }

    /// Mints or transfers; fails where nobody minted before, or where another may mint.
    fn tokens(&mut self, index: usize) -> Vec<Instruction> {
        let mint = self.mints[self.rng.random_range(0..self.mints.len())];
        let (payer, other) =
            (self.keys[index].pubkey(), self.keys[self.rng.random_range(0..self.keys.len())].pubkey());
        let [from, to] = [payer, other].map(|wallet| associated(&wallet, &mint.pubkey));
        let amount = self.rng.random_range(1..1_000);
        let open = create_associated_token_account_idempotent(&payer, &other, &mint.pubkey, &TOKEN);
        let step = if mint.authority == index {
            token::mint_to(&TOKEN, &mint.pubkey, &to, &payer, &[], amount)
        } else {
            token::transfer_checked(&TOKEN, &from, &mint.pubkey, &to, &payer, &[], amount, 6)
        };
        vec![open, step.expect("an instruction")]
    }

    fn opened_and_closed(&mut self, index: usize, fresh: Keypair) -> (Option<Keypair>, Vec<Instruction>) {
        let (payer, account) = (self.keys[index].pubkey(), fresh.pubkey());
        let mint = self.mints[self.rng.random_range(0..self.mints.len())].pubkey;
        let mut steps = vec![
            system::create_account(&payer, &account, RENT, TOKEN_BYTES, &TOKEN),
            token::initialize_account3(&TOKEN, &account, &mint, &payer).expect("an instruction"),
        ];
        if self.rng.random() {
            steps.push(token::close_account(&TOKEN, &account, &payer, &payer, &[]).expect("an instruction"));
        }
        (Some(fresh), steps)
    }
}

/// What a nonce account holds; `None` where it is not there yet.
async fn nonce(rpc: &Rpc, account: &Pubkey) -> Option<Hash> {
    let config = json!({ "encoding": "base64", "commitment": "processed" });
    let info = rpc.call("getAccountInfo", json!([account.to_string(), config])).await;
    let data = BASE64_STANDARD.decode(info["value"]["data"][0].as_str()?).ok()?;
    Some(Hash::new_from_array(data.get(NONCE_AT)?.try_into().ok()?))
}
