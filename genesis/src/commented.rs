//! [`Genesis::to_commented_toml`]: the file that `weft init` writes, with a comment on every field.

use crate::{Account, Genesis, Machine, text};
use std::fmt::Display;

/// TOML that grows line by line; every field takes its comment with it.
#[derive(Default)]
struct Writer(String);

impl Writer {
    fn line(&mut self, line: impl Display) {
        self.0.push_str(&format!("{line}\n"));
    }

    fn table(&mut self, comment: &str, header: &str) {
        self.line(format_args!("\n# {comment}\n{header}"));
    }

    fn field(&mut self, comment: &str, name: &str, value: impl Display) {
        self.line(format_args!("# {comment}\n{name} = {value}"));
    }

    fn text(&mut self, comment: &str, name: &str, value: &str) {
        self.field(comment, name, toml::Value::String(value.to_owned()));
    }
}

impl Genesis {
    /// TOML that parses to the same genesis, with a comment on every field.
    #[must_use]
    pub fn to_commented_toml(&self) -> String {
        let mut w = Writer::default();
        w.line("# Genesis of a Weft chain: all of its nodes must have the same values here.");
        w.line(
            "# `weft status` shows its hash, which does not depend on comments or on the file's format.\n",
        );
        self.write_names(&mut w);
        self.write_celestia(&mut w);
        self.write_sequencing(&mut w);
        self.write_limits(&mut w);
        self.write_fees(&mut w);
        for machine in &self.machines {
            w.table("A machine, one entry each: `evm`, `sbf`, `wasm`.", "[[machines]]");
            write_machine(&mut w, machine);
        }
        for upgrade in &self.upgrades {
            w.table("A change of rules.", "[[upgrades]]");
            w.field(
                "For blocks whose origin is at this Celestia height or above.",
                "da_height",
                upgrade.da_height,
            );
            for machine in &upgrade.machines {
                w.table("A machine that changes, with its whole entry.", "[[upgrades.machines]]");
                write_machine(&mut w, machine);
            }
        }
        for account in &self.accounts {
            w.table("An account at height 0.", "[[accounts]]");
            write_account(&mut w, account);
        }
        w.0
    }

    fn write_names(&self, w: &mut Writer) {
        w.field(
            "What EVM transactions and batches are signed for; unique among chains.",
            "chain_id",
            self.chain_id,
        );
        w.text("A name for people: lower case letters, digits and '-'.", "network", &self.network);
        w.field("Unix milliseconds: the time of block 0.", "timestamp_ms", self.timestamp_ms);
        w.text("What Wasm addresses start with.", "bech32_prefix", &self.bech32_prefix);
        w.table("The native token, one under all machines.", "[token]");
        w.text("For wallets.", "symbol", &self.token.symbol);
        w.field("Always 18: the ledger counts wei.", "decimals", self.token.decimals);
        w.text("One wei in Wasm.", "denom", &self.token.denom);
    }

    fn write_celestia(&self, w: &mut Writer) {
        let celestia = &self.celestia;
        w.table("Where the chain lives on Celestia.", "[celestia]");
        w.text("Celestia's own chain id; headers of another are refused.", "chain_id", &celestia.chain_id);
        w.field("The first Celestia height that is read.", "da_start", celestia.da_start);
        w.table(
            "The Celestia header just below da_start: the one that is trusted.",
            "[celestia.da_checkpoint]",
        );
        w.field("da_start - 1.", "height", celestia.da_checkpoint.height);
        w.text("Its hash, 32 bytes in hex.", "hash", &celestia.da_checkpoint.hash.to_string());
        w.table("Namespaces, 29 bytes in hex: 19 zero bytes, then ten of your own.", "[namespaces]");
        let names = &self.namespaces;
        w.text(
            "Batches of the sequencers (a based chain: everybody's transactions).",
            "batch",
            &names.batch.to_string(),
        );
        w.text("Transactions that users post past the sequencer.", "forced", &names.forced.to_string());
        w.text("Claims about results, for light nodes.", "claim", &names.claim.to_string());
    }

    fn write_sequencing(&self, w: &mut Writer) {
        let rules = &self.sequencing;
        w.table("Who orders, and what happens when they do not.", "[sequencing]");
        w.line("# In the order in which they take over; empty for a based chain. They are paid for their blocks.");
        w.line("sequencers = [");
        for sequencer in &rules.sequencers {
            let address = format!("0x{}", hex::encode(sequencer.address));
            w.line(format_args!("  {{ address = \"{address}\" }},"));
        }
        w.line("]");
        w.field(
            "Anyone may order while all sequencers have been silent for their window.",
            "hybrid",
            rules.hybrid,
        );
        w.field(
            "Celestia blocks until a forced transaction is included even against the sequencer's will.",
            "forced_window",
            rules.forced_window,
        );
        w.field(
            "Celestia blocks without a batch until the next sequencer may take over.",
            "failover_window",
            rules.failover_window,
        );
        w.field(
            "Celestia blocks that a block's origin may lie behind the height where its batch lands.",
            "origin_window",
            rules.origin_window,
        );
        w.field(
            "Milliseconds that a block may lie ahead of the Celestia block that carries it.",
            "max_drift_ms",
            rules.max_drift_ms,
        );
    }

    fn write_limits(&self, w: &mut Writer) {
        w.table("Bounds of one block.", "[limits]");
        w.field("Bytes of all transactions.", "block_bytes", self.limits.block_bytes);
        w.field("Gas of all transactions.", "block_gas", self.limits.block_gas);
        w.field(
            "Bytes of forced transactions queued at one Celestia height.",
            "forced_bytes",
            self.limits.forced_bytes,
        );
    }

    fn write_fees(&self, w: &mut Writer) {
        let fees = &self.fees;
        w.table("The base fee (EIP-1559) and where fees go; tips go to the sequencer.", "[fees]");
        w.field("Wei per gas in block 0.", "base_fee_initial", fees.base_fee_initial);
        w.field("Wei per gas below which it never falls.", "base_fee_min", fees.base_fee_min);
        w.field(
            "The gas limit divided by the gas at which the base fee stays.",
            "elasticity",
            fees.elasticity,
        );
        w.field(
            "The base fee moves by at most one part in this many a block.",
            "change_denominator",
            fees.change_denominator,
        );
        w.field(
            "Of the base fee to the sequencer, in 1/10000.",
            "base_to_sequencer_bp",
            fees.base_to_sequencer_bp,
        );
        w.field(
            "Of the base fee to the treasury, in 1/10000; the rest is burnt.",
            "base_to_treasury_bp",
            fees.base_to_treasury_bp,
        );
        w.text(
            "The treasury: an address of 20 bytes or an account of 32, in hex.",
            "treasury",
            &text::account::text(&fees.treasury),
        );
    }
}

fn write_machine(w: &mut Writer, machine: &Machine) {
    w.text("Which machine.", "vm", machine.vm.name());
    w.text("Its rules by its own name; the EVM: the hard fork.", "spec", &machine.spec);
    let rate = machine.gas_rate;
    w.field(
        "Gas for each of the machine's own units of work.",
        "gas_rate",
        format_args!("{{ numerator = {}, denominator = {} }}", rate.numerator, rate.denominator),
    );
    if !machine.capabilities.is_empty() {
        let capabilities = machine.capabilities.iter().cloned().map(toml::Value::String).collect();
        w.field("What contracts may require.", "capabilities", toml::Value::Array(capabilities));
    }
}

fn write_account(w: &mut Writer, account: &Account) {
    w.text("20 bytes (EVM) or 32 bytes in hex.", "address", &text::account::text(&account.address));
    w.text("In wei.", "balance", &account.balance.to_string());
    if account.nonce != 0 {
        w.field("EVM nonce.", "nonce", account.nonce);
    }
    if !account.code.is_empty() {
        w.text("EVM runtime bytecode in hex.", "code", &format!("0x{}", hex::encode(&account.code)));
    }
    if !account.storage.is_empty() {
        w.line("# EVM storage: slot and value.\n[accounts.storage]");
        for (slot, value) in &account.storage {
            w.line(format_args!("\"{slot}\" = \"{value}\""));
        }
    }
}
