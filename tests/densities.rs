//! Every kind of density: its values in the centre and in the tails, its normalisation, its errors.

use std::f64::consts::{PI, TAU};
use std::path::Path;

use ottoflow::density::{
    Component, Density, DensityError, DensityProblem, Formula, Gaussian, Mixture, Ring, Uniform,
    normalised,
};
use ottoflow::grid::{Axis, Boundary, Field, Grid};

fn axis(lower: f64, upper: f64, cells: usize) -> Axis {
    Axis {
        lower,
        upper,
        cells,
        boundary: Boundary::NoFlux,
    }
}

/// A grid with these cell counts on [−2, 2] along each axis.
fn grid(cells: &[usize]) -> Grid {
    Grid::new(cells.iter().map(|&cells| axis(-2.0, 2.0, cells)).collect()).unwrap()
}

fn values(density: &Density, grid: &Grid) -> Field {
    density
        .log_density(grid, Path::new(""))
        .unwrap_or_else(|error| panic!("{}: {error}", error.key))
}

fn error(density: &Density, grid: &Grid) -> DensityError {
    density.normalised(grid, Path::new("")).unwrap_err()
}

fn formula(expression: &str) -> Density {
    Density::Formula(Formula {
        expression: expression.to_owned(),
        floor: None,
    })
}

fn gaussian(mean: &[f64], std: &[f64]) -> Density {
    Density::Gaussian(Gaussian {
        mean: mean.to_vec(),
        std: Some(std.to_vec()),
        ..Gaussian::default()
    })
}

/// The largest difference of two fields of logarithms after both are scaled to mass one.
fn distance(a: &Density, b: &Density, grid: &Grid) -> f64 {
    let a = a.normalised(grid, Path::new("")).unwrap();
    let b = b.normalised(grid, Path::new("")).unwrap();
    (&a - &b)
        .iter()
        .fold(0.0, |largest, difference| difference.abs().max(largest))
}

fn mass(log_density: &Field, grid: &Grid) -> f64 {
    log_density.mapv(f64::exp).sum() * grid.cell_volume()
}

#[test]
fn a_gaussian_sixty_deviations_away_is_minus_1800() {
    let grid = Grid::new(vec![axis(59.5, 64.5, 5)]).unwrap();
    let gaussian = gaussian(&[0.0], &[1.0]);
    assert_eq!(values(&gaussian, &grid)[[0, 0, 0]], -1800.0);
    assert_eq!(values(&formula("exp(-x^2/2)"), &grid)[[0, 0, 0]], -1800.0);
}

#[test]
fn the_tail_of_a_mixture_is_that_of_its_nearest_component() {
    let grid = Grid::new(vec![axis(59.5, 64.5, 5)]).unwrap();
    let component = |weight, mean| Component {
        weight,
        mean: vec![mean],
        std: Some(vec![1.0]),
        covariance: None,
    };
    let mixture = Density::Mixture(Mixture {
        components: vec![component(0.25, 0.0), component(0.75, -5.0)],
        floor: None,
    });
    let expected = 0.25f64.ln() - 0.5 * TAU.ln() - 1800.0;
    assert!((values(&mixture, &grid)[[0, 0, 0]] - expected).abs() < 1e-11);
}

#[test]
fn a_mixture_agrees_with_its_formula() {
    let grid = grid(&[37, 23]);
    let mixture = Density::Mixture(Mixture {
        components: vec![
            Component {
                weight: 1.0,
                mean: vec![0.5, -0.25],
                std: Some(vec![0.5, 0.25]),
                covariance: None,
            },
            Component {
                weight: 3.0,
                mean: vec![-1.0, 1.0],
                std: None,
                covariance: Some(vec![vec![0.5, 0.25], vec![0.25, 0.25]]),
            },
            Component {
                weight: 0.0,
                mean: vec![0.0, 0.0],
                std: Some(vec![0.1, 0.1]),
                covariance: None,
            },
        ],
        floor: None,
    });
    // The inverse of the covariance is ((4, −4), (−4, 8)), its determinant 1/16.
    let expected = formula(
        "exp(-2*(x - 0.5)^2 - 8*(y + 0.25)^2) / 0.125 \
         + 3*exp(-(4*(x + 1)^2 - 8*(x + 1)*(y - 1) + 8*(y - 1)^2)/2) / 0.25",
    );
    assert!(distance(&mixture, &expected, &grid) < 1e-12);
}

#[test]
fn a_covariance_in_3d_agrees_with_its_formula() {
    let grid = grid(&[7, 8, 9]);
    // LLᵀ with L = ((1, 0, 0), (0.5, 1, 0), (0, −0.5, 2)); the exponent is |L⁻¹x|²/2.
    let gaussian = Density::Gaussian(Gaussian {
        mean: vec![0.0; 3],
        covariance: Some(vec![
            vec![1.0, 0.5, 0.0],
            vec![0.5, 1.25, -0.5],
            vec![0.0, -0.5, 4.25],
        ]),
        ..Gaussian::default()
    });
    let expected = formula("exp(-(x^2 + (y - x/2)^2 + ((z + (y - x/2)/2)/2)^2)/2)");
    assert!(distance(&gaussian, &expected, &grid) < 1e-13);
}

#[test]
fn a_ring_agrees_with_its_formula_in_2d_and_3d() {
    let ring = |center: Option<Vec<f64>>| {
        Density::Ring(Ring {
            modes: 4,
            radius: 1.0,
            std: 0.5,
            center,
            floor: None,
        })
    };
    let plane = "(exp(-2*((x-1)^2 + y^2)) + exp(-2*((x+1)^2 + y^2)) + exp(-2*(x^2 + (y-1)^2)) + exp(-2*(x^2 + (y+1)^2)))";
    assert!(distance(&ring(None), &formula(plane), &grid(&[20, 21])) < 1e-12);
    let moved = formula(&format!(
        "{} * exp(-2*(z - 0.5)^2)",
        plane.replace('y', "(y-0.5)")
    ));
    let center = Some(vec![0.0, 0.5, 0.5]);
    assert!(distance(&ring(center), &moved, &grid(&[8, 9, 10])) < 1e-12);
}

#[test]
fn a_uniform_density_is_constant_inside_and_zero_outside() {
    let grid = grid(&[8, 4]);
    let uniform = Density::Uniform(Uniform {
        lower: Some(vec![-1.0, -3.0]),
        upper: Some(vec![1.0, 0.0]),
        floor: None,
    });
    let log_density = uniform.normalised(&grid, Path::new("")).unwrap();
    for ((_, j, i), value) in log_density.indexed_iter() {
        let inside = (2..6).contains(&i) && j < 2;
        let expected = if inside {
            0.25f64.ln()
        } else {
            f64::NEG_INFINITY
        };
        assert!(
            *value == expected || (value - expected).abs() < 1e-14,
            "{i}, {j}: {value}"
        );
    }
}

#[test]
fn a_uniform_density_fills_the_box_as_far_as_nothing_else_is_said() {
    let grid = grid(&[8, 4]);
    let of = |lower: Option<Vec<f64>>, upper: Option<Vec<f64>>| {
        let floor = None;
        Density::Uniform(Uniform {
            lower,
            upper,
            floor,
        })
        .normalised(&grid, Path::new(""))
        .unwrap()
    };
    let everywhere = -grid
        .axes()
        .iter()
        .map(|axis| axis.upper - axis.lower)
        .product::<f64>()
        .ln();
    assert!(
        of(None, None)
            .iter()
            .all(|value| (value - everywhere).abs() < 1e-14)
    );
    let [low, high] = [vec![-9.0, -9.0], vec![9.0, 9.0]];
    let half = of(Some(vec![0.0, -9.0]), None);
    assert_eq!(half, of(Some(vec![0.0, -9.0]), Some(high)));
    assert_eq!(
        of(None, Some(vec![0.0, 0.0])),
        of(Some(low), Some(vec![0.0, 0.0]))
    );
    assert!(half.iter().filter(|value| value.is_finite()).count() == 16);
}

#[test]
fn every_density_has_mass_one() {
    let line = grid(&[101]);
    for expression in [
        "exp(-x^2)",
        "1 + x/2",
        "exp(-1000 - x)",
        "exp(1000*x)",
        "1e300",
        "1e-300*(2 + x)",
    ] {
        let log_density = formula(expression)
            .normalised(&line, Path::new(""))
            .unwrap();
        assert!(
            (mass(&log_density, &line) - 1.0).abs() < 1e-13,
            "{expression}"
        );
    }
}

#[test]
fn the_floor_is_a_share_of_uniform_background() {
    let grid = grid(&[16]);
    let mut uniform = Uniform {
        lower: Some(vec![-1.0]),
        upper: Some(vec![1.0]),
        floor: Some(0.2),
    };
    let density = |uniform: &Uniform| {
        Density::Uniform(uniform.clone())
            .normalised(&grid, Path::new(""))
            .unwrap()
    };
    let mixed = density(&uniform);
    assert!((mass(&mixed, &grid) - 1.0).abs() < 1e-14);
    assert!((mixed[[0, 0, 0]] - 0.05f64.ln()).abs() < 1e-14);
    assert!((mixed[[0, 0, 8]] - 0.45f64.ln()).abs() < 1e-14);
    uniform.floor = Some(1e-300);
    assert!((density(&uniform)[[0, 0, 0]] - (0.25e-300f64).ln()).abs() < 1e-12);
}

#[test]
fn expressions_follow_the_usual_rules() {
    // Cells so narrow that the middle one is at x = 2 and the others hardly leave it.
    let grid = Grid::new(vec![axis(2.0 - 1.5e-3, 2.0 + 1.5e-3, 3)]).unwrap();
    let x = grid.axes()[0].center(1);
    let cases: &[(&str, f64)] = &[
        ("exp(-x^2)", (-4.0f64).exp()),
        ("20 - x^2", 16.0),
        ("20 + -x^2", 16.0),
        ("20 + 2*-x^2", 12.0),
        ("x^-2", 0.25),
        ("2^3^2", 512.0),
        ("8/2*4", 16.0),
        ("8 - 2 - 1", 5.0),
        ("1/2", 0.5),
        ("2e-1 + .5 + 1.", 1.7),
        ("2*e", 2.0 * 1f64.exp()),
        ("min(max(x, 3), min(5, x + 7)) + abs(-x)", 5.0),
        (" ( x\n+ 1 )\t* pi ", 3.0 * PI),
        ("sin(x) + 2", x.sin() + 2.0),
        ("cos(x) + 2", x.cos() + 2.0),
        ("tan(x) + 9", x.tan() + 9.0),
        ("sqrt(x)", x.sqrt()),
        ("log(x)+9", x.ln() + 9.0),
        ("ln(x)+9", x.ln() + 9.0),
        ("sinh(x)+99", x.sinh() + 99.0),
        ("cosh(x)", x.cosh()),
        ("tanh(x) + 1", x.tanh() + 1.0),
        ("--x", 2.0),
    ];
    for (expression, expected) in cases {
        let found = values(&formula(expression), &grid)[[0, 0, 1]].exp();
        assert!(
            (found - expected).abs() <= 4e-15 * expected,
            "{expression}: {found}, {expected}"
        );
    }
}

#[test]
fn expressions_that_underflow_keep_their_logarithm() {
    let grid = Grid::new(vec![axis(-3.0, 3.0, 3)]).unwrap();
    for (expression, expected) in [
        ("exp(-1000)", -1000.0),
        ("exp(-1000)*exp(-1000)", -2000.0),
        ("exp(-1000) + exp(-1000)", 2f64.ln() - 1000.0),
        ("exp(-1000)^3", -3000.0),
        ("sqrt(exp(-1000))", -500.0),
        ("1/cosh(1000)", 2f64.ln() - 1000.0),
        ("max(exp(-1000), exp(-2000))", -1000.0),
        ("exp(800) * exp(-801)", -1.0),
        ("0", f64::NEG_INFINITY),
    ] {
        let found = values(&formula(expression), &grid)[[0, 0, 0]];
        assert!(
            found == expected || (found - expected).abs() < 1e-12,
            "{expression}: {found}"
        );
    }
}

#[test]
fn deeply_nested_expressions_are_refused_and_long_ones_are_not() {
    let grid = grid(&[4]);
    for nested in [
        "(".repeat(100_000),
        format!("{}x{}", "(".repeat(1000), ")".repeat(1000)),
        "-".repeat(100_000) + "x",
        "- ".repeat(1000) + "x",
        "x^".repeat(1000) + "x",
        "sin(".repeat(1000),
    ] {
        let problem = error(&formula(&nested), &grid).problem;
        assert_eq!(
            problem.to_string(),
            "the expression is nested more than 200 deep"
        );
    }
    let long = "9".to_owned() + &" - 0*x^2".repeat(5000) + &"+ sin(0)".repeat(5000);
    assert_eq!(values(&formula(&long), &grid)[[0, 0, 0]], 9f64.ln());
}

#[test]
fn what_is_no_density_is_refused() {
    let grid = grid(&[4, 4]);
    let problem = |density: Density| {
        let error = error(&density, &grid);
        (error.key, error.problem)
    };
    let at = |key: &str, problem| (key.to_owned(), problem);
    assert_eq!(
        problem(gaussian(&[0.0], &[1.0, 1.0])),
        at(
            "mean",
            DensityProblem::Length {
                found: 1,
                expected: 2
            }
        )
    );
    assert_eq!(
        problem(gaussian(&[0.0, 0.0], &[1.0, -1.0])),
        at("std.1", DensityProblem::NotPositive(-1.0))
    );
    assert_eq!(
        problem(gaussian(&[0.0, f64::INFINITY], &[1.0, 1.0])),
        at("mean.1", DensityProblem::NotANumber(f64::INFINITY))
    );
    assert_eq!(
        problem(Density::Ring(Ring {
            modes: 0,
            radius: 1.0,
            std: 1.0,
            ..Ring::default()
        })),
        at("modes", DensityProblem::Modes(0))
    );
    assert_eq!(
        problem(Density::Ring(Ring {
            modes: 8,
            radius: -1.0,
            std: 1.0,
            ..Ring::default()
        })),
        at("radius", DensityProblem::NotPositive(-1.0))
    );
    let (key, found) = problem(formula("x - 1"));
    assert_eq!(key, "expression");
    assert_eq!(
        found.to_string(),
        "the density is -2.5 at x = -1.5, y = -1.5, expected a number that is not negative"
    );
    assert_eq!(problem(formula("0*x")), at("", DensityProblem::ZeroMass));
    let (_, found) = problem(formula("z"));
    assert_eq!(
        found.to_string(),
        "character 1 of the expression: found the unknown name \"z\", expected one of x, y, pi, e"
    );
}

#[test]
fn fields_that_cannot_be_scaled_are_refused() {
    let grid = grid(&[4]);
    let with = |value: f64| {
        let mut field = Field::zeros(grid.shape());
        field[[0, 0, 2]] = value;
        normalised(field, &grid, 0.0)
    };
    assert!(with(-1e308).is_ok());
    for value in [f64::NAN, f64::INFINITY] {
        let problem = with(value).unwrap_err().problem;
        assert!(
            matches!(problem, DensityProblem::NotFinite { .. }),
            "{problem}"
        );
    }
    let empty = Field::from_elem(grid.shape(), f64::NEG_INFINITY);
    assert_eq!(
        normalised(empty, &grid, 0.0).unwrap_err().problem,
        DensityProblem::ZeroMass
    );
}

/// A grid on [0, 2) and [−1, 2), both joined.
fn torus(cells: &[usize]) -> Grid {
    let ends = [(0.0, 2.0), (-1.0, 2.0)];
    let axes = cells.iter().zip(ends).map(|(&cells, (lower, upper))| Axis {
        boundary: Boundary::Periodic,
        ..axis(lower, upper, cells)
    });
    Grid::new(axes.collect()).unwrap()
}

/// On a ring a normal distribution is the solution of the heat equation from a point, (1 + 2 Σ_k e^{−½(2πkσ/L)²} cos(2πk(x − m)/L))/L, whichever of its
/// images the mean is.
#[test]
fn a_gaussian_on_a_ring_is_its_heat_kernel() {
    let grid = torus(&[64]);
    for (mean, std) in [(0.3, 0.2), (1.9, 0.5), (-5.7, 1.0), (4.3, 3.0)] {
        let found = gaussian(&[mean], &[std])
            .normalised(&grid, Path::new(""))
            .unwrap();
        for (cell, value) in found.iter().enumerate() {
            let x = grid.center((0, 0, cell))[0];
            let wave = |k: f64| {
                let decay = (-0.5 * (TAU * k * std / 2.0).powi(2)).exp();
                decay * (TAU * k * (x - mean) / 2.0).cos()
            };
            let exact = 0.5 * (1.0 + 2.0 * (1..40).map(|k| wave(f64::from(k))).sum::<f64>());
            let error = (value.exp() - exact).abs();
            assert!(error < 1e-13, "{mean} {std} {x}: {error:e}");
        }
    }
}

/// What would be summed over more images than can be is refused.
#[test]
fn what_is_far_wider_than_a_ring_is_refused() {
    let grid = torus(&[64]);
    for std in [1e6, 1e300] {
        let problem = error(&gaussian(&[0.0], &[std]), &grid).problem;
        assert!(
            matches!(problem, DensityProblem::TooManyImages(_)),
            "{problem}"
        );
    }
}

/// On a torus it does not matter where the box begins: what is moved around is moved around, be it narrow, correlated or a sum.
#[test]
fn what_is_moved_around_a_torus_is_moved_around() {
    let grid = torus(&[20, 30]);
    let correlated = |mean: [f64; 2]| Component {
        weight: 1.0,
        mean: mean.to_vec(),
        covariance: Some(vec![vec![0.3, 0.25], vec![0.25, 0.4]]),
        ..Component::default()
    };
    let at = |x: f64, y: f64| {
        let narrow = Component {
            weight: 0.5,
            mean: vec![x + 0.5, y - 0.7],
            std: Some(vec![0.05, 0.1]),
            ..Component::default()
        };
        let mixture = Mixture {
            components: vec![correlated([x, y]), narrow],
            ..Mixture::default()
        };
        let ring = Ring {
            modes: 5,
            radius: 0.8,
            std: 0.2,
            center: Some(vec![x, y]),
            ..Ring::default()
        };
        [Density::Mixture(mixture), Density::Ring(ring)]
    };
    let here = at(1.0, 0.5);
    for (here, there) in here.iter().zip(at(1.0 + 0.7, 0.5 - 2.3)) {
        let [here, there] =
            [here, &there].map(|density| density.normalised(&grid, Path::new("")).unwrap());
        for ((_, j, i), value) in here.indexed_iter() {
            let moved = there[[0, (j + 30 - 23) % 30, (i + 7) % 20]];
            assert!((value - moved).abs() < 1e-9, "{i} {j}: {value} {moved}");
        }
    }
}

#[test]
fn normalisation_does_not_depend_on_the_number_of_threads() {
    let grid = grid(&[200, 150]);
    let density = formula("exp(-3*x^2 - y^2 + sin(9*x*y))");
    let with_threads = |count| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .build()
            .unwrap()
            .install(|| density.normalised(&grid, Path::new("")).unwrap())
    };
    assert_eq!(with_threads(1), with_threads(5));
}
