use super::normal::Normal;
use super::{Density, DensityError, DensityProblem, log_sum_of_exponentials};
use crate::calculus::Real;

/// The largest number of coordinates of a [`NormalMixture`].
pub const MAXIMAL_COORDINATES: usize = 16;

/// A sum of normal distributions on all of space, normalised: what can be drawn from and evaluated without a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalMixture {
    dimension: usize,
    components: Vec<Component>,
}

/// One normal distribution w N(m, LLᵀ) of the sum.
#[derive(Clone, Debug, PartialEq)]
struct Component {
    /// ln(w · maximum of the density).
    log_maximum: f64,
    /// Σ of the weights up to and with this one.
    cumulative: f64,
    normal: Normal,
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
                Component {
                    log_maximum: log_maximum - log_total,
                    cumulative,
                    normal: normal.clone(),
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
        &self.components[component].normal.mean
    }

    /// The largest standard deviation along an axis of one normal distribution.
    pub fn largest_std(&self, component: usize) -> f64 {
        let normal = &self.components[component].normal;
        let along = (0..self.dimension).map(|axis| normal.std(axis));
        along.fold(0.0, f64::max)
    }

    /// The point m + Lξ of the component that `share` in [0, 1) falls to; ξ are independent standard normal numbers.
    pub fn draw(&self, share: f64, normal: &[f64], point: &mut [f64]) {
        let last = self.components.len() - 1;
        let found = self.components[..last]
            .iter()
            .position(|c| share < c.cumulative);
        let Normal { mean, factor } = &self.components[found.unwrap_or(last)].normal;
        for (axis, coordinate) in point.iter_mut().enumerate() {
            let row = factor[axis].iter().zip(normal);
            *coordinate = mean[axis] + row.map(|(entry, x)| entry * x).sum::<f64>();
        }
    }

    /// ln π at a point.
    pub fn log_density(&self, point: &[f64]) -> f64 {
        log_sum_of_exponentials(
            self.components
                .iter()
                .map(|component| component.log_maximum + component.normal.exponent(point)),
        )
    }

    /// The component from which a point is the fewest standard deviations away, and that number.
    pub fn nearest(&self, point: &[f64]) -> (usize, f64) {
        let distance = |component: &Component| (-2.0 * component.normal.exponent(point)).sqrt();
        let distances = self.components.iter().map(distance).enumerate();
        distances
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, f64::INFINITY))
    }

    /// ln π at a point, and in `score` ∇ ln π: −Σ_k w_k Σ_k⁻¹(x − m_k), w_k the share of component k in the density there.
    pub fn score(&self, point: &[f64], score: &mut [f64]) -> f64 {
        let log_density = self.log_density(point);
        score.fill(0.0);
        let mut solution = [0.0; MAXIMAL_COORDINATES];
        for component in &self.components {
            let mut square = 0.0;
            component.normal.whitened(point, |row, value| {
                solution[row] = value;
                square += value * value;
            });
            let share = Real::exp(component.log_maximum - 0.5 * square - log_density);
            let factor = &component.normal.factor;
            // Back substitution: Lᵀ s = u.
            for row in (0..self.dimension).rev() {
                for below in row + 1..self.dimension {
                    solution[row] -= factor[below][row] * solution[below];
                }
                solution[row] /= factor[row][row];
                score[row] -= share * solution[row];
            }
        }
        log_density
    }

    /// The distribution of u·x for a direction u: a sum of normal distributions in 1-D, with means u·m and deviations |Lᵀu|.
    pub fn projected(&self, direction: &[f64]) -> Self {
        let along =
            |vector: &[f64]| -> f64 { vector.iter().zip(direction).map(|(a, b)| a * b).sum() };
        let components = self.components.iter().enumerate().map(|(k, component)| {
            let spread = (0..self.dimension).map(|column| {
                let entries = component.normal.factor.iter().zip(direction);
                let entry: f64 = entries.map(|(row, u)| row[column] * u).sum();
                entry * entry
            });
            let std = spread.sum::<f64>().sqrt();
            Component {
                log_maximum: Real::ln(self.weight(k) / std) - 0.5 * Real::ln(std::f64::consts::TAU),
                cumulative: component.cumulative,
                normal: Normal::round(vec![along(&component.normal.mean)], std),
            }
        });
        Self {
            dimension: 1,
            components: components.collect(),
        }
    }

    /// The density convolved with N(0, h²): covariances grow by h².
    pub fn smoothed(&self, width: f64) -> Self {
        let components = self.components.iter().enumerate().map(|(k, component)| {
            let normal = Normal {
                mean: component.normal.mean.clone(),
                factor: grown(&component.normal.factor, width),
            };
            Component {
                log_maximum: Real::ln(self.weight(k)) + normal.log_maximum(),
                cumulative: component.cumulative,
                normal,
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
        for (k, Component { normal, .. }) in self.components.iter().enumerate() {
            let weight = self.weight(k);
            let rows: Vec<_> = normal.mean.iter().zip(&normal.factor).collect();
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
