//! Malformed scenarios: each is refused with one line that names the place, the key, what was found and what was expected.

use std::path::Path;

use ottoflow::scenario::{Place, Scenario, ScenarioError, load, parse};

const VALID: &str = r#"title = "A test"

[grid]
lower = [-6.0]
upper = [10.0]
cells = [40]

[target]
kind = "mixture"
components = [{ weight = 0.4, mean = [0.0], std = [0.8] }, { weight = 0.6, mean = [4.0], std = [1.0] }]

[initial]
kind = "gaussian"
mean = [1.0]
std = [1.2]

[flow]
divergence = "jensen-shannon"

[time]
method = "implicit"
end = 2.0
"#;

/// What is replaced in the valid scenario, by what, and the message.
#[rustfmt::skip]
const EDITS: &[(&str, &str, &str)] = &[
    ("[grid]", "[gird]", "s.toml:3:2: gird: unknown key, expected one of \"title\", \"law\", \"grid\", \"target\", \"initial\", \"flow\", \"time\", \"output\"; did you mean \"grid\"?"),
    ("title = \"A test\"\n", "", "s.toml:1:1: title: missing, but required"),
    ("title = \"A test\"", "title = 3", "s.toml:1:9: title: found 3, expected a text in quotes"),
    ("title = \"A test\"", "title = 1979-05-27", "s.toml:1:9: title: found a date, expected a text in quotes"),
    ("title = \"A test\"", "title = \"A test", "s.toml:1:16: not valid TOML: invalid basic string, expected `\"`"),
    ("title = \"A test\"", "tïtle = \"A test\"", "s.toml:1:2: not valid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`"),
    ("[grid]", "[grid", "s.toml:3:6: not valid TOML: unclosed table, expected `]`"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"dirac\"\nposition = [1.0]", "s.toml:13:8: initial.kind: found all mass at one point, which has no density on a grid; expected it as the target of a generator scenario alone"),
    ("[flow]", "[generator]\nkind = \"mlp\"\n\n[flow]", "s.toml:17:2: generator: a generator scenario is run by `ottoflow compare`"),
    ("[flow]", "[[optimizer]]\nname = \"SGD\"\n\n[flow]", "s.toml:17:3: optimizer: a generator scenario is run by `ottoflow compare`"),
    ("[flow]\n", "[[flow]]\n", "s.toml:17:1: flow: found a list, expected a table"),
    ("[time]\nmethod = \"implicit\"\nend = 2.0\n", "", "s.toml:1:1: time: missing, but required"),
    ("cells = [40]", "cels = [40]", "s.toml:6:1: grid.cels: unknown key, expected one of \"lower\", \"upper\", \"cells\", \"boundary\"; did you mean \"cells\"?"),
    ("cells = [40]\n", "", "s.toml:3:1: grid.cells: missing, but required"),
    ("cells = [40]", "cells = 40", "s.toml:6:9: grid.cells: found 40, expected a list"),
    ("cells = [40]", "cells = [-4]", "s.toml:6:10: grid.cells.0: found -4, expected a whole number that is not negative"),
    ("cells = [40]", "cells = [2.5]", "s.toml:6:10: grid.cells.0: found 2.5, expected a whole number that is not negative"),
    ("cells = [40]", "cells = [40, 40]", "s.toml:6:9: grid.cells: found 2 entries, expected 1: as many as `lower` has"),
    ("cells = [40]", "cells = [2]", "s.toml:6:10: grid.cells.0: axis x: 2 cells found, at least 3 expected"),
    ("cells = [40]", "cells = [9223372036854775807]", "s.toml:6:9: grid.cells: 9223372036854775807 cells are more than the program can hold (at most 2^32)"),
    ("cells = [40]", "cells = [40", "s.toml:8:1: not valid TOML: missing comma between array elements, expected `,`"),
    ("cells = [40]", "cells = [40]\ncells = [40]", "s.toml:7:1: not valid TOML: duplicate key"),
    ("cells = [40]", "cells = [40]\nboundary = \"noflux\"", "s.toml:7:12: grid.boundary: found \"noflux\", expected one of \"no-flux\", \"periodic\"; did you mean \"no-flux\"?"),
    ("cells = [40]", "cells = [40]\nboundary = [\"no-flux\", \"periodic\"]", "s.toml:7:12: grid.boundary: found 2 entries, expected 1: as many as `lower` has"),
    ("cells = [40]", "cells = [40]\nboundary = [\"perodic\"]", "s.toml:7:13: grid.boundary.0: found \"perodic\", expected one of \"no-flux\", \"periodic\"; did you mean \"periodic\"?"),
    ("cells = [40]", "cells = [40]\nboundary = 3", "s.toml:7:12: grid.boundary: found 3, expected a word in quotes"),
    ("cells = [40]", "cells = [40]\nboundary = true", "s.toml:7:12: grid.boundary: found true, expected one value or a list with one for each axis"),
    ("lower = [-6.0]", "lower = [16.0]", "s.toml:5:10: grid.upper.0: axis x: lower = 16 must be below upper = 10, both finite"),
    ("lower = [-6.0]", "lower = []", "s.toml:4:9: grid.lower: a grid has 1, 2 or 3 axes, found 0"),
    ("lower = [-6.0]", "lower = [nan]", "s.toml:4:10: grid.lower.0: found nan, expected a finite number"),
    ("lower = [-6.0]", "lower = [\"a\"]", "s.toml:4:10: grid.lower.0: found \"a\", expected a number"),
    ("lower = [-6.0]", "lower = -6.0", "s.toml:4:9: grid.lower: found -6.0, expected a list"),
    ("kind = \"mixture\"", "kind = \"mixtur\"", "s.toml:9:8: target.kind: found \"mixtur\", expected one of \"gaussian\", \"mixture\", \"ring\", \"uniform\", \"formula\", \"image\", \"samples\", \"file\", \"dirac\"; did you mean \"mixture\"?"),
    ("kind = \"mixture\"\n", "", "s.toml:8:1: target.kind: missing, but required"),
    ("kind = \"mixture\"", "kind = 3", "s.toml:9:8: target.kind: found 3, expected one of \"gaussian\", \"mixture\", \"ring\", \"uniform\", \"formula\", \"image\", \"samples\", \"file\", \"dirac\""),
    ("weight = 0.4, ", "", "s.toml:10:15: target.components.0.weight: missing, but required"),
    ("weight = 0.4, ", "weight = -0.4, ", "s.toml:10:26: target.components.0.weight: found -0.4, expected a number that is not negative"),
    ("weight = 0.4, ", "weigth = 0.4, ", "s.toml:10:17: target.components.0.weigth: unknown key, expected one of \"weight\", \"mean\", \"std\", \"covariance\"; did you mean \"weight\"?"),
    ("kind = \"mixture\"\ncomponents = [{ weight = 0.4, mean = [0.0], std = [0.8] }, { weight = 0.6, mean = [4.0], std = [1.0] }]", "kind = \"mixture\"\ncomponents = [{ weight = 0.0, mean = [0.0], std = [0.8] }]", "s.toml:10:14: target.components: found weights that are all 0, expected a positive sum"),
    ("kind = \"mixture\"\ncomponents = [{ weight = 0.4, mean = [0.0], std = [0.8] }, { weight = 0.6, mean = [4.0], std = [1.0] }]", "kind = \"mixture\"\ncomponents = []", "s.toml:10:14: target.components: found an empty list, expected at least one component"),
    ("mean = [4.0]", "mean = [4.0, 1.0]", "s.toml:10:83: target.components.1.mean: found 2 numbers, expected 1: one for each axis of the grid"),
    ("std = [0.8]", "std = [0.0]", "s.toml:10:52: target.components.0.std.0: found 0.0, expected a number above 0"),
    ("std = [0.8]", "covariance = [[-1.0]]", "s.toml:10:58: target.components.0.covariance: found a matrix that is not positive definite, expected a covariance"),
    ("std = [0.8]", "covariance = [[1.0], [2.0]]", "s.toml:10:58: target.components.0.covariance: found 2 rows, expected a square matrix with 1: one for each axis of the grid"),
    ("std = [0.8] ", "std = [0.8], covariance = [[1.0]] ", "s.toml:10:15: target.components.0: found both `std` and `covariance`, expected one of them"),
    (", std = [0.8] ", " ", "s.toml:10:15: target.components.0: found neither `std` nor `covariance`, expected one of them"),
    ("std = [1.2]", "std = [1.2]\nfloor = 1.0", "s.toml:16:9: initial.floor: found 1.0, expected a number of at least 0 and below 1"),
    ("std = [1.2]", "std = [1.2]\nfloor = -0.1", "s.toml:16:9: initial.floor: found -0.1, expected a number of at least 0 and below 1"),
    ("std = [1.2]", "std = [1.2]\nflor = 0.1", "s.toml:16:1: initial.flor: unknown key, expected one of \"mean\", \"std\", \"covariance\", \"floor\"; did you mean \"floor\"?"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"ring\"\nmodes = 8\nradius = 2.0\nstd = 0.1", "s.toml:13:8: initial.kind: found a grid with 1 axes, this kind of density needs 2 or 3"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"image\"\npath = \"a.png\"", "s.toml:13:8: initial.kind: found a grid with 1 axes, this kind of density needs 2"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"uniform\"\nlower = [1.0]\nupper = [0.0]", "s.toml:15:10: initial.upper.0: found 1.0 as the lower side and 0.0 as the upper side, expected lower < upper"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"uniform\"\nlower = [20.0]\nupper = [21.0]", "s.toml:12:1: initial: the density is 0 in every cell, expected a positive mass; does it lie inside the grid?"),
    ("kind = \"mixture\"\ncomponents = [{ weight = 0.4, mean = [0.0], std = [0.8] }, { weight = 0.6, mean = [4.0], std = [1.0] }]", "kind = \"uniform\"\nlower = [0.0]\nupper = [1.0]", "s.toml:8:1: target: the target is 0 at x = -5.8, expected a positive density in every cell; mix in a background with `floor = 1e-12`"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"exp(-y^2)\"", "s.toml:14:14: initial.expression: character 6 of the expression: found the unknown name \"y\", expected one of x, pi, e"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"exp(-x^2\"", "s.toml:14:14: initial.expression: character 9 of the expression: found the end, expected an operator or a closing parenthesis"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"2 x\"", "s.toml:14:14: initial.expression: character 3 of the expression: found 'x', expected an operator"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"x +\"", "s.toml:14:14: initial.expression: character 4 of the expression: found the end, expected a number, a name or an opening parenthesis"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"\"", "s.toml:14:14: initial.expression: character 1 of the expression: found the end, expected a number, a name or an opening parenthesis"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"sqr(x)\"", "s.toml:14:14: initial.expression: character 1 of the expression: found the unknown function \"sqr\", expected one of sin, cos, tan, exp, log, ln, sqrt, abs, sinh, cosh, tanh, min, max; did you mean \"sqrt\"?"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"min(x)\"", "s.toml:14:14: initial.expression: character 1 of the expression: min has 1 arguments, expected 2"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"x\"", "s.toml:14:14: initial.expression: the density is -5.8 at x = -5.8, expected a number that is not negative"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"sqrt(x)\"", "s.toml:14:14: initial.expression: the density is NaN at x = -5.8, expected a finite number"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"1/0*(x+6)\"", "s.toml:14:14: initial.expression: the density is inf at x = -5.8, expected a finite number"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"formula\"\nexpression = \"0*x\"", "s.toml:12:1: initial: the density is 0 in every cell, expected a positive mass; does it lie inside the grid?"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"samples\"\npath = \"points.txt\"", "s.toml:14:8: initial.path: found the file name extension \"txt\", expected \"csv\" or \"npy\""),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"samples\"\npath = \"points.csv\"\nbandwidth = 0", "s.toml:15:13: initial.bandwidth: found 0.0, expected a number above 0"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"samples\"\npath = \"points.csv\"\nbandwidth = \"wide\"", "s.toml:15:13: initial.bandwidth: found \"wide\", expected a number"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"file\"\npath = \"nowhere.h5\"\ndataset = \"density\"\nframe = -1", "s.toml:16:9: initial.frame: found -1, expected a whole number that is not negative"),
    ("kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]", "kind = \"file\"\npath = \"nowhere.h5\"", "s.toml:12:1: initial.dataset: missing, but required"),
    ("\"jensen-shannon\"", "\"kll\"", "s.toml:18:14: flow.divergence: found \"kll\", expected one of \"jensen-shannon\", \"kl\", \"reverse-kl\", \"chi-squared\", \"hellinger\"; did you mean \"kl\"?"),
    ("\"jensen-shannon\"", "1", "s.toml:18:14: flow.divergence: found 1, expected a text in quotes"),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"", "s.toml:17:1: flow.friction: missing, but required"),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"\nfriction = -2.0", "s.toml:20:12: flow.friction: found -2.0, expected a friction of at least 0: less would add energy"),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"\nfriction = \"strong\"", "s.toml:20:12: flow.friction: found \"strong\", expected a number, { kind = \"constant\", value = … } or { kind = \"nesterov\" }"),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"\nfriction = { kind = \"nesterof\" }", "s.toml:20:21: flow.friction.kind: found \"nesterof\", expected one of \"constant\", \"nesterov\"; did you mean \"nesterov\"?"),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"\nfriction = { kind = \"constant\" }", "s.toml:20:12: flow.friction.value: missing, but required"),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"\nfriction = { kind = \"nesterov\", value = 3 }", "s.toml:20:33: flow.friction.value: unknown key, expected \"kind\""),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"\nfriction = { kind = \"nesterov\" }\ntime-scale = \"overdamped\"", "s.toml:20:12: flow.friction: found nesterov, expected a constant friction, in whose units \"overdamped\" measures time"),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"\nfriction = 0\ntime-scale = \"overdamped\"", "s.toml:20:12: flow.friction: found 0, expected a friction above 0, in whose units \"overdamped\" measures time"),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"inertial\"\nfriction = 2", "s.toml:23:10: time.method: found \"implicit\", expected \"staggered\", the method of dynamics = \"inertial\""),
    ("\"implicit\"", "\"staggered\"", "s.toml:21:10: time.method: found \"staggered\", expected \"explicit\", \"implicit\" or \"jko\": \"staggered\" is for dynamics = \"inertial\""),
    ("[flow]\ndivergence = \"jensen-shannon\"\n\n[time]\nmethod = \"implicit\"", "[flow]\ndivergence = \"kl\"\ndynamics = \"inertial\"\nfriction = 2\n\n[time]\nmethod = \"staggered\"\nstep = 0", "s.toml:24:8: time.step: found 0.0, expected a number above 0"),
    ("[flow]\ndivergence = \"jensen-shannon\"\n\n[time]\nmethod = \"implicit\"", "[flow]\ndivergence = \"kl\"\ndynamics = \"inertial\"\nfriction = 2\n\n[time]\nmethod = \"staggered\"\norder = 3", "s.toml:24:9: time.order: found 3, expected an order from 1 to 2 for the method \"staggered\""),
    ("[flow]\ndivergence = \"jensen-shannon\"\n\n[time]\nmethod = \"implicit\"", "[flow]\ndivergence = \"kl\"\ndynamics = \"inertial\"\nfriction = 2\n\n[time]\nmethod = \"staggered\"\norder = 1", "s.toml:24:9: time.order: found 1, expected order 2, or a fixed `step`: order 1 has no error control"),
    ("std = [1.2]\n\n[flow]\n", "std = [1.2]\n\n[initial.velocity]\ncomponents = [\"1\", \"x\"]\n\n[flow]\ndynamics = \"inertial\"\nfriction = 1\n", "s.toml:18:14: initial.velocity.components: found 2 formulas, expected 1: one for each axis of the grid"),
    ("std = [1.2]\n\n[flow]\n", "std = [1.2]\n\n[initial.velocity]\npotential = \"y^2\"\n\n[flow]\ndynamics = \"inertial\"\nfriction = 1\n", "s.toml:18:13: initial.velocity.potential: character 1 of the expression: found the unknown name \"y\", expected one of x, pi, e"),
    ("std = [1.2]\n\n[flow]\n", "std = [1.2]\n\n[initial.velocity]\npotential = \"x\"\ncomponents = [\"1\"]\n\n[flow]\ndynamics = \"inertial\"\nfriction = 1\n", "s.toml:19:14: initial.velocity.components: found both `potential` and `components`, expected one of them"),
    ("std = [1.2]\n\n[flow]\n", "std = [1.2]\nvelocity = { components = [\"1\"] }\n\n[flow]\n", "s.toml:16:12: initial.velocity: found a velocity, expected none: a gradient flow has no velocity to start with; use flow.dynamics = \"inertial\""),
    ("\"jensen-shannon\"", "\"kl\"\ndynamics = \"gradiant\"", "s.toml:19:12: flow.dynamics: found \"gradiant\", expected one of \"gradient\", \"inertial\"; did you mean \"gradient\"?"),
    ("\"jensen-shannon\"", "\"kl\"\nfriction = 2.0", "s.toml:19:12: flow.friction: found `friction`, expected no such key: it is for dynamics = \"inertial\""),
    ("\"implicit\"", "\"jk\"", "s.toml:21:10: time.method: found \"jk\", expected one of \"explicit\", \"implicit\", \"jko\", \"staggered\"; did you mean \"jko\"?"),
    ("\"implicit\"", "\"implict\"", "s.toml:21:10: time.method: found \"implict\", expected one of \"explicit\", \"implicit\", \"jko\", \"staggered\"; did you mean \"implicit\"?"),
    ("\"implicit\"", "\"jko\"", "s.toml:20:1: time.step: missing, but required"),
    ("\"implicit\"", "\"jko\"\nstep = 0", "s.toml:22:8: time.step: found 0.0, expected a number above 0"),
    ("\"implicit\"", "\"jko\"\nstep = -0.1", "s.toml:22:8: time.step: found -0.1, expected a number above 0"),
    ("\"implicit\"", "\"jko\"\ntolerance = 1.0", "s.toml:22:13: time.tolerance: found 1, expected a number above 0 and below 1"),
    ("\"implicit\"", "\"jko\"\nstep = 0\ntolerance = 1e-3", "s.toml:22:8: time.step: found 0.0, expected a number above 0"),
    ("\"implicit\"", "\"jko\"\nstep = 0.1\norder = 3", "s.toml:23:9: time.order: found 3, expected an order from 1 to 2 for the method \"jko\""),
    ("\"implicit\"", "\"jko\"\nstep = 0.1\ngap = 0.0", "s.toml:23:7: time.gap: found 0, expected a number above 0 and below 1"),
    ("\"implicit\"", "\"jko\"\nstep = 0.1\ngap = 1", "s.toml:23:7: time.gap: found 1, expected a number above 0 and below 1"),
    ("\"implicit\"", "\"implicit\"\ngap = 1e-8", "s.toml:22:7: time.gap: found 0.00000001, expected no such key: only the method \"jko\" has a duality gap"),
    ("\"implicit\"", "\"explicit\"\ntolerance = 1e-4", "s.toml:22:13: time.tolerance: found 0.0001, expected `step` or nothing: the method \"explicit\" has no error control"),
    ("end = 2.0", "end = 0", "s.toml:22:7: time.end: found 0.0, expected a number above 0"),
    ("end = 2.0", "end = -1e-9", "s.toml:22:7: time.end: found -1e-9, expected a number above 0"),
    ("end = 2.0", "end = inf", "s.toml:22:7: time.end: found inf, expected a finite number"),
    ("end = 2.0", "end = \"2\"", "s.toml:22:7: time.end: found \"2\", expected a number"),
    ("end = 2.0", "end = 2.0\norder = 3", "s.toml:23:9: time.order: found 3, expected an order from 1 to 2 for the method \"implicit\""),
    ("end = 2.0", "end = 2.0\nstep = 0.1\ntolerance = 1e-4", "s.toml:24:13: time.tolerance: found `step` as well, expected one of the two"),
    ("end = 2.0", "end = 2.0\nstep = 0", "s.toml:23:8: time.step: found 0.0, expected a number above 0"),
    ("end = 2.0", "end = 2.0\ntolerance = 1", "s.toml:23:13: time.tolerance: found 1, expected a number above 0 and below 1"),
    ("end = 2.0", "end = 2.0\n\n[output]\ntimes = [0.5, 3.0]", "s.toml:25:15: output.times.1: found 3.0, expected a time from 0 to 2.0: `time.end`"),
    ("end = 2.0", "end = 2.0\n\n[output]\ntimes = [-0.5]", "s.toml:25:10: output.times.0: found -0.5, expected a time from 0 to 2.0: `time.end`"),
    ("end = 2.0", "end = 2.0\n\n[output]\nevery = 0.1\ntimes = [1.0]", "s.toml:26:9: output.times: found `every` as well, expected one of the two"),
    ("end = 2.0", "end = 2.0\n\n[output]\nevery = 0", "s.toml:25:9: output.every: found 0.0, expected a number above 0"),
    ("end = 2.0", "end = 2.0\n\n[output]\nevery = 1e-9", "s.toml:25:9: output.every: found 1e-9, expected at least 2e-6: a millionth of `time.end`"),
    ("end = 2.0", "end = 2.0\n\n[output]\nfields = [\"densty\"]", "s.toml:25:11: output.fields.0: found \"densty\", expected one of \"density\", \"potential\", \"connection\", \"discriminator\", \"velocity\"; did you mean \"density\"?"),
    ("end = 2.0", "end = 2.0\n\n[output]\nfields = [\"density\", \"density\"]", "s.toml:25:22: output.fields.1: found a field for the second time, expected each field once"),
];

/// An override of the valid scenario and the message.
#[rustfmt::skip]
const OVERRIDES: &[(&str, &str)] = &[
    ("grid.cells", "--set grid.cells: found no `=`, expected key=value"),
    ("grid.cells=[2]", "--set grid.cells=[2]: grid.cells.0: axis x: 2 cells found, at least 3 expected"),
    ("grid.cells=[", "--set grid.cells=[: found \"[\", expected a TOML value or a word: unclosed array, expected `]`"),
    ("target.components.0.weight=-1", "--set target.components.0.weight=-1: target.components.0.weight: found -1.0, expected a number that is not negative"),
    ("target.components.5.weight=1", "--set target.components.5.weight=1: found \"5\" below the list \"target.components\", expected a whole number below its length 2"),
    ("target.components.first.weight=1", "--set target.components.first.weight=1: found \"first\" below the list \"target.components\", expected a whole number below its length 2"),
    ("title.x=1", "--set title.x=1: found \"x\" below \"title\", which is neither a table nor a list"),
    ("flow.divergence=kll", "--set flow.divergence=kll: flow.divergence: found \"kll\", expected one of \"jensen-shannon\", \"kl\", \"reverse-kl\", \"chi-squared\", \"hellinger\"; did you mean \"kl\"?"),
    ("time..end=2", "--set time..end=2: found an empty key, expected names joined by dots"),
    ("time.end=0", "--set time.end=0: time.end: found 0.0, expected a number above 0"),
    ("output.every=0", "--set output.every=0: output.every: found 0.0, expected a number above 0"),
    ("initial.mean=[1,2]", "--set initial.mean=[1,2]: initial.mean: found 2 numbers, expected 1: one for each axis of the grid"),
    ("nonsense=3", "--set nonsense=3: nonsense: unknown key, expected one of \"title\", \"law\", \"grid\", \"target\", \"initial\", \"flow\", \"time\", \"output\""),
    ("grid.cels=[10]", "--set grid.cels=[10]: grid.cels: unknown key, expected one of \"lower\", \"upper\", \"cells\", \"boundary\"; did you mean \"cells\"?"),
];

fn read(text: &str, overrides: &[String]) -> Result<Scenario, ScenarioError> {
    parse(text, "s.toml", Path::new("no-such-folder"), overrides)
}

/// The message of a scenario that cannot be read or built.
fn message(text: &str, overrides: &[String]) -> String {
    match read(text, overrides).and_then(|scenario| scenario.build()) {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_valid_scenario_has_no_error() {
    assert_eq!(message(VALID, &[]), "no error");
}

#[test]
fn each_malformed_scenario_has_its_message() {
    for (valid, malformed, expected) in EDITS {
        assert!(
            VALID.contains(valid),
            "{valid:?} is not in the valid scenario"
        );
        assert_eq!(
            message(&VALID.replacen(valid, malformed, 1), &[]),
            *expected,
            "for {malformed:?}"
        );
    }
}

#[test]
fn each_malformed_override_has_its_message() {
    for (argument, expected) in OVERRIDES {
        assert_eq!(message(VALID, &[(*argument).to_owned()]), *expected);
    }
}

#[test]
fn an_empty_cell_is_refused_where_the_divergence_is_infinite() {
    let text = VALID.replace("jensen-shannon", "reverse-kl").replace(
        "kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]",
        "kind = \"uniform\"\nlower = [0.0]\nupper = [1.0]",
    );
    assert_eq!(
        message(&text, &[]),
        "s.toml:12:1: initial: the initial density is 0 at x = -5.8, where reverse-kl is infinite; mix in a background with \
         `floor = 1e-12`"
    );
    assert_eq!(
        message(&text, &["initial.floor=1e-12".to_owned()]),
        "no error"
    );
}

#[test]
fn a_grid_too_large_for_any_memory_is_refused() {
    let huge = "9223372036854775807";
    let text = VALID
        .replace("lower = [-6.0]", "lower = [0.0, 0.0, 0.0]")
        .replace("upper = [10.0]", "upper = [1.0, 1.0, 1.0]")
        .replace("cells = [40]", &format!("cells = [{huge}, {huge}, {huge}]"));
    assert_eq!(
        message(&text, &[]),
        "s.toml:6:9: grid.cells: 340282366920938463463374607431768211455 cells are more than the program can hold (at most 2^32)"
    );
}

#[test]
fn a_covariance_is_checked_entry_by_entry() {
    let plane = |covariance: &str| {
        VALID
            .replace("lower = [-6.0]", "lower = [-6.0, -6.0]")
            .replace("upper = [10.0]", "upper = [10.0, 10.0]")
            .replace("cells = [40]", "cells = [40, 40]")
            .replace(
                "kind = \"mixture\"\ncomponents = [{ weight = 0.4, mean = [0.0], std = [0.8] }, { weight = 0.6, mean = [4.0], std = [1.0] }]",
                &format!("kind = \"gaussian\"\nmean = [0.0, 0.0]\ncovariance = {covariance}"),
            )
    };
    assert_eq!(
        message(&plane("[[1.0, 0.5], [0.4, 1.0]]"), &[]),
        "s.toml:11:14: target.covariance: found a matrix that is not symmetric: 0.5 at (0, 1) and 0.4 at (1, 0)"
    );
    assert_eq!(
        message(&plane("[[1.0, 2.0], [2.0, 1.0]]"), &[]),
        "s.toml:11:14: target.covariance: found a matrix that is not positive definite, expected a covariance"
    );
    assert_eq!(
        message(&plane("[[1.0, 0.5], [0.5]]"), &[]),
        "s.toml:11:27: target.covariance.1: found 1 numbers, expected 2: one for each axis of the grid"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(Path::new("no-such-folder/s.toml"), &[]).unwrap_err();
    assert_eq!(error.place, Place::File);
    assert!(
        error
            .to_string()
            .starts_with("no-such-folder/s.toml: cannot read the file: "),
        "{error}"
    );
}

#[test]
fn a_file_that_a_density_needs_is_named() {
    for (kind, file) in [("samples", "a.csv"), ("samples", "a.npy"), ("file", "a.h5")] {
        let dataset = if kind == "file" {
            "dataset = \"density\""
        } else {
            ""
        };
        let text = VALID.replace(
            "kind = \"gaussian\"\nmean = [1.0]\nstd = [1.2]",
            &format!("kind = {kind:?}\npath = {file:?}\n{dataset}"),
        );
        let found = message(&text, &[]);
        let path = Path::new("no-such-folder").join(file);
        let expected = format!(
            "s.toml:14:8: initial.path: cannot read {}: ",
            path.display()
        );
        assert!(found.starts_with(&expected), "{found}");
    }
}

#[test]
fn the_full_report_shows_the_line() {
    use miette::{GraphicalReportHandler, GraphicalTheme};
    let error = read(&VALID.replace("implicit", "implict"), &[]).unwrap_err();
    let mut report = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .render_report(&mut report, &error)
        .unwrap();
    for part in [
        "s.toml:21:10",
        "method = \"implict\"",
        "did you mean \"implicit\"?",
    ] {
        assert!(report.contains(part), "{part:?} is not in\n{report}");
    }
}

#[test]
fn no_cut_off_scenario_panics() {
    for length in (0..VALID.len()).filter(|&length| VALID.is_char_boundary(length)) {
        // A cut in the last line may leave a valid scenario with another end; all others are errors.
        let text = &VALID[..length];
        let end_is_whole = text.contains("end = 2") && !text.ends_with('.');
        assert_eq!(message(text, &[]) == "no error", end_is_whole, "{text}");
    }
}
