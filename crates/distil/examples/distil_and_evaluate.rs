//! Distils generated images with DM, and tests what the set is worth.
//!
//!     cargo run -p distil --example distil_and_evaluate

#![expect(clippy::print_stdout, reason = "an example shows its result")]

fn main() -> Result<(), distil::Error> {
    let session = distil::Session::new(distil::data::clutter_easy())
        .network(distil::convnet().width(16))
        .on(distil::Device::cpu())?;
    let set = session.distil(distil::methods::dm().ipc(10).iterations(80))?;
    let score = session.evaluate(&set, distil::protocols::mtt().epochs(100).seeds(3))?;
    println!("{score}");
    Ok(set.save("set.safetensors")?)
}
