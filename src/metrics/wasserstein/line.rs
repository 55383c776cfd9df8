use crate::grid::{Boundary, Field, Grid};

/// W2 between two densities on a 1-D grid, exactly for densities that are constant in each cell: ∫ (F⁻¹(s) − G⁻¹(s))² ds over the joint
/// partition of their distribution functions (Villani, Topics in Optimal Transportation, 2003, Thm 2.18).
///
/// Both are taken with their own mass scaled to 1. None in 2-D and 3-D and on a periodic axis, where quantiles do not pair.
pub fn wasserstein_1d(grid: &Grid, first: &Field, second: &Field) -> Option<f64> {
    let [axis] = grid.axes() else { return None };
    if axis.boundary == Boundary::Periodic {
        return None;
    }
    let (total_first, total_second) = (first.sum(), second.sum());
    let h = axis.spacing();
    let mut a = Quantile::new(first.iter().map(|value| value / total_first));
    let mut b = Quantile::new(second.iter().map(|value| value / total_second));
    let mut sum = 0.0;
    // On each piece both quantiles are linear; the integral of the square of a line from p to q is (p² + pq + q²)/3.
    while let (Some((cell_a, left_a)), Some((cell_b, left_b))) = (a.piece(), b.piece()) {
        let mass = left_a.min(left_b);
        let start = a.position(cell_a) - b.position(cell_b);
        a.consume(mass);
        b.consume(mass);
        let end = a.position(cell_a) - b.position(cell_b);
        sum += mass * (start * start + start * end + end * end) / 3.0;
    }
    Some(sum.max(0.0).sqrt() * h)
}

/// W2 between a density on a 1-D grid, constant in each cell, and samples of equal weight in increasing order, exactly.
///
/// The density is taken with its mass scaled to 1. None where [`wasserstein_1d`] has none, and without samples.
pub fn wasserstein_to_samples(grid: &Grid, density: &Field, sorted: &[f64]) -> Option<f64> {
    let [axis] = grid.axes() else { return None };
    if axis.boundary == Boundary::Periodic || sorted.is_empty() {
        return None;
    }
    let (total, h) = (density.sum(), axis.spacing());
    let mut quantile = Quantile::new(density.iter().map(|value| value / total));
    let mut sum = 0.0;
    for x in sorted {
        let place = (x - axis.lower) / h;
        let mut left = 1.0 / sorted.len() as f64;
        // As above, with the one quantile constant over the weight of a sample.
        while left > 0.0
            && let Some((cell, own)) = quantile.piece()
        {
            let mass = left.min(own);
            let start = quantile.position(cell) - place;
            quantile.consume(mass);
            let end = quantile.position(cell) - place;
            sum += mass * (start * start + start * end + end * end) / 3.0;
            left -= mass;
        }
    }
    Some(sum.max(0.0).sqrt() * h)
}

/// A walk through the mass of a density, cell by cell.
struct Quantile {
    masses: Vec<f64>,
    cell: usize,
    used: f64,
}

impl Quantile {
    fn new(masses: impl Iterator<Item = f64>) -> Self {
        Self {
            masses: masses.collect(),
            cell: 0,
            used: 0.0,
        }
    }

    /// The cell reached and the mass left in it; none at the end.
    fn piece(&mut self) -> Option<(usize, f64)> {
        while let Some(mass) = self.masses.get(self.cell) {
            let left = mass - self.used;
            if left > 0.0 {
                return Some((self.cell, left));
            }
            self.cell += 1;
            self.used = 0.0;
        }
        None
    }

    /// The coordinate reached, in cells, seen from inside `cell`.
    fn position(&self, cell: usize) -> f64 {
        cell as f64 + (self.used / self.masses[cell]).min(1.0)
    }

    fn consume(&mut self, mass: f64) {
        self.used += mass;
    }
}
