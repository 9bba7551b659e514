// Codes: uploads that are refused and why, who may use them, contracts of older versions of the interface, and the life
// of a contract: admins, migrations, labels.
import { gzipSync } from 'node:zlib';
import { attribute } from './both.mjs';
import { echo, uploads } from './contracts.mjs';
import * as m from './messages.mjs';
import * as q from './queries.mjs';
import { UPLOAD_GAS, make, upload } from './tokens.mjs';

// The kinds of AccessConfig.
const NOBODY = 1,
  EVERYBODY = 3,
  ANY_OF = 4;

export async function refusals(both) {
  const [alice] = both.addresses;
  const ids = {};
  for (const [label, code] of Object.entries(uploads())) {
    const sent = await both.tx(0, `upload ${label}`, m.storeCode(alice, code), { gas: UPLOAD_GAS });
    ids[label] = Number(attribute(sent, 'store_code', 'code_id') ?? 0);
  }
  return { ids };
}

export async function permissions(both) {
  const [alice, bob, carol] = both.addresses;
  const configs = {
    'unspecified': { permission: 0, addresses: [] },
    'nobody': { permission: NOBODY, addresses: [] },
    'one address, as it was': { permission: 2, addresses: [alice] },
    'everybody': { permission: EVERYBODY, addresses: [] },
    'nobody with addresses': { permission: NOBODY, addresses: [alice] },
    'some': { permission: ANY_OF, addresses: [alice, bob] },
    'none of some': { permission: ANY_OF, addresses: [] },
    'one twice': { permission: ANY_OF, addresses: [bob, bob] },
    'no address': { permission: ANY_OF, addresses: ['nobody'] },
    'too many': { permission: ANY_OF, addresses: Array(51).fill(alice) },
    'unknown': { permission: 9, addresses: [] },
  };
  for (const [label, config] of Object.entries(configs)) {
    const sent = await both.tx(0, `upload for ${label}`, m.storeCode(alice, echo, config), { gas: UPLOAD_GAS });
    const id = attribute(sent, 'store_code', 'code_id');
    if (id === undefined) continue;
    for (const who of [0, 1, 2]) {
      await both.tx(who, `account ${who} makes what is for ${label}`, m.instantiate(both.addresses[who], id, m.ok()));
    }
    await both.query(`code for ${label}`, q.codeInfo(id));
  }
  const id = await upload(both, 'for changes', echo);
  const change = (who, label, config, of = id) =>
    both.tx(who, `${label} changes a config`, m.updateConfig(both.addresses[who], of, config));
  await change(1, 'another', configs.nobody);
  await change(0, 'the owner', configs.some);
  await change(0, 'the owner to everybody', configs.everybody);
  await change(0, 'the owner to none of some', configs['none of some']);
  await change(0, 'the owner to nothing', undefined);
  await change(0, 'the owner of what is not', configs.nobody, 999);
  await change(0, 'the owner of zero', configs.nobody, 0);
  await change(0, 'the owner to nobody', configs.nobody);
  await both.tx(0, 'make what is for nobody now', m.instantiate(alice, id, m.ok()));
  await both.query('code that was changed', q.codeInfo(id));
  for (const [name, value] of Object.entries({
    MsgPinCodes: { authority: alice, codeIds: [1n] },
    MsgUnpinCodes: { authority: alice, codeIds: [1n] },
    MsgSudoContract: { authority: alice, contract: carol, msg: m.bytes({}) },
    MsgUpdateParams: {
      authority: alice,
      params: { codeUploadAccess: configs.everybody, instantiateDefaultPermission: EVERYBODY },
    },
    MsgStoreAndInstantiateContract: {
      authority: alice,
      wasmByteCode: echo,
      label: 'x',
      msg: m.bytes(m.ok()),
      unpinCode: true,
    },
    MsgAddCodeUploadParamsAddresses: { authority: alice, addresses: [bob] },
    MsgRemoveCodeUploadParamsAddresses: { authority: alice, addresses: [bob] },
    MsgStoreAndMigrateContract: { authority: alice, wasmByteCode: echo, contract: carol, msg: m.bytes({}) },
  })) {
    await both.tx(0, `${name} by no authority`, m.ofAuthority(name, value), { gas: UPLOAD_GAS });
  }
}

export async function lifecycle(both, { ids }) {
  const [alice, bob, carol] = both.addresses;
  const id = await upload(both, 'for a life', gzipSync(echo));
  const contract = await make(both, 'contract', id, m.ok(), { admin: alice });
  const step = (who, label, message) => both.tx(who, label, message(both.addresses[who]));
  const [one, two] = [ids['migrate version 1'], ids['migrate version 2']];
  const migrations = [
    [1, 'another migrates', id, m.ok()],
    [0, 'migrate to the same', id, m.ok()],
    [
      0,
      'migrate with events',
      id,
      m.ok({ attributes: [{ key: 'a', value: 'b' }], events: [{ type: 'moved', attributes: [] }], data: 'AQ==' }),
    ],
    [0, 'migrate with a message', id, m.ok({ messages: [m.sub(m.pay(bob, m.coins(1)), 'error')] })],
    [0, 'migrate and fail', id, { error: 'stay' }],
    [0, 'migrate to what is not', 999, m.ok()],
    [0, 'migrate to zero', 0, m.ok()],
    [0, 'migrate with no JSON', id, '{'],
    [0, 'migrate to what cannot', ids['the least there can be'], m.ok()],
    [0, 'migrate to a version', one, m.ok({ data: 'AQ==' })],
    [0, 'migrate to the same version', one, { error: 'not called' }],
    [0, 'migrate to another version', two, m.ok({ data: 'Ag==' })],
    [0, 'migrate to none', id, m.ok()],
  ];
  for (const [who, label, to, msg] of migrations)
    await step(who, label, (sender) => m.migrate(sender, contract, to, msg));
  await step(0, 'migrate no contract', (sender) => m.migrate(sender, bob, id, m.ok()));
  await step(0, 'migrate no address', (sender) => m.migrate(sender, 'nobody', id, m.ok()));
  await step(0, 'a new label', (sender) => m.updateLabel(sender, contract, 'another label'));
  await step(1, 'a new label by another', (sender) => m.updateLabel(sender, contract, 'mine'));
  for (const label of ['', ' x', 'a\u0007', 'x'.repeat(129), 'ярлык', 'a\u200bb', 'x'.repeat(128)]) {
    await step(0, `label ${JSON.stringify(label)}`, (sender) => m.updateLabel(sender, contract, label));
    await step(0, `a contract with label ${JSON.stringify(label)}`, (sender) =>
      m.instantiate(sender, id, m.ok(), { label }),
    );
  }
  await step(1, 'another changes the admin', (sender) => m.updateAdmin(sender, contract, bob));
  await step(0, 'the admin to oneself', (sender) => m.updateAdmin(sender, contract, alice));
  await step(0, 'the admin to nobody', (sender) => m.updateAdmin(sender, contract, 'nobody'));
  await step(0, 'the admin to another', (sender) => m.updateAdmin(sender, contract, bob));
  await step(0, 'the old admin clears', (sender) => m.clearAdmin(sender, contract));
  await step(1, 'the admin clears', (sender) => m.clearAdmin(sender, contract));
  await step(1, 'the admin clears again', (sender) => m.clearAdmin(sender, contract));
  await step(1, 'the admin that was migrates', (sender) => m.migrate(sender, contract, id, m.ok()));
  await step(1, 'clear the admin of no contract', (sender) => m.clearAdmin(sender, carol));
  const makes = {
    'with money': [id, m.ok(), { funds: m.coins(9) }],
    'with a bad admin': [id, m.ok(), { admin: 'nobody' }],
    'of no code': [999, m.ok()],
    'of code zero': [0, m.ok()],
    'that fails': [id, { error: 'no' }],
    'that traps': [id, ['panic']],
    'with no JSON': [id, 'x'],
    'with an empty message': [id, ''],
    'with another coin': [id, m.ok(), { funds: m.coins(1, 'other') }],
    'with coins in disorder': [id, m.ok(), { funds: [...m.coins(1, 'b'), ...m.coins(1, 'a')] }],
    'with zero coins': [id, m.ok(), { funds: [{ denom: 'awei', amount: '0' }] }],
    'with too much money': [id, m.ok(), { funds: m.coins('9'.repeat(40)) }],
    'of what is least': [ids['the least there can be'], {}],
    'with data and a message': [
      id,
      m.ok({ data: 'AQI=', messages: [m.sub(m.pay(bob, m.coins(1)))] }),
      { funds: m.coins(3) },
    ],
    'that calls itself first': [id, m.ok({ messages: [m.sub(m.pay(bob, m.coins(9)), 'error')] })],
  };
  for (const [label, [of, msg, more]] of Object.entries(makes)) {
    await step(0, `a contract ${label}`, (sender) => m.instantiate(sender, of, msg, more));
  }
  const salted = [
    ['salt', m.ok()],
    ['salt', m.ok()],
    ['salt', m.ok({ data: 'AQ==' })],
    ['', m.ok()],
    ['x'.repeat(64), m.ok()],
    ['x'.repeat(65), m.ok()],
  ];
  for (const [salt, msg] of salted) {
    for (const fixMsg of [false, true]) {
      await step(0, `instantiate2 with salt ${salt.length}, fixed ${fixMsg}`, (sender) =>
        m.instantiate2(sender, id, msg, salt, { fixMsg, admin: bob }),
      );
    }
  }
  await both.query('its history', q.history(contract, q.page({ limit: 3 })));
  await both.query('its history backwards', q.history(contract, q.page({ reverse: true })));
  await both.query('what it is', q.contract(contract));
  await both.query('its code', q.code(id));
  return { life: contract, lifeId: id };
}
