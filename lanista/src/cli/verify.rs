//! `verify`: what is wrong with a module in a file.

use super::args::VerifyArgs;
use super::failure::Failure;
use super::output;
use super::source::ModuleFile;
use ir::verify::Examined;

/// Checks files; prints a line for each that is sound, with what was checked, and every fault of those that are not.
pub fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let mut mistakes = Vec::new();
    for path in &args.files {
        match ModuleFile::read(path).and_then(|file| file.verify().map(|found| (file, found))) {
            Ok((file, Examined { program, coverage })) => {
                let m = &file.module;
                let n = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
                let instances = n(program.instances.len(), "instance");
                output::print_line(&format!(
                    "{}: @{} is sound: {}, {}, {}, {instances} under the defaults; checked: {coverage}",
                    path.display(),
                    m.name,
                    n(m.graphs.len(), "graph"),
                    n(m.decisions.len(), "decision"),
                    n(m.constraints.len(), "constraint"),
                ))?;
            }
            Err(Failure::Usage(lines)) => mistakes.extend(lines),
            Err(other) => return Err(other),
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Failure::Usage(mistakes)) }
}
