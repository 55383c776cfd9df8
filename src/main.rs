use std::process::ExitCode;

fn main() -> ExitCode {
    // Without a session (over ssh, in a container) Mesa's device-selection layer complains on stderr at every look for adapters; it only
    // orders adapters for desktop sessions.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: no other thread has been started yet.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
    ottoflow::command::main()
}
