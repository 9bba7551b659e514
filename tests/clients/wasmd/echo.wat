;; A contract that does what it is told. Its message is its answer, but for a message that is a list:
;;   [3,ANSWER]    keeps ANSWER, which its replies then give to submessages whose id begins with 3
;;   [[REQUEST]]   asks the chain REQUEST and keeps what it hears under `heard`
;;   ["panic"]     traps;  ["loop"] never ends;  ["abort"] aborts with its message;  ["remove"] removes what it heard
;; What begins with {"rec, as the hooks of tokens do, is answered with what is kept under answer0.
;; A query answers with the query, or for [REQUEST] with what the chain answers to REQUEST.
;; `reply` keeps what it is told under `heard`. All storage is under `heard` and `answer0` to `answer9`.
(module
  (import "env" "db_read" (func $read (param i32) (result i32)))
  (import "env" "db_write" (func $write (param i32 i32)))
  (import "env" "db_remove" (func $remove (param i32)))
  (import "env" "query_chain" (func $ask (param i32) (result i32)))
  (import "env" "abort" (func $abort (param i32)))
  (memory (export "memory") 64)
  (global $heap (mut i32) (i32.const 4096))
  ;; Regions are offset, capacity and length.
  (data (i32.const 16) "answer0")
  (data (i32.const 32) "heard")
  (data (i32.const 64) "\10\00\00\00\07\00\00\00\07\00\00\00")
  (data (i32.const 80) "\20\00\00\00\05\00\00\00\05\00\00\00")
  (data (i32.const 96) "\80\00\00\00\09\00\00\00\09\00\00\00")
  (data (i32.const 128) "{\"ok\":{}}")

  (func $allocate (export "allocate") (param $size i32) (result i32) (local $region i32)
    (local.set $region (global.get $heap))
    (i32.store (local.get $region) (i32.add (local.get $region) (i32.const 12)))
    (i32.store offset=4 (local.get $region) (local.get $size))
    (i32.store offset=8 (local.get $region) (i32.const 0))
    (global.set $heap (i32.and (i32.const -8)
      (i32.add (i32.add (local.get $region) (i32.const 19)) (local.get $size))))
    (local.get $region))

  ;; The region of what `region` holds without its first `skip` and its last `drop` bytes.
  (func $inside (param $region i32) (param $skip i32) (param $drop i32) (result i32) (local $new i32) (local $size i32)
    (local.set $size (i32.sub (i32.load offset=8 (local.get $region)) (i32.add (local.get $skip) (local.get $drop))))
    (local.set $new (call $allocate (i32.const 0)))
    (i32.store (local.get $new) (i32.add (i32.load (local.get $region)) (local.get $skip)))
    (i32.store offset=4 (local.get $new) (local.get $size))
    (i32.store offset=8 (local.get $new) (local.get $size))
    (local.get $new))

  (func $byte (param $region i32) (param $at i32) (result i32)
    (i32.load8_u (i32.add (i32.load (local.get $region)) (local.get $at))))

  ;; The key of the answer with that digit.
  (func $key (param $digit i32) (result i32)
    (i32.store8 (i32.const 22) (local.get $digit))
    (i32.const 64))

  (func $answer (param $digit i32) (result i32) (local $kept i32)
    (local.set $kept (call $read (call $key (local.get $digit))))
    (if (result i32) (local.get $kept) (then (local.get $kept)) (else (i32.const 96))))

  (func $act (param $msg i32) (result i32) (local $second i32) (local $third i32)
    (if (i32.ne (call $byte (local.get $msg) (i32.const 0)) (i32.const 0x5b)) (then
      ;; The four bytes from the third on are `rece`.
      (if (i32.gt_u (i32.load offset=8 (local.get $msg)) (i32.const 8)) (then
        (if (i32.eq (i32.load offset=2 (i32.load (local.get $msg))) (i32.const 0x65636572))
          (then (return (call $answer (i32.const 0x30)))))))
      (return (local.get $msg))))
    (local.set $second (call $byte (local.get $msg) (i32.const 1)))
    (local.set $third (call $byte (local.get $msg) (i32.const 2)))
    (if (i32.lt_u (i32.sub (local.get $second) (i32.const 0x30)) (i32.const 10)) (then
      (call $write (call $key (local.get $second)) (call $inside (local.get $msg) (i32.const 3) (i32.const 1)))
      (return (i32.const 96))))
    (if (i32.eq (local.get $second) (i32.const 0x5b)) (then
      (call $write (i32.const 80) (call $ask (call $inside (local.get $msg) (i32.const 2) (i32.const 2))))
      (return (i32.const 96))))
    (if (i32.eq (local.get $third) (i32.const 0x70)) (then (unreachable)))
    (if (i32.eq (local.get $third) (i32.const 0x6c)) (then (loop $on (br $on))))
    (if (i32.eq (local.get $third) (i32.const 0x61)) (then (call $abort (local.get $msg))))
    (if (i32.eq (local.get $third) (i32.const 0x72)) (then (call $remove (i32.const 80))))
    (i32.const 96))

  (func (export "interface_version_8"))
  (func (export "deallocate") (param i32))
  (func (export "instantiate") (param i32 i32 i32) (result i32) (call $act (local.get 2)))
  (func (export "execute") (param i32 i32 i32) (result i32) (call $act (local.get 2)))
  (func (export "migrate") (param i32 i32) (result i32) (call $act (local.get 1)))
  (func (export "query") (param i32 i32) (result i32) (local $heard i32)
    (if (i32.ne (call $byte (local.get 1) (i32.const 0)) (i32.const 0x5b)) (then (return (local.get 1))))
    (local.set $heard (call $ask (call $inside (local.get 1) (i32.const 1) (i32.const 1))))
    ;; What is inside {"ok":...} is an answer itself.
    (if (result i32) (i32.eq (call $byte (local.get $heard) (i32.const 2)) (i32.const 0x6f))
      (then (call $inside (local.get $heard) (i32.const 6) (i32.const 1)))
      (else (local.get $heard))))
  ;; The id stands behind {"gas_used":0,"id":
  (func (export "reply") (param i32 i32) (result i32)
    (call $write (i32.const 80) (local.get 1))
    (call $answer (call $byte (local.get 1) (i32.const 19)))))
