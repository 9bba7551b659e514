// What random intents are made of: numbers from a seed, and messages over what there is on the chains by now.
import { echo, uploads, withSection } from './contracts.mjs';
import * as m from './messages.mjs';
import * as q from './queries.mjs';
import { UPLOAD_GAS } from './tokens.mjs';

/** Submessages nest as deep, so that a message stays small. */
const DEPTH = 3;

/** Numbers from a seed (mulberry32), and choices by them. */
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** An integer below `bound`. */
  below(bound) {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = this.state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % bound;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  chance(percent) {
    return this.below(100) < percent;
  }

  list(most, item) {
    return Array.from({ length: this.below(most + 1) }, item);
  }
}

/** What intents are made from: the accounts, codes and contracts that there are by now, and what is none. */
export class World {
  constructor(both, known, random) {
    Object.assign(this, { both, known, random, made: 0 });
    this.users = both.addresses.slice(0, 6);
    this.echoes = [known.contract, known.other, known.hook];
    this.codes = [known.hookId, known.lifeId, known.ids['migrate version 1'], known.ids['migrate version 2']];
    this.uploads = Object.entries(uploads());
    this.proposals = 5;
  }

  user() {
    return this.random.below(this.users.length);
  }

  /** Mostly a contract that echoes. */
  contract() {
    const { random, known } = this;
    return random.chance(90)
      ? random.pick(this.echoes)
      : random.pick([known.token, known.nft, this.users[1], 'nobody', '']);
  }

  anyone() {
    return this.random.pick([...this.users, ...this.echoes, this.known.token]);
  }

  code() {
    return this.random.chance(90) ? this.random.pick(this.codes) : this.random.pick([0, 999]);
  }

  amount() {
    return this.random.pick([0, 1, 2, 7, 100, 1, 2, 7, '9'.repeat(28)]);
  }

  money() {
    const { random } = this;
    if (random.chance(70)) return [];
    return random.pick([
      m.coins(random.below(9) + 1),
      m.coins(random.below(9) + 1),
      m.coins(1, 'other'),
      m.coins('9'.repeat(28)),
      [{ denom: 'awei', amount: '0' }],
    ]);
  }

  word() {
    return this.random.pick(['a', 'b', 'action', 'Key', 'z z', ' x ', '', '_y', 'ключ', '0', '"quoted"', 'a.b']);
  }

  attributes() {
    return this.random.list(3, () => ({
      key: this.random.chance(85) ? this.random.pick(['a', 'b', 'c', 'key']) : this.word(),
      value: this.word(),
    }));
  }

  /** What a contract answers. */
  answer(depth) {
    const { random } = this;
    if (random.chance(12)) return { error: random.pick(['no', 'Unauthorized', 'a longer sentence: with a colon']) };
    if (random.chance(3))
      return random.pick([{ ok: { messages: 5 } }, { ok: { data: '%' } }, ['panic'], ['abort'], 7, 'text']);
    const events = random.list(2, () => ({
      type: random.chance(90) ? random.pick(['minted', 'abc', 'Done']) : random.pick(['', 'a', ' ab ']),
      attributes: this.attributes(),
    }));
    const messages = depth > 0 ? random.list(3, () => this.submessage(depth - 1)) : [];
    return {
      ok: { messages, attributes: this.attributes(), events, data: random.pick([null, null, '', 'AQI=', 'b3du']) },
    };
  }

  submessage(depth) {
    const { random } = this;
    const gas_limit = random.chance(10) ? random.pick([1, 3_000_000, 5_000_000]) : null;
    return m.sub(this.outgoing(depth), random.pick(['always', 'success', 'error', 'never']), {
      id: random.below(10),
      payload: random.pick(['', 'pay']),
      gas_limit,
    });
  }

  outgoing(depth) {
    const { random, known } = this;
    return random.pick([
      () => m.call(this.contract(), this.answer(depth), this.money()),
      () => m.call(this.contract(), this.answer(depth)),
      () => m.call(this.contract(), this.answer(depth)),
      () => m.pay(this.anyone(), m.coins(this.amount())),
      () => m.burn(m.coins(this.amount())),
      () => m.call(known.token, this.tokenMessage()),
      () => m.make(this.code(), this.answer(depth), { label: random.pick(['x', 'y', '']) }),
      () => m.make2(this.code(), this.answer(0), random.pick(['salt', 'pepper', ''])),
      () => m.change(this.contract(), this.code(), this.answer(depth)),
      () => ({ wasm: { update_admin: { contract_addr: this.contract(), admin: this.anyone() } } }),
      () => ({ wasm: { clear_admin: { contract_addr: this.contract() } } }),
      () => m.proto(m.send(random.pick(this.echoes), this.anyone(), m.coins(1))),
      () => ({ custom: {} }),
    ])();
  }

  tokenMessage() {
    const { random } = this;
    const amount = `${this.amount()}`;
    return random.pick([
      { transfer: { recipient: this.anyone(), amount } },
      { transfer: { recipient: this.anyone(), amount: '1' } },
      { burn: { amount } },
      { mint: { recipient: this.anyone(), amount } },
      { increase_allowance: { spender: this.anyone(), amount } },
      { decrease_allowance: { spender: this.anyone(), amount } },
      { transfer_from: { owner: this.anyone(), recipient: this.anyone(), amount } },
      { burn_from: { owner: this.anyone(), amount } },
      { send: { contract: random.pick(this.echoes), amount: '1', msg: m.base64({ x: random.below(9) }) } },
      { send_from: { owner: this.anyone(), contract: random.pick(this.echoes), amount, msg: 'e30=' } },
      { update_minter: { new_minter: random.chance(50) ? this.users[0] : null } },
      { nothing: {} },
    ]);
  }

  pictureMessage() {
    const token_id = `${this.random.below(6)}`;
    return this.random.pick([
      { mint: { token_id: `r${this.random.below(20)}`, owner: this.anyone(), extension: null } },
      { transfer_nft: { recipient: this.anyone(), token_id } },
      { approve: { spender: this.anyone(), token_id } },
      { revoke: { spender: this.anyone(), token_id } },
      { burn: { token_id } },
      { approve_all: { operator: this.anyone() } },
      { send_nft: { contract: this.random.pick(this.echoes), token_id, msg: 'e30=' } },
    ]);
  }

  safeMessage() {
    const { random } = this;
    const proposal_id = random.below(this.proposals) + 1;
    if (random.chance(40)) {
      this.proposals += 1;
      return {
        propose: {
          title: 'random',
          description: '',
          msgs: random.list(2, () => this.outgoing(0)).filter((msg) => !msg.custom),
        },
      };
    }
    return random.pick([
      { vote: { proposal_id, vote: random.pick(['yes', 'no', 'abstain', 'veto']) } },
      { execute: { proposal_id } },
      { close: { proposal_id } },
    ]);
  }

  /** One message of a transaction by the account `who`. */
  message(who) {
    const { random, known } = this;
    const sender = this.users[who];
    const text = (msg) => (random.chance(4) ? random.pick(['{', '', '{} {}']) : msg);
    const run = () => m.execute(sender, this.contract(), text(this.answer(DEPTH)), this.money());
    return random.pick([
      run,
      run,
      run,
      run,
      run,
      run,
      run,
      () => m.execute(sender, random.pick(this.echoes), [random.below(10), this.answer(1)]),
      () => m.execute(sender, random.pick(this.echoes), [random.below(10), this.answer(1)]),
      () => m.execute(sender, known.token, text(this.tokenMessage()), this.money()),
      () => m.execute(sender, known.token, this.tokenMessage()),
      () => m.execute(sender, known.token, this.tokenMessage()),
      () => m.execute(sender, known.nft, this.pictureMessage()),
      () => m.execute(sender, known.safe, this.safeMessage()),
      () => m.execute(sender, known.safe, this.safeMessage()),
      () =>
        m.instantiate(sender, this.code(), text(this.answer(2)), {
          admin: random.pick(['', sender, random.pick(this.echoes)]),
          label: random.pick(['one', 'two', '', ' three']),
          funds: this.money(),
        }),
      () =>
        m.instantiate2(sender, this.code(), text(this.answer(1)), random.pick(['salt', 'pepper', '']), {
          admin: sender,
          fixMsg: random.chance(50),
        }),
      () => m.migrate(sender, this.contract(), this.code(), text(this.answer(2))),
      () => m.updateAdmin(sender, this.contract(), random.pick([...this.users, 'nobody'])),
      () => m.clearAdmin(sender, this.contract()),
      () => m.updateLabel(sender, this.contract(), random.pick(['new', '', 'x'.repeat(129)])),
      () =>
        m.updateConfig(sender, this.code(), {
          permission: random.pick([1, 3, 3, 3, 4]),
          addresses: random.chance(50) ? this.users.slice(0, 2) : [],
        }),
      () => m.send(sender, this.anyone(), m.coins(this.amount())),
      () => m.send(random.chance(90) ? sender : this.users[0], this.anyone(), this.money()),
    ])();
  }

  /** The code of an upload: good or not. */
  upload(who) {
    const [label, code] = this.random.chance(50)
      ? ['its own section', withSection(echo, 'own', `${this.random.below(1e9)}`)]
      : this.random.pick(this.uploads);
    return [`upload ${label}`, m.storeCode(this.users[who], code), { gas: UPLOAD_GAS }];
  }

  query() {
    const { random, known } = this;
    const page = q.page({ limit: random.pick([1, 2, 5, 0]), reverse: random.chance(30) });
    return random.pick([
      () => q.smart(this.contract(), this.answer(0)),
      () =>
        q.smart(
          known.token,
          random.pick([{ token_info: {} }, { balance: { address: this.anyone() } }, { all_accounts: { limit: 30 } }]),
        ),
      () => q.smart(known.safe, { list_proposals: { limit: 30 } }),
      () => q.smart(known.nft, { all_tokens: { limit: 30 } }),
      () => q.raw(this.contract(), random.pick(['heard', 'answer1', ''])),
      () => q.contract(this.contract()),
      () => q.history(this.contract(), page),
      () => q.state(this.contract(), page),
      () => q.codeInfo(this.code()),
      () => q.byCode(this.code(), page),
      () => q.byCreator(random.pick(this.users), page),
      () => q.codes(page),
      () => q.balances(this.anyone()),
      () => q.balance(this.anyone(), random.pick(['awei', 'other'])),
      () => q.smart(random.pick(this.echoes), [{ bank: { all_balances: { address: this.anyone() } } }]),
      () =>
        q.smart(random.pick(this.echoes), [{ wasm: { contract_info: { contract_addr: random.pick(this.echoes) } } }]),
    ])();
  }

  search() {
    const { random, known } = this;
    const text = random.pick([
      `execute._contract_address='${this.contract()}'`,
      `message.sender='${random.pick(this.users)}'`,
      `wasm._contract_address='${known.token}' AND wasm.action='transfer'`,
      `transfer.recipient='${this.anyone()}'`,
      "message.action='/cosmwasm.wasm.v1.MsgMigrateContract'",
      "wasm-minted.a='b'",
      `tx.height>{height of ${random.below(200)}}`,
      'reply._contract_address EXISTS',
      "wasm.a CONTAINS 'a'",
    ]);
    return [
      text,
      {
        order_by: random.pick(['asc', 'desc']),
        page: `${random.below(3) + 1}`,
        per_page: random.pick(['1', '5', '30']),
      },
    ];
  }
}
