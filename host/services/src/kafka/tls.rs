//! A certificate authority and a server's certificate for 127.0.0.1, made anew for each broker with the openssl command.

use crate::ServiceError;
use crate::process::run;
use std::path::Path;
use std::process::Command;

const DAYS: &str = "7";

/// Writes `ca.pem` (for clients), `server.pem` (key, certificate and authority, for the broker), `client.key` and
/// `client.crt` (for clients, as the broker wants a certificate of them) into the folder.
pub(super) fn make(folder: &Path) -> Result<(), ServiceError> {
    let fail = || ServiceError::io("the certificate can't be written");
    std::fs::write(folder.join("server.ext"), "subjectAltName=IP:127.0.0.1\n").map_err(fail())?;
    let key = ["req", "-newkey", "rsa:2048", "-nodes"];
    openssl(
        folder,
        &[
            &key[..],
            &["-x509", "-days", DAYS, "-subj", "/CN=weir test authority", "-keyout", "ca.key", "-out", "ca.pem"],
        ],
    )?;
    openssl(folder, &[&key[..], &["-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr"]])?;
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    openssl(folder, &[&sign[..], &["-days", DAYS, "-extfile", "server.ext", "-out", "server.crt"]])?;
    // The broker wants one of its clients too.
    openssl(folder, &[&key[..], &["-subj", "/CN=client", "-keyout", "client.key", "-out", "client.csr"]])?;
    let sign = ["x509", "-req", "-in", "client.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    openssl(folder, &[&sign[..], &["-days", DAYS, "-extfile", "server.ext", "-out", "client.crt"]])?;
    let parts: Result<Vec<String>, _> =
        ["server.key", "server.crt", "ca.pem"].iter().map(|name| std::fs::read_to_string(folder.join(name))).collect();
    std::fs::write(folder.join("server.pem"), parts.map_err(fail())?.concat()).map_err(fail())
}

fn openssl(folder: &Path, arguments: &[&[&str]]) -> Result<(), ServiceError> {
    run(Command::new("openssl").args(arguments.concat()).current_dir(folder), "openssl", "openssl").map(drop)
}
