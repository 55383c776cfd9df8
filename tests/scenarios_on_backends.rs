//! Every shipped scenario on the CPU in f64, on the CPU in f32 and on the GPU: apart by no more than the roundings that are counted.
//!
//! docs/precision.md states the bound and the figures that this test prints (`--nocapture`). Any adapter will do;
//! `OTTOFLOW_WITHOUT_GPU=1` leaves the GPU out aloud, without it a missing adapter is a failure.

#[path = "gpu/rounding.rs"]
mod rounding;

use std::path::{Path, PathBuf};

use ottoflow::backend::Sweep;
use ottoflow::backend::gpu::{Gpu, Selection};
use ottoflow::divergence::Divergence;
use ottoflow::flow::explicit::weights;
use ottoflow::flow::{
    Couplings, Device, Diffusion, FlowError, Method, MethodSettings, Problem, State, start,
};
use ottoflow::scenario;
use ottoflow::with_divergence;
use rounding::{CPU, DEVICE, ROUNDOFF, SECOND_ORDER, neighbours};

/// Steps of forward Euler, of half the length up to which it is monotone: room for states that have left the range of r by rounding.
const STEPS: usize = 100;
const SHARE_OF_BOUND: f64 = 0.5;
/// Rounding σ_j, σ_i and c to f32.
const DATA: f64 = 3.0;
/// Scenarios whose ρ/π is beyond f32.
const BEYOND_SINGLE: [&str; 2] = ["disconnected-supports", "two-moons-2d"];

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap()
}

fn built(path: &Path) -> (Problem, State) {
    let scenario = scenario::load(path, &[]).unwrap_or_else(|error| panic!("{error}"));
    scenario.build().unwrap_or_else(|error| panic!("{error}"))
}

/// The adapter under test, or nothing if it is to be left out.
fn gpu() -> Option<Gpu> {
    if std::env::var_os("OTTOFLOW_WITHOUT_GPU").is_some_and(|value| value == "1") {
        println!("without the GPU: OTTOFLOW_WITHOUT_GPU=1");
        return None;
    }
    let opened = Gpu::open(Selection::HardwareOrSoftware);
    Some(opened.unwrap_or_else(|error| {
        panic!("{error}\nmesa-vulkan-drivers has an adapter in software; OTTOFLOW_WITHOUT_GPU=1 leaves it out.")
    }))
}

/// What the bound needs of a problem.
struct Stencil<'a> {
    problem: &'a Problem,
    /// σ as f32 holds it.
    weight: Vec<f64>,
    /// Time step / h² along x, y, z.
    scale: [f64; 3],
    step: f64,
    /// max over the cells of Σ_faces (σ_j/σ_i)/h².
    coupling: f64,
}

/// The largest ψ' over the range of a state: ψ' is monotone.
fn largest_slope<D: Divergence>(state: &State) -> f64 {
    let ratio = state.log_ratio.mapv(f64::exp);
    let low = ratio.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ratio.iter().copied().fold(0.0, f64::max);
    D::slope_from_ratio(low).max(D::slope_from_ratio(high))
}

impl<'a> Stencil<'a> {
    fn new<D: Divergence>(problem: &'a Problem, state: &State) -> Self {
        let coupling = Couplings::new(&problem.grid, &problem.log_target).largest();
        let step = SHARE_OF_BOUND / (coupling * largest_slope::<D>(state));
        let mut scale = [0.0; 3];
        for (scale, axis) in scale.iter_mut().zip(problem.grid.axes()) {
            *scale = step / axis.spacing().powi(2);
        }
        Self {
            problem,
            weight: weights::<f32>(problem).unwrap(),
            scale,
            step,
            coupling,
        }
    }

    /// How far one step in f32 from this state may be from the exact step, in L1 of ρ, if it makes `stencil` errors of u·S_i.
    fn error<D: Divergence>(&self, state: &State, stencil: f64) -> f64 {
        let grid = &self.problem.grid;
        let ratio: Vec<f64> = state.log_ratio.iter().map(|ln| ln.exp()).collect();
        let node: Vec<f64> = ratio.iter().map(|r| Diffusion::<D>::node(*r)).collect();
        let target = self.problem.log_target.iter().map(|ln| ln.exp());
        // What lies below the smallest normal number may be flushed to zero.
        let tiny = f64::from(f32::MIN_POSITIVE);
        let local = target.enumerate().map(|(cell, target)| {
            let own = self.weight[cell];
            let (mut sizes, mut stepped, mut flushed) = (0.0, ratio[cell], 2.0 + 6.0 / own);
            for (axis, other) in neighbours(grid, cell) {
                let factor = self.scale[axis] * self.weight[other] / own;
                sizes += factor * (node[other].abs() + node[cell].abs());
                stepped += factor * (node[other] - node[cell]);
                flushed += 3.0 * factor + self.scale[axis] / own;
            }
            target * (ROUNDOFF * (stencil * sizes + stepped.abs()) + tiny * flushed)
        });
        SECOND_ORDER * grid.cell_volume() * local.sum::<f64>()
    }

    /// Whether a step from the state is monotone.
    fn is_monotone<D: Divergence>(&self, state: &State) -> bool {
        self.step * self.coupling * largest_slope::<D>(state) <= 1.0
    }

    /// The L1 distance of ρ, and what reading r through its logarithm may add to it.
    fn distance(&self, first: &State, second: &State) -> (f64, f64) {
        let (a, b) = (first.density(self.problem), second.density(self.problem));
        let distance: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum();
        let digits = |state: &State, density: &ottoflow::grid::Field| -> f64 {
            let cells = density.iter().zip(&state.log_ratio);
            cells
                .filter(|(density, _)| **density > 0.0)
                .map(|(density, ln)| density * (1.0 + ln.abs() + density.ln().abs()))
                .sum()
        };
        let volume = self.problem.grid.cell_volume();
        let reading = f64::EPSILON * (digits(first, &a) + digits(second, &b));
        (volume * distance, volume * reading)
    }
}

/// A run on one device, step by step.
struct Run {
    method: Box<dyn Method>,
    state: State,
    /// Errors of a step, in u·S_i, without those of the data.
    stencil: f64,
    /// Bound of the distance from the exact flow of steps, and of that from the run with the same data.
    from_exact: f64,
    from_data: f64,
}

impl Run {
    fn start(
        problem: &Problem,
        state: &State,
        step: f64,
        device: Device,
        stencil: f64,
    ) -> Result<Self, FlowError> {
        let settings = MethodSettings::Explicit {
            order: 1,
            step: Some(step),
        };
        let mut method = start(problem, state, settings, device)?;
        let state = method.state()?;
        let mass = state.density(problem).sum() * problem.grid.cell_volume();
        Ok(Self {
            method,
            state,
            stencil,
            // r is rounded to f32.
            from_exact: ROUNDOFF * mass,
            from_data: 0.0,
        })
    }

    fn advance<D: Divergence>(&mut self, stencil: &Stencil, until: f64) {
        assert!(stencil.is_monotone::<D>(&self.state));
        self.from_exact += stencil.error::<D>(&self.state, self.stencil + DATA);
        self.from_data += stencil.error::<D>(&self.state, self.stencil);
        let advance = self.method.advance(until).unwrap();
        assert_eq!(advance.steps, 1);
        self.state = self.method.state().unwrap();
    }
}

/// The distance within the bound; both.
fn compared(what: &str, (distance, reading): (f64, f64), bound: f64) -> (f64, f64) {
    let bound = bound + reading;
    assert!(distance <= bound, "{what}: {distance:e} > {bound:e}");
    (distance, bound)
}

/// L1 distances of f32 from f64 on the CPU, of the GPU from f64, and of the GPU from f32 on the CPU, each with its bound.
fn distances<D: Divergence>(
    name: &str,
    problem: &Problem,
    initial: &State,
    gpu: Option<&Gpu>,
) -> Vec<(f64, f64)> {
    let stencil = Stencil::new::<D>(problem, initial);
    let begin = |device, count| Run::start(problem, initial, stencil.step, device, count).unwrap();
    let mut exact = begin(Device::CpuDouble, 0.0);
    let mut single = begin(Device::CpuSingle, CPU);
    let mut device = gpu.map(|gpu| begin(Device::Gpu(gpu.clone()), DEVICE));
    let mut found = Vec::new();
    for number in 1..=STEPS {
        let until = stencil.step * number as f64;
        for run in [&mut exact, &mut single].into_iter().chain(&mut device) {
            run.advance::<D>(&stencil, until);
        }
        let apart = stencil.distance(&single.state, &exact.state);
        let what = format!("{name}, step {number}, f32 from f64");
        found = vec![compared(&what, apart, single.from_exact)];
        if let Some(device) = &device {
            let apart = stencil.distance(&device.state, &exact.state);
            let what = format!("{name}, step {number}, GPU from f64");
            found.push(compared(&what, apart, device.from_exact));
            let apart = stencil.distance(&device.state, &single.state);
            let what = format!("{name}, step {number}, GPU from f32");
            let bound = device.from_data + single.from_data;
            found.push(compared(&what, apart, bound));
        }
    }
    found
}

#[test]
fn every_scenario_is_the_same_on_every_device_within_rounding() {
    let gpu = gpu();
    for path in shipped() {
        let name = stem(&path);
        if BEYOND_SINGLE.contains(&name) {
            continue;
        }
        let (problem, initial) = built(&path);
        let found = with_divergence!(problem.divergence, D => distances::<D>(name, &problem, &initial, gpu.as_ref()));
        print!("| {name} | {} |", problem.grid.len());
        for (distance, bound) in &found {
            print!(" {distance:.1e} | {bound:.1e} |");
        }
        println!();
        let (distance, bound) = found[0];
        assert!(distance > 0.0, "{name}: f32 is not used");
        assert!(bound < 1e-2, "{name}: {bound:e} says nothing");
    }
}

#[test]
fn a_scenario_beyond_single_precision_is_refused_there_and_runs_in_double() {
    let gpu = gpu();
    for name in BEYOND_SINGLE {
        let path = shipped().into_iter().find(|path| stem(path) == name);
        let (problem, initial) = built(&path.unwrap());
        let settings = MethodSettings::Explicit {
            order: 1,
            step: None,
        };
        let devices = [Some(Device::CpuSingle), gpu.clone().map(Device::Gpu)];
        for device in devices.into_iter().flatten() {
            let error = start(&problem, &initial, settings, device).err().unwrap();
            let FlowError::Range {
                quantity,
                value,
                holder,
                ..
            } = error
            else {
                panic!("{name}: {error}");
            };
            assert_eq!((quantity, holder), ("ln(ρ/π)", "f32"));
            assert!(value > f64::from(f32::MAX).ln(), "{value}");
        }
        let mut method = start(&problem, &initial, settings, Device::CpuDouble).unwrap();
        method.advance(1e-5).unwrap();
        let mass = method.state().unwrap().density(&problem).sum() * problem.grid.cell_volume();
        assert!((mass - 1.0).abs() < 1e-12, "{mass}");
    }
}
