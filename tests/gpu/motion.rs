//! What is measured of a density in motion.

use ottoflow::flow::{Method, Problem};
use ottoflow::grid::Field;

use crate::rounding::neighbours;

/// A time that is not reached: one step at a time.
pub const FAR: f64 = 1e9;

/// Momentum on the faces of each axis, as the mean density of two cells times the velocity.
pub fn momentum(problem: &Problem, method: &mut dyn Method) -> Vec<Vec<f64>> {
    let density = method.state().unwrap().density(problem);
    let density = density.as_slice().unwrap();
    let velocity = method.motion().unwrap().velocity;
    let axes = velocity.iter().enumerate();
    let of_axis = |(axis, velocity): (usize, &Field)| {
        let faces = velocity.iter().enumerate();
        let on_face = |(cell, velocity): (usize, &f64)| {
            // The second of the two neighbours along an axis is the next one.
            let (_, next) = neighbours(&problem.grid, cell).nth(2 * axis + 1).unwrap();
            0.5 * (density[cell] + density[next]) * velocity
        };
        faces.map(on_face).collect()
    };
    axes.map(of_axis).collect()
}

pub fn sum(problem: &Problem, terms: impl Iterator<Item = f64>) -> f64 {
    terms.sum::<f64>() * problem.grid.cell_volume()
}

pub fn speed(method: &dyn Method) -> f64 {
    let velocity = method.motion().unwrap().velocity;
    velocity
        .iter()
        .flatten()
        .fold(0.0, |largest: f64, u| largest.max(u.abs()))
}

/// ‖ρ − ρ'‖ and ‖m − m'‖ in L1.
pub fn distances(problem: &Problem, a: &mut dyn Method, b: &mut dyn Method) -> [f64; 2] {
    let [ra, rb] = [a.state().unwrap(), b.state().unwrap()].map(|state| state.density(problem));
    let density = sum(problem, ra.iter().zip(&rb).map(|(a, b)| (a - b).abs()));
    let [ma, mb] = [momentum(problem, a), momentum(problem, b)];
    let faces = ma.iter().flatten().zip(mb.iter().flatten());
    [density, sum(problem, faces.map(|(a, b)| (a - b).abs()))]
}
