//! Reaching Celestia before anything else is done, so that what is wrong with it is said at once.

use super::exit::Failure;
use eyre::Result;
use std::time::Duration;
use weft_da::celestia::{CelestiaConfig, CelestiaLayer, EndpointConfig};
use weft_da::layer::{DaHead, DaLayer};
use weft_genesis::{Devnet, Genesis};
use weft_types::{B256, DaHeight, DerivationParams};

/// How long an endpoint may take to answer when a command starts.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Connects, and makes sure that somebody answers, on the chain that genesis names.
pub(crate) async fn connect(config: CelestiaConfig, genesis: &Genesis) -> Result<(CelestiaLayer, DaHead)> {
    let urls = config.endpoints.iter().map(|endpoint| shown(&endpoint.url)).collect::<Vec<_>>().join(", ");
    let expected = genesis.celestia.chain_id.clone();
    let layer = CelestiaLayer::connect(config, genesis.derivation_params())
        .map_err(|e| Failure::File(e.to_string()))?;
    let (head, network) = first_answer(&layer, &urls).await?;
    if network != expected {
        return Err(Failure::WrongChain(format!(
            "Celestia at {urls} is on chain {network:?}, and genesis says {expected:?}: use an endpoint of {expected:?} \
             (--celestia, or da.endpoints in the config)"
        ))
        .into());
    }
    Ok((layer, head))
}

/// Asks an endpoint of whose chain nothing is known yet for its newest header and its chain's id.
pub(crate) async fn discover(url: &str, token: Option<String>) -> Result<(DaHead, String)> {
    let config = CelestiaConfig::new(vec![EndpointConfig { url: url.to_owned(), token }]);
    let layer = CelestiaLayer::connect(config, no_params()).map_err(|e| Failure::File(e.to_string()))?;
    first_answer(&layer, &shown(url)).await
}

async fn first_answer(layer: &CelestiaLayer, urls: &str) -> Result<(DaHead, String)> {
    let ask = async {
        let head = layer.head().await?;
        layer.network().await.map(|network| (head, network))
    };
    let silent = |why: String| {
        Failure::Unreachable(format!(
            "Celestia at {urls} does not answer ({why}): start the node there, or give another with --celestia URL"
        ))
    };
    match tokio::time::timeout(ANSWER_MAX, ask).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(silent(error.to_string()).into()),
        Err(_) => Err(silent(format!("nothing within {} s", ANSWER_MAX.as_secs())).into()),
    }
}

/// Parameters for asking heads only, which none of them has a part in.
fn no_params() -> DerivationParams {
    let nothing = Devnet {
        timestamp_ms: 0,
        celestia_chain_id: String::new(),
        checkpoint: (DaHeight(0), B256::ZERO),
        sequencers: Vec::new(),
        accounts: Vec::new(),
    };
    Genesis::devnet(nothing).derivation_params()
}

/// A URL without what may be a token: scheme, host and port.
pub(crate) fn shown(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| "(no URL)".to_owned(), |url| url.origin().ascii_serialization())
}
