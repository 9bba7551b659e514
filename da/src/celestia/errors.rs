//! The one table that sorts the texts of Celestia's errors by what the caller does.
//!
//! celestia-node answers every failure with code 1 and a chain of Go errors as text, so text is all there is to go by.
//! The texts are those of celestia-node v0.31 and celestia-app v9.

use crate::layer::DaError;
use jsonrpsee::core::ClientError;

/// What a failed call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The height lies ahead of this endpoint: ask again after a block.
    NotYet,
    /// The height lies below what this endpoint keeps: another endpoint may have it.
    Pruned,
    /// A passing fault: ask again.
    Retry,
    /// The answer is a header or a proof that contradicts itself: celestia-types refuses it while decoding.
    Lied,
    /// The token is missing, wrong, or too weak for the call.
    Denied,
    /// A submission may or may not have landed.
    UnknownOutcome,
    /// The fee is too low.
    RaisePrice,
    /// The submission is larger than the chain takes.
    TooLarge,
    /// The posting account has no money, or does not exist for want of it.
    Unfunded,
    /// Celestia refuses this kind of submission for good: the namespace, the signer, the key.
    Refused,
}

/// Part of the text, and what it means. The first row that fits counts: a text may hold a chain of several.
const TABLE: &[(&str, Fault)] = &[
    // header.*
    ("given height is from the future", Fault::NotYet),
    ("syncing in progress", Fault::NotYet),
    ("below Tail", Fault::Pruned),
    ("header: not found", Fault::Retry),
    ("syncer head:", Fault::Retry),
    ("store head:", Fault::Retry),
    // share.* and blob.*
    ("timestamp outside sampling window", Fault::Pruned),
    ("data not found", Fault::Retry),
    ("share: data not available", Fault::Retry),
    ("incomplete blob with the namespace", Fault::Retry),
    ("blob: not found", Fault::Retry),
    // permissions
    ("missing permission to invoke", Fault::Denied),
    // submission: what names its outcome for sure
    ("insufficient fees; got:", Fault::RaisePrice),
    ("insufficient fee", Fault::RaisePrice),
    ("insufficient gas price in txconfig", Fault::RaisePrice),
    ("estimated gas price exceeds max gas price", Fault::RaisePrice),
    ("application's configured MaxTxSize", Fault::TooLarge),
    ("exceeds the max number of shares available for blob data", Fault::TooLarge),
    ("blob: over size limit", Fault::TooLarge),
    ("tx too large", Fault::TooLarge),
    ("account for signer", Fault::Unfunded),
    ("insufficient funds", Fault::Unfunded),
    ("not allowed namespace", Fault::Refused),
    ("invalid blob signer", Fault::Refused),
    ("keyring", Fault::Refused),
    ("key not found", Fault::Refused),
    // The node asks the chain for its sequence again; nothing of this submission is in a mempool.
    ("account sequence mismatch", Fault::Retry),
    // submission: what leaves it open
    ("tx already in mempool", Fault::UnknownOutcome),
    ("tx already exists in cache", Fault::UnknownOutcome),
    ("mempool is full", Fault::UnknownOutcome),
    ("timed out waiting for tx to be included in a block", Fault::UnknownOutcome),
    ("eviction poll timeout", Fault::UnknownOutcome),
    ("was evicted", Fault::UnknownOutcome),
    ("was rejected by the node with execution code", Fault::UnknownOutcome),
    ("not found in txTracker", Fault::UnknownOutcome),
    ("context deadline exceeded", Fault::UnknownOutcome),
];

/// What a text means; `None` where the table has no row for it.
#[must_use]
pub fn fault_of_text(text: &str) -> Option<Fault> {
    // "transaction with hash H not found": the hash stands between.
    if text.contains("transaction with hash") && text.contains("not found") {
        return Some(Fault::UnknownOutcome);
    }
    TABLE.iter().find(|(part, _)| text.contains(part)).map(|(_, fault)| *fault)
}

/// What a failed reading call means.
pub(super) fn reading(error: &ClientError) -> Fault {
    if denied(error) {
        return Fault::Denied;
    }
    let text = error.to_string();
    if matches!(error, ClientError::ParseError(_)) && text.contains("Validation error") {
        return Fault::Lied;
    }
    match fault_of_text(&text) {
        Some(fault @ (Fault::NotYet | Fault::Pruned | Fault::Denied)) => fault,
        _ => Fault::Retry,
    }
}

/// What a failed submission means. What the table does not know may have landed, and so may a lost reply.
pub(super) fn submitting(error: &ClientError) -> Fault {
    if denied(error) {
        return Fault::Denied;
    }
    match error {
        ClientError::Call(call) => fault_of_text(call.message()).unwrap_or(Fault::UnknownOutcome),
        // Refused before anything was sent.
        ClientError::Transport(inner) if inner.to_string().contains("request body was too large") => {
            Fault::TooLarge
        }
        _ => Fault::UnknownOutcome,
    }
}

/// The endpoint's door: 401 or 403 instead of an answer.
fn denied(error: &ClientError) -> bool {
    let text = error.to_string();
    matches!(error, ClientError::Transport(_)) && ["`401`", "`403`"].iter().any(|code| text.contains(code))
}

/// A submission's fault as the caller sees it. `account` posts through `endpoint`.
pub(super) fn submission_error(fault: Fault, text: &str, account: &str, endpoint: &str) -> DaError {
    let text = text.to_owned();
    match fault {
        Fault::UnknownOutcome => DaError::UnknownOutcome(text),
        Fault::RaisePrice => DaError::RaisePrice(text),
        Fault::TooLarge => DaError::TooLarge(text),
        Fault::NotYet | Fault::Pruned | Fault::Lied | Fault::Retry => DaError::Retry(text),
        Fault::Unfunded => DaError::Stop(format!(
            "the Celestia account {account} of {endpoint} has not the utia to post blobs: send TIA to it ({text})"
        )),
        Fault::Denied => DaError::Stop(format!(
            "{endpoint} does not let us post blobs: configure a token with write permission for it ({text})"
        )),
        Fault::Refused => DaError::Stop(format!(
            "Celestia refuses blobs from {account} of {endpoint}: mend its key or the namespace in genesis ({text})"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpsee::types::ErrorObjectOwned;

    fn call(text: &str) -> ClientError {
        ClientError::Call(ErrorObjectOwned::owned(1, text, None::<()>))
    }

    #[test]
    fn reading_texts_are_sorted() {
        let rows = [
            ("header: given height is from the future: networkHeight: 5, requestedHeight: 9", Fault::NotYet),
            ("header: syncing in progress: localHeadHeight: 5, requestedHeight: 9", Fault::NotYet),
            ("requested header (3) is below Tail (100)", Fault::Pruned),
            ("timestamp outside sampling window", Fault::Pruned),
            ("header: not found", Fault::Retry),
            ("share: data not available", Fault::Retry),
            ("data not found", Fault::Retry),
            ("context deadline exceeded", Fault::Retry),
            ("something new", Fault::Retry),
            ("missing permission to invoke 'GetByHeight' (need 'read')", Fault::Denied),
        ];
        for (text, fault) in rows {
            assert_eq!(reading(&call(text)), fault, "{text}");
        }
        assert_eq!(reading(&ClientError::RequestTimeout), Fault::Retry);
    }

    #[test]
    fn submitting_texts_are_sorted() {
        let rows = [
            (
                "account sequence mismatch, expected 4, got 3: incorrect account sequence: code 32",
                Fault::Retry,
            ),
            ("insufficient fees; got: 320utia required: 640utia: insufficient fee", Fault::RaisePrice),
            ("insufficient gas price in txconfig", Fault::RaisePrice),
            ("estimated gas price exceeds max gas price", Fault::RaisePrice),
            ("tx already in mempool", Fault::UnknownOutcome),
            ("tx already exists in cache", Fault::UnknownOutcome),
            ("mempool is full: number of txs 5000", Fault::UnknownOutcome),
            ("timed out waiting for tx to be included in a block", Fault::UnknownOutcome),
            ("eviction poll timeout: transaction AB12 was evicted", Fault::UnknownOutcome),
            ("tx AB12 was rejected by the node with execution code 11", Fault::UnknownOutcome),
            ("transaction with hash AB12 not found", Fault::UnknownOutcome),
            ("AB12 not found in txTracker", Fault::UnknownOutcome),
            ("something new", Fault::UnknownOutcome),
            ("tx size 9000000 bytes is larger than the application's configured MaxTxSize", Fault::TooLarge),
            ("the shares exceeds the max number of shares available for blob data", Fault::TooLarge),
            ("blob: over size limit", Fault::TooLarge),
            ("account for signer celestia1abc not found", Fault::Unfunded),
            ("spendable balance 0utia is smaller than 320utia: insufficient funds", Fault::Unfunded),
            ("not allowed namespace 00", Fault::Refused),
            ("invalid blob signer", Fault::Refused),
            ("missing permission to invoke 'Submit' (need 'write')", Fault::Denied),
        ];
        for (text, fault) in rows {
            assert_eq!(submitting(&call(text)), fault, "{text}");
        }
        assert_eq!(submitting(&ClientError::RequestTimeout), Fault::UnknownOutcome);
        assert_eq!(submitting(&ClientError::ServiceDisconnect), Fault::UnknownOutcome);
        let refused = ClientError::Transport("Request rejected `401`".into());
        assert_eq!(submitting(&refused), Fault::Denied);
    }

    #[test]
    fn an_unfunded_key_is_named_with_what_to_do() {
        let error =
            submission_error(Fault::Unfunded, "insufficient funds", "celestia1abc", "http://da:26658");
        assert_eq!(
            error.to_string(),
            "the Celestia account celestia1abc of http://da:26658 has not the utia to post blobs: send TIA to it (insufficient funds)"
        );
    }
}
