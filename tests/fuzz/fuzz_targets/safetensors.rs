//! Our artefacts, behind their checksums.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_store::hostile::synthetic(bytes)
        | distil_store::hostile::checkpoint(bytes)
        | distil_store::hostile::shard(bytes)
        | distil_store::hostile::header(bytes);
});
