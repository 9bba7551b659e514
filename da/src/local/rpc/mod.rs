//! celestia-node's JSON-RPC, as celestia-node v0.32 answers: the same nulls, omissions and error texts.
//!
//! Methods are registered by hand and not by celestia-rpc's server traits: those would write what celestia-types
//! writes (`"start": 0`, `"signer": null`), and one of them cannot be implemented outside its crate.

mod blob;
mod header;
pub(crate) mod json;
mod share;
mod state;

use super::chain::{Block, Chain, ReadError};
use jsonrpsee::RpcModule;
use jsonrpsee::types::ErrorObjectOwned;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a call waits for a height at most: celestia-node's bound for writing an answer.
const WAIT: Duration = Duration::from_secs(300);

/// What a method works on.
pub(crate) struct Context {
    chain: Arc<Chain>,
    stop: CancellationToken,
}

type Answer<T> = Result<T, ErrorObjectOwned>;

/// All methods.
pub(crate) fn module(chain: Arc<Chain>, stop: CancellationToken) -> RpcModule<Context> {
    let mut module = RpcModule::new(Context { chain, stop });
    header::register(&mut module);
    share::register(&mut module);
    blob::register(&mut module);
    state::register(&mut module);
    module
}

/// An error of the application: go-jsonrpc gives all of them code 1, and clients match on the text.
fn error(text: impl Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(1, text.to_string(), None::<()>)
}

impl Context {
    /// Runs what reads the disk or computes, off the threads that serve connections.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Chain) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let chain = self.chain.clone();
        tokio::task::spawn_blocking(move || work(&chain)).await.map_err(|_| error("context canceled"))?
    }

    /// The same on the block of a height. The next height is waited for, those beyond are errors.
    async fn on_block<T: Send + 'static>(
        &self,
        height: u64,
        work: impl FnOnce(&Block) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        if height == self.chain.height().saturating_add(1) {
            self.wait_for(height).await?;
        }
        self.compute(move |chain| work(&*read(chain, height)?)).await
    }

    /// Waits until there is this height.
    async fn wait_for(&self, height: u64) -> Answer<()> {
        let mut head = self.chain.watch();
        tokio::select! {
            reached = head.wait_for(|head| *head >= height) => reached.map(|_| ()).map_err(|_| error("context canceled")),
            () = self.stop.cancelled() => Err(error("context canceled")),
            () = tokio::time::sleep(WAIT) => Err(error("context deadline exceeded")),
        }
    }
}

fn read(chain: &Chain, height: u64) -> Answer<Arc<Block>> {
    chain.block(height).map_err(|failed: ReadError| error(failed))
}
