;; What may harm a node, by the name of the message's first field.
(module
    (import "env" "abort" (func $abort (param i32)))
    (import "env" "db_read" (func $read (param i32) (result i32)))
    (import "env" "db_scan" (func $scan (param i32 i32 i32) (result i32)))
    (import "env" "db_write" (func $write (param i32 i32)))
    (import "env" "debug" (func $debug (param i32)))
    (import "env" "query_chain" (func $ask (param i32) (result i32)))
    (memory (export "memory") 32)
    (global $next (mut i32) (i32.const 65536))
    ;; A key of eight bytes at 16, the names of two kept texts, an answer, and the ends of a large one.
    (data (i32.const 64) "q")
    (data (i32.const 80) "r")
    (data (i32.const 96) "{\"ok\":{}}")
    (data (i32.const 128) "{\"ok\":{\"data\":\"")
    (data (i32.const 160) "\"}}")
    (data (i32.const 176) "{\"ok\":{\"x\":    [")
    (data (i32.const 224) "[]]}}   ")
    (func (export "interface_version_8"))
    (func $allocate (export "allocate") (param $length i32) (result i32) (local $region i32)
        (local.set $region (global.get $next))
        (i32.store (local.get $region) (i32.add (local.get $region) (i32.const 12)))
        (i32.store offset=4 (local.get $region) (local.get $length))
        (i32.store offset=8 (local.get $region) (i32.const 0))
        (global.set $next (i32.and (i32.const -8)
            (i32.add (local.get $region) (i32.add (local.get $length) (i32.const 19)))))
        (block (loop
            (br_if 1 (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
            (br_if 1 (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
            (br 0)))
        (local.get $region))
    (func (export "deallocate") (param i32))
    (func $region (param $offset i32) (param $length i32) (result i32) (local $region i32)
        (local.set $region (call $allocate (i32.const 0)))
        (i32.store (local.get $region) (local.get $offset))
        (i32.store offset=4 (local.get $region) (local.get $length))
        (i32.store offset=8 (local.get $region) (local.get $length))
        (local.get $region))
    (func $copy (param $to i32) (param $from i32) (param $length i32)
        (block (loop
            (br_if 1 (i32.eqz (local.get $length)))
            (local.set $length (i32.sub (local.get $length) (i32.const 1)))
            (i32.store8 (i32.add (local.get $to) (local.get $length))
                (i32.load8_u (i32.add (local.get $from) (local.get $length))))
            (br 0))))
    (func $fill (param $from i32) (param $to i32) (param $with i64)
        (block (loop
            (br_if 1 (i32.ge_u (local.get $from) (local.get $to)))
            (i64.store (local.get $from) (local.get $with))
            (local.set $from (i32.add (local.get $from) (i32.const 8)))
            (br 0))))
    ;; 10 MiB of the letter A.
    (func $large (result i32) (local $region i32)
        (local.set $region (call $allocate (i32.const 10485760)))
        (call $fill (i32.load (local.get $region))
            (i32.add (i32.load (local.get $region)) (i32.const 10485760)) (i64.const 0x4141414141414141))
        (i32.store offset=8 (local.get $region) (i32.const 10485760))
        (local.get $region))
    (func $deep (param i32) (result i32)
        (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
    (func $ok (result i32) (call $region (i32.const 96) (i32.const 9)))
    ;; Writes `count` values of `length` bytes under keys of their own.
    (func $writes (param $count i32) (param $length i32) (local $value i32) (local $key i32)
        (local.set $value (call $allocate (local.get $length)))
        (i32.store offset=8 (local.get $value) (local.get $length))
        (local.set $key (call $region (i32.const 16) (i32.const 8)))
        (loop
            (i32.store (i32.const 16) (local.get $count))
            (i32.store (i32.load (local.get $value)) (local.get $count))
            (call $write (local.get $key) (local.get $value))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br_if 0 (local.get $count))))
    (func (export "instantiate") (param i32 i32 i32) (result i32) (call $ok))
    ;; What is kept under "q" is asked again and again, and is this very question.
    (func (export "query") (param i32 i32) (result i32) (local $question i32)
        (local.set $question (call $read (call $region (i32.const 64) (i32.const 1))))
        (loop (drop (call $ask (local.get $question))) (br 0))
        (call $ok))
    (func (export "execute") (param $env i32) (param $info i32) (param $msg i32) (result i32)
        (local $at i32) (local $kind i32) (local $out i32)
        (local.set $at (i32.load (local.get $msg)))
        (local.set $kind (i32.sub (i32.load8_u offset=2 (local.get $at)) (i32.const 97)))
        ;; What the field holds.
        (local.set $out (call $region (i32.add (local.get $at) (i32.const 5))
            (i32.sub (i32.load offset=8 (local.get $msg)) (i32.const 6))))
        (block $n (block $m (block $l (block $k (block $j (block $i (block $h (block $g
        (block $f (block $e (block $d (block $c (block $b (block $a
            (br_table $a $b $c $d $e $f $g $h $i $j $k $l $m $n (local.get $kind)))
        ;; a: a loop without an end.
        (loop (br 0)))
        ;; b: a recursion without an end.
        (return (call $deep (i32.const 0))))
        ;; c: all memory, and each page of it.
        (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (local.set $at (i32.const 65536))
        (loop
            (i32.store (local.get $at) (i32.const 1))
            (local.set $at (i32.add (local.get $at) (i32.const 4096)))
            (br_if 0 (i32.lt_u (local.get $at) (i32.const 33554432))))
        (return (call $region (i32.const 96) (i32.const 9))))
        ;; d: many small values.
        (call $writes (i32.const 100000) (i32.const 32))
        (return (call $ok)))
        ;; e: a large answer.
        (local.set $out (call $large))
        (call $copy (i32.load (local.get $out)) (i32.const 128) (i32.const 15))
        (call $copy (i32.add (i32.load (local.get $out)) (i32.const 10485755)) (i32.const 160) (i32.const 3))
        (i32.store offset=8 (local.get $out) (i32.const 10485758))
        (return (local.get $out)))
        ;; f: a large text at the end.
        (call $abort (call $large)))
        ;; g: large texts for nobody.
        (local.set $out (call $region (i32.load (call $large)) (i32.const 2097152)))
        (loop (call $debug (local.get $out)) (br 0)))
        ;; h: many questions, one in the other.
        (loop (drop (call $ask (call $read (call $region (i32.const 64) (i32.const 1))))) (br 0)))
        ;; i: keeps a question; j: keeps an answer.
        (call $write (call $region (i32.const 64) (i32.const 1)) (local.get $out))
        (return (call $ok)))
        (call $write (call $region (i32.const 80) (i32.const 1)) (local.get $out))
        (return (call $ok)))
        ;; k: gives the kept answer.
        (return (call $read (call $region (i32.const 80) (i32.const 1)))))
        ;; l: large values.
        (call $writes (i32.const 100000) (i32.const 131072))
        (return (call $ok)))
        ;; m: iterators.
        (loop (drop (call $scan (i32.const 0) (i32.const 0) (i32.const 1))) (br 0)))
        ;; n: a large answer of many lists.
        (local.set $out (call $large))
        (local.set $at (i32.load (local.get $out)))
        (call $fill (local.get $at) (i32.add (local.get $at) (i32.const 10485760)) (i64.const 0x2c5d5d5b2c5d5b5b)) ;; [[],[]],
        (call $copy (local.get $at) (i32.const 176) (i32.const 16))
        (call $copy (i32.add (local.get $at) (i32.const 10485752)) (i32.const 224) (i32.const 8))
        (return (local.get $out))))
