//! What a cluster of validators would tell of itself, for a chain that has one sequencer, no votes and no inflation.

use super::super::limits::{HEALTHY_HEIGHTS, PRODUCTION_SLOTS_MAX, REWARD_ADDRESSES_MAX};
use super::api::{Sol, respond};
use super::args::{Args, parse, parse_all};
use super::errors::{self, Fault, invalid_params};
use serde::Serialize;
use solana_commitment_config::CommitmentConfig;
use solana_epoch_info::EpochInfo;
use solana_epoch_schedule::EpochSchedule;
use solana_pubkey::Pubkey;
use solana_rpc_client_types::config::{
    RpcBlockProductionConfig, RpcGetVoteAccountsConfig, RpcLeaderScheduleConfig,
    RpcLeaderScheduleConfigWrapper,
};
use solana_rpc_client_types::request::MAX_GET_SLOT_LEADERS;
use solana_rpc_client_types::response::{
    Response, RpcApiVersion, RpcBlockCommitment, RpcBlockProduction, RpcBlockProductionRange, RpcContactInfo,
    RpcIdentity, RpcInflationGovernor, RpcInflationRate, RpcInflationReward, RpcLeaderSchedule,
    RpcSnapshotSlotInfo, RpcVersionInfo, RpcVoteAccountStatus,
};
use std::collections::HashMap;

/// Votes of a block by depth: agave's `MAX_LOCKOUT_HISTORY + 1`.
const LOCKOUTS: usize = 32;
/// Lamports that a stake must have: agave's, where no gate raises it.
const STAKE_MIN: u64 = 1;

/// Agave's version, and this program's own.
#[derive(Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Version {
    #[serde(flatten)]
    solana: RpcVersionInfo,
    weft_version: &'static str,
}

impl Sol {
    pub(super) fn version(&self, _: &Args) -> Result<Version, Fault> {
        let solana_core = RpcApiVersion::default().to_string();
        let feature_set = agave_feature_set::ID.as_bytes().first_chunk::<4>().copied();
        let feature_set = feature_set.map(u32::from_le_bytes);
        let solana = RpcVersionInfo { solana_core, feature_set };
        Ok(Version { solana, weft_version: env!("CARGO_PKG_VERSION") })
    }

    /// Well is who has derived what its Celestia endpoint has, but for a few heights.
    pub(super) fn health(&self, _: &Args) -> Result<&'static str, Fault> {
        let behind = (self.status)()
            .celestia
            .is_some_and(|celestia| celestia.head.0.saturating_sub(celestia.derived.0) > HEALTHY_HEIGHTS);
        if behind { Err(errors::unhealthy()) } else { Ok("ok") }
    }

    pub(super) fn genesis_hash(&self, _: &Args) -> Result<String, Fault> {
        Ok(bs58::encode(self.chain.router().genesis_hash()).into_string())
    }

    pub(super) fn identity(&self, _: &Args) -> Result<RpcIdentity, Fault> {
        Ok(RpcIdentity { identity: self.nodes.identity.to_string() })
    }

    /// This node alone. It has no gossip and no TPU: transactions go in by RPC.
    pub(super) fn cluster_nodes(&self, args: &Args) -> Result<Vec<RpcContactInfo>, Fault> {
        let version = self.version(args)?.solana;
        Ok(vec![RpcContactInfo {
            pubkey: self.nodes.identity.to_string(),
            gossip: None,
            tvu: None,
            tpu: None,
            tpu_quic: None,
            tpu_forwards: None,
            tpu_forwards_quic: None,
            tpu_vote: None,
            serve_repair: None,
            rpc: Some(self.nodes.http),
            pubsub: Some(self.nodes.ws),
            version: Some(version.solana_core),
            client_id: Some("Weft".to_owned()),
            feature_set: version.feature_set,
            shred_version: None,
        }])
    }

    pub(super) fn epoch_info(&self, args: &Args) -> Result<EpochInfo, Fault> {
        let block = self.context(args.context(0)?)?;
        let slot = block.header.height.0;
        let schedule = self.sbf.epoch_schedule();
        let (epoch, slot_index) = schedule.get_epoch_and_slot_index(slot);
        Ok(EpochInfo {
            epoch,
            slot_index,
            slots_in_epoch: schedule.get_slots_in_epoch(epoch),
            absolute_slot: slot,
            block_height: self.height(&block)?,
            transaction_count: Some(self.count_to(&block)?),
        })
    }

    pub(super) fn epoch_schedule(&self, _: &Args) -> Result<EpochSchedule, Fault> {
        Ok(self.sbf.epoch_schedule())
    }

    pub(super) fn slot_leader(&self, args: &Args) -> Result<String, Fault> {
        self.context(args.context(0)?)?;
        Ok(self.nodes.identity.to_string())
    }

    pub(super) fn slot_leaders(&self, args: &Args) -> Result<Vec<String>, Fault> {
        let (_, limit): (u64, usize) = (args.required(0)?, args.required(1)?);
        if limit > MAX_GET_SLOT_LEADERS {
            return Err(invalid_params(format!("Invalid limit; max {MAX_GET_SLOT_LEADERS}")));
        }
        Ok(vec![self.nodes.identity.to_string(); limit])
    }

    /// Nobody: who orders is decided by who lands batches on Celestia, and not ahead of time.
    pub(super) fn leader_schedule(&self, args: &Args) -> Result<Option<RpcLeaderSchedule>, Fault> {
        let wrapper: Option<RpcLeaderScheduleConfigWrapper> = args.optional(0)?;
        let (_, early) = wrapper.map(|wrapper| wrapper.unzip()).unwrap_or_default();
        let late: Option<RpcLeaderScheduleConfig> = args.optional(1)?;
        if let Some(identity) = early.or(late).unwrap_or_default().identity {
            let _: Pubkey = parse(&identity)?;
        }
        Ok(Some(HashMap::new()))
    }

    pub(super) fn vote_accounts(&self, args: &Args) -> Result<RpcVoteAccountStatus, Fault> {
        let config: RpcGetVoteAccountsConfig = args.optional(0)?;
        if let Some(vote) = config.vote_pubkey {
            let _: Pubkey = parse(&vote)?;
        }
        Ok(RpcVoteAccountStatus { current: Vec::new(), delinquent: Vec::new() })
    }

    pub(super) fn block_commitment(&self, args: &Args) -> Result<RpcBlockCommitment<[u64; LOCKOUTS]>, Fault> {
        let slot: u64 = args.required(0)?;
        let known = slot <= self.block(CommitmentConfig::processed()).header.height.0;
        Ok(RpcBlockCommitment { commitment: known.then_some([0; LOCKOUTS]), total_stake: 0 })
    }

    /// Every slot has its block.
    pub(super) fn block_production(&self, args: &Args) -> Result<Response<RpcBlockProduction>, Fault> {
        let config: RpcBlockProductionConfig = args.optional(0)?;
        let wanted: Option<Pubkey> = config.identity.as_deref().map(parse).transpose()?;
        let block = self.block(config.commitment.unwrap_or_default());
        let newest = block.header.height.0;
        let schedule = self.sbf.epoch_schedule();
        let (first_slot, last_slot) = match config.range {
            None => (schedule.get_first_slot_in_epoch(schedule.get_epoch(newest)), newest),
            Some(range) => (range.first_slot, range.last_slot.unwrap_or(newest)),
        };
        if last_slot < first_slot {
            let message = format!("lastSlot, {last_slot}, cannot be less than firstSlot, {first_slot}");
            return Err(invalid_params(message));
        }
        if last_slot > newest {
            return Err(invalid_params(format!("lastSlot, {last_slot}, is too large; max {newest}")));
        }
        let least = newest.saturating_sub(PRODUCTION_SLOTS_MAX);
        if first_slot < least {
            return Err(invalid_params(format!("firstSlot, {first_slot}, is too small; min {least}")));
        }
        let slots = usize::try_from(last_slot.saturating_sub(first_slot).saturating_add(1));
        let slots = slots.unwrap_or(usize::MAX);
        let identity = self.nodes.identity;
        let ours = wanted.is_none_or(|wanted| wanted == identity);
        let by_identity = ours.then(|| (identity.to_string(), (slots, slots))).into_iter().collect();
        let range = RpcBlockProductionRange { first_slot, last_slot };
        Ok(respond(&block, RpcBlockProduction { by_identity, range }))
    }

    pub(super) fn inflation_governor(&self, args: &Args) -> Result<RpcInflationGovernor, Fault> {
        args.commitment(0)?;
        Ok(solana_inflation::Inflation::new_disabled().into())
    }

    pub(super) fn inflation_rate(&self, _: &Args) -> Result<RpcInflationRate, Fault> {
        let slot = self.block(CommitmentConfig::finalized()).header.height.0;
        let epoch = self.sbf.epoch_schedule().get_epoch(slot);
        Ok(RpcInflationRate { total: 0.0, validator: 0.0, foundation: 0.0, epoch })
    }

    pub(super) fn inflation_reward(&self, args: &Args) -> Result<Vec<Option<RpcInflationReward>>, Fault> {
        let addresses: Vec<Pubkey> = parse_all(&args.required::<Vec<String>>(0)?, REWARD_ADDRESSES_MAX)?;
        Ok(vec![None; addresses.len()])
    }

    pub(super) fn stake_minimum(&self, args: &Args) -> Result<Response<u64>, Fault> {
        let block = self.context(args.context(0)?)?;
        Ok(respond(&block, STAKE_MIN))
    }

    pub(super) fn no_snapshot(&self, _: &Args) -> Result<RpcSnapshotSlotInfo, Fault> {
        Err(errors::plain(errors::NO_SNAPSHOT, "No snapshot"))
    }

    /// Blocks are kept from genesis on.
    pub(super) fn first_block(&self, _: &Args) -> Result<u64, Fault> {
        Ok(0)
    }

    /// What has come in is what is executed.
    pub(super) fn newest_slot(&self, _: &Args) -> Result<u64, Fault> {
        Ok(self.block(CommitmentConfig::processed()).header.height.0)
    }
}
