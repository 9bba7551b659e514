// Submessages and replies of the echo contract: every outcome under every `reply_on`, nested, and what the chain answers
// to contracts that ask it.
import * as m from './messages.mjs';
import * as q from './queries.mjs';
import { make } from './tokens.mjs';

const REPLY_ON = ['always', 'success', 'error', 'never'];

/** The kinds of messages that a contract can send, each with whether it is of what this chain has. */
export function outgoing(both, { hookId, other, token, alone }) {
  const [alice, bob] = both.addresses;
  const event = {
    type: 'told',
    attributes: [
      { key: 'z', value: '1' },
      { key: 'a', value: '2' },
    ],
  };
  const told = m.ok({
    attributes: [
      { key: 'b', value: '1' },
      { key: 'a', value: '' },
    ],
    events: [event],
    data: 'aW4=',
  });
  return {
    'a payment': m.pay(bob, m.coins(1)),
    'a payment of nothing': m.pay(bob, []),
    'a payment of zero': m.pay(bob, [{ denom: 'awei', amount: '0' }]),
    'a payment of too much': m.pay(bob, m.coins('9'.repeat(30))),
    'a payment of no number': m.pay(bob, [{ denom: 'awei', amount: '-1' }]),
    'a payment in another coin': m.pay(bob, m.coins(1, 'ustake')),
    'a payment in no coin': m.pay(bob, m.coins(1, '!')),
    'a payment of two kinds': m.pay(bob, [...m.coins(1), ...m.coins(1, 'aaa')]),
    'a payment to nobody': m.pay('nobody', m.coins(1)),
    'a burn': m.burn(m.coins(1)),
    'a burn of nothing': m.burn([]),
    'a burn of too much': m.burn(m.coins('9'.repeat(30))),
    'a call': m.call(other, told),
    'a call with money': m.call(other, m.ok(), m.coins(1)),
    'a call with too much money': m.call(other, m.ok(), m.coins('9'.repeat(30))),
    'a call that fails': m.call(other, { error: 'No way' }),
    'a call that traps': m.call(other, ['panic']),
    'a call that aborts': m.call(other, ['abort']),
    'a call with a bad event': m.call(other, m.ok({ attributes: [{ key: '_x', value: '' }] })),
    'a call of no contract': m.call(bob, {}),
    'a call of no address': m.call('nobody', {}),
    'a call of no JSON': { wasm: { execute: { contract_addr: other, msg: m.base64('{'), funds: [] } } },
    'a call without funds': { wasm: { execute: { contract_addr: other, msg: m.base64(m.ok()) } } },
    'a call of a token': m.call(token, { transfer: { recipient: bob, amount: '1' } }),
    'a new contract': m.make(hookId, told, { admin: bob }),
    'a new contract without a label': m.make(hookId, m.ok(), { label: '' }),
    'a new contract that asks what is unknown': m.make(hookId, m.ok({ messages: [m.sub({ custom: {} })] })),
    'a new contract of no code': m.make(999, m.ok()),
    'a new contract that fails': m.make(hookId, { error: 'not made' }),
    'a predictable contract': m.make2(hookId, m.ok(), 'salt'),
    'a predictable contract without salt': m.make2(hookId, m.ok(), ''),
    'a migration by no admin': m.change(other, hookId, m.ok()),
    'a migration of its own': m.change(alone, hookId, told),
    'a new admin by no admin': { wasm: { update_admin: { contract_addr: other, admin: alice } } },
    'no admin by no admin': { wasm: { clear_admin: { contract_addr: other } } },
    'a new admin of its own': { wasm: { update_admin: { contract_addr: alone, admin: alice } } },
    'an unknown message of wasm': { wasm: { unknown: {} } },
    'protobuf': m.proto(m.send(other, bob, m.coins(1))),
    'protobuf of another': m.proto(m.send(alice, bob, m.coins(1))),
    'protobuf as stargate': { stargate: m.proto(m.send(other, bob, m.coins(1))).any },
    'protobuf of no type': { any: { type_url: '/not.Known', value: '' } },
    'protobuf that is broken': { any: { type_url: '/cosmos.bank.v1beta1.MsgSend', value: m.base64('\u0001') } },
    'a custom message': { custom: {} },
    'nothing known': { unheard_of: {} },
    'an empty message': {},
    'a delegation': { staking: { delegate: { validator: 'weftvaloper1nobody', amount: m.coins(1)[0] } } },
    'a vote': { gov: { vote: { proposal_id: 1, option: 'yes' } } },
    'a withdrawal': { distribution: { withdraw_delegator_reward: { validator: 'weftvaloper1nobody' } } },
    'a packet': {
      ibc: { send_packet: { channel_id: 'channel-0', data: '', timeout: { timestamp: '1', block: null } } },
    },
    'a transfer to another chain': {
      ibc: {
        transfer: {
          channel_id: 'channel-0',
          to_address: 'x',
          amount: m.coins(1)[0],
          timeout: { timestamp: '1', block: null },
        },
      },
    },
    'a closed channel': { ibc: { close_channel: { channel_id: 'channel-0' } } },
  };
}

export async function replies(both, known) {
  const [alice] = both.addresses;
  const money = { funds: m.coins(1_000) };
  const contract = await make(both, 'speaker', known.hookId, m.ok(), money);
  const other = await make(both, 'listener', known.hookId, m.ok(), money);
  await both.tx(
    0,
    'tokens for the speaker',
    m.execute(alice, known.token, { transfer: { recipient: contract, amount: '40' } }),
  );
  await both.tx(0, 'its admin is itself', m.updateAdmin(alice, contract, contract));
  const speak = async (label, answer, funds) => {
    await both.tx(0, label, m.execute(alice, contract, answer, funds));
    await both.query(`what was heard of ${label}`, q.raw(contract, 'heard'));
    await both.tx(0, 'forget', m.execute(alice, contract, ['remove']));
  };
  const answers = {
    1: m.ok({ attributes: [{ key: 'heard', value: 'yes' }] }),
    2: m.ok({ data: 'bmV3' }),
    3: { error: 'the reply refuses' },
    4: m.ok({
      messages: [m.sub(m.pay(alice, m.coins(1)), 'always', { id: 1 })],
      events: [{ type: 'again', attributes: [] }],
    }),
    5: m.ok({ data: '' }),
    6: m.ok({ attributes: [{ key: ' ', value: 'x' }] }),
    7: m.ok({ messages: [m.sub(m.pay(alice, m.coins('9'.repeat(30))), 'never')] }),
  };
  for (const [digit, answer] of Object.entries(answers)) {
    await both.tx(0, `answer ${digit}`, m.execute(alice, contract, [Number(digit), answer]));
  }
  const kinds = outgoing(both, { ...known, other, alone: contract });
  for (const [label, msg] of Object.entries(kinds)) {
    for (const reply_on of label.startsWith('a call') || label === 'a payment' ? REPLY_ON : ['always', 'never']) {
      const answer = m.ok({
        messages: [m.sub(msg, reply_on, { payload: 'pay' })],
        data: 'b3du',
        attributes: [{ key: 'own', value: '1' }],
      });
      await speak(`${label}, reply ${reply_on}`, answer);
    }
  }
  for (const id of [1, 2, 3, 4, 5, 6, 7, 8, 20, 18_446_744_073_709_552_000]) {
    for (const [label, msg] of [
      ['well', m.pay(alice, m.coins(1))],
      ['badly', m.call(other, { error: 'No' })],
    ]) {
      await speak(
        `reply ${id} to what ended ${label}`,
        m.ok({ messages: [m.sub(msg, 'always', { id })], data: 'b3du' }),
      );
    }
  }
  const chain = (depth, last) =>
    depth === 0 ? last : m.call(other, m.ok({ messages: [m.sub(chain(depth - 1, last), 'never')] }));
  const several = [
    m.sub(kinds['a call'], 'always', { id: 1 }),
    m.sub(kinds['a call that fails'], 'error', { id: 20 }),
    m.sub(kinds['a payment'], 'success', { id: 2 }),
    m.sub(kinds['a new contract'], 'never'),
    m.sub(kinds['a payment'], 'always', { id: 9 }),
  ];
  await speak('several', m.ok({ messages: several, data: 'b3du' }));
  await speak(
    'several, the last fails',
    m.ok({ messages: [...several, m.sub(kinds['a call that fails'], 'success')] }),
  );
  await speak('nested', m.ok({ messages: [m.sub(chain(3, kinds['a call']), 'always')] }));
  await speak('nested and failing', m.ok({ messages: [m.sub(chain(3, kinds['a call that fails']), 'always')] }));
  await speak('nested and paying', m.ok({ messages: [m.sub(chain(2, kinds['a payment']), 'always')] }));
  await speak(
    'a limit of gas that is too low',
    m.ok({ messages: [m.sub(kinds['a call'], 'error', { gas_limit: 5 })] }),
  );
  await speak(
    'a limit of gas that is enough',
    m.ok({ messages: [m.sub(kinds['a call'], 'always', { gas_limit: 1_000_000 })] }),
  );
  await speak(
    'an endless loop within a limit',
    m.ok({ messages: [m.sub(m.call(other, ['loop']), 'error', { gas_limit: 500_000 })] }),
  );
  await speak('an unknown reply_on', m.ok({ messages: [{ ...m.sub(kinds['a payment']), reply_on: 'sometimes' }] }));
  await speak('no reply_on', m.ok({ messages: [{ ...m.sub(kinds['a payment']), reply_on: undefined }] }));
  await speak('no id', m.ok({ messages: [{ msg: kinds['a payment'], reply_on: 'always' }] }));
  const forms = {
    'no list of messages': { ok: { attributes: [] } },
    'nothing at all': { ok: {} },
    'null lists': { ok: { messages: null, attributes: null, events: null } },
    'both': { ok: {}, error: 'x' },
    'an error that is a list': { error: [] },
    'data of no base64': { ok: { data: '%%' } },
    'messages of a number': { ok: { messages: 5 } },
    'an unknown field': { ok: { more: 1 } },
    'an attribute of a number': { ok: { attributes: [{ key: 'a', value: 1 }] } },
    'an attribute without a value': { ok: { attributes: [{ key: 'a' }] } },
    'spaces around': m.ok({ attributes: [{ key: ' a ', value: ' b ' }] }),
    'a short event': m.ok({ events: [{ type: ' a ', attributes: [] }] }),
    'an event without attributes': m.ok({ events: [{ type: 'none', attributes: [] }] }),
    'an event with a reserved key': m.ok({ events: [{ type: 'bad', attributes: [{ key: '_a', value: 'b' }] }] }),
    'one key twice': m.ok({
      attributes: [
        { key: 'a', value: '2' },
        { key: 'a', value: '1' },
      ],
    }),
    'other letters': m.ok({ attributes: [{ key: 'ключ', value: '值 "<&>' }] }),
  };
  for (const [label, answer] of Object.entries(forms)) await speak(label, answer);
  for (const label of ['panic', 'abort']) await speak(label, [label]);
  await speak('a message with money that it has not', m.ok(), m.coins('9'.repeat(25)));
  await speak('a message with money', m.ok(), m.coins(5));
  return { contract, other };
}

/** What the chain answers to a contract, in the contract's own bytes. */
export async function questions(both, { contract, other, token, hookId }) {
  const [alice, bob] = both.addresses;
  const smart = (contract_addr, msg) => ({ wasm: { smart: { contract_addr, msg: m.base64(msg) } } });
  const nested = (depth) =>
    depth === 0 ? { token_info: {} } : [smart(depth === 1 ? token : other, nested(depth - 1))];
  const asked = {
    'a balance': { bank: { balance: { address: contract, denom: 'awei' } } },
    'a balance of another coin': { bank: { balance: { address: alice, denom: 'none' } } },
    'a balance of nobody': { bank: { balance: { address: 'nobody', denom: 'awei' } } },
    'all balances': { bank: { all_balances: { address: contract } } },
    'the supply of nothing': { bank: { supply: { denom: 'none' } } },
    'metadata': { bank: { denom_metadata: { denom: 'none' } } },
    'all metadata': { bank: { all_denom_metadata: {} } },
    'an unknown question of bank': { bank: { unknown: {} } },
    'smart': smart(token, { token_info: {} }),
    'smart that fails': smart(token, { balance: { address: 'nobody' } }),
    'smart of an error': smart(other, { error: 'no answer' }),
    'smart of no contract': smart(bob, {}),
    'smart of no address': smart('nobody', {}),
    'nested twice': smart(other, nested(2)),
    'nested four times': smart(other, nested(4)),
    'raw': { wasm: { raw: { contract_addr: token, key: m.base64('token_info') } } },
    'raw of nothing': { wasm: { raw: { contract_addr: token, key: m.base64('nothing') } } },
    'raw of no contract': { wasm: { raw: { contract_addr: bob, key: m.base64('x') } } },
    'raw range': {
      wasm: { raw_range: { contract_addr: other, start: null, end: null, limit: 3, order: 'ascending' } },
    },
    'raw range backwards': {
      wasm: { raw_range: { contract_addr: token, start: m.base64('a'), end: null, limit: 2, order: 'descending' } },
    },
    'raw range in no order': {
      wasm: { raw_range: { contract_addr: token, start: null, end: null, limit: 2, order: 'none' } },
    },
    'contract info': { wasm: { contract_info: { contract_addr: contract } } },
    'contract info of none': { wasm: { contract_info: { contract_addr: bob } } },
    'code info': { wasm: { code_info: { code_id: hookId } } },
    'code info of none': { wasm: { code_info: { code_id: 999 } } },
    'code info of zero': { wasm: { code_info: { code_id: 0 } } },
    'an unknown question of wasm': { wasm: { unknown: {} } },
    'stargate': { stargate: { path: '/cosmos.bank.v1beta1.Query/TotalSupply', data: '' } },
    'grpc': { grpc: { path: '/cosmos.bank.v1beta1.Query/TotalSupply', data: '' } },
    'custom': { custom: {} },
    'the staking denom': { staking: { bonded_denom: {} } },
    'validators': { staking: { all_validators: {} } },
    'a validator': { staking: { validator: { address: 'weftvaloper1nobody' } } },
    'delegations': { staking: { all_delegations: { delegator: contract } } },
    'an ibc port': { ibc: { port_id: {} } },
    'ibc channels': { ibc: { list_channels: {} } },
    'a withdraw address': { distribution: { delegator_withdraw_address: { delegator_address: contract } } },
    'nothing known': { unheard_of: {} },
    'nothing': {},
  };
  for (const [label, request] of Object.entries(asked)) await question(both, contract, label, request);
}

/** A question by a contract in a transaction, and by its query. */
export async function question(both, contract, label, request) {
  await both.tx(0, `ask ${label}`, m.execute(both.addresses[0], contract, [[request]]));
  await both.query(`what the chain answered to ${label}`, q.raw(contract, 'heard'));
  await both.query(`asked by a query: ${label}`, q.smart(contract, [request]));
}
