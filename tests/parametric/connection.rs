//! The connection of the metric of the densities: that of the matrix g(θ), geodesics in closed form, energy, and indifference to coordinates.

use ottoflow::calculus::Real;
use ottoflow::parametric::metric::{
    Features, Metric, MetricKind, MetricSettings, Potentials, Splines,
};
use ottoflow::parametric::optimizer::{Inertial, Optimizer, Step};
use ottoflow::parametric::{
    Activation, Batch, Evaluator, Formula, FormulaGenerator, Generator, Network,
    fill_normal_quantiles,
};

use crate::support::{fill, fill_rings, near, random, vector};

fn otto(damping: f64) -> MetricSettings {
    MetricSettings {
        kind: MetricKind::Otto,
        damping,
    }
}

/// ηᵀgζ for a matrix by rows.
fn form(matrix: &[f64], left: &[f64], right: &[f64]) -> f64 {
    let rows = matrix.chunks_exact(right.len()).zip(left);
    rows.map(|(row, own)| own * row.iter().zip(right).map(|(a, b)| a * b).sum::<f64>())
        .sum()
}

fn moved(values: &[f64], length: f64, direction: &[f64]) -> Vec<f64> {
    let pairs = values.iter().zip(direction);
    pairs.map(|(value, slope)| value + length * slope).collect()
}

/// Γ_i = d/dt(g η)_i − ½∂_i g(η, η) by central differences of the matrix, the potentials held fixed.
fn connection_by_differences(
    metric: &mut Metric,
    generator: &mut dyn Generator,
    parameters: &[f64],
    velocity: &[f64],
) -> Vec<f64> {
    let n = parameters.len();
    let unit = |index: usize| {
        let mut unit = vec![0.0; n];
        unit[index] = 1.0;
        unit
    };
    // The derivative of g along a direction.
    let mut slope = |direction: &[f64]| -> Vec<f64> {
        // So short that no sample passes from one spline's piece to the next, where ∇²ψ jumps.
        let h = 3e-6;
        let [after, before] = [h, -h].map(|h| {
            let place = moved(parameters, h, direction);
            generator.forward(&place);
            metric.matrix(generator, &place)
        });
        let pairs = after.iter().zip(&before);
        pairs.map(|(a, b)| (a - b) / (2.0 * h)).collect()
    };
    let along = slope(velocity);
    (0..n)
        .map(|index| {
            let own = unit(index);
            form(&along, &own, velocity) - 0.5 * form(&slope(&own), velocity, velocity)
        })
        .collect()
}

/// x = e^θ₁ z + θ₂² z²: two latent variables at every place.
struct Folded;

impl Formula for Folded {
    const PARAMETERS: usize = 2;
    const LATENT: usize = 1;
    const DIMENSION: usize = 1;

    fn value<R: Real>(&self, parameters: &[R], latent: &[R], sample: &mut [R]) {
        // Curved in the parameters as well.
        let z = latent[0];
        sample[0] = parameters[0].exp() * z + parameters[1] * parameters[1] * z * z;
    }
}

#[track_caller]
fn holds_for(
    potentials: impl Into<Potentials>,
    generator: &mut dyn Generator,
    parameters: &[f64],
    what: &str,
) {
    let mut random = random(17);
    let velocity = vector(&mut random, parameters.len());
    let mut metric = Metric::with_potentials(otto(0.0), potentials);
    let expected = connection_by_differences(&mut metric, generator, parameters, &velocity);
    generator.forward(parameters);
    let mut field = generator.samples().clone();
    metric.connection(generator, parameters, &velocity, &mut field);
    let mut found = vec![0.0; parameters.len()];
    generator.pull_back(parameters, &field, &mut found);
    let count = field.count() as f64;
    let size = expected.iter().fold(0.0_f64, |size, x| size.max(x.abs()));
    assert!(size > 0.05, "{what}: there is a connection, {expected:?}");
    for (found, expected) in found.iter().zip(&expected) {
        near(found / count, *expected, 1e-6, what);
    }
}

#[test]
fn the_connection_is_that_of_the_matrix_on_fixed_potentials() {
    for activation in [Activation::Tanh, Activation::Softplus] {
        let network = Network::new(2, &[3], 2, activation);
        let mut random = random(5);
        let parameters = vector(&mut random, network.parameters());
        let mut generator = Evaluator::new(network, 300);
        fill(&mut random, generator.latents());
        let what = format!("{activation:?}");
        let splines = Splines::on_box(&[-2.0; 2], &[2.0; 2], 4);
        holds_for(splines, &mut generator, &parameters, &what);
        let features = Features::new(2, 10, 2.0);
        holds_for(features, &mut generator, &parameters, &what);
    }
    let mut generator = FormulaGenerator::new(Folded, 400);
    fill_normal_quantiles(generator.latents());
    let parameters = [0.6_f64.ln(), 0.5_f64.sqrt()];
    let splines = Splines::on_box(&[-1.0], &[8.0], 9);
    holds_for(splines, &mut generator, &parameters, "folded");
}

/// Steps without friction or force from a velocity; θ after each step, the start first.
fn glide(
    metric: Metric,
    generator: &mut dyn Generator,
    parameters: &[f64],
    velocity: &[f64],
    (steps, time): (usize, f64),
) -> Vec<Vec<f64>> {
    let mut inertial = Inertial::with_velocity(metric, 0.0, velocity);
    let force = Batch::new(generator.samples().features(), generator.samples().count());
    let mut path = vec![parameters.to_vec()];
    for number in 0..steps {
        let mut parameters = path[number].clone();
        generator.forward(&parameters);
        let mut step = Step {
            generator: &mut *generator,
            parameters: &mut parameters,
            force: &force,
            rate: time / steps as f64,
            number: number as u64,
        };
        inertial.step(&mut step).unwrap();
        path.push(parameters);
    }
    path
}

fn product(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    let entry = |i: usize, j: usize| a[2 * i] * b[j] + a[2 * i + 1] * b[2 + j];
    [entry(0, 0), entry(0, 1), entry(1, 0), entry(1, 1)]
}

fn square(a: [f64; 4]) -> [f64; 4] {
    product(a, [a[0], a[2], a[1], a[3]])
}

/// Between normal densities geodesics are Σ(t) = (1 + tS)Σ(0)(1 + tS) (Takatsu, Osaka J. Math. 48, 2011), whatever rotation of the latent
/// variables goes along with them.
#[test]
fn geodesics_of_affine_generators_are_those_of_bures_and_wasserstein() {
    let start = [1.1, 0.3, -0.5, 0.8];
    let (s, shift) = ([0.5, 0.4, 0.4, -0.3], [0.7, -0.2]);
    let mut generator = Evaluator::new(Network::affine(2, 2), 4 * 400);
    fill_rings(generator.latents(), 400);
    let parameters: Vec<f64> = start.iter().chain(&[0.2, 0.1]).copied().collect();
    generator.forward(&parameters);
    let along = product(s, start);
    let end = product([1.0 + s[0], s[1], s[2], 1.0 + s[3]], start);
    for rotation in [0.0, 1.5] {
        let gauge = product(start, [0.0, -rotation, rotation, 0.0]);
        let mut velocity: Vec<f64> = (0..4).map(|i| along[i] + gauge[i]).collect();
        velocity.extend(shift);
        let mut error = |steps: usize| {
            let metric = Metric::with_potentials(otto(1e-6), Splines::over_samples(2, Some(2)));
            let path = glide(metric, &mut generator, &parameters, &velocity, (steps, 1.0));
            let last = &path[steps];
            let found = square([last[0], last[1], last[2], last[3]]);
            let pairs = found.into_iter().zip(square(end));
            let covariance = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let means = (last[4] - 0.9).abs().max((last[5] + 0.1).abs());
            covariance.max(means)
        };
        let [coarse, fine] = [100, 200].map(&mut error);
        match rotation {
            // Straight in A: exact at any step.
            0.0 => assert!(fine < 1e-8, "{coarse:e}, {fine:e}"),
            _ => {
                let order = (coarse / fine).log2();
                assert!(
                    (order - 2.0).abs() < 0.15,
                    "order {order}: {coarse:e}, {fine:e}"
                );
                assert!(fine < 1e-3, "{fine:e}");
            }
        }
    }
}

/// ½(g + λ)(θ', θ') stays without friction and force, up to an error of second order in the step.
#[test]
fn kinetic_energy_is_conserved_to_second_order() {
    const TIME: f64 = 0.3;
    let network = Network::new(2, &[2], 2, Activation::Tanh);
    let mut random = random(11);
    // Samples that spread as far as the waves are long, so that the waves differ.
    let parameters: Vec<f64> = vector(&mut random, network.parameters())
        .iter()
        .map(|value| 2.5 * value)
        .collect();
    let velocity = vector(&mut random, network.parameters());
    let mut generator = Evaluator::new(network, 90);
    fill(&mut random, generator.latents());
    generator.forward(&parameters);
    let damping = 0.1;
    let metric = || Metric::with_potentials(otto(damping), Features::new(2, 10, 2.0));
    let drifts = [100, 200, 400].map(|steps| {
        let path = glide(
            metric(),
            &mut generator,
            &parameters,
            &velocity,
            (steps, TIME),
        );
        let mut reader = metric();
        let mut energy = |place: &[f64], velocity: &[f64]| {
            generator.forward(place);
            let matrix = reader.matrix(&mut generator, place);
            let square: f64 = velocity.iter().map(|x| x * x).sum();
            0.5 * (form(&matrix, velocity, velocity) + damping * square)
        };
        let begin = energy(&parameters, &velocity);
        let h = TIME / steps as f64;
        let drifts = path.windows(3).map(|three| {
            let change = moved(&three[2], -1.0, &three[0]);
            let velocity: Vec<f64> = change.iter().map(|x| x / (2.0 * h)).collect();
            (energy(&three[1], &velocity) / begin - 1.0).abs()
        });
        drifts.fold(0.0, f64::max)
    });
    for pair in drifts.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 2.0).abs() < 0.15, "order {order}: {drifts:?}");
    }
    assert!(drifts[2] < 1e-7, "{drifts:?}");
}

/// x = e^θ z.
struct LogScale;

impl Formula for LogScale {
    const PARAMETERS: usize = 1;
    const LATENT: usize = 1;
    const DIMENSION: usize = 1;

    fn value<R: Real>(&self, parameters: &[R], latent: &[R], sample: &mut [R]) {
        sample[0] = parameters[0].exp() * latent[0];
    }
}

/// N(0, s²) towards N(0, 1) in KL by s'' + γs' + s − 1/s = 0, in the coordinate θ = ln s.
#[test]
fn a_curved_coordinate_does_not_change_the_path_of_a_width() {
    const FRICTION: f64 = 2.0;
    let (h, end): (f64, f64) = (2e-5, 6.0);
    let mut generator = FormulaGenerator::new(LogScale, 4);
    generator.latents().row_mut(0).copy_from_slice(&[
        0.6,
        -0.6,
        1.64_f64.sqrt(),
        -(1.64_f64.sqrt()),
    ]);
    let mut parameters = [0.05_f64.ln()];
    let mut inertial = Inertial::new(Metric::new(otto(0.0)), FRICTION, true, 1);
    let mut force = Batch::new(1, 4);
    let (mut s, mut v, mut apart, mut largest) = (0.05_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for number in 0..(end / h).round() as u64 {
        generator.forward(&parameters);
        let variance = (2.0 * parameters[0]).exp();
        for (force, x) in force.row_mut(0).iter_mut().zip(generator.samples().row(0)) {
            *force = x - x / variance;
        }
        let mut step = Step {
            generator: &mut generator,
            parameters: &mut parameters,
            force: &force,
            rate: h,
            number,
        };
        inertial.step(&mut step).unwrap();
        // The classical Runge–Kutta method, whose error at this step is below 1e-12.
        let slope = |s: f64, v: f64| (v, -FRICTION * v - s + 1.0 / s);
        let k1 = slope(s, v);
        let k2 = slope(s + 0.5 * h * k1.0, v + 0.5 * h * k1.1);
        let k3 = slope(s + 0.5 * h * k2.0, v + 0.5 * h * k2.1);
        let k4 = slope(s + h * k3.0, v + h * k3.1);
        s += h / 6.0 * (k1.0 + 2.0 * k2.0 + 2.0 * k3.0 + k4.0);
        v += h / 6.0 * (k1.1 + 2.0 * k2.1 + 2.0 * k3.1 + k4.1);
        apart = apart.max((parameters[0].exp() - s).abs());
        largest = largest.max(s);
    }
    assert!(apart < 1e-6, "{apart:e} apart");
    near(largest, 1.21, 0.01, "the largest width");
}

/// A map into the plane, curved in its parameters, of parameters θ = Aφ.
struct Shear([[f64; 4]; 4]);

impl Formula for Shear {
    const PARAMETERS: usize = 4;
    const LATENT: usize = 3;
    const DIMENSION: usize = 2;

    fn value<R: Real>(&self, parameters: &[R], latent: &[R], sample: &mut [R]) {
        let theta = self.0.map(|row| {
            let terms = row.iter().zip(parameters);
            terms.fold(R::constant(0.0), |sum, (a, p)| sum + R::constant(*a) * *p)
        });
        let z = latent;
        sample[0] = theta[0].exp() * z[0] + theta[1] * (theta[0] * z[2]).tanh();
        sample[1] = z[1] * theta[2] + (theta[3] * z[0]).tanh() * z[1] + theta[1] * z[0] * z[0];
    }
}

/// Eq. P7 in the coordinates φ with θ = Aφ is the same path.
#[test]
fn linear_changes_of_parameters_leave_the_path() {
    const ONE: [[f64; 4]; 4] = [
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ];
    // Unit upper triangular, so that its inverse is found from below; scales differ by a thousand.
    const CHANGE: [[f64; 4]; 4] = [
        [10.0, 0.3, -2.0, 0.5],
        [0.0, 0.02, 1.0, -0.4],
        [0.0, 0.0, 5.0, 0.7],
        [0.0, 0.0, 0.0, 0.1],
    ];
    let start = [0.1, 0.4, 0.9, 0.5];
    let mut changed = start;
    for row in (0..4).rev() {
        let sum: f64 = (row + 1..4).map(|k| CHANGE[row][k] * changed[k]).sum();
        changed[row] = (start[row] - sum) / CHANGE[row][row];
    }
    let path = |matrix: [[f64; 4]; 4], mut parameters: [f64; 4]| {
        let mut generator = FormulaGenerator::new(Shear(matrix), 200);
        fill(&mut random(23), generator.latents());
        let mut inertial = Inertial::new(Metric::new(otto(0.0)), 0.5, true, 4);
        let mut force = Batch::new(2, 200);
        for number in 0..40 {
            generator.forward(&parameters);
            for (axis, middle) in [1.0, -0.5].into_iter().enumerate() {
                let samples = generator.samples().row(axis);
                for (force, x) in force.row_mut(axis).iter_mut().zip(samples) {
                    *force = x - middle;
                }
            }
            let mut step = Step {
                generator: &mut generator,
                parameters: &mut parameters,
                force: &force,
                rate: 0.02,
                number,
            };
            inertial.step(&mut step).unwrap();
        }
        matrix.map(|row| row.iter().zip(&parameters).map(|(a, p)| a * p).sum::<f64>())
    };
    let (plain, other) = (path(ONE, start), path(CHANGE, changed));
    for (a, b) in plain.iter().zip(&other) {
        near(*a, *b, 1e-6, "θ");
    }
    assert!(
        plain.iter().zip(&start).all(|(a, b)| (a - b).abs() > 0.02),
        "{plain:?}"
    );
}
