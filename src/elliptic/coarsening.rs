//! From one level of cells to the next: pairs of cells along the strongly coupled axes are merged.
//!
//! Excess adds up; a coarse face gathers the fine faces on it, weakened as its cells' centres lie further apart.

use super::axis_map::{AxisMap, Spacing};
use super::operator::Operator;
use super::tiles::Tiles;

/// An axis is merged if its coupling is at least this share of the strongest one that can be merged.
const STRONG: f64 = 0.5;

/// The step from one level to the next coarser one.
#[derive(Clone, Debug)]
pub(super) struct Coarsening {
    pub(super) axes: [AxisMap; 3],
    pub(super) coarse_tiles: Tiles,
}

impl Coarsening {
    /// Merges the strongly coupled axes of a level; `None` if it is a single cell.
    pub(super) fn new(
        fine: &Operator,
        spacings: &[Spacing; 3],
    ) -> Option<(Self, Operator, [Spacing; 3])> {
        let strongest = spacings
            .iter()
            .filter(|axis| axis.cells() > 1)
            .map(Spacing::strength)
            .fold(0.0, f64::max);
        if strongest == 0.0 {
            return None;
        }
        let merged = spacings
            .each_ref()
            .map(|axis| axis.cells() > 1 && axis.strength() >= STRONG * strongest);
        let coarse_spacings = std::array::from_fn(|axis| {
            if merged[axis] {
                spacings[axis].merged()
            } else {
                spacings[axis].clone()
            }
        });
        let axes = std::array::from_fn(|axis| {
            let (fine, coarse): (&Spacing, &Spacing) = (&spacings[axis], &coarse_spacings[axis]);
            AxisMap {
                merged: merged[axis],
                fine: fine.cells(),
                coarse: coarse.cells(),
                weights: if merged[axis] {
                    fine.weights(coarse)
                } else {
                    vec![0.0; fine.cells()]
                },
            }
        });
        let cells = coarse_spacings.each_ref().map(Spacing::cells);
        let coarsening = Self {
            axes,
            coarse_tiles: Tiles::new(cells[1] * cells[2], cells[0]),
        };
        let faces = coarsening.coarse_faces(fine, spacings, &coarse_spacings);
        Some((coarsening, Operator::new(cells, faces), coarse_spacings))
    }

    fn coarse_faces(
        &self,
        fine: &Operator,
        spacings: &[Spacing; 3],
        coarse_spacings: &[Spacing; 3],
    ) -> [Vec<f64>; 3] {
        let [x, y, z] = &self.axes;
        std::array::from_fn(|axis| {
            if fine.faces[axis].is_empty() {
                return Vec::new();
            }
            let map = &self.axes[axis];
            let mut faces = vec![0.0; x.coarse * y.coarse * z.coarse];
            if map.coarse == 1 {
                return faces;
            }
            for k in 0..z.fine {
                for j in 0..y.fine {
                    for i in 0..x.fine {
                        let cell = [i, j, k];
                        let own: [usize; 3] = std::array::from_fn(|a| self.axes[a].own(cell[a]));
                        if cell[axis] + 1 != map.children(own[axis]).end {
                            continue;
                        }
                        let weakening = spacings[axis].distance(cell[axis])
                            / coarse_spacings[axis].distance(own[axis]);
                        faces[(own[2] * y.coarse + own[1]) * x.coarse + own[0]] +=
                            weakening * fine.faces[axis][(k * y.fine + j) * x.fine + i];
                    }
                }
            }
            faces
        })
    }
}
