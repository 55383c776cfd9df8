use super::{Density, DensityError, DensityProblem, log_sum_of_exponentials};
use crate::calculus::Real;

/// The largest number of coordinates of a [`NormalMixture`].
pub const MAXIMAL_COORDINATES: usize = 16;

/// A sum of normal distributions on all of space, normalised: what can be drawn from and evaluated without a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalMixture {
    dimension: usize,
    components: Vec<Normal>,
}

/// One normal distribution w N(m, LLᵀ) of the sum.
#[derive(Clone, Debug, PartialEq)]
struct Normal {
    /// ln(w · maximum of the density).
    log_maximum: f64,
    /// Σ of the weights up to and with this one.
    cumulative: f64,
    mean: Vec<f64>,
    /// L by rows.
    factor: Vec<Vec<f64>>,
}

impl NormalMixture {
    /// The normal distributions of a density that is made of them.
    ///
    /// # Errors
    /// What [`Density::check`] finds; another kind of density; a background, which needs a box.
    pub fn new(density: &Density) -> Result<Self, DensityError> {
        let kind = density.kind();
        let dimension = kind
            .own_dimension()
            .ok_or_else(|| DensityProblem::NotNormals.at("kind"))?;
        if dimension > MAXIMAL_COORDINATES {
            return Err(DensityProblem::TooManyCoordinates(dimension).into());
        }
        density.check(dimension)?;
        if kind.floor().is_some_and(|floor| floor > 0.0) {
            return Err(DensityProblem::Background.at("floor"));
        }
        let normals = match kind.normals(dimension) {
            Some(normals) => normals?,
            None => return Err(DensityProblem::NotNormals.at("kind")),
        };
        let weights = normals
            .iter()
            .map(|(log_maximum, normal)| Real::exp(log_maximum - normal.log_maximum()));
        let total: f64 = weights.clone().sum();
        let log_total = Real::ln(total);
        let mut cumulative = 0.0;
        let components = normals
            .iter()
            .zip(weights)
            .map(|((log_maximum, normal), weight)| {
                cumulative += weight / total;
                Normal {
                    log_maximum: log_maximum - log_total,
                    cumulative,
                    mean: normal.mean.clone(),
                    factor: normal.factor.clone(),
                }
            });
        Ok(Self {
            dimension,
            components: components.collect(),
        })
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The number of normal distributions.
    pub fn len(&self) -> usize {
        self.components.len()
    }

    /// Never: there is at least one normal distribution.
    pub fn is_empty(&self) -> bool {
        self.components.is_empty()
    }

    /// The mean of one normal distribution.
    pub fn mean(&self, component: usize) -> &[f64] {
        &self.components[component].mean
    }

    /// The largest standard deviation along an axis of one normal distribution.
    pub fn largest_std(&self, component: usize) -> f64 {
        let rows = self.components[component].factor.iter();
        let variance = rows.map(|row| row.iter().map(|entry| entry * entry).sum::<f64>());
        variance.fold(0.0, f64::max).sqrt()
    }

    /// The point m + Lξ of the component that `share` in [0, 1) falls to; ξ are independent standard normal numbers.
    pub fn draw(&self, share: f64, normal: &[f64], point: &mut [f64]) {
        let last = self.components.len() - 1;
        let found = self.components[..last]
            .iter()
            .position(|c| share < c.cumulative);
        let component = &self.components[found.unwrap_or(last)];
        for (axis, coordinate) in point.iter_mut().enumerate() {
            let row = component.factor[axis].iter().zip(normal);
            *coordinate = component.mean[axis] + row.map(|(entry, x)| entry * x).sum::<f64>();
        }
    }

    /// ln π at a point.
    pub fn log_density(&self, point: &[f64]) -> f64 {
        log_sum_of_exponentials(self.components.iter().map(|component| {
            let mut square = 0.0;
            component.whitened(point, |_, value| square += value * value);
            component.log_maximum - 0.5 * square
        }))
    }

    /// The component from which a point is the fewest standard deviations away, and that number.
    pub fn nearest(&self, point: &[f64]) -> (usize, f64) {
        let distance = |component: &Normal| {
            let mut square = 0.0;
            component.whitened(point, |_, value| square += value * value);
            square.sqrt()
        };
        let distances = self.components.iter().map(distance).enumerate();
        distances
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, f64::INFINITY))
    }

    /// ∇ ln π at a point: −Σ_k w_k Σ_k⁻¹(x − m_k), w_k the share of component k in the density there.
    pub fn score(&self, point: &[f64], score: &mut [f64]) {
        let log_density = self.log_density(point);
        score.fill(0.0);
        let mut solution = [0.0; MAXIMAL_COORDINATES];
        for component in &self.components {
            let mut square = 0.0;
            component.whitened(point, |row, value| {
                solution[row] = value;
                square += value * value;
            });
            let share = Real::exp(component.log_maximum - 0.5 * square - log_density);
            // Back substitution: Lᵀ s = u.
            for row in (0..self.dimension).rev() {
                for below in row + 1..self.dimension {
                    solution[row] -= component.factor[below][row] * solution[below];
                }
                solution[row] /= component.factor[row][row];
                score[row] -= share * solution[row];
            }
        }
    }

    /// The distribution of u·x for a direction u: a sum of normal distributions in 1-D, with means u·m and deviations |Lᵀu|.
    pub fn projected(&self, direction: &[f64]) -> Self {
        let along =
            |vector: &[f64]| -> f64 { vector.iter().zip(direction).map(|(a, b)| a * b).sum() };
        let mut before = 0.0;
        let components = self.components.iter().map(|component| {
            let weight = component.cumulative - before;
            before = component.cumulative;
            let spread = (0..self.dimension).map(|column| {
                let entries = component.factor.iter().zip(direction);
                let entry: f64 = entries.map(|(row, u)| row[column] * u).sum();
                entry * entry
            });
            let std = spread.sum::<f64>().sqrt();
            Normal {
                log_maximum: Real::ln(weight / std) - 0.5 * Real::ln(std::f64::consts::TAU),
                cumulative: component.cumulative,
                mean: vec![along(&component.mean)],
                factor: vec![vec![std]],
            }
        });
        Self {
            dimension: 1,
            components: components.collect(),
        }
    }

    /// The density convolved with N(0, h²): covariances grow by h².
    pub fn smoothed(&self, width: f64) -> Self {
        let mut before = 0.0;
        let components = self.components.iter().map(|component| {
            let weight = component.cumulative - before;
            before = component.cumulative;
            let factor = grown(&component.factor, width);
            let log_determinant: f64 = (0..self.dimension).map(|i| Real::ln(factor[i][i])).sum();
            let log_scale = 0.5 * self.dimension as f64 * Real::ln(std::f64::consts::TAU);
            Normal {
                log_maximum: Real::ln(weight) - log_determinant - log_scale,
                cumulative: component.cumulative,
                mean: component.mean.clone(),
                factor,
            }
        });
        Self {
            dimension: self.dimension,
            components: components.collect(),
        }
    }

    /// The weight of one normal distribution.
    pub fn weight(&self, component: usize) -> f64 {
        let before = component
            .checked_sub(1)
            .map_or(0.0, |c| self.components[c].cumulative);
        self.components[component].cumulative - before
    }

    /// The mean and the covariance, by rows, of the whole.
    pub fn moments(&self) -> (Vec<f64>, Vec<Vec<f64>>) {
        let d = self.dimension;
        let (mut mean, mut covariance) = (vec![0.0; d], vec![vec![0.0; d]; d]);
        let mut before = 0.0;
        for component in &self.components {
            let weight = component.cumulative - before;
            before = component.cumulative;
            let rows: Vec<_> = component.mean.iter().zip(&component.factor).collect();
            for (i, (own_mean, own)) in rows.iter().enumerate() {
                mean[i] += weight * *own_mean;
                for (entry, (other_mean, other)) in covariance[i].iter_mut().zip(&rows) {
                    let product: f64 = own.iter().zip(*other).map(|(a, b)| a * b).sum();
                    *entry += weight * (product + *own_mean * *other_mean);
                }
            }
        }
        for (row, own) in covariance.iter_mut().zip(&mean) {
            for (entry, other) in row.iter_mut().zip(&mean) {
                *entry -= own * other;
            }
        }
        (mean, covariance)
    }
}

impl Normal {
    /// Gives u = L⁻¹(x − m) coordinate by coordinate, by forward substitution.
    fn whitened(&self, point: &[f64], mut take: impl FnMut(usize, f64)) {
        let mut solution = [0.0; MAXIMAL_COORDINATES];
        for row in 0..self.mean.len() {
            let known = self.factor[row][..row].iter().zip(&solution);
            let known: f64 = known.map(|(entry, value)| entry * value).sum();
            solution[row] = (point[row] - self.mean[row] - known) / self.factor[row][row];
            take(row, solution[row]);
        }
    }
}

/// The Cholesky factor of LLᵀ + h²: it exists, for the sum is as positive as LLᵀ.
fn grown(factor: &[Vec<f64>], width: f64) -> Vec<Vec<f64>> {
    let d = factor.len();
    let mut result = vec![vec![0.0; d]; d];
    for i in 0..d {
        for j in 0..=i {
            let own: f64 = (0..d).map(|k| factor[i][k] * factor[j][k]).sum();
            let added = if i == j { width * width } else { 0.0 };
            let known: f64 = (0..j).map(|k| result[i][k] * result[j][k]).sum();
            let rest = own + added - known;
            result[i][j] = if i == j {
                rest.sqrt()
            } else {
                rest / result[j][j]
            };
        }
    }
    result
}
