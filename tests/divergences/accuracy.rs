use std::collections::BTreeMap;

use ottoflow::calculus::Dual;
use ottoflow::divergence::Divergence;

/// 120-digit values, made by reference.py.
const REFERENCE: &str = include_str!("reference.csv");

/// Largest error allowed, in units in the last place of the reference. Found: 5 in f of jensen-shannon beside its seam, 2 elsewhere.
const BOUND: f64 = 6.0;

pub fn functions_agree_with_the_reference<D: Divergence>() {
    let mut worst: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut rows = 0;
    for line in REFERENCE.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let [function, divergence, argument, value] = columns[..] else {
            panic!("four columns expected in {line}");
        };
        if divergence != D::NAME {
            continue;
        }
        rows += 1;
        let (argument, expected): (f64, f64) = (argument.parse().unwrap(), value.parse().unwrap());
        let found = match function {
            "integrand" => D::integrand(argument),
            "integrand_per_mass" => D::integrand_per_mass(argument),
            "first_variation" => D::first_variation(argument),
            "kirchhoff" => D::kirchhoff(argument),
            // Within half a unit of w the inverse returns the ℓ of any w, as it must give back ℓ = 0 for the rounded ψ(1).
            "log_ratio" => {
                let Dual { value, derivative } = D::log_ratio(Dual::variable(argument));
                let slack = 0.5 * f64::EPSILON * (derivative * argument).abs();
                value - (value - expected).clamp(-slack, slack)
            }
            "slope" => D::slope(argument),
            "log_slope" => D::log_slope(argument),
            "kirchhoff_from_ratio" => D::kirchhoff_from_ratio(argument),
            "slope_from_ratio" => D::slope_from_ratio(argument),
            other => panic!("no function {other}"),
        };
        let unit = (expected.abs().next_up() - expected.abs()).max(f64::from_bits(1));
        let error = if found == expected {
            0.0
        } else {
            (found - expected).abs() / unit
        };
        let entry = worst.entry(function).or_default();
        // NaN counts as worst.
        if error.is_nan() || error > entry.0 {
            *entry = (error, argument);
        }
    }
    assert!(rows > 300, "{rows} rows for {}", D::NAME);
    for (function, (error, argument)) in worst {
        assert!(
            error <= BOUND,
            "{function} of {} at {argument:e}: {error:.2} units",
            D::NAME
        );
    }
}
