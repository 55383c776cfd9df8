// Sums over places for each spline and each pair of them, gathered: places are sorted by lattice cell, one invocation adds up what is its own, always
// in one order, and no number is written by two. splines.wgsl and characteristics.wgsl stand before this text.

@group(0) @binding(9) var<storage, read_write> keys: array<u32>;
@group(0) @binding(10) var<storage, read_write> numbers: array<u32>;
// Places by lattice cell; where those of each cell begin, and its chunks, for the matrix those of crowded cells alone.
@group(0) @binding(11) var<storage, read> order: array<u32>;
@group(0) @binding(12) var<storage, read> starts: array<u32>;
@group(0) @binding(13) var<storage, read> chunks: array<u32>;
@group(0) @binding(14) var<storage, read> masses: array<f64>;
// What was made for this kernel: sums of chunks, or weights of places.
@group(0) @binding(15) var<storage, read> parts: array<f64>;
@group(0) @binding(16) var<storage, read_write> couplings: array<f32>;
@group(0) @binding(17) var<storage, read> crowd_sums: array<f64>;

const SPLINES: u32 = 9u * MIDDLE;

// The lattice cell that each foot is in.
@compute @workgroup_size(WORKGROUP)
fn locate(invocation: Invocation) {
    let number = cell_of(invocation);
    if number < shape.places {
        keys[number] = number_of(local_of(foot_of(number)).cell);
        numbers[number] = number;
    }
}

// The cell that a chunk is of: the last one whose chunks begin no later.
fn cell_with_chunk(chunk: u32) -> u32 {
    var low = 0u;
    var high = shape.nodes.x * shape.nodes.y * shape.nodes.z;
    while high - low > 1u {
        let middle = (low + high) / 2u;
        if chunks[middle] <= chunk {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// Σ mass B(y) over a chunk of the places of one lattice cell, for the splines beside it.
@compute @workgroup_size(WORKGROUP)
fn add_chunks(invocation: Invocation) {
    let chunk = cell_of(invocation);
    let cells = shape.nodes.x * shape.nodes.y * shape.nodes.z;
    if chunk >= chunks[cells] {
        return;
    }
    let cell = cell_with_chunk(chunk);
    let first = starts[cell] + (chunk - chunks[cell]) * CHUNK;
    let last = min(first + CHUNK, starts[cell + 1u]);
    var sums = array<f64, SPLINES>();
    for (var position = first; position < last; position += 1u) {
        let number = order[position];
        let local = local_of(foot_of(number));
        let slow = along_axis(local, 0u);
        let middle = along_axis(local, 1u);
        let fast = along_axis(local, 2u);
        let mass = masses[number];
        for (var a = 0u; a < 3u; a += 1u) {
            for (var b = 0u; b < MIDDLE; b += 1u) {
                let across = mass * slow.values[a] * middle.values[b];
                for (var c = 0u; c < 3u; c += 1u) {
                    sums[(a * MIDDLE + b) * 3u + c] += across * fast.values[c];
                }
            }
        }
    }
    for (var spline = 0u; spline < SPLINES; spline += 1u) {
        results[chunk * SPLINES + spline] = sums[spline];
    }
}

// A lattice cell beside a node along an axis, and which of the splines beside it is that of the node: of three, `beside` (0, 1, 2). Beyond closed
// sides they are mirror images.
fn cell_beside(node: u32, beside: u32, axis: u32) -> vec2<u32> {
    if is_missing(axis) {
        return vec2<u32>(0u, 0u);
    }
    let cell = i32(node + beside) - 1;
    let outside = cell < 0 || cell >= i32(shape.nodes[axis]);
    let spline = select(2u - beside, beside, outside && !is_ring(axis));
    return vec2<u32>(folded(cell, axis), spline);
}

// Σ mass B_k(y) for every node k, from those of the chunks.
@compute @workgroup_size(WORKGROUP)
fn gather(invocation: Invocation) {
    let number = cell_of(invocation);
    if number >= shape.nodes.x * shape.nodes.y * shape.nodes.z {
        return;
    }
    let node = node_of(number);
    var sum = 0.0lf;
    for (var a = 0u; a < 3u; a += 1u) {
        let slow = cell_beside(node.x, a, 0u);
        for (var b = 0u; b < MIDDLE; b += 1u) {
            let middle = cell_beside(node.y, b, 1u);
            for (var c = 0u; c < 3u; c += 1u) {
                let fast = cell_beside(node.z, c, 2u);
                let cell = number_of(vec3<u32>(slow.x, middle.x, fast.x));
                let spline = (slow.y * MIDDLE + middle.y) * 3u + fast.y;
                for (var chunk = chunks[cell]; chunk < chunks[cell + 1u]; chunk += 1u) {
                    sum += parts[chunk * SPLINES + spline];
                }
            }
        }
    }
    results[number] = sum;
}

// What the matrix needs of each place, by lattice cell: the share of that left of it along each axis, π V/f''(r), and the fluxes τ π V r (I − τD²φ)⁻¹
// (00, 11, 22, 01, 02, 12) for derivatives by these shares. φ is in `coefficients`.
@compute @workgroup_size(WORKGROUP)
fn weigh(invocation: Invocation) {
    let position = cell_of(invocation);
    if position >= shape.places {
        return;
    }
    let number = order[position];
    let local = local_of(foot_of(number));
    let cofactors = cofactors_of(jet_at(local));
    let definite = is_definite(cofactors);
    let first = position * WEIGHTS;
    var slopes = array<f64, 3>();
    for (var axis = 0u; axis < 3u; axis += 1u) {
        results[first + axis] = local.share[axis];
        if !is_missing(axis) {
            slopes[axis] = local.sign[axis] / spacing(axis);
        }
    }
    results[first + 3u] = capacity_of(number);
    let flow = tau() * targets[number] * ratios[number];
    for (var entry = 0u; entry < 6u; entry += 1u) {
        var inverse = select(0.0lf, 1.0lf, entry < 3u);
        if definite {
            inverse = cofactors[entry] / cofactors[7];
        }
        let row = select(entry, entry / 5u, entry >= 3u);
        let column = select(entry, min(entry - 2u, 2u), entry >= 3u);
        results[first + 4u + entry] = flow * inverse * slopes[row] * slopes[column];
    }
}

// Which pairs of splines beside a lattice cell are those of a node, `offset` from it (2 is none) along an axis: a bit for each, 3 · own + other.
fn pairs_of(node: u32, cell: u32, offset: u32, axis: u32) -> u32 {
    if is_missing(axis) {
        return 1u;
    }
    var pairs = 0u;
    for (var own = 0u; own < 3u; own += 1u) {
        if node_beside(cell, own, axis) != node {
            continue;
        }
        for (var other = 0u; other < 3u; other += 1u) {
            // On a short ring there are two ways from one node to another.
            let by = select(node_beside(cell, other, axis) - node, other - own, is_ring(axis));
            if by + 2u == offset {
                pairs |= 1u << (3u * own + other);
            }
        }
    }
    return pairs;
}

// Products of the splines of such pairs at a place: of values, of own slopes and values, of values and other slopes, of slopes.
fn products_along(share: f64, pairs: u32, axis: u32) -> array<f64, 4> {
    var products = array<f64, 4>();
    if is_missing(axis) {
        products[0] = 1.0lf;
        return products;
    }
    var values = of_splines(share);
    var slopes = of_slopes(share);
    // There is one pair, but for those that closed sides and short rings make of one node.
    for (var left = pairs; left != 0u; left &= left - 1u) {
        let pair = firstTrailingBit(left);
        let own = pair / 3u;
        let other = pair % 3u;
        products[0] += values[own] * values[other];
        products[1] += slopes[own] * values[other];
        products[2] += values[own] * slopes[other];
        products[3] += slopes[own] * slopes[other];
    }
    return products;
}

// The cell numbered 0, 1, 2 of those beside a node along an axis, each of them once: none is the number of nodes.
fn distinct_cell(node: u32, beside: u32, axis: u32) -> u32 {
    let nodes = shape.nodes[axis];
    let cell = i32(node + beside) - 1;
    if nodes <= 3u {
        return min(beside, nodes);
    }
    if is_ring(axis) {
        return folded(cell, axis);
    }
    return select(u32(max(cell, 0)), nodes, cell < 0 || cell >= i32(nodes));
}

// What of a number f32 holds that is no more.
fn rounded_down(value: f64) -> f32 {
    let nearest = f32(value);
    if f64(nearest) <= value {
        return nearest;
    }
    let bits = bitcast<u32>(nearest);
    if (bits << 1u) == 0u {
        return bitcast<f32>(0x80000001u);
    }
    return bitcast<f32>(select(bits - 1u, bits + 1u, nearest < 0.0f));
}

// What a place adds to the entry of two splines (eq. 30), or to that of several pairs of them, from the weights in `parts`.
fn share_of(position: u32, pairs: vec3<u32>) -> f64 {
    let first = position * WEIGHTS;
    let slow = products_along(parts[first], pairs.x, 0u);
    let middle = products_along(parts[first + 1u], pairs.y, 1u);
    let fast = products_along(parts[first + 2u], pairs.z, 2u);
    var share = parts[first + 3u] * slow[0] * middle[0] * fast[0];
    share += parts[first + 4u] * slow[3] * middle[0] * fast[0];
    share += parts[first + 6u] * slow[0] * middle[0] * fast[3];
    share += parts[first + 8u] * (slow[1] * fast[2] + slow[2] * fast[1]) * middle[0];
    if MIDDLE > 1u {
        let slow_twist = slow[1] * middle[2] + slow[2] * middle[1];
        let fast_twist = middle[1] * fast[2] + middle[2] * fast[1];
        share += parts[first + 5u] * slow[0] * middle[3] * fast[0];
        share += parts[first + 7u] * slow_twist * fast[0];
        share += parts[first + 9u] * slow[0] * fast_twist;
    }
    return share;
}

// Pairs of splines beside a place, each once: (own, other) with own ≤ other is numbered row by row.
const PAIRS: u32 = SPLINES * (SPLINES + 1u) / 2u;

fn pair_number(own: u32, other: u32) -> u32 {
    let row = min(own, other);
    return row * SPLINES - row * (row + 1u) / 2u + max(own, other);
}

// The pairs along each axis, as `pairs_of` has them, of a pair.
fn pairs_along(own: u32, other: u32) -> vec3<u32> {
    let a = vec3<u32>(own / (3u * MIDDLE), own / 3u % MIDDLE, own % 3u);
    let b = vec3<u32>(other / (3u * MIDDLE), other / 3u % MIDDLE, other % 3u);
    return vec3<u32>(1u) << (3u * a + b);
}

// What the chunks of crowded cells add to each pair of the splines beside them, from the weights in `parts`.
@compute @workgroup_size(WORKGROUP)
fn add_crowds(invocation: Invocation) {
    let crowd = cell_of(invocation) / PAIRS;
    let cells = shape.nodes.x * shape.nodes.y * shape.nodes.z;
    if crowd >= chunks[cells] {
        return;
    }
    let pair = cell_of(invocation) % PAIRS;
    var own = 0u;
    while pair_number(own + 1u, own + 1u) <= pair {
        own += 1u;
    }
    let pairs = pairs_along(own, pair - pair_number(own, own) + own);
    let cell = cell_with_chunk(crowd);
    let first = starts[cell] + (crowd - chunks[cell]) * CHUNK;
    let last = min(first + CHUNK, starts[cell + 1u]);
    var sum = 0.0lf;
    for (var position = first; position < last; position += 1u) {
        sum += share_of(position, pairs);
    }
    results[crowd * PAIRS + pair] = sum;
}

// What the crowd of a cell adds to the entry of several pairs.
fn share_of_crowd(cell: u32, pairs: vec3<u32>) -> f64 {
    var sum = 0.0lf;
    for (var slow = pairs.x; slow != 0u; slow &= slow - 1u) {
        let a = firstTrailingBit(slow);
        for (var middle = pairs.y; middle != 0u; middle &= middle - 1u) {
            let b = firstTrailingBit(middle);
            for (var fast = pairs.z; fast != 0u; fast &= fast - 1u) {
                let c = firstTrailingBit(fast);
                let own = (a / 3u * MIDDLE + b / 3u) * 3u + c / 3u;
                let other = (a % 3u * MIDDLE + b % 3u) * 3u + c % 3u;
                let pair = pair_number(own, other);
                for (var crowd = chunks[cell]; crowd < chunks[cell + 1u]; crowd += 1u) {
                    sum += crowd_sums[crowd * PAIRS + pair];
                }
            }
        }
    }
    return sum;
}

// The entries of the matrix (eq. 30) after the diagonal, of the rows of nodes from `first_row` on, each gathered by one invocation and multiplied by the
// power of two in `lengths`; laid out as `flow::jko::solid::stencil` has them.
@compute @workgroup_size(WORKGROUP)
fn assemble(invocation: Invocation) {
    let kept = WIDTH * MIDDLE_WIDTH * WIDTH / 2u;
    let rest = cell_of(invocation) / shape.nodes.z + shape.first_row * kept;
    let row = rest / kept;
    if row >= shape.nodes.x * shape.nodes.y {
        return;
    }
    let along = cell_of(invocation) % shape.nodes.z;
    let node = vec3<u32>(row / shape.nodes.y, row % shape.nodes.y, along);
    let offset = rest % kept + kept + 1u;
    let across = offset / WIDTH;
    let offsets = vec3<u32>(across / MIDDLE_WIDTH, across % MIDDLE_WIDTH, offset % WIDTH);
    var pairs = vec3<u32>();
    var sum = 0.0lf;
    for (var a = 0u; a < 3u; a += 1u) {
        let z = distinct_cell(node.x, a, 0u);
        if z == shape.nodes.x {
            continue;
        }
        pairs.x = pairs_of(node.x, z, offsets.x, 0u);
        for (var b = 0u; b < MIDDLE && pairs.x > 0u; b += 1u) {
            let y = select(distinct_cell(node.y, b, 1u), 0u, is_missing(1u));
            if y == shape.nodes.y {
                continue;
            }
            pairs.y = pairs_of(node.y, y, offsets.y, 1u);
            for (var c = 0u; c < 3u && pairs.y > 0u; c += 1u) {
                let x = distinct_cell(node.z, c, 2u);
                if x == shape.nodes.z {
                    continue;
                }
                pairs.z = pairs_of(node.z, x, offsets.z, 2u);
                if pairs.z == 0u {
                    continue;
                }
                let cell = number_of(vec3<u32>(z, y, x));
                if chunks[cell] < chunks[cell + 1u] {
                    sum += share_of_crowd(cell, pairs);
                    continue;
                }
                for (var position = starts[cell]; position < starts[cell + 1u]; position += 1u) {
                    sum += share_of(position, pairs);
                }
            }
        }
    }
    couplings[rest * shape.pitch + along] = rounded_down(lengths[13] * sum);
}
