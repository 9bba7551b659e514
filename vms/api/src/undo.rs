//! The two ways in which a machine leaves the journal as it was: every [`Vm`](crate::Vm) calls these.

use crate::{Execution, Outcome};
use weft_state::{Journal, ReadError};

/// Runs one transaction; what it did stays only where it was executed.
///
/// # Errors
/// Those of `run`; nothing of it stays.
pub fn kept_if_executed<'j>(
    journal: &mut Journal<'j>,
    run: impl FnOnce(&mut Journal<'j>) -> Result<Execution, ReadError>,
) -> Result<Execution, ReadError> {
    let checkpoint = journal.checkpoint();
    let result = run(journal);
    match result {
        Ok(Execution::Executed(_)) => journal.commit(checkpoint),
        Ok(Execution::Rejected(_)) | Err(_) => journal.revert(checkpoint),
    }
    result
}

/// Answers one query; nothing that it did stays.
///
/// # Errors
/// Those of `run`.
pub fn never_kept<'j>(
    journal: &mut Journal<'j>,
    run: impl FnOnce(&mut Journal<'j>) -> Result<Outcome, ReadError>,
) -> Result<Outcome, ReadError> {
    let checkpoint = journal.checkpoint();
    let result = run(journal);
    journal.revert(checkpoint);
    result
}
