//! What a client sees.

use super::super::rpc::json as forms;
use super::super::{ChainConfig, LocalCelestia, LocalError, Piece};
use super::{client, config, namespace, start};
use celestia_rpc::prelude::*;
use celestia_rpc::{Client, TxConfig};
use celestia_types::namespace_data::NamespaceDataId;
use celestia_types::state::{AccAddress, Address, AddressTrait as _};
use celestia_types::{Blob, ExtendedHeader};
use futures::StreamExt as _;
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::http_client::HttpClientBuilder;
use jsonrpsee::rpc_params;
use serde_json::Value;
use std::time::Duration;

const FAST: Option<Duration> = Some(Duration::from_millis(10));

async fn account(client: &Client) -> AccAddress {
    match client.state_account_address().await.unwrap() {
        Address::AccAddress(address) => address,
        other => panic!("{other}"),
    }
}

fn text<T: std::fmt::Debug>(result: Result<T, jsonrpsee::core::ClientError>) -> String {
    result.unwrap_err().to_string()
}

/// Everything that a node is asked for, over one transport.
async fn everything(url: &str) {
    let client = client(url).await;
    let signer = account(&client).await;
    let blobs = [
        Blob::new(namespace(1), vec![1; 100], None).unwrap(),
        Blob::new(namespace(2), vec![2; 60_000], Some(signer)).unwrap(),
        Blob::new(namespace(1), vec![3; 5_000], Some(signer)).unwrap(),
        Blob::new(namespace(9), vec![4; 1], None).unwrap(),
    ];
    let before = client.state_balance().await.unwrap().amount();
    let height = client.blob_submit(&blobs, TxConfig::default()).await.unwrap();
    let gas: u64 =
        blobs.iter().map(|blob| blob.to_shares().unwrap().len() as u64 * 4_096 + 700).sum::<u64>() + 75_000;
    let fee = (gas as f64 * 0.004).ceil() as u64;
    assert_eq!(client.state_balance().await.unwrap().amount(), before - fee);

    let header = client.header_get_by_height(height).await.unwrap();
    header.validate().unwrap();
    assert_eq!(header.app_version(), 9);
    assert_eq!(client.header_get_by_hash(header.hash()).await.unwrap(), header);
    let last = client.header_get_by_height(height - 1).await.unwrap();
    last.verify_adjacent(&header).unwrap();
    let head = client.header_network_head().await.unwrap();
    assert!(head.height() >= height && client.header_local_head().await.unwrap().height() >= head.height());
    assert_eq!(client.header_get_range_by_height(last, height + 1).await.unwrap(), [header.clone()]);
    assert!(client.header_sync_state().await.unwrap().height >= height);
    client.header_sync_wait().await.unwrap();

    let mut of_first = client.blob_get_all(height, &[namespace(1)]).await.unwrap().unwrap();
    assert!(of_first.iter().all(|blob| blob.index.is_some()));
    of_first.iter_mut().for_each(|blob| blob.index = None);
    assert_eq!(of_first, [blobs[0].clone(), blobs[2].clone()]);
    assert_eq!(client.blob_get_all(height, &[namespace(7)]).await.unwrap(), None);
    let big = client.blob_get(height, namespace(2), blobs[1].commitment).await.unwrap();
    assert_eq!(big.data, blobs[1].data);
    let missing = client.blob_get(height, namespace(7), blobs[1].commitment).await;
    assert!(text(missing).contains("blob: not found"));
    let proofs = client.blob_get_proof(height, namespace(9), blobs[3].commitment).await.unwrap();
    assert_eq!(proofs.len(), 1);
    assert!(client.blob_included(height, namespace(9), &proofs[0], blobs[3].commitment).await.unwrap());
    assert!(!client.blob_included(height, namespace(8), &proofs[0], blobs[3].commitment).await.unwrap());
    assert!(client.blob_get_proof(height, namespace(2), blobs[1].commitment).await.unwrap().len() > 1);

    for id in [0, 1, 2, 3, 9, 255] {
        let data = client.share_get_namespace_data(height, namespace(id)).await.unwrap();
        data.verify(NamespaceDataId::new(namespace(id), height).unwrap(), &header.dah).unwrap();
        let shares: Vec<_> = data.rows().iter().flat_map(|row| row.shares.clone()).collect();
        let there = Blob::reconstruct_all(&shares).unwrap().len();
        assert_eq!(there, blobs.iter().filter(|blob| blob.namespace == namespace(id)).count());
    }
    squares(&client, height, &header).await;
}

async fn squares(client: &Client, height: u64, header: &ExtendedHeader) {
    let eds = client.share_get_eds(height).await.unwrap();
    assert_eq!(celestia_types::DataAvailabilityHeader::from_eds(&eds), header.dah);
    let width = header.dah.square_width();
    for row in [0, width - 1] {
        let answer = client.share_get_row(height, width, row).await.unwrap();
        assert_eq!(answer.shares, eds.row(row).unwrap());
        assert_eq!(&client.share_get_share(height, width, row, 1).await.unwrap(), eds.share(row, 1).unwrap());
    }
    for sample in client.share_get_samples(height, [(0_u16, 0_u16), (width - 1, 0)]).await.unwrap() {
        assert!(eds.data_square().contains(&sample.share));
    }
    assert!(text(client.share_get_share(height, width, width, 0).await).contains("index out of bounds"));
    client.share_shares_available(height).await.unwrap();
}

#[tokio::test]
async fn http_and_websocket_answer_alike() {
    let local = start(FAST).await;
    everything(&local.url()).await;
    everything(&local.ws_url()).await;
    local.stop().await.unwrap();
}

#[tokio::test]
async fn only_the_next_height_is_waited_for() {
    let local = start(None).await;
    let client = client(&local.url()).await;
    assert!(text(client.header_get_by_height(0).await).contains("height is equal to 0"));
    let far = text(client.header_get_by_height(7).await);
    assert!(
        far.contains("header: given height is from the future: networkHeight: 1, requestedHeight: 7"),
        "{far}"
    );
    let (next, wait, produced) =
        tokio::join!(client.header_get_by_height(2), client.header_wait_for_height(3), async {
            (local.produce().await.unwrap(), local.produce().await.unwrap())
        },);
    assert_eq!((next.unwrap().height(), wait.unwrap().height(), produced), (2, 3, (2, 3)));
    let empty = client.share_get_namespace_data(2, namespace(1)).await.unwrap();
    assert!(empty.rows().is_empty());
}

#[tokio::test]
async fn a_fee_too_low_and_a_blob_too_large_are_refused_in_celestias_words() {
    let mut chain = ChainConfig { max_side: 64, ..ChainConfig::default() };
    chain.accounts.push(("poor".to_owned(), 100));
    let local = LocalCelestia::start(config(chain, FAST)).await.unwrap();
    let client = client(&local.url()).await;
    let small = [Blob::new(namespace(1), vec![1; 10], None).unwrap()];
    let refused = async |blobs: &[Blob], config| text(client.blob_submit(blobs, config).await);
    let low = refused(&small, TxConfig::default().with_gas_price(0.001)).await;
    assert!(low.contains("insufficient fees; got: 80utia required: 320utia: insufficient fee"), "{low}");
    let poor = refused(&small, TxConfig::default().with_key_name("poor")).await;
    assert!(poor.contains("insufficient funds"), "{poor}");
    assert!(refused(&small, TxConfig::default().with_key_name("nobody")).await.contains("key not found"));
    assert!(refused(&small, TxConfig::default().with_gas(1_000)).await.contains("out of gas"));
    assert!(
        refused(&small, TxConfig::default().with_max_gas_price(0.001))
            .await
            .contains("exceeds max gas price")
    );
    let stranger = AccAddress::from([7; 20]);
    let config = TxConfig::default().with_signer_address(stranger);
    assert!(refused(&small, config).await.contains(&format!("account for signer {stranger} not found")));
    let foreign = [Blob::new(namespace(1), vec![1; 10], Some(stranger)).unwrap()];
    assert!(refused(&foreign, TxConfig::default()).await.contains("invalid blob signer"));
    let wide = [Blob::new(namespace(1), vec![1; 3_000_000], None).unwrap()];
    assert!(refused(&wide, TxConfig::default()).await.contains("exceeds the max number of shares available"));
    // celestia-rpc's client would not send a body of this size.
    let long = [Blob::new(namespace(1), vec![1; 8 * 1024 * 1024], None).unwrap()];
    let long = local.chain().submit(&long, &Default::default()).unwrap_err().to_string();
    assert!(long.contains("is larger than the application's configured MaxTxSize"), "{long}");
    assert!(refused(&[], TxConfig::default()).await.contains("no blobs"));
    // Another account pays for its own version 1 blob.
    let user = local.chain().accounts()[1].address();
    let own = [Blob::new(namespace(1), vec![1; 10], Some(user)).unwrap()];
    let height = client.blob_submit(&own, TxConfig::default().with_signer_address(user)).await.unwrap();
    assert_eq!(client.blob_get_all(height, &[namespace(1)]).await.unwrap().unwrap()[0].signer, Some(user));
}

#[tokio::test]
async fn what_does_not_fit_waits_for_the_next_block() {
    let chain = ChainConfig { max_side: 4, ..ChainConfig::default() };
    let local = LocalCelestia::start(config(chain, None)).await.unwrap();
    let options = Default::default();
    let blob = |id| [Blob::new(namespace(id), vec![id; 4_000], None).unwrap()];
    let tickets = [1, 2, 3].map(|id| local.chain().submit(&blob(id), &options).unwrap());
    for _ in 0..3 {
        local.produce().await.unwrap();
    }
    let heights = tickets.map(|ticket| ticket.try_landed().unwrap().height);
    assert_eq!(heights, [2, 3, 4]);
}

#[tokio::test]
async fn subscriptions_miss_no_height() {
    let local = start(None).await;
    for url in [local.url(), local.ws_url()] {
        let client = client(&url).await;
        let mut headers = client.header_subscribe();
        let mut blobs = client.blob_subscribe(namespace(1));
        let mut last = None;
        for round in 0..6_u8 {
            let submission = local.chain().submit(
                &[Blob::new(namespace(1 + round % 2), vec![round; 9], None).unwrap()],
                &Default::default(),
            );
            // A stream subscribes when it is first polled.
            let make = async {
                while local.chain().watchers() < 2 {
                    tokio::task::yield_now().await;
                }
                local.produce().await.unwrap()
            };
            let (header, at, height) = tokio::join!(headers.next(), blobs.next(), make);
            let (header, at) = (header.unwrap().unwrap(), at.unwrap().unwrap());
            assert_eq!((header.height(), at.height), (height, height));
            assert_eq!(at.blobs.is_some(), round % 2 == 0);
            assert_eq!(submission.unwrap().try_landed().unwrap().height, height);
            assert!(last.replace(height).is_none_or(|last| last + 1 == height));
        }
    }
    local.stop().await.unwrap();
}

#[tokio::test]
async fn nothing_listens_beyond_loopback_or_on_a_port_in_use() {
    let mut open = config(ChainConfig::default(), None);
    open.listen = ([0, 0, 0, 0], 0).into();
    assert!(matches!(LocalCelestia::start(open).await, Err(LocalError::NotLoopback(_))));
    let local = start(None).await;
    let mut same = config(ChainConfig::default(), None);
    same.listen = local.url().trim_start_matches("http://").parse().unwrap();
    assert!(matches!(LocalCelestia::start(same).await, Err(LocalError::Listen { .. })));
}

#[tokio::test]
async fn raw_shares_stand_in_the_square_as_they_are() {
    let local = start(None).await;
    let garbage = [namespace(1).as_bytes(), &[0xff; 483][..]].concat().repeat(3);
    let ticket = local.chain().inject(vec![Piece::from_shares(garbage.clone().into()).unwrap()]).unwrap();
    let good = Blob::new(namespace(1), vec![1; 9], None).unwrap();
    local.chain().submit(std::slice::from_ref(&good), &Default::default()).unwrap();
    let height = local.produce().await.unwrap();
    assert_eq!(ticket.try_landed().unwrap().height, height);
    let client = client(&local.url()).await;
    let header = client.header_get_by_height(height).await.unwrap();
    header.validate().unwrap();
    let data = client.share_get_namespace_data(height, namespace(1)).await.unwrap();
    data.verify(NamespaceDataId::new(namespace(1), height).unwrap(), &header.dah).unwrap();
    let shares: Vec<u8> =
        data.rows().iter().flat_map(|row| &row.shares).flat_map(|share| *share.data()).collect();
    assert!(shares.starts_with(&garbage));
    let blobs = client.blob_get_all(height, &[namespace(1)]).await.unwrap().unwrap();
    assert_eq!(blobs.len(), 1, "what is no blob is left out");
    assert_eq!(blobs[0].data, good.data);
}

#[tokio::test]
async fn the_rest_of_a_node_answers() {
    let local = start(FAST).await;
    let raw = HttpClientBuilder::default().build(local.url()).unwrap();
    let ask = async |method: &str| raw.request::<Value, _>(method, rpc_params![]).await.unwrap();
    assert_eq!(ask("node.Ready").await, true);
    assert_eq!(ask("node.Info").await["type"], 1);
    assert!(ask("p2p.Info").await["ID"].as_str().unwrap().starts_with("12D3KooW"));
    assert!(ask("das.SamplingStats").await["head_of_sampled_chain"].as_u64().unwrap() > 0);
    assert_eq!(ask("header.Tail").await["header"]["height"], "1");
    let client = client(&local.url()).await;
    let address = account(&client).await;
    let balance = client.state_balance_for_address(address.into()).await.unwrap();
    assert_eq!(balance, client.state_balance().await.unwrap());
    let nobody = client.state_balance_for_address(AccAddress::from([1; 20]).into()).await.unwrap();
    assert_eq!(nobody.amount(), 0);
    let blob = Blob::new(namespace(1), vec![1; 9], Some(address)).unwrap();
    let paid =
        client.state_submit_pay_for_blob(vec![blob.clone().into()], TxConfig::default()).await.unwrap();
    assert_eq!((paid.code, paid.gas_used, paid.txhash.len()), (0, 79_796, 64));
    let height = u64::try_from(paid.height).unwrap();
    assert_eq!(client.blob_get_all(height, &[namespace(1)]).await.unwrap().unwrap()[0].data, blob.data);
    // As Go sends it: a bare blob, and a price that counts only when it is set.
    let bare = serde_json::json!({ "namespace": forms::base64(namespace(1).as_bytes()), "data": "AQID",
        "share_version": 1, "signer": forms::base64(address.as_bytes()), "index": -1 });
    let config = serde_json::json!({ "gas_price": 0.0001, "key_name": "", "signer_address": "" });
    raw.request::<u64, _>("blob.Submit", rpc_params![[bare], config]).await.unwrap();
}

#[test]
fn answers_have_the_form_of_a_real_nodes() {
    for case in ["one_v0_106", "one_v1_signed_108", "neighbours_116", "rows_60k_122", "empty_115"] {
        let Some(file) = super::super::fixture(&format!("celestia/devnet/{case}.json")) else { return };
        let file: Value = serde_json::from_str(&file).unwrap();
        let header: ExtendedHeader = serde_json::from_value(file["header"].clone()).unwrap();
        assert_eq!(serde_json::to_value(&header).unwrap(), file["header"], "{case}");
        for answers in file["namespaces"].as_object().unwrap().values() {
            let rows = serde_json::from_value(answers["get_namespace_data"].clone()).unwrap();
            assert_eq!(
                serde_json::to_value(forms::rows(&rows)).unwrap(),
                answers["get_namespace_data"],
                "{case}"
            );
            let blobs: Option<Vec<Blob>> = serde_json::from_value(answers["blob_get_all"].clone()).unwrap();
            let ours = forms::blobs(blobs.unwrap_or_default());
            assert_eq!(serde_json::to_value(ours).unwrap(), answers["blob_get_all"], "{case}");
        }
    }
}
