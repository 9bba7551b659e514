//! Derivation, rule by rule.
