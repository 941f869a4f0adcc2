//! The `attest` program. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    attest::cli::main()
}
