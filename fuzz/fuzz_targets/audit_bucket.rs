#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attest::testing::fuzz::run("audit_bucket", bytes));
