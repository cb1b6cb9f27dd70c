//! Turns a core module (first argument) into a component (second argument) and prints what it imports and exports.

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (input, output) = (
        arguments.next().expect("a core module"),
        arguments.next().expect("a place for the component"),
    );
    let module = std::fs::read(&input).expect("reading the core module");
    let component = wit_component::ComponentEncoder::default()
        .module(&module)
        .expect("a module with its world")
        .validate(true)
        .encode()
        .expect("a component");
    std::fs::write(&output, &component).expect("writing the component");
    println!(
        "{} bytes of module, {} bytes of component",
        module.len(),
        component.len()
    );
    let decoded = wit_component::decode(&component).unwrap();
    let (r, p) = (decoded.resolve(), decoded.package());
    let mut pr = wit_component::WitPrinter::default();
    pr.print(r, p, &[]).unwrap();
    println!("{}", pr.output);
}
