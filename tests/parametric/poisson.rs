//! The metric of the densities by Poisson's equation on splines: a projection, exact for affine maps, of fourth order in the spacing.

use ottoflow::calculus::Real;
use ottoflow::parametric::metric::{
    Features, Metric, MetricKind, MetricSettings, Potentials, Splines,
};
use ottoflow::parametric::{
    Activation, Batch, Evaluator, Formula, FormulaGenerator, Generator, Network, Purpose, Streams,
    fill_normal, symmetric_eigenvalues,
};
use std::f64::consts::PI;

use crate::support::{fill, fill_rings, near, random, vector};

const UNDAMPED: MetricSettings = MetricSettings {
    kind: MetricKind::Otto,
    damping: 0.0,
};

fn metric(
    potentials: impl Into<Potentials>,
    generator: &mut dyn Generator,
    parameters: &[f64],
) -> Vec<f64> {
    Metric::with_potentials(UNDAMPED, potentials).matrix(generator, parameters)
}

fn sample_metric(generator: &mut dyn Generator, parameters: &[f64]) -> Vec<f64> {
    let kind = MetricKind::Sample;
    Metric::new(MetricSettings { kind, ..UNDAMPED }).matrix(generator, parameters)
}

fn trace(matrix: &[f64], size: usize) -> f64 {
    matrix.iter().step_by(size + 1).sum()
}

/// smaller ⪯ larger: no eigenvalue of the difference is below 0 by more than rounding.
#[track_caller]
fn in_order(smaller: &[f64], larger: &[f64], size: usize, what: &str) {
    let difference: Vec<f64> = larger.iter().zip(smaller).map(|(a, b)| a - b).collect();
    let lowest = symmetric_eigenvalues(&difference, size).unwrap()[0];
    assert!(
        lowest > -1e-9 * trace(larger, size),
        "{what}: an eigenvalue {lowest:e} of the difference"
    );
}

/// g(δ, δ) of x = Az + b by eq. P11: ΣS + SΣ = δA Aᵀ + A δAᵀ, in 2-D S = (M + det Σ Σ⁻¹MΣ⁻¹)/(2 tr Σ).
fn bures_wasserstein(parameters: &[f64], direction: &[f64]) -> f64 {
    let product = |a: [f64; 4], b: [f64; 4]| {
        let entry = |i: usize, j: usize| a[2 * i] * b[j] + a[2 * i + 1] * b[2 + j];
        [entry(0, 0), entry(0, 1), entry(1, 0), entry(1, 1)]
    };
    let transposed = |a: [f64; 4]| [a[0], a[2], a[1], a[3]];
    let [a, change] = [parameters, direction].map(|p| [p[0], p[1], p[2], p[3]]);
    let sigma = product(a, transposed(a));
    let half = product(change, transposed(a));
    let m: [f64; 4] = std::array::from_fn(|i| half[i] + transposed(half)[i]);
    let adjugate = [sigma[3], -sigma[1], -sigma[2], sigma[0]];
    let determinant = sigma[0] * sigma[3] - sigma[1] * sigma[2];
    let other = product(product(adjugate, m), adjugate);
    let s: [f64; 4] =
        std::array::from_fn(|i| (m[i] + other[i] / determinant) / (2.0 * (sigma[0] + sigma[3])));
    let image = product(product(s, sigma), s);
    image[0] + image[3] + direction[4] * direction[4] + direction[5] * direction[5]
}

/// x_i and x_i x_j are splines at any spacing: an affine generator has the metric of Bures and Wasserstein, and rotations are free.
#[test]
fn affine_generators_have_the_metric_of_bures_and_wasserstein_at_any_spacing() {
    let parameters = [1.3, 0.4, -0.7, 0.9, 2.0, -1.0];
    let mut generator = Evaluator::new(Network::affine(2, 2), 16 * 1600);
    fill_rings(generator.latents(), 1600);
    generator.forward(&parameters);
    let mut random = random(1);
    for intervals in [1, 2, 3, 8, 20] {
        let splines = Splines::over_samples(2, Some(intervals));
        let found = metric(splines, &mut generator, &parameters);
        for _ in 0..20 {
            let direction = vector(&mut random, 6);
            let rows = found.chunks(6).zip(&direction);
            let square: f64 = rows
                .map(|(row, d)| d * row.iter().zip(&direction).map(|(a, b)| a * b).sum::<f64>())
                .sum();
            let expected = bures_wasserstein(&parameters, &direction);
            near(square, expected, 1e-6, &format!("{intervals} intervals"));
        }
        let values = symmetric_eigenvalues(&found, 6).unwrap();
        let what = format!("{intervals} intervals: {values:?}");
        assert!(values[0].abs() < 1e-6 * values[5], "{what}");
        assert!(values[1] > 1e-2 * values[5], "{what}");
    }
}

/// g_F ⪯ g_h ⪯ g_{h/2} ⪯ G̃ at the same samples: quadratic potentials are splines, and splines are splines of half the spacing.
#[test]
fn finer_splines_raise_the_metric_and_never_above_the_sample_metric() {
    for (outputs, finest) in [(1, 16), (2, 16), (3, 4)] {
        let network = Network::new(3, &[6], outputs, Activation::Tanh);
        let mut random = random(3);
        let parameters = vector(&mut random, network.parameters());
        let mut generator = Evaluator::new(network, 150);
        fill(&mut random, generator.latents());
        generator.forward(&parameters);
        let size = parameters.len();
        let quadratic = Features::new(outputs, 0, 1.0);
        let mut lower = metric(quadratic, &mut generator, &parameters);
        let mut intervals = 1;
        while intervals <= finest {
            let splines = Splines::over_samples(outputs, Some(intervals));
            let found = metric(splines, &mut generator, &parameters);
            in_order(&lower, &found, size, &format!("{intervals} intervals"));
            // In 1-D the splines on one interval are the quadratic potentials.
            let more = (outputs, intervals) != (1, 1);
            assert!(!more || trace(&lower, size) < (1.0 - 1e-6) * trace(&found, size));
            (lower, intervals) = (found, 2 * intervals);
        }
        let sample = sample_metric(&mut generator, &parameters);
        in_order(&lower, &sample, size, "G̃");
    }
}

/// Displacements of the unit square that vanish across its sides, even when reflected there; no gradient fields.
const WAVES: [[f64; 4]; 4] = [
    // Along the axes: amplitude of sin(πx)cos(kπy), k; the same of cos(kπx)sin(πy).
    [1.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 2.0],
    [1.0, 2.0, -0.5, 1.0],
    [0.3, 0.0, 1.0, 1.0],
];
const AMPLITUDES: [f64; 4] = [0.05, -0.03, 0.02, 0.02];

fn displacement(wave: [f64; 4], [x, y]: [f64; 2]) -> [f64; 2] {
    let [first, along, second, across] = wave;
    [
        first * (PI * x).sin() * (along * PI * y).cos(),
        second * (across * PI * x).cos() * (PI * y).sin(),
    ]
}

/// x = z + Σ θ_i w_i(z) with z uniform on the unit square, which it maps on itself: latent variables are z and the displacements w_i(z).
struct Whirl;

impl Formula for Whirl {
    const PARAMETERS: usize = 4;
    const LATENT: usize = 10;
    const DIMENSION: usize = 2;

    fn value<R: Real>(&self, parameters: &[R], latent: &[R], sample: &mut [R]) {
        for (axis, value) in sample.iter_mut().enumerate() {
            let terms = parameters.iter().enumerate();
            *value = terms.fold(latent[axis], |sum, (i, p)| {
                sum + *p * latent[2 + 2 * i + axis]
            });
        }
    }
}

/// The map with `side`² midpoints.
fn whirl(side: usize) -> FormulaGenerator<Whirl> {
    let mut generator = FormulaGenerator::new(Whirl, side * side);
    let latents = generator.latents();
    for place in 0..side * side {
        let z = [place / side, place % side].map(|index| (index as f64 + 0.5) / side as f64);
        (latents.row_mut(0)[place], latents.row_mut(1)[place]) = (z[0], z[1]);
        for (i, wave) in WAVES.into_iter().enumerate() {
            for (axis, value) in displacement(wave, z).into_iter().enumerate() {
                latents.row_mut(2 + 2 * i + axis)[place] = value;
            }
        }
    }
    generator.forward(&AMPLITUDES);
    generator
}

fn mapped(z: [f64; 2]) -> [f64; 2] {
    let mut x = z;
    for (wave, amplitude) in WAVES.into_iter().zip(AMPLITUDES) {
        let w = displacement(wave, z);
        x = [x[0] + amplitude * w[0], x[1] + amplitude * w[1]];
    }
    x
}

/// ∂x/∂z by rows, by central differences of fourth order.
fn slope(z: [f64; 2]) -> [f64; 4] {
    let h = 1e-3;
    let mut matrix = [0.0; 4];
    for axis in 0..2 {
        for (weight, shift) in [(8.0, h), (-8.0, -h), (-1.0, 2.0 * h), (1.0, -2.0 * h)] {
            let mut moved = z;
            moved[axis] += shift;
            let x = mapped(moved);
            matrix[axis] += weight * x[0] / (12.0 * h);
            matrix[2 + axis] += weight * x[1] / (12.0 * h);
        }
    }
    matrix
}

/// ρ(x) and the velocities ∂_iG there, in closed form but for Newton's iteration to z.
fn density_and_velocities(x: [f64; 2]) -> (f64, [[f64; 2]; 4]) {
    let mut z = x;
    for _ in 0..30 {
        let (found, a) = (mapped(z), slope(z));
        let determinant = a[0] * a[3] - a[1] * a[2];
        let rest = [x[0] - found[0], x[1] - found[1]];
        z[0] += (a[3] * rest[0] - a[1] * rest[1]) / determinant;
        z[1] += (a[0] * rest[1] - a[2] * rest[0]) / determinant;
    }
    let a = slope(z);
    (
        1.0 / (a[0] * a[3] - a[1] * a[2]),
        WAVES.map(|wave| displacement(wave, z)),
    )
}

/// g of the whirl by finite volumes on n² cells: −∇·(ρ∇Φ_i) = −∇·(ρu_i) with ρ and u in closed form at the faces, solved by conjugate
/// gradients; g_ij = Σ_faces ρ u_j·∇Φ_i. Shares no code with the splines.
fn by_finite_volumes(n: usize) -> Vec<f64> {
    let h = 1.0 / n as f64;
    // Faces between a cell and the next along x, then along y: the two cells, ρ, and ρu·normal of every parameter.
    let mut faces = Vec::new();
    for axis in 0..2 {
        for i in 0..n {
            for j in 0..n {
                let next = [(i + 1, j), (i, j + 1)][axis];
                if next.0 < n && next.1 < n {
                    let middle = [
                        (i + next.0 + 1) as f64 * 0.5 * h,
                        (j + next.1 + 1) as f64 * 0.5 * h,
                    ];
                    let (density, velocities) = density_and_velocities(middle);
                    let fluxes = velocities.map(|u| density * u[axis]);
                    faces.push((i * n + j, next.0 * n + next.1, density, fluxes));
                }
            }
        }
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let sources: Vec<Vec<f64>> = (0..4)
        .map(|index| {
            let mut source = vec![0.0; n * n];
            for (from, to, _, fluxes) in &faces {
                source[*from] -= h * fluxes[index];
                source[*to] += h * fluxes[index];
            }
            source
        })
        .collect();
    let mut result = vec![0.0; 16];
    for i in 0..4 {
        let (mut phi, mut rest) = (vec![0.0; n * n], sources[i].clone());
        let (mut direction, mut square) = (rest.clone(), dot(&rest, &rest));
        let enough = 1e-24 * square;
        while square > enough {
            let mut image = vec![0.0; n * n];
            for (from, to, density, _) in &faces {
                let flux = density * (direction[*to] - direction[*from]);
                image[*from] -= flux;
                image[*to] += flux;
            }
            let length = square / dot(&direction, &image);
            for place in 0..n * n {
                phi[place] += length * direction[place];
                rest[place] -= length * image[place];
            }
            let next = dot(&rest, &rest);
            for (own, rest) in direction.iter_mut().zip(&rest) {
                *own = rest + next / square * *own;
            }
            square = next;
        }
        for j in 0..4 {
            result[4 * i + j] = dot(&phi, &sources[j]);
        }
    }
    result
}

/// The error of g is the square of that of ∇Φ, O(h²): halving the spacing divides it by 2⁴. (With bilinear potentials by 2².)
#[test]
fn the_metric_converges_at_fourth_order_to_that_of_finite_volumes() {
    let mut generator = whirl(512);
    let by_intervals: Vec<Vec<f64>> = [10, 20, 40]
        .into_iter()
        .map(|intervals| {
            let splines = Splines::on_box(&[0.0; 2], &[1.0; 2], intervals);
            metric(splines, &mut generator, &AMPLITUDES)
        })
        .collect();
    let changes: Vec<f64> = by_intervals
        .windows(2)
        .map(|pair| trace(&pair[1], 4) - trace(&pair[0], 4))
        .collect();
    let order = (changes[0] / changes[1]).log2();
    assert!((order - 4.0).abs() < 0.15, "order {order}: {changes:?}");
    let [coarse, fine] = [48, 96].map(by_finite_volumes);
    let sample = sample_metric(&mut generator, &AMPLITUDES);
    let finest = &by_intervals[2];
    // Second order on both grids, so that the difference of the two is three times the error of the finer one.
    for (place, found) in finest.iter().enumerate() {
        let expected = (4.0 * fine[place] - coarse[place]) / 3.0;
        near(*found, expected, 1e-6, "by finite volumes");
    }
    let share = trace(finest, 4) / trace(&sample, 4);
    assert!(share < 0.5, "the displacements are no gradients: {share}");
}

/// Two clusters far apart leave most of the grid empty: its potentials are harmless, and each cluster moves on its own, at the full price.
#[test]
fn empty_cells_between_clusters_are_harmless() {
    // The third latent variable is ±1 and says which cluster.
    let parameters = [1.0, 0.2, 100.0, 0.1, 0.8, 30.0, 3.0, -2.0];
    let mut generator = Evaluator::new(Network::affine(3, 2), 150);
    fill(&mut random(4), generator.latents());
    for (place, side) in generator.latents().row_mut(2).iter_mut().enumerate() {
        *side = if place % 2 == 0 { 1.0 } else { -1.0 };
    }
    generator.forward(&parameters);
    let sample = sample_metric(&mut generator, &parameters);
    let mut force = Batch::new(2, 150);
    fill(&mut random(5), &mut force);
    for intervals in [5, 8, 30] {
        let what = format!("{intervals} intervals");
        let splines = Splines::over_samples(2, Some(intervals));
        let found = metric(splines.clone(), &mut generator, &parameters);
        in_order(&found, &sample, 8, &what);
        for place in [2, 5, 6, 7] {
            near(found[9 * place], sample[9 * place], 1e-6, &what);
        }
        let damped = MetricSettings {
            damping: 1e-6,
            ..UNDAMPED
        };
        let mut solver = Metric::with_potentials(damped, splines);
        let mut direction = vec![0.0; 8];
        solver
            .solve(&mut generator, &parameters, &force, &mut direction)
            .unwrap();
        assert_eq!(solver.report().raised, 0, "{what}");
        assert!(
            direction.iter().all(|value| value.abs() < 1e3),
            "{direction:?}"
        );
    }
}

/// 1.5 B^{1/6} intervals an axis: fewer miss what is a gradient, more take what is none.
#[test]
fn the_spacing_in_training_balances_both_errors() {
    let network = Network::new(4, &[8], 2, Activation::Tanh);
    let mut random = random(1);
    let parameters: Vec<f64> = vector(&mut random, network.parameters())
        .iter()
        .map(|value| 1.5 * value)
        .collect();
    let at = |count: usize, number: u64, intervals: usize| {
        let mut generator = Evaluator::new(network.clone(), count);
        let mut latents = Streams::new(3).at(Purpose::GeneratorLatents, number);
        fill_normal(&mut latents, generator.latents());
        generator.forward(&parameters);
        let splines = Splines::over_samples(2, Some(intervals));
        metric(splines, &mut generator, &parameters)
    };
    let square = |matrix: &[f64]| matrix.iter().map(|x| x * x).sum::<f64>();
    let exact = at(1 << 15, 999, 12);
    for count in [128, 512] {
        let errors: Vec<f64> = (1..=10)
            .map(|intervals| {
                let batches = (0..20).map(|number| {
                    let found = at(count, number, intervals);
                    let pairs = found.iter().zip(&exact);
                    square(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>())
                });
                (batches.sum::<f64>() / 20.0 / square(&exact)).sqrt()
            })
            .collect();
        let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
        let chosen = errors[Splines::intervals_for(count, 2) - 1];
        assert!(chosen < 1.05 * least, "{count} samples: {errors:?}");
        assert!(errors[9] > 1.15 * least, "{count} samples: {errors:?}");
    }
}
