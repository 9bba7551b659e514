//! `share.*`.

use super::json::{self, base64};
use super::{Answer, Context, error};
use celestia_types::AxisType;
use celestia_types::eds::RawExtendedDataSquare;
use celestia_types::nmt::Namespace;
use celestia_types::sample::{RawSample, Sample};
use jsonrpsee::RpcModule;
use serde::{Deserialize, Serialize};

const REGISTERED: &str = "each method is registered once";
/// Samples in one answer.
const MAX_SAMPLES: usize = 1_024;

/// A row: celestia-node keeps the left half and says so.
#[derive(Clone, Serialize)]
struct Row {
    shares: Vec<String>,
    side: &'static str,
}

#[derive(Deserialize)]
struct Coordinates {
    row: u16,
    col: u16,
}

/// Registers them.
pub(super) fn register(module: &mut RpcModule<Context>) {
    module
        .register_async_method("share.GetNamespaceData", |params, context, _| async move {
            let (height, namespace): (u64, Namespace) = params.parse()?;
            if namespace == Namespace::PARITY_SHARE || namespace == Namespace::TAIL_PADDING {
                return Err(error("invalid namespace: parity and tail padding namespaces are not allowed"));
            }
            context.on_block(height, move |block| Ok(json::rows(&block.namespace_data(namespace)))).await
        })
        .expect(REGISTERED);
    module
        .register_async_method("share.GetEDS", |params, context, _| async move {
            let (height,): (u64,) = params.parse()?;
            context.on_block(height, |block| Ok(RawExtendedDataSquare::from(block.eds().clone()))).await
        })
        .expect(REGISTERED);
    module
        .register_async_method("share.GetRow", |params, context, _| async move {
            let (height, row): (u64, u16) = params.parse()?;
            context
                .on_block(height, move |block| {
                    let shares = block.eds().row(row).map_err(|_| error("index out of bounds"))?;
                    Ok(Row { shares: shares.iter().map(base64).collect(), side: "BOTH" })
                })
                .await
        })
        .expect(REGISTERED);
    module
        .register_async_method("share.GetShare", |params, context, _| async move {
            let (height, row, column): (u64, u16, u16) = params.parse()?;
            context
                .on_block(height, move |block| {
                    let width = block.eds().square_width();
                    let share = block.eds().share(row, column).ok().filter(|_| row < width && column < width);
                    share.map(base64).ok_or_else(|| error("index out of bounds"))
                })
                .await
        })
        .expect(REGISTERED);
    module
        .register_async_method("share.GetSamples", |params, context, _| async move {
            let (height, coordinates): (u64, Vec<Coordinates>) = params.parse()?;
            if coordinates.len() > MAX_SAMPLES {
                return Err(error("invalid shwap ID: too many samples"));
            }
            context.on_block(height, move |block| samples(block, &coordinates)).await
        })
        .expect(REGISTERED);
    module
        .register_async_method("share.SharesAvailable", |params, context, _| async move {
            let (height,): (u64,) = params.parse()?;
            context.on_block(height, |_| Ok(())).await
        })
        .expect(REGISTERED);
}

fn samples(block: &super::Block, coordinates: &[Coordinates]) -> Answer<Vec<RawSample>> {
    let sample = |at: &Coordinates| {
        Sample::new(at.row, at.col, AxisType::Row, block.eds())
            .map_err(|_| error("index out of bounds"))
            .map(Into::into)
    };
    coordinates.iter().map(sample).collect()
}
