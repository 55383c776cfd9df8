use ottoflow::parametric::{Batch, Evaluator, Generator};

use crate::support::{along, evaluate, fill, near, networks, random, twice, vector};

const SAMPLES: usize = 21;
const TOLERANCE: f64 = 1e-12;

#[test]
fn values_and_directional_derivatives_are_those_of_dual_numbers() {
    for (number, network) in networks().into_iter().enumerate() {
        let mut random = random(number as u64);
        let n = network.parameters();
        let (parameters, direction) = (vector(&mut random, n), vector(&mut random, n));
        let mut generator = Evaluator::new(network.clone(), SAMPLES);
        fill(&mut random, generator.latents());
        let latents = generator.latents().clone();
        generator.forward(&parameters);
        let samples = generator.samples().clone();
        let mut first = Batch::new(network.outputs(), SAMPLES);
        let mut second = first.clone();
        generator.push_forward(&parameters, &direction, &mut first, &mut second);
        for index in 0..SAMPLES {
            let z: Vec<f64> = latents.sample(index).collect();
            let still = vec![0.0; z.len()];
            let expected = evaluate(
                &network,
                &twice(&parameters, &direction),
                &twice(&z, &still),
            );
            for (axis, expected) in expected.iter().enumerate() {
                let what = format!("{network:?}");
                near(
                    samples.row(axis)[index],
                    expected.value.value,
                    TOLERANCE,
                    &what,
                );
                near(
                    first.row(axis)[index],
                    expected.derivative.value,
                    TOLERANCE,
                    &what,
                );
                near(
                    second.row(axis)[index],
                    expected.derivative.derivative,
                    TOLERANCE,
                    &what,
                );
            }
        }
    }
}

/// The Jacobian by dual numbers, one parameter at a time: entry (parameter, coordinate, sample).
fn jacobian(
    network: &ottoflow::parametric::Network,
    parameters: &[f64],
    latents: &Batch,
) -> Vec<Vec<f64>> {
    let mut rows = Vec::new();
    for parameter in 0..parameters.len() {
        let mut unit = vec![0.0; parameters.len()];
        unit[parameter] = 1.0;
        let duals = along(parameters, &unit);
        let columns: Vec<Vec<f64>> = (0..latents.count())
            .map(|index| {
                let z: Vec<f64> = latents.sample(index).collect();
                let z = along(&z, &vec![0.0; z.len()]);
                evaluate(network, &duals, &z)
                    .iter()
                    .map(|x| x.derivative)
                    .collect()
            })
            .collect();
        let coordinates =
            (0..network.outputs()).flat_map(|axis| columns.iter().map(move |c| c[axis]));
        rows.push(coordinates.collect());
    }
    rows
}

#[test]
fn jacobian_pull_back_and_gram_are_one_jacobian() {
    for (number, network) in networks().into_iter().enumerate() {
        let mut random = random(100 + number as u64);
        let parameters = vector(&mut random, network.parameters());
        let mut generator = Evaluator::new(network.clone(), SAMPLES);
        fill(&mut random, generator.latents());
        let latents = generator.latents().clone();
        generator.forward(&parameters);
        let outputs = network.outputs();
        let step = latents.step();
        let expected = jacobian(&network, &parameters, &latents);
        let what = format!("{network:?}");

        let mut found = vec![0.0; parameters.len() * outputs * step];
        generator.jacobian(&parameters, &mut found);
        for (row, expected) in found.chunks(outputs * step).zip(&expected) {
            for axis in 0..outputs {
                for index in 0..SAMPLES {
                    near(
                        row[axis * step + index],
                        expected[axis * SAMPLES + index],
                        TOLERANCE,
                        &what,
                    );
                }
                assert!(
                    row[axis * step + SAMPLES..(axis + 1) * step]
                        .iter()
                        .all(|v| *v == 0.0)
                );
            }
        }

        let mut cotangent = Batch::new(outputs, SAMPLES);
        fill(&mut random, &mut cotangent);
        let mut gradient = vec![0.0; parameters.len()];
        generator.pull_back(&parameters, &cotangent, &mut gradient);
        for (found, row) in gradient.iter().zip(&expected) {
            let terms = (0..outputs).flat_map(|axis| {
                let pairs = row[axis * SAMPLES..][..SAMPLES]
                    .iter()
                    .zip(cotangent.row(axis));
                pairs.map(|(a, b)| a * b)
            });
            near(*found, terms.sum(), 1e-11, &what);
        }

        let size = outputs * step;
        let mut gram = vec![0.0; size * size];
        generator.gram(&parameters, &mut gram);
        let place = |coordinate: usize| (coordinate / SAMPLES) * step + coordinate % SAMPLES;
        for first in 0..outputs * SAMPLES {
            for second in first..outputs * SAMPLES {
                let products = expected.iter().map(|row| row[first] * row[second]);
                let found = gram[place(first) * size + place(second)];
                near(found, products.sum(), 1e-11, &what);
            }
        }
    }
}

#[test]
fn slopes_in_the_input_and_their_gradients_are_those_of_dual_numbers() {
    for (number, network) in networks().into_iter().enumerate() {
        let mut random = random(200 + number as u64);
        let parameters = vector(&mut random, network.parameters());
        let mut evaluator = Evaluator::new(network.clone(), SAMPLES);
        fill(&mut random, evaluator.input());
        let inputs = evaluator.input().clone();
        let mut cotangent = Batch::new(network.outputs(), SAMPLES);
        fill(&mut random, &mut cotangent);
        let mut direction = Batch::new(network.inputs(), SAMPLES);
        fill(&mut random, &mut direction);
        evaluator.run(&parameters);
        evaluator.backward(&parameters, &cotangent);
        let mut slopes = Batch::new(network.inputs(), SAMPLES);
        evaluator.input_cotangent(&parameters, &mut slopes);
        let mut gradient = vec![0.0; parameters.len()];
        evaluator.add_directional_gradient(&parameters, &direction, &mut gradient);
        let what = format!("{network:?}");

        // Σ_b c_b·D(x_b + s u_b) along θ + t e: the mixed derivative, one parameter at a time.
        let mixed = |unit: &[f64]| -> f64 {
            let mut sum = 0.0;
            for index in 0..SAMPLES {
                let x: Vec<f64> = inputs.sample(index).collect();
                let u: Vec<f64> = direction.sample(index).collect();
                let theta: Vec<_> = along(&parameters, unit)
                    .into_iter()
                    .map(|value| ottoflow::calculus::Dual {
                        value,
                        derivative: ottoflow::calculus::Real::constant(0.0),
                    })
                    .collect();
                let x: Vec<_> = x
                    .iter()
                    .zip(&u)
                    .map(|(x, u)| ottoflow::calculus::Dual {
                        value: ottoflow::calculus::Real::constant(*x),
                        derivative: ottoflow::calculus::Real::constant(*u),
                    })
                    .collect();
                let outputs = evaluate(&network, &theta, &x);
                let pairs = outputs.iter().zip(cotangent.sample(index));
                sum += pairs
                    .map(
                        |(out, c): (
                            &ottoflow::calculus::Dual<ottoflow::calculus::Dual<f64>>,
                            f64,
                        )| { c * out.derivative.derivative },
                    )
                    .sum::<f64>();
            }
            sum
        };
        for (parameter, found) in gradient.iter().enumerate() {
            let mut unit = vec![0.0; parameters.len()];
            unit[parameter] = 1.0;
            near(*found, mixed(&unit), 1e-11, &what);
        }
        for index in 0..SAMPLES {
            let x: Vec<f64> = inputs.sample(index).collect();
            for axis in 0..x.len() {
                let mut unit = vec![0.0; x.len()];
                unit[axis] = 1.0;
                let theta = along(&parameters, &vec![0.0; parameters.len()]);
                let outputs = evaluate(&network, &theta, &along(&x, &unit));
                let pairs = outputs.iter().zip(cotangent.sample(index));
                let expected: f64 = pairs.map(|(out, c)| c * out.derivative).sum();
                near(slopes.row(axis)[index], expected, TOLERANCE, &what);
            }
        }
    }
}
