//! A first guess for long steps from far away, by continuation in τ.

use super::line::{GIVEN_UP, LineStep, Until, lowest};
use crate::divergence::Divergence;

impl<D: Divergence> LineStep<D> {
    /// For long steps from far away: the step by τ = ∞ ends at equilibrium, from there τ is brought down. With τp the map stays as it
    /// is, so that the guess stays monotone. Returns all iterations made, and whether the last settled.
    pub fn continue_from_equilibrium(
        &mut self,
        tau: f64,
        made: usize,
        until: Until,
    ) -> (usize, bool) {
        let mut iterations = made;
        let mut long = self.guess_equilibrium(tau);
        let mut good = self.current.log_ratio.clone();
        let (mut step, mut factor) = (long, 8.0_f64);
        while iterations < GIVEN_UP {
            let on_the_way = if step > tau { Until::Near } else { until };
            let (more, settled) = self.iterate(step, on_the_way);
            iterations += more;
            if settled && step <= tau {
                return (iterations, true);
            }
            if settled {
                long = step;
                good.copy_from_slice(&self.current.log_ratio);
                factor = (factor * factor).min(8.0);
            } else if factor < 1.01 {
                break;
            } else {
                factor = factor.sqrt();
            }
            step = (long / factor).max(tau);
            let highest = good.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            for (ln, (from, log_mass)) in self
                .current
                .log_ratio
                .iter_mut()
                .zip(good.iter().zip(&self.log_mass))
            {
                let below = D::first_variation_change(highest, *from) * (long / step);
                let variation = D::first_variation(highest) + below;
                *ln = D::log_ratio_of_variation(variation).max(lowest(*log_mass));
            }
        }
        (iterations, false)
    }

    /// The map from the equilibrium to the density before as a guess for p, and the τ, at least the one given, for which it is one.
    fn guess_equilibrium(&mut self, tau: f64) -> f64 {
        let n = self.cells();
        self.origin.sum_up();
        let share = self.origin.total() / self.target[..n].iter().sum::<f64>();
        let distances = &mut self.direction;
        let mut map = |offset: f64| {
            let mut mass = offset;
            let mut sum = 0.0;
            for (i, distance) in distances.iter_mut().enumerate() {
                mass += share * self.target[i];
                *distance = self.origin.displacement(i, mass);
                sum += *distance;
            }
            sum
        };
        let mut bounds = [0.0; 2];
        if self.periodic {
            let total = self.origin.total();
            bounds = [-total, total];
            for _ in 0..60 {
                let middle = 0.5 * (bounds[0] + bounds[1]);
                bounds[usize::from(map(middle) > 0.0)] = middle;
            }
        }
        map(bounds[0]);
        let square = self.spacing * self.spacing;
        let reach: f64 = self.direction[..n - 1].iter().map(|d| d.abs()).sum();
        let long = tau.max(10.0 * square * reach);
        let (mut variation, mut middle) = (0.0, 0.0);
        for i in 0..n {
            self.increment[i] = variation;
            middle += variation / n as f64;
            variation += square / long * self.direction[i];
        }
        for i in 0..n {
            self.current.log_ratio[i] = D::log_ratio_of_variation(self.increment[i] - middle);
        }
        self.repeat_first();
        long
    }
}
