// What may differ between devnet and wasmd, each with its reason: the one list of it. The suite fails on a difference that
// is not here, and on one that is here and never occurs.
//
// `is` gets a leaf: `path`, the two values `weft` and `wasmd`, the `intent`, and both whole `answers`.

/** Where the sentence of an error stands. */
const SENTENCE = /(^|\.)(log|message|error\.data)$/;

/** The code of the outcome that a leaf is of. */
function outcome(path, answer) {
  const of = answer[/^(deliver|check|result|body|error)\./.exec(path)?.[1]] ?? answer;
  return `${of?.code} of ${of?.codespace ?? ''}`;
}

/** Both failed with the same code, and wasmd's sentence has one of the patterns: then only the sentence differs. */
const sentence =
  (...patterns) =>
  ({ path, wasmd, weft, answers }) => {
    const code = outcome(path, answers.weft);
    return (
      SENTENCE.test(path) &&
      typeof weft === 'string' &&
      code === outcome(path, answers.wasmd) &&
      !code.startsWith('0 ') &&
      patterns.some((pattern) => pattern.test(wasmd))
    );
  };

/** Two texts that are equal but for what `pattern` matches. */
const equalBut = (pattern, one, other) =>
  typeof one === 'string' && typeof other === 'string' && one.replace(pattern, '') === other.replace(pattern, '');

/** All that differs between the answers to the intents whose label matches. */
const ofIntents =
  (pattern) =>
  ({ intent }) =>
    pattern.test(intent.label);

export const DIFFERENCES = [
  {
    name: 'signature',
    what: 'The signature in the event of a transaction, and what the sentence about a bad one names.',
    why: "A signature covers the chain id and the account number, and these are each chain's own.",
    is: ({ path, weft, wasmd }) =>
      /(^|\.)events\[\d+:tx\]\.attributes\[0:signature\]\.value$/.test(path) ||
      (path === 'check.log' && equalBut(/account number \(\d+\) and chain-id \([\w-]+\)/, weft, wasmd)),
  },
  {
    name: 'gas',
    what: 'How much gas was used, what a signature costs, and where the gas ended.',
    why: 'Fuel is metered by our own table, and host work by our own costs.',
    is: (leaf) =>
      /(^|\.)(gas_used|sig_verify_cost_\w+)$/.test(leaf.path) ||
      sentence(/out of gas in location/)(leaf) ||
      /gas for the signature alone/.test(leaf.intent.label),
  },
  {
    name: 'height and time',
    what: 'Heights and times in what a contract keeps, in the positions of contracts and in keys of pages.',
    why: 'Each chain makes its blocks at its own pace.',
    is: ({ path, weft, wasmd }) =>
      /(blockHeight|block_height)$/.test(path) ||
      (path === 'value' && equalBut(/"at_height":\d+|"updated_at":"\d+"/g, weft, wasmd)) ||
      // Eight bytes of height, eight of the place in the block, then an address.
      (/(nextKey|next_key)$/.test(path) &&
        Buffer.from(weft ?? '', 'base64')
          .subarray(8)
          .equals(Buffer.from(wasmd ?? '', 'base64').subarray(8))) ||
      (/current blockchain height \d+/.test(wasmd) && equalBut(/height \d+$/, weft, wasmd)),
  },
  {
    name: 'words of an engine',
    what: 'The sentence of a contract that traps, aborts or breaks the ABI; the code is equal.',
    why: 'wasmd quotes its engine, which is another one.',
    is: sentence(/Error calling the VM: (?!Error during static)/),
  },
  {
    name: 'words of a check',
    what: 'The sentence of an upload that is refused; the code is equal.',
    why: 'wasmd quotes its engine; ours names the limit.',
    is: sentence(/Error during static Wasm validation|uncompress wasm archive/),
  },
  {
    name: 'words of an address',
    what: 'The sentence about a text that is no address; the code is equal.',
    why: "wasmd quotes a Go library's finding in the text.",
    is: (leaf) =>
      sentence(/invalid bech32|invalid character not part of charset|invalid Bech32 prefix|invalid checksum/)(leaf) ||
      (leaf.path === 'value' && equalBut(/addr_validate errored: .*?: query/, leaf.weft, leaf.wasmd)),
  },
  {
    name: 'words of parsers',
    what: "The sentence about JSON, base64, hex, numbers, protobuf or a search that can't be read; the code is equal.",
    why: 'wasmd quotes the parsers of Go, with its types.',
    is: sentence(
      /json: cannot|illegal base64|encoding\/hex|reply_on value|strconv|math\/big|out of range|wire type|type mismatch/,
      /tx parse error: tx parse error|^offset \d+|invalid character/,
    ),
  },
  {
    name: 'panics of wasmd',
    what: "A contract's answer that is neither ok nor error, and a question for the balance of a coin that can't be.",
    why: 'wasmd panics, which undoes the whole transaction and prints a stack; here it is an error of the contract or an answer.',
    is: ofIntents(/an answer of neither|an answer of null|an empty error|a balance of no coin/),
  },
  {
    name: 'modules',
    what: 'Messages and questions to staking, distribution, gov and IBC, and the IBC port of a contract.',
    why: 'This chain has no such module: an error names it.',
    is: ({ intent, path }) =>
      /a delegation|a vote|a withdrawal|a transfer to another chain|a closed channel/.test(intent.label) ||
      /the staking denom|validators|a validator|delegations|an ibc port|ibc channels|a withdraw address/.test(
        intent.label,
      ) ||
      /ibc2_port_id$/.test(path) ||
      (path === 'unread' && intent.path.endsWith('/ContractInfo')),
  },
  {
    name: 'authority',
    what: 'The sentence for a message of the authority of the chain by another.',
    why: 'Nobody has that authority here, so that the sentence can name no account.',
    is: sentence(/invalid authority; expected/),
  },
  {
    name: 'fee market',
    what: 'Transactions whose fee is below the base fee or in another coin are refused.',
    why: 'wasmd leaves the price to each validator, and the reference runs without one.',
    is: ofIntents(/with a fee of|without a fee|with a fee too small|with fees in disorder/),
  },
  {
    name: 'words of simulation',
    what: 'How much gas was used and where, and the balance, in the sentence of a simulation that fails.',
    why: 'wasmd names the line of its source, and its gas, and takes the fee that the simulated transaction names.',
    is: ({ intent, path, weft, wasmd }) =>
      intent.kind === 'simulate' &&
      path === 'log' &&
      equalBut(
        /(: tx parse error)? \[.*?\.go:\d+\](?= with gas used)|gas used: '\d+'|spendable balance \d+awei/g,
        weft,
        wasmd,
      ),
  },
  {
    name: 'words of a path',
    what: 'The sentence about a query whose path is none; the code is equal.',
    why: 'wasmd tells paths of its own kinds apart.',
    is: sentence(/no query path provided|unknown query: /),
  },
  {
    name: 'a message without a sender',
    what: 'The code of a transaction whose message names no sender: wasmd gives 1 of "undefined", devnet 2 of "sdk".',
    why: 'wasmd registers no code for it; a client can do nothing with an undefined one.',
    is: ofIntents(/a transaction of an empty message/),
  },
  {
    name: 'addresses in capitals',
    what: 'An address in capital letters is refused.',
    why: 'No two texts are one address here.',
    is: ofIntents(/send to upper case/),
  },
  {
    name: 'a transaction of the past',
    what: 'The same bytes again after their block: wasmd says that it knows them, devnet that their sequence is used.',
    why: "wasmd's pool remembers transactions that are in blocks; here the pool knows those that wait, and both refuse.",
    is: ofIntents(/a transaction sent again/),
  },
  {
    name: 'uploads that wasmd takes',
    what: 'A start function, an import with another type than it has, a passive segment.',
    why: 'The first runs before its gas is counted, the second can never be instantiated, the third is no MVP.',
    is: ofIntents(/upload (a start function|a known import of another type|a passive segment)/),
  },
  {
    name: 'proofs',
    what: 'A query with a proof is refused.',
    why: "This chain's state has no such proof of a key; an unsupported option is an error.",
    is: ofIntents(/abci_query .*"prove":true/),
  },
  {
    name: 'statuses of REST',
    what: 'A bad address or hash in a REST path is 400 and code 3, not 500 and 2 or 13.',
    why: 'Who asks is at fault, not the node; the sentence is the one that ABCI gives.',
    is: ({ intent, path, weft, wasmd }) =>
      intent.kind === 'rest' &&
      ((path === 'status' && weft === 400 && wasmd === 500) ||
        (path === 'body.code' && weft === 3 && (wasmd === 2 || wasmd === 13)) ||
        (path === 'body.message' && /^(encoding\/hex|decoding bech32)/.test(wasmd))),
  },
  {
    name: 'an address in the path of bech32',
    what: "`/cosmos/auth/v1beta1/bech32/{address}` gives the address' bytes; wasmd takes it for base64 of bytes and refuses it.",
    why: "The SDK gives one path to both directions, and its gateway knows only the other one. No address is base64.",
    is: ({ intent, answers }) =>
      intent.kind === 'rest' &&
      /\/bech32\/weft1/.test(intent.path) &&
      Boolean(answers.weft.body.address_bytes) &&
      /illegal base64/.test(answers.wasmd.body.message),
  },
  {
    name: 'unknown messages further down',
    what: 'The sentence of an unknown message that a message of a contract led to; the code is equal.',
    why: 'wasmd takes it for unknown at every level, so that the levels that it came through are lost from the sentence.',
    is: (leaf) =>
      sentence(/no handler found/)(leaf) &&
      equalBut(/message index: \d+: (\w[\w ]*: )*?(?=no handler)/, leaf.weft, leaf.wasmd),
  },
];
