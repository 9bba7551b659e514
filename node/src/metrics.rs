//! Prometheus metrics: their names, and the listener that serves them on loopback.
//!
//! | name | what |
//! |---|---|
//! | `weft_height{label}` | rollup height: `soft`, `included`; Celestia's: `celestia_head`, `celestia_derived` |
//! | `weft_soft_confirmation_seconds` | from the pool to a soft block |
//! | `weft_da_inclusion_seconds` | from a block's timestamp to its derivation |
//! | `weft_execute_seconds` | executing a derived block that was not soft, with its tree |
//! | `weft_build_seconds` | making a soft block: execution and tree |
//! | `weft_tree_seconds` | the tree's part of either |
//! | `weft_commit_seconds` | the store's commit of a step |
//! | `weft_backlog_blocks`, `weft_backlog_bytes` | soft blocks that Celestia does not have |
//! | `weft_publisher_waiting_bytes`, `weft_publisher_sent`, `weft_publisher_resent` | batches on their way |
//! | `weft_discarded_total{reason}` | what derivation skipped |
//! | `weft_rejected_total{kind}`, `weft_pool_rejected_total{kind}` | in execution; at the pool's door |
//! | `weft_pool_expired_total` | what waited too long |
//! | `weft_pool_transactions{vm, state}`, `weft_pool_bytes{vm}` | what waits: `pending`, `queued` |

use crate::status::Observed;
use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::sync::OnceLock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use weft_types::VmId;

/// Buckets of everything that is counted in seconds.
const SECONDS: [f64; 14] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// Why the metrics are not there.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The port is taken, or the address is not ours.
    #[error("metrics can't listen on {addr}: {source}; set metrics.listen to another address, or remove it")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Set up wrongly: a bug.
    #[error("metrics could not be set up: {0}")]
    Setup(String),
}

/// The process's one recorder, made on first use: a process may run several nodes in tests.
fn recorder() -> Result<PrometheusHandle, MetricsError> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    let install = || {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| error.to_string())
    };
    HANDLE.get_or_init(install).clone().map_err(MetricsError::Setup)
}

/// Binds the listener, so that a taken port is found before the node starts.
///
/// # Errors
/// [`MetricsError`].
pub async fn bind(addr: SocketAddr) -> Result<TcpListener, MetricsError> {
    recorder()?;
    TcpListener::bind(addr).await.map_err(|source| MetricsError::Listen { addr, source })
}

/// Serves `/metrics` until `stop`.
///
/// # Errors
/// [`MetricsError`].
pub async fn serve(
    listener: TcpListener,
    status: Observed,
    stop: CancellationToken,
) -> Result<(), MetricsError> {
    let handle = recorder()?;
    let scrape = move || {
        gauges(&status);
        handle.run_upkeep();
        let text = handle.render();
        async move { text }
    };
    let app = Router::new().route("/metrics", get(scrape));
    axum::serve(listener, app)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .map_err(|error| MetricsError::Setup(error.to_string()))
}

/// Sets what is known at any moment, when somebody asks.
fn gauges(status: &Observed) {
    let heights = [
        ("soft", status.chain.tip().header.height.0),
        ("included", status.chain.included().header.height.0),
        ("celestia_head", status.layer.status().head.0),
        ("celestia_derived", status.chain.da().height.0),
    ];
    for (label, height) in heights {
        metrics::gauge!("weft_height", "label" => label).set(height as f64);
    }
    let Some(sequencer) = &status.sequencer else { return };
    let order = sequencer.status();
    metrics::gauge!("weft_backlog_blocks").set(order.backlog_blocks as f64);
    metrics::gauge!("weft_backlog_bytes").set(order.backlog_bytes as f64);
    for vm in [VmId::EVM, VmId::SBF] {
        let pool = sequencer.mempool().status(vm);
        for (state, count) in [("pending", pool.pending), ("queued", pool.queued)] {
            metrics::gauge!("weft_pool_transactions", "vm" => vm.name(), "state" => state).set(count as f64);
        }
        metrics::gauge!("weft_pool_bytes", "vm" => vm.name()).set(pool.bytes as f64);
    }
    let publisher = sequencer.publisher_status();
    metrics::gauge!("weft_publisher_waiting_bytes").set(publisher.backlog.bytes as f64);
    metrics::counter!("weft_publisher_sent").absolute(publisher.sent);
    metrics::counter!("weft_publisher_resent").absolute(publisher.resent);
}
