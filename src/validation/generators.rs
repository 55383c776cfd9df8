use super::{Check, CheckError, Measure, Measurement, flow_to, implicit, line, problem, state};
use crate::calculus::Real;
use crate::density::{Density, Gaussian, NormalMixture};
use crate::divergence::DivergenceKind;
use crate::exact::log_gaussian;
use crate::flow::Stepping;
use crate::grid::Boundary;
use crate::metrics::wasserstein_1d;
use crate::parametric::metric::{Metric, MetricKind, MetricSettings};
use crate::parametric::optimizer::{
    Adam, Inertial, Langevin, Natural, OnGradient, Optimizer, Sgd, Step,
};
use crate::parametric::{
    Activation, Batch, Critic, CriticRule, CriticSettings, EuclideanRule, Evaluator, ExactCritic,
    Formula, FormulaGenerator, Generator, Loss, Network, Penalty, Streams, Target,
    fill_normal_quantiles,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "flow-against-parameters",
        claim: "natural gradient on x = Az + b and the grid's flow of the same J from the same start: one path for kl, which keeps Gaussians; two for jensen-shannon",
        reference: "docs/parameters.md, eq. P14",
        measure: Measure::OnReference(flow_against_parameters),
    },
    Check {
        name: "reparametrisation",
        claim: "θ = Aφ leaves the paths of `natural` and `inertial` as they are and changes those of `sgd` and `adam`",
        reference: "docs/parameters.md, §5; Amari 1998",
        measure: Measure::OnReference(reparametrisation),
    },
    Check {
        name: "dirac-gan",
        claim: "ρ = δ_θ against π = δ_0: alternating steps circle, simultaneous ones spiral out with √(1 + h²/4), a penalty makes them settle",
        reference: "docs/parameters.md, eq. P15; Mescheder, Geiger, Nowozin, ICML 2018",
        measure: Measure::OnReference(dirac_gan),
    },
    Check {
        name: "langevin",
        claim: "on J = θ²/2 at temperature T the stationary variance is T/(1 − h/2), Euclidean and natural",
        reference: "docs/parameters.md, eq. P8",
        measure: Measure::OnReference(langevin),
    },
];

const UNDAMPED: MetricSettings = MetricSettings {
    kind: MetricKind::Sample,
    damping: 0.0,
};

fn gaussian(mean: f64, std: f64) -> Result<Target, CheckError> {
    let gaussian = Gaussian {
        mean: vec![mean],
        std: Some(vec![std]),
        ..Gaussian::default()
    };
    Ok(Target::Normals(NormalMixture::new(&Density::Gaussian(
        gaussian,
    ))?))
}

/// The largest W2 between the generator's density and the grid's over the times.
fn apart(divergence: DivergenceKind) -> Result<f64, CheckError> {
    let (mean, std) = (2.0, 1.2);
    let grid = line(-6.0, 10.0, 640, Boundary::NoFlux)?;
    let problem = problem(
        grid,
        divergence,
        log_gaussian([mean, 0.0, 0.0], [std, 1.0, 1.0]),
    );
    let start = state(&problem, log_gaussian([0.0; 3], [0.8, 1.0, 1.0]));
    let mut flow = implicit(&problem, &start, Stepping::Adaptive { tolerance: 1e-6 })?;

    let target = gaussian(mean, std)?;
    let network = Network::affine(1, 1);
    let mut generator = Evaluator::new(network.clone(), 512);
    fill_normal_quantiles(generator.latents());
    let mut critic = ExactCritic::new(&network, Loss::Dual(divergence));
    let mut natural = Natural::new(Metric::new(UNDAMPED), 2);
    let mut parameters = [0.8, 0.0];
    let mut force = Batch::new(1, 512);
    let h = 1e-3;
    let mut worst = 0.0_f64;
    for number in 1..=2000_u32 {
        generator.forward(&parameters);
        critic.force(&parameters, generator.samples(), &target, &mut force);
        natural.step(&mut Step {
            generator: &mut generator,
            parameters: &mut parameters,
            force: &force,
            rate: h,
            number: number.into(),
        })?;
        if number % 250 == 0 {
            let on_grid = flow_to(flow.as_mut(), h * f64::from(number))?;
            let shape = log_gaussian([parameters[1], 0.0, 0.0], [parameters[0], 1.0, 1.0]);
            let own = state(&problem, shape).density(&problem);
            let distance = wasserstein_1d(&problem.grid, &on_grid.density(&problem), &own);
            worst = worst.max(distance.ok_or(CheckError::Missing("W2 in 1-D"))?);
        }
    }
    Ok(worst)
}

fn flow_against_parameters() -> Result<Measurement, CheckError> {
    let kl = apart(DivergenceKind::Kl)?;
    let jensen_shannon = apart(DivergenceKind::JensenShannon)?;
    Ok(Measurement::new(
        format!("largest W2 over the time 2: kl {kl:.1e}, jensen-shannon {jensen_shannon:.1e}"),
        "kl below 2e-3; jensen-shannon ten times as far, and below 0.2",
        kl < 2e-3 && jensen_shannon > 10.0 * kl && jensen_shannon < 0.2,
    ))
}

/// x = (Aφ)₁z + (Aφ)₂.
struct Mixed([f64; 4]);

impl Mixed {
    fn applied<R: Real>(&self, parameters: &[R]) -> [R; 2] {
        let [a, b, c, d] = self.0.map(R::constant);
        let (p, q) = (parameters[0], parameters[1]);
        [a * p + b * q, c * p + d * q]
    }
}

impl Formula for Mixed {
    const PARAMETERS: usize = 2;
    const LATENT: usize = 1;
    const DIMENSION: usize = 1;

    fn value<R: Real>(&self, parameters: &[R], latent: &[R], sample: &mut [R]) {
        let [scale, shift] = self.applied(parameters);
        sample[0] = scale * latent[0] + shift;
    }
}

/// θ after 300 steps from θ = (0.5, −1) in the coordinates φ, towards N(3, 1.5²).
fn path(matrix: [f64; 4], mut optimizer: Box<dyn Optimizer>) -> Result<[f64; 2], CheckError> {
    let (variance, mean) = (2.25, 3.0);
    let [a, b, c, d] = matrix;
    let determinant = a * d - b * c;
    let mut parameters = [(0.5 * d + b) / determinant, (-a - 0.5 * c) / determinant];
    let mixed = Mixed(matrix);
    let mut generator = FormulaGenerator::new(Mixed(matrix), 2);
    generator.latents().row_mut(0).copy_from_slice(&[1.0, -1.0]);
    let mut force = Batch::new(1, 2);
    for number in 0..300 {
        generator.forward(&parameters);
        let [scale, shift] = mixed.applied(&parameters);
        for (force, x) in force.row_mut(0).iter_mut().zip(generator.samples().row(0)) {
            *force = (x - mean) / variance - (x - shift) / (scale * scale);
        }
        optimizer.step(&mut Step {
            generator: &mut generator,
            parameters: &mut parameters,
            force: &force,
            rate: 2e-3,
            number,
        })?;
    }
    Ok(mixed.applied(&parameters))
}

fn reparametrisation() -> Result<Measurement, CheckError> {
    type Make = fn() -> Box<dyn Optimizer>;
    let rules: [(&str, Make); 4] = [
        ("natural", || {
            Box::new(Natural::new(Metric::new(UNDAMPED), 2))
        }),
        ("inertial", || {
            Box::new(Inertial::new(Metric::new(UNDAMPED), 1.0, true, 2))
        }),
        ("sgd", || {
            Box::new(OnGradient::new(Sgd::new(0.0, false, 2), 2))
        }),
        ("adam", || {
            Box::new(OnGradient::new(Adam::new(0.9, 0.999, 2), 2))
        }),
    ];
    let mut moved = [0.0; 4];
    for (place, (_, make)) in rules.iter().enumerate() {
        let plain = path([1.0, 0.0, 0.0, 1.0], make())?;
        let mixed = path([3.0, 1.0, -0.5, 0.2], make())?;
        moved[place] = (plain[0] - mixed[0]).abs().max((plain[1] - mixed[1]).abs());
    }
    let figures = rules.iter().zip(moved);
    let figures: Vec<String> = figures
        .map(|((name, _), distance)| format!("{name} {distance:.1e}"))
        .collect();
    Ok(Measurement::new(
        format!("θ after 300 steps apart by: {}", figures.join(", ")),
        "natural and inertial 1e-6; sgd and adam above 0.01",
        moved[0] < 1e-6 && moved[1] < 1e-6 && moved[2] > 0.01 && moved[3] > 0.01,
    ))
}

/// One step of the two players (w, c, θ) of the critic t = wx + c and the sample x = θ against data at 0, by the program's own parts.
struct Dirac {
    critic: Critic,
    generator: Evaluator,
    simultaneous: bool,
    rate: f64,
}

impl Dirac {
    fn new(penalty: f64, simultaneous: bool, rate: f64) -> Self {
        let rule = CriticRule {
            rule: EuclideanRule::Sgd {
                momentum: 0.0,
                nesterov: false,
            },
            rate,
        };
        let settings = CriticSettings {
            hidden: Vec::new(),
            activation: Activation::Relu,
            rule,
            steps: 1,
            penalty: (penalty > 0.0).then_some(Penalty::ZeroCentred(penalty)),
        };
        let loss = Loss::Dual(DivergenceKind::JensenShannon);
        Self {
            critic: Critic::new(&settings, rule, loss, 1, 1, Streams::new(0)),
            generator: Evaluator::new(Network::affine(1, 1), 1),
            simultaneous,
            rate,
        }
    }

    fn step(&mut self, [w, c, theta]: [f64; 3]) -> [f64; 3] {
        self.critic.set_parameters(&[w, c]);
        // The latent variable is 0, so that the sample is the offset.
        let mut parameters = [0.0, theta];
        self.generator.forward(&parameters);
        let (data, mut force) = (Batch::new(1, 1), Batch::new(1, 1));
        let samples = self.generator.samples().clone();
        if self.simultaneous {
            self.critic.force(&samples, &data, &mut force);
        }
        self.critic
            .train(&data, &samples, self.rate, Streams::new(0), 0);
        if !self.simultaneous {
            self.critic.force(&samples, &data, &mut force);
        }
        let mut gradient = [0.0; 2];
        self.generator.pull_back(&parameters, &force, &mut gradient);
        parameters[1] -= self.rate * gradient[1];
        let critic = self.critic.parameters();
        [critic[0], critic[1], parameters[1]]
    }

    /// The matrix of the step at the equilibrium in (w, θ), by central differences.
    fn matrix(&mut self) -> [f64; 4] {
        let epsilon = 1e-5;
        let mut column = |direction: [f64; 3]| {
            let high = self.step(direction.map(|x| epsilon * x));
            let low = self.step(direction.map(|x| -epsilon * x));
            [0, 2].map(|place| (high[place] - low[place]) / (2.0 * epsilon))
        };
        let (w, theta) = (column([1.0, 0.0, 0.0]), column([0.0, 0.0, 1.0]));
        [w[0], theta[0], w[1], theta[1]]
    }
}

/// The moduli of the eigenvalues of a 2×2 matrix by rows.
fn moduli([a, b, c, d]: [f64; 4]) -> [f64; 2] {
    let (half, determinant) = (0.5 * (a + d), a * d - b * c);
    let discriminant = half * half - determinant;
    if discriminant < 0.0 {
        return [determinant.sqrt(); 2];
    }
    [half + discriminant.sqrt(), half - discriminant.sqrt()].map(f64::abs)
}

fn dirac_gan() -> Result<Measurement, CheckError> {
    let h = 0.1;
    let sigmoid = |t: f64| 1.0 / (1.0 + Real::exp(-t));
    let (mut orbit, mut spectrum) = (0.0_f64, 0.0_f64);
    let mut figures = Vec::new();
    for penalty in [0.0, 0.3] {
        for simultaneous in [true, false] {
            let mut game = Dirac::new(penalty, simultaneous, h);
            // The step written out: the slope of the loss is σ(t), the penalty λ/2·(w² + w²).
            let (mut found, mut expected) = ([0.4, 0.1, 1.0], [0.4, 0.1, 1.0]);
            for _ in 0..500 {
                found = game.step(found);
                let [w, c, theta] = expected;
                let slope = sigmoid(w * theta + c);
                let next_w = w - h * (slope * theta + 2.0 * penalty * w);
                let next_c = c - h * (slope - sigmoid(-c));
                let (seen_w, seen_c) = if simultaneous {
                    (w, c)
                } else {
                    (next_w, next_c)
                };
                let next_theta = theta + h * sigmoid(seen_w * theta + seen_c) * seen_w;
                expected = [next_w, next_c, next_theta];
                for (a, b) in found.iter().zip(expected) {
                    orbit = orbit.max((a - b).abs());
                }
            }
            // σ = ½ at the equilibrium.
            let kept = 1.0 - 2.0 * h * penalty;
            let closed = match simultaneous {
                true => [kept, -h / 2.0, h / 2.0, 1.0],
                false => [kept, -h / 2.0, h / 2.0 * kept, 1.0 - h * h / 4.0],
            };
            let matrix = game.matrix();
            for (a, b) in matrix.iter().zip(closed) {
                spectrum = spectrum.max((a - b).abs());
            }
            figures.push(moduli(matrix)[0]);
        }
    }
    let [out, circle, settled, settled_too] = figures[..] else {
        return Err(CheckError::Missing("four games"));
    };
    let spiral = (1.0 + h * h / 4.0).sqrt();
    let rates = (out - spiral).abs() < 1e-8 && (circle - 1.0).abs() < 1e-8;
    Ok(Measurement::new(
        format!(
            "orbits {orbit:.1e}, matrices {spectrum:.1e} from the closed forms; |eigenvalue| {out:.6}, {circle:.6}, with penalty {settled:.4}, {settled_too:.4}"
        ),
        "1e-8; √(1 + h²/4) and 1, below 1 with a penalty",
        orbit < 1e-8 && spectrum < 1e-8 && rates && settled < 1.0 && settled_too < 1.0,
    ))
}

/// x = θ, whatever z is.
struct Constant;

impl Formula for Constant {
    const PARAMETERS: usize = 1;
    const LATENT: usize = 1;
    const DIMENSION: usize = 1;

    fn value<R: Real>(&self, parameters: &[R], _latent: &[R], sample: &mut [R]) {
        sample[0] = parameters[0];
    }
}

fn langevin() -> Result<Measurement, CheckError> {
    let (temperature, h, steps, chains) = (0.3, 0.1, 100, 4000_u32);
    let expected = temperature / (1.0 - 0.5 * h);
    let mut ratios = [0.0; 2];
    for (natural, ratio) in ratios.iter_mut().enumerate() {
        let mut squares = 0.0;
        for seed in 0..chains {
            let mut generator = FormulaGenerator::new(Constant, 1);
            let metric = (natural == 1).then(|| Metric::dense(UNDAMPED));
            let mut rule = Langevin::new(metric, temperature, Streams::new(seed.into()), 1);
            let (mut parameters, mut force) = ([0.0], Batch::new(1, 1));
            for number in 0..steps {
                generator.forward(&parameters);
                force.row_mut(0)[0] = parameters[0];
                rule.step(&mut Step {
                    generator: &mut generator,
                    parameters: &mut parameters,
                    force: &force,
                    rate: h,
                    number,
                })?;
            }
            squares += parameters[0] * parameters[0];
        }
        *ratio = squares / f64::from(chains) / expected;
    }
    let error = (2.0 / f64::from(chains)).sqrt();
    Ok(Measurement::new(
        format!(
            "variance over the predicted: {:.4} and {:.4}, sampling error {error:.3}",
            ratios[0], ratios[1]
        ),
        "within three sampling errors of 1",
        ratios.iter().all(|ratio| (ratio - 1.0).abs() < 3.0 * error),
    ))
}
