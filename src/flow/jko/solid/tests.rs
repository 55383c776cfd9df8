mod matrices;
mod pyramid;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::background::Background;
use super::deposit::{Masses, Order, Places, moments};
use super::feet::{Foot, Search};
use super::lattice::{Centres, Lattice, LatticeAxis, Point};
use super::number::Number;
use super::pack::{LocalPack, PLACES, Pack, splat, transposed, with_middle};
use super::points::Points;
use super::spline::Spline;
use super::stencil::{Stencil, WIDTH, Weigh};
use crate::calculus::Lanes;
use crate::grid::{Axis, Boundary, Grid};

/// Boxes in 2-D and 3-D: rings and closed sides, even and odd counts, rings of two and three nodes.
fn boxes() -> Vec<Grid> {
    let axis = |cells: usize, upper: f64, boundary| Axis {
        lower: 0.0,
        upper,
        cells,
        boundary,
    };
    let (closed, ring) = (Boundary::NoFlux, Boundary::Periodic);
    let boxes = [
        vec![axis(24, 1.0, closed), axis(17, 0.7, ring)],
        vec![axis(3, 1.0, ring), axis(26, 1.3, closed)],
        vec![
            axis(14, 1.0, ring),
            axis(13, 0.8, closed),
            axis(16, 1.0, closed),
        ],
        vec![
            axis(5, 1.0, closed),
            axis(12, 1.0, ring),
            axis(6, 0.9, ring),
        ],
    ];
    boxes.map(|axes| Grid::new(axes).unwrap()).to_vec()
}

/// Places all over a box and a little beyond its sides, with weights over some powers of ten.
struct Cloud {
    places: Vec<Point>,
    masses: Vec<f64>,
    fluxes: Vec<[f64; 6]>,
}

impl Cloud {
    fn new(lattice: &Lattice, count: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut cloud = Self {
            places: Vec::new(),
            masses: Vec::new(),
            fluxes: Vec::new(),
        };
        for _ in 0..count {
            cloud.places.push(lattice.axes.map(|axis| {
                if axis.missing {
                    0.0
                } else {
                    random.random_range(-0.2..1.2) * axis.length()
                }
            }));
            cloud
                .masses
                .push(10.0_f64.powf(random.random_range(-4.0..0.0)));
            // GGᵀ is positive.
            let g = [(); 3].map(|()| [(); 3].map(|()| random.random_range(-0.1..0.1)));
            let entry = |a: usize, b: usize| (0..3).map(|k: usize| g[a][k] * g[b][k]).sum::<f64>();
            cloud.fluxes.push([
                entry(0, 0),
                entry(1, 1),
                entry(2, 2),
                entry(0, 1),
                entry(0, 2),
                entry(1, 2),
            ]);
        }
        cloud
    }

    fn feet(&self) -> Vec<Foot> {
        let foot = |place: &Point| Foot {
            place: *place,
            value: 0.0,
        };
        self.places.iter().map(foot).collect()
    }

    fn order(&self, lattice: &Lattice) -> Order {
        let mut order = Order::new(lattice, self.places.len());
        order.sort(lattice, Places::Feet(&self.feet()));
        order
    }

    /// xᵀAx from the values and gradients of the spline with the coefficients x: eq. 30 as it is written.
    fn energy(&self, lattice: &Lattice, x: &[f64]) -> f64 {
        let mut spline = Spline::new(*lattice);
        spline.set(x);
        let terms = self.places.iter().enumerate().map(|(number, place)| {
            let jet = spline.jet(place);
            let along = super::feet::product(&self.fluxes[number], jet.gradient);
            let flux: f64 = (0..3).map(|axis| along[axis] * jet.gradient[axis]).sum();
            self.masses[number] * jet.value * jet.value + flux
        });
        terms.sum()
    }
}

impl Weigh for Cloud {
    const FLUX: bool = true;

    fn places(&self) -> Places<'_> {
        Places::At(&self.places)
    }

    fn masses(&self) -> &[f64] {
        &self.masses
    }

    fn flux<const MIDDLE: usize>(&self, numbers: &[u32], _: &[LocalPack; 3]) -> [Pack; 6] {
        [0, 1, 2, 3, 4, 5].map(|entry| {
            let mut pack = splat(0.0);
            for (lane, number) in numbers.iter().enumerate() {
                pack.0[lane] = self.fluxes[*number as usize][entry];
            }
            pack
        })
    }
}

fn random_vector(length: usize, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..length)
        .map(|_| random.random_range(-1.0..1.0))
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn filled<N: Number>(matrix: &mut Stencil<N>, cloud: &Cloud) {
    let lattice = matrix.lattice;
    let mut padded = vec![0.0; lattice.padded().iter().product()];
    matrix.assemble(&cloud.order(&lattice), cloud, 1.0, &mut padded);
    matrix.set_diagonal();
}

/// The matrix and its quadratic form, which the splines give without it.
fn assembled<N: Number>(grid: &Grid) -> (Lattice, Cloud, Stencil<N>) {
    let lattice = Lattice::new(grid);
    let cloud = Cloud::new(&lattice, 12 * lattice.len(), 5);
    let mut matrix = Stencil::new(lattice);
    filled(&mut matrix, &cloud);
    (lattice, cloud, matrix)
}

fn applied<N: Number>(matrix: &Stencil<N>, x: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; x.len()];
    matrix.apply(x, &mut out);
    out
}

#[test]
fn the_assembled_matrix_is_the_hessian_symmetric_and_positive() {
    for grid in boxes() {
        let (lattice, cloud, matrix) = assembled::<f64>(&grid);
        let product = |x: &[f64]| applied(&matrix, x);
        for seed in 0..3 {
            let [x, y] = [seed, seed + 10].map(|seed| random_vector(lattice.len(), seed));
            let wanted = cloud.energy(&lattice, &x);
            let found = dot(&x, &product(&x));
            assert!(wanted > 0.0);
            assert!((found / wanted - 1.0).abs() < 1e-12, "{found} {wanted}");
            let [one, other] = [dot(&x, &product(&y)), dot(&y, &product(&x))];
            assert!((one - other).abs() < 1e-12 * wanted, "{one} {other}");
            // The whole matrix by polarisation.
            let sum: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
            let mixed = cloud.energy(&lattice, &sum) - wanted - cloud.energy(&lattice, &y);
            assert!((2.0 * one - mixed).abs() < 1e-11 * wanted, "{one} {mixed}");
        }
        // On a shorter ring some ways lead from a node around to itself.
        let long = |axis: &LatticeAxis| !axis.periodic || axis.count >= WIDTH;
        if !lattice.axes.iter().all(long) {
            continue;
        }
        for node in [0, lattice.len() / 2, lattice.len() - 1] {
            let mut unit = vec![0.0; lattice.len()];
            unit[node] = 1.0;
            let wanted = cloud.energy(&lattice, &unit);
            assert!((matrix.diagonal[node] / wanted - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn the_stiffness_of_the_tails_is_the_sum_over_the_centres() {
    for grid in boxes() {
        let (lattice, centres) = (Lattice::new(&grid), Centres::new(&grid));
        let mut matrix = Stencil::<f64>::new(lattice);
        Background::new(&lattice, &centres).add(3.0, &mut matrix);
        matrix.set_diagonal();
        let x = random_vector(lattice.len(), 2);
        let mut spline = Spline::new(lattice);
        spline.set(&x);
        let squares = (0..centres.len()).map(|cell| {
            let gradient = spline.jet(&centres.place(cell)).gradient;
            gradient.iter().map(|slope| slope * slope).sum::<f64>()
        });
        let wanted = 3.0 * squares.sum::<f64>() / centres.len() as f64;
        let mut product = vec![0.0; x.len()];
        matrix.apply(&x, &mut product);
        assert!((dot(&x, &product) / wanted - 1.0).abs() < 1e-12);
    }
}

#[test]
fn depositing_is_the_transpose_of_evaluating_and_keeps_mass() {
    for grid in boxes() {
        let lattice = Lattice::new(&grid);
        let cloud = Cloud::new(&lattice, 500, 3);
        let mut padded = vec![0.0; lattice.padded().iter().product()];
        let mut found = vec![0.0; lattice.len()];
        moments(
            &lattice,
            &cloud.order(&lattice),
            Places::Feet(&cloud.feet()),
            Masses::Of(&cloud.masses),
            &mut padded,
            &mut found,
        );
        let x = random_vector(lattice.len(), 4);
        let mut spline = Spline::new(lattice);
        spline.set(&x);
        let pairs = cloud.places.iter().zip(&cloud.masses);
        let wanted: f64 = pairs.map(|(place, mass)| mass * spline.value(place)).sum();
        let mass: f64 = cloud.masses.iter().sum();
        assert!((dot(&x, &found) - wanted).abs() < 1e-13 * mass);
        assert!((found.iter().sum::<f64>() / mass - 1.0).abs() < 1e-13);
    }
}

#[test]
fn splines_and_feet_in_lanes_are_those_of_single_places() {
    for grid in boxes() {
        let (lattice, centres) = (Lattice::new(&grid), Centres::new(&grid));
        let mut spline = Spline::new(lattice);
        spline.set(&random_vector(lattice.len(), 9));
        let cloud = Cloud::new(&lattice, 64, 10);
        for places in cloud.places.chunks(PLACES) {
            let packed = transposed(places.len(), |lane| places[lane]);
            let local = lattice.local_pack(&packed);
            let (value, jet) = with_middle!(lattice, MIDDLE => {
                (spline.value_pack::<MIDDLE>(&local), spline.jet_pack::<MIDDLE>(&local))
            });
            let near =
                |found: f64, wanted: f64| (found - wanted).abs() <= 1e-10 * (1.0 + wanted.abs());
            for (lane, place) in places.iter().enumerate() {
                let wanted = spline.jet(place);
                let of = |pack: &Pack| {
                    let Lanes(numbers) = pack;
                    numbers[lane]
                };
                assert!(near(of(&value), wanted.value) && near(of(&jet.value), wanted.value));
                for axis in 0..3 {
                    assert!(near(of(&jet.gradient[axis]), wanted.gradient[axis]));
                }
                for entry in 0..6 {
                    assert!(near(of(&jet.hessian[entry]), wanted.hessian[entry]));
                }
            }
        }
        // With so small a τ every foot is the only one.
        let tau = 1e-4;
        let search = Search::new(&spline, &lattice, tau);
        let begin: Vec<Foot> = (0..centres.len())
            .map(|cell| Foot {
                place: centres.place(cell),
                value: 0.0,
            })
            .collect();
        let mut feet = begin.clone();
        search.all(&Points::new(centres), &begin, &mut feet);
        for (cell, foot) in feet.iter().enumerate() {
            let x = centres.place(cell);
            let wanted = search.foot(&x, &x);
            let jet = spline.jet(&foot.place);
            for (axis, found) in foot.place.iter().enumerate() {
                let error = x[axis] + tau * jet.gradient[axis] - found;
                assert!(error.abs() < 1e-12, "{error}");
                assert!((found - wanted.place[axis]).abs() < 1e-12);
            }
            assert!((foot.value - wanted.value).abs() < 1e-12);
        }
    }
}

/// A map that draws the first cells along one axis out: their places are inside, their first feet nowhere far apart, and joining them gives
/// every target back to the last bit.
#[test]
fn divided_cells_cover_what_they_are_drawn_out_over() {
    for grid in boxes() {
        let (lattice, centres) = (Lattice::new(&grid), Centres::new(&grid));
        let Some(axis) = (0..3).find(|axis| {
            let along = &lattice.axes[*axis];
            !along.missing && !along.periodic && along.count > 6
        }) else {
            continue;
        };
        let length = lattice.axes[axis].length();
        let drawn = |x: f64| length * (x / length).powf(0.3);
        let whole: Vec<f64> = (0..centres.len())
            .map(|cell| 1.0 / (1 + cell) as f64)
            .collect();
        let mut feet: Vec<Foot> = (0..centres.len())
            .map(|cell| {
                let mut place = centres.place(cell);
                place[axis] = drawn(place[axis]);
                Foot { place, value: 0.0 }
            })
            .collect();
        let mut points = Points::new(centres);
        let mut target = whole.clone();
        assert!(points.divide(&lattice, |_| true, &mut target, &mut feet));
        assert_eq!(target.len(), points.len());
        assert_eq!(feet.len(), points.len());
        for divided in &points.divided {
            let further = divided.further.clone();
            let sum = target[divided.cell] + target[further.clone()].iter().sum::<f64>();
            assert!((sum / whole[divided.cell] - 1.0).abs() <= 1e-13);
            let centre = centres.place(divided.cell);
            for number in further.clone() {
                let place = points.place(number);
                for other in 0..3 {
                    let offset = (place[other] - centre[other]).abs();
                    assert!(offset <= 0.5 * centres.spacing()[other]);
                }
            }
            // From the wall to the foot of the first centre.
            let mut along: Vec<f64> = further.map(|number| feet[number].place[axis]).collect();
            along.push(feet[divided.cell].place[axis]);
            along.sort_by(f64::total_cmp);
            let widest = along
                .windows(2)
                .map(|two| two[1] - two[0])
                .fold(0.0, f64::max);
            assert!(widest <= lattice.axes[axis].spacing);
        }
        points.join(&mut target);
        assert_eq!(target, whole);
        assert_eq!(points.len(), centres.len());
    }
}
