//! [`Sysvars`]: Solana's sysvars at one block, as the accounts that programs and clients read.
//!
//! They are functions of the block and of what [`crate::ring`] keeps, so that none is written to the state but for its
//! rent: `SlotHistory` alone would be 128 KiB a block.

use crate::ring::{self, Newest};
use crate::spec;
use solana_account::AccountSharedData;
use solana_clock::Clock;
use solana_epoch_rewards::EpochRewards;
use solana_epoch_schedule::EpochSchedule;
use solana_last_restart_slot::LastRestartSlot;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;
use solana_slot_hashes::SlotHashes;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use weft_state::{Journal, ReadError};
use weft_vm::BlockEnv;

/// Lamports for each signature of a transaction: Solana's.
pub const LAMPORTS_PER_SIGNATURE: u64 = 5_000;
/// Entries of the deprecated sysvar of recent blockhashes.
const RECENT_BLOCKHASHES: usize = 150;
/// The deprecated sysvar that instructions on durable nonces still name.
pub(crate) const RECENT_BLOCKHASHES_ID: Pubkey =
    Pubkey::from_str_const("SysvarRecentB1ockHashes11111111111111111111");

/// Every sysvar with the bytes of its account's data, which Solana fixes.
pub(crate) const ALL: [(Pubkey, usize); 9] = [
    (sysvar::clock::ID, 40),
    (sysvar::epoch_rewards::ID, 81),
    (sysvar::epoch_schedule::ID, 33),
    (sysvar::last_restart_slot::ID, 8),
    (RECENT_BLOCKHASHES_ID, 6_008),
    (sysvar::rent::ID, 17),
    (sysvar::slot_hashes::ID, 20_488),
    (sysvar::slot_history::ID, solana_slot_history::SIZE),
    (sysvar::stake_history::ID, 16_392),
];

/// A chain's epochs: Solana's length, without the short ones at the start.
#[must_use]
pub fn epoch_schedule() -> EpochSchedule {
    EpochSchedule::without_warmup()
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Sysvars {
    slot: u64,
    data: BTreeMap<Pubkey, Arc<Vec<u8>>>,
    slot_history: OnceLock<Arc<Vec<u8>>>,
    pub(crate) slot_hashes: SlotHashes,
    pub(crate) clock: Clock,
}

impl Sysvars {
    /// The sysvars that transactions in the block `env` see.
    pub(crate) fn read(journal: &mut Journal<'_>, env: &BlockEnv) -> Result<Self, ReadError> {
        let recent = ring::recent(journal, env)?;
        let schedule = epoch_schedule();
        let slot = env.height.0;
        let epoch = schedule.get_epoch(slot);
        let newest = Newest::read(journal)?.filter(|newest| newest.epoch == epoch);
        let epoch_start_ms = newest.map_or(env.timestamp_ms, |newest| newest.epoch_start_ms);
        let clock = Clock {
            slot,
            epoch_start_timestamp: seconds(epoch_start_ms),
            epoch,
            leader_schedule_epoch: schedule.get_leader_schedule_epoch(slot),
            unix_timestamp: seconds(env.timestamp_ms),
        };
        // `blockhash 32 | lamports per signature u64`, after their number.
        let blockhashes =
            recent.iter().take(RECENT_BLOCKHASHES).map(|(_, hash)| (hash, LAMPORTS_PER_SIGNATURE));
        let blockhashes: Vec<_> = blockhashes.collect();
        let blockhashes = bincode::serialize(&blockhashes);
        let slot_hashes = SlotHashes::new(&recent);
        let values = [
            (sysvar::clock::ID, bincode::serialize(&clock)),
            (sysvar::epoch_rewards::ID, bincode::serialize(&EpochRewards::default())),
            (sysvar::epoch_schedule::ID, bincode::serialize(&schedule)),
            (sysvar::last_restart_slot::ID, bincode::serialize(&LastRestartSlot::default())),
            (RECENT_BLOCKHASHES_ID, blockhashes),
            (sysvar::rent::ID, bincode::serialize(&spec::rent())),
            (sysvar::slot_hashes::ID, bincode::serialize(&recent)),
            (sysvar::stake_history::ID, Ok(vec![0; 8])),
        ];
        let sized = values.into_iter().map(|(id, bytes)| {
            let mut bytes = bytes.expect("numbers and lists of numbers have a wire form");
            let size = ALL.iter().find(|(sysvar, _)| *sysvar == id).map_or(0, |(_, size)| *size);
            bytes.resize(size.max(bytes.len()), 0);
            (id, Arc::new(bytes))
        });
        Ok(Self { slot, data: sized.collect(), slot_history: OnceLock::new(), slot_hashes, clock })
    }

    /// The data of the sysvar's account; `None` where `id` is none.
    pub(crate) fn data(&self, id: &Pubkey) -> Option<Arc<Vec<u8>>> {
        if *id == sysvar::slot_history::ID {
            return Some(Arc::clone(self.slot_history.get_or_init(|| Arc::new(slot_history(self.slot)))));
        }
        self.data.get(id).cloned()
    }

    /// The sysvar's account with that many lamports.
    pub(crate) fn account(&self, id: &Pubkey, lamports: u64) -> Option<AccountSharedData> {
        let data = self.data(id)?;
        Some(AccountSharedData::create_from_existing_shared_data(lamports, data, sysvar::ID, false, u64::MAX))
    }
}

fn seconds(ms: u64) -> i64 {
    i64::try_from(ms / 1_000).unwrap_or(i64::MAX)
}

/// `SlotHistory` in a block at `slot`: a chain without gaps has had every slot before it.
fn slot_history(slot: u64) -> Vec<u8> {
    let entries = solana_slot_history::MAX_ENTRIES;
    let words = entries / 64;
    let mut bytes = Vec::with_capacity(solana_slot_history::SIZE);
    bytes.push(1);
    bytes.extend_from_slice(&words.to_le_bytes());
    for word in 0..words {
        // Bits of this word that stand for slots below `slot`.
        let set = slot.saturating_sub(word.saturating_mul(64)).min(64);
        let bits = if set == 64 { u64::MAX } else { (1_u64 << set).wrapping_sub(1) };
        bytes.extend_from_slice(&bits.to_le_bytes());
    }
    bytes.extend_from_slice(&entries.to_le_bytes());
    bytes.extend_from_slice(&slot.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_slot_history::SlotHistory;

    #[test]
    fn slot_history_is_what_solana_would_have() {
        let mut history = SlotHistory::default();
        for slot in 1..=1_000 {
            // What a bank at `slot` holds: all before it.
            assert_eq!(slot_history(slot), bincode::serialize(&history).expect("a history"), "slot {slot}");
            history.add(slot);
        }
        let full = slot_history(solana_slot_history::MAX_ENTRIES + 70);
        let full: SlotHistory = bincode::deserialize(&full).expect("a history");
        assert!((0..solana_slot_history::MAX_ENTRIES).all(|bit| full.bits.get(bit)));
        assert_eq!(full.next_slot, solana_slot_history::MAX_ENTRIES + 70);
    }
}
