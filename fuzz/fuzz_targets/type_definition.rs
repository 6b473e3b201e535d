#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| registry_fuzz::type_definition::check(bytes));
