#!/usr/bin/env bash
# Starts a real private Celestia on loopback: one validator (celestia-appd), one bridge node, one light node.
# usage: up.sh DIR        celestia-appd, celestia and cel-key must be on PATH (see README.md here)
# Leaves DIR/{app,bridge,light}.pid and .log, DIR/env with the URLs, and DIR/bridge.sh, which starts the bridge
# again after it was stopped. PRECOMMIT sets the block time (500ms gives blocks of about one second).
set -euo pipefail
dir=$(realpath -m "${1:?usage: up.sh DIR}")
net=private
keyring="--keyring-backend test"
app="celestia-appd --home $dir/app"
for tool in celestia-appd celestia curl; do
  command -v $tool >/dev/null || { echo "up.sh: $tool is not on PATH; see tests/celestia/README.md" >&2; exit 1; }
done
mkdir -p "$dir"

rpc() { curl -s -H 'content-type: application/json' "http://127.0.0.1:$1" \
          -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$2\",\"params\":[]}"; }
wait_for() {
  for _ in $(seq 600); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.1; done
  echo "up.sh: gave up waiting for: $* (logs in $dir)" >&2; tail -n 5 "$dir"/*.log >&2; exit 1
}
# The nodes' peer-to-peer side listens on every interface unless its config says otherwise.
loopback_only() { sed -i -E "s#^( *ListenAddresses *=).*#\1 [\"/ip4/127.0.0.1/tcp/$2\"]#
  s#^( *NoAnnounceAddresses *=).*#\1 []#; s#^( *IPColocationWhitelist *=).*#\1 [\"127.0.0.0/8\"]#" "$1/config.toml"; }

# The node stores come first: they make the keys that genesis funds.
celestia bridge init --node.store "$dir/bridge" --p2p.network $net --core.ip 127.0.0.1 >"$dir/init.log" 2>&1
celestia light  init --node.store "$dir/light"  --p2p.network $net >>"$dir/init.log" 2>&1
$app init $net --chain-id $net >/dev/null 2>&1
$app keys add validator $keyring >/dev/null 2>&1
$app genesis add-genesis-account "$($app keys show validator -a $keyring)" 1000000000000000utia
for n in bridge light; do
  $app genesis add-genesis-account \
    "$(celestia-appd keys show my_celes_key -a $keyring --keyring-dir "$dir/$n/keys")" 200000000000000utia
done
$app genesis gentx validator 5000000000utia --fees 500utia $keyring --chain-id $net \
  --commission-rate=0.05 --commission-max-rate=1.0 --commission-max-change-rate=1.0 >>"$dir/init.log" 2>&1
$app genesis collect-gentxs >>"$dir/init.log" 2>&1
sed -i 's#tcp://0.0.0.0:26656#tcp://127.0.0.1:26656#; s#^indexer = "null"#indexer = "kv"#
  s#discard_abci_responses = true#discard_abci_responses = false#' "$dir/app/config/config.toml"

# celestia-appd refuses to start without BBR congestion control unless it is told that this is meant.
$app start --grpc.enable --grpc.address 127.0.0.1:9090 --force-no-bbr \
  --delayed-precommit-timeout "${PRECOMMIT:-500ms}" >"$dir/app.log" 2>&1 & echo $! >"$dir/app.pid"
first_hash() {
  curl -s 'http://127.0.0.1:26657/block?height=1' | grep -o '"block_id":{"hash":"[0-9A-F]*"' | grep -o '[0-9A-F]\{64\}'
}
wait_for first_hash
CELESTIA_CUSTOM=$net:$(first_hash)
export CELESTIA_CUSTOM

loopback_only "$dir/bridge" 2121
cat >"$dir/bridge.sh" <<START
#!/usr/bin/env bash
export CELESTIA_CUSTOM=$CELESTIA_CUSTOM
celestia bridge start --node.store "$dir/bridge" --p2p.network $net --core.ip 127.0.0.1 --core.port 9090 \\
  --keyring.keyname my_celes_key --rpc.addr 127.0.0.1 --rpc.port 26658 --rpc.skip-auth >>"$dir/bridge.log" 2>&1 &
echo \$! >"$dir/bridge.pid"
START
chmod +x "$dir/bridge.sh"
"$dir/bridge.sh"
bridge_ready() { rpc 26658 header.LocalHead | grep -q '"height"'; }
wait_for bridge_ready
peer=$(rpc 26658 p2p.Info | grep -oE '"(ID|id)": ?"12D3[A-Za-z0-9]+"' | head -1 | grep -oE '12D3[A-Za-z0-9]+')

loopback_only "$dir/light" 2221
celestia light start --node.store "$dir/light" --p2p.network $net --core.ip 127.0.0.1 --core.port 9090 \
  --headers.trusted-peers "/ip4/127.0.0.1/tcp/2121/p2p/$peer" \
  --rpc.addr 127.0.0.1 --rpc.port 26758 --rpc.skip-auth >"$dir/light.log" 2>&1 & echo $! >"$dir/light.pid"
light_ready() { rpc 26758 header.LocalHead | grep -q '"height"'; }
wait_for light_ready

cat >"$dir/env" <<ENV
export CELESTIA_CUSTOM=$CELESTIA_CUSTOM
export CELESTIA_DIR=$dir
export CELESTIA_BRIDGE_URL=http://127.0.0.1:26658
export CELESTIA_LIGHT_URL=http://127.0.0.1:26758
export CELESTIA_CORE_GRPC=http://127.0.0.1:9090
ENV
echo "celestia is up: $dir/env; stop it with: kill \$(cat $dir/*.pid)"
