use crate::backend::Sweep;
use crate::calculus::{elementary_functions, trace};
use crate::grid::{Boundary, Grid};

/// Workgroups that keep the largest devices busy.
const WORKGROUPS: usize = 2048;

/// Invocations of a workgroup of kernels with one for each cell.
pub const WORKGROUP: usize = 256;

/// What such kernels begin with: the cells of a grid whose axes are rings, and sums over a workgroup.
pub fn rings() -> String {
    let text = include_str!("../../../shaders/rings.wgsl");
    format!("const WORKGROUP: u32 = {WORKGROUP}u;\n{text}")
}

/// How the cells of a grid are divided among workgroups; `shaders/sweep.wgsl` describes the march.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Cells along a row, rows of a slab, slabs.
    pub cells: [u32; 3],
    /// Cells of a tile along a row and across the rows.
    pub tile: [u32; 2],
    /// Tiles along a row and across the rows.
    pub tiles: [u32; 2],
    /// Slabs that a workgroup marches over.
    pub march: u32,
    /// Workgroups in all.
    pub groups: u32,
    dimension: usize,
    periodic: [bool; 3],
}

impl Tiling {
    /// The division of a grid: whole rows of 256 cells in 1-D and 2-D, tiles of 32 × 8 in 3-D.
    pub fn new(grid: &Grid) -> Self {
        let periodic = |axis: usize| {
            let axis = grid.axes().get(axis);
            axis.is_some_and(|axis| axis.boundary == Boundary::Periodic)
        };
        let (nz, ny, nx) = grid.shape();
        let (cells, periodic) = match grid.dimension() {
            3 => ([nx, ny, nz], [periodic(0), periodic(1), periodic(2)]),
            _ => ([nx, 1, ny], [periodic(0), false, periodic(1)]),
        };
        let tile = match grid.dimension() {
            3 => [32, 8],
            _ => [nx.next_power_of_two().clamp(32, 256), 1],
        };
        let tiles = [cells[0].div_ceil(tile[0]), cells[1].div_ceil(tile[1])];
        // The longer the march, the less is loaded twice; the shorter, the more workgroups there are.
        let march = (cells[2] * tiles[0] * tiles[1] / WORKGROUPS).clamp(4, 64);
        let groups = tiles[0] * tiles[1] * cells[2].div_ceil(march);
        // A grid has at most 2³² cells, and a workgroup has at least one.
        Self {
            cells: cells.map(|count| count as u32),
            tile: tile.map(|count| count as u32),
            tiles: tiles.map(|count| count as u32),
            march: march as u32,
            groups: groups as u32,
            dimension: grid.dimension(),
            periodic,
        }
    }

    /// Time step / h² along a row, across the rows and across the slabs, from those of x, y, z.
    pub(super) fn scale(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        match self.dimension {
            1 => [x, 0.0, 0.0],
            2 => [x, 0.0, y],
            _ => [x, y, z],
        }
    }
}

/// The shader of a sweep over a grid so divided: the template with the traced equations. Its entry point is `sweep`.
pub fn sweep_shader<S: Sweep>(tiling: &Tiling) -> String {
    let node = trace("node", &["ratio"], |x| S::node(x[0]));
    let face_arguments = ["neighbour_weight", "own_node", "neighbour_node"];
    let face = trace("face", &face_arguments, |x| S::face(x[0], x[1], x[2]));
    let cell_arguments = ["ratio", "own_weight", "inflow"];
    let cell = trace("cell", &cell_arguments, |x| S::cell(x[0], x[1], x[2]));
    let Tiling {
        tile,
        periodic,
        dimension,
        ..
    } = *tiling;
    let constants = format!(
        "const TILE_ROW: u32 = {}u;
const TILE_ROWS: u32 = {}u;
const ACROSS_ROWS: bool = {};
const ACROSS_SLABS: bool = {};
const PERIODIC_ROW: bool = {};
const PERIODIC_ROWS: bool = {};
const PERIODIC_SLABS: bool = {};
",
        tile[0],
        tile[1],
        dimension == 3,
        dimension >= 2,
        periodic[0],
        periodic[1],
        periodic[2],
    );
    let elementary = elementary_functions::<f32>();
    let parts = [
        elementary.as_str(),
        &node.wgsl,
        &face.wgsl,
        &cell.wgsl,
        &constants,
        include_str!("../../../shaders/sweep.wgsl"),
    ];
    parts.join("\n")
}
