// @solana/kit and the program clients beside it, unmodified.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import {
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE, address, airdropFactory,
  appendTransactionMessageInstructions, compressTransactionMessageUsingAddressLookupTables, createSolanaRpc,
  createSolanaRpcSubscriptions, createTransactionMessage, fetchAddressesForLookupTables, generateKeyPairSigner,
  getBase64EncodedWireTransaction, getSignatureFromTransaction, isSolanaError, lamports, pipe,
  sendAndConfirmDurableNonceTransactionFactory, sendAndConfirmTransactionFactory, setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash, setTransactionMessageLifetimeUsingDurableNonce,
  signTransactionMessageWithSigners,
} from '@solana/kit';
import {
  SYSTEM_ERROR__RESULT_WITH_NEGATIVE_LAMPORTS, fetchNonce, getCreateAccountInstruction, getInitializeNonceAccountInstruction,
  getNonceSize, getTransferSolInstruction, isSystemError, SYSTEM_PROGRAM_ADDRESS,
} from '@solana-program/system';
import { getSetComputeUnitLimitInstruction, getSetComputeUnitPriceInstruction } from '@solana-program/compute-budget';
import { getAddMemoInstruction } from '@solana-program/memo';
import {
  fetchAddressLookupTable, getCreateLookupTableInstructionAsync, getExtendLookupTableInstruction, findAddressLookupTablePda,
} from '@solana-program/address-lookup-table';
import { eventually, startSolana } from './support.mjs';

const SOL = 1_000_000_000n;
let devnet, rpc, subscriptions, send, alice;

before(async () => {
  devnet = await startSolana();
  rpc = createSolanaRpc(devnet.sol);
  subscriptions = createSolanaRpcSubscriptions(devnet.solWs);
  send = sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions: subscriptions });
  alice = await generateKeyPairSigner();
  const airdrop = airdropFactory({ rpc, rpcSubscriptions: subscriptions });
  await airdrop({ commitment: 'confirmed', lamports: lamports(50n * SOL), recipientAddress: alice.address });
});

after(() => devnet?.stop());

async function balance(of, commitment = 'confirmed') {
  return (await rpc.getBalance(of, { commitment }).send()).value;
}

function message(instructions, version = 0) {
  return pipe(
    createTransactionMessage({ version }),
    (draft) => setTransactionMessageFeePayerSigner(alice, draft),
    (draft) => appendTransactionMessageInstructions(instructions, draft),
  );
}

async function signed(draft) {
  const { value } = await rpc.getLatestBlockhash({ commitment: 'confirmed' }).send();
  return signTransactionMessageWithSigners(setTransactionMessageLifetimeUsingBlockhash(value, draft));
}

async function execute(...instructions) {
  const transaction = await signed(message(instructions));
  await send(transaction, { commitment: 'confirmed' });
  return getSignatureFromTransaction(transaction);
}

function pay(destination, amount = SOL) {
  return getTransferSolInstruction({ source: alice, destination, amount });
}

async function someone() {
  return (await generateKeyPairSigner()).address;
}

for (const commitment of ['processed', 'confirmed', 'finalized']) {
  for (const version of ['legacy', 0]) {
    test(`sendAndConfirm of a ${version} transaction at ${commitment}`, async () => {
      const to = await someone();
      const before = await balance(alice.address);
      const transaction = await signed(message([pay(to)], version));
      await send(transaction, { commitment });
      assert.equal(await balance(to, commitment), SOL);
      assert.equal(before - (await balance(alice.address)), SOL + 5000n);
      const { value } = await rpc.getSignatureStatuses([getSignatureFromTransaction(transaction)]).send();
      assert.equal(value[0].err, null);
    });
  }
}

test('a priority fee, a memo, and what is shown of them', async () => {
  const to = await someone();
  const before = await balance(alice.address);
  const signature = await execute(
    getSetComputeUnitLimitInstruction({ units: 50_000 }), getSetComputeUnitPriceInstruction({ microLamports: 2_000_000n }),
    getAddMemoInstruction({ memo: 'hello from kit', signers: [alice] }), pay(to),
  );
  assert.equal(before - (await balance(alice.address)), SOL + 5000n + 100_000n);
  const found = await rpc.getTransaction(signature, { commitment: 'confirmed', encoding: 'jsonParsed', maxSupportedTransactionVersion: 0 }).send();
  assert.equal(found.version, 0);
  assert.equal(found.meta.fee, 105_000n);
  assert.ok(found.meta.logMessages.some((line) => line.includes('hello from kit')), found.meta.logMessages.join('\n'));
  assert.equal(found.transaction.message.instructions[3].parsed.info.destination, to);
  const [newest] = await rpc.getSignaturesForAddress(alice.address, { limit: 1, commitment: 'confirmed' }).send();
  assert.equal(newest.signature, signature);
  assert.match(newest.memo, /hello from kit/);
});

test('a failed preflight is a typed error with its logs', async () => {
  const draft = message([pay(await someone(), 1_000_000n * SOL)]);
  const transaction = await signed(draft);
  await assert.rejects(send(transaction, { commitment: 'confirmed' }), (error) => {
    assert.ok(isSolanaError(error, SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE), error);
    assert.ok(isSystemError(error.cause, draft, SYSTEM_ERROR__RESULT_WITH_NEGATIVE_LAMPORTS));
    assert.match(error.context.logs.join('\n'), /insufficient lamports/);
    assert.ok(error.context.unitsConsumed > 0n);
    return true;
  });
});

test('simulation gives logs and units', async () => {
  const wire = getBase64EncodedWireTransaction(await signed(message([pay(await someone())])));
  const { value } = await rpc.simulateTransaction(wire, { encoding: 'base64', commitment: 'confirmed', innerInstructions: true }).send();
  assert.equal(value.err, null);
  assert.deepEqual(value.logs, [`Program ${SYSTEM_PROGRAM_ADDRESS} invoke [1]`, `Program ${SYSTEM_PROGRAM_ADDRESS} success`]);
  assert.equal(value.unitsConsumed, 150n);
  assert.ok(value.loadedAccountsDataSize > 0);
});

test('a transaction on a durable nonce is sent and confirmed', async () => {
  const nonce = await generateKeyPairSigner();
  const space = BigInt(getNonceSize());
  const rent = await rpc.getMinimumBalanceForRentExemption(space).send();
  await execute(
    getCreateAccountInstruction({ payer: alice, newAccount: nonce, lamports: rent, space, programAddress: SYSTEM_PROGRAM_ADDRESS }),
    getInitializeNonceAccountInstruction({ nonceAccount: nonce.address, nonceAuthority: alice.address }),
  );
  const { data } = await fetchNonce(rpc, nonce.address, { commitment: 'confirmed' });
  assert.equal(data.authority, alice.address);
  const to = await someone();
  const draft = setTransactionMessageLifetimeUsingDurableNonce(
    { nonce: data.blockhash, nonceAccountAddress: nonce.address, nonceAuthorityAddress: alice.address }, message([pay(to)]));
  const sendNonce = sendAndConfirmDurableNonceTransactionFactory({ rpc, rpcSubscriptions: subscriptions });
  await sendNonce(await signTransactionMessageWithSigners(draft), { commitment: 'confirmed' });
  assert.equal(await balance(to), SOL);
  assert.notEqual((await fetchNonce(rpc, nonce.address, { commitment: 'confirmed' })).data.blockhash, data.blockhash);
});

test('a lookup table is created, extended, and used', async () => {
  const recentSlot = await rpc.getSlot({ commitment: 'finalized' }).send();
  const [table] = await findAddressLookupTablePda({ authority: alice.address, recentSlot });
  const to = await Promise.all(Array.from({ length: 10 }, someone));
  await execute(
    await getCreateLookupTableInstructionAsync({ authority: alice.address, payer: alice, recentSlot }),
    getExtendLookupTableInstruction({ address: table, authority: alice, payer: alice, addresses: to }),
  );
  const fetched = await fetchAddressLookupTable(rpc, table, { commitment: 'confirmed' });
  assert.deepEqual(fetched.data.addresses, to);
  const lookups = await fetchAddressesForLookupTables([table], rpc, { commitment: 'confirmed' });
  const transaction = await signed(compressTransactionMessageUsingAddressLookupTables(message(to.map((one) => pay(one))), lookups));
  await send(transaction, { commitment: 'confirmed' });
  for (const one of to) assert.equal(await balance(one), SOL);
  const found = await rpc.getTransaction(getSignatureFromTransaction(transaction), {
    commitment: 'confirmed', encoding: 'json', maxSupportedTransactionVersion: 0,
  }).send();
  // kit sorts what it looks up.
  assert.deepEqual([...found.meta.loadedAddresses.writable].sort(), [...to].sort());
});

test('each subscription fires', async () => {
  const to = await someone();
  const stop = new AbortController();
  setMaxListeners(50, stop.signal);
  const options = { abortSignal: stop.signal };
  const streams = {
    account: await subscriptions.accountNotifications(to, { commitment: 'confirmed', encoding: 'base64' }).subscribe(options),
    logs: await subscriptions.logsNotifications({ mentions: [to] }, { commitment: 'confirmed' }).subscribe(options),
    all: await subscriptions.logsNotifications('all', { commitment: 'finalized' }).subscribe(options),
    slot: await subscriptions.slotNotifications().subscribe(options),
    root: await subscriptions.rootNotifications().subscribe(options),
    program: await subscriptions.programNotifications(
      address('Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo'), { commitment: 'processed', encoding: 'base64' }).subscribe(options),
  };
  const seen = Object.fromEntries(Object.keys(streams).map((kind) => [kind, []]));
  const follow = async (kind, stream) => {
    for await (const one of stream) seen[kind].push(one);
  };
  const following = Object.entries(streams).map(([kind, stream]) => follow(kind, stream));
  const owned = await generateKeyPairSigner();
  const transaction = await signed(message([pay(to), getCreateAccountInstruction({
    payer: alice, newAccount: owned, lamports: SOL, space: 9n, programAddress: address('Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo'),
  })]));
  const signature = getSignatureFromTransaction(transaction);
  seen.signature = [];
  following.push(follow('signature', await subscriptions.signatureNotifications(
    signature, { commitment: 'finalized', enableReceivedNotification: true }).subscribe(options)));
  await send(transaction, { commitment: 'finalized' });
  // Logs of earlier transactions become final too.
  const ours = () => seen.all.some(({ value }) => value.signature === signature);
  await eventually('all of it', () => Object.values(seen).every((list) => list.length > 0) && seen.signature.length === 2 && ours());
  stop.abort();
  await Promise.all(following);
  assert.equal(seen.account[0].value.lamports, SOL);
  assert.equal(seen.logs[0].value.signature, signature);
  assert.ok(seen.slot[0].slot === seen.slot[0].parent + 1n);
  assert.equal(typeof seen.root[0], 'bigint');
  assert.equal(seen.program[0].value.pubkey, owned.address);
  assert.equal(seen.program[0].value.account.space, 9n);
  assert.deepEqual(seen.signature.map(({ value }) => value), ['receivedSignature', { err: null }]);
});
