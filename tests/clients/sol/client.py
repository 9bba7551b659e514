"""solana-py and solders, unmodified, against a devnet. WEFT_BIN names the binary; `python -m unittest client` runs it."""

import asyncio
import json
import logging
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.models import MemcmpOpts, TokenAccountOpts, TxOpts
from solana.rpc.websocket_api import SolanaWsClient
from solders.address_lookup_table_account import AddressLookupTable, AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.rpc.config import RpcTransactionLogsFilterMentions
from solders.rpc.responses import (
    AccountNotification, BlockNotification, LogsNotification, ProgramNotification, RootNotification, SignatureNotification, SlotNotification,
)
from solders.system_program import (
    CreateAccountParams, CreateLookupTableParams, ExtendLookupTableParams, TransferParams, advance_nonce_account,
    create_account, create_lookup_table, create_nonce_account, extend_lookup_table, transfer,
)
from solders.sysvar import CLOCK, RENT
from solders.transaction import VersionedTransaction
from solders.transaction_status import TransactionConfirmationStatus
from spl.memo.constants import MEMO_PROGRAM_ID
from spl.memo.instructions import create_memo
from spl.memo.models import MemoParams
from spl.token import instructions as token
from spl.token import models
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

SOL = 1_000_000_000
SYSTEM = Pubkey.default()
LOADER = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
READY_SECONDS = 60
WAIT_SECONDS = 30
NONCE_BYTES = 80
# Bytes of a mint with a transfer fee: 165, its type, and the extension with its header of four.
FEE_MINT_BYTES = 165 + 1 + 4 + 108
BUFFER_HEADER, PROGRAM_HEADER, PROGRAM_BYTES = 37, 45, 36
CHUNK = 1_000
PARALLEL = 16


class Devnet:
    """A devnet in a directory of its own."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="weft-clients-")
        listen = [part for name in ("--eth", "--sol", "--celestia-listen") for part in (name, "127.0.0.1:0")]
        command = [os.environ["WEFT_BIN"], "devnet", "--dir", self.directory, *listen]
        self.log = open(os.path.join(self.directory, "output"), "w+b")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        ready, deadline = pathlib.Path(self.directory, "node.json"), time.monotonic() + READY_SECONDS
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the devnet is not ready:\n{self.output()}")
            time.sleep(0.05)
        urls = json.loads(ready.read_text())["urls"]
        self.http, self.ws = urls["sol"], urls["sol_ws"]

    def output(self):
        self.log.seek(0)
        return self.log.read().decode()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(WAIT_SECONDS)
        output = self.output()
        self.log.close()
        shutil.rmtree(self.directory)
        if code != 0:
            raise RuntimeError(f"the devnet stopped with {code}:\n{output}")


def setUpModule():
    global devnet
    # unittest turns on asyncio's complaints about slow steps.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    devnet = Devnet()


def tearDownModule():
    devnet.stop()


class Case(unittest.IsolatedAsyncioTestCase):
    """A funded wallet for each test."""

    async def asyncSetUp(self):
        self.client = await self.enterAsyncContext(AsyncClient(devnet.http, commitment=Confirmed))
        self.alice = Keypair()
        airdrop = await self.client.request_airdrop(self.alice.pubkey(), 50 * SOL)
        await self.client.confirm_transaction(airdrop.value, Confirmed, sleep_seconds=0.05)
        self.assertEqual(await self.balance(self.alice.pubkey()), 50 * SOL)

    async def balance(self, of, commitment=Confirmed):
        return (await self.client.get_balance(of, commitment)).value

    def pay(self, to, lamports=SOL):
        return transfer(TransferParams(from_pubkey=self.alice.pubkey(), to_pubkey=to, lamports=lamports))

    async def create(self, account, space, owner):
        lamports = (await self.client.get_minimum_balance_for_rent_exemption(space)).value
        return create_account(CreateAccountParams(
            from_pubkey=self.alice.pubkey(), to_pubkey=account.pubkey(), lamports=lamports, space=space, owner=owner))

    async def signed(self, instructions, signers=(), tables=(), blockhash=None):
        if blockhash is None:
            blockhash = (await self.client.get_latest_blockhash(Confirmed)).value.blockhash
        message = MessageV0.try_compile(self.alice.pubkey(), instructions, list(tables), blockhash)
        return VersionedTransaction(message, [self.alice, *signers])

    async def send(self, *instructions, signers=(), tables=(), commitment=Confirmed, blockhash=None):
        transaction = await self.signed(instructions, signers, tables, blockhash)
        sent = await self.client.send_transaction(transaction, TxOpts(preflight_commitment=Processed))
        status = await self.client.confirm_transaction(sent.value, commitment, sleep_seconds=0.05)
        self.assertIsNone(status.value[0].err)
        return sent.value

    async def shown(self, signature, encoding="json"):
        found = await self.client.get_transaction(signature, encoding, Confirmed, max_supported_transaction_version=0)
        return found.value


class Sol(Case):
    async def test_cluster(self):
        client = self.client
        self.assertTrue(await client.is_connected())
        self.assertRegex((await client.get_version()).value.solana_core, r"^\d+\.\d+\.\d+$")
        latest = (await client.get_latest_blockhash()).value
        height = (await client.get_block_height()).value
        # More than a minute, at 400 ms for a block height.
        self.assertTrue(150 < latest.last_valid_block_height - height <= 300)
        epoch = (await client.get_epoch_info()).value
        self.assertEqual(epoch.epoch, (await client.get_epoch_schedule()).value.get_epoch(epoch.absolute_slot))
        self.assertEqual(len(bytes((await client.get_genesis_hash()).value)), 32)
        self.assertEqual((await client.get_slot_leader()).value, (await client.get_identity()).value.identity)
        self.assertEqual(len((await client.get_slot_leaders(1, 3)).value), 3)
        self.assertGreater((await client.get_supply()).value.total, 0)
        self.assertGreater(len((await client.get_largest_accounts()).value), 0)
        self.assertGreater((await client.get_transaction_count()).value, 0)
        self.assertEqual((await client.get_vote_accounts()).value.current, [])
        self.assertEqual(len((await client.get_cluster_nodes()).value), 1)
        self.assertEqual((await client.get_inflation_governor()).value.initial, 0)
        self.assertEqual((await client.get_inflation_rate()).value.total, 0)
        self.assertEqual((await client.get_inflation_reward([self.alice.pubkey()])).value, [None])
        self.assertGreater(len((await client.get_recent_performance_samples(2)).value), 0)
        self.assertGreater(len((await client.get_recent_prioritization_fees()).value), 0)
        self.assertIsNotNone(await client.get_leader_schedule())
        self.assertEqual((await client.get_minimum_ledger_slot()).value, (await client.get_first_available_block()).value)
        self.assertEqual((await client.get_blocks(0, 1)).value, [0, 1])

    async def test_transfer_at_each_commitment(self):
        for commitment in (Processed, Confirmed, Finalized):
            to, before = Keypair().pubkey(), await self.balance(self.alice.pubkey())
            signature = await self.send(self.pay(to), commitment=commitment)
            self.assertEqual(await self.balance(to, commitment), SOL)
            self.assertEqual(before - await self.balance(self.alice.pubkey()), SOL + 5000)
            status = (await self.client.get_signature_statuses([signature])).value[0]
            if commitment == Finalized:
                self.assertEqual(status.confirmation_status, TransactionConfirmationStatus.Finalized)

    async def test_fee_memo_and_history(self):
        to, sent = Keypair().pubkey(), []
        for number in range(3):
            budget = [set_compute_unit_limit(100_000), set_compute_unit_price(1_000_000)]
            memo = create_memo(MemoParams(program_id=MEMO_PROGRAM_ID, signer=self.alice.pubkey(), message=b"from python %d" % number))
            transaction = await self.signed([*budget, memo, self.pay(to)])
            self.assertEqual((await self.client.get_fee_for_message(transaction.message)).value, 105_000)
            sent.insert(0, (await self.client.send_transaction(transaction, TxOpts(skip_confirmation=False, preflight_commitment=Confirmed))).value)
        newest = (await self.client.get_signatures_for_address(to, limit=1)).value
        self.assertEqual([newest[0].signature, newest[0].memo], [sent[0], "[13] from python 2"])
        rest = (await self.client.get_signatures_for_address(to, before=sent[0])).value
        self.assertEqual([one.signature for one in rest], sent[1:])
        for encoding in ("json", "jsonParsed", "base64", "base58"):
            found = await self.shown(sent[0], encoding)
            self.assertEqual(found.transaction.meta.fee, 105_000)
            self.assertTrue(any("from python 2" in line for line in found.transaction.meta.log_messages))
        block = (await self.client.get_block(found.slot, max_supported_transaction_version=0)).value
        self.assertIn(sent[0], [one.transaction.signatures[0] for one in block.transactions])
        self.assertEqual((await self.client.get_block_time(found.slot)).value, found.block_time)

    async def test_simulation_and_refusal(self):
        good = await self.signed([self.pay(Keypair().pubkey())])
        simulated = (await self.client.simulate_transaction(good, sig_verify=True)).value
        self.assertIsNone(simulated.err)
        self.assertEqual(simulated.units_consumed, 150)
        bad = await self.signed([self.pay(Keypair().pubkey(), 1000 * SOL)])
        with self.assertRaises(RPCException) as raised:
            await self.client.send_transaction(bad)
        refusal = raised.exception.args[0]
        self.assertIn("custom program error: 0x1", refusal.message)
        self.assertTrue(any("insufficient lamports" in line for line in refusal.data.logs))
        stale = await self.signed([self.pay(Keypair().pubkey())], blockhash=Hash(bytes(Keypair().pubkey())))
        with self.assertRaisesRegex(RPCException, "Blockhash not found"):
            await self.client.send_transaction(stale)

    async def test_encodings(self):
        account = Keypair()
        await self.send(await self.create(account, 100, MEMO_PROGRAM_ID), signers=[account])
        for encoding in ("base58", "base64", "base64+zstd"):
            self.assertEqual((await self.client.get_account_info(account.pubkey(), encoding=encoding)).value.data, bytes(100))
        rent = (await self.client.get_account_info_json_parsed(RENT)).value.data.parsed
        self.assertEqual(rent["type"], "rent")
        both = (await self.client.get_multiple_accounts([account.pubkey(), Keypair().pubkey()])).value
        self.assertEqual([one and one.owner for one in both], [MEMO_PROGRAM_ID, None])

    async def test_lookup_table(self):
        slot = (await self.client.get_slot(Finalized)).value
        create, table = create_lookup_table(CreateLookupTableParams(
            recent_slot=slot, authority_address=self.alice.pubkey(), payer_address=self.alice.pubkey()))
        to = [Keypair().pubkey() for _ in range(8)]
        extend = extend_lookup_table(ExtendLookupTableParams(
            lookup_table_address=table, authority_address=self.alice.pubkey(), payer_address=self.alice.pubkey(), new_addresses=to))
        await self.send(create, extend)
        data = (await self.client.get_account_info(table)).value.data
        self.assertEqual(AddressLookupTable.deserialize(data).addresses, to)
        signature = await self.send(*(self.pay(one) for one in to), tables=[AddressLookupTableAccount(table, to)])
        self.assertEqual([await self.balance(one) for one in to], [SOL] * 8)
        loaded = (await self.shown(signature)).transaction.meta.loaded_addresses
        self.assertEqual(sorted(map(str, loaded.writable)), sorted(map(str, to)))

    async def test_durable_nonce(self):
        nonce = Keypair()
        rent = (await self.client.get_minimum_balance_for_rent_exemption(NONCE_BYTES)).value
        await self.send(*create_nonce_account(self.alice.pubkey(), nonce.pubkey(), self.alice.pubkey(), rent), signers=[nonce])

        async def value():
            data = (await self.client.get_account_info(nonce.pubkey())).value.data
            return Hash.from_bytes(data[40:72])

        first, to = await value(), Keypair().pubkey()
        advance = advance_nonce_account({"nonce_pubkey": nonce.pubkey(), "authorized_pubkey": self.alice.pubkey()})
        await self.send(advance, self.pay(to), blockhash=first)
        self.assertEqual(await self.balance(to), SOL)
        self.assertNotEqual(await value(), first)


class Tokens(Case):
    async def test_token_and_token_2022(self):
        for program, fee in ((TOKEN_PROGRAM_ID, 0), (TOKEN_2022_PROGRAM_ID, 25)):
            await self.flow(program, fee)

    async def flow(self, program, fee):
        alice, bob, mint = self.alice.pubkey(), Keypair().pubkey(), Keypair()
        instructions = [await self.create(mint, FEE_MINT_BYTES if fee else 82, program)]
        if fee:
            instructions.append(token.initialize_transfer_fee_config(models.InitializeTransferFeeConfigParams(
                program_id=program, mint=mint.pubkey(), transfer_fee_config_authority=alice, withdraw_withheld_authority=alice,
                transfer_fee_basis_points=250, maximum_fee=1_000)))
        instructions.append(token.initialize_mint2(models.InitializeMint2Params(
            program_id=program, mint=mint.pubkey(), decimals=3, mint_authority=alice)))
        await self.send(*instructions, signers=[mint])
        source, target = (token.get_associated_token_address(owner, mint.pubkey(), program) for owner in (alice, bob))
        await self.send(
            token.create_associated_token_account(alice, alice, mint.pubkey(), program),
            token.create_idempotent_associated_token_account(alice, bob, mint.pubkey(), program),
            token.mint_to(models.MintToParams(program_id=program, mint=mint.pubkey(), dest=source, mint_authority=alice, amount=5_000)))
        signature = await self.send(token.transfer_checked(models.TransferCheckedParams(
            program_id=program, source=source, mint=mint.pubkey(), dest=target, owner=alice, amount=1_000, decimals=3)))
        amounts = [int((await self.client.get_token_account_balance(one)).value.amount) for one in (source, target)]
        self.assertEqual(amounts, [4_000, 1_000 - fee])
        after = (await self.shown(signature)).transaction.meta.post_token_balances
        self.assertEqual({one.owner: int(one.ui_token_amount.amount) for one in after}, {alice: 4_000, bob: 1_000 - fee})
        supply = (await self.client.get_token_supply(mint.pubkey())).value
        self.assertEqual([supply.amount, supply.ui_amount_string], ["5000", "5"])
        largest = (await self.client.get_token_largest_accounts(mint.pubkey())).value
        self.assertEqual(largest[0].address, source)
        for options in (TokenAccountOpts(mint=mint.pubkey()), TokenAccountOpts(program_id=program)):
            raw = (await self.client.get_token_accounts_by_owner(bob, options)).value
            parsed = (await self.client.get_token_accounts_by_owner_json_parsed(bob, options)).value
            self.assertEqual([one.pubkey for one in raw], [target])
            info = parsed[0].account.data.parsed["info"]
            self.assertEqual(info["tokenAmount"]["amount"], str(1_000 - fee))
        filters = [MemcmpOpts(offset=32, bytes=str(bob))]
        found = (await self.client.get_program_accounts(program, encoding="base64", filters=filters)).value
        self.assertEqual([one.pubkey for one in found], [target])


class Programs(Case):
    async def test_deploy_and_call(self):
        data = Pubkey.find_program_address([bytes(TOKEN_PROGRAM_ID)], LOADER)[0]
        elf = (await self.client.get_account_info(data)).value.data[PROGRAM_HEADER:]
        self.assertGreater(len(elf), 100_000)
        buffer, program, alice = Keypair(), Keypair(), self.alice.pubkey()
        at = lambda key, signer=False, writable=True: AccountMeta(key, signer, writable)
        await self.send(
            await self.create(buffer, BUFFER_HEADER + len(elf), LOADER),
            Instruction(LOADER, struct.pack("<I", 0), [at(buffer.pubkey()), at(alice, False, False)]), signers=[buffer])

        async def write(offset):
            chunk = elf[offset:offset + CHUNK]
            body = struct.pack("<IIQ", 1, offset, len(chunk)) + chunk
            await self.send(Instruction(LOADER, body, [at(buffer.pubkey()), at(alice, True, False)]))

        offsets = range(0, len(elf), CHUNK)
        for first in range(0, len(offsets), PARALLEL):
            await asyncio.gather(*(write(offset) for offset in offsets[first:first + PARALLEL]))
        target = Pubkey.find_program_address([bytes(program.pubkey())], LOADER)[0]
        deploy = Instruction(LOADER, struct.pack("<IQ", 2, len(elf)), [
            at(alice, True), at(target), at(program.pubkey()), at(buffer.pubkey()), at(RENT, False, False), at(CLOCK, False, False),
            at(SYSTEM, False, False), at(alice, True, False)])
        await self.send(await self.create(program, PROGRAM_BYTES, LOADER), deploy, signers=[program])
        self.assertTrue((await self.client.get_account_info(program.pubkey())).value.executable)
        mint = Keypair()
        initialize = token.initialize_mint2(models.InitializeMint2Params(
            program_id=program.pubkey(), mint=mint.pubkey(), decimals=1, mint_authority=alice))
        signature = await self.send(await self.create(mint, 82, program.pubkey()), initialize, signers=[mint])
        self.assertIn(f"Program {program.pubkey()} success", (await self.shown(signature)).transaction.meta.log_messages)


class Subscriptions(Case):
    async def test_each_fires(self):
        to, owned = Keypair().pubkey(), Keypair()
        async with SolanaWsClient(devnet.ws) as socket:
            subscribed = [
                await socket.account_subscribe(pubkey=to, commitment=Confirmed, encoding="base64"),
                await socket.program_subscribe(program_id=MEMO_PROGRAM_ID, commitment=Confirmed, encoding="base64"),
                await socket.logs_subscribe(filter_=RpcTransactionLogsFilterMentions(to), commitment=Confirmed),
                await socket.slot_subscribe(),
                await socket.root_subscribe(),
                await socket.block_subscribe(commitment=Confirmed, encoding="base64", max_supported_transaction_version=0),
            ]
            transaction = await self.signed([self.pay(to), await self.create(owned, 5, MEMO_PROGRAM_ID)], [owned])
            signature = transaction.signatures[0]
            await socket.signature_subscribe(signature=signature, commitment=Finalized)
            await self.client.send_transaction(transaction, TxOpts(preflight_commitment=Confirmed))
            wanted = {
                AccountNotification, ProgramNotification, LogsNotification, SlotNotification, RootNotification, SignatureNotification,
                BlockNotification,
            }
            seen = {}
            async with asyncio.timeout(WAIT_SECONDS):
                while wanted - seen.keys():
                    notification = await socket.recv()
                    seen.setdefault(type(notification), notification.result)
            self.assertEqual(seen[AccountNotification].value.lamports, SOL)
            self.assertEqual(seen[ProgramNotification].value.pubkey, owned.pubkey())
            self.assertEqual(seen[LogsNotification].value.signature, signature)
            self.assertIsNone(seen[SignatureNotification].value.err)
            self.assertEqual(seen[SlotNotification].parent + 1, seen[SlotNotification].slot)
            for subscription in subscribed:
                await socket.unsubscribe(subscription)


if __name__ == "__main__":
    unittest.main()
