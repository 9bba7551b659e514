//! A symbol that cosmwasm-vm's engine names and newer compilers no longer have.

/// Its compiler (singlepass) emits no calls of it.
// SAFETY: nothing else defines this name, and a call would end the process.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn __rust_probestack() {
    std::process::abort();
}
