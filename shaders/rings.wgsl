// Cells of a grid whose axes are rings, numbered x fastest, and what a workgroup holds together: for shaders with an invocation for each
// cell. Before this text stands the constant WORKGROUP, the invocations of a workgroup (`backend::gpu::rings`).

// What an invocation is told.
struct Invocation {
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
}

fn tile_of(invocation: Invocation) -> u32 {
    return invocation.group.y * invocation.groups.x + invocation.group.x;
}

fn cell_of(invocation: Invocation) -> u32 {
    return tile_of(invocation) * WORKGROUP + invocation.local;
}

fn count(cells: vec3<u32>) -> u32 {
    return cells.x * cells.y * cells.z;
}

fn place(cell: u32, cells: vec3<u32>) -> vec3<u32> {
    return vec3<u32>(cell % cells.x, cell / cells.x % cells.y, cell / (cells.x * cells.y));
}

fn index(at: vec3<u32>, cells: vec3<u32>) -> u32 {
    return (at.z * cells.y + at.y) * cells.x + at.x;
}

fn before(i: u32, cells: u32) -> u32 {
    return select(i - 1u, cells - 1u, i == 0u);
}

fn after(i: u32, cells: u32) -> u32 {
    return select(i + 1u, 0u, i + 1u == cells);
}

var<workgroup> partial: array<vec4<f32>, WORKGROUP>;

// Two sums and two maxima.
fn joined(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(a.xy + b.xy, max(a.zw, b.zw));
}

// What the invocations of a workgroup hold together; known to the first of them.
fn of_workgroup(local: u32, own_part: vec4<f32>) -> vec4<f32> {
    partial[local] = own_part;
    for (var distance = WORKGROUP / 2u; distance > 0u; distance /= 2u) {
        workgroupBarrier();
        if local < distance {
            partial[local] = joined(partial[local], partial[local + distance]);
        }
    }
    return partial[local];
}
