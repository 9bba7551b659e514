// @solana/kit's program clients, unmodified: a program of more than 100 KB through loader v3, called, upgraded and
// closed; mints and tokens by instruction plans.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import {
  AccountRole, address, airdropFactory, appendTransactionMessageInstructions, createClientWithGetMinimumBalanceFromRpc,
  createSolanaRpc, createSolanaRpcSubscriptions, createTransactionMessage, createTransactionPlanner, flattenTransactionPlan,
  generateKeyPairSigner, getAddressEncoder, getBase64Encoder, getProgramDerivedAddress, getSignatureFromTransaction,
  lamports, pipe, sendAndConfirmTransactionFactory, setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash, signTransactionMessageWithSigners,
} from '@solana/kit';
import { getCreateAccountInstruction } from '@solana-program/system';
import { MEMO_PROGRAM_ADDRESS, getAddMemoInstruction } from '@solana-program/memo';
import {
  LOADER_V3_PROGRAM_ADDRESS, getCloseInstruction, getDeployWithMaxDataLenInstruction, getExtendProgramInstruction,
  getInitializeBufferInstruction, getUpgradeInstruction, getWriteInstruction,
} from '@solana-program/loader-v3';
import * as token from '@solana-program/token';
import * as token22 from '@solana-program/token-2022';
import { startSolana } from './support.mjs';

const SOL = 1_000_000_000n;
const BUFFER_HEADER = 37;
const PROGRAM_HEADER = 45;
const PROGRAM_BYTES = 36n;
const CHUNK = 1_000;
// Writes on their way at once: as many as a deploy tool has.
const PARALLEL = 16;
let devnet, rpc, send, alice, client, elf, program, programData;

before(async () => {
  devnet = await startSolana();
  rpc = createSolanaRpc(devnet.sol);
  const rpcSubscriptions = createSolanaRpcSubscriptions(devnet.solWs);
  send = sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions });
  client = createClientWithGetMinimumBalanceFromRpc(rpc);
  alice = await generateKeyPairSigner();
  const airdrop = airdropFactory({ rpc, rpcSubscriptions });
  await airdrop({ commitment: 'confirmed', lamports: lamports(100n * SOL), recipientAddress: alice.address });
});

after(() => devnet?.stop());

async function execute(instructions, commitment = 'confirmed') {
  const { value } = await rpc.getLatestBlockhash({ commitment: 'confirmed' }).send();
  const transaction = await signTransactionMessageWithSigners(pipe(
    createTransactionMessage({ version: 0 }),
    (draft) => setTransactionMessageFeePayerSigner(alice, draft),
    (draft) => setTransactionMessageLifetimeUsingBlockhash(value, draft),
    (draft) => appendTransactionMessageInstructions(instructions, draft),
  ));
  await send(transaction, { commitment });
  return getSignatureFromTransaction(transaction);
}

async function logsOf(signature) {
  const options = { commitment: 'confirmed', encoding: 'json', maxSupportedTransactionVersion: 0 };
  return (await rpc.getTransaction(signature, options).send()).meta.logMessages;
}

/** An account's bytes, in as many reads as it takes. */
async function bytesOf(account) {
  const { value } = await rpc.getAccountInfo(account, { commitment: 'confirmed', encoding: 'base64+zstd', dataSlice: { offset: 0, length: 0 } }).send();
  const parts = [];
  for (let offset = 0; offset < Number(value.space); offset += 50_000) {
    const dataSlice = { offset, length: 50_000 };
    const part = await rpc.getAccountInfo(account, { commitment: 'confirmed', encoding: 'base64', dataSlice }).send();
    parts.push(getBase64Encoder().encode(part.value.data[0]));
  }
  return Buffer.concat(parts);
}

async function dataAddress(of) {
  const [derived] = await getProgramDerivedAddress({
    programAddress: LOADER_V3_PROGRAM_ADDRESS, seeds: [getAddressEncoder().encode(of)],
  });
  return derived;
}

async function writeBuffer(bytes) {
  const buffer = await generateKeyPairSigner();
  const space = BigInt(BUFFER_HEADER + bytes.length);
  const rent = await rpc.getMinimumBalanceForRentExemption(space).send();
  await execute([
    getCreateAccountInstruction({ payer: alice, newAccount: buffer, lamports: rent, space, programAddress: LOADER_V3_PROGRAM_ADDRESS }),
    getInitializeBufferInstruction({ sourceAccount: buffer.address, bufferAuthority: alice.address }),
  ]);
  const offsets = Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, index) => index * CHUNK);
  const worker = async () => {
    for (let offset = offsets.pop(); offset !== undefined; offset = offsets.pop()) {
      const chunk = bytes.subarray(offset, offset + CHUNK);
      await execute([getWriteInstruction({ bufferAccount: buffer.address, bufferAuthority: alice, offset, bytes: chunk })]);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  assert.ok((await bytesOf(buffer.address)).subarray(BUFFER_HEADER).equals(bytes));
  return buffer;
}

test('a program of more than 100 KB is deployed by loader v3', async () => {
  // The ELF is one that the chain has: SPL Token's, out of its program data account.
  elf = (await bytesOf(await dataAddress(token.TOKEN_PROGRAM_ADDRESS))).subarray(PROGRAM_HEADER);
  assert.ok(elf.length > 100_000 && elf.subarray(0, 4).equals(Buffer.from('\x7fELF')), elf.length);
  const buffer = await writeBuffer(elf);
  program = await generateKeyPairSigner();
  programData = await dataAddress(program.address);
  const rent = await rpc.getMinimumBalanceForRentExemption(PROGRAM_BYTES).send();
  const deploy = await execute([
    getCreateAccountInstruction({
      payer: alice, newAccount: program, lamports: rent, space: PROGRAM_BYTES, programAddress: LOADER_V3_PROGRAM_ADDRESS,
    }),
    getDeployWithMaxDataLenInstruction({
      payerAccount: alice, programDataAccount: programData, programAccount: program.address, bufferAccount: buffer.address,
      authority: alice, maxDataLen: BigInt(elf.length),
    }),
  ]);
  assert.ok((await logsOf(deploy)).some((line) => line === `Deployed program ${program.address}`));
  const { value } = await rpc.getAccountInfo(program.address, { commitment: 'confirmed', encoding: 'jsonParsed' }).send();
  assert.equal(value.executable, true);
  assert.equal(value.data.parsed.info.programData, programData);
  assert.ok((await bytesOf(programData)).subarray(PROGRAM_HEADER).equals(elf));
  assert.equal((await rpc.getAccountInfo(buffer.address, { commitment: 'confirmed' }).send()).value, null);
  // Deploy tools look a program up by its size.
  const found = await rpc.getProgramAccounts(LOADER_V3_PROGRAM_ADDRESS, {
    commitment: 'confirmed', encoding: 'base64', dataSlice: { offset: 0, length: 0 },
    filters: [{ memcmp: { offset: 13n, bytes: alice.address, encoding: 'base58' } }],
  }).send();
  assert.deepEqual(found.map(({ pubkey }) => pubkey), [programData]);
});

test('it is called, and owns what it makes', async () => {
  const mint = await generateKeyPairSigner();
  const space = BigInt(token.getMintSize());
  const rent = await rpc.getMinimumBalanceForRentExemption(space).send();
  const config = { programAddress: program.address };
  const signature = await execute([
    getCreateAccountInstruction({ payer: alice, newAccount: mint, lamports: rent, space, programAddress: program.address }),
    token.getInitializeMint2Instruction({ mint: mint.address, decimals: 2, mintAuthority: alice.address }, config),
  ]);
  assert.ok((await logsOf(signature)).some((line) => line === `Program ${program.address} success`));
  const about = await token.fetchMint(rpc, mint.address, { commitment: 'confirmed' });
  assert.deepEqual([about.programAddress, about.data.decimals, about.data.isInitialized], [program.address, 2, true]);
  await assert.rejects(execute([{ programAddress: program.address, accounts: [], data: new Uint8Array([250]) }]), (error) => {
    assert.match(error.context.logs.join('\n'), new RegExp(`Program ${program.address} failed`));
    return true;
  });
});

test('it is extended, upgraded, and closed', async () => {
  await execute([getExtendProgramInstruction({
    programDataAccount: programData, programAccount: program.address, payer: alice, additionalBytes: 10_240,
    systemProgram: address('11111111111111111111111111111111'),
  })]);
  assert.equal((await bytesOf(programData)).length, PROGRAM_HEADER + elf.length + 10_240);
  // Another program in its place: the current memo program.
  const memo = (await bytesOf(await dataAddress(MEMO_PROGRAM_ADDRESS))).subarray(PROGRAM_HEADER);
  const buffer = await writeBuffer(memo);
  await execute([getUpgradeInstruction({
    programDataAccount: programData, programAccount: program.address, bufferAccount: buffer.address, spillAccount: alice.address, authority: alice,
  })]);
  // Callable in the block after it.
  const say = getAddMemoInstruction({ memo: 'upgraded', signers: [alice] }, { programAddress: program.address });
  assert.ok((await logsOf(await execute([say]))).some((line) => line.includes('upgraded')));
  const before = (await rpc.getBalance(alice.address, { commitment: 'confirmed' }).send()).value;
  const close = getCloseInstruction({
    bufferOrProgramDataAccount: programData, destinationAccount: alice.address, authority: alice, programAccount: program.address,
  });
  // The client marks the program as read only, which the loader refuses.
  const accounts = close.accounts.map((meta) => (meta.address === program.address ? { ...meta, role: AccountRole.WRITABLE } : meta));
  await execute([{ ...close, accounts }]);
  assert.ok((await rpc.getBalance(alice.address, { commitment: 'confirmed' }).send()).value > before);
  await assert.rejects(execute([say]), (error) => {
    assert.match(String(error.cause?.message), /program/i, error);
    return true;
  });
});

test('a mint and its tokens, by instruction plans', async () => {
  const mint = await generateKeyPairSigner();
  const bob = await generateKeyPairSigner();
  const run = async (plan) => {
    const planned = await createTransactionPlanner({
      createTransactionMessage: () => setTransactionMessageFeePayerSigner(alice, createTransactionMessage({ version: 0 })),
    })(plan);
    for (const { message } of flattenTransactionPlan(planned)) await execute(message.instructions);
  };
  await run(await token.getCreateMintInstructionPlan(client, { payer: alice, newMint: mint, decimals: 6, mintAuthority: alice.address }));
  await run(await token.getMintToATAInstructionPlanAsync({
    payer: alice, owner: alice.address, mint: mint.address, mintAuthority: alice, amount: 1_000n, decimals: 6,
  }));
  await run(await token.getTransferToATAInstructionPlanAsync({
    payer: alice, mint: mint.address, authority: alice, recipient: bob.address, amount: 400n, decimals: 6,
  }));
  const amounts = [];
  for (const owner of [alice, bob]) {
    const [ata] = await token.findAssociatedTokenPda({ owner: owner.address, mint: mint.address, tokenProgram: token.TOKEN_PROGRAM_ADDRESS });
    amounts.push((await token.fetchToken(rpc, ata, { commitment: 'confirmed' })).data.amount);
  }
  assert.deepEqual(amounts, [600n, 400n]);
  const owned = await rpc.getTokenAccountsByOwner(bob.address, { mint: mint.address }, { commitment: 'confirmed', encoding: 'jsonParsed' }).send();
  assert.equal(owned.value[0].account.data.parsed.info.tokenAmount.uiAmountString, '0.0004');
  assert.equal((await rpc.getTokenSupply(mint.address, { commitment: 'confirmed' }).send()).value.amount, '1000');
  const largest = await rpc.getTokenLargestAccounts(mint.address, { commitment: 'confirmed' }).send();
  assert.deepEqual(largest.value.map(({ amount }) => amount), ['600', '400']);
});

test('a Token-2022 mint with a transfer fee', async () => {
  const [mint, bob] = [await generateKeyPairSigner(), await generateKeyPairSigner()];
  const fee = { epoch: 0n, maximumFee: 50n, transferFeeBasisPoints: 100 };
  const extensions = [token22.extension('TransferFeeConfig', {
    transferFeeConfigAuthority: alice.address, withdrawWithheldAuthority: alice.address, withheldAmount: 0n,
    olderTransferFee: fee, newerTransferFee: fee,
  })];
  const space = BigInt(token22.getMintSize(extensions));
  const rent = await rpc.getMinimumBalanceForRentExemption(space).send();
  const tokenProgram = token22.TOKEN_2022_PROGRAM_ADDRESS;
  await execute([
    getCreateAccountInstruction({ payer: alice, newAccount: mint, lamports: rent, space, programAddress: tokenProgram }),
    ...token22.getPreInitializeInstructionsForMintExtensions(mint.address, extensions),
    token22.getInitializeMintInstruction({ mint: mint.address, decimals: 0, mintAuthority: alice.address }),
  ]);
  const atas = [];
  for (const owner of [alice.address, bob.address]) {
    const [ata] = await token22.findAssociatedTokenPda({ owner, mint: mint.address, tokenProgram });
    await execute([token22.getCreateAssociatedTokenInstruction({ payer: alice, ata, owner, mint: mint.address, tokenProgram })]);
    atas.push(ata);
  }
  await execute([token22.getMintToInstruction({ mint: mint.address, token: atas[0], mintAuthority: alice, amount: 20_000n })]);
  await execute([token22.getTransferCheckedInstruction({
    source: atas[0], mint: mint.address, destination: atas[1], authority: alice, amount: 1_001n, decimals: 0,
  })]);
  const received = await token22.fetchToken(rpc, atas[1], { commitment: 'confirmed' });
  // A hundredth, rounded up.
  assert.equal(received.data.amount, 990n);
  const held = received.data.extensions.value.find(({ __kind }) => __kind === 'TransferFeeAmount');
  assert.equal(held.withheldAmount, 11n);
  await execute([token22.getWithdrawWithheldTokensFromAccountsInstruction({
    mint: mint.address, feeReceiver: atas[0], withdrawWithheldAuthority: alice, sources: [atas[1]], numTokenAccounts: 1,
  })]);
  assert.equal((await token22.fetchToken(rpc, atas[0], { commitment: 'confirmed' })).data.amount, 19_010n);
});
