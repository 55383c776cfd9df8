use std::process::ExitCode;

fn main() -> ExitCode {
    ottoflow::command::main()
}
