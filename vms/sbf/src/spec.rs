//! Which of Solana's features hold, by the name that genesis gives and the Celestia height from which it holds.
//!
//! A rule set is a list of feature gates of one release, frozen under one name. `agave-4.2` is what was active on
//! Solana's mainnet in August 2026 out of the gates that agave 4.2.2 knows: SBPFv0 in full and v3, p-token, rent of 6,960
//! lamports a byte. A later release's gates come under a name of their own, at a height of genesis' `upgrades`.

use agave_feature_set::{self as f, FeatureSet};
use solana_pubkey::Pubkey;
use solana_rent::Rent;
use weft_types::{DaHeight, GasRate};

/// The newest rule set, which a new genesis should name.
pub const NEWEST_SPEC: &str = "agave-4.2";

/// Gates that agave 4.2.2 knows and `agave-4.2` leaves off.
const INACTIVE: &[Pubkey] = &[
    f::account_data_direct_mapping::ID,
    f::alpenglow::ID,
    f::alpenglow_fast_leader_handover::ID,
    f::blake3_syscall_enabled::ID,
    f::block_revenue_sharing::ID,
    f::chained_merkle_conflict_duplicate_proofs::ID,
    f::custom_commission_collector::ID,
    f::deprecate_legacy_vote_ixs::ID,
    f::direct_account_pointers_in_program_input::ID,
    f::disable_sbpf_v0_execution::ID,
    f::disable_sbpf_v0_v1_v2_deployment::ID,
    f::enable_big_mod_exp_syscall::ID,
    f::enable_extend_program_checked::ID,
    f::enable_loader_v4::ID,
    f::enable_sha512_syscall::ID,
    f::enable_turbine_extended_fanout_experiments::ID,
    f::enable_tx_v1::ID,
    f::enable_zk_proof_from_account::ID,
    f::enable_zk_transfer_with_fee::ID,
    f::full_inflation::devnet_and_testnet::ID,
    f::include_loaded_accounts_data_size_in_fee_calculation::ID,
    f::increase_tx_account_lock_limit::ID,
    f::libsecp256k1_fail_on_bad_count::ID,
    f::raise_cpi_nesting_limit_to_8::ID,
    f::reduce_slot_time_to_200ms::ID,
    f::reduce_slot_time_to_250ms::ID,
    f::reduce_slot_time_to_300ms::ID,
    f::reenable_sbpf_v0_execution::ID,
    f::relax_post_exec_min_balance_check::ID,
    f::remaining_compute_units_syscall_enabled::ID,
    f::set_lamports_per_byte_to_1322::ID,
    f::set_lamports_per_byte_to_2575::ID,
    f::set_lamports_per_byte_to_5080::ID,
    f::set_lamports_per_byte_to_6333::ID,
    f::set_lamports_per_byte_to_696::ID,
    f::set_lamports_per_byte_to_6960::ID,
    f::stake_raise_minimum_delegation_to_1_sol::ID,
    f::upgrade_bpf_stake_program_to_v5_1::ID,
    f::verify_retransmitter_signature::ID,
    f::virtual_address_space_adjustments::ID,
    f::vote_account_initialize_v2::ID,
    f::vote_only_retransmitter_signed_fec_sets::ID,
    f::zk_token_sdk_enabled::ID,
];

/// Why a list of rule sets can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No rule set has this name.
    #[error("unknown SBF spec \"{0}\": the one that this version has is agave-4.2")]
    Unknown(String),
    /// Nothing says what the first block runs under.
    #[error("no SBF spec is listed")]
    Empty,
    /// Heights do not ascend.
    #[error("the SBF specs must ascend by height, and \"{0}\" at height {1} does not")]
    Order(String, u64),
    /// The processor refuses the rule set.
    #[error("the SBF processor refuses the spec \"{0}\": {1}")]
    Refused(String, String),
}

/// The features of the rule set with that name, all active since slot 0.
///
/// # Errors
/// [`SpecError::Unknown`].
pub fn features(name: &str) -> Result<FeatureSet, SpecError> {
    if name != NEWEST_SPEC {
        return Err(SpecError::Unknown(name.into()));
    }
    let mut features = FeatureSet::all_enabled();
    for id in INACTIVE {
        features.deactivate(id);
    }
    Ok(features)
}

/// What an account of a size must hold to be exempt from rent. No rent is ever collected.
#[must_use]
pub fn rent() -> Rent {
    Rent::default()
}

/// What holds for gas from a height on: the features never change within a name.
#[derive(Clone, Debug)]
pub(crate) struct Schedule(Vec<(DaHeight, GasRate)>);

impl Schedule {
    /// Checks the entries of genesis.
    pub(crate) fn new(entries: &[(DaHeight, String, GasRate)]) -> Result<Self, SpecError> {
        if entries.is_empty() {
            return Err(SpecError::Empty);
        }
        let mut last = None;
        for (height, name, _) in entries {
            features(name)?;
            if last.is_some_and(|last| last >= *height) {
                return Err(SpecError::Order(name.clone(), height.0));
            }
            last = Some(*height);
        }
        Ok(Self(entries.iter().map(|(height, _, rate)| (*height, *rate)).collect()))
    }

    /// The rate for blocks with that origin.
    pub(crate) fn rate(&self, origin: DaHeight) -> GasRate {
        let holds = self.0.iter().rev().find(|(height, _)| *height <= origin);
        holds.or(self.0.first()).map_or(GasRate::ONE, |(_, rate)| *rate)
    }

    /// The largest rate of all, for what must hold at any height.
    pub(crate) fn rate_max(&self) -> GasRate {
        let rates = self.0.iter().map(|(_, rate)| *rate);
        rates.max_by_key(|rate| rate.charge(1 << 32)).unwrap_or(GasRate::ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_set_is_what_its_name_says() {
        let features = features(NEWEST_SPEC).expect("known");
        let runtime = features.runtime_features();
        assert!(!runtime.disable_sbpf_v0_execution && !runtime.disable_sbpf_v0_v1_v2_deployment);
        assert!(runtime.enable_sbpf_v3_deployment_and_execution);
        assert!(features.is_active(&f::replace_spl_token_with_p_token::ID));
        assert!(features.is_active(&f::enable_secp256r1_precompile::ID));
        assert!(!features.is_active(&f::enable_tx_v1::ID));
        // Frozen: another number is another rule set and needs another name.
        assert_eq!(features.active().len(), ACTIVE);
        assert_eq!(rent().minimum_balance(0), 890_880);
    }

    const ACTIVE: usize = 242;

    #[test]
    fn bad_lists_are_refused() {
        let entry = |height, name: &str| (DaHeight(height), name.to_owned(), GasRate::ONE);
        assert_eq!(Schedule::new(&[]).err(), Some(SpecError::Empty));
        assert_eq!(Schedule::new(&[entry(0, "agave-9")]).err(), Some(SpecError::Unknown("agave-9".into())));
        let twice = [entry(3, NEWEST_SPEC), entry(3, NEWEST_SPEC)];
        assert_eq!(Schedule::new(&twice).err(), Some(SpecError::Order(NEWEST_SPEC.into(), 3)));
    }
}
