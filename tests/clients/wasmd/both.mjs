// The two chains side by side: one intent goes to both, and both answers to the ledger.
import { startCosmos } from '../cosmos/support.mjs';
import { rpc } from '../evm/support.mjs';
import { Chain, wallets } from './chain.mjs';
import { Ledger } from './compare.mjs';
import { readable } from './decode.mjs';

export class Both {
  ledger = new Ledger();
  /** By hash, the place of each transaction among those that both chains took: how searches are compared. */
  places = { weft: new Map(), wasmd: new Map() };
  heights = { weft: [], wasmd: [] };

  /** Starts a devnet and connects to it and to the wasmd that the environment names. */
  static async start() {
    const url = process.env.WASMD_URL;
    if (!url) throw new Error('set WASMD_URL to the RPC of a wasmd with tests/wasmd/up.sh (tests/run does)');
    const both = new Both();
    both.devnet = await startCosmos();
    try {
      const shared = await wallets();
      both.addresses = shared.accounts.map(({ address }) => address);
      both.weft = await Chain.connect(both.devnet.cosmos, both.devnet.cosmos, shared);
      both.wasmd = await Chain.connect(url, process.env.WASMD_REST, shared);
      const used = [...both.wasmd.sequences.values()].some((sequence) => sequence > 0n);
      if (used)
        throw new Error(`the wasmd at ${url} has been used: start a new one, whose codes and contracts count from one`);
    } catch (error) {
      await both.devnet.stop();
      throw error;
    }
    return both;
  }

  async stop() {
    await this.devnet.stop();
  }

  async each(ask) {
    return Promise.all([ask(this.weft, 'weft'), ask(this.wasmd, 'wasmd')]);
  }

  /** A transaction of `who` (or of several); what devnet gave, with its response messages decoded. */
  async tx(who, label, messages, more = {}) {
    const signers = [who].flat();
    const intent = { kind: 'tx', label: `tx "${label}"`, signers, messages: [messages].flat(), ...more };
    const [weft, wasmd] = await this.each((chain) => chain.send(intent));
    if (weft.deliver && wasmd.deliver) this.remember(weft, wasmd);
    const shown = ({ check, deliver, error }) => ({
      check,
      deliver: deliver && { ...deliver, ...readable(deliver) },
      error,
    });
    this.ledger.take(intent, shown(weft), shown(wasmd));
    return weft;
  }

  remember(weft, wasmd) {
    const place = this.heights.weft.length;
    for (const [name, sent] of Object.entries({ weft, wasmd })) {
      this.places[name].set(sent.hash, place);
      this.heights[name].push(sent.height);
    }
  }

  /** A transaction, and what both say when they get the same bytes again. */
  async twice(who, label, messages) {
    const intent = { kind: 'tx', label: `tx "${label}"`, signers: [who], messages: [messages] };
    const bytes = await this.each((chain) => chain.encode(intent, true));
    await this.tx(who, label, messages);
    const answers = await this.each((chain, name) => chain.broadcast(bytes[name === 'weft' ? 0 : 1]));
    this.ledger.take(intent, ...answers.map(({ error, result }) => ({ error, result })));
  }

  /** What both say a transaction would do. */
  async simulate(who, label, messages) {
    const intent = {
      kind: 'simulate',
      label: `simulate "${label}"`,
      signers: [who].flat(),
      messages: [messages].flat(),
    };
    const answers = await this.each((chain) => chain.simulate(intent));
    this.ledger.take(intent, ...answers);
  }

  /** A query by ABCI, with `query` from queries.mjs; its answer decoded. */
  async query(label, query) {
    return (await this.queryEach(label, () => query)).weft;
  }

  /** A query that is another one for each chain. */
  async queryEach(label, queryOf) {
    const intent = { kind: 'query', label: `query "${label}"`, path: queryOf('weft').path };
    const answers = await this.each(async (chain, name) => {
      const { path, data, read } = queryOf(name);
      const { height, value, ...rest } = await chain.abciQuery({ path, data });
      return { ...rest, ...(rest.code === 0 ? read(Buffer.from(value ?? '', 'base64')) : { refused: value }) };
    });
    this.ledger.take(intent, ...answers);
    return { weft: answers[0].value, wasmd: answers[1].value };
  }

  /** A search for transactions. `{height of N}` in its text is the height of the Nth transaction on each chain. */
  async search(text, more = {}) {
    const intent = { kind: 'search', label: `search ${text} ${JSON.stringify(more)}` };
    const answers = await this.each(async (chain, name) => {
      const query = text.replace(/\{height of (\d+)\}/g, (_, place) => this.heights[name][Number(place)]);
      const { result, error } = await rpc(chain.url, 'tx_search', { query, prove: false, ...more });
      if (error) return { error };
      const txs = result.txs.map(({ hash, index, tx_result: given }) => ({
        place: this.places[name].get(hash),
        index,
        given,
      }));
      return { ...result, txs };
    });
    this.ledger.take(intent, ...answers);
    return answers[0];
  }

  /** Any method of the RPC, its parameters perhaps of the heights so far; `pick` chooses what is compared. */
  async call(method, params = {}, pick = (result) => result, label = JSON.stringify(params)) {
    const intent = { kind: 'rpc', label: `${method} ${label}`, method };
    const answers = await this.each(async (chain, name) => {
      const given = typeof params === 'function' ? params(this.heights[name]) : params;
      const { result, error } = await rpc(chain.url, method, given);
      return error ? { error } : { result: pick(result) };
    });
    this.ledger.take(intent, ...answers);
  }

  async get(path) {
    const intent = { kind: 'rest', label: `GET ${path}`, path };
    const answers = await this.each((chain) => chain.get(path));
    this.ledger.take(intent, ...answers);
  }
}

/** An attribute of the first event of that type, where a transaction has one. */
export function attribute(sent, type, key) {
  const event = sent.deliver?.events.find((event) => event.type === type);
  return event?.attributes.find((attribute) => attribute.key === key)?.value;
}
