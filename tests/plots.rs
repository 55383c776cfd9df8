//! Every picture in every dimension, as SVG and PNG, for good data and for awkward data.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ottoflow::grid::{Axis, Boundary, Field, Grid};
use ottoflow::output::plots::{
    InertiaView, PlotError, StepsView, TrajectoryView, VelocityReader, draw,
};

/// A trajectory that relaxes from a Gaussian to two, with J = exp(−0.8 t)/2.
struct Synthetic {
    title: String,
    grid: Grid,
    times: Vec<f64>,
    target: Field,
    start: Field,
    divergence: Vec<f64>,
    connection_norm: Vec<f64>,
    rate: Option<f64>,
    /// Whether velocities are known.
    moving: bool,
    /// Times, J and gaps of the steps.
    steps: Option<[Vec<f64>; 3]>,
    inertia: Option<[Vec<f64>; 5]>,
}

const RATE: f64 = 0.8;

impl Synthetic {
    fn new(sides: &[(f64, f64, usize)], times: Vec<f64>) -> Self {
        let axis = |&(lower, upper, cells): &(f64, f64, usize)| Axis {
            lower,
            upper,
            cells,
            boundary: Boundary::NoFlux,
        };
        let grid = Grid::new(sides.iter().map(axis).collect()).unwrap();
        let gaussian = |[x, y, z]: [f64; 3], mean: f64, std: f64| {
            let square = (x - mean).powi(2) + (y - mean / 4.0).powi(2) + z * z;
            (-square / (2.0 * std * std)).exp() / std
        };
        let target = grid.sample(|at| 0.4 * gaussian(at, 0.0, 0.8) + 0.6 * gaussian(at, 4.0, 1.0));
        let start = grid.sample(|at| gaussian(at, 1.0, 1.2));
        let divergence = times.iter().map(|t| 0.5 * (-RATE * t).exp()).collect();
        let connection_norm = times.iter().map(|t| (-RATE * t / 2.0).exp()).collect();
        Self {
            title: format!("One Gaussian to two in {}-D", grid.dimension()),
            grid,
            times,
            target,
            start,
            divergence,
            connection_norm,
            rate: Some(RATE),
            moving: false,
            steps: None,
            inertia: None,
        }
    }

    fn one(times: Vec<f64>) -> Self {
        Self::new(&[(-6.0, 10.0, 200)], times)
    }

    fn density(&self, frame: usize) -> Field {
        let share = (-self.times[frame]).exp();
        &self.start * share + &self.target * (1.0 - share)
    }

    fn draw(&self, folder: &Path) -> Result<Vec<PathBuf>, PlotError> {
        let density = |frame| Ok(self.density(frame));
        // A rotation about (2, 0), faster with time, and unknown in a corner.
        let velocity = |frame: usize| {
            let speed = 1.0 + self.times[frame];
            let known = |at: [f64; 3], value: f64| {
                if at[0] + at[1] > 11.0 {
                    f64::NAN
                } else {
                    value
                }
            };
            let x = self.grid.sample(|at| known(at, -speed * at[1]));
            let y = self.grid.sample(|at| known(at, speed * (at[0] - 2.0)));
            Ok(vec![x, y])
        };
        let velocity: &VelocityReader = &velocity;
        draw(
            &TrajectoryView {
                title: &self.title,
                subtitle: "jensen-shannon · implicit · cpu f64",
                grid: &self.grid,
                times: &self.times,
                target: &self.target,
                density: &density,
                velocity: self.moving.then_some(velocity),
                divergence_label: "jensen-shannon",
                divergence: &self.divergence,
                connection_norm: &self.connection_norm,
                predicted_rate: self.rate,
                steps: self
                    .steps
                    .as_ref()
                    .map(|[times, divergence, gap]| StepsView {
                        times,
                        divergence,
                        gap,
                    }),
                inertia: self.inertia.as_ref().map(
                    |[kinetic, hamiltonian, work, mean, velocity]| InertiaView {
                        kinetic_energy: kinetic,
                        hamiltonian,
                        dissipated_work: work,
                        mean,
                        mean_velocity: velocity,
                    },
                ),
            },
            folder,
        )
    }
}

fn evenly() -> Vec<f64> {
    (0..=40).map(|i| f64::from(i) * 0.1).collect()
}

fn over_twelve_decades() -> Vec<f64> {
    std::iter::once(0.0)
        .chain((-24..=24).map(|i| 10f64.powf(f64::from(i) / 4.0)))
        .collect()
}

/// Draws into an empty folder and checks what is true of every picture: it decodes, it is not blank, its text is
/// there, and its files are of moderate size.
fn pictures(synthetic: &Synthetic) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let paths = synthetic.draw(&folder.path().join("pictures")).unwrap();
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        assert!(bytes.len() < 1_500_000, "{path:?}: {} bytes", bytes.len());
        if path.extension().unwrap() == "png" {
            let image = image::load_from_memory(&bytes).unwrap().into_rgb8();
            let colours: HashSet<_> = image.pixels().step_by(7).map(|pixel| pixel.0).collect();
            assert!(image.width() >= 1800 && colours.len() > 20, "{path:?}");
        } else {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"));
            // Embedded images are base64, in which any three letters may occur.
            let marks = text.lines().filter(|line| !line.starts_with("<image"));
            let marks: String = marks.collect();
            assert!(!marks.contains("NaN") && !marks.contains("inf"), "{path:?}");
            for word in [&synthetic.title, "jensen-shannon · implicit · cpu f64"] {
                assert!(text.contains(word), "{path:?} lacks {word}");
            }
        }
    }
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(name).collect()
}

fn svg(synthetic: &Synthetic, name: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    synthetic.draw(folder.path()).unwrap();
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn one_dimension_gives_curves_a_space_time_image_and_the_decay() {
    let names = pictures(&Synthetic::one(evenly()));
    assert_eq!(
        names,
        [
            "density.svg",
            "density.png",
            "space-time.svg",
            "space-time.png",
            "decay.svg",
            "decay.png"
        ]
    );
}

#[test]
fn two_and_three_dimensions_give_panels_and_the_decay() {
    let plane = Synthetic::new(&[(-4.0, 8.0, 60), (-4.0, 4.0, 40)], evenly());
    let space = Synthetic::new(
        &[(-4.0, 8.0, 30), (-4.0, 4.0, 20), (-3.0, 3.0, 15)],
        evenly(),
    );
    for synthetic in [plane, space] {
        let names = pictures(&synthetic);
        assert_eq!(
            names,
            ["density.svg", "density.png", "decay.svg", "decay.png"]
        );
    }
}

#[test]
fn known_velocities_in_2d_are_arrows() {
    let plane = Synthetic {
        moving: true,
        ..Synthetic::new(&[(-4.0, 8.0, 60), (-4.0, 4.0, 40)], evenly())
    };
    let names = pictures(&plane);
    assert_eq!(names[2..4], ["velocity.svg", "velocity.png"]);
    let text = svg(&plane, "velocity.svg");
    for label in ["t = 0, longest ", "arrows: velocity of the mass"] {
        assert!(text.contains(label), "{label}");
    }
    let still = Synthetic {
        moving: false,
        ..plane
    };
    let lines = |text: &str| text.matches("<polyline").count() + text.matches("<path").count();
    assert!(lines(&text) > lines(&svg(&still, "density.svg")) + 300);
}

#[test]
fn inertia_gets_a_picture_of_the_energies_and_of_the_phase() {
    let times = evenly();
    let of_time = |value: fn(f64) -> f64| times.iter().map(|t| value(*t)).collect::<Vec<f64>>();
    let inertia = [
        of_time(|t| 0.5 * (1.0 - (-t).exp()) * t.sin().powi(2)),
        of_time(|t| 0.5 * (-t).exp() + 0.5 * (1.0 - (-t).exp()) * t.sin().powi(2)),
        of_time(|t| 0.1 * t),
        of_time(f64::cos),
        of_time(|t| -t.sin()),
    ];
    let mut synthetic = Synthetic {
        inertia: Some(inertia),
        ..Synthetic::one(times.clone())
    };
    let names = pictures(&synthetic);
    let expected = ["energies.svg", "energies.png", "phase.svg", "phase.png"];
    assert_eq!(names[names.len() - 4..], expected);
    let text = svg(&synthetic, "energies.svg");
    for word in ["kinetic energy", "H, their sum", "work of friction"] {
        assert!(text.contains(word), "the energies lack {word}");
    }
    assert!(svg(&synthetic, "phase.svg").contains("velocity of the mean"));

    if let Some([kinetic, ..]) = &mut synthetic.inertia {
        kinetic.pop();
    }
    let error = synthetic.draw(Path::new("unused")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("kinetic_energy: 40 values found, 41 expected"),
        "{error}"
    );
}

/// With gaps that are 0 in some steps or in all.
#[test]
fn certified_steps_get_a_picture_of_j_and_the_gap() {
    let times: Vec<f64> = (1..=30).map(|i| f64::from(i) * 0.2).collect();
    let divergence: Vec<f64> = times.iter().map(|t| 0.5 * (-RATE * t).exp()).collect();
    let mut gap: Vec<f64> = divergence.iter().map(|j| 1e-21 * j * j).collect();
    gap[12] = 0.0;
    let with = |gap: Vec<f64>| Synthetic {
        steps: Some([times.clone(), divergence.clone(), gap]),
        ..Synthetic::one(evenly())
    };
    let synthetic = with(gap);
    let names = pictures(&synthetic);
    assert_eq!(names[names.len() - 2..], ["steps.svg", "steps.png"]);
    let text = svg(&synthetic, "steps.svg");
    for label in [
        "J (jensen-shannon) after the step",
        "duality gap of the step\n",
        "10⁻²⁰",
        "J, gap",
        "time t",
    ] {
        assert!(text.contains(label), "{label}");
    }
    let still = with(vec![0.0; 30]);
    pictures(&still);
    assert!(svg(&still, "steps.svg").contains("duality gap of the step: 0"));
    let mut none = with(vec![]);
    none.steps = Some([vec![], vec![], vec![]]);
    assert_eq!(pictures(&none).last().unwrap(), "decay.png");
    let folder = tempfile::tempdir().unwrap();
    let message = with(vec![0.0; 29]).draw(folder.path()).unwrap_err();
    assert_eq!(
        message.to_string(),
        "steps/gap: 29 values found, 30 expected, one for each step"
    );
}

#[test]
fn labels_name_the_quantities_and_the_times() {
    let synthetic = Synthetic::one(evenly());
    let curves = svg(&synthetic, "density.svg");
    for label in ["density ρ(x, t)", "target π", "t = 0\n", "t = 4\n"] {
        assert!(curves.contains(label), "{label}");
    }
    let decay = svg(&synthetic, "decay.svg");
    for label in [
        "J (jensen-shannon)",
        "‖A‖ in L²(ρ)",
        "∝ exp(−λt), λ = 0.8",
        "∝ exp(−λt/2), λ = 0.8",
        "10⁻¹",
        "time t",
    ] {
        assert!(decay.contains(label), "{label}");
    }
    let space = Synthetic::new(&[(-4.0, 8.0, 6), (-4.0, 4.0, 5), (-3.0, 3.0, 4)], evenly());
    let slices = svg(&space, "density.svg");
    for label in ["target π", "y (z = 0.75)", "z (y = 0)", "z (x = 3)"] {
        assert!(slices.contains(label), "{label}");
    }
}

#[test]
fn without_a_predicted_rate_there_is_no_guide() {
    let synthetic = Synthetic {
        rate: None,
        ..Synthetic::one(evenly())
    };
    assert!(!svg(&synthetic, "decay.svg").contains("λ"));
}

#[test]
fn ticks_are_tidy_numbers() {
    let decay = svg(&Synthetic::one(evenly()), "density.svg");
    let longest = decay
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit() || first == '−'))
        .map(|label| label.chars().count())
        .max();
    assert!(longest.is_some_and(|length| length <= 5), "{longest:?}");
}

#[test]
fn times_over_twelve_decades_get_powers_of_ten() {
    let synthetic = Synthetic::one(over_twelve_decades());
    pictures(&synthetic);
    for name in ["decay.svg", "space-time.svg"] {
        assert!(svg(&synthetic, name).contains("10⁶\n"), "{name}");
    }
}

#[test]
fn an_image_of_a_plane_has_the_shape_of_the_plane() {
    // Of the corners only the one at large x and small y is bright: it must be at the lower right.
    let mut synthetic = Synthetic::new(&[(0.0, 2.0, 40), (0.0, 1.0, 20)], vec![0.0]);
    synthetic.target = synthetic
        .grid
        .sample(|[x, y, _]| f64::from(x > 1.0 && y < 0.5));
    synthetic.start = synthetic.target.clone();
    let folder = tempfile::tempdir().unwrap();
    synthetic.draw(folder.path()).unwrap();
    let image = image::open(folder.path().join("density.png"))
        .unwrap()
        .into_rgb8();
    let corner = |colour: [u8; 3], largest: bool| {
        let places = image
            .enumerate_pixels()
            .filter(|(x, _, pixel)| pixel.0 == colour && *x < 950);
        let places: Vec<(u32, u32)> = places.map(|(x, y, _)| (x, y)).collect();
        let pick = |values: Vec<u32>| {
            if largest {
                values.into_iter().max()
            } else {
                values.into_iter().min()
            }
        };
        let (x, y) = places.into_iter().unzip();
        (pick(x).unwrap(), pick(y).unwrap())
    };
    let (dark, bright) = ([68, 1, 84], [254, 232, 37]);
    let (left, top) = corner(dark, false);
    let (middle_x, middle_y) = corner(bright, false);
    let (right, bottom) = corner(bright, true);
    let (width, height) = (f64::from(right - left), f64::from(bottom - top));
    assert!((width / height - 2.0).abs() < 0.02, "{width} x {height}");
    assert!((f64::from(middle_x - left) / width - 0.5).abs() < 0.02);
    assert!((f64::from(middle_y - top) / height - 0.5).abs() < 0.02);
}

#[test]
fn even_noise_on_a_fine_grid_makes_an_svg_of_moderate_size() {
    let mut synthetic = Synthetic::new(&[(-4.0, 8.0, 500), (-4.0, 8.0, 500)], evenly());
    let mut state = 1_u64;
    synthetic.start.mapv_inplace(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f64
    });
    synthetic.target = synthetic.start.clone();
    let size = svg(&synthetic, "density.svg").len();
    assert!(size < 1_500_000, "{size} bytes");
}

#[test]
fn awkward_trajectories_are_drawn_too() {
    let sides: [&[(f64, f64, usize)]; 6] = [
        &[(-6.0, 10.0, 3)],
        &[(0.0, 1e-9, 5)],
        &[(-4.0, 8.0, 3), (-4.0, 4.0, 3)],
        &[(-4.0, 8.0, 50), (0.0, 0.1, 3)],
        &[(0.0, 0.1, 3), (-4.0, 8.0, 50)],
        &[(-4.0, 8.0, 3), (-40.0, 40.0, 3), (0.0, 1.0, 3)],
    ];
    for sides in sides {
        for times in [vec![0.0], vec![0.0, 1e-3], evenly()] {
            pictures(&Synthetic::new(sides, times));
        }
    }
}

#[test]
fn zeros_constants_and_missing_values_break_nothing() {
    let plain = || Synthetic::one(evenly());
    let flat = plain().grid.sample(|_| 1.0 / 16.0);
    let mut holes = plain();
    holes.start[(0, 0, 50)] = f64::NAN;
    holes.start[(0, 0, 60)] = f64::INFINITY;
    holes.divergence[7] = f64::NAN;
    holes.connection_norm[0] = f64::INFINITY;
    let mut falling = plain();
    for value in &mut falling.divergence[20..] {
        *value = 0.0;
    }
    falling.connection_norm[30] = -1e-18;
    let nothing = Synthetic {
        divergence: vec![0.0; 41],
        connection_norm: vec![0.0; 41],
        ..plain()
    };
    let constant = Synthetic {
        target: flat.clone(),
        start: flat.clone(),
        ..plain()
    };
    let empty = Synthetic {
        target: flat.clone() * 0.0,
        start: flat * 0.0,
        ..plain()
    };
    let steep = Synthetic {
        rate: Some(1e6),
        ..plain()
    };
    for synthetic in [holes, falling, nothing, constant, empty, steep] {
        pictures(&synthetic);
    }
}

#[test]
fn text_is_markup_safe_and_long_titles_are_wrapped() {
    let synthetic = Synthetic {
        title: "a < b & \"c\" ".repeat(30),
        ..Synthetic::one(evenly())
    };
    let curves = svg(&synthetic, "density.svg");
    assert!(curves.contains("a &lt; b &amp; &quot;c&quot;"));
    assert!(
        curves
            .lines()
            .filter(|line| line.contains("a &lt; b"))
            .count()
            > 2
    );
}

#[test]
fn data_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut synthetic = Synthetic::one(evenly());
    synthetic.divergence.pop();
    let message = synthetic.draw(folder.path()).unwrap_err().to_string();
    assert_eq!(
        message,
        "divergence: 40 values found, 41 expected, one for each output time"
    );

    let mut synthetic = Synthetic::one(evenly());
    synthetic.target = Field::zeros((1, 2, 3));
    let message = synthetic.draw(folder.path()).unwrap_err().to_string();
    assert_eq!(
        message,
        "target: shape (z, y, x) = (1, 2, 3) found, (1, 1, 200) expected from the grid"
    );

    let synthetic = Synthetic::one(vec![]);
    assert!(matches!(
        synthetic.draw(folder.path()),
        Err(PlotError::NoFrame)
    ));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Synthetic::one(evenly())
        .draw(&file.join("pictures"))
        .unwrap_err();
    assert!(
        matches!(&error, PlotError::Write { path, .. } if path.ends_with("file/pictures")),
        "{error}"
    );
}
