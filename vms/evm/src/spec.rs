//! Which of Ethereum's rule sets holds at which Celestia height.

use revm::primitives::hardfork::SpecId;
use weft_types::DaHeight;

/// The rule sets by their names in genesis, oldest first. Older ones need proof-of-work fields that no block
/// of ours has; newer ones are not stable in revm.
const NAMES: [(&str, SpecId); 5] = [
    ("paris", SpecId::MERGE),
    ("shanghai", SpecId::SHANGHAI),
    ("cancun", SpecId::CANCUN),
    ("prague", SpecId::PRAGUE),
    ("osaka", SpecId::OSAKA),
];

/// The newest rule set, which a new genesis should name.
pub const NEWEST_SPEC: &str = "osaka";

/// Why a list of rule sets can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No rule set has this name.
    #[error("unknown EVM spec \"{0}\": one of paris, shanghai, cancun, prague, osaka")]
    Unknown(String),
    /// Nothing says what the first block runs under.
    #[error("no EVM spec is listed")]
    Empty,
    /// Heights do not ascend, or rules would go back in time.
    #[error("the EVM specs must ascend by height and by age, and \"{0}\" at height {1} does not")]
    Order(String, u64),
}

/// Rule sets by the Celestia height from which they hold.
#[derive(Clone, Debug)]
pub(crate) struct Schedule(Vec<(DaHeight, SpecId)>);

impl Schedule {
    pub(crate) fn new(specs: &[(DaHeight, String)]) -> Result<Self, SpecError> {
        let mut schedule: Vec<(DaHeight, SpecId)> = Vec::with_capacity(specs.len());
        for (height, name) in specs {
            let spec = NAMES
                .iter()
                .find(|(known, _)| *known == name.to_ascii_lowercase())
                .map(|(_, spec)| *spec)
                .ok_or_else(|| SpecError::Unknown(name.clone()))?;
            if schedule.last().is_some_and(|(before, older)| before >= height || *older >= spec) {
                return Err(SpecError::Order(name.clone(), height.0));
            }
            schedule.push((*height, spec));
        }
        if schedule.is_empty() { Err(SpecError::Empty) } else { Ok(Self(schedule)) }
    }

    /// The rules of a block that builds on Celestia's `origin`. The first of the list also holds before it.
    pub(crate) fn at(&self, origin: DaHeight) -> SpecId {
        let (_, first) = self.0.first().expect("a schedule is never empty");
        self.0.iter().rev().find(|(height, _)| *height <= origin).map_or(*first, |(_, spec)| *spec)
    }

    pub(crate) fn specs(&self) -> impl Iterator<Item = SpecId> + '_ {
        self.0.iter().map(|(_, spec)| *spec)
    }
}

/// The name of a rule set in genesis.
pub(crate) fn name(spec: SpecId) -> &'static str {
    NAMES.iter().find(|(_, known)| *known == spec).map_or("unknown", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(specs: &[(u64, &str)]) -> Result<Schedule, SpecError> {
        let specs: Vec<_> = specs.iter().map(|(h, n)| (DaHeight(*h), (*n).to_owned())).collect();
        Schedule::new(&specs)
    }

    #[test]
    fn rules_change_at_their_height_and_never_back() {
        let specs = schedule(&[(5, "cancun"), (10, "prague")]).expect("ascending");
        assert_eq!(specs.at(DaHeight(1)), SpecId::CANCUN);
        assert_eq!(specs.at(DaHeight(9)), SpecId::CANCUN);
        assert_eq!(specs.at(DaHeight(10)), SpecId::PRAGUE);
        assert_eq!(schedule(&[]).err(), Some(SpecError::Empty));
        assert_eq!(schedule(&[(1, "moon")]).err(), Some(SpecError::Unknown("moon".into())));
        assert!(schedule(&[(1, "prague"), (2, "cancun")]).is_err());
        assert!(schedule(&[(2, "cancun"), (2, "prague")]).is_err());
    }
}
