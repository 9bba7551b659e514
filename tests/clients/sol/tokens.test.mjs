// @solana/spl-token, unmodified: Token, Token-2022 with a transfer fee, and the queries that wallets ask.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import {
  Connection, Keypair, LAMPORTS_PER_SOL, SendTransactionError, SystemProgram, Transaction, sendAndConfirmTransaction,
} from '@solana/web3.js';
import {
  AccountLayout, AuthorityType, ExtensionType, MintLayout, NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID,
  TokenAccountNotFoundError, approve, burn, closeAccount, createAssociatedTokenAccountIdempotent,
  createInitializeMintInstruction, createInitializeTransferFeeConfigInstruction, createMint, createMultisig,
  createSyncNativeInstruction, freezeAccount, getAccount, getAssociatedTokenAddressSync, getMint, getMintLen,
  getOrCreateAssociatedTokenAccount, getTransferFeeAmount, getTransferFeeConfig, harvestWithheldTokensToMint, mintTo,
  setAuthority, thawAccount, transfer, transferChecked, transferCheckedWithFee, withdrawWithheldTokensFromAccounts,
  withdrawWithheldTokensFromMint,
} from '@solana/spl-token';
import { eventually, startSolana } from './support.mjs';

let devnet, connection, alice, bob, mint, alices, bobs;

before(async () => {
  devnet = await startSolana();
  connection = new Connection(devnet.sol, 'confirmed');
  [alice, bob] = [Keypair.generate(), Keypair.generate()];
  for (const wallet of [alice, bob]) {
    await connection.confirmTransaction(await connection.requestAirdrop(wallet.publicKey, 20 * LAMPORTS_PER_SOL));
  }
});

after(() => devnet?.stop());

test('a mint is made, tokens are minted and transferred', async () => {
  mint = await createMint(connection, alice, alice.publicKey, alice.publicKey, 6);
  alices = (await getOrCreateAssociatedTokenAccount(connection, alice, mint, alice.publicKey)).address;
  bobs = (await getOrCreateAssociatedTokenAccount(connection, alice, mint, bob.publicKey)).address;
  assert.ok(alices.equals(getAssociatedTokenAddressSync(mint, alice.publicKey)));
  await mintTo(connection, alice, mint, alices, alice, 1_000_000);
  const signature = await transfer(connection, alice, alices, bobs, alice, 400_000);
  assert.equal((await getAccount(connection, alices)).amount, 600_000n);
  assert.equal((await getAccount(connection, bobs)).amount, 400_000n);
  const about = await getMint(connection, mint);
  assert.deepEqual([about.supply, about.decimals, about.isInitialized], [1_000_000n, 6, true]);

  const { meta } = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
  const amounts = (list) => Object.fromEntries(list.map((one) => [one.owner, one.uiTokenAmount.uiAmountString]));
  assert.deepEqual(amounts(meta.preTokenBalances), { [alice.publicKey]: '1', [bob.publicKey]: '0' });
  assert.deepEqual(amounts(meta.postTokenBalances), { [alice.publicKey]: '0.6', [bob.publicKey]: '0.4' });
  assert.ok(meta.postTokenBalances.every((one) => one.mint === mint.toBase58() && one.programId === TOKEN_PROGRAM_ID.toBase58()));
  const parsed = await connection.getParsedTransaction(signature, { maxSupportedTransactionVersion: 0 });
  const [instruction] = parsed.transaction.message.instructions;
  assert.deepEqual([instruction.program, instruction.parsed.type, instruction.parsed.info.amount], ['spl-token', 'transfer', '400000']);
});

test('a delegate, a freeze, a burn, a close and a change of authority', async () => {
  const carol = Keypair.generate();
  await approve(connection, alice, alices, carol.publicKey, alice, 100);
  await transferChecked(connection, alice, alices, mint, bobs, carol, 60, 6);
  assert.equal((await getAccount(connection, alices)).delegatedAmount, 40n);
  const delegated = await fetchDelegated(carol.publicKey);
  assert.deepEqual(delegated, [alices.toBase58()]);
  await assert.rejects(transferChecked(connection, alice, alices, mint, bobs, carol, 60, 6), refused(/0x1$/m));
  await freezeAccount(connection, alice, bobs, mint, alice);
  assert.equal((await getAccount(connection, bobs)).isFrozen, true);
  await assert.rejects(transfer(connection, alice, alices, bobs, alice, 1), refused(/0x11$/m));
  await thawAccount(connection, alice, bobs, mint, alice);
  await burn(connection, bob, bobs, mint, bob, (await getAccount(connection, bobs)).amount);
  const before = await connection.getBalance(bob.publicKey);
  const { lamports } = await connection.getAccountInfo(bobs);
  await closeAccount(connection, bob, bobs, bob.publicKey, bob);
  assert.equal(await connection.getBalance(bob.publicKey), before + lamports - 5000);
  await assert.rejects(getAccount(connection, bobs), TokenAccountNotFoundError);
  await setAuthority(connection, alice, mint, alice, AuthorityType.MintTokens, null);
  assert.equal((await getMint(connection, mint)).mintAuthority, null);
  await assert.rejects(mintTo(connection, alice, mint, alices, alice, 1), refused(/0x5$/m));
});

function refused(pattern) {
  return (error) => {
    assert.ok(error instanceof SendTransactionError, error);
    assert.match(error.logs.join('\n'), pattern);
    return true;
  };
}

async function fetchDelegated(delegate) {
  const { value } = (await connection._rpcRequest('getTokenAccountsByDelegate', [
    delegate.toBase58(), { programId: TOKEN_PROGRAM_ID.toBase58() }, { encoding: 'jsonParsed', commitment: 'confirmed' },
  ])).result;
  return value.map(({ pubkey }) => pubkey);
}

test('two of three sign for a multisig', async () => {
  const signers = [Keypair.generate(), Keypair.generate(), Keypair.generate()];
  const multisig = await createMultisig(connection, alice, signers.map(({ publicKey }) => publicKey), 2);
  const other = await createMint(connection, alice, multisig, null, 0);
  const account = await createAssociatedTokenAccountIdempotent(connection, alice, other, alice.publicKey);
  await mintTo(connection, alice, other, account, multisig, 3, signers.slice(1));
  assert.equal((await getAccount(connection, account)).amount, 3n);
  await assert.rejects(mintTo(connection, alice, other, account, multisig, 3, signers.slice(2)), refused(/missing required signature/));
});

test('SOL is wrapped and unwrapped', async () => {
  const account = await createAssociatedTokenAccountIdempotent(connection, alice, NATIVE_MINT, alice.publicKey);
  const fund = SystemProgram.transfer({ fromPubkey: alice.publicKey, toPubkey: account, lamports: LAMPORTS_PER_SOL });
  await sendAndConfirmTransaction(connection, new Transaction().add(fund, createSyncNativeInstruction(account)), [alice]);
  const wrapped = await getAccount(connection, account);
  assert.deepEqual([wrapped.amount, wrapped.isNative], [BigInt(LAMPORTS_PER_SOL), true]);
  const before = await connection.getBalance(alice.publicKey);
  await closeAccount(connection, alice, account, alice.publicKey, alice);
  assert.ok((await connection.getBalance(alice.publicKey)) - before >= LAMPORTS_PER_SOL);
});

test('Token-2022 takes its fee, and gives it to who may have it', async () => {
  const keys = Keypair.generate();
  const program = TOKEN_2022_PROGRAM_ID;
  const space = getMintLen([ExtensionType.TransferFeeConfig]);
  const lamports = await connection.getMinimumBalanceForRentExemption(space);
  const create = new Transaction().add(
    SystemProgram.createAccount({ fromPubkey: alice.publicKey, newAccountPubkey: keys.publicKey, space, lamports, programId: program }),
    createInitializeTransferFeeConfigInstruction(keys.publicKey, alice.publicKey, alice.publicKey, 250, 1_000n, program),
    createInitializeMintInstruction(keys.publicKey, 2, alice.publicKey, null, program),
  );
  await sendAndConfirmTransaction(connection, create, [alice, keys]);
  const fees = getTransferFeeConfig(await getMint(connection, keys.publicKey, undefined, program));
  assert.deepEqual([fees.newerTransferFee.transferFeeBasisPoints, fees.newerTransferFee.maximumFee], [250, 1_000n]);
  const args = [connection, alice, keys.publicKey];
  const from = await createAssociatedTokenAccountIdempotent(...args, alice.publicKey, undefined, program);
  const to = await createAssociatedTokenAccountIdempotent(...args, bob.publicKey, undefined, program);
  await mintTo(...args, from, alice, 100_000, [], undefined, program);
  await transferChecked(connection, alice, from, keys.publicKey, to, alice, 10_000, 2, [], undefined, program);
  const held = async (account) => {
    const state = await getAccount(connection, account, undefined, program);
    return [state.amount, getTransferFeeAmount(state).withheldAmount];
  };
  assert.deepEqual(await held(to), [9_750n, 250n]);
  await transferCheckedWithFee(connection, alice, from, keys.publicKey, to, alice, 80_000n, 2, 1_000n, [], undefined, program);
  assert.deepEqual(await held(to), [88_750n, 1_250n]);
  await assert.rejects(
    transferCheckedWithFee(connection, alice, from, keys.publicKey, to, alice, 1_000n, 2, 24n, [], undefined, program),
    refused(/failed: custom program error/));
  await withdrawWithheldTokensFromAccounts(...args, from, alice, [], [to], undefined, program);
  assert.deepEqual(await held(to), [88_750n, 0n]);
  assert.deepEqual(await held(from), [11_250n, 0n]);
  await transferChecked(connection, bob, to, keys.publicKey, from, bob, 4_000, 2, [], undefined, program);
  await harvestWithheldTokensToMint(...args, [from], undefined, program);
  await withdrawWithheldTokensFromMint(...args, from, alice, [], undefined, program);
  assert.deepEqual(await held(from), [15_250n, 0n]);

  const shown = (await connection.getParsedAccountInfo(keys.publicKey)).value.data;
  assert.equal(shown.program, 'spl-token-2022');
  assert.equal(shown.parsed.info.extensions[0].extension, 'transferFeeConfig');
  const supply = (await connection.getTokenSupply(keys.publicKey)).value;
  assert.deepEqual([supply.amount, supply.uiAmountString, supply.decimals], ['100000', '1000', 2]);
});

test('wallets find their accounts by program, mint and filters', async () => {
  const owner = Keypair.generate();
  const mints = [];
  for (const decimals of [0, 3]) mints.push(await createMint(connection, alice, alice.publicKey, null, decimals));
  const accounts = [];
  for (const one of mints) {
    const account = await createAssociatedTokenAccountIdempotent(connection, alice, one, owner.publicKey);
    await mintTo(connection, alice, one, account, alice, 1_500);
    accounts.push(account);
  }
  const keys = (list) => list.map(({ pubkey }) => pubkey.toBase58()).sort();
  const both = accounts.map(String).sort();
  const byProgram = await connection.getTokenAccountsByOwner(owner.publicKey, { programId: TOKEN_PROGRAM_ID });
  assert.deepEqual(keys(byProgram.value), both);
  for (const { account } of byProgram.value) assert.equal(AccountLayout.decode(account.data).amount, 1_500n);
  const byMint = await connection.getTokenAccountsByOwner(owner.publicKey, { mint: mints[1] });
  assert.deepEqual(keys(byMint.value), [accounts[1].toBase58()]);
  const parsed = await connection.getParsedTokenAccountsByOwner(owner.publicKey, { mint: mints[1] });
  const { tokenAmount } = parsed.value[0].account.data.parsed.info;
  assert.deepEqual([tokenAmount.amount, tokenAmount.uiAmount, tokenAmount.uiAmountString], ['1500', 1.5, '1.5']);
  assert.equal((await connection.getTokenAccountsByOwner(owner.publicKey, { programId: TOKEN_2022_PROGRAM_ID })).value.length, 0);

  const filters = [{ dataSize: 165 }, { memcmp: { offset: 32, bytes: owner.publicKey.toBase58() } }];
  assert.deepEqual(keys(await connection.getProgramAccounts(TOKEN_PROGRAM_ID, { filters })), both);
  const sliced = await connection.getProgramAccounts(TOKEN_PROGRAM_ID, {
    filters: [{ memcmp: { offset: 0, bytes: mints[0].toBase58() } }], dataSlice: { offset: 64, length: 8 }, withContext: true,
  });
  assert.deepEqual(keys(sliced.value), [accounts[0].toBase58()]);
  assert.equal(sliced.value[0].account.data.readBigUInt64LE(), 1_500n);
  const all = await connection.getParsedProgramAccounts(TOKEN_PROGRAM_ID, { filters: [{ dataSize: MintLayout.span }] });
  for (const one of mints) assert.ok(all.some(({ pubkey, account }) => pubkey.equals(one) && account.data.parsed.type === 'mint'));
  await assert.rejects(connection.getTokenAccountsByOwner(owner.publicKey, { mint: owner.publicKey }), /could not find mint/);

  const largest = await connection.getTokenLargestAccounts(mints[1]);
  assert.deepEqual([largest.value[0].address.toBase58(), largest.value[0].uiAmountString], [accounts[1].toBase58(), '1.5']);
  assert.equal((await connection.getTokenAccountBalance(accounts[1])).value.uiAmountString, '1.5');
});

test('a token account is followed by subscription', async () => {
  const seen = [];
  const id = connection.onProgramAccountChange(TOKEN_PROGRAM_ID, ({ accountId, accountInfo }) => {
    seen.push([accountId.toBase58(), AccountLayout.decode(accountInfo.data).amount]);
  }, { commitment: 'confirmed', filters: [{ dataSize: 165 }, { memcmp: { offset: 32, bytes: alice.publicKey.toBase58() } }] });
  const other = await createMint(connection, alice, alice.publicKey, null, 0);
  const account = await createAssociatedTokenAccountIdempotent(connection, alice, other, alice.publicKey);
  await mintTo(connection, alice, other, account, alice, 77);
  await eventually('the amount', () => seen.some(([key, amount]) => key === account.toBase58() && amount === 77n));
  await connection.removeProgramAccountChangeListener(id);
});
