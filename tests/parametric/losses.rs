//! The losses as equations of t = −ℓ: duality with the divergences, and the slopes that training uses.

use ottoflow::divergence::{Divergence, DivergenceKind, JensenShannon};
use ottoflow::parametric::Loss;

use crate::support::near;

const OUTPUTS: [f64; 9] = [-20.0, -3.0, -1.0, -0.2, 0.0, 0.3, 1.5, 4.0, 15.0];

/// Values and slopes of the critic's loss on data and on samples.
fn critic(loss: Loss, data: &[f64], samples: &[f64]) -> [Vec<f64>; 4] {
    let mut parts = [(); 4].map(|()| vec![0.0; data.len()]);
    let [a, b, c, d] = &mut parts;
    loss.critic((data, a, b), (samples, c, d));
    parts
}

fn generator(loss: Loss, samples: &[f64], data: &[f64]) -> [Vec<f64>; 2] {
    let mut parts = [(); 2].map(|()| vec![0.0; samples.len()]);
    let [values, slopes] = &mut parts;
    loss.generator(samples, data, values, slopes);
    parts
}

/// f*(f'(r)) = r f'(r) − f(r), and E_ρ f'(r) − E_π f*(f'(r)) = J at the true ratio: with two cells of known masses.
#[test]
fn the_dual_at_the_true_ratio_is_the_divergence() {
    let (data, samples) = ([0.3_f64, 0.7], [0.8_f64, 0.2]);
    let outputs: Vec<f64> = data
        .iter()
        .zip(&samples)
        .map(|(p, r)| (p / r).ln())
        .collect();
    for &kind in DivergenceKind::ALL {
        let [on_data, _, on_samples, _] = critic(Loss::Dual(kind), &outputs, &outputs);
        let dual: f64 = (0..2)
            .map(|i| -data[i] * on_data[i] - samples[i] * on_samples[i])
            .sum();
        let divergence: f64 = (0..2)
            .map(|i| {
                let log_ratio = -outputs[i];
                data[i] * ottoflow::with_divergence!(kind, D => D::integrand(log_ratio))
            })
            .sum();
        near(dual, divergence, 1e-13, kind.name());
    }
}

/// At the true ratio the critic's gradient vanishes: π a'(t) + ρ b'(t) = 0, for every loss that estimates ln(π/ρ).
#[test]
fn the_true_ratio_is_stationary_for_the_critic() {
    for loss in Loss::all() {
        if !matches!(loss, Loss::Dual(_) | Loss::NonSaturating) {
            continue;
        }
        let [_, on_data, _, on_samples] = critic(loss, &OUTPUTS, &OUTPUTS);
        for (i, t) in OUTPUTS.iter().enumerate() {
            // ρ = 1, π = e^t.
            let (left, right) = (t.exp() * on_data[i], on_samples[i]);
            assert!(right > 0.0, "{} at {t}", loss.name());
            assert!((left / right + 1.0).abs() < 1e-12, "{} at {t}", loss.name());
        }
    }
}

#[test]
fn saturating_is_the_logarithm_of_one_minus_the_discriminator() {
    let [values, _] = generator(Loss::from_name("saturating").unwrap(), &OUTPUTS, &OUTPUTS);
    for (value, t) in values.iter().zip(OUTPUTS) {
        let discriminator = 1.0 / (1.0 + (-t).exp());
        near(
            *value,
            (1.0 - discriminator).ln() + 2.0_f64.ln(),
            1e-9,
            "ln(1 − D)",
        );
        near(*value, JensenShannon::first_variation(-t), 1e-15, "f'");
    }
}

#[test]
fn slopes_are_the_differences_of_the_values() {
    let h = 1e-6;
    let shift = |by: f64| -> Vec<f64> { OUTPUTS.iter().map(|t| t + by).collect() };
    let other: Vec<f64> = OUTPUTS.iter().map(|t| 0.5 - 0.3 * t).collect();
    for loss in Loss::all() {
        let [_, slopes] = generator(loss, &OUTPUTS, &other);
        let [high, _] = generator(loss, &shift(h), &other);
        let [low, _] = generator(loss, &shift(-h), &other);
        for i in 0..OUTPUTS.len() {
            near((high[i] - low[i]) / (2.0 * h), slopes[i], 1e-7, loss.name());
        }
        // Part by part: the losses on data may be so large that their sum has no digits left for those on samples.
        let change = |high: &[Vec<f64>; 4], low: &[Vec<f64>; 4], i: usize| {
            (high[0][i] - low[0][i]) + (high[2][i] - low[2][i])
        };
        let middle = critic(loss, &OUTPUTS, &other);
        let (high, low) = (
            critic(loss, &shift(h), &other),
            critic(loss, &shift(-h), &other),
        );
        for (i, slope) in middle[1].iter().enumerate() {
            let difference = change(&high, &low, i) / (2.0 * h);
            near(difference, *slope, 1e-7, loss.name());
        }
        let moved: Vec<f64> = other.iter().map(|t| t + h).collect();
        let back: Vec<f64> = other.iter().map(|t| t - h).collect();
        let (high, low) = (
            critic(loss, &OUTPUTS, &moved),
            critic(loss, &OUTPUTS, &back),
        );
        for (i, slope) in middle[3].iter().enumerate() {
            let difference = change(&high, &low, i) / (2.0 * h);
            near(difference, *slope, 1e-7, loss.name());
        }
    }
}

#[test]
fn names_lead_back_to_their_losses() {
    for loss in Loss::all() {
        assert_eq!(Loss::from_name(loss.name()), Some(loss));
    }
    assert_eq!(Loss::from_name("hinge"), None);
    // Far outputs keep every loss a number.
    for loss in Loss::all() {
        for part in critic(loss, &[-1e4, 1e4], &[1e4, -1e4]) {
            assert!(
                part.iter().all(|value| value.is_finite()),
                "{}",
                loss.name()
            );
        }
    }
}
