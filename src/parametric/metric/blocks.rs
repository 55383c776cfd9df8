use super::super::batch::Batch;

/// Averages over neighbours in 1-D, where every function of x is a gradient: blocks of samples in the order of x. A block holds √B samples,
/// and fewer near the two ends, where a quantile covers much ground.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    /// The places of the samples in the order of x.
    order: Vec<usize>,
    /// Where in that order each block ends.
    ends: Vec<usize>,
}

impl Blocks {
    /// The blocks of these samples.
    pub(super) fn prepare(&mut self, samples: &Batch) {
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
    }

    /// The number of blocks.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// The samples of a block.
    fn members(&self, block: usize) -> &[usize] {
        let first = block.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.order[first..self.ends[block]]
    }

    /// result ← Qv.
    pub(super) fn project(&self, vector: &[f64], result: &mut [f64]) {
        for (block, value) in result.iter_mut().enumerate().take(self.count()) {
            let members = self.members(block);
            let sum: f64 = members.iter().map(|place| vector[*place]).sum();
            *value = sum / (members.len() as f64).sqrt();
        }
    }

    /// values ← Qᵀα.
    pub(super) fn spread(&self, vector: &[f64], values: &mut [f64]) {
        for (block, value) in vector.iter().enumerate().take(self.count()) {
            let members = self.members(block);
            let share = value / (members.len() as f64).sqrt();
            for place in members {
                values[*place] = share;
            }
        }
    }

    /// The upper triangle of `result` ← QKQᵀ, for K by its entries.
    pub(super) fn project_gram(
        &self,
        entry: impl Fn(usize, usize) -> f64,
        result: &mut [f64],
        size: usize,
    ) {
        for first in 0..self.count() {
            for second in first..self.count() {
                let (own, other) = (self.members(first), self.members(second));
                let pairs = own.iter().map(|row| {
                    let entries = other.iter().map(|column| entry(*row, *column));
                    entries.sum::<f64>()
                });
                let weight = ((own.len() * other.len()) as f64).sqrt();
                result[first * size + second] = pairs.sum::<f64>() / weight;
            }
        }
    }
}
