// Contracts that are uploaded: those of the fixtures, the echo contract, and modules that no chain should take.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import wabtModule from 'wabt';
import { contract } from '../cosmos/support.mjs';

const wabt = await wabtModule();
const FEATURES = { simd: true, threads: true, memory64: true, multi_memory: true, bulk_memory: true, exceptions: true };

export function assemble(text) {
  const module = wabt.parseWat('module.wat', text, FEATURES);
  try {
    return Buffer.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** A module with one more custom section. */
export function withSection(module, name, content) {
  const body = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from(content)]);
  // Sections of this size have a length of one byte.
  if (body.length > 127) throw new Error('the section is too long');
  return Buffer.concat([module, Buffer.from([0, body.length]), body]);
}

export const echo = assemble(readFileSync(join(import.meta.dirname, 'echo.wat'), 'utf8'));
/** A contract of the fixtures, packed as CosmJS packs it. */
export const fixture = (name) => gzipSync(contract(name));

const ENTRIES = `
  (func (export "allocate") (param i32) (result i32) i32.const 0)
  (func (export "deallocate") (param i32))
  (func (export "instantiate") (param i32 i32 i32) (result i32) i32.const 0)`;
const VERSION = '(func (export "interface_version_8"))';
const MEMORY = '(memory (export "memory") 3)';
const module = (...parts) => assemble(`(module ${parts.join('\n')})`);
const many = (count, text) => Array.from({ length: count }, (_, index) => text(index)).join('\n');

/** Uploads that are refused, and some at the limit that are not, by what is special about them. */
export function uploads() {
  const good = module(MEMORY, VERSION, ENTRIES);
  return {
    'the least there can be': good,
    'nothing': Buffer.alloc(0),
    'no module': Buffer.from('not wasm'),
    'a module cut short': good.subarray(0, good.length - 5),
    'gzip': gzipSync(good),
    'gzip cut short': gzipSync(good).subarray(0, 20),
    'gzip of too much': gzipSync(Buffer.alloc(4 << 20)),
    'gzip of nothing': gzipSync(Buffer.alloc(0)),
    'too long': Buffer.alloc(800 * 1024 + 1),
    'no version': module(MEMORY, ENTRIES),
    'an old version': module(MEMORY, '(func (export "interface_version_7"))', ENTRIES),
    'two versions': module(MEMORY, VERSION, '(func (export "interface_version_7"))', ENTRIES),
    'no memory': module(VERSION, ENTRIES),
    'an imported memory': module('(import "env" "memory" (memory 1))', VERSION, ENTRIES),
    'two memories': module('(memory 1)', MEMORY, VERSION, ENTRIES),
    'a memory with a maximum': module('(memory (export "memory") 3 9)', VERSION, ENTRIES),
    'a memory of 512 pages': module('(memory (export "memory") 512)', VERSION, ENTRIES),
    'a memory of 513 pages': module('(memory (export "memory") 513)', VERSION, ENTRIES),
    'a memory of 64 bits': module('(memory (export "memory") i64 3)', VERSION, ENTRIES),
    'no allocate': module(MEMORY, VERSION, ENTRIES.replace('"allocate"', '"other"')),
    'no instantiate': module(MEMORY, VERSION, ENTRIES.replace('"instantiate"', '"other"')),
    'an unknown import': module('(import "env" "db_readex" (func (param i32 i32)))', MEMORY, VERSION, ENTRIES),
    'an import of a module': module(
      '(import "wasi" "db_read" (func (param i32) (result i32)))',
      MEMORY,
      VERSION,
      ENTRIES,
    ),
    'an imported global': module('(import "env" "g" (global i32))', MEMORY, VERSION, ENTRIES),
    '101 imports': module(
      many(101, () => '(import "env" "db_read" (func (param i32) (result i32)))'),
      MEMORY,
      VERSION,
      ENTRIES,
    ),
    'floats': module(
      MEMORY,
      VERSION,
      ENTRIES,
      '(func (export "half") (result f64) (f64.mul (f64.const 1) (f64.const 0.5)))',
    ),
    'SIMD': module(MEMORY, VERSION, ENTRIES, '(func (result v128) (v128.const i32x4 0 0 0 0))'),
    'threads': module(MEMORY, VERSION, ENTRIES, '(func (result i32) (i32.atomic.load (i32.const 0)))'),
    'exceptions': module(MEMORY, VERSION, ENTRIES, '(tag $e) (func (throw $e))'),
    'bulk memory': module(MEMORY, VERSION, ENTRIES, '(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 9)))'),
    'several results': module(MEMORY, VERSION, ENTRIES, '(func (result i32 i32) (i32.const 0) (i32.const 0))'),
    'sign extension': module(MEMORY, VERSION, ENTRIES, '(func (result i32) (i32.extend8_s (i32.const 0)))'),
    'a segment outside': module('(memory (export "memory") 1)', VERSION, ENTRIES, '(data (i32.const 65536) "x")'),
    'a table of 2500': module(MEMORY, '(table 2500 funcref)', VERSION, ENTRIES),
    'a table of 2501': module(MEMORY, '(table 2501 2600 funcref)', VERSION, ENTRIES),
    '100 parameters': module(MEMORY, VERSION, ENTRIES, `(func ${many(100, () => '(param i32)')})`),
    '101 parameters': module(MEMORY, VERSION, ENTRIES, `(func ${many(101, () => '(param i32)')})`),
    '20001 functions': module(
      MEMORY,
      VERSION,
      ENTRIES,
      many(20_001, () => '(func)'),
    ),
    'what the chain has': module(
      MEMORY,
      VERSION,
      ENTRIES,
      '(func (export "requires_staking")) (func (export "requires_cosmwasm_2_2"))',
    ),
    'what the chain lacks': module(MEMORY, VERSION, ENTRIES, '(func (export "requires_free_tea"))'),
    'migrate version 1': withSection(echo, 'cw_migrate_version', '1'),
    'migrate version 2': withSection(echo, 'cw_migrate_version', '2'),
    'a broken migrate version': withSection(echo, 'cw_migrate_version', 'two'),
  };
}

/** Uploads that wasmd takes and this chain refuses. */
export function refusedHere() {
  return {
    'a known import of another type': module('(import "env" "db_read" (func (param i64)))', MEMORY, VERSION, ENTRIES),
    'a start function': module(MEMORY, VERSION, ENTRIES, '(func $go) (start $go)'),
    'a passive segment': module(MEMORY, VERSION, ENTRIES, '(data "x")'),
  };
}
