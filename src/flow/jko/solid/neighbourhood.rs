//! The neighbourhood of one foot, halved until u(y) = φ(y) − |x − y|²/(2τ) is proven to be concave in it (docs/mathematics.md, eq. 32).

use super::global::eigenvalue;
use super::lattice::{Lattice, Point};

/// Lattice cells to each side of that of a foot.
pub(super) const NEAR: isize = 2;
/// Nodes along an axis whose splines do not vanish in the neighbourhood, and those of the halved lattice.
const NODES: usize = 7;
const HALVED: usize = 12;
/// Halvings after which what is not proven counts as higher.
const HALVINGS: usize = 12;

/// φ around a foot: its coefficients at the nodes own − 3 … own + 3 of each axis, `own` being the cell of the foot.
pub(super) struct Neighbourhood {
    lattice: Lattice,
    own: [isize; 3],
    coefficients: [f64; NODES * NODES * NODES],
}

/// Nodes of a window along an axis: one where the axis is missing.
fn nodes(lattice: &Lattice, axis: usize, window: usize) -> std::ops::Range<usize> {
    0..if lattice.axes[axis].missing {
        1
    } else {
        window
    }
}

/// The place of a node in a window.
fn place([a, b, c]: [usize; 3], window: usize) -> usize {
    (a * window + b) * window + c
}

impl Neighbourhood {
    /// The neighbourhood of a place, from the coefficients of a lattice.
    pub fn new(lattice: &Lattice, coefficients: &[f64], foot: &Point) -> Self {
        let own = own_cell(lattice, foot);
        let mut window = [0.0; NODES * NODES * NODES];
        for a in nodes(lattice, 0, NODES) {
            for b in nodes(lattice, 1, NODES) {
                for c in nodes(lattice, 2, NODES) {
                    let node = [(0, a), (1, b), (2, c)].map(|(axis, node)| {
                        let along = &lattice.axes[axis];
                        let first = if along.missing { 0 } else { own[axis] - 3 };
                        along.fold(first + node as isize)
                    });
                    window[place([a, b, c], NODES)] = coefficients[lattice.number(node)];
                }
            }
        }
        Self {
            lattice: *lattice,
            own,
            coefficients: window,
        }
    }

    /// A bound on how much higher than at its foot u may be in the neighbourhood.
    pub fn excess(mut self, x: &Point, tau: f64, foot: &Point, value: f64) -> f64 {
        let mut excess = 0.0_f64;
        for _ in 0..HALVINGS {
            if self.concave(tau) {
                return excess;
            }
            let (highest, half) = self.halved(x, tau, foot);
            excess = excess.max(highest - value);
            self = half;
        }
        if self.concave(tau) {
            return excess;
        }
        excess.max(self.highest(x, tau) - value)
    }

    fn concave(&self, tau: f64) -> bool {
        let cells = |axis: usize| {
            let missing = self.lattice.axes[axis].missing;
            if missing { 0..1 } else { 1..NODES - 1 }
        };
        cells(0).all(|a| {
            cells(1).all(|b| {
                cells(2).all(|c| {
                    let around = [0, 1, 2].map(|i| {
                        [0, 1, 2].map(|j| {
                            [0, 1, 2].map(|k| {
                                let node = [(0, a, i), (1, b, j), (2, c, k)].map(
                                    |(axis, cell, beside)| {
                                        let missing = self.lattice.axes[axis].missing;
                                        if missing { 0 } else { cell + beside - 1 }
                                    },
                                );
                                self.coefficients[place(node, NODES)]
                            })
                        })
                    });
                    tau * eigenvalue(&self.lattice, &around) < 1.0
                })
            })
        })
    }

    /// The coefficient of u at a node less that of φ.
    fn parabola(lattice: &Lattice, node: [isize; 3], x: &Point, tau: f64) -> f64 {
        let squares = (0..3).map(|axis| {
            let along = &lattice.axes[axis];
            if along.missing {
                return 0.0;
            }
            let distance = x[axis] - (node[axis] as f64 + 0.5) * along.spacing;
            distance * distance - 0.25 * along.spacing * along.spacing
        });
        -0.5 / tau * squares.sum::<f64>()
    }

    /// The largest coefficient of u.
    fn highest(&self, x: &Point, tau: f64) -> f64 {
        let mut highest = f64::NEG_INFINITY;
        for a in nodes(&self.lattice, 0, NODES) {
            for b in nodes(&self.lattice, 1, NODES) {
                for c in nodes(&self.lattice, 2, NODES) {
                    let node = [(0, a), (1, b), (2, c)]
                        .map(|(axis, node)| self.own[axis] - 3 + node as isize);
                    let parabola = Self::parabola(&self.lattice, node, x, tau);
                    highest = highest.max(self.coefficients[place([a, b, c], NODES)] + parabola);
                }
            }
        }
        highest
    }

    /// The neighbourhood on the lattice with half the spacing, and the largest coefficient of u for the cells that it leaves out.
    fn halved(&self, x: &Point, tau: f64, foot: &Point) -> (f64, Self) {
        let mut lattice = self.lattice;
        for axis in lattice.axes.iter_mut().filter(|axis| !axis.missing) {
            axis.count *= 2;
            axis.spacing *= 0.5;
        }
        let own = own_cell(&lattice, foot);
        let first = [0, 1, 2].map(|axis| 2 * self.own[axis] - 5);
        let mut window = [0.0; NODES * NODES * NODES];
        let mut highest = f64::NEG_INFINITY;
        for a in nodes(&lattice, 0, HALVED) {
            for b in nodes(&lattice, 1, HALVED) {
                for c in nodes(&lattice, 2, HALVED) {
                    let index = [a, b, c];
                    let node = [0, 1, 2].map(|axis| first[axis] + index[axis] as isize);
                    let value = self.between(index);
                    let offset = [0, 1, 2].map(|axis| {
                        let missing = lattice.axes[axis].missing;
                        if missing { 0 } else { node[axis] - own[axis] }
                    });
                    if offset.iter().any(|offset| offset.abs() >= NEAR) {
                        highest = highest.max(value + Self::parabola(&lattice, node, x, tau));
                    }
                    if offset.iter().all(|offset| offset.abs() <= 3) {
                        let index = [0, 1, 2].map(|axis| {
                            let missing = lattice.axes[axis].missing;
                            if missing {
                                0
                            } else {
                                (offset[axis] + 3).unsigned_abs()
                            }
                        });
                        window[place(index, NODES)] = value;
                    }
                }
            }
        }
        let half = Self {
            lattice,
            own,
            coefficients: window,
        };
        (highest, half)
    }

    /// The coefficient at a node of the halved lattice, counted from 2 own − 5: (1, 3)/4 of the two nodes beside it.
    fn between(&self, index: [usize; 3]) -> f64 {
        let pairs = [0, 1, 2].map(|axis| {
            if self.lattice.axes[axis].missing {
                return [(0, 1.0), (0, 0.0)];
            }
            // Number 0 is the later half of the first node of the window.
            let (node, later) = (index[axis].div_ceil(2), index[axis].is_multiple_of(2));
            [
                (node, 0.75),
                (if later { node + 1 } else { node - 1 }, 0.25),
            ]
        });
        let mut sum = 0.0;
        for (a, weight_a) in pairs[0] {
            for (b, weight_b) in pairs[1] {
                for (c, weight_c) in pairs[2] {
                    let weight = weight_a * weight_b * weight_c;
                    sum += weight * self.coefficients[place([a, b, c], NODES)];
                }
            }
        }
        sum
    }
}

/// The lattice cell of a place, beyond the sides not folded.
pub(super) fn own_cell(lattice: &Lattice, place: &Point) -> [isize; 3] {
    [0, 1, 2].map(|axis| (place[axis] / lattice.axes[axis].spacing).floor() as isize)
}
