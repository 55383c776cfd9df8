use super::super::batch::Batch;
use super::super::kernels::padded;
use super::blocks::Blocks;
use super::gradients::Gradients;
use super::potentials::Potentials;

/// The projection Q of the samples' velocities on gradients, a matrix with orthonormal rows over the coordinates of a batch, so that
/// g ≈ E over the batch of (QJ)ᵀ(QJ).
///
/// On the gradients of [`Potentials`]: g_F ⪯ g. In 1-D, unless potentials are asked for, averages over neighbouring samples, whose
/// blocks follow the density into its tails.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    blocks: Blocks,
    gradients: Option<Gradients>,
}

impl Projection {
    /// A projection on the gradients of these potentials, in 1-D as well.
    pub fn with_potentials(potentials: Potentials) -> Self {
        Self {
            gradients: Some(Gradients::new(potentials)),
            ..Self::default()
        }
    }

    /// The projection at these samples.
    pub fn prepare(&mut self, samples: &Batch) {
        if samples.features() == 1 && self.gradients.is_none() {
            return self.blocks.prepare(samples);
        }
        self.prepare_gradients(samples, false);
    }

    /// The projection on potentials, in 1-D as well and from now on; with their Hessians if `curved`.
    pub(super) fn prepare_gradients(&mut self, samples: &Batch, curved: bool) -> &Gradients {
        let standard = || Gradients::new(Potentials::standard(samples.features()));
        let gradients = self.gradients.get_or_insert_with(standard);
        gradients.prepare(samples, curved);
        gradients
    }

    /// The number of rows of Q.
    pub fn rank(&self) -> usize {
        match &self.gradients {
            Some(gradients) => gradients.count(),
            None => self.blocks.count(),
        }
    }

    /// The number of rows of Q with the padding: the length of what it projects to.
    pub fn width(&self) -> usize {
        padded(self.rank())
    }

    /// result ← Qv; beyond the rank it becomes 0.
    pub fn project(&self, vector: &[f64], result: &mut [f64]) {
        result.fill(0.0);
        match &self.gradients {
            Some(gradients) => gradients.project(vector, result),
            None => self.blocks.project(vector, result),
        }
    }

    /// cotangent ← Qᵀα.
    pub fn spread(&self, vector: &[f64], cotangent: &mut Batch) {
        let values = cotangent.values_mut();
        values.fill(0.0);
        match &self.gradients {
            Some(gradients) => gradients.spread(vector, values),
            None => self.blocks.spread(vector, values),
        }
    }

    /// result ← QKQᵀ of a symmetric K whose upper triangle is given; `result` is a square of [`Projection::width`] rows.
    pub fn project_gram(&self, gram: &[f64], full: usize, result: &mut [f64]) {
        result.fill(0.0);
        let size = self.width();
        let entry = |row: usize, column: usize| gram[row.min(column) * full + row.max(column)];
        let Some(gradients) = &self.gradients else {
            return self.blocks.project_gram(entry, result, size);
        };
        let mut whole = gram.to_vec();
        for row in 0..full {
            for column in 0..row {
                whole[row * full + column] = entry(row, column);
            }
        }
        gradients.project_gram(&whole, result, size);
    }
}
