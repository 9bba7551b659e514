//! Steps of [`Mix`], by program.

use crate::random::{Mix, Step, Thing, View, readonly};
use crate::world::SOL;
use rand::Rng;
use solana_address_lookup_table_interface::instruction as table;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{address_lookup_table, compute_budget, system_program};
use solana_system_interface::instruction as system;
use spl_token_2022_interface::extension::{ExtensionType, transfer_fee::instruction as transfer_fee};
use spl_token_2022_interface::instruction::{self as token, AuthorityType};
use spl_token_2022_interface::state::{Account, Mint};
use weft_sbf::index::{TOKEN, TOKEN_2022};

pub const MEMO: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
pub const ATA: Pubkey = Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
pub const ALL: [Pubkey; 7] =
    [system_program::ID, TOKEN, TOKEN_2022, ATA, address_lookup_table::ID, MEMO, compute_budget::ID];

fn step(name: &'static str, instructions: Vec<Instruction>, adds: Vec<Thing>) -> Step {
    Step { name, instructions, adds }
}

impl Mix {
    /// Something to do for the one who pays.
    pub fn step(&mut self, payer: &Pubkey, view: &mut View<'_>) -> Step {
        match self.rng.random_range(0..100) {
            0..22 => self.system(payer),
            22..30 => self.nonce(payer),
            30..40 => self.table(payer, view),
            40..50 => self.associated(payer),
            50..55 => self.new_mint(payer),
            55..60 => self.new_token_account(payer),
            60..63 => {
                let text = self.rng.random_range(0..40_usize);
                let memo = Instruction::new_with_bytes(MEMO, &vec![b'x'; text], vec![readonly(*payer)]);
                step("memo", vec![memo], vec![])
            }
            _ => self.token(payer),
        }
    }

    fn system(&mut self, payer: &Pubkey) -> Step {
        let lamports = self.lamports();
        let to = self.any();
        let owner = self.pick(&ALL);
        let space = self.pick(&[0_u64, 0, 1, 80, 165, 300, 9_000, 40_000]);
        let exempt = self.rent.minimum_balance(usize::try_from(space).expect("small"));
        let lamports = if self.rng.random_bool(0.3) { lamports } else { lamports % SOL };
        match self.rng.random_range(0..9) {
            0..3 => step("transfer", vec![system::transfer(payer, &to, lamports)], vec![]),
            3 => {
                let key = self.fresh();
                let create = system::create_account(
                    payer,
                    &key,
                    self.pick(&[exempt, exempt, lamports]),
                    space,
                    &owner,
                );
                step("create", vec![create], vec![Thing::Plain { key }])
            }
            4 => {
                let key = self.fresh();
                let fund = system::transfer(payer, &key, exempt);
                let allocate = system::allocate(&key, space);
                let assign = system::assign(&key, &owner);
                step("allocate", vec![fund, allocate, assign], vec![Thing::Plain { key }])
            }
            5 => {
                let plain = self.thing(|thing| match thing {
                    Thing::Plain { key } => Some(*key),
                    _ => None,
                });
                let Some(key) = plain else { return self.nonce(payer) };
                let instruction = match self.rng.random_range(0..3) {
                    0 => system::transfer(&key, payer, lamports),
                    1 => system::assign(&key, &owner),
                    _ => system::allocate(&key, space),
                };
                step("of an account", vec![instruction], vec![])
            }
            6 => {
                let seed = format!("seed {}", self.rng.random_range(0..1_000));
                let key = Pubkey::create_with_seed(payer, &seed, &owner).expect("short");
                let create =
                    system::create_account_with_seed(payer, &key, payer, &seed, exempt, space, &owner);
                step("create with seed", vec![create], vec![Thing::Seeded { key, base: *payer, seed, owner }])
            }
            _ => self.seeded(payer, lamports, space),
        }
    }

    fn seeded(&mut self, payer: &Pubkey, lamports: u64, space: u64) -> Step {
        let known = self.thing(|thing| match thing {
            Thing::Seeded { key, base, seed, owner } => Some((*key, *base, seed.clone(), *owner)),
            _ => None,
        });
        let (key, base, seed, owner) = known.unwrap_or_else(|| {
            let key = Pubkey::create_with_seed(payer, "money", &system_program::ID).expect("short");
            (key, *payer, "money".to_owned(), system_program::ID)
        });
        let add = vec![Thing::Seeded { key, base, seed: seed.clone(), owner }];
        match self.rng.random_range(0..4) {
            0 => step("fund seeded", vec![system::transfer(payer, &key, lamports)], add),
            1 => {
                let instruction = system::transfer_with_seed(&key, &base, seed, &owner, payer, lamports / 4);
                step("transfer with seed", vec![instruction], vec![])
            }
            2 => step("assign with seed", vec![system::assign_with_seed(&key, &base, &seed, &owner)], vec![]),
            _ => {
                let instruction = system::allocate_with_seed(&key, &base, &seed, space, &owner);
                step("allocate with seed", vec![instruction], vec![])
            }
        }
    }

    fn nonce(&mut self, payer: &Pubkey) -> Step {
        let known = self.thing(|thing| match thing {
            Thing::Nonce { key, authority } => Some((*key, *authority)),
            _ => None,
        });
        let Some((key, authority)) = known.filter(|_| self.rng.random_bool(0.75)) else {
            let key = self.fresh();
            let lamports = self.rent.minimum_balance(80) + self.pick(&[0, 0, 5_000]);
            let create = system::create_nonce_account(payer, &key, payer, lamports);
            return step("create nonce", create, vec![Thing::Nonce { key, authority: *payer }]);
        };
        let lamports = self.pick(&[1, 5_000, self.rent.minimum_balance(80)]);
        let to = self.any();
        let (name, instruction) = match self.rng.random_range(0..6) {
            0..3 => ("advance nonce", system::advance_nonce_account(&key, &authority)),
            3 => ("withdraw nonce", system::withdraw_nonce_account(&key, &authority, &to, lamports)),
            4 => ("authorize nonce", system::authorize_nonce_account(&key, &authority, payer)),
            _ => ("upgrade nonce", system::upgrade_nonce_account(key)),
        };
        let adds =
            if name == "authorize nonce" { vec![Thing::Nonce { key, authority: *payer }] } else { vec![] };
        step(name, vec![instruction], adds)
    }

    fn table(&mut self, payer: &Pubkey, view: &View<'_>) -> Step {
        let known = self.thing(|thing| match thing {
            Thing::Table { key, authority } => Some((*key, *authority)),
            _ => None,
        });
        let Some((key, authority)) = known.filter(|_| self.rng.random_bool(0.7)) else {
            let back = self.pick(&[1, 1, 2, 3, 0, 1_000]);
            let (create, key) = table::create_lookup_table(*payer, *payer, view.slot.saturating_sub(back));
            return step("create table", vec![create], vec![Thing::Table { key, authority: *payer }]);
        };
        let addresses = (0..self.rng.random_range(1..6)).map(|_| self.any()).collect();
        let to = self.any();
        let (name, instruction) = match self.rng.random_range(0..20) {
            0..15 => ("extend table", table::extend_lookup_table(key, authority, Some(*payer), addresses)),
            15 => ("freeze table", table::freeze_lookup_table(key, authority)),
            16..18 => ("deactivate table", table::deactivate_lookup_table(key, authority)),
            _ => ("close table", table::close_lookup_table(key, authority, to)),
        };
        step(name, vec![instruction], vec![])
    }

    fn mint(&mut self) -> Option<(Pubkey, Pubkey, u8, bool, Pubkey)> {
        self.thing(|thing| match thing {
            Thing::Mint { key, program, decimals, fee, authority } => {
                Some((*key, *program, *decimals, *fee, *authority))
            }
            _ => None,
        })
    }

    fn new_mint(&mut self, payer: &Pubkey) -> Step {
        let key = self.fresh();
        let program = self.pick(&[TOKEN, TOKEN_2022]);
        let fee = program == TOKEN_2022 && self.rng.random_bool(0.7);
        let extensions: &[ExtensionType] = if fee { &[ExtensionType::TransferFeeConfig] } else { &[] };
        let space = ExtensionType::try_calculate_account_len::<Mint>(extensions).expect("known extensions");
        let lamports = self.rent.minimum_balance(space);
        let decimals = self.rng.random_range(0..10);
        let freeze = self.rng.random_bool(0.5).then_some(payer);
        let mut instructions = vec![system::create_account(payer, &key, lamports, space as u64, &program)];
        if fee {
            let points = self.rng.random_range(0..10_001);
            let most = self.pick(&[0, 1, 50, u64::MAX]);
            let config = transfer_fee::initialize_transfer_fee_config(
                &program,
                &key,
                Some(payer),
                Some(payer),
                points,
                most,
            );
            instructions.push(config.expect("a token program"));
        }
        let mint = if self.rng.random_bool(0.5) {
            token::initialize_mint2(&program, &key, payer, freeze, decimals)
        } else {
            token::initialize_mint(&program, &key, payer, freeze, decimals)
        };
        instructions.push(mint.expect("a token program"));
        step("new mint", instructions, vec![Thing::Mint { key, program, decimals, fee, authority: *payer }])
    }

    fn new_token_account(&mut self, payer: &Pubkey) -> Step {
        let Some((mint, program, _, fee, _)) = self.mint() else { return self.new_mint(payer) };
        let key = self.fresh();
        let owner = self.wallet();
        let extensions: &[ExtensionType] = if fee { &[ExtensionType::TransferFeeAmount] } else { &[] };
        let space =
            ExtensionType::try_calculate_account_len::<Account>(extensions).expect("known extensions");
        let lamports = self.rent.minimum_balance(space);
        let create = system::create_account(payer, &key, lamports, space as u64, &program);
        let initialize = match self.rng.random_range(0..3) {
            0 => token::initialize_account(&program, &key, &mint, &owner),
            1 => token::initialize_account2(&program, &key, &mint, &owner),
            _ => token::initialize_account3(&program, &key, &mint, &owner),
        };
        let instructions = vec![create, initialize.expect("a token program")];
        step("new token account", instructions, vec![Thing::Token { key, mint, owner }])
    }

    fn associated(&mut self, payer: &Pubkey) -> Step {
        let Some((mint, program, ..)) = self.mint() else { return self.new_mint(payer) };
        let owner = self.wallet();
        let (key, _) = Pubkey::find_program_address(&[owner.as_ref(), program.as_ref(), mint.as_ref()], &ATA);
        let accounts = vec![
            AccountMeta::new(*payer, true),
            AccountMeta::new(key, false),
            readonly(owner),
            readonly(mint),
            readonly(system_program::ID),
            readonly(program),
        ];
        // 0: must not be there; 1: may be.
        let create = Instruction::new_with_bytes(ATA, &[self.rng.random_range(0..2)], accounts);
        step("associated", vec![create], vec![Thing::Token { key, mint, owner }])
    }

    fn token(&mut self, payer: &Pubkey) -> Step {
        let Some((mint, program, decimals, fee, authority)) = self.mint() else {
            return self.new_mint(payer);
        };
        let authority = if self.rng.random_bool(0.9) { authority } else { *payer };
        let of = |thing: &Thing| match thing {
            Thing::Token { key, mint: other, owner } if *other == mint => Some((*key, *owner)),
            _ => None,
        };
        let (Some((from, owner)), Some((to, _))) = (self.thing(of), self.thing(of)) else {
            return self.associated(payer);
        };
        let amount = match self.rng.random_range(0..8) {
            0 => 0,
            1 => self.rng.random(),
            2 => 1_000_000,
            _ => self.rng.random_range(1..1_000),
        };
        let decimals = if self.rng.random_bool(0.9) { decimals } else { self.rng.random() };
        let (name, instruction) = if fee && self.rng.random_bool(0.3) {
            self.with_fee(&program, &mint, &from, &to, &owner, &authority, amount, decimals)
        } else {
            self.plain_token(&program, &mint, &from, &to, &owner, &authority, amount, decimals)
        };
        step(name, vec![instruction], vec![])
    }

    #[allow(clippy::too_many_arguments, reason = "what a token instruction can name")]
    fn with_fee(
        &mut self,
        program: &Pubkey,
        mint: &Pubkey,
        from: &Pubkey,
        to: &Pubkey,
        owner: &Pubkey,
        authority: &Pubkey,
        amount: u64,
        decimals: u8,
    ) -> (&'static str, Instruction) {
        let least = self.rng.random_range(0..20);
        let points = self.rng.random_range(0..10_100);
        let (name, instruction) = match self.rng.random_range(0..5) {
            0 => (
                "transfer with fee",
                transfer_fee::transfer_checked_with_fee(
                    program,
                    from,
                    mint,
                    to,
                    owner,
                    &[],
                    amount,
                    decimals,
                    least,
                ),
            ),
            1 => ("harvest", transfer_fee::harvest_withheld_tokens_to_mint(program, mint, &[from, to])),
            2 => (
                "withdraw from mint",
                transfer_fee::withdraw_withheld_tokens_from_mint(program, mint, to, authority, &[]),
            ),
            3 => (
                "withdraw from accounts",
                transfer_fee::withdraw_withheld_tokens_from_accounts(
                    program,
                    mint,
                    to,
                    authority,
                    &[],
                    &[from, to],
                ),
            ),
            _ => ("set fee", transfer_fee::set_transfer_fee(program, mint, authority, &[], points, amount)),
        };
        (name, instruction.expect("a token program"))
    }

    #[allow(clippy::too_many_arguments, reason = "what a token instruction can name")]
    fn plain_token(
        &mut self,
        program: &Pubkey,
        mint: &Pubkey,
        from: &Pubkey,
        to: &Pubkey,
        owner: &Pubkey,
        authority: &Pubkey,
        amount: u64,
        decimals: u8,
    ) -> (&'static str, Instruction) {
        let other = self.wallet();
        let kind = self.pick(&[
            AuthorityType::MintTokens,
            AuthorityType::FreezeAccount,
            AuthorityType::AccountOwner,
            AuthorityType::CloseAccount,
        ]);
        let large = amount.saturating_mul(1_000);
        #[allow(deprecated, reason = "what many programs still send")]
        let (name, instruction) = match self.rng.random_range(0..30) {
            0..4 => ("mint to", token::mint_to(program, mint, to, authority, &[], large)),
            4..8 => (
                "mint to checked",
                token::mint_to_checked(program, mint, to, authority, &[], large, decimals),
            ),
            8..11 => ("token transfer", token::transfer(program, from, to, owner, &[], amount)),
            11..16 => (
                "transfer checked",
                token::transfer_checked(program, from, mint, to, owner, &[], amount, decimals),
            ),
            16 => ("approve", token::approve(program, from, &other, owner, &[], amount)),
            17 => (
                "approve checked",
                token::approve_checked(program, from, mint, &other, owner, &[], amount, decimals),
            ),
            18 => ("revoke", token::revoke(program, from, owner, &[])),
            19 => ("delegate's transfer", token::transfer(program, from, to, &other, &[], amount)),
            20 => ("burn", token::burn(program, from, mint, owner, &[], amount)),
            21 => ("burn checked", token::burn_checked(program, from, mint, owner, &[], amount, decimals)),
            22 => ("set authority", token::set_authority(program, from, Some(&other), kind, owner, &[])),
            23 => (
                "set mint's authority",
                token::set_authority(program, mint, Some(&other), kind, authority, &[]),
            ),
            24 => ("freeze", token::freeze_account(program, from, mint, authority, &[])),
            25 => ("thaw", token::thaw_account(program, from, mint, authority, &[])),
            26 => ("close token account", token::close_account(program, from, authority, owner, &[])),
            27 => ("sync native", token::sync_native(program, from)),
            28 => ("amount to ui", token::amount_to_ui_amount(program, mint, amount)),
            _ => ("account size", token::get_account_data_size(program, mint, &[])),
        };
        (name, instruction.expect("a token program"))
    }
}
