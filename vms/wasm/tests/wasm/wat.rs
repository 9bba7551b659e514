//! Contracts written by hand: what each of them needs, around what is its own.

/// A contract with `imports` and `body`: an allocator that never frees, and a function that makes regions.
pub fn contract(imports: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {imports}
            (memory (export "memory") 32)
            (global $next (mut i32) (i32.const 65536))
            (func (export "interface_version_8"))
            (func $allocate (export "allocate") (param $length i32) (result i32) (local $region i32)
                (local.set $region (global.get $next))
                (i32.store (local.get $region) (i32.add (local.get $region) (i32.const 12)))
                (i32.store offset=4 (local.get $region) (local.get $length))
                (i32.store offset=8 (local.get $region) (i32.const 0))
                (global.set $next (i32.and (i32.const -8)
                    (i32.add (local.get $region) (i32.add (local.get $length) (i32.const 19)))))
                (local.get $region))
            (func (export "deallocate") (param i32))
            ;; A region of `length` bytes at `offset`, which are there already.
            (func $region (param $offset i32) (param $length i32) (result i32) (local $region i32)
                (local.set $region (call $allocate (i32.const 0)))
                (i32.store (local.get $region) (local.get $offset))
                (i32.store offset=4 (local.get $region) (local.get $length))
                (i32.store offset=8 (local.get $region) (local.get $length))
                (local.get $region))
            (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
            {body})"#
    );
    wat::parse_str(text).expect("valid text")
}
