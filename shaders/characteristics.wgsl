// Where the mass of each place comes from, and how much of it there is: the loops over places of Newton's iteration of JKO steps. splines.wgsl stands
// before this text.

// Feet of the potential in `coefficients`, from those in `feet`: Newton's method for y = x + τ∇φ(y), going uphill.
@compute @workgroup_size(WORKGROUP)
fn find_feet(invocation: Invocation) {
    let number = cell_of(invocation);
    if number >= shape.places {
        return;
    }
    let half = 0.5lf / tau();
    let longest = lengths[2];
    let size = lengths[3];
    let enough = PRECISION * size * (PRECISION * size);
    let last = LAST * size * (LAST * size);
    let x = place_of(number);
    var place = foot_of(number);
    var jet = jet_at(local_of(place));
    var offset = array<f64, 3>(x[0] - place[0], x[1] - place[1], x[2] - place[2]);
    var value = jet.value - half * inner(offset, offset);
    for (var iteration = 0u; iteration < ITERATIONS; iteration += 1u) {
        var residual = offset;
        for (var axis = 0u; axis < 3u; axis += 1u) {
            residual[axis] += tau() * jet.gradient[axis];
        }
        if inner(residual, residual) < enough {
            break;
        }
        let cofactors = cofactors_of(jet);
        let definite = is_definite(cofactors);
        var direction = residual;
        if definite {
            direction = product(cofactors, residual, cofactors[7]);
        }
        let square = inner(direction, direction);
        if definite && square <= last {
            for (var axis = 0u; axis < 3u; axis += 1u) {
                place[axis] += direction[axis];
            }
            value += half * inner(direction, residual);
            break;
        }
        var share = min(longest / sqrt(square), 1.0lf);
        let least = value - ROUNDING * (1.0lf + abs(value));
        var risen = false;
        for (var halving = 0u; halving < HALVINGS && !risen; halving += 1u) {
            var trial = place;
            for (var axis = 0u; axis < 3u; axis += 1u) {
                trial[axis] += share * direction[axis];
            }
            let there = jet_at(local_of(trial));
            let ahead = array<f64, 3>(x[0] - trial[0], x[1] - trial[1], x[2] - trial[2]);
            let reached = there.value - half * inner(ahead, ahead);
            if reached >= least {
                risen = true;
                place = trial;
                jet = there;
                offset = ahead;
                value = reached;
            }
            share *= 0.5lf;
        }
        if !risen {
            break;
        }
    }
    for (var axis = 0u; axis < 3u; axis += 1u) {
        new_feet[4u * number + axis] = place[axis];
    }
    new_feet[4u * number + 3u] = value;
}

// r = f*'(s) at the feet.
@compute @workgroup_size(WORKGROUP)
fn find_ratios(invocation: Invocation) {
    let number = cell_of(invocation);
    if number < shape.places {
        results[number] = of_ratio(feet[4u * number + 3u]);
    }
}

// r at a share of a direction of φ, which is in `coefficients`.
@compute @workgroup_size(WORKGROUP)
fn move_ratios(invocation: Invocation) {
    let number = cell_of(invocation);
    if number >= shape.places {
        return;
    }
    let along = jet_at(local_of(foot_of(number))).value;
    results[number] = of_moved(feet[4u * number + 3u], ratios[number], along, lengths[1]);
}

fn capacity_of(number: u32) -> f64 {
    return targets[number] * of_softness(ratios[number]);
}

fn mismatch_of(number: u32) -> f64 {
    if DIRECT {
        return 0.0lf;
    }
    return of_mismatch(feet[4u * number + 3u], ratios[number]);
}

// The mass at each place.
@compute @workgroup_size(WORKGROUP)
fn weigh_mass(invocation: Invocation) {
    let number = cell_of(invocation);
    if number < shape.places {
        results[number] = targets[number] * ratios[number];
    }
}

// π V/f''(r).
@compute @workgroup_size(WORKGROUP)
fn weigh_capacity(invocation: Invocation) {
    let number = cell_of(invocation);
    if number < shape.places {
        results[number] = capacity_of(number);
    }
}

// (s − f'(r)) π V/f''(r).
@compute @workgroup_size(WORKGROUP)
fn weigh_excess(invocation: Invocation) {
    let number = cell_of(invocation);
    if number < shape.places {
        results[number] = capacity_of(number) * mismatch_of(number);
    }
}

// Of each run of places the sums of π V/f''(r), of its products with |s − f'(r)| and its square, and of mass |x − y|².
@compute @workgroup_size(WORKGROUP)
fn add_up(invocation: Invocation) {
    let run = cell_of(invocation);
    if run * RUN >= shape.places {
        return;
    }
    var sums = array<f64, 4>();
    let last = min((run + 1u) * RUN, shape.places);
    for (var number = run * RUN; number < last; number += 1u) {
        let capacity = capacity_of(number);
        let mismatch = mismatch_of(number);
        let x = place_of(number);
        let y = foot_of(number);
        let offset = array<f64, 3>(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
        sums[0] += capacity;
        sums[1] += capacity * abs(mismatch);
        sums[2] += capacity * mismatch * mismatch;
        sums[3] += targets[number] * ratios[number] * inner(offset, offset);
    }
    for (var part = 0u; part < 4u; part += 1u) {
        results[4u * run + part] = sums[part];
    }
}
