//! `derive`: Celestia's answers to ordered blocks. Ours verifies headers and completeness, parses, decodes and
//! derives; the reference is celestia-types' own verification and parsing of the same answers, which stops at
//! blobs.

use crate::celestia::{self, Recorded};
use crate::{Figures, workload};
use celestia_types::Blob;
use celestia_types::namespace_data::NamespaceDataId;
use std::time::{Duration, Instant};
use weft_da::derive::{DerivationState, derive};
use weft_da::verify::Verifier;

const TRANSFERS: usize = 100_000;
const ROUNDS: usize = 3;

pub fn run() -> eyre::Result<Figures> {
    let recorded = celestia::record(&workload::transfers(TRANSFERS, 2_000), 2_000, 1_000, 20)?;
    let (mut ours, mut reference) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        ours += derive_all(&recorded)?;
        reference += verify_all(&recorded)?;
    }
    let megabytes = (recorded.bytes * ROUNDS) as f64 / 1e6;
    Ok(Figures {
        unit: "MB/s of blobs",
        ours: megabytes / ours.as_secs_f64(),
        reference: Some(megabytes / reference.as_secs_f64()),
    })
}

fn derive_all(recorded: &Recorded) -> eyre::Result<Duration> {
    let params = recorded.genesis.derivation_params();
    let start = Instant::now();
    let mut verifier = Verifier::new(recorded.anchor, None, &params);
    verifier.begin(&recorded.trusted)?;
    let mut state = DerivationState::genesis(&params);
    let mut transactions = 0;
    for answer in &recorded.answers {
        let block = verifier.verify(&answer.header, &answer.batch, &answer.forced)?;
        let derived = derive(&params, state, &block);
        eyre::ensure!(derived.discarded.is_empty(), "discarded: {:?}", derived.discarded);
        transactions += derived.blocks.iter().map(|landed| landed.block.transactions.len()).sum::<usize>();
        state = derived.state;
    }
    let elapsed = start.elapsed();
    eyre::ensure!(transactions == TRANSFERS, "{transactions} of {TRANSFERS} transfers were derived");
    Ok(elapsed)
}

fn verify_all(recorded: &Recorded) -> eyre::Result<Duration> {
    let params = recorded.genesis.derivation_params();
    let namespaces = [params.batch_namespace, params.forced_namespace];
    let start = Instant::now();
    for answer in &recorded.answers {
        answer.header.validate()?;
        for (namespace, data) in namespaces.into_iter().zip([&answer.batch, &answer.forced]) {
            let id = NamespaceDataId::new(celestia::in_celestia(namespace)?, answer.header.height())?;
            data.verify(id, &answer.header.dah)?;
            let shares: Vec<_> = data.rows().iter().flat_map(|row| row.shares.iter()).collect();
            std::hint::black_box(Blob::reconstruct_all(shares)?);
        }
    }
    Ok(start.elapsed())
}
