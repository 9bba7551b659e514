//! What a Solana cluster has before its first transaction: built-in programs, precompiles, core and SPL programs as their
//! real ELFs, sysvars, feature accounts, the mints of wrapped lamports.
//!
//! Each account holds what makes it exempt from rent, minted here and counted in the supply.

use crate::accounts::{self, wei};
use crate::index;
use crate::key;
use crate::record;
use crate::runtime::{BUILTINS, PRECOMPILES, Runtime};
use crate::sysvars;
use solana_account::ReadableAccount;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{config, feature, native_loader, stake};
use weft_state::{Journal, ReadError};
use weft_types::U256;

/// An account that is there from the start.
struct Installed {
    pubkey: Pubkey,
    lamports: u64,
    owner: Pubkey,
    executable: bool,
    data: Vec<u8>,
}

/// Writes all of them.
///
/// # Errors
/// The store failed, or the supply does not fit 64 bits of lamports.
pub(crate) fn install(journal: &mut Journal<'_>, runtime: &Runtime) -> Result<(), ReadError> {
    let mut minted = U256::ZERO;
    let mut mint = |journal: &mut Journal<'_>, pubkey: &Pubkey, lamports: u64| {
        minted += wei(lamports);
        let credited = journal.credit(key::account_id(pubkey), wei(lamports));
        credited.map_err(|error| ReadError(format!("a program of genesis could not be funded: {error}")))
    };
    for Installed { pubkey, lamports, owner, executable, data } in all(runtime) {
        mint(journal, &pubkey, lamports)?;
        let record = record::encode(&owner, executable, &data);
        accounts::write_record(journal, &pubkey, Some(record), &data)?;
    }
    for (sysvar, size) in sysvars::ALL {
        mint(journal, &sysvar, runtime.rent.minimum_balance(size))?;
    }
    journal.mint(minted)?;
    accounts::lamports(journal.supply()?).map(drop)
}

fn all(runtime: &Runtime) -> Vec<Installed> {
    let native = |pubkey: Pubkey, data: &[u8]| Installed {
        pubkey,
        lamports: 1,
        owner: native_loader::ID,
        executable: true,
        data: data.to_vec(),
    };
    let mut all: Vec<Installed> = BUILTINS.iter().map(|(id, name)| native(*id, name.as_bytes())).collect();
    all.extend(PRECOMPILES.iter().map(|id| native(*id, &[])));
    let spl = solana_program_binaries::spl_programs(&runtime.rent);
    let core = solana_program_binaries::core_bpf_programs(&runtime.rent, |id| runtime.features.is_active(id));
    all.extend(spl.into_iter().chain(core).map(|(pubkey, account)| Installed {
        pubkey,
        lamports: account.lamports(),
        owner: *account.owner(),
        executable: account.executable(),
        data: account.data().to_vec(),
    }));
    all.extend(features(runtime));
    all.push(stake_config(runtime));
    all.extend(NATIVE_MINTS.map(|(pubkey, owner)| native_mint(runtime, pubkey, owner)));
    all
}

/// The mints under which wrapped lamports stand, each with its token program.
const NATIVE_MINTS: [(Pubkey, Pubkey); 2] = [
    (Pubkey::from_str_const("So11111111111111111111111111111111111111112"), index::TOKEN),
    (Pubkey::from_str_const("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP"), index::TOKEN_2022),
];

/// `mint authority: none | supply 0 | decimals 9 | initialised | freeze authority: none`, as every cluster has it.
fn native_mint(runtime: &Runtime, pubkey: Pubkey, owner: Pubkey) -> Installed {
    let mut data = vec![0; 82];
    data[44] = 9;
    data[45] = 1;
    let lamports = runtime.rent.minimum_balance(data.len());
    Installed { pubkey, lamports, owner, executable: false, data }
}

/// One account for each active feature, which says since when: slot 0. Tools read them before they verify an ELF.
fn features(runtime: &Runtime) -> Vec<Installed> {
    let mut ids: Vec<Pubkey> = runtime.features.active().keys().copied().collect();
    ids.sort_unstable();
    // `Feature { activated_at: Some(0) }`
    let data = [1, 0, 0, 0, 0, 0, 0, 0, 0];
    let lamports = runtime.rent.minimum_balance(data.len());
    let account =
        |pubkey| Installed { pubkey, lamports, owner: feature::ID, executable: false, data: data.to_vec() };
    ids.into_iter().map(account).collect()
}

/// The deprecated account that older instructions of the stake program still name: no config keys, a warm-up rate of a
/// quarter, a slash penalty of 12.
fn stake_config(runtime: &Runtime) -> Installed {
    let mut data = vec![0; 8];
    data.extend_from_slice(&0x3fd0_0000_0000_0000_u64.to_le_bytes());
    data.push(12);
    #[allow(deprecated, reason = "the account is deprecated and still there")]
    let pubkey = stake::config::ID;
    Installed {
        pubkey,
        lamports: runtime.rent.minimum_balance(data.len()),
        owner: config::ID,
        executable: false,
        data,
    }
}
