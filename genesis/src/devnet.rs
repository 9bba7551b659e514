//! The genesis of `weft devnet`, and the values that `weft init` proposes.

use crate::{
    Account, Celestia, Checkpoint, Fees, Genesis, Limits, Machine, Namespaces, Sequencer, Sequencing, Token,
};
use weft_types::{AccountId, Address, B256, DaHeight, GasRate, Namespace, U256, VmId};

/// What differs from one devnet to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devnet {
    /// Unix milliseconds; not after the time of Celestia's header at `checkpoint`, or the first blocks wait.
    pub timestamp_ms: u64,
    /// Celestia's chain id.
    pub celestia_chain_id: String,
    /// The newest Celestia height; the chain starts at the one after it.
    pub checkpoint: (DaHeight, B256),
    /// Who orders; empty for a based chain.
    pub sequencers: Vec<Address>,
    /// Funded with [`Devnet::BALANCE_WEFT`] each.
    pub accounts: Vec<AccountId>,
}

impl Devnet {
    /// The chain id that Foundry and Hardhat use locally too.
    pub const CHAIN_ID: u64 = 31_337;
    /// What each account gets, in whole tokens.
    pub const BALANCE_WEFT: u64 = 10_000;
    /// ASCII `treasury`, then zeros: nobody has its key.
    pub const TREASURY: Address = Address::new(*b"treasury\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Ethereum's newest hard fork that is live.
    pub const EVM_SPEC: &'static str = "osaka";
    /// What was active on Solana's mainnet of the gates that agave 4.2 knows.
    pub const SBF_SPEC: &'static str = "agave-4.2";
    /// Gas of a compute unit: what makes a unit of gas cost about the same time on both machines (docs/adr/0009).
    pub const SBF_GAS_RATE: GasRate = GasRate { numerator: 3, denominator: 1 };
    /// The interface of CosmWasm 2.2 with the modules of wasmd 0.61.
    pub const WASM_SPEC: &'static str = "cosmwasm-2.2";
    /// Gas of a unit of fuel.
    pub const WASM_GAS_RATE: GasRate = GasRate { numerator: 1, denominator: 20 };
    /// What other chains without a staking module offer: contracts that merely link a feature require it.
    pub const WASM_CAPABILITIES: [&'static str; 10] = [
        "cosmwasm_1_1",
        "cosmwasm_1_2",
        "cosmwasm_1_3",
        "cosmwasm_1_4",
        "cosmwasm_2_0",
        "cosmwasm_2_1",
        "cosmwasm_2_2",
        "iterator",
        "staking",
        "stargate",
    ];
}

fn namespace(id: &[u8; 10]) -> Namespace {
    Namespace::new_v0(*id).expect("ten letters lie outside the reserved range")
}

impl Genesis {
    /// A chain for development: [`Devnet::CHAIN_ID`], network `devnet`, all three machines, generous blocks.
    #[must_use]
    pub fn devnet(devnet: Devnet) -> Self {
        let balance = U256::from(Devnet::BALANCE_WEFT) * U256::from(10).pow(U256::from(18));
        let (checkpoint_height, checkpoint_hash) = devnet.checkpoint;
        Self {
            chain_id: Devnet::CHAIN_ID,
            network: "devnet".into(),
            timestamp_ms: devnet.timestamp_ms,
            bech32_prefix: "weft".into(),
            token: Token { symbol: "WEFT".into(), decimals: 18, denom: "awei".into() },
            celestia: Celestia {
                chain_id: devnet.celestia_chain_id,
                da_start: checkpoint_height.next(),
                da_checkpoint: Checkpoint { height: checkpoint_height, hash: checkpoint_hash },
            },
            namespaces: Namespaces {
                batch: namespace(b"weft-batch"),
                forced: namespace(b"weft-force"),
                claim: namespace(b"weft-claim"),
            },
            sequencing: Sequencing {
                sequencers: devnet.sequencers.into_iter().map(|address| Sequencer { address }).collect(),
                hybrid: false,
                forced_window: 30,
                failover_window: 30,
                origin_window: 1_024,
                max_drift_ms: 30_000,
            },
            limits: Limits { block_bytes: 8 << 20, block_gas: 1_000_000_000, forced_bytes: 1 << 20 },
            fees: Fees {
                base_fee_initial: 1_000_000_000,
                base_fee_min: 1_000_000,
                elasticity: 2,
                change_denominator: 8,
                base_to_sequencer_bp: 5_000,
                base_to_treasury_bp: 4_000,
                treasury: AccountId::from_evm(Devnet::TREASURY),
            },
            machines: vec![
                Machine::new(VmId::EVM, Devnet::EVM_SPEC, GasRate::ONE),
                Machine::new(VmId::SBF, Devnet::SBF_SPEC, Devnet::SBF_GAS_RATE),
                Machine {
                    capabilities: Devnet::WASM_CAPABILITIES.map(str::to_owned).to_vec(),
                    ..Machine::new(VmId::WASM, Devnet::WASM_SPEC, Devnet::WASM_GAS_RATE)
                },
            ],
            upgrades: Vec::new(),
            accounts: devnet.accounts.into_iter().map(|id| Account::funded(id, balance)).collect(),
        }
    }
}
