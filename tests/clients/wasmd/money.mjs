// Bank messages, and what is refused before any message runs: fees, sequences, signatures, limits.
import { any } from './messages.mjs';
import * as m from './messages.mjs';
import * as q from './queries.mjs';

export async function payments(both, { hook }) {
  const [alice, bob, carol] = both.addresses;
  const other = both.addresses[9];
  const io = (address, amount) => ({ address, coins: m.coins(amount) });
  const sends = {
    'to another': [bob, m.coins(5)],
    'to oneself': [alice, m.coins(5)],
    'to a contract': [hook, m.coins(5)],
    'of nothing': [bob, []],
    'of zero': [bob, [{ denom: 'awei', amount: '0' }]],
    'of too much': [bob, m.coins('9'.repeat(30))],
    'of more than there can be': [bob, m.coins('9'.repeat(90))],
    'of a negative number': [bob, [{ denom: 'awei', amount: '-5' }]],
    'of no number': [bob, [{ denom: 'awei', amount: 'x' }]],
    'of another coin': [bob, m.coins(1, 'other')],
    'of a coin that cannot be': [bob, m.coins(1, '1x')],
    'of two coins': [bob, [...m.coins(1, 'aaa'), ...m.coins(1)]],
    'of one coin twice': [bob, [...m.coins(1), ...m.coins(1)]],
    'to the fee collector': ['weft17xpfvakm2amg962yls6f84z3kell8c5luddj3p', m.coins(1)],
    'to no address': ['nobody', m.coins(1)],
    'to the empty address': ['', m.coins(1)],
  };
  for (const [label, [to, amount]] of Object.entries(sends))
    await both.tx(0, `send ${label}`, m.send(alice, to, amount));
  const many = {
    'two outputs': [[io(alice, 30)], [io(bob, 10), io(carol, 20)]],
    'uneven': [[io(alice, 30)], [io(bob, 10)]],
    'two inputs': [[io(alice, 10), io(bob, 10)], [io(carol, 20)]],
    'no input': [[], [io(bob, 10)]],
    'no output': [[io(alice, 10)], []],
    'too much': [[io(alice, '9'.repeat(30))], [io(bob, '9'.repeat(30))]],
    'a bad output': [[io(alice, 10)], [io('nobody', 10)]],
    'zero': [[io(alice, 0)], [io(bob, 0)]],
    'one output twice': [[io(alice, 20)], [io(bob, 10), io(bob, 10)]],
  };
  for (const [label, [inputs, outputs]] of Object.entries(many))
    await both.tx(0, `multi-send: ${label}`, m.multiSend(inputs, outputs));
  const several = {
    'three that succeed': [
      m.send(alice, bob, m.coins(1)),
      m.execute(alice, hook, m.ok()),
      m.send(alice, carol, m.coins(2)),
    ],
    'the last fails': [m.send(alice, bob, m.coins(1)), m.execute(alice, hook, { error: 'no' })],
    'the first fails': [m.execute(alice, hook, { error: 'no' }), m.send(alice, bob, m.coins(1))],
    'made and called': [m.send(alice, other, m.coins(1)), m.send(alice, other, m.coins(1))],
  };
  for (const [label, messages] of Object.entries(several)) await both.tx(0, `several: ${label}`, messages);
  await both.tx([0, 1], 'two signers', [m.send(alice, carol, m.coins(1)), m.send(bob, carol, m.coins(1))]);
  await both.tx([1, 0], 'two signers in the other order', [
    m.send(bob, carol, m.coins(1)),
    m.send(alice, carol, m.coins(1)),
  ]);
  for (const address of [...both.addresses, hook]) await both.query(`balances of ${address}`, q.balances(address));
}

export async function admission(both, { hook }) {
  const [alice, bob] = both.addresses;
  const pay = m.send(alice, bob, m.coins(1));
  const cases = {
    'with a sequence that was': { sequence: -1n },
    'with a sequence to come': { sequence: 1n },
    'of another chain': { foreign: 'other-1' },
    'with too little gas for its size': { gas: 1_000 },
    'with no gas': { gas: 0, fee: [] },
    'with the longest memo': { memo: 'x'.repeat(256), gas: 200_000 },
    'with too long a memo': { memo: 'x'.repeat(257) },
    'that is in time': { timeoutHeight: 1_000_000n },
    'with a fee that it has not': { fee: m.coins('9'.repeat(30)) },
    'with a fee of another coin': { fee: m.coins(1, 'other') },
    'with fees in disorder': { fee: [...m.coins(1, 'b'), ...m.coins(1, 'a')] },
  };
  for (const [label, more] of Object.entries(cases)) await both.tx(0, `a transaction ${label}`, pay, more);
  await both.tx(0, 'a call that never ends', m.execute(alice, hook, ['loop']), { gas: 400_000 });
  await both.twice(0, 'a transaction sent again', pay);
  await both.tx(1, 'a transaction signed by another', pay);
  await both.tx([0, 1], 'a transaction with a signature too many', pay);
  await both.tx(0, 'a transaction with a signature too few', [pay, m.send(bob, alice, m.coins(1))]);
  await both.tx(0, 'a transaction without messages', []);
  await both.tx(0, 'a transaction of an unknown message', any('/not.Known', new Uint8Array()));
  await both.tx(0, 'a transaction of a broken message', any('/cosmos.bank.v1beta1.MsgSend', new Uint8Array([1, 2, 3])));
  await both.tx(0, 'a transaction of an empty message', any('/cosmos.bank.v1beta1.MsgSend', new Uint8Array()));
  await both.tx(
    0,
    'a transaction with an unknown field',
    any('/cosmos.bank.v1beta1.MsgSend', Buffer.concat([Buffer.from(pay.value), Buffer.from([0xa2, 0x06, 0])])),
  );
  for (const [label, tx] of [
    ['nothing', ''],
    ['no protobuf', Buffer.from('hello').toString('base64')],
    ['no base64', '%'],
  ]) {
    await both.call('broadcast_tx_sync', { tx }, ({ hash: _, ...rest }) => rest, label);
  }
}
