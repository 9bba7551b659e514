// Anchor's TypeScript client, unmodified, on a real program: SPL Token, by an IDL that is written here. Its instructions
// are told apart by one byte, and its accounts by their size.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import anchor from '@coral-xyz/anchor';
import { startSolana, eventually } from './support.mjs';

const { AnchorProvider, BN, Program, Wallet, utils, web3 } = anchor;
const TOKEN = new web3.PublicKey('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
const MINT_BYTES = 82;

const writable = (name) => ({ name, writable: true });
const signer = (name) => ({ name, signer: true });
const IDL = {
  address: TOKEN.toBase58(),
  metadata: { name: 'splToken', version: '1.0.0', spec: '0.1.0' },
  instructions: [
    {
      name: 'initializeMint2', discriminator: [20], accounts: [writable('mint')],
      args: [
        { name: 'decimals', type: 'u8' }, { name: 'mintAuthority', type: 'pubkey' }, { name: 'freezeAuthority', type: { option: 'pubkey' } },
      ],
    },
    {
      name: 'initializeAccount3', discriminator: [18], accounts: [writable('account'), { name: 'mint' }],
      args: [{ name: 'owner', type: 'pubkey' }],
    },
    {
      name: 'mintTo', discriminator: [7], accounts: [writable('mint'), writable('account'), signer('authority')],
      args: [{ name: 'amount', type: 'u64' }],
    },
    {
      name: 'transfer', discriminator: [3], accounts: [writable('source'), writable('destination'), signer('authority')],
      args: [{ name: 'amount', type: 'u64' }],
    },
    { name: 'getAccountDataSize', discriminator: [21], accounts: [{ name: 'mint' }], args: [], returns: 'u64' },
  ],
  accounts: [{ name: 'mint', discriminator: [] }, { name: 'account', discriminator: [] }],
  types: [
    {
      name: 'mint',
      type: {
        kind: 'struct',
        fields: [
          { name: 'hasMintAuthority', type: 'u32' }, { name: 'mintAuthority', type: 'pubkey' }, { name: 'supply', type: 'u64' },
          { name: 'decimals', type: 'u8' }, { name: 'isInitialized', type: 'bool' },
          { name: 'hasFreezeAuthority', type: 'u32' }, { name: 'freezeAuthority', type: 'pubkey' },
        ],
      },
    },
    {
      name: 'account',
      type: {
        kind: 'struct',
        fields: [{ name: 'mint', type: 'pubkey' }, { name: 'owner', type: 'pubkey' }, { name: 'amount', type: 'u64' }],
      },
    },
  ],
};

let devnet, provider, program, wallet, mint, source, destination;

before(async () => {
  devnet = await startSolana();
  const connection = new web3.Connection(devnet.sol, 'confirmed');
  wallet = new Wallet(web3.Keypair.generate());
  provider = new AnchorProvider(connection, wallet, { commitment: 'confirmed', preflightCommitment: 'confirmed' });
  anchor.setProvider(provider);
  program = new Program(IDL, provider);
  [mint, source, destination] = [web3.Keypair.generate(), web3.Keypair.generate(), web3.Keypair.generate()];
  const airdrop = await connection.requestAirdrop(wallet.publicKey, 10 * web3.LAMPORTS_PER_SOL);
  await connection.confirmTransaction(airdrop);
});

after(() => devnet?.stop());

async function create(account, space) {
  const lamports = await provider.connection.getMinimumBalanceForRentExemption(space);
  return web3.SystemProgram.createAccount({
    fromPubkey: wallet.publicKey, newAccountPubkey: account.publicKey, lamports, space, programId: TOKEN,
  });
}

test('the wallets of accounts.json are funded', async (t) => {
  if (process.env.WEFT_SOL_URL) return t.skip('another node has no accounts.json');
  assert.ok(devnet.accounts.sbf.length > 0);
  for (const { pubkey, secret_key: secret } of devnet.accounts.sbf) {
    const keypair = web3.Keypair.fromSecretKey(utils.bytes.bs58.decode(secret));
    assert.equal(keypair.publicKey.toBase58(), pubkey);
    assert.ok((await provider.connection.getBalance(keypair.publicKey)) >= 100 * web3.LAMPORTS_PER_SOL);
  }
  const rich = new Wallet(web3.Keypair.fromSecretKey(utils.bytes.bs58.decode(devnet.accounts.sbf[0].secret_key)));
  const to = web3.Keypair.generate().publicKey;
  const pay = web3.SystemProgram.transfer({ fromPubkey: rich.publicKey, toPubkey: to, lamports: web3.LAMPORTS_PER_SOL });
  await new AnchorProvider(provider.connection, rich, { commitment: 'confirmed' }).sendAndConfirm(new web3.Transaction().add(pay));
  assert.equal(await provider.connection.getBalance(to), web3.LAMPORTS_PER_SOL);
});

test('the provider sends, confirms and simulates', async () => {
  const to = web3.Keypair.generate().publicKey;
  const lamports = web3.LAMPORTS_PER_SOL;
  const pay = () => new web3.Transaction().add(web3.SystemProgram.transfer({ fromPubkey: wallet.publicKey, toPubkey: to, lamports }));
  const simulated = await provider.simulate(pay());
  assert.ok(simulated.unitsConsumed > 0 && simulated.logs.length === 2);
  const signature = await provider.sendAndConfirm(pay());
  assert.equal(utils.bytes.bs58.decode(signature).length, 64);
  assert.equal(await provider.connection.getBalance(to), lamports);
  const twice = pay().add(...pay().instructions);
  const [one, two] = await provider.sendAll([{ tx: pay() }, { tx: twice }]);
  assert.notEqual(one, two);
  assert.equal(await provider.connection.getBalance(to), 4 * lamports);
  const many = await utils.rpc.getMultipleAccounts(provider.connection, [to, mint.publicKey, wallet.publicKey]);
  assert.deepEqual(many.map((found) => found?.account.lamports ?? null).slice(0, 2), [4 * lamports, null]);
  const [derived] = web3.PublicKey.findProgramAddressSync([utils.bytes.utf8.encode('seed')], TOKEN);
  assert.equal(web3.PublicKey.isOnCurve(derived), false);
});

test('methods of the IDL run, and accounts are fetched by it', async () => {
  await program.methods.initializeMint2(6, wallet.publicKey, null)
    .accounts({ mint: mint.publicKey }).preInstructions([await create(mint, MINT_BYTES)]).signers([mint]).rpc();
  for (const account of [source, destination]) {
    await program.methods.initializeAccount3(wallet.publicKey)
      .accounts({ account: account.publicKey, mint: mint.publicKey }).preInstructions([await create(account, 165)]).signers([account]).rpc();
  }
  const accounts = { mint: mint.publicKey, account: source.publicKey, authority: wallet.publicKey };
  await program.methods.mintTo(new BN(900)).accounts(accounts).rpc();
  const about = await program.account.mint.fetch(mint.publicKey);
  assert.deepEqual([about.supply.toString(), about.decimals, about.isInitialized, about.hasFreezeAuthority], ['900', 6, true, 0]);
  assert.ok(about.mintAuthority.equals(wallet.publicKey));
  await program.methods.transfer(new BN(300))
    .accounts({ source: source.publicKey, destination: destination.publicKey, authority: wallet.publicKey }).rpc();
  const [left, right] = await program.account.account.fetchMultiple([source.publicKey, destination.publicKey]);
  assert.deepEqual([left.amount.toNumber(), right.amount.toNumber()], [600, 300]);
  const filters = [{ dataSize: 165 }, { memcmp: { offset: 0, bytes: mint.publicKey.toBase58() } }];
  const found = await provider.connection.getProgramAccounts(TOKEN, { filters });
  const amounts = found.map(({ account }) => program.coder.accounts.decode('account', account.data).amount.toNumber());
  assert.deepEqual(amounts.sort(), [300, 600]);
  assert.equal(await program.account.mint.fetchNullable(web3.Keypair.generate().publicKey), null);
});

test('a view gives what the program returned, a simulation its logs', async () => {
  const size = await program.methods.getAccountDataSize().accounts({ mint: mint.publicKey }).view();
  assert.equal(size.toNumber(), 165);
  const { raw } = await program.methods.transfer(new BN(1))
    .accounts({ source: source.publicKey, destination: destination.publicKey, authority: wallet.publicKey }).simulate();
  assert.ok(raw.some((line) => line === `Program ${TOKEN} success`), raw.join('\n'));
});

test('all accounts of a type are found by its discriminator', async () => {
  const tables = new Program({
    address: web3.AddressLookupTableProgram.programId.toBase58(),
    metadata: { name: 'tables', version: '1.0.0', spec: '0.1.0' },
    instructions: [],
    accounts: [{ name: 'table', discriminator: [1, 0, 0, 0] }],
    types: [{ name: 'table', type: { kind: 'struct', fields: [{ name: 'deactivationSlot', type: 'u64' }] } }],
  }, provider);
  const [create, address] = web3.AddressLookupTableProgram.createLookupTable({
    authority: wallet.publicKey, payer: wallet.publicKey, recentSlot: await provider.connection.getSlot('finalized'),
  });
  await provider.sendAndConfirm(new web3.Transaction().add(create));
  const found = await tables.account.table.all();
  assert.deepEqual(found.map(({ publicKey }) => publicKey.toBase58()), [address.toBase58()]);
  assert.equal(found[0].account.deactivationSlot.toString(), String(2n ** 64n - 1n));
});

test("a program's error is told with its logs and by whom", async () => {
  const accounts = { source: source.publicKey, destination: destination.publicKey, authority: wallet.publicKey };
  const failing = program.methods.transfer(new BN(5_000)).accounts(accounts);
  await assert.rejects(failing.rpc(), (error) => {
    assert.ok(error instanceof web3.SendTransactionError, error);
    assert.ok(error.logs.includes(`Program ${TOKEN} failed: custom program error: 0x1`));
    assert.deepEqual(error.programErrorStack.map(String), [TOKEN.toBase58()]);
    return true;
  });
  await assert.rejects(provider.simulate(await failing.transaction()), (error) => {
    assert.deepEqual(error.simulationResponse.err, { InstructionError: [0, { Custom: 1 }] });
    return true;
  });
  assert.equal((await program.account.account.fetch(source.publicKey)).amount.toNumber(), 600);
});

test('accounts are followed by subscription', async () => {
  const amounts = [];
  const emitter = program.account.account.subscribe(destination.publicKey, 'confirmed');
  emitter.on('change', (account) => amounts.push(account.amount.toNumber()));
  // The emitter does not say when it has subscribed, so transfers go on until one is seen.
  await eventually('a change', async () => {
    await program.methods.transfer(new BN(1))
      .accounts({ source: source.publicKey, destination: destination.publicKey, authority: wallet.publicKey })
      .preInstructions([web3.ComputeBudgetProgram.setComputeUnitLimit({ units: 100_000 + amounts.length })]).rpc();
    return amounts.length > 0;
  });
  assert.ok(amounts[0] > 300);
  await program.account.account.unsubscribe(destination.publicKey);
});
