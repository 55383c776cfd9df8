use ottoflow::calculus::{Dual, Real, Scalar};
use ottoflow::divergence::Divergence;

use crate::arguments::{log_ratios, pairs};

/// Beyond this r² overflows.
const MODERATE: f64 = 350.0;

/// |found − expected| ≤ `units` roundings of the size of `expected`, or both the same infinity.
#[track_caller]
fn assert_close<D: Divergence>(found: f64, expected: f64, units: f64, at: impl std::fmt::Debug) {
    let bound = units * f64::EPSILON * expected.abs() + 4.0 * f64::MIN_POSITIVE;
    assert!(
        found == expected || (found - expected).abs() <= bound,
        "{} at {at:?}: {found:e} found, {expected:e} expected, {:.1} roundings apart",
        D::NAME,
        (found - expected).abs() / (f64::EPSILON * expected.abs())
    );
}

/// A number neither too large nor too small to have all its digits.
fn ordinary(value: f64) -> bool {
    value.is_finite() && value.abs() > 1e-290
}

pub fn everything_vanishes_exactly_at_ratio_one<D: Divergence>() {
    assert_eq!(D::integrand(0.0_f64), 0.0);
    assert_eq!(D::integrand_per_mass(0.0_f64), 0.0);
    assert_eq!(D::first_variation(0.0_f64), 0.0);
    let at_one = D::kirchhoff(0.0_f64);
    assert_eq!(D::log_ratio(at_one), 0.0);
    assert_eq!(D::relative_change(at_one, at_one), 0.0);
}

pub fn the_integrand_is_nowhere_negative<D: Divergence>() {
    for log_ratio in log_ratios(700.0) {
        assert!(D::integrand(log_ratio) >= 0.0, "{} at {log_ratio}", D::NAME);
        assert!(
            D::integrand_per_mass(log_ratio) >= 0.0,
            "{} at {log_ratio}",
            D::NAME
        );
        if log_ratio.abs() > 1e-140 {
            assert!(D::integrand(log_ratio) > 0.0, "{} at {log_ratio}", D::NAME);
        }
    }
}

/// d f'(r)/dℓ = r f''(r) = ψ'(r) > 0.
pub fn the_integrand_is_convex<D: Divergence>() {
    for log_ratio in log_ratios(MODERATE) {
        let curvature = D::first_variation(Dual::variable(log_ratio)).derivative;
        let slope = D::slope_from_ratio(log_ratio.exp());
        assert!(curvature > 0.0 && slope > 0.0, "{} at {log_ratio}", D::NAME);
        assert_close::<D>(curvature, slope, 8.0, log_ratio);
    }
}

/// d f(e^ℓ)/dℓ = r f'(r).
pub fn the_first_variation_is_the_derivative_of_the_integrand<D: Divergence>() {
    for log_ratio in log_ratios(MODERATE) {
        let derivative = D::integrand(Dual::variable(log_ratio)).derivative;
        let expected = D::first_variation(log_ratio) * Real::exp(log_ratio);
        if ordinary(expected) {
            assert_close::<D>(derivative, expected, 16.0, log_ratio);
        }
    }
}

/// f'(r₂) − f'(r₁), where the two differ so much that the difference of the values has digits; antisymmetric everywhere.
pub fn the_change_of_the_first_variation_is_the_difference<D: Divergence>() {
    for (from, to) in pairs(40.0) {
        let found = D::first_variation_change(from, to);
        // A rounding of the exponents is |ℓ| times that in the value.
        let units = 16.0 + 4.0 * (from.abs() + to.abs());
        assert_close::<D>(
            D::first_variation_change(to, from),
            -found,
            units,
            (from, to),
        );
        let [before, after] = [from, to].map(|log_ratio| D::first_variation(log_ratio));
        let size = before.abs() + after.abs() + 1.0 + found.abs();
        let rounding = units * f64::EPSILON * size;
        assert!(
            (found - (after - before)).abs() <= rounding,
            "{} at {from}, {to}: {found:e}",
            D::NAME
        );
        // ∫ ψ' dℓ by the mean value theorem: relative to itself, where the difference of the values has no digits left.
        let slopes = [from, to].map(|log_ratio: f64| D::slope_from_ratio(Real::exp(log_ratio)));
        let mean = found / (to - from);
        let (low, high) = (slopes[0].min(slopes[1]), slopes[0].max(slopes[1]));
        let slack = 1e-12 + 64.0 * f64::EPSILON * (from.abs() + 1.0) / (to - from).abs();
        assert!(
            from == to || mean >= low * (1.0 - slack) && mean <= high * (1.0 + slack),
            "{} at {from}, {to}: {mean:e} outside {low:e} to {high:e}",
            D::NAME
        );
    }
}

/// The inverse of f': a rounding of f' is 1/ψ' of it in ℓ.
pub fn the_inverse_undoes_the_first_variation<D: Divergence>() {
    for log_ratio in log_ratios(40.0) {
        let variation = D::first_variation(log_ratio);
        let slope = D::slope_from_ratio(Real::exp(log_ratio));
        let bound = 8.0 * f64::EPSILON * ((variation.abs() + 2.0) / slope + log_ratio.abs());
        if bound > 1.0 {
            continue;
        }
        let error = (D::log_ratio_of_variation(variation) - log_ratio).abs();
        assert!(
            error <= bound,
            "{} at {log_ratio}: error {error:e}, bound {bound:e}",
            D::NAME
        );
    }
}

/// d ψ(e^ℓ)/dℓ = r ψ'(r).
pub fn the_slope_is_the_derivative_of_kirchhoff<D: Divergence>() {
    for log_ratio in log_ratios(MODERATE) {
        let derivative = D::kirchhoff(Dual::variable(log_ratio)).derivative;
        let ratio = Real::exp(log_ratio);
        assert_close::<D>(
            derivative,
            D::slope_from_ratio(ratio) * ratio,
            8.0,
            log_ratio,
        );
        let from_ratio = D::kirchhoff_from_ratio(Dual::variable(ratio)).derivative;
        assert_close::<D>(from_ratio, D::slope_from_ratio(ratio), 8.0, log_ratio);
    }
}

pub fn the_three_forms_of_the_slope_agree<D: Divergence>() {
    for log_ratio in log_ratios(MODERATE) {
        let w = D::kirchhoff(log_ratio);
        let slope = D::slope_from_ratio(Real::exp(log_ratio));
        // A rounding of ln ψ' is that times |ln ψ'| in ψ'.
        let units = 8.0 + 4.0 * slope.ln().abs();
        assert_close::<D>(D::slope(w), slope, units, log_ratio);
        assert_close::<D>(Real::exp(D::log_slope(w)), slope, units, log_ratio);
    }
}

pub fn the_slope_is_monotone_in_the_ratio<D: Divergence>() {
    let mut ratios: Vec<f64> = log_ratios(MODERATE).into_iter().map(Real::exp).collect();
    ratios.sort_by(f64::total_cmp);
    let slopes: Vec<f64> = ratios.into_iter().map(D::slope_from_ratio).collect();
    let rising = slopes.is_sorted();
    let falling = slopes.is_sorted_by(|a, b| a >= b);
    assert!(rising || falling, "{}", D::NAME);
}

/// ψ⁻¹(ψ(ℓ)) = ℓ: a rounding of w is ψ/(rψ') times that in ℓ.
pub fn the_inverse_undoes_kirchhoff<D: Divergence>() {
    for log_ratio in log_ratios(MODERATE) {
        let Dual {
            value: w,
            derivative,
        } = D::kirchhoff(Dual::variable(log_ratio));
        let bound = f64::EPSILON * (4.0 * (w / derivative).abs() + 2.0 * log_ratio.abs());
        let error = (D::log_ratio(w) - log_ratio).abs();
        assert!(
            error <= bound,
            "{} at {log_ratio}: error {error:e}",
            D::NAME
        );
    }
}

/// ψ(ψ⁻¹(w)) = w: a rounding of ℓ is ℓ rψ'/ψ times that in w.
pub fn kirchhoff_undoes_the_inverse<D: Divergence>() {
    for number in log_ratios(MODERATE) {
        let w = D::kirchhoff(number);
        let log_ratio = D::log_ratio(w);
        let Dual { value, derivative } = D::kirchhoff(Dual::variable(log_ratio));
        let units = 4.0 + 2.0 * (log_ratio * derivative / value).abs();
        assert_close::<D>(value, w, units, number);
    }
}

pub fn the_integrand_per_mass_is_the_integrand_over_the_ratio<D: Divergence>() {
    for log_ratio in log_ratios(700.0) {
        let (whole, per_mass) = (D::integrand(log_ratio), D::integrand_per_mass(log_ratio));
        let expected = whole / Real::exp(log_ratio);
        if ordinary(whole) && ordinary(expected) {
            assert_close::<D>(per_mass, expected, 16.0, log_ratio);
        }
    }
}

pub fn the_two_forms_of_kirchhoff_agree<D: Divergence>() {
    for log_ratio in log_ratios(MODERATE) {
        let Dual { value, derivative } = D::kirchhoff(Dual::variable(log_ratio));
        let found = D::kirchhoff_from_ratio(Real::exp(log_ratio));
        // The rounding of r moves ψ by rψ' roundings.
        let bound = f64::EPSILON * 4.0 * (value.abs() + derivative) + f64::MIN_POSITIVE;
        let error = (found - value).abs();
        assert!(
            error <= bound,
            "{} at {log_ratio}: error {error:e}",
            D::NAME
        );
    }
}

/// ψ'(r)(r − r₀).
pub fn relative_change_is_slope_times_change_of_ratio<D: Divergence>() {
    for (log_ratio, initial) in pairs(40.0) {
        let (w, w_0) = (D::kirchhoff(log_ratio), D::kirchhoff(initial));
        let ratio = Real::exp(log_ratio);
        let slope = D::slope_from_ratio(ratio);
        let expected = -slope * ratio * Real::exp_m1(initial - log_ratio);
        // The roundings of w and w₀, as changes of r, and those of the exponents.
        let size = |log_ratio: f64| {
            let Dual { value, derivative } = D::kirchhoff(Dual::variable(log_ratio));
            (value.abs() / derivative + log_ratio.abs()) * Real::exp(log_ratio)
        };
        let bound =
            8.0 * f64::EPSILON * (slope * (size(log_ratio) + size(initial)) + expected.abs());
        let error = (D::relative_change(w, w_0) - expected).abs();
        assert!(
            error <= bound,
            "{} at {log_ratio}, {initial}: error {error:e}, bound {bound:e}",
            D::NAME
        );
    }
}

/// From w₀ the change −relative_change(w₀, w) = ψ'(r₀)(r − r₀) leads to w.
pub fn displaced_undoes_relative_change<D: Divergence>() {
    for (log_ratio, initial) in pairs(200.0) {
        let (w, w_0) = (D::kirchhoff(log_ratio), D::kirchhoff(initial));
        let change = -D::relative_change(w_0, w);
        if !ordinary(change) {
            continue;
        }
        let found = D::displaced(w_0, change);
        // Where nearly all mass leaves, what is left is a difference: roundings of r₀ are errors of r.
        let slope = D::slope(w);
        let larger = Real::exp(log_ratio.max(initial)) * (1.0 + log_ratio.abs().max(initial.abs()));
        let bound = 8.0 * f64::EPSILON * (w.abs() + w_0.abs() + slope * larger);
        let error = (found - w).abs();
        // Beyond first order the bound says nothing: r is below the roundings of r₀.
        if bound < 1e-3 * slope * Real::exp(log_ratio) {
            assert!(
                error <= bound,
                "{} at {log_ratio}, {initial}: error {error:e}, bound {bound:e}",
                D::NAME
            );
        }
    }
}

pub fn newton_update_is_the_increment_to_first_order<D: Divergence>() {
    for log_ratio in log_ratios(MODERATE) {
        let w = D::kirchhoff(log_ratio);
        for direction in [1.0, -1.0] {
            let share = direction * 1e-5 * w.abs().min(1.0);
            let moved = D::newton_update(w, share) - w;
            let bound = 1e-4 * share.abs() + 4.0 * f64::EPSILON * w.abs();
            assert!(
                (moved - share).abs() <= bound,
                "{} at {log_ratio}: {moved:e}, {share:e}",
                D::NAME
            );
        }
    }
}

pub fn functions_are_numbers_from_minus_to_plus_700<D: Divergence>() {
    let ends = [f64::NEG_INFINITY, f64::INFINITY];
    for log_ratio in log_ratios(700.0).into_iter().chain(ends) {
        let w = D::kirchhoff(log_ratio);
        let values = [
            ("f", D::integrand(log_ratio)),
            ("f/r", D::integrand_per_mass(log_ratio)),
            ("f'", D::first_variation(log_ratio)),
            ("ψ", w),
            ("ψ⁻¹", D::log_ratio(w)),
            ("ψ'", D::slope(w)),
            ("ln ψ'", D::log_slope(w)),
        ];
        for (name, value) in values {
            assert!(!value.is_nan(), "{} of {} at {log_ratio}", name, D::NAME);
        }
    }
    let empty = f64::NEG_INFINITY;
    assert_eq!(
        D::integrand(empty).is_finite(),
        D::ADMITS_EMPTY_CELLS,
        "{}",
        D::NAME
    );
    assert_eq!(D::log_ratio(D::kirchhoff(empty)), empty, "{}", D::NAME);
}

/// The same formulas in f32, in roundings of f32 beside f64 at the same argument.
pub fn single_precision_agrees_with_double<D: Divergence>() {
    let single: fn(f32) -> f64 = Scalar::to_f64;
    for log_ratio in log_ratios(80.0) {
        let at = log_ratio as f32;
        let exact = single(at);
        let (w, ratio) = (D::kirchhoff(at), exact.exp() as f32);
        let values = [
            ("f", D::integrand(at), D::integrand(exact)),
            (
                "f/r",
                D::integrand_per_mass(at),
                D::integrand_per_mass(exact),
            ),
            ("f'", D::first_variation(at), D::first_variation(exact)),
            ("ψ", w, D::kirchhoff(exact)),
            ("ψ⁻¹", D::log_ratio(w), D::log_ratio(single(w))),
            ("ψ'", D::slope(w), D::slope(single(w))),
            ("ln ψ'", D::log_slope(w), D::log_slope(single(w))),
            (
                "ψ(r)",
                D::kirchhoff_from_ratio(ratio),
                D::kirchhoff_from_ratio(single(ratio)),
            ),
            (
                "ψ'(r)",
                D::slope_from_ratio(ratio),
                D::slope_from_ratio(single(ratio)),
            ),
        ];
        for (name, found, expected) in values {
            // An inverse may answer for any w within a rounding.
            let slack = match name {
                "ψ⁻¹" => D::log_ratio(Dual::variable(single(w))).derivative * single(w).abs(),
                _ => 0.0,
            };
            let representable = expected.abs() < f64::from(f32::MAX) && expected.abs() > 1e-36;
            if !representable {
                continue;
            }
            let error = (single(found) - expected).abs() / f64::from(f32::EPSILON);
            let bound = 4.0 * expected.abs() + slack;
            assert!(
                error <= bound,
                "{name} of {} at {at}: {:.1} roundings",
                D::NAME,
                error / expected
            );
        }
    }
}
