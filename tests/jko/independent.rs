//! A minimiser of another kind: positions of equal masses in place of densities in cells.

use ottoflow::calculus::Dual;
use ottoflow::divergence::{Divergence, DivergenceKind, JensenShannon, Kl};

use crate::setup::{even_log_density, even_log_target, even_problem, one_step};

const TAU: f64 = 0.02;
/// Parts of the box whose masses are compared.
const PARTS: usize = 16;
/// Gauss–Legendre on [−1, 1].
const NODES: [(f64, f64); 4] = [
    (-0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
    (-0.339_981_043_584_856_3, 0.652_145_154_862_546_2),
    (0.339_981_043_584_856_3, 0.652_145_154_862_546_2),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
];

/// ∫ of exp(ln density) from a to b.
fn integral(log_density: fn(f64) -> f64, a: f64, b: f64) -> f64 {
    let (middle, half) = (0.5 * (a + b), 0.5 * (b - a));
    let terms = NODES.map(|(node, weight)| weight * log_density(middle + half * node).exp());
    half * terms.iter().sum::<f64>()
}

/// The positions x_j with F(x_j) = j/n of a density on [0, 1].
fn quantiles(log_density: fn(f64) -> f64, n: usize) -> Vec<f64> {
    let pieces = 64;
    let total: f64 = (0..pieces)
        .map(|k| integral(log_density, k as f64 / 64.0, (k + 1) as f64 / 64.0))
        .sum();
    let mut positions = vec![0.0];
    for j in 1..n {
        let before = positions[j - 1];
        // Newton for the mass between this position and the one before.
        let mut x = before + total / n as f64 / log_density(before).exp();
        for _ in 0..20 {
            let excess = integral(log_density, before, x) - total / n as f64;
            x -= excess / log_density(x).exp();
        }
        positions.push(x);
    }
    positions.push(1.0);
    positions
}

/// Minimises Σ_j |X_{j+1} − X_j| π f(ρ_j/π) + Σ (X_j − X⁰_j)²/(2τn) over the positions, π in the middle, by Newton's method with a
/// tridiagonal elimination. Second order in 1/n.
fn minimiser<D: Divergence>(n: usize) -> Vec<f64> {
    let total: f64 = (0..64)
        .map(|k| integral(even_log_target, k as f64 / 64.0, (k + 1) as f64 / 64.0))
        .sum();
    let start = quantiles(even_log_density, n);
    let mut positions = start.clone();
    let mass = 1.0 / n as f64;
    for _ in 0..30 {
        let mut gradient = vec![0.0; n + 1];
        let mut diagonal = vec![0.0; n + 1];
        let mut upper = vec![0.0; n + 1];
        for j in 0..n {
            let (a, b) = (positions[j], positions[j + 1]);
            let (middle, width) = (0.5 * (a + b), b - a);
            // E(a, b) = width π f(r), r = mass/(width π), with ln π' and ln π'' of the target by hand.
            let angle = std::f64::consts::PI * middle;
            let log_slope = -0.5 * std::f64::consts::PI * angle.sin();
            let log_curvature = -0.5 * std::f64::consts::PI.powi(2) * angle.cos();
            let target = even_log_target(middle).exp() / total;
            let log_ratio = (mass / (width * target)).ln();
            let ratio = log_ratio.exp();
            let f = D::integrand(log_ratio);
            let first = D::first_variation(Dual::variable(log_ratio));
            // P(ℓ) = f − r f', dP/dℓ = −r ψ'.
            let pressure = f - ratio * first.value;
            let pressure_slope = -ratio * first.derivative;
            // dE/dwidth = π P, dE/dmiddle = width π' P.
            let (by_width, by_middle) = (target * pressure, width * target * log_slope * pressure);
            // ℓ falls by 1/width and by (ln π)'.
            let width_width = -target * pressure_slope / width;
            let width_middle = target * log_slope * (pressure - pressure_slope);
            let middle_middle = width
                * target
                * ((log_curvature + log_slope * log_slope) * pressure
                    - log_slope * log_slope * pressure_slope);
            gradient[j] += -by_width + 0.5 * by_middle;
            gradient[j + 1] += by_width + 0.5 * by_middle;
            diagonal[j] += width_width - width_middle + 0.25 * middle_middle;
            diagonal[j + 1] += width_width + width_middle + 0.25 * middle_middle;
            upper[j] = -width_width + 0.25 * middle_middle;
        }
        for j in 0..=n {
            gradient[j] += (positions[j] - start[j]) * mass / TAU;
            diagonal[j] += mass / TAU;
        }
        // The ends stay.
        let mut pivots = diagonal.clone();
        let mut step = gradient.clone();
        for j in 2..n {
            let factor = upper[j - 1] / pivots[j - 1];
            pivots[j] -= factor * upper[j - 1];
            step[j] -= factor * step[j - 1];
        }
        step[n] = 0.0;
        let mut largest = 0.0_f64;
        for j in (1..n).rev() {
            step[j] = (step[j] - upper[j] * step[j + 1]) / pivots[j];
            positions[j] -= step[j];
            largest = largest.max(step[j].abs());
        }
        if largest < 1e-15 {
            break;
        }
    }
    positions
}

/// The masses of the parts from positions of equal masses, by the inverse of cubic interpolation.
fn masses_of_positions(positions: &[f64]) -> Vec<f64> {
    let n = positions.len() - 1;
    let distribution = |x: f64| {
        let j = positions.partition_point(|p| *p < x).clamp(2, n - 1) - 2;
        // Lagrange: s as a cubic in X through four points.
        let mut sum = 0.0;
        for a in j..j + 4 {
            let mut term = a as f64 / n as f64;
            for b in j..j + 4 {
                if a != b {
                    term *= (x - positions[b]) / (positions[a] - positions[b]);
                }
            }
            sum += term;
        }
        sum
    };
    let mut values: Vec<f64> = (0..=PARTS)
        .map(|part| distribution(part as f64 / PARTS as f64))
        .collect();
    (values[0], values[PARTS]) = (0.0, 1.0);
    values.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn masses_of_cells(kind: DivergenceKind, cells: usize) -> Vec<f64> {
    let (problem, start) = even_problem(kind, cells);
    let (state, _) = one_step(&problem, &start, TAU);
    let density: Vec<f64> = state.density(&problem).iter().copied().collect();
    let parts = density.chunks(cells / PARTS);
    parts
        .map(|part| part.iter().sum::<f64>() / cells as f64)
        .collect()
}

/// Three values of errors c₂/n² + c₄/n⁴ at n, 2n, 4n to the limit.
fn extrapolated(of: impl Fn(usize) -> Vec<f64>, n: usize) -> Vec<f64> {
    let [coarse, middle, fine] = [n, 2 * n, 4 * n].map(of);
    let parts = coarse.iter().zip(&middle).zip(&fine);
    parts
        .map(|((a, b), c)| {
            let (first, second) = ((4.0 * b - a) / 3.0, (4.0 * c - b) / 3.0);
            (16.0 * second - first) / 15.0
        })
        .collect()
}

fn agree<D: Divergence>(kind: DivergenceKind) {
    let positions = extrapolated(|n| masses_of_positions(&minimiser::<D>(n)), 400);
    let cells = extrapolated(|n| masses_of_cells(kind, n), 256);
    let pairs = positions.iter().zip(&cells);
    let distance: f64 = pairs.map(|(a, b)| (a - b).abs()).sum();
    println!("{}: L1 distance {distance:.2e}", D::NAME);
    assert!(
        distance <= 1e-8,
        "{}: {distance:e}: {positions:?} {cells:?}",
        D::NAME
    );
}

#[test]
fn a_step_is_the_minimum_that_positions_of_equal_masses_find() {
    agree::<JensenShannon>(DivergenceKind::JensenShannon);
    agree::<Kl>(DivergenceKind::Kl);
    agree::<ottoflow::divergence::ReverseKl>(DivergenceKind::ReverseKl);
    agree::<ottoflow::divergence::ChiSquared>(DivergenceKind::ChiSquared);
    agree::<ottoflow::divergence::Hellinger>(DivergenceKind::Hellinger);
}
