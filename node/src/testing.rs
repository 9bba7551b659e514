//! What tests do to a chain in memory in the place of sequencer and syncer.

use crate::chain::{BlockRecord, Chain, DaStep};
use crate::sequencer::mempool::Mempool;
use std::sync::Arc;
use weft_router::{BlockTemplate, BuildLimits};
use weft_types::{Address, B256, Bytes};

/// Makes a soft block, `later_ms` after the tip, of at most `most` of the transactions that wait and can execute.
pub(crate) fn make_block(
    chain: &Chain,
    mempool: &Mempool,
    sequencer: Address,
    later_ms: u64,
    most: usize,
) -> Arc<BlockRecord> {
    let head = chain.head();
    let header = &head.tip.header;
    let template = BlockTemplate {
        height: header.height.next(),
        timestamp_ms: header.timestamp_ms + later_ms,
        origin: header.origin,
        origin_hash: head.tip.origin_hash,
        sequencer: Some(sequencer),
    };
    let router = chain.router();
    let mut best = mempool.best(router.env(header, &template).base_fee).take(most);
    let mut candidates = || best.next().map(|pooled| pooled.candidate());
    let (state, nodes, limits) = (&*head.state, &*head.nodes, BuildLimits::of(router));
    let built = router
        .build_block(state, nodes, header, &template, Vec::new(), &mut candidates, limits)
        .expect("a block");
    assert!(built.rejected.is_empty(), "{:?}", built.rejected);
    let record = chain.push_soft(Arc::new(built.block), built.executed).expect("on the tip");
    mempool.on_block(&record).expect("a state");
    record
}

/// Celestia has all soft blocks now.
pub(crate) fn include_all(chain: &Chain) {
    let blocks = chain.soft().iter().map(|soft| (*soft.block).clone()).collect();
    let (da_height, da_hash) = (chain.da().height.next(), B256::repeat_byte(9));
    let step = DaStep { da_height, da_hash, blocks, discarded: Vec::new(), derivation: Bytes::new() };
    chain.apply_derived(vec![step]).expect("what stands");
}
