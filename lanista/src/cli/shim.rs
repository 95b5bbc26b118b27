//! Temporary.
pub trait Shim {
    fn to_svg(&self) -> String {
        "<svg/>\n".into()
    }
    fn to_dot(&self) -> String {
        "digraph {}\n".into()
    }
}
impl Shim for ir::Module {}
