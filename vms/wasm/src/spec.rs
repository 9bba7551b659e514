//! Which rules hold, by the name that genesis gives and the Celestia height from which it holds.
//!
//! A rule set is frozen under one name: what code is admitted, what an instruction costs, which messages and queries there
//! are. `cosmwasm-2.2` is the interface of CosmWasm 2.2 with the modules of wasmd 0.61.

use crate::keeper::Rules;
use std::collections::BTreeSet;
use weft_types::{DaHeight, GasRate};

/// The newest rule set, which a new genesis should name.
pub const NEWEST_SPEC: &str = "cosmwasm-2.2";

/// What contracts may require in a new genesis. Contracts that merely link a feature require it, so that chains
/// without its module offer staking and stargate too; a message to what is not there fails when it runs.
pub const CAPABILITIES: &[&str] = &[
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

/// Why the machine can't be made as genesis names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No rule set has this name.
    #[error("unknown Wasm spec \"{0}\": the one that this version has is cosmwasm-2.2")]
    Unknown(String),
    /// Nothing says what the first block runs under.
    #[error("no Wasm spec is listed")]
    Empty,
    /// Heights do not ascend.
    #[error("the Wasm specs must ascend by height, and \"{0}\" at height {1} does not")]
    Order(String, u64),
    /// A capability that nothing in this version answers for.
    #[error("unknown Wasm capability \"{0}\": use some of {known}", known = CAPABILITIES.join(", "))]
    Capability(String),
    /// Addresses would be another chain's.
    #[error("bech32_prefix is \"{0}\": the Wasm machine of this version has weft alone")]
    Prefix(String),
    /// wasmtime can't run on this computer.
    #[error("{0}")]
    Engine(String),
}

/// The rules by the height from which they hold.
#[derive(Clone, Debug)]
pub(crate) struct Schedule(Vec<(DaHeight, Rules)>);

impl Schedule {
    /// Checks the entries of genesis.
    pub(crate) fn new(
        entries: Vec<(DaHeight, String, GasRate, Vec<String>)>,
        chain_id: &str,
        denom: &str,
    ) -> Result<Self, SpecError> {
        let mut schedule: Vec<(DaHeight, Rules)> = Vec::with_capacity(entries.len());
        for (height, name, rate, capabilities) in entries {
            if name != NEWEST_SPEC {
                return Err(SpecError::Unknown(name));
            }
            if schedule.last().is_some_and(|(last, _)| *last >= height) {
                return Err(SpecError::Order(name, height.0));
            }
            if let Some(unknown) = capabilities.iter().find(|name| !CAPABILITIES.contains(&name.as_str())) {
                return Err(SpecError::Capability(unknown.clone()));
            }
            let capabilities: BTreeSet<String> = capabilities.into_iter().collect();
            let (denom, chain_id) = (denom.to_owned(), chain_id.to_owned());
            schedule.push((height, Rules { denom, chain_id, capabilities, rate }));
        }
        if schedule.is_empty() { Err(SpecError::Empty) } else { Ok(Self(schedule)) }
    }

    /// The rules for blocks with that origin: the first ones where none hold yet, since the router lets no
    /// transaction of a machine in that is not there.
    pub(crate) fn rules(&self, origin: DaHeight) -> &Rules {
        let holds = self.0.iter().rev().find(|(height, _)| *height <= origin);
        let (_, rules) = holds.or(self.0.first()).expect("a schedule has an entry");
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lists_are_refused() {
        let entry = |height, name: &str| (DaHeight(height), name.to_owned(), GasRate::ONE, Vec::new());
        let new = |entries| Schedule::new(entries, "weft-1", "awei").err();
        assert_eq!(new(vec![]), Some(SpecError::Empty));
        assert_eq!(new(vec![entry(0, "cosmwasm-9")]), Some(SpecError::Unknown("cosmwasm-9".into())));
        let twice = vec![entry(3, NEWEST_SPEC), entry(3, NEWEST_SPEC)];
        assert_eq!(new(twice), Some(SpecError::Order(NEWEST_SPEC.into(), 3)));
        let ibc = (DaHeight(0), NEWEST_SPEC.to_owned(), GasRate::ONE, vec!["ibc2".to_owned()]);
        assert_eq!(new(vec![ibc]), Some(SpecError::Capability("ibc2".into())));
    }

    #[test]
    fn rules_hold_from_their_height_on() {
        let entry = |height, numerator| {
            let rate = GasRate { numerator, denominator: 20 };
            (DaHeight(height), NEWEST_SPEC.to_owned(), rate, vec!["iterator".to_owned()])
        };
        let schedule = Schedule::new(vec![entry(0, 1), entry(9, 2)], "weft-1", "awei").expect("ascending");
        let numerator = |height| schedule.rules(DaHeight(height)).rate.numerator;
        assert_eq!((numerator(0), numerator(8), numerator(9), numerator(99)), (1, 1, 2, 2));
    }
}
