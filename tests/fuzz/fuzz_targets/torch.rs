//! What `torch.save` wrote: weights, experts, sets.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_store::hostile::state_dict(bytes)
        | distil_store::hostile::replay_buffer(bytes)
        | distil_store::hostile::public_set(bytes);
});
