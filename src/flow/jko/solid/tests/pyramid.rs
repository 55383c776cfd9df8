//! Bounds away from feet.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{boxes, random_vector};
use crate::flow::jko::solid::feet::Foot;
use crate::flow::jko::solid::global::Rivals;
use crate::flow::jko::solid::lattice::{Centres, Lattice, LatticeAxis, Point};
use crate::flow::jko::solid::neighbourhood::{NEAR, own_cell};
use crate::flow::jko::solid::points::Points;
use crate::flow::jko::solid::pyramid::Pyramid;

/// Nodes of an axis, those beside closed sides and one turn away on a ring among them.
fn all(axis: &LatticeAxis) -> std::ops::RangeInclusive<isize> {
    let count = axis.count as isize;
    match (axis.missing, axis.periodic) {
        (true, _) => 0..=0,
        (_, true) => -count..=2 * count - 1,
        _ => -1..=count,
    }
}

/// The bound by a look at every node.
fn by_every_node(rivals: &Rivals, values: &[f64], x: &Point, foot: &Foot) -> f64 {
    let axes = &rivals.lattice.axes;
    let own = own_cell(rivals.lattice, &foot.place);
    let mut highest = foot.value;
    for a in all(&axes[0]) {
        for b in all(&axes[1]) {
            for c in all(&axes[2]) {
                let node = [a, b, c];
                if (0..3).all(|axis| (node[axis] - own[axis]).abs() < NEAR) {
                    continue;
                }
                let folded = [0, 1, 2].map(|axis| axes[axis].fold(node[axis]));
                let mut term = values[rivals.lattice.number(folded)];
                for axis in (0..3).filter(|axis| !axes[*axis].missing) {
                    let place = (node[axis] as f64 + 0.5) * axes[axis].spacing;
                    term -= rivals.parabola(&axes[axis], x[axis] - place);
                }
                highest = highest.max(term);
            }
        }
    }
    highest
}

/// Boxes that are left out hold nothing that is higher: on rings and between closed sides, in 2-D and 3-D, for steep and flat parabolas, places near the foot and far
/// away, and feet that are the maximum or far from it.
#[test]
fn bounds_by_boxes_are_those_by_every_node() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for grid in boxes() {
        // Twice as fine along each axis, so that there are more boxes.
        let mut lattice = Lattice::new(&grid);
        for axis in lattice.axes.iter_mut().filter(|axis| !axis.missing) {
            axis.count *= 2;
            axis.spacing *= 0.5;
        }
        let centres = Centres::new(&grid);
        let points = Points::new(centres);
        let values = random_vector(lattice.len(), 3);
        let pyramid = Pyramid::new(&lattice, &values);
        let mut higher = 0;
        for tau in [1e-3, 0.03, 1.0, 30.0] {
            let rivals = Rivals {
                lattice: &lattice,
                centres: &centres,
                points: &points,
                tau,
            };
            for _ in 0..20 {
                let mut anywhere = || {
                    lattice.axes.map(|axis| match axis.missing {
                        true => 0.0,
                        false => random.random_range(0.0..1.0) * axis.length(),
                    })
                };
                let (x, place) = (anywhere(), anywhere());
                for value in [-5.0, 0.3, 0.9] {
                    let foot = Foot { place, value };
                    let wanted = by_every_node(&rivals, &values, &x, &foot);
                    assert_eq!(pyramid.beyond(&rivals, &x, &foot), wanted);
                    higher += usize::from(wanted > value);
                }
            }
        }
        assert!((40..235).contains(&higher), "{higher}");
    }
}
