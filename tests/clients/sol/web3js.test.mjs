// @solana/web3.js 1.x, unmodified, as an application uses it: SOL, errors, simulation, history, subscriptions.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import {
  ComputeBudgetProgram, Connection, Ed25519Program, Keypair, LAMPORTS_PER_SOL, PublicKey, SendTransactionError,
  SystemProgram, SYSVAR_RENT_PUBKEY, Transaction, TransactionExpiredBlockheightExceededError, TransactionInstruction,
  TransactionMessage, VersionedTransaction, sendAndConfirmTransaction,
} from '@solana/web3.js';
import { utils } from '@coral-xyz/anchor';
import { eventually, rpc, startSolana } from './support.mjs';

const MEMO = new PublicKey('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr');
const OLD_MEMO = new PublicKey('Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo');
const FEE = 5000;

let devnet, connection, alice;

before(async () => {
  devnet = await startSolana();
  connection = new Connection(devnet.sol, 'confirmed');
  alice = await funded(connection, 20);
});

after(() => devnet?.stop());

async function funded(connection, sol) {
  const wallet = Keypair.generate();
  const signature = await connection.requestAirdrop(wallet.publicKey, sol * LAMPORTS_PER_SOL);
  const latest = await connection.getLatestBlockhash();
  const { value } = await connection.confirmTransaction({ signature, ...latest }, 'confirmed');
  assert.equal(value.err, null);
  assert.equal(await connection.getBalance(wallet.publicKey), sol * LAMPORTS_PER_SOL);
  return wallet;
}

function pay(to, lamports, from = alice) {
  return SystemProgram.transfer({ fromPubkey: from.publicKey, toPubkey: to, lamports });
}

function memo(text, programId = MEMO) {
  const keys = [{ pubkey: alice.publicKey, isSigner: true, isWritable: false }];
  return new TransactionInstruction({ programId, keys, data: Buffer.from(text) });
}

function send(...instructions) {
  return sendAndConfirmTransaction(connection, new Transaction().add(...instructions), [alice]);
}

async function versioned(instructions, tables) {
  const { blockhash } = await connection.getLatestBlockhash();
  const message = new TransactionMessage({ payerKey: alice.publicKey, recentBlockhash: blockhash, instructions });
  const transaction = new VersionedTransaction(message.compileToV0Message(tables));
  transaction.sign([alice]);
  return transaction;
}

test('the cluster says who it is', async () => {
  assert.match((await connection.getVersion())['solana-core'], /^\d+\.\d+\.\d+$/);
  assert.equal(new PublicKey(await connection.getGenesisHash()).toBytes().length, 32);
  const latest = await connection.getLatestBlockhashAndContext();
  const height = await connection.getBlockHeight();
  // More than a minute, at 400 ms for a block height.
  const left = latest.value.lastValidBlockHeight - height;
  assert.ok(left > 150 && left <= 300, left);
  const valid = await connection.isBlockhashValid(latest.value.blockhash);
  assert.equal(valid.value, true);
  assert.equal((await connection.isBlockhashValid(Keypair.generate().publicKey.toBase58())).value, false);
  const epoch = await connection.getEpochInfo();
  assert.ok(epoch.absoluteSlot >= latest.context.slot && epoch.slotsInEpoch > 0);
  assert.ok((await connection.getEpochSchedule()).getEpoch(epoch.absoluteSlot) === epoch.epoch);
  assert.equal(await connection.getMinimumLedgerSlot() >= 0, true);
  assert.ok(await connection.getFirstAvailableBlock() >= 0);
  assert.ok(await connection.getTransactionCount() > 0);
  assert.ok((await connection.getSupply()).value.total > 0);
  assert.ok((await connection.getLargestAccounts()).value.length > 0);
  assert.ok((await connection.getClusterNodes()).length > 0);
  assert.deepEqual((await connection.getVoteAccounts()).current, []);
  assert.ok(new PublicKey(await connection.getSlotLeader()));
  assert.equal((await connection.getSlotLeaders(1, 2)).length, 2);
  assert.ok((await connection.getInflationGovernor()).initial === 0);
  assert.ok((await connection.getInflationRate()).total === 0);
  assert.ok((await connection.getStakeMinimumDelegation()).value > 0);
  assert.ok((await connection.getRecentPerformanceSamples(1)).length > 0);
  assert.ok((await connection.getBlockProduction()).value.range.lastSlot >= 0);
});

test('what rent exempts follows the sysvar', async () => {
  const { data } = await connection.getAccountInfo(SYSVAR_RENT_PUBKEY);
  const perByte = Number(data.readBigUInt64LE(0)) * data.readDoubleLE(8);
  for (const bytes of [0, 82, 165, 10_000]) {
    assert.equal(await connection.getMinimumBalanceForRentExemption(bytes), (128 + bytes) * perByte);
  }
});

for (const commitment of ['processed', 'confirmed', 'finalized']) {
  test(`sendAndConfirmTransaction at ${commitment}`, async () => {
    const to = Keypair.generate().publicKey;
    const at = new Connection(devnet.sol, commitment);
    const before = await connection.getBalance(alice.publicKey);
    const transaction = new Transaction().add(pay(to, LAMPORTS_PER_SOL));
    const options = { commitment, preflightCommitment: commitment };
    const signature = await sendAndConfirmTransaction(at, transaction, [alice], options);
    assert.equal(await at.getBalance(to), LAMPORTS_PER_SOL);
    assert.equal(before - (await at.getBalance(alice.publicKey)), LAMPORTS_PER_SOL + FEE);
    const { value } = await at.getSignatureStatus(signature);
    assert.equal(value.err, null);
    const levels = ['processed', 'confirmed', 'finalized'];
    assert.ok(levels.indexOf(value.confirmationStatus) >= levels.indexOf(commitment));
  });
}

test('a priority fee is quoted and paid exactly', async () => {
  const to = Keypair.generate().publicKey;
  const budget = [
    ComputeBudgetProgram.setComputeUnitLimit({ units: 10_001 }),
    ComputeBudgetProgram.setComputeUnitPrice({ microLamports: 1_000_003 }),
  ];
  const transaction = await versioned([...budget, pay(to, LAMPORTS_PER_SOL)]);
  const { value: quoted } = await connection.getFeeForMessage(transaction.message);
  assert.equal(quoted, FEE + Math.ceil((10_001 * 1_000_003) / 1e6));
  const before = await connection.getBalance(alice.publicKey);
  const signature = await connection.sendTransaction(transaction);
  await connection.confirmTransaction({ signature, ...(await connection.getLatestBlockhash()) });
  assert.equal(before - (await connection.getBalance(alice.publicKey)), LAMPORTS_PER_SOL + quoted);
  const fees = await connection.getRecentPrioritizationFees({ lockedWritableAccounts: [to] });
  assert.ok(fees.some((fee) => fee.prioritizationFee === 1_000_003));
});

test('memos of both versions show in logs and lists', async () => {
  const signature = await send(memo('hello from web3.js'));
  const found = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
  assert.ok(found.meta.logMessages.some((line) => line.includes('hello from web3.js')), found.meta.logMessages.join('\n'));
  assert.ok(found.meta.computeUnitsConsumed > 0);
  const [newest] = await connection.getSignaturesForAddress(alice.publicKey, { limit: 1 });
  assert.equal(newest.signature, signature);
  assert.equal(newest.memo, '[18] hello from web3.js');
  const old = await send(memo('an old one', OLD_MEMO));
  assert.equal((await connection.getParsedTransaction(old)).transaction.message.instructions[0].parsed, 'an old one');
});

test('a preflight failure is a SendTransactionError with its logs', async () => {
  const poor = Keypair.generate();
  await connection.confirmTransaction(await connection.requestAirdrop(poor.publicKey, 10_000_000));
  const transaction = new Transaction().add(pay(alice.publicKey, LAMPORTS_PER_SOL, poor));
  await assert.rejects(sendAndConfirmTransaction(connection, transaction, [poor]), (error) => {
    assert.ok(error instanceof SendTransactionError, error);
    assert.match(error.message, /Simulation failed[\s\S]*custom program error: 0x1/);
    assert.ok(error.logs.includes('Transfer: insufficient lamports 9995000, need 1000000000'), error.logs.join('\n'));
    assert.ok(error.logs.some((line) => line.endsWith('failed: custom program error: 0x1')));
    return true;
  });
  assert.equal(await connection.getBalance(poor.publicKey), 10_000_000);
  // Sent without the simulation it lands, fails, and pays.
  transaction.recentBlockhash = (await connection.getLatestBlockhash()).blockhash;
  transaction.sign(poor);
  const signature = await connection.sendRawTransaction(transaction.serialize(), { skipPreflight: true });
  const { value } = await connection.confirmTransaction({ signature, ...(await connection.getLatestBlockhash()) });
  assert.deepEqual(value.err, { InstructionError: [0, { Custom: 1 }] });
  assert.equal(await connection.getBalance(poor.publicKey), 10_000_000 - FEE);
  const failed = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
  assert.deepEqual(failed.meta.err, { InstructionError: [0, { Custom: 1 }] });
  assert.deepEqual(failed.meta.preBalances[0] - failed.meta.postBalances[0], FEE);
});

test('stale, repeated, forged and unfunded transactions are refused in the words that clients match', async () => {
  const refusal = (promise) => promise.then(() => assert.fail('taken'), (error) => error.message);
  const stale = new Transaction({ feePayer: alice.publicKey, recentBlockhash: Keypair.generate().publicKey.toBase58() });
  stale.add(pay(Keypair.generate().publicKey, LAMPORTS_PER_SOL)).sign(alice);
  assert.match(await refusal(connection.sendRawTransaction(stale.serialize())), /Blockhash not found/);
  const twice = await versioned([memo('twice')]);
  const signature = await connection.sendTransaction(twice);
  await connection.confirmTransaction({ signature, ...(await connection.getLatestBlockhash()) });
  assert.match(await refusal(connection.sendTransaction(twice)), /This transaction has already been processed/);
  const forged = await versioned([memo('forged')]);
  forged.signatures[0][0] ^= 1;
  assert.match(await refusal(connection.sendTransaction(forged)), /Transaction did not pass signature verification/);
  assert.match(await refusal(connection.sendTransaction(forged, { skipPreflight: true })), /Transaction signature verification failure/);
  const stranger = Keypair.generate();
  const unfunded = new Transaction({ feePayer: stranger.publicKey, recentBlockhash: (await connection.getLatestBlockhash()).blockhash });
  unfunded.add(pay(alice.publicKey, 1, stranger)).sign(stranger);
  assert.match(await refusal(connection.sendRawTransaction(unfunded.serialize())),
    /Attempt to debit an account but found no record of a prior credit/);
  const large = await rpc(devnet.sol, 'sendTransaction', [Buffer.alloc(1233).toString('base64'), { encoding: 'base64' }]);
  assert.equal(large.error.code, -32602);
  assert.match(large.error.message, /too large: 1233 bytes \(max: 1232 bytes\)/);
});

test('a transaction whose time is over is said to be expired', async () => {
  const { blockhash } = await connection.getLatestBlockhash();
  const lastValidBlockHeight = (await connection.getBlockHeight()) - 1;
  const never = await versioned([memo('never sent')]);
  const signature = utils.bytes.bs58.encode(never.signatures[0]);
  await assert.rejects(connection.confirmTransaction({ signature, blockhash, lastValidBlockHeight }), TransactionExpiredBlockheightExceededError);
});

test('a batch of requests is answered in its order, sends among them', async () => {
  const to = Keypair.generate().publicKey;
  const one = await versioned([pay(to, LAMPORTS_PER_SOL)]);
  const requests = [
    ['getHealth', []],
    ['sendTransaction', [Buffer.from(one.serialize()).toString('base64'), { encoding: 'base64', preflightCommitment: 'confirmed' }]],
    ['noSuchMethod', []],
    ['getBalance', ['not a key']],
  ];
  const body = JSON.stringify(requests.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })));
  const response = await fetch(devnet.sol, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const answers = await response.json();
  assert.deepEqual(answers.map(({ id }) => id), [0, 1, 2, 3]);
  assert.equal(answers[0].result, 'ok');
  assert.equal(answers[1].result, utils.bytes.bs58.encode(one.signatures[0]));
  assert.deepEqual([answers[2].error.code, answers[3].error.code], [-32601, -32602]);
  await eventually('the transfer', async () => (await connection.getBalance(to)) === LAMPORTS_PER_SOL);
});

test('simulation gives logs, units, accounts and return data', async () => {
  const to = Keypair.generate().publicKey;
  const transaction = await versioned([memo('simulated'), pay(to, LAMPORTS_PER_SOL)]);
  const { value } = await connection.simulateTransaction(transaction, {
    sigVerify: true, accounts: { encoding: 'base64', addresses: [to.toBase58()] }, innerInstructions: true,
  });
  assert.equal(value.err, null);
  assert.ok(value.unitsConsumed > 150, value.unitsConsumed);
  assert.ok(value.logs.includes('Program 11111111111111111111111111111111 success'));
  assert.equal(value.accounts[0].lamports, LAMPORTS_PER_SOL);
  assert.equal(await connection.getBalance(to), 0);
  // Without signatures, and on a blockhash that the node puts in.
  const bare = new TransactionMessage({
    payerKey: alice.publicKey, recentBlockhash: PublicKey.default.toBase58(), instructions: [pay(to, 100 * LAMPORTS_PER_SOL)],
  });
  const failed = await connection.simulateTransaction(new VersionedTransaction(bare.compileToV0Message()), { replaceRecentBlockhash: true });
  assert.deepEqual(failed.value.err, { InstructionError: [0, { Custom: 1 }] });
  assert.match(failed.value.logs.join('\n'), /insufficient lamports/);
  // The legacy form.
  const legacy = await connection.simulateTransaction(new Transaction().add(pay(to, LAMPORTS_PER_SOL)), [alice], [to]);
  assert.equal(legacy.value.err, null);
  assert.equal(legacy.value.accounts[0].lamports, LAMPORTS_PER_SOL);
});

test('the signature precompile accepts what is signed and nothing else', async () => {
  const message = Buffer.from('signed elsewhere');
  const good = Ed25519Program.createInstructionWithPrivateKey({ privateKey: Keypair.generate().secretKey, message });
  await send(good, memo('with it'));
  const bad = Ed25519Program.createInstructionWithPrivateKey({ privateKey: Keypair.generate().secretKey, message });
  bad.data[bad.data.length - 1] ^= 1;
  await assert.rejects(send(bad), SendTransactionError);
});

test('signatures of an account are paged, and read in batches', async () => {
  const to = Keypair.generate().publicKey;
  const sent = [];
  for (let amount = 1; amount <= 5; amount += 1) sent.unshift(await send(pay(to, LAMPORTS_PER_SOL / 10 + amount)));
  const names = (list) => list.map(({ signature }) => signature);
  assert.deepEqual(names(await connection.getSignaturesForAddress(to)), sent);
  const first = await connection.getSignaturesForAddress(to, { limit: 2 });
  assert.deepEqual(names(first), sent.slice(0, 2));
  const rest = await connection.getSignaturesForAddress(to, { before: first[1].signature });
  assert.deepEqual(names(rest), sent.slice(2));
  assert.deepEqual(names(await connection.getSignaturesForAddress(to, { until: sent[3] })), sent.slice(0, 3));
  const between = await connection.getSignaturesForAddress(to, { before: sent[0], until: sent[4], limit: 2 });
  assert.deepEqual(names(between), sent.slice(1, 3));
  assert.ok(first[0].slot > 0 && first[0].blockTime > 0 && first[0].err === null);
  // These two are JSON-RPC batches.
  const parsed = await connection.getParsedTransactions(sent, { maxSupportedTransactionVersion: 0 });
  const amounts = parsed.map(({ transaction }) => transaction.message.instructions[0].parsed.info.lamports);
  assert.deepEqual(amounts, [5, 4, 3, 2, 1].map((amount) => LAMPORTS_PER_SOL / 10 + amount));
  assert.equal(parsed[0].transaction.message.instructions[0].program, 'system');
  const raw = await connection.getTransactions([...sent, sent[0]], { maxSupportedTransactionVersion: 0 });
  assert.deepEqual(raw.map((one) => one.transaction.signatures[0]), [...sent, sent[0]]);
  // 64 zero bytes in base58.
  const { value } = await connection.getSignatureStatuses([...sent, '1'.repeat(64)], { searchTransactionHistory: true });
  assert.deepEqual(value.map((status) => status && status.err), [null, null, null, null, null, null]);
  assert.equal(value[5], null);
});

test('a block and what is in it', async () => {
  const signature = await send(memo('in a block'));
  const { slot, blockTime } = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
  const block = await connection.getBlock(slot, { maxSupportedTransactionVersion: 0 });
  assert.ok(block.transactions.some(({ transaction }) => transaction.signatures[0] === signature));
  assert.equal(block.parentSlot, slot - 1);
  assert.equal(block.blockTime, blockTime);
  assert.equal((await connection.getBlock(slot - 1, { maxSupportedTransactionVersion: 0 })).blockhash, block.previousBlockhash);
  assert.equal(await connection.getBlockTime(slot), blockTime);
  assert.deepEqual(await connection.getBlocks(slot - 1, slot), [slot - 1, slot]);
  assert.ok((await connection.getBlockSignatures(slot)).signatures.includes(signature));
  const parsed = await connection.getParsedBlock(slot, { maxSupportedTransactionVersion: 0 });
  assert.ok(parsed.transactions.some(({ transaction }) => transaction.message.instructions[0].parsed === 'in a block'));
});

test('accounts are created, filled with seeds, assigned and read together', async () => {
  const fresh = Keypair.generate();
  const lamports = await connection.getMinimumBalanceForRentExemption(100);
  const create = SystemProgram.createAccount({
    fromPubkey: alice.publicKey, newAccountPubkey: fresh.publicKey, lamports, space: 100, programId: MEMO,
  });
  await sendAndConfirmTransaction(connection, new Transaction().add(create), [alice, fresh]);
  const seeded = await PublicKey.createWithSeed(alice.publicKey, 'seed', SystemProgram.programId);
  await send(SystemProgram.createAccountWithSeed({
    fromPubkey: alice.publicKey, newAccountPubkey: seeded, basePubkey: alice.publicKey, seed: 'seed', lamports, space: 8, programId: SystemProgram.programId,
  }));
  const missing = Keypair.generate().publicKey;
  const [one, two, none] = await connection.getMultipleAccountsInfo([fresh.publicKey, seeded, missing]);
  assert.deepEqual([one.data.length, one.owner.toBase58(), one.lamports, one.executable], [100, MEMO.toBase58(), lamports, false]);
  assert.equal(two.data.length, 8);
  assert.equal(none, null);
  const slice = await connection.getAccountInfo(fresh.publicKey, { dataSlice: { offset: 90, length: 100 } });
  assert.equal(slice.data.length, 10);
  await eventually('it is found by its program', async () => {
    const found = await connection.getProgramAccounts(MEMO, { filters: [{ dataSize: 100 }] });
    return found.length === 1 && found[0].pubkey.equals(fresh.publicKey);
  });
  // Below what rent exempts nothing may be left.
  await assert.rejects(send(pay(Keypair.generate().publicKey, 1)), /insufficient funds for rent|InsufficientFundsForRent/);
});

test('each subscription fires', async () => {
  const to = Keypair.generate().publicKey;
  const owned = Keypair.generate();
  const seen = { account: [], program: [], logs: [], allLogs: [], signature: [], slot: [], root: [], update: [] };
  const on = (kind) => (...event) => seen[kind].push(event);
  const ids = {
    account: connection.onAccountChange(to, on('account'), { commitment: 'processed' }),
    program: connection.onProgramAccountChange(OLD_MEMO, on('program'), { commitment: 'confirmed', filters: [{ dataSize: 7 }] }),
    logs: connection.onLogs(to, on('logs'), 'confirmed'),
    allLogs: connection.onLogs('all', on('allLogs'), 'finalized'),
    slot: connection.onSlotChange(on('slot')),
    root: connection.onRootChange(on('root')),
    update: connection.onSlotUpdate(on('update')),
  };
  await eventually('slots and roots come', () => seen.slot.length > 1 && seen.root.length > 0 && seen.update.length > 0);
  const lamports = await connection.getMinimumBalanceForRentExemption(7);
  const create = SystemProgram.createAccount({
    fromPubkey: alice.publicKey, newAccountPubkey: owned.publicKey, lamports, space: 7, programId: OLD_MEMO,
  });
  const transaction = new Transaction().add(pay(to, LAMPORTS_PER_SOL), create);
  const signature = await connection.sendTransaction(transaction, [alice, owned]);
  connection.onSignature(signature, on('signature'), 'finalized');
  // Logs of earlier transactions become final too.
  const ours = () => seen.allLogs.some(([{ signature: other }]) => other === signature);
  await eventually('all of it', () => Object.values(seen).every((events) => events.length > 0) && ours());
  const [account, context] = seen.account[0];
  assert.deepEqual([account.lamports, account.owner.toBase58()], [LAMPORTS_PER_SOL, SystemProgram.programId.toBase58()]);
  assert.ok(context.slot > 0);
  assert.equal(seen.program.length, 1);
  assert.ok(seen.program[0][0].accountId.equals(owned.publicKey));
  assert.equal(seen.program[0][0].accountInfo.data.length, 7);
  assert.equal(seen.logs.length, 1);
  assert.equal(seen.logs[0][0].signature, signature);
  assert.deepEqual([seen.logs[0][0].err, seen.logs[0][0].logs.length], [null, 4]);
  assert.equal(seen.signature[0][0].err, null);
  const { slot, parent, root } = seen.slot[1][0];
  assert.ok(slot === parent + 1 && root < slot);
  assert.equal(typeof seen.root[0][0], 'number');
  assert.ok(seen.update.some(([{ type }]) => type === 'createdBank' || type === 'frozen' || type === 'root'));
  await connection.removeAccountChangeListener(ids.account);
  await connection.removeProgramAccountChangeListener(ids.program);
  for (const id of [ids.logs, ids.allLogs]) await connection.removeOnLogsListener(id);
  await connection.removeSlotChangeListener(ids.slot);
  await connection.removeRootChangeListener(ids.root);
  await connection.removeSlotUpdateListener(ids.update);
});
