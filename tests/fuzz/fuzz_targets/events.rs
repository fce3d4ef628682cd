//! Logs of events.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_store::hostile::events(bytes);
});
