#!/usr/bin/env bash
# Starts a real wasmd with one validator on loopback.
# usage: up.sh DIR        wasmd must be on PATH (see README.md here)
# Leaves DIR/wasmd.pid and .log, and DIR/env with the URLs. COMMIT sets the pause between blocks.
# Ten accounts of the mnemonic that a devnet prints, at m/44'/118'/0'/0/i, have what a devnet gives them. The validator is
# another account and holds another token, so that what it earns and votes with is none of theirs.
set -euo pipefail
dir=$(realpath -m "${1:?usage: up.sh DIR}")
app="wasmd --home $dir/node"
keyring="--keyring-backend test"
chain=reference-1
mnemonic="test test test test test test test test test test test junk"
for tool in wasmd curl; do
  command -v $tool >/dev/null || { echo "up.sh: $tool is not on PATH; see tests/wasmd/README.md" >&2; exit 1; }
done
mkdir -p "$dir"

$app init reference --chain-id $chain >"$dir/init.log" 2>&1
for i in 0 1 2 3 4 5 6 7 8 9; do
  $app keys add a$i --recover --hd-path "m/44'/118'/0'/0/$i" $keyring <<<"$mnemonic" >>"$dir/init.log" 2>&1
  $app genesis add-genesis-account a$i 10000000000000000000000awei $keyring >>"$dir/init.log" 2>&1
done
$app keys add validator $keyring >>"$dir/init.log" 2>&1
$app genesis add-genesis-account validator 1000000000000stake $keyring >>"$dir/init.log" 2>&1
$app genesis gentx validator 1000000000stake --chain-id $chain $keyring >>"$dir/init.log" 2>&1
$app genesis collect-gentxs >>"$dir/init.log" 2>&1
# A mint that mints nothing: blocks without transactions leave every balance alone.
sed -i -E 's#("inflation(_rate_change|_max|_min)?": )"[0-9.]+"#\1"0.000000000000000000"#' "$dir/node/config/genesis.json"

sed -i "s#tcp://127.0.0.1:26657#tcp://127.0.0.1:46657#; s#tcp://0.0.0.0:26656#tcp://127.0.0.1:46656#
  s#^timeout_commit = .*#timeout_commit = \"${COMMIT:-100ms}\"#; s#^pprof_laddr.*#pprof_laddr = \"\"#
  s#^max_body_bytes = .*#max_body_bytes = 4000000#" "$dir/node/config/config.toml"
sed -i 's#^minimum-gas-prices.*#minimum-gas-prices = "0awei"#; s#localhost:9090#127.0.0.1:49090#
  s#tcp://localhost:1317#tcp://127.0.0.1:41317#; /^\[api\]/,/^\[grpc\]/ s#^enable = false#enable = true#' "$dir/node/config/app.toml"

$app start >"$dir/wasmd.log" 2>&1 & echo $! >"$dir/wasmd.pid"
cat >"$dir/env" <<ENV
export WASMD_URL=http://127.0.0.1:46657
export WASMD_REST=http://127.0.0.1:41317
ENV
for _ in $(seq 600); do
  if curl -s http://127.0.0.1:46657/status | grep -q '"latest_block_height": *"[1-9]'; then
    echo "wasmd is up: $dir/env; stop it with: kill \$(cat $dir/wasmd.pid)"; exit 0
  fi
  sleep 0.1
done
echo "up.sh: wasmd made no block within 60 s (log in $dir/wasmd.log)" >&2; tail -n 5 "$dir/wasmd.log" >&2; exit 1
