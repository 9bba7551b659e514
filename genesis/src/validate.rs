//! [`Genesis::validate`]: every inconsistency as one sentence that names the field, its value and the way out.

use crate::{Account, Genesis, GenesisError, Machine, WEI_PER_LAMPORT, text};
use std::collections::BTreeSet;
use std::fmt::{self, Display};
use weft_types::{Address, DaHeight, GasRate, U256, VmId, limits};

/// The largest chain id that wallets can sign for (EIP-2294).
pub const CHAIN_ID_MAX: u64 = u64::MAX / 2 - 36;
/// Most Celestia blocks of a window: derivation keeps a hash for each block of the origin window.
pub const WINDOW_MAX: u64 = 100_000;
/// Most milliseconds of drift.
pub const DRIFT_MS_MAX: u64 = 3_600_000;
/// Most gas of a block: leaves room for sums in 64 bits, and for the signed integers of TOML.
pub const BLOCK_GAS_MAX: u64 = 1 << 53;
/// Most wei per gas.
pub const BASE_FEE_MAX: u64 = 1 << 53;
/// The largest numerator and denominator of a gas rate.
pub const GAS_RATE_PART_MAX: u64 = 1 << 32;
/// Most bytes of a capability's name.
pub const CAPABILITY_BYTES_MAX: usize = 32;
/// A timestamp in milliseconds is never below this (2001), one in seconds always.
const TIMESTAMP_MS_MIN: u64 = 1_000_000_000_000;
const TIMESTAMP_MS_MAX: u64 = 10_000_000_000_000;

/// One inconsistency: a field, what stands there and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The path of the field, e.g. `fees.elasticity`.
    pub field: String,
    /// What stands there.
    pub value: String,
    /// What to do about it.
    pub advice: String,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.field, self.value, self.advice)
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn unless(&mut self, right: bool, field: impl Display, value: impl Display, advice: impl Display) {
        if !right {
            self.0.push(Fault {
                field: field.to_string(),
                value: value.to_string(),
                advice: advice.to_string(),
            });
        }
    }

    fn within(&mut self, field: &str, value: u64, min: u64, max: u64) {
        self.unless((min..=max).contains(&value), field, value, format_args!("set it from {min} to {max}"));
    }

    fn word(&mut self, field: &str, value: &str, max: usize, allowed: fn(u8) -> bool, what: &str) {
        let right = !value.is_empty() && value.len() <= max && value.bytes().all(allowed);
        self.unless(right, field, format_args!("{value:?}"), format_args!("use 1 to {max} {what}"));
    }
}

impl Genesis {
    /// Holds every value against its bounds and against the others.
    ///
    /// # Errors
    /// [`GenesisError::Invalid`] with all that was found.
    pub fn validate(&self) -> Result<(), GenesisError> {
        let mut faults = Faults::default();
        self.check_names(&mut faults);
        self.check_celestia(&mut faults);
        self.check_sequencing(&mut faults);
        self.check_limits(&mut faults);
        self.check_fees(&mut faults);
        self.check_machines(&mut faults);
        self.check_accounts(&mut faults);
        if faults.0.is_empty() { Ok(()) } else { Err(GenesisError::Invalid(faults.0)) }
    }

    fn check_names(&self, faults: &mut Faults) {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        faults.within("chain_id", self.chain_id, 1, CHAIN_ID_MAX);
        faults.word("network", &self.network, 32, lower, "lower case letters, digits and '-'");
        faults.unless(
            (TIMESTAMP_MS_MIN..TIMESTAMP_MS_MAX).contains(&self.timestamp_ms),
            "timestamp_ms",
            self.timestamp_ms,
            "give Unix time in milliseconds, thirteen digits",
        );
        let letters = |byte: u8| byte.is_ascii_lowercase();
        faults.word("bech32_prefix", &self.bech32_prefix, 16, letters, "lower case letters");
        let upper = |byte: u8| byte.is_ascii_alphanumeric();
        faults.word("token.symbol", &self.token.symbol, 16, upper, "letters and digits");
        faults.unless(
            self.token.decimals == 18,
            "token.decimals",
            self.token.decimals,
            "set it to 18, since the ledger counts wei",
        );
        // Cosmos SDK's rule for denominations: 3 to 128 characters that start with a letter.
        let denom = &self.token.denom;
        faults.unless(
            (3..=128).contains(&denom.len())
                && denom.starts_with(|first: char| first.is_ascii_lowercase())
                && denom.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
            "token.denom",
            format_args!("{denom:?}"),
            "use 3 to 128 lower case letters and digits that start with a letter",
        );
    }

    fn check_celestia(&self, faults: &mut Faults) {
        let celestia = &self.celestia;
        let allowed = |byte: u8| byte.is_ascii_graphic();
        faults.word("celestia.chain_id", &celestia.chain_id, 50, allowed, "characters without spaces");
        faults.within("celestia.da_start", celestia.da_start.0, 2, u64::MAX >> 1);
        faults.unless(
            Some(celestia.da_checkpoint.height) == celestia.da_start.prev(),
            "celestia.da_checkpoint.height",
            celestia.da_checkpoint.height,
            format_args!("set it to da_start - 1, here {}", celestia.da_start.0.saturating_sub(1)),
        );
        faults.unless(
            !celestia.da_checkpoint.hash.is_zero(),
            "celestia.da_checkpoint.hash",
            "zero",
            format_args!("give the hash of Celestia's header at height {}", celestia.da_checkpoint.height),
        );
        let names = &self.namespaces;
        faults.unless(
            names.batch != names.forced,
            "namespaces.forced",
            names.forced,
            "choose another than batch",
        );
        faults.unless(
            names.claim != names.batch && names.claim != names.forced,
            "namespaces.claim",
            names.claim,
            "choose another than batch and forced",
        );
    }

    fn check_sequencing(&self, faults: &mut Faults) {
        let rules = &self.sequencing;
        let count = rules.sequencers.len();
        faults.unless(
            count <= limits::SEQUENCERS_MAX,
            "sequencing.sequencers",
            format_args!("a list of {count}"),
            format_args!("list at most {}", limits::SEQUENCERS_MAX),
        );
        let mut seen = BTreeSet::new();
        for (index, sequencer) in rules.sequencers.iter().enumerate() {
            let field = format!("sequencing.sequencers[{index}].address");
            let address = sequencer.address;
            faults.unless(
                address != Address::ZERO,
                &field,
                address,
                "give the address of the sequencer's key",
            );
            faults.unless(seen.insert(address), &field, address, "list each sequencer once");
        }
        faults.unless(
            !rules.hybrid || count > 0,
            "sequencing.hybrid",
            true,
            "list a sequencer, or set it to false (without sequencers the chain is based anyway)",
        );
        faults.within("sequencing.forced_window", rules.forced_window, 1, WINDOW_MAX);
        faults.within("sequencing.failover_window", rules.failover_window, 1, WINDOW_MAX);
        faults.within("sequencing.origin_window", rules.origin_window, 1, WINDOW_MAX);
        faults.within("sequencing.max_drift_ms", rules.max_drift_ms, 1, DRIFT_MS_MAX);
    }

    fn check_limits(&self, faults: &mut Faults) {
        let bytes_max = u64::try_from(limits::BLOCK_BYTES_MAX).unwrap_or(u64::MAX);
        faults.within("limits.block_bytes", self.limits.block_bytes, 1_024, bytes_max);
        // A plain transfer of the EVM must fit.
        faults.within("limits.block_gas", self.limits.block_gas, 21_000, BLOCK_GAS_MAX);
        faults.unless(
            (1..=self.limits.block_bytes).contains(&self.limits.forced_bytes),
            "limits.forced_bytes",
            self.limits.forced_bytes,
            "set it from 1 to limits.block_bytes, so that one block can take what one height queues",
        );
    }

    fn check_fees(&self, faults: &mut Faults) {
        let fees = &self.fees;
        faults.within("fees.base_fee_min", fees.base_fee_min, 1, BASE_FEE_MAX);
        faults.unless(
            (fees.base_fee_min..=BASE_FEE_MAX).contains(&fees.base_fee_initial),
            "fees.base_fee_initial",
            fees.base_fee_initial,
            format_args!("set it from base_fee_min to {BASE_FEE_MAX}"),
        );
        faults.within("fees.elasticity", fees.elasticity, 1, 100);
        faults.within("fees.change_denominator", fees.change_denominator, 1, 1_000_000);
        let shares = u32::from(fees.base_to_sequencer_bp) + u32::from(fees.base_to_treasury_bp);
        faults.unless(
            shares <= 10_000,
            "fees.base_to_sequencer_bp + fees.base_to_treasury_bp",
            shares,
            "let them sum to at most 10000; the rest is burnt",
        );
    }

    fn check_machines(&self, faults: &mut Faults) {
        faults.unless(!self.machines.is_empty(), "machines", "empty", "list at least one machine");
        check_machine_list("machines", &self.machines, faults);
        let mut last = DaHeight(0);
        for (index, upgrade) in self.upgrades.iter().enumerate() {
            let at = format!("upgrades[{index}]");
            faults.unless(
                upgrade.da_height > last && upgrade.da_height > self.celestia.da_start,
                format_args!("{at}.da_height"),
                upgrade.da_height,
                "list upgrades ascending, each above da_start",
            );
            last = upgrade.da_height;
            faults.unless(
                !upgrade.machines.is_empty(),
                format_args!("{at}.machines"),
                "empty",
                "list what changes, or remove the upgrade",
            );
            check_machine_list(&format!("{at}.machines"), &upgrade.machines, faults);
        }
    }

    fn check_accounts(&self, faults: &mut Faults) {
        let mut seen = BTreeSet::new();
        for (index, account) in self.accounts.iter().enumerate() {
            let field = format!("accounts[{index}].address");
            let value = text::account::text(&account.address);
            faults.unless(seen.insert(account.address), &field, &value, "list each account once");
            let evm = account.address.as_evm().is_some();
            faults.unless(
                evm || !account.has_evm_state(),
                &field,
                &value,
                "nonce, code and storage are for accounts of 20 bytes; remove them",
            );
            check_evm_account(index, account, faults);
        }
        let lamports = self.supply().map(|wei| wei / U256::from(WEI_PER_LAMPORT));
        faults.unless(
            lamports.is_some_and(|lamports| lamports <= U256::from(u64::MAX)),
            "the sum of accounts[].balance",
            self.supply().map_or_else(|| "past 2^256 wei".to_owned(), |wei| format!("{wei} wei")),
            "keep it below 2^64 lamports of 10^9 wei (18.4 billion tokens), which Solana programs count in",
        );
    }
}

fn check_machine_list(at: &str, machines: &[Machine], faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (index, machine) in machines.iter().enumerate() {
        let field = format!("{at}[{index}]");
        let real = matches!(machine.vm, VmId::EVM | VmId::SBF | VmId::WASM);
        faults.unless(real, format_args!("{field}.vm"), machine.vm, "use one of evm, sbf, wasm");
        faults.unless(
            seen.insert(machine.vm),
            format_args!("{field}.vm"),
            machine.vm,
            "list each machine once",
        );
        let allowed = |byte: u8| byte.is_ascii_graphic();
        faults.word(&format!("{field}.spec"), &machine.spec, 64, allowed, "characters without spaces");
        check_capabilities(&field, machine, faults);
        let GasRate { numerator, denominator } = machine.gas_rate;
        let rate = format!("{numerator}/{denominator}");
        let field = format!("{field}.gas_rate");
        let range = 1..=GAS_RATE_PART_MAX;
        faults.unless(
            range.contains(&numerator) && range.contains(&denominator),
            &field,
            &rate,
            format_args!("set both parts from 1 to {GAS_RATE_PART_MAX}"),
        );
        faults.unless(
            machine.vm != VmId::EVM || machine.gas_rate == GasRate::ONE,
            &field,
            &rate,
            "the EVM's rate is 1/1, since its gas is the unit",
        );
    }
}

fn check_capabilities(at: &str, machine: &Machine, faults: &mut Faults) {
    let field = format!("{at}.capabilities");
    let capabilities = &machine.capabilities;
    faults.unless(
        capabilities.is_empty() || machine.vm == VmId::WASM,
        &field,
        format_args!("{capabilities:?}"),
        "capabilities are for wasm; remove them",
    );
    let mut seen = BTreeSet::new();
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    for (index, capability) in capabilities.iter().enumerate() {
        let field = format!("{field}[{index}]");
        faults.word(&field, capability, CAPABILITY_BYTES_MAX, allowed, "of a-z 0-9 _");
        faults.unless(seen.insert(capability), &field, capability, "list each capability once");
    }
}

fn check_evm_account(index: usize, account: &Account, faults: &mut Faults) {
    // EIP-2681: the last nonce can't be used; TOML's integers end one bit below.
    faults.within(&format!("accounts[{index}].nonce"), account.nonce, 0, u64::MAX >> 1);
    let zero = account.storage.iter().find(|(_, value)| value.is_zero());
    if let Some((slot, value)) = zero {
        faults.unless(
            false,
            format_args!("accounts[{index}].storage.{slot}"),
            value,
            "leave out slots whose value is zero",
        );
    }
}
