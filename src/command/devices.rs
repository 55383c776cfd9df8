use super::{CommandError, print};
use crate::backend::cpu::instructions;
use crate::backend::gpu::{AdapterKind, adapters};
use crate::output::console::{Alignment, Table};

/// The processors and adapters that a run can use.
pub(super) fn devices() -> Result<(), CommandError> {
    let columns = [
        "backend",
        "device",
        "kind",
        "through",
        "formats",
        "largest field",
    ];
    let mut table = Table::new(&columns.map(|name| (name, Alignment::Left)));
    let threads = rayon::current_num_threads();
    table.row([
        "cpu".into(),
        format!("{threads} threads"),
        "hardware".into(),
        instructions().into(),
        "f64, f32".into(),
        "memory".into(),
    ]);
    let adapters = adapters();
    for adapter in &adapters {
        let kind = match adapter.kind {
            AdapterKind::Hardware => "hardware",
            AdapterKind::Software => "software",
        };
        let formats = if adapter.double_precision {
            "f64, f32"
        } else {
            "f32"
        };
        let cells = adapter.largest_field / 4;
        let through = [adapter.backend.as_str(), adapter.driver.as_str()].join(" ");
        table.row([
            "gpu".into(),
            adapter.name.clone(),
            kind.into(),
            through.trim().into(),
            formats.into(),
            format!("{cells} cells"),
        ]);
    }
    print(table.to_string().trim_end())?;
    if adapters.is_empty() {
        print("no GPU adapter: looked through Vulkan, Metal and Direct3D 12")?;
    }
    Ok(())
}
