// @solana/web3.js 1.x, unmodified: transactions on a durable nonce, and v0 transactions with lookup tables.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import {
  AddressLookupTableProgram, Connection, Keypair, LAMPORTS_PER_SOL, NONCE_ACCOUNT_LENGTH, NonceAccount, SystemProgram,
  Transaction, TransactionMessage, VersionedTransaction, sendAndConfirmTransaction,
} from '@solana/web3.js';
import { eventually, startSolana } from './support.mjs';

let devnet, connection, alice;

before(async () => {
  devnet = await startSolana();
  connection = new Connection(devnet.sol, 'confirmed');
  alice = Keypair.generate();
  await connection.confirmTransaction(await connection.requestAirdrop(alice.publicKey, 50 * LAMPORTS_PER_SOL));
});

after(() => devnet?.stop());

function pay(to, lamports = LAMPORTS_PER_SOL) {
  return SystemProgram.transfer({ fromPubkey: alice.publicKey, toPubkey: to, lamports });
}

test('a transaction on a durable nonce waits, lands once, and moves the nonce on', async () => {
  const nonce = Keypair.generate();
  const lamports = await connection.getMinimumBalanceForRentExemption(NONCE_ACCOUNT_LENGTH);
  const create = SystemProgram.createNonceAccount({
    fromPubkey: alice.publicKey, noncePubkey: nonce.publicKey, authorizedPubkey: alice.publicKey, lamports,
  });
  await sendAndConfirmTransaction(connection, new Transaction().add(create), [alice, nonce]);
  const { context, value } = await connection.getNonceAndContext(nonce.publicKey);
  assert.ok(value.authorizedPubkey.equals(alice.publicKey));
  assert.equal(value.feeCalculator.lamportsPerSignature, 5000);

  const to = Keypair.generate().publicKey;
  const advance = SystemProgram.nonceAdvance({ noncePubkey: nonce.publicKey, authorizedPubkey: alice.publicKey });
  const transaction = new Transaction({
    feePayer: alice.publicKey, minContextSlot: context.slot, nonceInfo: { nonce: value.nonce, nonceInstruction: advance },
  }).add(pay(to));
  transaction.sign(alice);
  assert.equal((await connection.getFeeForMessage(transaction.compileMessage())).value, 5000);
  const signature = await connection.sendRawTransaction(transaction.serialize());
  const confirmed = await connection.confirmTransaction({
    signature, minContextSlot: context.slot, nonceAccountPubkey: nonce.publicKey, nonceValue: value.nonce,
  });
  assert.equal(confirmed.value.err, null);
  assert.equal(await connection.getBalance(to), LAMPORTS_PER_SOL);
  const moved = NonceAccount.fromAccountData((await connection.getAccountInfo(nonce.publicKey)).data);
  assert.notEqual(moved.nonce, value.nonce);
  const parsed = (await connection.getParsedAccountInfo(nonce.publicKey)).value;
  assert.deepEqual([parsed.data.program, parsed.data.parsed.info.blockhash], ['nonce', moved.nonce]);

  // The same bytes again, then others on the spent nonce.
  await assert.rejects(connection.sendRawTransaction(transaction.serialize()), /already been processed|Blockhash not found/);
  const late = new Transaction({
    feePayer: alice.publicKey, minContextSlot: context.slot, nonceInfo: { nonce: value.nonce, nonceInstruction: advance },
  }).add(pay(to, 2 * LAMPORTS_PER_SOL));
  late.sign(alice);
  await assert.rejects(connection.sendRawTransaction(late.serialize()), /Blockhash not found/);
  assert.equal(await connection.getBalance(to), LAMPORTS_PER_SOL);
});

test('one that fails on a nonce pays and moves the nonce on all the same', async () => {
  const nonce = Keypair.generate();
  const lamports = await connection.getMinimumBalanceForRentExemption(NONCE_ACCOUNT_LENGTH);
  const create = SystemProgram.createNonceAccount({
    fromPubkey: alice.publicKey, noncePubkey: nonce.publicKey, authorizedPubkey: alice.publicKey, lamports,
  });
  await sendAndConfirmTransaction(connection, new Transaction().add(create), [alice, nonce]);
  const { context, value } = await connection.getNonceAndContext(nonce.publicKey);
  const before = await connection.getBalance(alice.publicKey);
  const failing = new Transaction({
    feePayer: alice.publicKey, minContextSlot: context.slot,
    nonceInfo: {
      nonce: value.nonce,
      nonceInstruction: SystemProgram.nonceAdvance({ noncePubkey: nonce.publicKey, authorizedPubkey: alice.publicKey }),
    },
  }).add(pay(Keypair.generate().publicKey, 1000 * LAMPORTS_PER_SOL));
  failing.sign(alice);
  const signature = await connection.sendRawTransaction(failing.serialize(), { skipPreflight: true });
  const done = await eventually('its fate', async () => (await connection.getSignatureStatus(signature)).value);
  assert.deepEqual(done.err, { InstructionError: [1, { Custom: 1 }] });
  assert.equal(before - (await connection.getBalance(alice.publicKey)), 5000);
  assert.notEqual((await connection.getNonce(nonce.publicKey)).nonce, value.nonce);
  // The authority takes the lamports back.
  const withdraw = SystemProgram.nonceWithdraw({
    noncePubkey: nonce.publicKey, authorizedPubkey: alice.publicKey, toPubkey: alice.publicKey, lamports,
  });
  await sendAndConfirmTransaction(connection, new Transaction().add(withdraw), [alice]);
  assert.equal(await connection.getAccountInfo(nonce.publicKey), null);
});

test('a lookup table is created, extended, used, deactivated', async () => {
  const recentSlot = await connection.getSlot('finalized');
  const [create, address] = AddressLookupTableProgram.createLookupTable({
    authority: alice.publicKey, payer: alice.publicKey, recentSlot,
  });
  const to = Array.from({ length: 12 }, () => Keypair.generate().publicKey);
  const extend = AddressLookupTableProgram.extendLookupTable({
    payer: alice.publicKey, authority: alice.publicKey, lookupTable: address, addresses: to,
  });
  await sendAndConfirmTransaction(connection, new Transaction().add(create, extend), [alice]);
  const { value: table } = await connection.getAddressLookupTable(address);
  assert.ok(table.isActive());
  assert.deepEqual(table.state.addresses.map(String), to.map(String));
  const parsed = (await connection.getParsedAccountInfo(address)).value;
  assert.equal(parsed.data.program, 'address-lookup-table');
  assert.equal(parsed.data.parsed.info.addresses.length, 12);

  const latest = await connection.getLatestBlockhash();
  const message = new TransactionMessage({
    payerKey: alice.publicKey, recentBlockhash: latest.blockhash, instructions: to.map((one) => pay(one)),
  }).compileToV0Message([table]);
  assert.equal(message.addressTableLookups[0].writableIndexes.length, 12);
  const transaction = new VersionedTransaction(message);
  transaction.sign([alice]);
  const signature = await connection.sendTransaction(transaction);
  assert.equal((await connection.confirmTransaction({ signature, ...latest })).value.err, null);
  for (const one of to) assert.equal(await connection.getBalance(one), LAMPORTS_PER_SOL);

  // A client must say that it understands version 0.
  await assert.rejects(connection.getTransaction(signature), (error) => {
    assert.equal(error.code, -32015);
    return true;
  });
  const found = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
  assert.equal(found.version, 0);
  assert.deepEqual(found.meta.loadedAddresses.writable.map(String), to.map(String));
  assert.deepEqual(found.meta.postBalances.slice(2), Array(12).fill(LAMPORTS_PER_SOL));
  const shown = await connection.getParsedTransaction(signature, { maxSupportedTransactionVersion: 0 });
  const sources = shown.transaction.message.accountKeys.map(({ source }) => source);
  assert.deepEqual(sources, ['transaction', 'transaction', ...Array(12).fill('lookupTable')]);
  assert.ok((await connection.getSignaturesForAddress(to[3])).some((one) => one.signature === signature));

  const deactivate = AddressLookupTableProgram.deactivateLookupTable({ authority: alice.publicKey, lookupTable: address });
  await sendAndConfirmTransaction(connection, new Transaction().add(deactivate), [alice]);
  assert.ok((await connection.getAddressLookupTable(address)).value.state.deactivationSlot < 2n ** 64n - 1n);
  const missing = new TransactionMessage({
    payerKey: alice.publicKey, recentBlockhash: (await connection.getLatestBlockhash()).blockhash, instructions: [pay(to[0])],
  }).compileToV0Message([{ key: Keypair.generate().publicKey, state: { addresses: to } }]);
  const lost = new VersionedTransaction(missing);
  lost.sign([alice]);
  await assert.rejects(connection.sendTransaction(lost), /invalid transaction: Transaction loads an address table account that doesn't exist/);
});
