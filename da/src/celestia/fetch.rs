//! One height from any endpoint that gives it, and its verification. Both go on until they succeed.

use super::endpoint::Answer;
use super::errors::Fault;
use super::{Inner, VerifyMode};
use crate::layer::{Anchor, DaError};
use crate::verify::{VerifiedDaBlock, Verifier, VerifyError};
use backon::BackoffBuilder;
use celestia_types::ExtendedHeader;
use std::sync::Arc;
use weft_types::DaHeight;

/// An answer and who gave it.
pub(super) struct Fetched {
    pub(super) endpoint: usize,
    pub(super) answer: Answer,
}

/// What one round over all endpoints came to.
#[derive(Default)]
struct Round {
    /// Those that can never give it.
    hopeless: Vec<String>,
    /// Those that may later.
    failures: Vec<String>,
    /// All others say that the height lies ahead of them.
    only_early: bool,
}

impl Inner {
    /// Asks for a height until an endpoint gives it.
    ///
    /// # Errors
    /// [`DaError::Stop`] where no endpoint keeps it, or none lets us in.
    pub(super) async fn fetch(self: Arc<Self>, height: u64) -> Result<Fetched, DaError> {
        let mut delays = self.backoff().build();
        loop {
            let mut round = Round { only_early: true, ..Round::default() };
            for index in self.pool.order() {
                let endpoint = Arc::clone(self.pool.get(index));
                let (batch, forced) = (&self.params.batch_namespace, &self.params.forced_namespace);
                match endpoint.answer(height, batch, forced).await {
                    Ok(answer) => {
                        self.pool.answered(index);
                        return Ok(Fetched { endpoint: index, answer });
                    }
                    Err(error) => self.take_failure(index, height, error.fault, error.text, &mut round),
                }
            }
            self.conclude(&round, height)?;
            let delay = if round.only_early { None } else { delays.next() };
            tokio::time::sleep(delay.unwrap_or(self.config.poll_interval)).await;
        }
    }

    fn take_failure(&self, index: usize, height: u64, fault: Fault, text: String, round: &mut Round) {
        let name = self.pool.name(index);
        match fault {
            // Not a fault of the endpoint: it is asked for a height that another one announced.
            Fault::NotYet => round.failures.push(text),
            Fault::Pruned => {
                self.pool.failed(index, &text);
                round.hopeless.push(format!("{name} no longer keeps height {height}"));
            }
            Fault::Denied => {
                self.pool.failed(index, &text);
                round.hopeless.push(format!("{name} does not let us read: configure its token"));
            }
            Fault::Lied => {
                round.only_early = false;
                self.pool.lied(index, &text);
                round.failures.push(text);
            }
            _ => {
                round.only_early = false;
                self.pool.failed(index, &text);
                round.failures.push(text);
            }
        }
    }

    fn conclude(&self, round: &Round, height: u64) -> Result<(), DaError> {
        if round.hopeless.len() == self.pool.len() {
            return Err(DaError::Stop(format!(
                "Celestia height {height} can't be read ({}): add an endpoint that has it, such as an archival node",
                round.hopeless.join("; ")
            )));
        }
        if !round.only_early {
            let why = round.hopeless.iter().chain(&round.failures).cloned().collect::<Vec<_>>().join("; ");
            self.raise_alarm(format!("no Celestia endpoint gives height {height}: {why}"));
        }
        Ok(())
    }

    /// A verifier that stands at the anchor.
    ///
    /// # Errors
    /// [`DaError::Stop`] where no endpoint has the anchor's header.
    pub(super) async fn begin(&self, anchor: Anchor) -> Result<Verifier, DaError> {
        let mut verifier = Verifier::new(anchor, self.config.chain_id.clone(), &self.params);
        if self.config.verify == VerifyMode::TrustedEndpoint {
            verifier = verifier.trusting_endpoint();
        }
        if anchor.height == DaHeight(0) {
            return Ok(verifier);
        }
        let height = anchor.height.0;
        let mut delays = self.backoff().build();
        loop {
            let mut round = Round { only_early: true, ..Round::default() };
            for index in self.pool.order() {
                let header = match self.pool.get(index).header(height).await {
                    Ok(header) => header,
                    Err(error) => {
                        self.take_failure(index, height, error.fault, error.text, &mut round);
                        continue;
                    }
                };
                match verifier.begin(&header) {
                    Ok(()) => {
                        self.pool.answered(index);
                        *self.tip.lock() = Some(Arc::new(header));
                        return Ok(verifier);
                    }
                    Err(error) => {
                        let what = format!("{error} (it is on chain {:?})", header.chain_id().as_str());
                        self.pool.lied(index, &what);
                        round.hopeless.push(format!("{}: {what}", self.pool.name(index)));
                    }
                }
            }
            if round.hopeless.len() == self.pool.len() {
                return Err(DaError::Stop(format!(
                    "no Celestia endpoint has the trusted header {} at height {height} ({}): mend the endpoints in the config, \
                     or the checkpoint in genesis",
                    anchor.hash,
                    round.hopeless.join("; ")
                )));
            }
            let why = round.hopeless.iter().chain(&round.failures).cloned().collect::<Vec<_>>().join("; ");
            self.raise_alarm(format!(
                "no Celestia endpoint gives the trusted header at height {height}: {why}"
            ));
            let delay = if round.only_early { None } else { delays.next() };
            tokio::time::sleep(delay.unwrap_or(self.config.poll_interval)).await;
        }
    }

    /// Verifies the next height, asking other endpoints for it for as long as what we have does not verify.
    ///
    /// # Errors
    /// [`DaError::Stop`]: two valid headers at one height, or no endpoint can give the height.
    pub(super) async fn verified(
        self: &Arc<Self>,
        mut verifier: Verifier,
        mut fetched: Fetched,
    ) -> Result<(Verifier, VerifiedDaBlock), DaError> {
        let height = verifier.next_height().0;
        let mut delays = self.backoff().build();
        let mut lies = 0_usize;
        let mut doubtful: Vec<(usize, ExtendedHeader)> = Vec::new();
        loop {
            let Fetched { endpoint, answer } = fetched;
            let verify = move || {
                let result = verifier.verify(&answer.header, &answer.batch, &answer.forced);
                (verifier, answer.header, result)
            };
            // Signatures and proofs of a full block take long enough to hold up an async thread.
            let (back, header, result) =
                tokio::task::spawn_blocking(verify).await.expect("the verifier does not panic");
            verifier = back;
            match result {
                Ok(block) => {
                    self.compare(&verifier, &doubtful)?;
                    *self.tip.lock() = Some(Arc::new(header));
                    self.note_head(height);
                    self.clear_alarm();
                    return Ok((verifier, block));
                }
                Err(VerifyError::Equivocation(evidence)) => {
                    return Err(self.equivocation(&evidence, self.pool.name(endpoint)));
                }
                Err(error) => self.take_lie(&verifier, endpoint, &error).await?,
            }
            doubtful.push((endpoint, header));
            doubtful.truncate(self.pool.len());
            lies = lies.saturating_add(1);
            if lies >= self.pool.len() {
                self.raise_alarm(format!("no Celestia endpoint gives a height {height} that verifies"));
                tokio::time::sleep(delays.next().unwrap_or(super::RETRY_MAX)).await;
            }
            fetched = Arc::clone(self).fetch(height).await?;
        }
    }

    /// An endpoint's data did not verify. Where it stands on another header than ours below, that is looked at first.
    async fn take_lie(
        &self,
        verifier: &Verifier,
        endpoint: usize,
        error: &VerifyError,
    ) -> Result<(), DaError> {
        self.pool.lied(endpoint, &error.to_string());
        let tip = verifier.headers().tip().height.0;
        if matches!(error, VerifyError::Header { .. }) && tip > 0 {
            if let Ok(other) = self.pool.get(endpoint).header(tip).await {
                self.compare(verifier, &[(endpoint, other)])?;
            }
        }
        Ok(())
    }

    /// Stops where a header of another endpoint proves that Celestia signed two.
    pub(super) fn compare(
        &self,
        verifier: &Verifier,
        others: &[(usize, ExtendedHeader)],
    ) -> Result<(), DaError> {
        for (endpoint, header) in others {
            if let Err(VerifyError::Equivocation(evidence)) = verifier.headers().compare(header) {
                return Err(self.equivocation(&evidence, self.pool.name(*endpoint)));
            }
        }
        Ok(())
    }
}
