//! Looks at a component before anything is compiled: what it imports (nothing), what it exports, its digest.
//!
//! Knows the names of the contract and nothing of engines. A file that passes here may still be invalid; the compiler says so.

use sha2::{Digest as _, Sha256};
use std::fmt;
use thiserror::Error;
use wasmparser::{Encoding, Parser, Payload};

/// The interface that a KPI exports.
const AGGREGATION: &str = "weir:plugin/aggregation@0.1.0";
/// The interface that a preprocessor exports.
const PREPROCESSING: &str = "weir:plugin/preprocessing@0.1.0";
/// The SHA-256 of a component file; in text its hexadecimal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which of the two worlds a component is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginKind {
    /// World `kpi`.
    Kpi,
    /// World `preprocessor`.
    Preprocessor,
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kpi => "kpi",
            Self::Preprocessor => "preprocessor",
        })
    }
}

/// Why a file is no plugin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotAPlugin {
    /// Not WebAssembly at all, or broken.
    #[error("is not a WebAssembly component ({0}); build one with `weir plugin build DIR`")]
    Unreadable(String),
    /// A core module.
    #[error(
        "is a WebAssembly module, not a component; `weir plugin build DIR` builds the crate and makes a component of it"
    )]
    Module,
    /// It asks for something of the world outside.
    #[error("imports {}, and a plugin may import nothing (no clock, no files, no random, no WASI); \
             build it for wasm32-unknown-unknown with `weir plugin build DIR`, or with WASI stubbed out", quoted(.0))]
    Imports(Vec<String>),
    /// Neither interface is exported.
    #[error("exports {}, but a plugin exports `{AGGREGATION}` or `{PREPROCESSING}`; build it against `wit/v0.1`", quoted(.0))]
    Exports(Vec<String>),
    /// Both are.
    #[error("exports both `{AGGREGATION}` and `{PREPROCESSING}`; make two components of it")]
    Both,
}

fn quoted(names: &[String]) -> String {
    match names {
        [] => "nothing".into(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

/// Which world the component is for.
///
/// # Errors
/// If it is not a component, imports anything, or exports neither or both interfaces.
pub(super) fn examine(bytes: &[u8]) -> Result<PluginKind, NotAPlugin> {
    let Surface { imports, exports } = surface(bytes)?;
    if !imports.is_empty() {
        return Err(NotAPlugin::Imports(imports));
    }
    let has = |wanted: &str| exports.iter().any(|name| name == wanted);
    match (has(AGGREGATION), has(PREPROCESSING)) {
        (true, false) => Ok(PluginKind::Kpi),
        (false, true) => Ok(PluginKind::Preprocessor),
        (true, true) => Err(NotAPlugin::Both),
        (false, false) => Err(NotAPlugin::Exports(exports)),
    }
}

/// Names at the outer border of a component.
struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn surface(bytes: &[u8]) -> Result<Surface, NotAPlugin> {
    let broken = |error: wasmparser::BinaryReaderError| NotAPlugin::Unreadable(error.message().to_owned());
    let mut surface = Surface { imports: Vec::new(), exports: Vec::new() };
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(NotAPlugin::Module),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    surface.imports.push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    surface.exports.push(export.map_err(broken)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_component_is_told_so() {
        assert!(matches!(examine(b""), Err(NotAPlugin::Unreadable(_))));
        assert!(matches!(examine(b"not wasm at all"), Err(NotAPlugin::Unreadable(_))));
        assert_eq!(examine(b"\0asm\x01\0\0\0"), Err(NotAPlugin::Module));
        assert_eq!(examine(b"\0asm\x0d\0\x01\0"), Err(NotAPlugin::Exports(Vec::new())));
    }

    /// A component that imports a function of no parameters under each of these names.
    fn importing(names: &[&str]) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend([0x07, 5, 1, 0x40, 0, 1, 0]);
        let mut section = vec![names.len() as u8];
        for name in names {
            section.extend([0, name.len() as u8]);
            section.extend(name.as_bytes());
            section.extend([1, 0]);
        }
        bytes.extend([0x0a, section.len() as u8]);
        bytes.extend(section);
        bytes
    }

    #[test]
    fn any_import_is_refused_by_name() {
        let names = ["wasi:cli/stdout@0.2.0", "clock"];
        let Err(NotAPlugin::Imports(found)) = examine(&importing(&names)) else { panic!("imports taken") };
        assert_eq!(found, names);
    }

    #[test]
    fn every_import_is_named() {
        let error = NotAPlugin::Imports(vec!["wasi:cli/stdout@0.2.0".into(), "clock".into()]);
        assert!(error.to_string().contains("imports `wasi:cli/stdout@0.2.0`, `clock`"));
    }

    #[test]
    fn digest_is_sha_256() {
        let text = Digest::of(b"abc").to_string();
        assert_eq!(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
