//! Turns a core module (first argument) into a component (second argument), and prints sizes and what it exports.

use std::error::Error;
use wit_component::{ComponentEncoder, DecodedWasm, WitPrinter, decode};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("write: componentise MODULE.wasm COMPONENT.wasm".into());
    };
    let module = std::fs::read(&input)?;
    let component = ComponentEncoder::default().module(&module)?.validate(true).encode()?;
    std::fs::write(&output, &component)?;
    println!("{} bytes of module, {} bytes of component", module.len(), component.len());
    let decoded: DecodedWasm = decode(&component)?;
    let mut printer = WitPrinter::default();
    printer.print(decoded.resolve(), decoded.package(), &[])?;
    println!("{}", printer.output);
    Ok(())
}
