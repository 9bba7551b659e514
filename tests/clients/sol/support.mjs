// What the scripts for Solana's clients share. With WEFT_SOL_URL a chain that is already running is used, any with a
// faucet, so that the scripts themselves can be checked against another node.
import { eventually, rpc, startDevnet } from '../evm/support.mjs';

export { eventually, rpc };

/** A devnet, with the addresses of its Solana RPC as `sol` and `solWs`. */
export async function startSolana() {
  if (process.env.WEFT_SOL_URL) {
    const sol = process.env.WEFT_SOL_URL;
    return { sol, solWs: nextPort(sol), accounts: { sbf: [] }, stop: async () => {} };
  }
  const devnet = await startDevnet();
  return { ...devnet, sol: devnet.node.urls.sol, solWs: devnet.node.urls.sol_ws };
}

/** Where clients expect the websocket: the next port. */
function nextPort(http) {
  const url = new URL(http.replace('http', 'ws'));
  url.port = Number(url.port) + 1;
  return url.toString();
}
