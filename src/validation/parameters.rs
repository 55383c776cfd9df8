use super::{Check, CheckError, Measure, Measurement};
use crate::calculus::Real;
use crate::density::{Density, Gaussian, NormalMixture};
use crate::divergence::DivergenceKind;
use crate::parametric::metric::{Features, Metric, MetricKind, MetricSettings};
use crate::parametric::optimizer::{Inertial, Natural, Optimizer, Step};
use crate::parametric::{
    Batch, Evaluator, ExactCritic, Formula, FormulaGenerator, Generator, Loss, Network, Target,
    fill_normal_quantiles,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "folded-generator",
        claim: "G = 0.6z + 0.5z²: the sample metric is diag(1, 3), that of the densities [[.437, .675], [.675, 2.19]]",
        reference: "docs/parameters.md, eq. P2 and P4",
        measure: Measure::OnReference(folded),
    },
    Check {
        name: "bures-wasserstein",
        claim: "for x = Az + b in 2-D the pulled-back metric is that of W2 between Gaussians, and rotations of z cost nothing",
        reference: "docs/parameters.md, eq. P11; Takatsu, Osaka J. Math. 48, 2011",
        measure: Measure::OnReference(bures),
    },
    Check {
        name: "inertia-with-connection",
        claim: "θ = ln s from 0.05: with its connection term `inertial` is s'' + γs' + s − 1/s = 0; without it s overshoots past 100",
        reference: "docs/parameters.md, eq. P7 and P13",
        measure: Measure::OnReference(inertia),
    },
    Check {
        name: "natural-gradient-is-the-flow",
        claim: "natural gradient on x = Az + b with the exact critic of kl follows the Gaussian solution of the gradient flow",
        reference: "docs/parameters.md, eq. P14; Ornstein and Uhlenbeck 1930",
        measure: Measure::OnReference(natural),
    },
];

/// A metric of the samples without damping.
fn undamped(kind: MetricKind) -> MetricSettings {
    MetricSettings { kind, damping: 0.0 }
}

/// x = θ₁z + θ₂z².
struct Folded;

impl Formula for Folded {
    const PARAMETERS: usize = 2;
    const LATENT: usize = 1;
    const DIMENSION: usize = 1;

    fn value<R: Real>(&self, parameters: &[R], latent: &[R], sample: &mut [R]) {
        let z = latent[0];
        sample[0] = parameters[0] * z + parameters[1] * z * z;
    }
}

fn folded() -> Result<Measurement, CheckError> {
    let mut generator = FormulaGenerator::new(Folded, 1 << 18);
    fill_normal_quantiles(generator.latents());
    let parameters = [0.6, 0.5];
    generator.forward(&parameters);
    let sample = Metric::new(undamped(MetricKind::Sample)).matrix(&mut generator, &parameters);
    let otto = Metric::new(undamped(MetricKind::Otto)).matrix(&mut generator, &parameters);
    // g by the two preimages z and −θ₁/θ₂ − z of x, at which |G'| is the same: u = (φ∂G + φ'∂G')/(φ + φ').
    let steps = 40_000;
    let h = 30.0 / f64::from(steps);
    let mut exact = [0.0; 4];
    for step in 0..=steps {
        let z = -15.0 + f64::from(step) * h;
        let other = -parameters[0] / parameters[1] - z;
        let density = Real::exp(-0.5 * z * z) / std::f64::consts::TAU.sqrt();
        let share = 1.0 / (1.0 + Real::exp(0.5 * (z * z - other * other)));
        let u = [1, 2].map(|power| share * z.powi(power) + (1.0 - share) * other.powi(power));
        for (place, value) in exact.iter_mut().enumerate() {
            *value += h * density * u[place / 2] * u[place % 2];
        }
    }
    let apart = |found: &[f64], expected: &[f64; 4]| {
        let pairs = found.iter().zip(expected);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let published = apart(&exact, &[0.437, 0.675, 0.675, 2.19]);
    let (of_sample, of_otto) = (apart(&sample, &[1.0, 0.0, 0.0, 3.0]), apart(&otto, &exact));
    Ok(Measurement::new(
        format!(
            "g = [[{:.4}, {:.4}], [., {:.4}]] by preimages; from sorted samples {of_otto:.1e} away; G̃ {of_sample:.1e} from diag(1, 3)",
            exact[0], exact[1], exact[3]
        ),
        "1e-3 for both metrics; the published digits",
        of_otto < 1e-3 && of_sample < 1e-3 && published < 1e-3,
    ))
}

/// W2² between N(0, AAᵀ) and N(0, CCᵀ) in 2-D, with tr√(ΣΛ) = √(tr ΣΛ + 2√(det Σ det Λ)), plus that of the means.
fn squared_distance(first: &[f64], second: &[f64]) -> f64 {
    let covariance = |p: &[f64]| {
        [
            p[0] * p[0] + p[1] * p[1],
            p[0] * p[2] + p[1] * p[3],
            p[2] * p[2] + p[3] * p[3],
        ]
    };
    let (s, l) = (covariance(first), covariance(second));
    let determinant = |c: [f64; 3]| c[0] * c[2] - c[1] * c[1];
    let trace = s[0] * l[0] + 2.0 * s[1] * l[1] + s[2] * l[2];
    let cross = (trace + 2.0 * (determinant(s) * determinant(l)).sqrt()).sqrt();
    let means = (first[4] - second[4]).powi(2) + (first[5] - second[5]).powi(2);
    s[0] + s[2] + l[0] + l[2] - 2.0 * cross + means
}

/// Latent variables with mean 0 and covariance 1, exactly: ±√d along each axis.
fn fill_axes(latents: &mut Batch) {
    let dimension = latents.features();
    let length = (dimension as f64).sqrt();
    for axis in 0..dimension {
        latents.row_mut(axis)[2 * axis] = length;
        latents.row_mut(axis)[2 * axis + 1] = -length;
    }
}

fn bures() -> Result<Measurement, CheckError> {
    let parameters = [1.3, 0.4, -0.7, 0.9, 2.0, -1.0];
    let mut generator = Evaluator::new(Network::affine(2, 2), 4);
    fill_axes(generator.latents());
    generator.forward(&parameters);
    // Of Gaussians the velocities are affine, so that linear and quadratic potentials are all that is needed.
    let features = Features::new(2, 0, 1.0);
    let metric = Metric::with_potentials(undamped(MetricKind::Otto), features)
        .matrix(&mut generator, &parameters);
    let square = |direction: &[f64]| {
        let rows = metric.chunks_exact(6).zip(direction);
        let row = |row: &[f64]| row.iter().zip(direction).map(|(a, b)| a * b).sum::<f64>();
        rows.map(|(own, value)| value * row(own)).sum::<f64>()
    };
    let mut worst = 0.0_f64;
    for number in 0..12_i32 {
        let direction: Vec<f64> = (0..6)
            .map(|place| f64::from((7 * number + 3 * place) % 11 - 5) / 5.0)
            .collect();
        // W2²(θ − εη, θ + εη)/4ε² = g(η, η) + O(ε²), extrapolated.
        let difference = |epsilon: f64| {
            let moved = |sign: f64| -> Vec<f64> {
                let pairs = parameters.iter().zip(&direction);
                pairs.map(|(p, d)| p + sign * epsilon * d).collect()
            };
            squared_distance(&moved(-1.0), &moved(1.0)) / (4.0 * epsilon * epsilon)
        };
        let expected = (4.0 * difference(2e-3) - difference(4e-3)) / 3.0;
        worst = worst.max((square(&direction) - expected).abs() / (1.0 + expected));
    }
    // A rotation of z, δA = AW with W antisymmetric: d(d−1)/2 = 1 of them.
    let [a, b, c, d, ..] = parameters;
    let gauge = square(&[-b, a, -d, c, 0.0, 0.0]);
    let zero = zero_modes(&metric);
    Ok(Measurement::new(
        format!(
            "{worst:.1e} from the second difference of W2²; rotation: {gauge:.1e}; {zero} zero mode"
        ),
        "1e-6; 1e-12; exactly 1",
        worst < 1e-6 && gauge.abs() < 1e-12 && zero == 1,
    ))
}

/// The number of directions that a symmetric positive matrix gives no length, by elimination with pivots.
fn zero_modes(matrix: &[f64]) -> usize {
    let size = matrix.len().isqrt();
    let mut rest = matrix.to_vec();
    let mut left: Vec<usize> = (0..size).collect();
    let largest = (0..size)
        .map(|i| matrix[i * (size + 1)])
        .fold(0.0, f64::max);
    while let Some((place, pivot)) = left
        .iter()
        .enumerate()
        .map(|(place, &row)| (place, rest[row * (size + 1)]))
        .max_by(|a, b| a.1.total_cmp(&b.1))
    {
        if pivot < 1e-10 * largest {
            break;
        }
        let row = left.swap_remove(place);
        for &i in &left {
            for &j in &left {
                rest[i * size + j] -= rest[i * size + row] * rest[row * size + j] / pivot;
            }
        }
    }
    left.len()
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

/// The largest distance of s = e^θ from the solution of s'' + γs' + s − 1/s = 0 over the time 6, and the largest s.
fn log_scale_path(connection: bool) -> Result<(f64, f64), CheckError> {
    const FRICTION: f64 = 2.0;
    let (h, end): (f64, f64) = (2e-5, 6.0);
    let mut generator = FormulaGenerator::new(LogScale, 2);
    generator.latents().row_mut(0).copy_from_slice(&[1.0, -1.0]);
    let mut parameters = [Real::ln(0.05_f64)];
    let metric = Metric::new(undamped(MetricKind::Sample));
    let mut inertial = Inertial::new(metric, FRICTION, connection, 1);
    let mut force = Batch::new(1, 2);
    let (mut s, mut v) = (0.05_f64, 0.0_f64);
    let acceleration = |s: f64, v: f64| -FRICTION * v - s + 1.0 / s;
    let (mut apart, mut largest) = (0.0_f64, 0.0_f64);
    for number in 0..(end / h).round() as u64 {
        generator.forward(&parameters);
        // ∇(ln ρ − ln π) for ρ = N(0, e^{2θ}) and π = N(0, 1).
        let variance = Real::exp(2.0 * parameters[0]);
        for (force, x) in force.row_mut(0).iter_mut().zip(generator.samples().row(0)) {
            *force = x - x / variance;
        }
        inertial.step(&mut Step {
            generator: &mut generator,
            parameters: &mut parameters,
            force: &force,
            rate: h,
            number,
        })?;
        // The reference by the classical Runge–Kutta method, whose error at this step is below 1e-12.
        let slope = |s: f64, v: f64| (v, acceleration(s, v));
        let k1 = slope(s, v);
        let k2 = slope(s + 0.5 * h * k1.0, v + 0.5 * h * k1.1);
        let k3 = slope(s + 0.5 * h * k2.0, v + 0.5 * h * k2.1);
        let k4 = slope(s + h * k3.0, v + h * k3.1);
        s += h / 6.0 * (k1.0 + 2.0 * k2.0 + 2.0 * k3.0 + k4.0);
        v += h / 6.0 * (k1.1 + 2.0 * k2.1 + 2.0 * k3.1 + k4.1);
        let found = Real::exp(parameters[0]);
        apart = apart.max((found - s).abs());
        largest = largest.max(found);
    }
    Ok((apart, largest))
}

fn inertia() -> Result<Measurement, CheckError> {
    let (apart, largest) = log_scale_path(true)?;
    let (_, without) = log_scale_path(false)?;
    Ok(Measurement::new(
        format!("{apart:.1e} apart, largest s {largest:.4}; without the connection {without:.0}"),
        "1e-6; above 100 without",
        apart < 1e-6 && without > 100.0,
    ))
}

fn natural() -> Result<Measurement, CheckError> {
    let (mean, variance) = (3.0, 2.25_f64);
    let gaussian = Gaussian {
        mean: vec![mean],
        std: Some(vec![variance.sqrt()]),
        ..Gaussian::default()
    };
    let mixture = NormalMixture::new(&Density::Gaussian(gaussian))?;
    let target = Target::Normals(mixture);
    let network = Network::affine(1, 1);
    let mut generator = Evaluator::new(network.clone(), 2);
    generator.latents().row_mut(0).copy_from_slice(&[1.0, -1.0]);
    let mut parameters = [0.5, -1.0];
    let mut critic = ExactCritic::new(&network, Loss::Dual(DivergenceKind::Kl));
    let mut natural = Natural::new(Metric::new(undamped(MetricKind::Sample)), 2);
    let mut force = Batch::new(1, 2);
    let h = 5e-5;
    let mut worst = 0.0_f64;
    for number in 0..40_000 {
        generator.forward(&parameters);
        critic.force(&parameters, generator.samples(), &target, &mut force);
        natural.step(&mut Step {
            generator: &mut generator,
            parameters: &mut parameters,
            force: &force,
            rate: h,
            number,
        })?;
        let t = h * (number + 1) as f64;
        let expected_mean = mean - 4.0 * Real::exp(-t / variance);
        let expected_std = (variance + (0.25 - variance) * Real::exp(-2.0 * t / variance)).sqrt();
        worst = worst
            .max((parameters[1] - expected_mean).abs())
            .max((parameters[0] - expected_std).abs());
    }
    Ok(Measurement::new(
        format!("mean and deviation {worst:.1e} from the closed form over the time 2"),
        "1e-4",
        worst < 1e-4,
    ))
}
