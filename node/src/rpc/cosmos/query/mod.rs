//! [`Query`]: the language in which CometBFT's clients look for transactions, blocks and events.
//!
//! ```text
//! query      = condition { AND condition }
//! condition  = tag ( = | < | <= | > | >= ) ( 'text' | number | TIME rfc3339 | DATE y-m-d ) | tag CONTAINS 'text' | tag EXISTS
//! ```
//! As CometBFT has it, a number is compared with the number that an attribute begins with, and a text with all of it. Times
//! and dates are compared as texts, which is right for the form that the SDK emits.

mod scan;
#[cfg(test)]
mod tests;

use super::errors::{self, Fault};
use scan::Scanner;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Most bytes of a query: CometBFT's bound.
const QUERY_BYTES_MAX: usize = 512;
/// Most conditions of a query.
const CONDITIONS_MAX: usize = 32;

/// What an event's attribute must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// Equal to the text.
    Is(String),
    /// In this order to the number: first the orders that fit.
    Number(Op, Decimal),
    /// In this order to a time or date.
    Time(Op, String),
    /// The text is in it.
    Contains(String),
    /// There.
    Exists,
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Op {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// A decimal number without a sign, compared exactly: digits without leading zeros, and digits behind the point without
/// trailing ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    whole: String,
    part: String,
}

impl Decimal {
    fn new(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) {
            return None;
        }
        let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
        Some(Self { whole: whole.to_owned(), part: part.to_owned() })
    }

    /// The number that a text begins with, as in `10stake`.
    fn leading(text: &str) -> Option<Self> {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
        Self::new(text.get(..end)?.trim_end_matches('.'))
    }

    fn compare(&self, other: &Self) -> Ordering {
        let length = self.whole.len().cmp(&other.whole.len());
        length.then_with(|| self.whole.cmp(&other.whole)).then_with(|| self.part.cmp(&other.part))
    }

    /// It as an integer; too large a one is the largest.
    pub(super) fn floor(&self) -> u64 {
        if self.whole.is_empty() { 0 } else { self.whole.parse().unwrap_or(u64::MAX) }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.part.is_empty()
    }
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// `type.key`, or one of `tm.event`, `tx.height`, `tx.hash`, `block.height`.
    pub(super) tag: String,
    pub(super) test: Test,
}

/// Values by `type.key`.
pub(super) type Tags = BTreeMap<String, Vec<String>>;

impl Condition {
    fn matches(&self, tags: &Tags) -> bool {
        let Some(values) = tags.get(&self.tag) else { return false };
        let number = |op: Op, wanted: &Decimal, value: &String| {
            Decimal::leading(value).is_some_and(|value| op.holds(value.compare(wanted)))
        };
        match &self.test {
            Test::Exists => true,
            Test::Is(text) => values.contains(text),
            Test::Contains(text) => values.iter().any(|value| value.contains(text.as_str())),
            Test::Number(op, wanted) => values.iter().any(|value| number(*op, wanted, value)),
            Test::Time(op, wanted) => values.iter().any(|value| op.holds(value.as_str().cmp(wanted))),
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) conditions: Vec<Condition>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// In CometBFT's words; at which byte, and what was expected there.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(errors::internal("maximum query length exceeded"));
        }
        let mut scanner = Scanner::new(text);
        let mut conditions = vec![scanner.condition()?];
        while !scanner.is_done() {
            scanner.keyword("AND")?;
            if conditions.len() >= CONDITIONS_MAX {
                return Err(scanner.fault(&format!("at most {CONDITIONS_MAX} conditions")));
            }
            conditions.push(scanner.condition()?);
        }
        Ok(Self { conditions })
    }

    /// Whether all of its conditions hold.
    pub(super) fn matches(&self, tags: &Tags) -> bool {
        self.conditions.iter().all(|condition| condition.matches(tags))
    }

    /// The heights, first to last, that the conditions on `tag` leave.
    pub(super) fn heights(&self, tag: &str) -> (u64, u64) {
        let (mut first, mut last) = (0, u64::MAX);
        for condition in self.conditions.iter().filter(|condition| condition.tag == tag) {
            let Test::Number(op, number) = &condition.test else { continue };
            let floor = number.floor();
            let above = floor.saturating_add(1);
            let (low, high) = match op {
                // No height is between two.
                Op::Equal if !number.is_whole() => (1, 0),
                Op::Equal => (floor, floor),
                Op::Greater => (above, u64::MAX),
                Op::AtLeast if number.is_whole() => (floor, u64::MAX),
                Op::AtLeast => (above, u64::MAX),
                Op::Less if !number.is_whole() => (0, floor),
                Op::Less => floor.checked_sub(1).map_or((1, 0), |below| (0, below)),
                Op::AtMost => (0, floor),
            };
            (first, last) = (low.max(first), high.min(last));
        }
        (first, last)
    }
}
