//! The sweep in `f32` as plain loops, with a bound for how far any other evaluation in `f32` may be from it; the roundings are counted in [`crate::rounding`].

use ottoflow::backend::Sweep;
use ottoflow::divergence::Divergence;
use ottoflow::flow::Diffusion;
use ottoflow::grid::Grid;

use crate::rounding::{CPU, DEVICE, ROUNDOFF, SECOND_ORDER, neighbours};

/// The errors of both evaluations.
const STENCIL: f64 = CPU + DEVICE;
const ADDITION: f64 = 2.0;
const MEAN: f64 = 6.0;
/// What flushing subnormal numbers to zero may cost, far below everything else.
const FLUSHED: f64 = 1e-36;

/// A random problem: weights between ½ and 2, ratios between 1/30 and 30, the step at half of the monotonicity bound.
pub struct Twin {
    grid: Grid,
    pub weight: Vec<f32>,
    pub ratio: Vec<f32>,
    pub scale: [f64; 3],
    /// Bound of Σ σ² |difference| so far.
    pub distance: f64,
    /// Bound of the difference in each cell from the last stage alone.
    pub local: Vec<f64>,
}

/// Evenly distributed in [0, 1), the same in every run.
fn uniform(index: usize) -> f64 {
    let mut z = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

impl Twin {
    pub fn new<D: Divergence>(grid: &Grid) -> Self {
        let weight = (0..grid.len())
            .map(|i| (4_f64.powf(uniform(i) - 0.5)) as f32)
            .collect();
        let ratio = (0..grid.len())
            .map(|i| (900_f64.powf(uniform(grid.len() + i) - 0.5)) as f32)
            .collect();
        // ψ' is monotone, so its largest value is at one end; each face has σ_j/σ_i ≤ 4.
        let slope = D::slope_from_ratio(1.0 / 30.0_f64).max(D::slope_from_ratio(30.0));
        let share = [1.0, 0.7, 0.4];
        let faces: f64 = share
            .iter()
            .take(grid.dimension())
            .map(|share| 8.0 * share)
            .sum();
        Self {
            grid: grid.clone(),
            weight,
            ratio,
            scale: share.map(|share| 0.5 * share / (faces * slope)),
            distance: 0.0,
            local: Vec::new(),
        }
    }

    /// Steps with the given shares of the start, and the growth of the bounds.
    pub fn run<D: Divergence>(&mut self, shares: &[f64], steps: usize) {
        for _ in 0..steps {
            let (start, start_distance) = (self.ratio.clone(), self.distance);
            for &share in shares {
                self.stage::<D>(&start, start_distance, share);
            }
        }
    }

    fn stage<D: Divergence>(&mut self, start: &[f32], start_distance: f64, share: f64) {
        let nodes: Vec<f32> = self
            .ratio
            .iter()
            .map(|ratio| Diffusion::<D>::node(*ratio))
            .collect();
        let scale = self.scale.map(|scale| scale as f32);
        let share = share as f32;
        let size = |cell: usize| f64::from(nodes[cell].abs());
        let mut local = Vec::with_capacity(nodes.len());
        let mut ratio = Vec::with_capacity(nodes.len());
        for cell in 0..nodes.len() {
            let own_weight = self.weight[cell];
            let (mut inflow, mut faces) = (0.0_f32, 0.0_f64);
            for (axis, other) in neighbours(&self.grid, cell) {
                let weight = self.weight[other];
                inflow += scale[axis] * Diffusion::<D>::face(weight, nodes[cell], nodes[other]);
                let factor = f64::from(scale[axis] * weight / own_weight);
                faces += factor * (size(other) + size(cell));
            }
            let stepped = Diffusion::<D>::cell(self.ratio[cell], own_weight, inflow);
            let mut error = STENCIL * faces + ADDITION * f64::from(stepped.abs());
            let mut value = stepped;
            if share != 0.0 {
                value = stepped + share * (start[cell] - stepped);
                error += MEAN * f64::from(stepped.abs() + start[cell].abs());
            }
            local.push(SECOND_ORDER * ROUNDOFF * error + FLUSHED);
            ratio.push(value);
        }
        let share = f64::from(share);
        let added: f64 = self
            .weight
            .iter()
            .zip(&local)
            .map(|(weight, local)| f64::from(*weight).powi(2) * local)
            .sum();
        self.distance = (1.0 - share) * self.distance + share * start_distance + added;
        (self.ratio, self.local) = (ratio, local);
    }
}
