//! [`Scanner`]: reads a query from left to right. It goes back only to say where something else is wanted, so
//! that a query costs no more than its length.

use super::super::errors::{self, Fault};
use super::{Condition, Decimal, Op, Test};

/// Where reading a query stands.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at = self.at.saturating_add(rest.len().saturating_sub(rest.trim_start().len()));
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&mut self) -> bool {
        self.skip_space();
        self.rest().is_empty()
    }

    /// At this place something else is wanted.
    pub(super) fn fault(&self, wanted: &str) -> Fault {
        let found: String = self.rest().chars().take(16).collect();
        errors::internal(format!("failed to parse query: offset {}: got {found:?}, wanted {wanted}", self.at))
    }

    fn take(&mut self, length: usize) -> &'t str {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at = self.at.saturating_add(taken.len());
        taken
    }

    /// A word up to a character that no tag has.
    fn word(&mut self) -> &'t str {
        self.skip_space();
        let ends = |letter: char| letter.is_whitespace() || "\\()\"'=><".contains(letter);
        let rest = self.rest();
        self.take(rest.find(ends).unwrap_or(rest.len()))
    }

    pub(super) fn keyword(&mut self, wanted: &str) -> Result<(), Fault> {
        let start = self.at;
        if self.word() == wanted {
            return Ok(());
        }
        self.at = start;
        self.skip_space();
        Err(self.fault(wanted))
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        self.skip_space();
        let inside = self.rest().strip_prefix('\'').and_then(|rest| Some(rest.split_once('\'')?.0));
        let Some(inside) = inside else { return Err(self.fault("a text in single quotes")) };
        self.take(inside.len().saturating_add(2));
        Ok(inside.to_owned())
    }

    fn op(&mut self) -> Option<Op> {
        self.skip_space();
        let (length, op) = match self.rest().as_bytes() {
            [b'<', b'=', ..] => (2, Op::AtMost),
            [b'>', b'=', ..] => (2, Op::AtLeast),
            [b'<', ..] => (1, Op::Less),
            [b'>', ..] => (1, Op::Greater),
            [b'=', ..] => (1, Op::Equal),
            _ => return None,
        };
        self.take(length);
        Some(op)
    }

    pub(super) fn condition(&mut self) -> Result<Condition, Fault> {
        let tag = self.word().to_owned();
        if tag.is_empty() {
            return Err(self.fault("a tag"));
        }
        let test = match self.op() {
            Some(op) => self.operand(op)?,
            None => match self.word() {
                "CONTAINS" => Test::Contains(self.quoted()?),
                "EXISTS" => Test::Exists,
                _ => return Err(self.fault("an operator")),
            },
        };
        Ok(Condition { tag, test })
    }

    fn operand(&mut self, op: Op) -> Result<Test, Fault> {
        self.skip_space();
        if self.rest().starts_with('\'') {
            let text = self.quoted()?;
            return match op {
                Op::Equal => Ok(Test::Is(text)),
                // CometBFT has no order of texts but takes numbers in quotes.
                _ => Decimal::new(&text)
                    .map(|number| Test::Number(op, number))
                    .ok_or_else(|| self.fault("a number, a time or a date")),
            };
        }
        match self.word() {
            "TIME" | "DATE" => Ok(Test::Time(op, self.word().to_owned())),
            word => Decimal::new(word)
                .map(|number| Test::Number(op, number))
                .ok_or_else(|| self.fault("a text in single quotes, a number, a time or a date")),
        }
    }
}
