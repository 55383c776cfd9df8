use rand_distr::{Distribution, StandardNormal, StandardUniform};

use super::super::batch::Batch;
use super::super::cholesky::{factor, solve_transposed};
use super::super::kernels::{RowProducts, dot, padded};
use super::super::streams::{Purpose, Streams};
use super::combine;

/// The projection Q of the samples' velocities on gradients, a matrix with orthonormal rows over the coordinates of a batch, so that
/// g ≈ E over the batch of (QJ)ᵀ(QJ).
///
/// In 1-D every function of x is a gradient: velocities are averaged over neighbours, in blocks of samples in the order of x. A block holds
/// √B samples, and fewer near the two ends, where a quantile covers much ground. In more dimensions the span of the gradients of
/// [`Features`]: g_F ⪯ g.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    /// 1-D: the places of the samples in the order of x.
    order: Vec<usize>,
    /// Where in that order each block ends.
    ends: Vec<usize>,
    /// Otherwise Q by rows.
    rows: Vec<f64>,
    step: usize,
    rank: usize,
    features: Option<Features>,
}

impl Projection {
    /// A projection on the gradients of these potentials, in 1-D as well.
    pub fn with_features(features: Features) -> Self {
        Self {
            features: Some(features),
            ..Self::default()
        }
    }

    /// The projection at these samples.
    pub fn prepare(&mut self, samples: &Batch) {
        self.step = samples.values().len();
        if samples.features() == 1 && self.features.is_none() {
            let x = samples.row(0);
            self.order.clear();
            self.order.extend(0..samples.count());
            self.order
                .sort_unstable_by(|a, b| x[*a].total_cmp(&x[*b]).then(a.cmp(b)));
            self.ends.clear();
            let (count, largest) = (samples.count(), samples.count().isqrt());
            let mut begin = 0;
            while begin < count {
                // A quarter of the way to the nearer end, measured from the block's own far side.
                let to_end = (count - begin).div_ceil(5);
                let size = (1 + begin / 4).min(to_end).clamp(1, largest);
                begin += size;
                self.ends.push(begin);
            }
            self.rank = self.ends.len();
            return;
        }
        let features = self
            .features
            .get_or_insert_with(|| Features::standard(samples.features()));
        self.rank = features.count();
        self.rows.resize(padded(self.rank) * self.step, 0.0);
        features.gradients(samples, &mut self.rows);
        orthonormalise(&mut self.rows, self.rank, self.step);
    }

    /// The number of rows of Q.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The samples of a block of the 1-D projection.
    fn members(&self, block: usize) -> &[usize] {
        let first = block.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.order[first..self.ends[block]]
    }

    /// result ← Qv; beyond the rank it becomes 0.
    pub fn project(&self, vector: &[f64], result: &mut [f64]) {
        result.fill(0.0);
        for (row, value) in result.iter_mut().enumerate().take(self.rank) {
            *value = if self.order.is_empty() {
                dot(&self.rows[row * self.step..][..self.step], vector)
            } else {
                let members = self.members(row);
                let sum: f64 = members.iter().map(|place| vector[*place]).sum();
                sum / (members.len() as f64).sqrt()
            };
        }
    }

    /// cotangent ← Qᵀα.
    pub fn spread(&self, vector: &[f64], cotangent: &mut Batch) {
        let values = cotangent.values_mut();
        values.fill(0.0);
        if self.order.is_empty() {
            combine(&vector[..self.rank], &self.rows, self.step, values);
            return;
        }
        for (block, value) in vector.iter().enumerate().take(self.rank) {
            let members = self.members(block);
            let share = value / (members.len() as f64).sqrt();
            for place in members {
                values[*place] = share;
            }
        }
    }

    /// result ← QKQᵀ of a symmetric K whose upper triangle is given; `result` is a square of `size` rows.
    pub fn project_gram(&self, gram: &[f64], full: usize, result: &mut [f64], size: usize) {
        result.fill(0.0);
        let entry = |row: usize, column: usize| gram[row.min(column) * full + row.max(column)];
        if !self.order.is_empty() {
            for first in 0..self.rank {
                for second in first..self.rank {
                    let (own, other) = (self.members(first), self.members(second));
                    let pairs = own.iter().map(|row| {
                        let entries = other.iter().map(|column| entry(*row, *column));
                        entries.sum::<f64>()
                    });
                    let weight = ((own.len() * other.len()) as f64).sqrt();
                    result[first * size + second] = pairs.sum::<f64>() / weight;
                }
            }
            return;
        }
        let mut image = vec![0.0; self.rank * full];
        let mut whole = gram.to_vec();
        for row in 0..full {
            for column in 0..row {
                whole[row * full + column] = entry(row, column);
            }
        }
        for row in 0..self.rank {
            let q = &self.rows[row * self.step..][..self.step];
            combine(q, &whole, full, &mut image[row * full..][..full]);
        }
        RowProducts {
            left: &image,
            right: &self.rows,
            rows: (self.rank, self.rank),
            step: full,
        }
        .add_to(result, size);
    }
}

/// Gram–Schmidt by Cholesky: rows ← L⁻¹rows with LLᵀ their Gram matrix. Rows that are spanned by others become 0.
fn orthonormalise(rows: &mut [f64], rank: usize, step: usize) {
    let size = padded(rank);
    let mut gram = vec![0.0; size * size];
    RowProducts {
        left: rows,
        right: rows,
        rows: (rank, rank),
        step,
    }
    .add_to(&mut gram, size);
    for row in 0..size {
        let entry = &mut gram[row * (size + 1)];
        // Relative to the row itself: keeps features of every scale, and nearly dependent ones harmless.
        *entry = if row < rank && *entry > 0.0 {
            *entry * (1.0 + 1e-10)
        } else {
            1.0
        };
    }
    if factor(&mut gram, size).is_err() {
        rows.fill(0.0);
        return;
    }
    // Column by column of the batch: y = U⁻ᵀ(column).
    let mut column = vec![0.0; size];
    for place in 0..step {
        for row in 0..rank {
            column[row] = rows[row * step + place];
        }
        column[rank..].fill(0.0);
        solve_transposed(&gram, size, &mut column);
        for row in 0..rank {
            rows[row * step + place] = column[row];
        }
    }
}

/// Potentials whose gradients stand for all gradients: x_i, x_i x_j, and waves cos(ω·x + β) with ω normal (random features: Rahimi,
/// Recht, NeurIPS 2007).
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    dimension: usize,
    /// ω and β of each wave.
    waves: Vec<(Vec<f64>, f64)>,
}

impl Features {
    /// The linear and quadratic potentials, and `waves` waves with frequencies of the given scale.
    pub fn new(dimension: usize, waves: usize, scale: f64) -> Self {
        let mut random = Streams::new(0).at(Purpose::Features, waves as u64);
        let wave = |_| {
            let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
            let frequency = (0..dimension).map(|_| scale * normal()).collect();
            let share: f64 = StandardUniform.sample(&mut random);
            (frequency, std::f64::consts::TAU * share)
        };
        Self {
            dimension,
            waves: (0..waves).map(wave).collect(),
        }
    }

    /// The features of the metric `otto`: 12 waves a dimension of unit scale.
    fn standard(dimension: usize) -> Self {
        Self::new(dimension, 12 * dimension, 1.0)
    }

    /// The number of potentials.
    pub fn count(&self) -> usize {
        self.dimension + self.dimension * (self.dimension + 1) / 2 + self.waves.len()
    }

    /// The gradients at the samples: one row a potential, laid out like the samples.
    fn gradients(&self, samples: &Batch, rows: &mut [f64]) {
        let (d, step, count) = (self.dimension, samples.step(), samples.count());
        let full = d * step;
        rows.fill(0.0);
        let mut next = rows.chunks_exact_mut(full);
        let mut row = || next.next().unwrap_or_default();
        for axis in 0..d {
            row()[axis * step..][..count].fill(1.0);
        }
        for i in 0..d {
            for j in i..d {
                let row = row();
                for place in 0..count {
                    row[i * step + place] += samples.row(j)[place];
                    row[j * step + place] += samples.row(i)[place];
                }
            }
        }
        for (frequency, phase) in &self.waves {
            let row = row();
            for place in 0..count {
                let terms = frequency.iter().zip(samples.sample(place));
                let angle = phase + terms.map(|(w, x)| w * x).sum::<f64>();
                for (axis, w) in frequency.iter().enumerate() {
                    row[axis * step + place] = -w * angle.sin();
                }
            }
        }
    }
}
