use std::sync::LazyLock;

use burn::tensor::{DType, Device};
use distil_engine::Engine;
use distil_models::{ConvNet, Network, Norm, ResNet18};

use distil_match::{AreaEnhancement, Method};

use super::{Change, DataSize, Job, Memory, Part, Students, size};

/// EDF's job at 50 images a class: 128 of 500 images a step, 80 steps, 3×128×128.
fn method() -> Method {
    Method { ipc: 50.into(), micro_batch: 16, ..Method::datm() }.with_trajectory(|trajectory| {
        trajectory.syn_steps = 80;
        trajectory.batch_syn = Some(128);
    })
}

fn net() -> Network {
    Network::from(convnet())
}

fn convnet() -> ConvNet {
    ConvNet::new(3, 10, 128, 128)
}

fn job<'a>(method: &'a Method, net: &'a Network) -> Job<'a> {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Device::flex()));
    Job {
        measured: None,
        engine: &ENGINE,
        method,
        net,
        kernels: ENGINE.kernels(net, DType::F32),
        cam: None,
        teacher: None,
        experts: 100,
        expert_epochs: 100,
        students: Students { batch: 128, micro_batch: 16 },
        data: DataSize { kept: 13_500, train: [13_000, 1_300], read: 0, read_pixels: 0, zca: false },
        threads: 2,
    }
}

/// Memory of EDF's job after a change to it.
fn changed(change: impl FnOnce(&mut Method)) -> u128 {
    let (mut method, net) = (method(), net());
    change(&mut method);
    job(&method, &net).memory().total()
}

#[test]
fn activation_maps_take_what_their_network_takes() {
    let (mut method, net) = (method(), net());
    let maps = |method: &Method, cam| Job { cam, ..job(method, &net) }.memory().of(Part::Maps);
    assert_eq!(maps(&method, None), 0);
    method = method.with_trajectory(|trajectory| trajectory.enhancement = Some(AreaEnhancement::default()));
    // Its state of 616 thousand scalars is small compared with its maps.
    let alike = net.clone();
    assert_eq!(maps(&method, None), maps(&method, Some(&alike)));
    assert!(maps(&method, None) > 2 * 16 * 4 * 128 * 128 * 128 * 4);
    // An eighth of the ConvNet's first map, and 45 MB twice.
    let resnet = Network::from(ResNet18::new(3, 10, 128, 128));
    let found = maps(&method, Some(&resnet)) as f64 / f64::from(1 << 20);
    assert!((found - (128.0 + 2.0 * 42.6)).abs() < 1.0, "{found} MiB");
}

#[test]
fn every_size_that_grows_takes_more() {
    let micro: Vec<u128> =
        [1, 2, 5, 16, 40, 64].map(|size| changed(|method| method.micro_batch = size)).to_vec();
    assert!(micro.is_sorted() && micro[0] < micro[5], "{micro:?}");
    let steps: Vec<u128> = [1, 10, 80, 400, 4000]
        .map(|steps| changed(|method| *method = method.clone().with_trajectory(|t| t.syn_steps = steps)))
        .to_vec();
    assert!(steps.is_sorted() && steps[0] < steps[4], "{steps:?}");
    let ipc: Vec<u128> = [1, 5, 10, 50, 100].map(|ipc| changed(|method| method.ipc = ipc.into())).to_vec();
    assert!(ipc.is_sorted() && ipc[0] < ipc[4], "{ipc:?}");
    let (method, net) = (method(), net());
    let threads = |threads| Job { threads, ..job(&method, &net) }.memory();
    let all: Vec<u128> = [1, 2, 4, 8, 64].map(|count| threads(count).total()).to_vec();
    assert!(all.is_sorted() && all[0] < all[2], "{all:?}");
    let busy = [16, 64].map(|count| threads(count).of(Part::Threads));
    assert_eq!(busy[0], busy[1], "no work comes in more than sixteen chunks");
}

#[test]
fn memory_grows_with_n_by_parameters_alone() {
    let net = net();
    let (one, more) = (method(), method().with_trajectory(|t| t.syn_steps = 580));
    let [one, more] = [&one, &more].map(|method| job(method, &net).memory());
    let theta = 4 * net.layout().params() as u128;
    assert_eq!(more.of(Part::Parameters) - one.of(Part::Parameters), 500 * theta);
    assert!(more.total() - one.total() <= 500 * theta);
}

#[test]
fn a_teacher_takes_what_its_network_takes() {
    let (method, net) = (method(), net());
    let resnet = Network::from(ResNet18::new(3, 10, 128, 128));
    let teacher = |teacher| Job { teacher, ..job(&method, &net) }.memory().of(Part::Teacher);
    assert_eq!(teacher(None), 0);
    let found = teacher(Some(&resnet)) as f64 / f64::from(1 << 20);
    assert!((found - (128.0 + 2.0 * 42.6)).abs() < 1.0, "{found} MiB");
}

#[test]
fn one_image_keeps_one_thread_busy() {
    let net = net();
    let method = method().with_trajectory(|t| t.batch_syn = Some(1));
    let job = job(&method, &net);
    let kernels = job.kernels.expect("the kernels know this network");
    let threads = |threads| {
        let memory = Job { students: Students { batch: 1, micro_batch: 1 }, threads, ..job.clone() }.memory();
        memory.of(Part::Threads)
    };
    // In addition, every thread classifies sixteen images.
    let classifies = distil_kernels::gradient_bytes(&kernels, 16) as u128;
    let grown = threads(4) - threads(1);
    assert!(grown >= 3 * classifies && grown < 4 * classifies, "{grown} {classifies}");
}

#[test]
fn the_kernels_take_what_they_say() {
    let (net, method) = (net(), method());
    let job = job(&method, &net);
    let kernels = job.kernels.expect("the kernels know this network");
    let exact = 2 * distil_kernels::products_bytes(&kernels, 16) as u128;
    let planned = job.memory().of(Part::Threads);
    assert!(planned >= exact && planned < exact + exact / 4, "{planned} {exact}");
    // Burn's graph takes more than the kernels.
    let other = Network::from(ConvNet { norm: Norm::Group, ..convnet() });
    let graph = Job { kernels: None, net: &other, ..job };
    assert!(graph.memory().of(Part::Threads) > planned);
}

#[test]
fn parts_add_up_and_mapped_files_can_be_taken_away() {
    let (net, method) = (net(), method());
    let memory: Memory = job(&method, &net).memory();
    let sum: u128 = memory.parts.iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(memory.total(), sum);
    assert_eq!(memory.needed() + memory.of(Part::Experts), sum);
    // 100 experts of 101 snapshots.
    assert_eq!(memory.of(Part::Experts), 100 * 101 * 4 * net.layout().params() as u128);
    assert!(memory.parts.iter().all(|(_, bytes)| *bytes > 0));
}

#[test]
fn activation_maps_need_memory_beside_the_kernels() {
    let net = net();
    let (without, edf) = (method(), Method::edf());
    let inputs = method().with_trajectory(|t| t.enhancement = edf.enhancement().cloned());
    let [without, inputs] = [&without, &inputs].map(|method| job(method, &net).memory());
    assert_eq!(without.of(Part::Maps), 0);
    assert_eq!(inputs.total() - without.total(), inputs.of(Part::Maps));
    assert!(inputs.of(Part::Maps) > 0);
}

#[test]
fn stored_bytes_follow_what_is_kept() {
    let net = net();
    let (plain, averaged) = (method(), Method { ema: 0.999, ..method() });
    let [plain, averaged] = [&plain, &averaged].map(|method| job(method, &net).stored());
    let set = 500 * (3 * 128 * 128 + 10) * 4;
    assert_eq!((plain.sets, averaged.sets), (3 * set, 4 * set));
    assert_eq!(averaged.checkpoints * 2, plain.checkpoints * 3);
    assert_eq!(plain.trajectories, averaged.trajectories);
    assert_eq!(plain.total(), plain.trajectories + plain.checkpoints + plain.sets + plain.events);
}

#[test]
fn a_remedy_fits_and_changes_what_matters_least() {
    let net = net();
    let method = Method { micro_batch: 256, ..method() };
    let job = job(&method, &net);
    let whole = job.memory().needed();
    let within = |bytes: u128| job.remedy(move |memory| memory.needed() <= bytes);
    let remedy = within(whole * 9 / 10).expect("smaller micro-batches fit");
    let [Change::MicroBatch(size)] = remedy.changes[..] else { panic!("{:?}", remedy.changes) };
    assert!(remedy.memory.needed() <= whole * 9 / 10);
    // The next larger power of two does not fit.
    let larger = Method { micro_batch: 2 * size, ..method.clone() };
    let larger = Job { method: &larger, ..job.clone() }.memory().needed();
    assert!(larger > whole * 9 / 10, "{size}");
    // When the smallest chunks on one thread are too much, there must be fewer images.
    let smallest = Method { micro_batch: 1, ..method.clone() };
    let students = Students { batch: 128, micro_batch: 1 };
    let least = Job { method: &smallest, students, threads: 1, ..job.clone() }.memory().needed();
    let remedy = within(least - 1).expect("fewer images fit");
    assert!(remedy.changes.iter().any(|change| matches!(change, Change::Ipc(_) | Change::BatchSyn(_))));
    assert_eq!(within(1 << 20), None);
}

#[test]
fn absurd_sizes_do_not_overflow() {
    let most = usize::MAX;
    let method =
        Method { ipc: most.into(), micro_batch: most, ..method() }.with_trajectory(|t| t.batch_syn = None);
    let net = net();
    let job = Job { experts: most, expert_epochs: most, threads: most, ..job(&method, &net) };
    assert!(job.memory().total() > 1 << 80 && job.stored().total() > 1 << 80);
}

#[test]
fn going_class_by_class_takes_the_memory_of_one_class() {
    for preset in [Method::dc(), Method::dsa(), Method::dm()] {
        let method = Method { ipc: 10.into(), ..preset };
        let few = ConvNet::new(3, 10, 32, 32);
        let many = ConvNet { classes: 100, ..few.clone() };
        let parts = |net: ConvNet| {
            let memory = Job { experts: 0, ..job(&method, &Network::from(net)) }.memory();
            assert_eq!(memory.of(Part::Experts), 0);
            (memory.of(Part::Threads), memory.of(Part::Batch))
        };
        let ((threads, batch), (more_threads, more_batch)) = (parts(few), parts(many));
        // More classes make the classifier larger, nothing else.
        assert!(more_threads < threads + threads / 5, "{threads} {more_threads}");
        assert_eq!(batch, more_batch);
        let all = method.objective.cost(100, 10).passes;
        assert!(all.plain + all.forward >= 2560 && all.dual >= 100, "{all:?}");
    }
}

#[test]
fn sizes_are_short() {
    let shown = [0, 1023, 1024, 10 << 20, 300 << 30, 1536 << 20].map(size);
    assert_eq!(shown, ["0 B", "1023 B", "1.00 KiB", "10.0 MiB", "300 GiB", "1.50 GiB"]);
}
