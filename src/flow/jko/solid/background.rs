//! The stiffness of the tails, Σ_i ∇B_k(x_i)·∇B_l(x_i)/N over the centres of all cells: a sum of tensor products of matrices of one axis
//! (docs/mathematics.md, eq. 30).

use super::lattice::{Centres, Lattice, LatticeAxis};
use super::number::Number;
use super::passes;
use super::stencil::{Beside, Stencil, WIDTH};

/// Of one axis Σ B_k B_l and Σ B_k' B_l', each divided by the number of cells: offset by offset, a number for each node.
#[derive(Clone, Debug)]
struct Bands {
    mass: [Vec<f64>; WIDTH],
    stiffness: [Vec<f64>; WIDTH],
}

impl Bands {
    fn new(axis: &LatticeAxis, places: &[f64]) -> Self {
        let zeros = || vec![0.0; axis.count];
        let mut bands = Self {
            mass: [(); WIDTH].map(|()| zeros()),
            stiffness: [(); WIDTH].map(|()| zeros()),
        };
        let share = 1.0 / places.len() as f64;
        for place in places {
            let local = axis.local(*place);
            let beside = Beside::new(axis, local.cell);
            for from in axis.beside() {
                for to in axis.beside() {
                    let (offset, node) = (beside.offsets[from][to], beside.nodes[from]);
                    bands.mass[offset][node] += share * local.values[from] * local.values[to];
                    bands.stiffness[offset][node] += share * local.slopes[from] * local.slopes[to];
                }
            }
        }
        bands
    }
}

/// The matrix, axis by axis.
#[derive(Clone, Debug)]
pub(super) struct Background([Bands; 3]);

impl Background {
    pub fn new(lattice: &Lattice, centres: &Centres) -> Self {
        Self([0, 1, 2].map(|axis| {
            let cells = 0..centres.counts()[axis];
            let places: Vec<f64> = cells.map(|index| centres.along(axis, index)).collect();
            Bands::new(&lattice.axes[axis], &places)
        }))
    }

    /// Adds a multiple to a matrix on the same lattice, but for the diagonal: it has no row sums.
    pub fn add<N: Number>(&self, factor: f64, matrix: &mut Stencil<N>) {
        let [slow, middle, fast] = &self.0;
        let factor = factor * matrix.scale;
        let (lattice, run, row) = (matrix.lattice, matrix.run, matrix.row());
        let (width, centre) = (matrix.offsets / (WIDTH * WIDTH), matrix.offsets / 2);
        passes::chunks(matrix.rows_mut(), row, |number, values| {
            let (z, y) = (
                number / lattice.axes[1].count,
                number % lattice.axes[1].count,
            );
            for a in 0..WIDTH {
                for b in 0..width {
                    let [mass, stiff] = [&slow.mass, &slow.stiffness].map(|bands| bands[a][z]);
                    let [own, own_stiff] =
                        [&middle.mass, &middle.stiffness].map(|bands| bands[b][y]);
                    let across = factor * mass * own;
                    let bent = factor * (stiff * own + mass * own_stiff);
                    for c in 0..WIDTH {
                        let Some(kept) = ((a * width + b) * WIDTH + c).checked_sub(centre + 1)
                        else {
                            continue;
                        };
                        let values = &mut values[kept * run..];
                        let along = fast.mass[c].iter().zip(&fast.stiffness[c]);
                        for (value, (mass, stiff)) in values.iter_mut().zip(along) {
                            value.gain(bent * mass + across * stiff);
                        }
                    }
                }
            }
        });
    }
}
